"""The prompts: Markdown templates, one file a prompt, with `## name` headings where a prompt has several sections.

A template's variables are written `{{name}}`. They are filled in one pass, so that text in a value is never read as a
template; a missing or an unknown variable is an error.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

FOLDERS: list[Path] = [Path(__file__).parent]
"""Where prompts are looked for, in this order."""

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_HEADING = re.compile(r"^## (\w+)[ \t]*$", re.MULTILINE)


class PromptError(LookupError):
    """A prompt, a section of it or a variable that is not there."""


def prompt(name: str, section: str = "", /, **variables: object) -> str:
    """Fill a section of the prompt `name` (a path without suffix; section "" is the text before any heading).

    Raises `PromptError` when the prompt, the section or a variable is missing, or a variable is not in the template.
    """
    sections = _sections(name)
    if section not in sections:
        raise PromptError(f"prompt {name!r} has no section {section!r}; it has {sorted(sections)}")
    template = sections[section]
    wanted = set(_VARIABLE.findall(template))
    if missing := wanted - variables.keys():
        raise PromptError(f"prompt {name!r}: missing variable {', '.join(sorted(missing))}")
    if unknown := variables.keys() - wanted:
        raise PromptError(f"prompt {name!r}: unknown variable {', '.join(sorted(unknown))}")
    return _VARIABLE.sub(lambda match: str(variables[match[1]]), template)


def has_prompt(name: str) -> bool:
    """Whether a prompt of this name exists."""
    return any((folder / f"{name}.md").is_file() for folder in FOLDERS)


@cache
def prompt_hashes() -> dict[str, str]:
    """The first 12 hexadecimal digits of every prompt's SHA-256, by name: provenance of a session."""
    hashes = {}
    for folder in reversed(FOLDERS):
        for path in sorted(folder.rglob("*.md")):
            hashes[path.relative_to(folder).with_suffix("").as_posix()] = _digest(path)
    return dict(sorted(hashes.items()))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@cache
def _sections(name: str) -> dict[str, str]:
    for folder in FOLDERS:
        path = folder / f"{name}.md"
        if path.is_file():
            break
    else:
        raise PromptError(f"no prompt {name!r} under {', '.join(map(str, FOLDERS))}")
    head, *rest = _HEADING.split(path.read_text(encoding="utf-8"))
    return {"": head.strip()} | {title: text.strip() for title, text in zip(rest[::2], rest[1::2], strict=True)}
