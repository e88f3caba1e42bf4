"""What a client's form says of its people and its life, as far as rules can read it: names, kin, and what is so or not so."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from counseling_sessions.integrity.kin import kin_in_form
from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import words

DATA: dict[str, Any] = read_yaml(Path(__file__).with_name("strict.yaml"))
_TITLES: dict[str, str | list[str]] = DATA["titles"]
_PARTNERS: dict[str, frozenset[str]] = {who: frozenset(listed.split()) for who, listed in DATA["partners"].items()}
_PARTNER = re.compile(rf"(?<!['’]s )\b({'|'.join(word for listed in _PARTNERS.values() for word in listed)})(?!\w)")


@dataclass(frozen=True)
class YesOrNo:
    """A fact that is so or not so: how a form says it, and how a client does."""

    name: str
    field: str
    in_form: re.Pattern[str]
    not_in_form: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    says: re.Pattern[str]
    denies: re.Pattern[str]


@dataclass(frozen=True)
class Facts:
    """What one side knows of the form: `names` are the client's own, in small letters, the first name first.

    `kin` are the kinds of kin by name, `so` and `not_so` the facts that the form has as such, `words` all its words.
    """

    names: tuple[str, ...] = ()
    kin: Mapping[str, set[str]] | None = None
    partners: frozenset[str] = frozenset()
    so: frozenset[str] = frozenset()
    not_so: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()

    @cached_property
    def no_partners(self) -> frozenset[str]:
        """The words for a partner of the other kind than the form's; none where the form has both kinds or neither."""
        named = [who for who, listed in _PARTNERS.items() if listed & self.partners]
        others = [listed for who, listed in _PARTNERS.items() if who not in named]
        return others[0] if len(named) == 1 else frozenset()


@lru_cache(maxsize=1024)
def facts_of(form: str) -> Facts:
    """The facts of a form, or of the part that one side sees, as `Title: value` lines."""
    lines = [line.partition(": ")[::2] for line in form.splitlines()]
    fields = {name: _values(lines, titles) for name, titles in _TITLES.items()}
    so = {fact.name for fact in YES_OR_NO if _is_so(fact, fields[fact.field], form)}
    not_so = {fact.name for fact in YES_OR_NO if _found(fact.not_in_form, fields[fact.field])}
    return Facts(
        names=tuple(words(" ".join(fields["name"]))),
        kin=kin_in_form(form),
        partners=frozenset(_PARTNER.findall(" ".join(fields["kin"]))),
        so=frozenset(so - not_so),
        not_so=frozenset(not_so),
        words=frozenset(words(form)),
    )


def _values(lines: Iterable[tuple[str, ...]], titles: str | list[str]) -> list[str]:
    wanted = [titles] if isinstance(titles, str) else titles
    return [line[1] for line in lines if line[0] in wanted]


def _is_so(fact: YesOrNo, values: list[str], form: str) -> bool:
    return _found(fact.in_form, values) and not _found(fact.unless, [form])


def _found(pattern: re.Pattern[str] | None, values: Iterable[str]) -> bool:
    return pattern is not None and any(map(pattern.search, values))


def _pattern(text: str | None) -> re.Pattern[str] | None:
    return re.compile(text, re.IGNORECASE) if text else None


def _fact(name: str, listed: dict[str, str]) -> YesOrNo:
    in_form, says, denies = (re.compile(listed[key], re.IGNORECASE) for key in ("in_form", "says", "denies"))
    unless, not_in_form = _pattern(listed.get("unless")), _pattern(listed.get("not_in_form"))
    return YesOrNo(name, listed["field"], in_form, not_in_form, unless, says, denies)


YES_OR_NO: tuple[YesOrNo, ...] = tuple(_fact(name, listed) for name, listed in DATA["facts"].items())
