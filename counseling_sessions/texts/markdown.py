"""A foreign text inside Markdown: it stays text, whatever signs are in it."""

from counseling_sessions.texts.harmless import one_line


def plain(text: str) -> str:
    """The text as one line that Markdown and the HTML inside it take for text."""
    return "".join(f"\\{c}" if c in "\\`*_<>[]#" else c for c in one_line(text))


def cell(text: str) -> str:
    """The same for a cell of a table, which a bar would end."""
    return plain(text).replace("|", "\\|")


def code(text: str) -> str:
    """The text as code, in one line."""
    return "`" + one_line(text).replace("`", "'") + "`"
