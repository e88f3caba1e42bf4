"""A foreign text made harmless for a terminal and a log: no character that commands the terminal, or turns the reading order."""

import re

# Control characters (C0 but tab and line break, DEL, C1), the marks that turn or isolate the reading order, the
# separators that some readers take for line ends, lone surrogates, and the tags block, which nobody sees.
COMMANDS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Every character that is taken off."""
_SEQUENCES = re.compile(
    # CSI and OSC whole, with their parameters: without its beginning the rest of one would be shown as text.
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,16}[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\x9d]{0,4096}(?:\x07|\x1b\\|\x9c)"
)


def harmless(text: str) -> str:
    """The text without terminal commands and marks that turn its reading order; line breaks and tabs stay.

    Every script's letters, joiners and emoji stay, but for the tags in some flags. Doing it twice changes nothing.
    """
    if text.isascii() and text.isprintable():
        return text
    return COMMANDS.sub("", _SEQUENCES.sub("", text))


def one_line(text: str) -> str:
    """The same, as one line: for logs, tables and messages, in which a line break would begin what looks like another entry."""
    return " ".join(harmless(text).split())
