"""Defects planted into sessions to find out whether a judge notices, and words that only make sessions longer."""
