"""What the methods paragraph of a written report leaves unexplained, which the tests of commands share."""

import re

from counseling_sessions.evaluation.report.methods import TITLE


def methods_of(markdown: str) -> str:
    """The paragraph of a report as Markdown."""
    [text] = re.findall(rf"(?ms)^## {TITLE}\n\n(.*?)\n$", markdown.replace("\\", ""))
    return str(text)


def unexplained(markdown: str) -> list[str]:
    """The sentences that only name an interval or a test, since no sentence explains it; and what was left in braces."""
    return re.findall(r"Other (?:intervals|tests): [^.]*\.|\{\w*\}", methods_of(markdown))
