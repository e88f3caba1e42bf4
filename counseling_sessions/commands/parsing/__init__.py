"""The parser's side of the commands: each is parsed once, into a frozen request. Imports only what is light."""
