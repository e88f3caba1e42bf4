"""The form in which the MAGneT authors released their sessions: one `session_<n>.json` a session.

`index.jsonl` beside them names each file's session, since the form has no place for that.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from counseling_sessions.generation.exports.writers import Format
from counseling_sessions.profiles.manner import troubles_of
from counseling_sessions.profiles.schema import ClientProfile, counselor_information
from counseling_sessions.prompts import prompt
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.state import Plan

LABELS = {
    "name": "Name",
    "age": "Age",
    "gender": "Gender",
    "occupation": "Occupation",
    "education": "Education",
    "relationship": "Marital Status",
    "family": "Family Details",
}


def session_file(record: SessionRecord) -> dict[str, Any]:
    """A session in the released form. A field that its method lacks, such as a plan, is an empty text."""
    profile = record.profile
    opening = {said.speaker: said.text for said in record.opening}
    first = f"Counselor: {opening['counselor']}\nClient: {opening['client']}" if len(opening) == 2 else ""
    client = {
        "client_information": counselor_information(profile),
        "reason_counseling": profile.reason_for_counseling,
    }
    begun = {
        "dialogue_history_init": first,
        "init_history_counselor": opening.get("counselor", ""),
        "init_history_client": opening.get("client", ""),
    }
    return {
        "AI_client": {
            "intake_form": intake_form(profile),
            "attitude": record.attitude,
            "attitude_instruction": prompt("client/system", record.attitude),
            "dialogue_history_init": first,
            "dialogue_history": None,
        },
        "AI_counselor": {"CBT": client | begun, "Response": client | {"cbt_plan": None, "dialogue_history": None}},
        "cbt_technique": record.plan.technique.value if record.plan else "",
        "cbt_plan": _plan(record.plan) if record.plan else "",
        "dialogue": [{"role": said.speaker, "message": said.text} for said in record.dialogue],
    }


def cactus_record(profile: ClientProfile) -> dict[str, Any]:
    """A profile as a record of CACTUS: the form's text, the attitude if it has one, and the labelled techniques."""
    client: dict[str, Any] = {"intake_form": intake_form(profile)}
    if profile.attitude:
        client["attitude"] = profile.attitude
    cbt = {"client_information": counselor_information(profile), "reason_counseling": profile.reason_for_counseling}
    if profile.opening:
        cbt |= {"init_history_counselor": profile.opening.counselor, "init_history_client": profile.opening.client}
    record: dict[str, Any] = {"AI_client": client, "AI_counselor": {"CBT": cbt}}
    if profile.labelled_techniques:
        record["ground_truth_CBT"] = list(profile.labelled_techniques)
    return record


def intake_form(profile: ClientProfile) -> str:
    """A profile as the text of a CACTUS intake form, such as `profiles.intake_form` takes apart."""
    about = profile.demographics.model_dump()
    problem = profile.presenting_problem
    effects = profile.functioning
    sections: dict[str, list[str | None]] = {
        "Presenting Problem": [problem.what, problem.since, problem.triggers, problem.tried],
        "Reason for Seeking Counseling": [profile.reason_for_counseling],
        "Past History (including medical history)": [profile.history],
        "Academic/occupational functioning level": [
            effects.work,
            effects.relationships and f"Interpersonal relationships: {effects.relationships}",
            effects.daily_life and f"Daily life: {effects.daily_life}",
        ],
        "Social Support System": [profile.support],
        "Other notes": [
            about["background"] and f"Background: {about['background']}",
            profile.automatic_thought and f"Automatic thought: {profile.automatic_thought}",
            profile.strengths and f"Strengths: {profile.strengths}",
            f"Last two weeks: {troubles_of(profile.severity)}" if profile.severity else None,
            profile.other,
        ],
    }
    header = [f"{label}: {about[name]}" for name, label in LABELS.items() if about[name] is not None]
    blocks = ["\n".join(header)]
    for title, lines in sections.items():
        if filled := [" ".join(str(line).split()) for line in lines if line]:
            blocks.append("\n".join([f"{len(blocks) + 1}. {title}", *filled]))
    return "\n\n".join(blocks)


class SessionFiles:
    """Session files, numbered over all splits; a folder a split if there are several."""

    def __init__(self, folder: Path, splits: tuple[str, ...]) -> None:
        self.counts: Counter[str] = Counter()
        self._folder = folder
        self._folders = {split: folder / split if len(splits) > 1 else folder for split in splits}
        for path in self._folders.values():
            path.mkdir(exist_ok=True)
        self._index = (folder / "index.jsonl").open("w", encoding="utf-8", newline="\n")
        self._number = 0

    def add(self, record: SessionRecord, split: str, client: str) -> int:
        self._number += 1
        path = self._folders[split] / f"session_{self._number}.json"
        path.write_text(
            json.dumps(session_file(record), ensure_ascii=False, indent=4) + "\n", encoding="utf-8", newline="\n"
        )
        entry = {
            "file": path.relative_to(self._folder).as_posix(),
            "session_id": record.session_id,
            "profile_id": record.profile_id,
            "client_group": client,
            "method": record.configuration["method"],
            "seed": record.configuration["seed"],
            "end_reason": record.end_reason,
        }
        self._index.write(json.dumps(entry, ensure_ascii=False) + "\n")
        return 1

    def close(self) -> None:
        self._index.close()


def _plan(plan: Plan) -> str:
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(plan.steps, 1))
    return f"Technique: {plan.technique}\nGoal: {plan.goal}\nSteps:\n{steps}"


def _files(splits: tuple[str, ...]) -> str:
    return "{split}/session_*.json" if len(splits) > 1 else "session_*.json"


FORMAT = Format("magnet", _files, SessionFiles)
