"""Rows of our parquet export, which have more than a dialogue: the client's form, method, plan, picks and states."""

import json
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from counseling_sessions.profiles.documents.paths import at
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.sessions.foreign.errors import FieldError
from counseling_sessions.sessions.session import Message, Session
from counseling_sessions.settings import validation_message
from counseling_sessions.state import Phase, RiskEntry

_COLUMNS = ("session_id", "messages", "profile_json", "configuration_json", "configuration_hash")
_PHASES = get_args(Phase)
_RISK = TypeAdapter(tuple[RiskEntry, ...])


def is_row_of_ours(value: Any) -> bool:
    """Whether a record is a row of our parquet export."""
    return isinstance(value, dict) and all(name in value for name in _COLUMNS)


def session_of_row(row: dict[str, Any], file: str) -> Session:
    """The session of a row: what `session_of` makes of its record, without what the export leaves out. Raises `FieldError`."""
    try:
        configuration = json.loads(row["configuration_json"])
        return Session(
            id=row["session_id"],
            source=file,
            dialogue=_dialogue(row),
            profile=ClientProfile.model_validate_json(row["profile_json"]),
            attitude=row["attitude"],
            cbt_technique=row.get("plan_technique"),
            cbt_plan="\n".join([row["plan_goal"], *row["plan_steps"]]) if row.get("plan_goal") else None,
            method=row["method"],
            seed=row["seed"],
            configuration_hash=row["configuration_hash"],
            models=tuple(sorted({call["model"] for call in row.get("calls") or () if call["model"]})),
            language=row.get("language"),
            end_reason=row.get("end_reason"),
            plan_steps=len(row["plan_steps"]) if row.get("plan_technique") else None,
            revisions=tuple((plan["turn"], len(plan["steps"])) for plan in row.get("revisions") or ()),
            max_turns=at(configuration, "max_turns"),
            risk=tuple(entry for entry in _RISK.validate_python(row.get("risk") or ()) if entry.steps),
        )
    except ValidationError as error:
        raise FieldError("", validation_message(error)) from None
    except (KeyError, TypeError, ValueError) as error:
        raise FieldError("", f"no row of a parquet export: {error}") from None


def _dialogue(row: dict[str, Any]) -> tuple[Message, ...]:
    picks = {pick["turn"]: pick for pick in row.get("picks") or ()}
    states = {state["turn"]: state for state in row.get("client_states") or ()}
    messages = []
    for said in row["messages"]:
        turn, speaker = said["turn"], said["role"]
        message = Message(turn=turn, speaker=speaker, text=said["content"], closing=bool(said.get("closing")))
        more: dict[str, Any] = {}
        if turn == 0 or message.closing:  # the opening and the goodbye belong to no turn
            pass
        elif speaker == "client":
            more = {"openness": states[turn]["openness"]} if turn in states else {}
        else:
            phase = said.get("phase")
            more = {"phase": phase if phase in _PHASES else None}
            if pick := picks.get(turn):
                more |= {"techniques": tuple(pick["techniques"]), "step": pick.get("step")}
        messages.append(message.model_copy(update=more))
    return tuple(messages)
