"""Fine-tuning data: examples of every role out of sessions, whoever made them, in splits by client."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from counseling_sessions.generation.exports import ExportError, Splits
from counseling_sessions.graph.exchanges import as_exchanges
from counseling_sessions.integrity.spoken import split_marker
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.profiles.schema import client_form
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.session import client_group
from counseling_sessions.settings import DEFAULT_TECHNIQUES, SettingsError
from counseling_sessions.state import Candidate, RiskEntry
from counseling_sessions.training.corpus import CORPUS, SPLITS
from counseling_sessions.training.data import (
    DataReport,
    examples_of,
    is_as_embedded,
    prepare,
    read_examples,
)
from counseling_sessions.training.roles import COUNSELOR, chosen_roles, role_names
from counseling_sessions.training.written import read_written
from tests.generation.exports.sessions import client, of, session
from tests.training.prepared import lines, made, text_of, written

ROOT = Path(__file__).parents[2]


def clients_of(folder: Path) -> dict[str, set[str]]:
    return {split: {row["client_group"] for row in lines(folder, split)} for split in SPLITS}


def test_a_folder_of_records_gives_examples_of_every_part(tmp_path: Path) -> None:
    written(tmp_path / "in" / "a.jsonl", of(client(1)), of(client(2)))
    written(tmp_path / "in" / "b.jsonl", of(client(3)))
    report = made(tmp_path / "in", tmp_path / "out")
    rows = lines(tmp_path / "out")
    # A plan; a pick, two drafts, a merge and a reply in each of two turns; the closing is a merge too.
    a_session = {"plan": 1, "router": 2, "reflection": 2, "questioning": 2, "merge": 3, "client": 2}
    assert Counter(row["role"] for row in rows) == {role: 3 * count for role, count in a_session.items()}
    assert report.examples == {"train": {role: 3 * count for role, count in a_session.items()}}
    assert (report.sessions, report.clients) == ({"train": 3}, {"train": 3, "validation": 0, "test": 0})
    closings = [row for row in rows if row["closes"]]
    assert [(row["role"], row["turn"]) for row in closings] == [("merge", 3)] * 3
    assert report.answer_words["train"] == sum(len(row["completion"][0]["content"].split()) for row in rows)
    for row in rows:
        assert [message["role"] for message in row["prompt"][:2]] == ["system", "user"]
        assert row["prompt"][-1]["role"] == "user"
        assert [message["role"] for message in row["completion"]] == ["assistant"]


def test_an_example_is_what_was_said_with_the_prompt_that_asks_for_it(tmp_path: Path) -> None:
    record = of(client(1))
    made(written(tmp_path / "a.jsonl", record), tmp_path / "out")
    rows = lines(tmp_path / "out")
    wanted = [(item.role, item.turn, item.answer, str(item.messages[-1].text)) for item in as_exchanges(record)]
    examples = [
        (row["role"], row["turn"], row["completion"][0]["content"], row["prompt"][-1]["content"]) for row in rows
    ]
    assert examples == wanted
    second = record.turns[1]
    assert second.counselor
    assert second.client
    [reply] = [row for row in rows if row["role"] == "client" and row["turn"] == 2]
    assert second.counselor.text in reply["prompt"][-1]["content"]
    assert split_marker(reply["completion"][0]["content"]).text == second.client.text
    assert second.client.text not in text_of(reply)


def test_as_the_embedded_model_is_asked_a_merge_has_no_reason_and_a_client_no_marker(tmp_path: Path) -> None:
    record = read_written(
        CORPUS / "plain" / "sessions" / "aisling-the-wedding-positive.yaml", CORPUS / "clients", "plain"
    )
    both = {}
    for as_embedded in (False, True):
        out = tmp_path / str(as_embedded)
        report = made(written(tmp_path / "a.jsonl", record), out, as_embedded=as_embedded)
        assert (report.as_embedded, is_as_embedded(out)) == (as_embedded, as_embedded)
        assert ("--as-embedded" in (out / "README.md").read_text()) == as_embedded
        both[as_embedded] = lines(out)
    usual, embedded = both[False], both[True]
    said = [[split_marker(row["completion"][0]["content"]).text for row in rows] for rows in (usual, embedded)]
    assert said[0] == said[1]
    assert not any("[HEARD" in row["completion"][0]["content"] for row in embedded)
    alike = {one["role"] for one, other in zip(usual, embedded, strict=True) if one == other}
    assert alike == {"router"}  # who picks is in every other prompt
    assert all("When you are asked to pick" in text_of(row) for row in embedded if row["role"] == "router")
    assert sum("Asked for now" in text_of(row) for row in usual) > len(record.turns)
    assert not any("Asked for now" in text_of(row) for row in embedded)
    form = client_form(record.profile)
    for row in embedded:
        last = row["prompt"][-1]["content"]
        assert "Asked for now" not in last
        if "you may tell this now" in last:
            thing = last.partition("else leave it: ")[2].partition(")")[0]
            assert thing.partition(". ")[0] in form


def test_a_single_draft_that_is_said_as_it_is_is_no_example_of_a_merge(tmp_path: Path) -> None:
    record = read_written(CORPUS / "sessions" / "clara-old-dog-positive.yaml", CORPUS / "clients")
    made(written(tmp_path / "a.jsonl", record), tmp_path / "out")
    merged = [row["turn"] for row in lines(tmp_path / "out") if row["role"] == "merge"]
    alone = [turn.turn for turn in record.turns if turn.pick and len(turn.pick.techniques) == 1]
    assert alone
    assert sorted({*merged, *alone}) == list(range(1, len(record.turns) + 2))  # the closing is written by the merge too
    assert not {*merged} & {*alone}


def test_only_the_roles_that_were_asked_for_are_there(tmp_path: Path) -> None:
    report = made(written(tmp_path / "a.jsonl", of(client(1))), tmp_path / "out", "client, merge")
    assert report.roles == ["client", "merge"]
    assert Counter(row["role"] for row in lines(tmp_path / "out")) == {"merge": 3, "client": 2}


def test_the_files_are_as_the_report_says(tmp_path: Path) -> None:
    report = made(written(tmp_path / "a.jsonl", *(of(client(n)) for n in range(9))), tmp_path / "out", splits=Splits())
    kept = DataReport.model_validate_json((tmp_path / "out" / "data.json").read_text())
    assert kept == report
    for split in SPLITS:
        path = tmp_path / "out" / f"{split}.jsonl"
        assert report.sha256[split] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert len(read_examples(path)) == sum(report.examples.get(split, {}).values())
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"{report.total:,} examples from 9 sessions" in card
    assert "no client is in two of them" in card


def test_the_one_counselor_comes_out_of_a_session_of_specialists(tmp_path: Path) -> None:
    record = of(client(1))
    made(written(tmp_path / "a.jsonl", record), tmp_path / "out", COUNSELOR)
    rows = lines(tmp_path / "out")
    assert [row["completion"][0]["content"] for row in rows] == [
        said.text for said in record.dialogue if said.speaker == "counselor" and said.turn
    ]
    assert record.plan
    drafts = [draft.text for turn in record.turns for draft in turn.candidates]
    for row in rows:
        assert row["role"] == COUNSELOR
        assert record.plan.goal in text_of(row)
        assert not any(draft in text_of(row) for draft in drafts)
        assert "specialist" not in text_of(row)


def test_a_session_of_one_counselor_gives_its_utterances_once() -> None:
    counts = Counter(item.role for item in examples_of(session("single"), [COUNSELOR, "merge", "client"]))
    assert counts == {COUNSELOR: 3, "client": 2}
    assert Counter(item.role for item in examples_of(session("single-plan"), role_names()))[COUNSELOR] == 3


def test_all_is_every_role_of_magnet() -> None:
    names = ["plan", "router", *DEFAULT_TECHNIQUES, "empathy", "cognitive_restructuring", "merge", "client"]
    assert sorted(chosen_roles("all")) == sorted(names)
    assert chosen_roles("client, all, client")[0] == "client"
    assert len(chosen_roles("client, all, client")) == len(names)
    assert chosen_roles("counselor,client") == ["counselor", "client"]
    with pytest.raises(SettingsError, match="there is no role driver; there are plan, router"):
        chosen_roles("client,driver")
    with pytest.raises(SettingsError, match="name at least one role"):
        chosen_roles(" , ")


def test_the_merge_sees_the_drafts_of_picked_techniques_alone_unless_all_ran() -> None:
    more = Candidate(turn=1, technique="solutions", text="Leave the clock in another room for one night.")
    record = session()
    assert record.turns[0].pick
    assert more.technique not in record.turns[0].pick.techniques
    picked = [draft.text for draft in record.turns[0].candidates]
    turns = (record.turns[0].model_copy(update={"candidates": (more, *record.turns[0].candidates)}), record.turns[1])

    def first_merge(fan_out: str) -> str:
        changed = of(client(1), record, turns=turns, configuration=record.configuration | {"fan_out": fan_out})
        examples = list(examples_of(changed, ["merge", "solutions"]))
        assert [item.answer for item in examples if item.role == "solutions"] == [more.text]
        return "\n".join(str(message.text) for message in examples[1].messages)

    for fan_out in ("selected", "all"):
        assert all(draft in first_merge(fan_out) for draft in picked)
        assert (more.text in first_merge(fan_out)) == (fan_out == "all")


@pytest.mark.parametrize("reason", ["resolved", "left", "turn_limit"])
def test_the_reply_that_ended_a_session_has_its_end_marker(reason: str) -> None:
    record = of(client(1), end_reason=reason)
    first, last = (item.answer for item in examples_of(record, ["client"]))
    said = [turn.client.text for turn in record.turns if turn.client]
    assert first == f"{said[0]} [HEARD: {', '.join(split_marker(first).heard or ['none'])}]"
    end = None if reason == "turn_limit" else reason
    assert split_marker(last)[:2] == (said[1], end)
    assert last.endswith("]" if end is None else f"] [END: {end}]")


def test_a_client_is_in_one_split_under_all_its_attitudes(tmp_path: Path) -> None:
    records = [
        of(client(number), attitude=attitude, session_id=f"{number}-{attitude}")
        for number in range(30)
        for attitude in ("positive", "negative")
    ]
    splits = Splits(train=0.6, validation=0.2, test=0.2)
    source = written(tmp_path / "a.jsonl", *records)
    report = made(source, tmp_path / "out", "client", splits=splits)
    clients = clients_of(tmp_path / "out")
    assert sum(map(len, clients.values())) == len(set().union(*clients.values())) == 30
    assert report.clients == {split: len(who) for split, who in clients.items()}
    assert all(report.sessions[split] == 2 * len(who) for split, who in clients.items())
    made(source, tmp_path / "again", "client", splits=splits, seed=1)
    assert clients_of(tmp_path / "again") != clients


@pytest.mark.parametrize("order", [1, -1], ids=["bound first", "bound last"])
def test_a_client_in_a_file_named_after_a_split_is_there_wherever_else_it_comes_up(order: int, tmp_path: Path) -> None:
    held, both, later, free = map(client, range(1, 5))
    written(tmp_path / "corpus" / "test.jsonl", of(held), of(both))
    written(tmp_path / "corpus" / "train.jsonl", *(of(who, session_id=f"t-{who.id}") for who in (held, later, free)))
    written(tmp_path / "corpus" / "validation.jsonl", of(both, session_id="b-validation"), of(later))
    mixed = (of(who, session_id=f"x-{who.id}") for who in (held, both, later, free))
    sources = [tmp_path / "corpus", written(tmp_path / "others.jsonl", *mixed)][::order]
    # By its hash every client would be in train; in two files, what is held out the most counts.
    report = prepare(sources, tmp_path / "out", ["client"], splits=Splits(train=1, validation=0, test=0))
    clients = clients_of(tmp_path / "out")
    wanted = {"train": {free}, "validation": {later}, "test": {held, both}}
    assert clients == {split: set(map(client_group, who)) for split, who in wanted.items()}
    assert report.sessions == {"train": 2, "validation": 3, "test": 6}


def test_the_corpus_stays_in_its_splits_beside_other_sessions(tmp_path: Path) -> None:
    heldout = [SessionRecord.model_validate_json(line) for line in (CORPUS / "test.jsonl").open(encoding="utf-8")]
    others = written(tmp_path / "others.jsonl", *(of(record.profile) for record in heldout), of(client(1)))
    prepare([CORPUS, others], tmp_path / "out", ["plan"], splits=Splits(train=1, validation=0, test=0))
    clients = clients_of(tmp_path / "out")
    assert clients["test"] == {client_group(record.profile) for record in heldout}
    assert not clients["test"] & (clients["train"] | clients["validation"])
    assert client_group(client(1)) in clients["train"]


def test_clients_that_the_corpus_holds_out_are_held_out_of_all_other_sessions_too(tmp_path: Path) -> None:
    heldout = [SessionRecord.model_validate_json(line) for line in (CORPUS / "test.jsonl").open(encoding="utf-8")]
    others = written(tmp_path / "others.jsonl", *(of(record.profile) for record in heldout), of(client(1)))
    prepare([others], tmp_path / "out", ["client"], splits=Splits(train=1, validation=0, test=0))
    clients = clients_of(tmp_path / "out")
    assert clients["train"] == {client_group(client(1))}
    assert clients["test"] == {client_group(record.profile) for record in heldout}


def test_where_no_session_has_the_role_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="none of the sessions has an example of empathy"):
        made(written(tmp_path / "a.jsonl", of(client(1))), tmp_path / "out", "empathy")
    assert not (tmp_path / "out").exists()


def test_examples_are_replaced_only_when_asked(tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", of(client(1)))
    made(source, tmp_path / "out")
    with pytest.raises(ExportError, match="--overwrite"):
        made(source, tmp_path / "out", "client")
    made(source, tmp_path / "out", "client", overwrite=True)
    assert {row["role"] for row in lines(tmp_path / "out")} == {"client"}


GOOD = {
    "role": "client",
    "session_id": "s",
    "prompt": [{"role": "user", "content": "Hello."}],
    "completion": [{"role": "assistant", "content": "Hi."}],
}


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "3",
        "null",
        "",
        *(json.dumps({name: value for name, value in GOOD.items() if name != gone}) for gone in GOOD),
        json.dumps(GOOD | {"role": ""}),
        json.dumps(GOOD | {"completion": []}),
        json.dumps(GOOD | {"prompt": "Hello."}),
        json.dumps(GOOD | {"prompt": ["Hello."]}),
        json.dumps(GOOD | {"completion": [{"role": "assistant", "content": None}]}),
        json.dumps(GOOD | {"completion": [{"role": "assistant"}]}),
    ],
)
def test_a_line_that_is_no_example_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{line}\n{json.dumps(GOOD)}\n")
    with pytest.raises(ProfileError, match=r"train\.jsonl, line 2: not an example"):
        read_examples(path)


def test_good_examples_are_read_and_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(f"{json.dumps(GOOD)}\n" * 2)
    assert read_examples(tmp_path / "train.jsonl") == [GOOD, GOOD]
    with pytest.raises(ProfileError, match=r"gone\.jsonl cannot be read: No such file"):
        read_examples(tmp_path / "gone.jsonl")
    (tmp_path / "latin.jsonl").write_bytes('{"role": "Café"}'.encode("latin-1"))
    with pytest.raises(ProfileError, match=r"latin\.jsonl cannot be read: it is not UTF-8"):
        read_examples(tmp_path / "latin.jsonl")


def test_data_are_made_where_there_is_no_torch(tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", of(client(1)))
    arguments = ["train", "data", str(source), "--out", str(tmp_path / "out"), "--roles", "client"]
    without = dict.fromkeys(("torch", "transformers", "peft", "gguf", "safetensors"))
    command = f"import sys; sys.modules.update({without!r}); import run; sys.exit(run.main({arguments!r}))"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (
        len(read_examples(tmp_path / "out" / "train.jsonl"))
        + len(read_examples(tmp_path / "out" / "validation.jsonl"))
        + len(read_examples(tmp_path / "out" / "test.jsonl"))
        == 2
    )


def test_a_session_with_a_risk_is_a_decision(tmp_path: Path) -> None:
    entry = RiskEntry(turn=1, wording="explicit", category="suicide", steps=("acknowledge", "ask"))
    at_risk = of(client(2)).model_copy(update={"risk": (entry,)})
    written(tmp_path / "in" / "a.jsonl", of(client(1)), at_risk)
    with pytest.raises(ProfileError, match="it has a risk; --with-risk takes it"):
        prepare([tmp_path / "in"], tmp_path / "out", ["client"])
    left = prepare([tmp_path / "in"], tmp_path / "left", ["client"], skip_invalid=True)
    taken = prepare([tmp_path / "in"], tmp_path / "taken", ["client"], with_risk=True)
    assert (sum(left.sessions.values()), sum(taken.sessions.values())) == (1, 2)
