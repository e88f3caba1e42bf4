"""What no form of a new client may be: the objections to a written one, by kind and detail. Phrases and patterns match English."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from counseling_sessions.integrity.facts import YES_OR_NO, facts_of
from counseling_sessions.integrity.kin import kin_in_form
from counseling_sessions.integrity.phrases import phrase_in
from counseling_sessions.making.form import LONGEST, SHORTEST, fact_lines
from counseling_sessions.making.likeness import MOST_COPIED, MOST_MEANING_ALIKE, MOST_WORDS_ALIKE, Likeness
from counseling_sessions.making.sampling import Sketch
from counseling_sessions.making.tables import Tables, names_by_list
from counseling_sessions.nodes.risk import find_risk
from counseling_sessions.profiles.schema import ClientProfile, client_form, texts_of
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import normalized, trigrams

GUARDS = ("short", "person", "label", "risk", "fact", "full_name", "severity", "copied", "alike")
"""The kinds of objections; each has its words for the writer in the prompt."""
NOT_OWN_WORDS = frozenset(
    {
        f"demographics.{name}"
        for name in ("name", "gender", "occupation", "education", "relationship", "family", "background")
    }
    | {"id", "source", "attitude", "cognitive_distortion", "opening.counselor", "manner.verbosity", "manner.insight"}
)
"""Texts that are not the client's own words."""
IN_FIRST_PERSON = frozenset(
    {"reason_for_counseling", "presenting_problem.what", "presenting_problem.tried", "support", "strengths"}
)
"""Texts in which every client speaks of itself; elsewhere half a sentence may do."""
_FEWEST_COPIED = 5
"""Words of a note from which on it is copied where it stands in a form word for word."""


@dataclass(frozen=True)
class Objection:
    """Why a form is refused: one of `GUARDS`, and what was seen."""

    kind: str
    detail: str


def objections(
    tables: Tables, sketch: Sketch, profile: ClientProfile, others: Likeness, *, english: bool = True
) -> list[Objection]:
    """All that is wrong with a form; empty for a good one. Without `english` nothing is looked for that needs English words."""
    wrong = [*_of_length(profile), *_of_severity(sketch, profile), *_of_names(profile), *_of_risk(profile)]
    if english:
        wrong += [*_of_words(profile), *_of_facts(tables, sketch, profile)]
    return [*wrong, *_of_copies(tables, sketch, profile, others), *_of_likeness(profile, others)]


def own_words(profile: ClientProfile) -> dict[str, str]:
    """The client's own words by field, with straight apostrophes."""
    return {path: _straight(text) for path, text in texts_of(profile) if path not in NOT_OWN_WORDS}


def _of_length(profile: ClientProfile) -> Iterator[Objection]:
    for path, text in texts_of(profile):
        if path in own_words(profile) and not SHORTEST <= len(text) <= LONGEST:
            yield Objection("short", f"{path}: {len(text)} characters")


def _of_severity(sketch: Sketch, profile: ClientProfile) -> Iterator[Objection]:
    severity, wanted = profile.severity, sketch.values["severity"]
    if severity is None or severity.level != wanted:
        yield Objection("severity", f"together {severity.total if severity else 0}, which is not {wanted}")


def _of_names(profile: ClientProfile) -> Iterator[Objection]:
    name = profile.demographics.name
    for path, text in texts_of(profile):
        if path != "demographics.name" and (match := _first_and_family().search(text.replace(name, ""))):
            yield Objection("full_name", match[0])


def _of_risk(profile: ClientProfile) -> Iterator[Objection]:
    for path, text in texts_of(profile):
        risk = find_risk(text) if path not in ("id", "source") else None
        explicit = risk and risk.wording == "explicit" and risk.source != "check_failed"  # letters without a list
        if explicit or phrase_in("means", _straight(text)):
            yield Objection("risk", path)


def _of_words(profile: ClientProfile) -> Iterator[Objection]:
    for path, text in own_words(profile).items():
        if match := _pattern("labels").search(text):
            yield Objection("label", match[0])
        alone = path in IN_FIRST_PERSON and not _pattern("first_person").search(text)
        if alone or _pattern("of_the_client").search(text):
            yield Objection("person", path)


