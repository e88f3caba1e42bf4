"""What the examples of each format hold, and what they must not."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.generation.exports import chat, export, preference, specialists
from counseling_sessions.generation.exports.magnet import intake_form, session_file
from counseling_sessions.generation.exports.writers import Rows
from counseling_sessions.profiles.intake_form import parse_intake_form
from counseling_sessions.profiles.library import builtin_ids, load_builtin
from counseling_sessions.profiles.schema import client_form, counselor_information
from counseling_sessions.prompts import prompt
from counseling_sessions.sessions import Session, read_sessions
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.state import Candidate
from tests.generation.exports.sessions import client, of, session, stream
from tests.scripted import profile

SECRET = profile(
    presenting_problem={"what": "secret problem"},
    history="secret history",
    support="secret support",
    attitude="negative",
)


def made(rows: Rows, record: SessionRecord) -> list[dict[str, Any]]:
    return list(rows(record, "group", Counter()))


@pytest.mark.parametrize("opened", [True, False])
def test_openai_chat_is_what_the_service_takes(opened: bool) -> None:
    record = session() if opened else of(profile(opening=None), opening=())
    [row] = made(chat.openai_rows, record)
    assert list(row) == ["messages"]
    roles = [message["role"] for message in row["messages"]]
    assert roles == ["system", *["user", "assistant"] * (len(roles) // 2)]
    assert all(message["content"].strip() for message in row["messages"])
    said = [message["content"] for message in row["messages"][2:]]
    assert said == [utterance.text for utterance in record.dialogue]
    assert counselor_information(record.profile) in row["messages"][1]["content"]


def test_sharegpt_begins_with_the_human_and_alternates() -> None:
    record = session()
    [row] = made(chat.sharegpt_rows, record)
    assert row["id"] == record.session_id
    speakers = [turn["from"] for turn in row["conversations"]]
    assert speakers == ["system", *["human", "gpt"] * (len(speakers) // 2)]
    assert [turn["value"] for turn in row["conversations"][2:]] == [said.text for said in record.dialogue]


@pytest.mark.parametrize("rows", [chat.openai_rows, chat.sharegpt_rows, preference.rows])
def test_the_counselor_is_given_nothing_it_may_not_know(rows: Rows) -> None:
    examples = made(rows, of(SECRET, attitude="negative"))
    assert examples
    text = json.dumps(examples)
    assert "secret" not in text
    assert "Reason for coming" in text
    for attitude in ("positive", "neutral", "negative"):
        assert prompt("client/system", attitude)[:40] not in text


def test_of_the_specialists_only_the_client_has_the_form() -> None:
    rows = made(specialists.rows, of(SECRET, attitude="negative"))
    assert {row["role"] for row in rows if "secret" in json.dumps(row["prompt"])} == {"client"}
    assert {row["role"] for row in rows} == {"plan", "router", "reflection", "questioning", "merge", "client"}
    assert all(row["as_sent"] for row in rows)


def test_an_example_of_a_specialist_ends_with_the_user_and_is_answered() -> None:
    counts: Counter[str] = Counter()
    rows = list(specialists.rows(session(), "group", counts))
    assert all(row["prompt"][0]["role"] == "system" and row["prompt"][-1]["role"] == "user" for row in rows)
    assert all([m["role"] for m in row["completion"]] == ["assistant"] for row in rows)
    assert counts["examples of reflection"] == 2
    assert counts["examples of merge"] == 3  # two turns and the closing
    assert counts["sessions whose prompts have changed since"] == 0


@pytest.mark.parametrize("method", ["magnet", "single"])
def test_examples_out_of_the_corpus_are_in_the_prompts_that_were_sent_and_not_in_a_chat(method: str) -> None:
    """A chat is made of one session: other clients' words in it would stand in every split."""
    record = session(method, few_shot=2)
    for row in made(specialists.rows, record):
        assert row["as_sent"]
        label = "Client: " if row["role"] != "client" else "Counselor: "
        assert row["prompt"][0]["content"].count(f"\n{label}") == (
            2 * 6 if label == "Client: " and method == "magnet" else 2
        )
    [row] = made(chat.openai_rows, record)
    assert "Client: " not in row["messages"][0]["content"]
    assert "specialist" not in row["messages"][0]["content"]


