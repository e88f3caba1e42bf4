"""What can be wrong with one message: the rules, once, for the guards of a running session, the evaluation and the exports."""
