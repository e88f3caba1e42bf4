"""Simulated psychological counseling sessions: a LangGraph state machine, batches, evaluation, training."""
