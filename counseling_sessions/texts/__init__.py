"""Texts, whoever wrote them: what is done to one before it is compared, shown or matched."""
