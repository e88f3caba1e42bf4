"""The report of an evaluation: one document, shown on a terminal, as a page, as Markdown and as JSON."""
