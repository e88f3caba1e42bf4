"""The form of a new client: the request for it, which is pure, and the profile that an answer makes."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from pydantic import ValidationError

from counseling_sessions.making.sampling import Sketch
from counseling_sessions.making.tables import Tables
from counseling_sessions.models.structured import AnswerSchema, MalformedAnswer
from counseling_sessions.profiles.manner import Severity
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.prompts import prompt, prompt_hashes
from counseling_sessions.settings import validation_message

PROMPT = "making/form"
NOTES = ("family", "background")
"""Fields in the third person."""
TEXTS = (
    *NOTES,
    *("reason_for_counseling", "what", "since", "triggers", "tried", "history", "work", "relationships", "daily_life"),
    *("support", "strengths", "automatic_thought", "closes", "opens", "opening_counselor", "opening_client"),
)
"""The texts that a model writes."""
SHORTEST, LONGEST = 12, 600
"""Characters of one of them."""
_TEXT = {"type": "string", "minLength": SHORTEST, "maxLength": LONGEST}
_TROUBLE = {"type": "integer", "minimum": 0, "maximum": 3}
_TROUBLES = list(Severity.model_fields)
SCHEMA = AnswerSchema(
    "client",
    dict.fromkeys(TEXTS, _TEXT)
    | {
        "severity": {
            "type": "object",
            "properties": dict.fromkeys(_TROUBLES, _TROUBLE),
            "required": _TROUBLES,
            "additionalProperties": False,
        }
    },
)
_TAKEN = ("severity", "distortion", "support", "strength", "verbosity", "insight", "resistance", "attitude", "voice")


def prompt_hash() -> str:
    """The hash of the prompt that forms are written by."""
    return prompt_hashes()[PROMPT]


def form_request(
    tables: Tables, sketch: Sketch, language: str, wrong: Sequence[tuple[str, str]] = ()
) -> list[BaseMessage]:
    """The messages that ask for a form; with what was `wrong` with the last answer, by kind and detail."""
    words = {name: tables.value(name, value).words for name, value in sketch.values.items()}
    task = prompt(
        PROMPT,
        "task",
        facts="\n".join(f"- {line}" for line in fact_lines(tables, sketch)),
        problem=words["problem"],
        trigger=sketch.trigger,
        since=words["since"],
        opens=words["opens"],
        closes=words["closes"],
        **{name: words[name] for name in _TAKEN},
    )
    if wrong:
        reasons = " ".join(prompt(PROMPT, kind, detail=detail) for kind, detail in wrong)
        task = f"{task}\n\n({prompt(PROMPT, 'retry', reasons=reasons)})"
    return [SystemMessage(prompt(PROMPT, "system", language=language)), HumanMessage(task)]


def fact_lines(tables: Tables, sketch: Sketch) -> list[str]:
    """The client's facts as `Title: value` lines, with the titles of a form as far as it has them."""
    words = {name: tables.value(name, value).words for name, value in sketch.values.items()}
    return [
        f"Name: {sketch.name}",
        f"Age: {sketch.age}",
        f"Gender: {sketch.values['gender']}",
        f"Occupation: {occupation(tables, sketch)}",
        f"Education: {education(tables, sketch)}",
        f"Relationship: {words['tie']}",
        f"Family: {words['children']}; lives {_lives(words['home'], sketch)}",
        f"Grew up in: {words['culture']}",
        f"Lives in: {words['place']}",
    ]


def occupation(tables: Tables, sketch: Sketch) -> str:
    """The client's work as its form has it."""
    trade = tables.value("trade", sketch.values["trade"]).words
    return tables.value("work", sketch.values["work"]).words.replace("{trade}", trade)


def education(tables: Tables, sketch: Sketch) -> str:
    """The client's schooling as its form has it; a pupil has not left school yet."""
    return (
        "still at school"
        if sketch.values["work"] == "pupil"
        else tables.value("education", sketch.values["education"]).words
    )


def profile_id(sketch: Sketch, seed: int) -> str:
    """An id out of the first name in plain letters, the seed and the number."""
    plain = unicodedata.normalize("NFKD", sketch.name.partition(" ")[0].lower()).encode("ascii", "ignore").decode()
    return f"{re.sub('[^a-z]', '', plain) or 'client'}-{seed}-{sketch.number:04}"


def profile_of_answer(
    tables: Tables, sketch: Sketch, answer: Mapping[str, Any], *, seed: int, source: str
) -> ClientProfile:
    """The profile that an answer makes of a sketch. Raises `MalformedAnswer` for fields that are missing, odd or too many."""
    if missing := [name for name in SCHEMA.properties if name not in answer]:
        raise MalformedAnswer(f"fields are missing: {', '.join(missing)}")
    if more := [name for name in answer if name not in SCHEMA.properties]:
        raise MalformedAnswer(f"there are no such fields: {', '.join(sorted(more)[:5])}")
    fields = _drawn_fields(tables, sketch) | _written_fields(sketch, answer)
    fields["demographics"] |= {name: answer[name] for name in NOTES}
    try:
        return ClientProfile.model_validate(fields | {"id": profile_id(sketch, seed), "source": source})
    except ValidationError as error:
        raise MalformedAnswer(validation_message(error)[:300]) from None


def _drawn_fields(tables: Tables, sketch: Sketch) -> dict[str, Any]:
    """The fields of a profile that are drawn."""
    values = sketch.values
    return {
        "demographics": {
            "name": sketch.name,
            "age": sketch.age,
            "gender": values["gender"],
            "occupation": occupation(tables, sketch),
            "education": education(tables, sketch),
            "relationship": tables.value("tie", values["tie"]).words,
        },
        "cognitive_distortion": values["distortion"],
        "attitude": values["attitude"],
    }


def _written_fields(sketch: Sketch, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a profile that are written, and the manner, which is both."""
    values = sketch.values
    return {
        **{
            name: answer[name]
            for name in ("reason_for_counseling", "history", "support", "strengths", "automatic_thought")
        },
        "presenting_problem": {name: answer[name] for name in ("what", "since", "triggers", "tried")},
        "functioning": {name: answer[name] for name in ("work", "relationships", "daily_life")},
        "severity": answer["severity"],
        "manner": {
            "verbosity": values["verbosity"],
            "insight": values["insight"],
            "resists_by": (values["resistance"],),
            "closes": answer["closes"],
            "opens": answer["opens"],
        },
        "opening": {"counselor": answer["opening_counselor"], "client": answer["opening_client"]},
    }


def _lives(home: str, sketch: Sketch) -> str:
    if sketch.values["home"] == "with a partner" and sketch.values["children"] in ("none", "grown"):
        return "with the partner alone"
    return home
