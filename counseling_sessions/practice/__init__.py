"""Practising on the terminal: a person is the counselor of a simulated client, or the client of a simulated counselor."""
