"""Parses the text of a CACTUS intake form: a header of `Label: value` lines, then numbered sections.

Only the headings are dropped: `other` keeps all text that belongs to no known field.
"""

import re
from dataclasses import dataclass, field

_HEADER = {
    "name": r"(?:full\s+)?name",
    "age": r"age",
    "gender": r"gender|sex",
    "occupation": r"occupation",
    "education": r"education",
    "relationship": r"marital\s+status|relationship\s+status",
    "family": r"family\s+details?",
}
_SECTIONS = {
    "header": r"(?:client|personal|basic|demographic)\s+(?:information|details)|demographics",
    "problem": r"presenting\s+problems?",
    "reason": r"reasons?\s+for\s+(?:seeking\s+)?counsel+ing",
    "history": r"past\s+history",
    "work": r"(?:academic|occupational|academic\s*/\s*occupational)\s+functioning(?:\s+level)?",
    "relationships": r"interpersonal\s+relationships?",
    "daily_life": r"daily\s+life",
    "support": r"social\s+support(?:\s+system)?",
}
_WORK_LABEL = r"occupational|academic|(?:job|work|school)\s+performance"
_FUNCTIONING = {"work", "relationships", "daily_life"}

_PROBLEM = {
    # The first words of a line place it; a line that is not clear is the problem itself.
    "since": r"""(?:it|(?:these|this|the|my)\s+(?!stress\b)(?:\S+\s+){1,5}?)(?:all\s+)?(?:started|began|arose)\b
        | (?:these|this|the)\s+(?:problems?|issues?)\s+(?:has|have)\s+(?:progressed|worsened|persisted)\b
        | over\s+time\b | since\s+then\b""",
    "triggers": r"""(?:currently,\s+)?I\s+(?:\w+\s+)?experience\b
        | (?:these|this|the)\s+(?:\S+\s+){1,3}?(?:occurs?|happens?|comes?\s+up|pops?\s+up)\b""",
    "tried": r"""(?:to\s+(?:cope|address|deal)\b[^,]*,\s+)?
        I(?:'ve|’ve|\s+have)\s+(?:(?:not|never|also|already)\s+)?(?:yet\s+)?(?:tried|attempted|researched)\b""",
}


def _groups(patterns: dict[str, str]) -> str:
    return "|".join(f"(?P<{name}>{pattern})" for name, pattern in patterns.items())


_EMPHASIS = r"[\s*_]{0,20}"
_BULLET = re.compile(r"^[\s#>*_•·–-]+(?=\S)")
_HEADER_LINE = re.compile(rf"(?:{_groups(_HEADER)}){_EMPHASIS}[:：]{_EMPHASIS}(?P<rest>.*)", re.IGNORECASE)
_LABEL_LINE = re.compile(r"[^\W\d_][^:：.]{0,40}[:：]")
_TITLE_LINE = re.compile(
    rf"(?P<number>\d{{1,9}}[.)]\s{{0,20}})?{_EMPHASIS}(?:{_groups(_SECTIONS)})\b{_EMPHASIS}(?:\(including[^)]*\))?{_EMPHASIS}"
    rf"(?P<colon>[:：])?{_EMPHASIS}(?P<rest>.*)",
    re.IGNORECASE,
)
_WORK_LINE = re.compile(rf"(?:{_WORK_LABEL}){_EMPHASIS}[:：]{_EMPHASIS}(?P<rest>.*)", re.IGNORECASE)
_UNKNOWN_TITLE = re.compile(r"\d+[.)]\s+[^\W\d_](?:[^.?!:]{0,60}|[^.?!:]{0,60}:.*)")
_KINDS = {name: re.compile(pattern, re.IGNORECASE | re.VERBOSE) for name, pattern in _PROBLEM.items()}
_SENTENCE = re.compile(r"(?<=[.?!])\s+")


@dataclass
class IntakeForm:
    """A form's text by field: `header` and `sections` by name, `problem` in its four parts, `other` line by line."""

    header: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    problem: dict[str, str] = field(default_factory=dict)
    other: list[str] = field(default_factory=list)


def parse_intake_form(text: str) -> IntakeForm:
    """Parse a form. Never fails: a text without a heading ends up in `other`."""
    header: dict[str, list[str]] = {}
    sections: dict[str, list[str]] = {}
    current, label = "header", "other"
    for raw in text.splitlines():
        line = _BULLET.sub("", raw).strip()
        current, rest = _section(line, current)
        if not rest.strip("*_#- "):
            continue
        if current == "header":
            label, rest = _header_field(rest, label)
            header.setdefault(label, []).append(rest)
        else:
            sections.setdefault(current, []).append(rest)
    other = header.pop("other", []) + sections.pop("other", [])
    problem = _problem(sections.pop("problem", []))
    return IntakeForm(header=_joined(header), sections=_joined(sections), problem=problem, other=other)


def _section(line: str, current: str) -> tuple[str, str]:
    """The section that a line belongs to, and the line's text without the heading."""
    match = _TITLE_LINE.fullmatch(line)
    if match:
        name = next(name for name in _SECTIONS if match[name])
        rest = match["rest"].strip()
        if match["number"] or match["colon"] or not rest:
            return name, rest
        if current in _FUNCTIONING and name in _FUNCTIONING:
            return name, line
        return current, line
    if current in _FUNCTIONING and (work := _WORK_LINE.fullmatch(line)):
        return "work", work["rest"]
    if _UNKNOWN_TITLE.fullmatch(line):
        return "other", line
    return current, line


def _header_field(line: str, current: str) -> tuple[str, str]:
    """The header field that a line names, or else continues, and the line's value."""
    match = _HEADER_LINE.fullmatch(line)
    if match:
        return next(name for name in _HEADER if match[name]), match["rest"].strip()
    return ("other" if _LABEL_LINE.match(line) else current), line


def _problem(lines: list[str]) -> dict[str, str]:
    """Place the lines of the presenting problem; the first line always says what the problem is."""
    parts: dict[str, list[str]] = {}
    for index, line in enumerate(lines):
        sentences = _SENTENCE.split(line)
        kinds = {name for name, pattern in _KINDS.items() if any(map(pattern.match, sentences))}
        kind = kinds.pop() if index and len(kinds) == 1 else "what"
        parts.setdefault(kind if kind != "what" and _KINDS[kind].match(line) else "what", []).append(line)
    return _joined(parts)


def _joined(parts: dict[str, list[str]]) -> dict[str, str]:
    return {name: text for name, lines in parts.items() if (text := " ".join(filter(None, lines)).strip())}
