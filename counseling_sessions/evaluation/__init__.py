"""The unified evaluation: integrity, diversity, judged scales, preference and their statistics, on anybody's sessions."""
