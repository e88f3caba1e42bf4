"""The prompts: Markdown templates, one file a prompt, with `## name` headings where a prompt has several sections.

A template's variables are written `{{name}}`. They are filled in one pass, so that text in a value is never read as a
template; a missing or an unknown variable is an error. Data about a prompt may stand before it, as front matter.

A process reads all files at its first look at one, and never again: what is edited while it runs is the next one's.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

from counseling_sessions.errors import UserError

FOLDERS: list[Path] = [Path(__file__).parent]
"""Where prompts are looked for, in this order."""

FRONT_MATTER = ": front matter"
"""What follows a prompt's name where its front matter is meant."""

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_FRONT_MATTER = re.compile(r"---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^## (\w+)[ \t]*$", re.MULTILINE)


class PromptError(UserError, LookupError):
    """A prompt, a section of it or a variable that is not there."""


def prompt(name: str, section: str = "", /, **variables: object) -> str:
    """Fill a section of the prompt `name` (a path without suffix; section "" is the text before any heading).

    Raises `PromptError` when the prompt, the section or a variable is missing, or a variable is not in the template.
    """
    sections = _sections(name)
    if section not in sections:
        raise PromptError(f"prompt {name!r} has no section {section!r}; it has {sorted(filter(None, sections))}")
    template = sections[section]
    wanted = set(_VARIABLE.findall(template))
    if missing := wanted - variables.keys():
        raise PromptError(f"prompt {name!r}: missing variable {', '.join(sorted(missing))}")
    if unknown := variables.keys() - wanted:
        raise PromptError(f"prompt {name!r}: unknown variable {', '.join(sorted(unknown))}")
    return _VARIABLE.sub(lambda match: str(variables[match[1]]), template)


def prompt_names() -> list[str]:
    """The names of all the prompts there are, sorted."""
    return sorted(_files())


def front_matter(name: str) -> str:
    """The YAML between two lines of three dashes at the head of the prompt's file; empty where it has none.

    Raises `PromptError` when the prompt is missing.
    """
    return _file(name)[0]


@cache
def prompt_hashes() -> dict[str, str]:
    """The first 12 hexadecimal digits of every prompt's SHA-256, by name: provenance of a session. Front matter does not count."""
    return {name: _hash(_file(name)[1]) for name in prompt_names()}


@cache
def front_matter_hashes() -> dict[str, str]:
    """The same of the front matter of every prompt that has one, by the prompt's name and `FRONT_MATTER`."""
    return {f"{name}{FRONT_MATTER}": _hash(front) for name in prompt_names() if (front := front_matter(name))}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _file(name: str) -> tuple[str, str]:
    if name not in _files():
        raise PromptError(f"no prompt {name!r} under {', '.join(map(str, FOLDERS))}")
    return _files()[name]


@cache
def _files() -> dict[str, tuple[str, str]]:
    """The front matter and the text of every prompt, by name; the first folder that has one counts."""
    files: dict[str, tuple[str, str]] = {}
    for folder in reversed(FOLDERS):
        for path in folder.rglob("*.md"):
            text = path.read_text(encoding="utf-8")
            front = _FRONT_MATTER.match(text)
            name = path.relative_to(folder).with_suffix("").as_posix()
            files[name] = (front[1], text[front.end() :]) if front else ("", text)
    return files


@cache
def _sections(name: str) -> dict[str, str]:
    head, *rest = _HEADING.split(_file(name)[1])
    return {"": head.strip()} | {title: text.strip() for title, text in zip(rest[::2], rest[1::2], strict=True)}
