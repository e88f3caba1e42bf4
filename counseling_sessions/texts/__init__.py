"""Texts of people and models: makes them ready to be compared, shown or matched."""