def _of_facts(tables: Tables, sketch: Sketch, profile: ClientProfile) -> Iterator[Objection]:
    said = own_words(profile)
    for path, text in said.items():
        for match in _pattern("age").finditer(text):
            if int(match[1]) != sketch.age:
                yield Objection("fact", f"{path}: {match[0]}; the age is {sketch.age}")
    signs = tables.value("culture", sketch.values["culture"]).signs
    if not any(sign in (profile.demographics.background or "").casefold() for sign in signs):
        yield Objection("fact", f"background: says nothing of {sketch.values['culture']}")
    facts = facts_of("\n".join(fact_lines(tables, sketch)))
    for fact in YES_OR_NO:
        wrong = fact.denies if fact.name in facts.so else fact.says if fact.name in facts.not_so else None
        for path, text in said.items():
            if wrong and (denied := wrong.search(text)):
                yield Objection("fact", f"{path}: {denied[0]}")
    yield from _of_attributes(sketch, profile, said)
    for name, kinds in kin_in_form(client_form(profile)).items():
        if len(kinds) > 1:
            yield Objection("fact", f"{name.title()} is {' and '.join(sorted(kinds))}")


def _of_attributes(sketch: Sketch, profile: ClientProfile, said: dict[str, str]) -> Iterator[Objection]:
    for attribute, by_value in _data()["facts"].items():
        rule = by_value.get(value := sketch.values[attribute])
        if rule is None or sketch.values["problem"] in rule.get("unless", ()):
            continue
        if must := rule.get("must"):
            text = getattr(profile.demographics, rule["field"]) or ""
            if not re.search(must, _straight(text), re.IGNORECASE):
                yield Objection("fact", f"{rule['field']} does not say: {attribute} {value}")
        for path, text in said.items() if "never" in rule else ():
            if match := re.search(rule["never"], text, re.IGNORECASE):
                yield Objection("fact", f"{path}: {match[0]}; {attribute}: {value}")


def _of_copies(tables: Tables, sketch: Sketch, profile: ClientProfile, others: Likeness) -> Iterator[Objection]:
    nearest = others.by_phrases(profile)
    if nearest.cosine >= MOST_COPIED:
        yield Objection("copied", f"{nearest.cosine:.0%} of the phrases are those of {nearest.name}")
    spoken = f" {normalized(' '.join(own_words(profile).values()))} "
    notes = [sketch.trigger, *(tables.value(name, value).words for name, value in sketch.values.items())]
    for note in notes:
        if len((plain := normalized(note)).split()) >= _FEWEST_COPIED and f" {plain} " in spoken:
            yield Objection("copied", note)
    mine = trigrams(spoken)
    if mine and len(mine & _of_prompt()) / len(mine) >= MOST_COPIED:
        yield Objection("copied", "the instructions")


def _of_likeness(profile: ClientProfile, others: Likeness) -> Iterator[Objection]:
    for nearest, most in (
        (others.by_words(profile), MOST_WORDS_ALIKE),
        (others.by_meaning(profile), MOST_MEANING_ALIKE),
    ):
        if nearest.cosine >= most:
            yield Objection("alike", f"{nearest.name}, {nearest.cosine:.2f}")


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = read_yaml(Path(__file__).with_name("guards.yaml"))
    return data


@cache
def _pattern(name: str) -> re.Pattern[str]:
    listed = _data()[name]
    return re.compile("|".join([listed] if isinstance(listed, str) else listed), re.IGNORECASE)


@cache
def _first_and_family() -> re.Pattern[str]:
    """One of our first names, and a capitalised word after it."""
    firsts = {name for lists in names_by_list().values() for name in (*lists["women"], *lists["men"])}
    return re.compile(rf"\b(?:{'|'.join(sorted(firsts))}) (?:[A-ZÀ-ÖØ-Þ]\w+)\b")


@cache
def _of_prompt() -> frozenset[tuple[str, ...]]:
    return trigrams(prompt("making/form", "system", language="English"))


def _straight(text: str) -> str:
    return text.replace("’", "'").replace("‘", "'")
