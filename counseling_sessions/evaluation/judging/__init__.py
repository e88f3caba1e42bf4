"""Judging by models: sessions rated on scales, affect before and after, preference between two, and how good the judges are."""