def test_a_pair_is_the_utterance_against_a_draft_that_was_left_out() -> None:
    turn = session(fan_out="all").turns[1]
    assert turn.counselor
    assert turn.counselor.call
    kept, *others = turn.candidates
    used = kept.model_copy(update={"text": f"Well. {turn.counselor.text}"})
    lost = Candidate(turn=2, technique="empathy", error="timeout")
    record = session(fan_out="all")
    record = record.model_copy(update={"turns": (turn.model_copy(update={"candidates": (used, *others, lost)}),)})
    counts: Counter[str] = Counter()
    rows = list(preference.rows(record, "group", counts))
    assert [row["technique"] for row in rows] == [draft.technique for draft in others]
    assert [row["picked"] for row in rows] == [True, False, False, False]
    assert counts["drafts that went into the utterance"] == 1
    assert all(row["kept"] < preference.LEFT_OUT for row in rows)
    for row, draft in zip(rows, others, strict=True):
        assert row["chosen"] == [{"role": "assistant", "content": turn.counselor.text}]
        assert row["rejected"] == [{"role": "assistant", "content": draft.text}]
        assert row["prompt"][-1]["role"] == "user"
        assert row["chosen_by"] == turn.counselor.call.model
        assert not any(item.text in json.dumps(row["prompt"]) for item in turn.candidates)


def test_an_utterance_that_no_model_merged_gives_no_pair() -> None:
    record = session(fan_out="all")
    assert made(preference.rows, record)
    by_rule = [
        turn.model_copy(update={"counselor": turn.counselor.model_copy(update={"call": None})})
        for turn in record.turns
        if turn.counselor
    ]
    assert not made(preference.rows, record.model_copy(update={"turns": tuple(by_rule)}))


def test_the_prompt_of_a_pair_holds_the_dialogue_up_to_its_turn() -> None:
    record = session()
    rows = made(preference.rows, record)
    last = json.dumps(next(row["prompt"] for row in rows if row["turn"] == 2))
    first, second = record.turns
    assert first.counselor
    assert first.client
    assert second.counselor
    assert first.counselor.text in last
    assert first.client.text in last
    assert second.counselor.text not in last


def test_magnet_is_the_released_form() -> None:
    data = session_file(session())
    assert list(data) == ["AI_client", "AI_counselor", "cbt_technique", "cbt_plan", "dialogue"]
    assert set(data["AI_counselor"]) == {"CBT", "Response"}
    assert {tuple(message) for message in data["dialogue"]} == {("role", "message")}
    assert [message["role"] for message in data["dialogue"]] == [said.speaker for said in session().dialogue]
    without = session_file(session("single"))
    assert (without["cbt_technique"], without["cbt_plan"]) == ("", "")


@pytest.mark.parametrize("name", builtin_ids())
def test_a_form_loses_nothing_on_its_way_through_text(name: str) -> None:
    profile = load_builtin(name)
    text = intake_form(profile)
    form = parse_intake_form(text)
    assert form.header["name"] == profile.demographics.name
    assert form.sections["reason"] == " ".join(profile.reason_for_counseling.split())
    words = set(client_form(profile).replace(":", " ").split())
    titles = {title for line in client_form(profile).splitlines() for title in line.split(":")[0].split()}
    assert words - titles <= set(text.replace(":", " ").split())


def test_magnet_comes_back_through_the_importer(tmp_path: Path) -> None:
    described = client(
        1,
        demographics={"name": "Ada Test", "age": 30, "relationship": "Single", "family": "Two cats"},
        history="None of note.",
        functioning={"work": "I am slow.", "relationships": "We quarrel.", "daily_life": "I sleep badly."},
        support="My brother.",
    )
    records = [of(described, attitude="positive"), session("single"), of(profile(opening=None), opening=())]
    export(stream(*records), "magnet", tmp_path)
    items = list(read_sessions(tmp_path))
    for record, item in zip(records, items, strict=True):
        assert isinstance(item, Session)
        assert item.id == record.session_id  # as the index beside the files says
        assert [(m.speaker, m.text) for m in item.dialogue] == [(u.speaker, u.text) for u in record.dialogue]
        assert [m.turn for m in item.dialogue] == [u.turn for u in record.dialogue]
        assert item.attitude == record.attitude
        assert item.cbt_technique == (record.plan.technique.value if record.plan else None)
        assert item.profile
        assert item.profile.opening == record.profile.opening
    same = {
        "demographics",
        "reason_for_counseling",
        "presenting_problem",
        "history",
        "functioning",
        "support",
        "opening",
    }
    assert items[0].profile.model_dump(include=same) == described.model_dump(include=same)  # type: ignore[union-attr]
    index = [json.loads(line) for line in (tmp_path / "index.jsonl").read_text().splitlines()]
    assert [entry["session_id"] for entry in index] == [record.session_id for record in records]
    assert [entry["file"] for entry in index] == ["session_1.json", "session_2.json", "session_3.json"]
