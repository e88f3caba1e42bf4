"""The intake record of CACTUS (Lee et al. 2024) and MAGneT: one text form, an opening exchange and labelled techniques.

A record is `{"AI_client": {"intake_form", "attitude", …}, "AI_counselor": {"CBT": {…}}, "ground_truth_CBT": […]}`.
It stands alone, has the further keys of a released session, or is nested under `example`. `profiles.intake_form` parses
the form's text; this module turns the parts into the fields of a `ClientProfile`.
"""

import re
from collections import ChainMap
from typing import Any

from counseling_sessions.profiles.intake_form import IntakeForm, parse_intake_form
from counseling_sessions.profiles.schema import ATTITUDES, PROFILE_LIMIT
from counseling_sessions.texts.normal import normal_form

SOURCE = "CACTUS intake form"

_AGE = re.compile(r"(\d{1,3})(?:\s*[- ]?(?:years?|yrs?|y)(?:[- ]old|\s*/?\s*o)?)?\.?", re.IGNORECASE)
_COUNSELOR = re.compile(r"\s*counsel+or\s*:", re.IGNORECASE)
_CLIENT = re.compile(r"^[^\S\n]*client\s*:", re.IGNORECASE | re.MULTILINE)


class CactusError(ValueError):
    """A required part of the record is missing or has the wrong type; `field` is its path."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def is_cactus(value: dict[str, Any]) -> bool:
    """Whether a record has this shape, by its keys alone."""
    return "AI_client" in _record(value)


def profile_fields(value: dict[str, Any], position: int) -> dict[str, Any]:
    """The fields of a `ClientProfile`, not yet validated.

    `position` counts the records of a read from 1. It makes the id unique, as a client has a record per attitude.
    Raises `CactusError`.
    """
    record = _record(value)
    client = record["AI_client"]
    if not isinstance(client, dict):
        raise CactusError("AI_client", "should be an object")
    form = _form(client)
    counselor = _counselor(record)
    header = parse_intake_form(_text(counselor, "client_information")).header | form.header
    if not header.get("name"):
        raise CactusError("AI_client.intake_form", "has no line 'Name:'")
    attitude = _attitude(client)
    sections = form.sections
    age, notes = _age(header.pop("age", ""))
    fields = {
        "id": "-".join(filter(None, [slug(header["name"]), f"{position:03d}", attitude])),
        "demographics": {**header, "age": age},
        "reason_for_counseling": _reason(form, counselor),
        "presenting_problem": form.problem,
        "functioning": {name: sections.get(name) for name in ("work", "relationships", "daily_life")},
        "history": sections.get("history"),
        "support": sections.get("support"),
        "other": "\n".join([*notes, *form.other]) or None,
        "opening": _opening(client, counselor),
        "attitude": attitude,
        "labelled_techniques": _techniques(value, record),
        "source": SOURCE,
    }
    return {name: field for name, field in fields.items() if field is not None}


def _record(value: dict[str, Any]) -> dict[str, Any]:
    nested = value.get("example")
    return nested if isinstance(nested, dict) and "AI_client" not in value else value


def _form(client: dict[str, Any]) -> IntakeForm:
    text = client.get("intake_form")
    if not isinstance(text, str) or not text.strip():
        raise CactusError("AI_client.intake_form", "should be the text of an intake form")
    form = parse_intake_form(_bounded(text, "AI_client.intake_form"))
    if not form.problem:
        raise CactusError("AI_client.intake_form", "has no section 'Presenting Problem' with text")
    return form


def _counselor(record: dict[str, Any]) -> dict[str, Any]:
    """The CBT agent's part; the other agents' parts fill what it lacks."""
    agents = record.get("AI_counselor")
    parts = [agents.get("CBT"), *agents.values()] if isinstance(agents, dict) else []
    return dict(ChainMap(*(part for part in parts if isinstance(part, dict))))


def _text(part: dict[str, Any], name: str) -> str:
    value = part.get(name)
    return _bounded(value, name).strip() if isinstance(value, str) else ""


def _bounded(text: str, field: str) -> str:
    if len(text) > PROFILE_LIMIT:
        raise CactusError(field, f"{len(text):,} characters; at most {PROFILE_LIMIT:,}")
    return text


def _attitude(client: dict[str, Any]) -> str | None:
    value = client.get("attitude")
    if value is None:
        return None
    attitude = value.strip().lower() if isinstance(value, str) else ""
    if attitude not in ATTITUDES:
        raise CactusError("AI_client.attitude", f"should be one of {', '.join(ATTITUDES)}")
    return attitude


def _age(text: str) -> tuple[int | None, list[str]]:
    """The age in years, or the text as a note if it is not just an age."""
    exact = _AGE.fullmatch(text.strip())
    if exact and int(exact[1]) <= 120:
        return int(exact[1]), []
    return None, [f"Age: {text}"] if text else []


def _reason(form: IntakeForm, counselor: dict[str, Any]) -> str:
    reason = form.sections.get("reason") or _text(counselor, "reason_counseling")
    if not reason:
        raise CactusError("AI_client.intake_form", "has no section 'Reason for Seeking Counseling' with text")
    return reason


def _opening(client: dict[str, Any], counselor: dict[str, Any]) -> dict[str, str] | None:
    messages = _text(counselor, "init_history_counselor"), _text(counselor, "init_history_client")
    if not all(messages):
        messages = _exchange(_text(counselor, "dialogue_history_init") or _text(client, "dialogue_history_init"))
    return {"counselor": messages[0], "client": messages[1]} if all(messages) else None


def _exchange(text: str) -> tuple[str, str]:
    """The two messages of a text that labels them "Counselor:" and "Client:"; empty if it does not."""
    first = _COUNSELOR.match(text)
    second = _CLIENT.search(text, first.end()) if first else None
    if not first or not second:
        return "", ""
    return text[first.end() : second.start()].strip(), text[second.end() :].strip()


def _techniques(value: dict[str, Any], record: dict[str, Any]) -> tuple[str, ...]:
    """The labels without repetition; splits a single text, or a printed list, at commas."""
    labels = record.get("ground_truth_CBT", value.get("ground_truth_CBT"))
    if labels is None:
        return ()
    if isinstance(labels, str):
        labels = re.split(r"[,;\n]", labels.strip().strip("[]"))
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise CactusError("ground_truth_CBT", "should be a text or a list of texts")
    return tuple(dict.fromkeys(name for label in labels if (name := label.strip(" \t\r\n'\""))))


def slug(name: str) -> str:
    """A name as the beginning of an id: small ASCII letters, digits and dashes."""
    ascii_name = normal_form("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:60].rstrip("-") or "client"
