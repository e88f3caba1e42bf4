"""The protocol for a risk in the graph: from the first sign on it leads, step by step, to a person; a clear no gives the session back."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from counseling_sessions.graph.exchanges import exchanges
from counseling_sessions.graph.fork import fork_head, fork_task, run_fork
from counseling_sessions.graph.record import make_record
from counseling_sessions.graph.replay import replay
from counseling_sessions.graph.session import SessionTask, resume_session, run_session
from counseling_sessions.inspection.risk_line import risk_line
from counseling_sessions.integrity.protocol import drops_safety, steps_in
from counseling_sessions.integrity.spoken import Spoken
from counseling_sessions.models.errors import ModelError
from counseling_sessions.nodes.guards import check
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.protocol.reading import sign_of
from counseling_sessions.nodes.protocol.speaking import FOR_KIND
from counseling_sessions.nodes.risk import find_risk
from counseling_sessions.profiles.library import load_risk, risk_ids
from counseling_sessions.profiles.risk_part import RiskKind
from counseling_sessions.prompts import prompt
from counseling_sessions.sessions.journal_lines import JournalContent, JournalUpdate
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import ModelSettings
from counseling_sessions.state import CounselorView, RiskStep, Utterance
from tests.inner import offering
from tests.scripted import MODELS, Asked, Sensible, config, profile, scripted_models

LEADS = "may be about danger"
SIGN = "Some evenings I think that they would all be better off without me."
SECTIONS = ("ask_thoughts", "level_thoughts", "protective_thoughts", "safety_thoughts", "handover_thoughts")
ANSWERS = (
    "It is the market days that keep me awake.",
    SIGN,
    "Yes. Since the spring, in the evenings.",
    "They come and go, and I would not act on them.",
    "My sister Anna lives two streets away.",
    "Anna can stay with me tonight.",
    "That would be good, I think.",
)


async def run(answers: tuple[str, ...], folder: Path, **options: Any) -> tuple[SessionRecord, list[Asked]]:
    models, asked = scripted_models(Sensible(client=answers))
    settings = config(**{"max_turns": 12, "min_turns": 2, "router": "rules", "risk": "rules", **options})
    task = SessionTask(profile=profile(), attitude="neutral", config=settings)
    return await run_session(task, folder, models), asked


@pytest.mark.parametrize("method", METHODS)
async def test_from_the_first_sign_on_the_protocol_leads_to_a_person(method: str, tmp_path: Path) -> None:
    record, _ = await run(ANSWERS, tmp_path, method=method)
    assert (record.status, record.end_reason) == ("finished", "risk")
    assert [entry.steps for entry in record.risk] == [
        ("acknowledge", "ask"),
        ("acknowledge", "level"),
        ("protective",),
        ("safety",),
        ("handover",),
        ("close",),
    ]
    assert [entry.turn for entry in record.risk] == [3, 4, 5, 6, 7, 8]
    assert record.risk[-1].done == ("ask", "level", "protective", "safety", "handover")
    assert record.closing
    assert record.closing.turn == 8
    # Techniques are off: nothing is picked or drafted from the sign on.
    assert all(turn.pick is None and not turn.candidates for turn in record.turns if turn.turn >= 3)


@pytest.mark.parametrize(
    ("answer", "then"),
    [
        ("Yes.", ("safety",)),
        ("I don't know whether I can keep myself safe.", ("safety",)),
        ("It comes most days. I'm not about to do anything, I'd tell you.", ("protective",)),
        ("No, I would not do that.", ("protective",)),
        ("I would rather not say.", ("level",)),
    ],
)
async def test_who_means_to_act_is_not_asked_what_protects(answer: str, then: tuple[str, ...], tmp_path: Path) -> None:
    record, _ = await run((*ANSWERS[:3], answer, *ANSWERS[4:]), tmp_path)
    assert record.risk[2].steps == then


async def test_each_message_of_the_protocol_takes_its_steps(tmp_path: Path) -> None:
    record, _ = await run(ANSWERS, tmp_path)
    said = {said.turn: said.text for said in record.dialogue if said.speaker == "counselor"}
    for entry in record.risk:
        taken = steps_in(said[entry.turn])
        assert {step for step in entry.steps if step not in ("acknowledge", "close")} <= set(taken), entry


async def test_a_clear_no_gives_the_session_back_to_its_plan(tmp_path: Path) -> None:
    answers = (ANSWERS[0], SIGN, "No, nothing like that.", "I am only tired of the market.", "Yes, that fits.")
    record, _ = await run(answers, tmp_path, max_turns=6)
    assert [(entry.turn, entry.wording, entry.steps) for entry in record.risk] == [
        (3, "unclear", ("acknowledge", "ask")),
        (4, "denied", ("acknowledge",)),
    ]
    assert record.end_reason == "turn_limit"
    assert [turn.turn for turn in record.turns if turn.pick] == [1, 2, 5, 6]


@pytest.mark.parametrize(
    ("answer", "denies"),
    [
        ("No.", True),
        ("No. I don't wish to die, my dear, and I have never thought of harming myself.", True),
        ("No, not really.", False),
        ("No... not today.", False),
        ("No, it's fine, forget it.", False),
        ("No. He would never hurt me if I am back on time.", False),
        ("No. But I do want to die.", False),
        ("Not today. I want to die.", False),
        ("Yes, sometimes.", False),
        ("I don't know.", False),
    ],
)
def test_a_clear_no_may_say_what_it_denies(answer: str, denies: bool) -> None:
    asked = Utterance(turn=1, speaker="counselor", text="Are you having thoughts of suicide?")
    view = CounselorView(utterances=(asked, Utterance(turn=1, speaker="client", text=answer)))
    assert (sign_of(view).wording == "denied") is denies


@pytest.mark.parametrize("kind", get_args(RiskKind))
def test_the_fixed_words_of_each_kind_take_their_step(kind: str) -> None:
    for step in FOR_KIND:
        assert step in steps_in(prompt("protocol/fixed", f"{step}_{kind}")), (step, kind)
        assert drops_safety(prompt("protocol/fixed", f"{step}_{kind}")) is None


async def test_without_a_sign_there_is_the_routine_question_alone(tmp_path: Path) -> None:
    record, asked = await run(("The market.", "The stall.", "No.", "No, nobody."), tmp_path, max_turns=4)
    assert [(one.turn, one.source, one.category, one.steps) for one in record.risk] == [
        (3, "routine", "suicide", ("ask",)),
        (4, "routine", "danger", ("ask",)),
        (5, "rules", "", ()),
    ]
    assert (record.end_reason, record.has_risk) == ("turn_limit", False)
    assert not [request for request in asked if LEADS in request.prompt]
    assert [prompt("protocol/fixed", f"routine_{kind}") for kind in ("thoughts", "danger_from_others")] == [
        turn.counselor.text for turn in record.turns if turn.turn > 2 and turn.counselor
    ]


@pytest.mark.parametrize("risk", ["off", None])
async def test_off_the_session_goes_on_as_if_nothing_was_said(risk: Any, tmp_path: Path) -> None:
    record, _ = await run(ANSWERS, tmp_path, risk=risk, max_turns=6)
    assert record.risk == ()
    assert record.end_reason == "turn_limit"


async def test_a_sign_in_the_last_turn_keeps_the_session_open(tmp_path: Path) -> None:
    record, _ = await run(ANSWERS, tmp_path, max_turns=2)
    assert record.end_reason == "risk"
    assert record.closing
    assert record.closing.turn == 8


async def test_a_sign_in_the_opening_is_met_in_the_first_turn(tmp_path: Path) -> None:
    models, _ = scripted_models(Sensible(client=ANSWERS[2:]))
    opening = {"counselor": "Good morning, Ada.", "client": SIGN}
    for method in ("magnet", "single"):
        task = SessionTask(
            profile=profile(opening=opening), attitude="neutral", config=config(method=method, risk="rules")
        )
        record = await run_session(task, tmp_path / method, models)
        assert record.risk[0].turn == 1


async def test_a_client_who_leaves_hears_where_a_person_can_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offering(monkeypatch)
    leaves = ("I am going now. [END: left]", "No, my bus leaves. [END: left]")
    record, _ = await run((*ANSWERS[:2], *leaves), tmp_path)
    assert record.end_reason == "left"
    assert [entry.steps for entry in record.risk[1:]] == [("stay",), ("handover", "close")]
    assert record.closing
    assert "handover" in steps_in(record.closing.text)


async def test_a_model_can_notice_what_rules_do_not(tmp_path: Path) -> None:
    talk = Sensible(client=("It is the market.", "Next year is for the others."))

    def answer(asked: Asked) -> Any:
        if asked.schema == "risk":
            return '{"risk": "danger_from_others"}' if "Next year" in asked.prompt else '{"risk": "none"}'
        return talk(asked)

    models, _ = scripted_models(answer)
    settings = config(max_turns=12, min_turns=2, router="rules", risk="llm")
    record = await run_session(SessionTask(profile=profile(), attitude="neutral", config=settings), tmp_path, models)
    looked = [(entry.turn, entry.source, entry.wording, entry.category) for entry in record.risk[:3]]
    assert looked[:2] == [(1, "model", "none", ""), (2, "model", "none", "")]
    assert looked[2] == (3, "model", "unclear", "danger")
    # Also a look that saw nothing is on record, with what it cost.
    assert record.usage["risk"].calls == len([entry for entry in record.risk if entry.call]) >= 3
    said = next(turn.counselor for turn in record.turns if turn.turn == 3)
    assert said
    assert prompt("protocol/fixed", "ask_danger_from_others") in said.text


async def test_the_routine_question_comes_where_a_model_saw_nothing(tmp_path: Path) -> None:
    talk = Sensible(client=SMALL)
    models, _ = scripted_models(lambda asked: '{"risk": "none"}' if asked.schema == "risk" else talk(asked))
    settings = config(max_turns=5, router="rules", risk="llm")
    record = await run_session(SessionTask(profile=profile(), attitude="neutral", config=settings), tmp_path, models)
    asked = next(entry for entry in record.risk if entry.steps)
    assert (asked.turn, asked.source, asked.wording) == (4, "routine", "none")
    assert asked.call
    # What is on record of the model's look is its own answer, not what the routine asks about.
    assert [item.answer for item in exchanges(record) if item.role == "risk"][:4] == ['{"risk": "none"}'] * 4
    assert "no new sign (suicide), a question that everybody is asked; to do: ask" in risk_line(asked)


async def test_a_model_that_cannot_be_asked_ends_the_session(tmp_path: Path) -> None:
    talk = Sensible()

    def answer(asked: Asked) -> Any:
        return ModelError("refused", "no such model") if asked.schema == "risk" else talk(asked)

    models, _ = scripted_models(answer)
    settings = config(max_turns=4, router="rules", risk="llm")
    record = await run_session(SessionTask(profile=profile(), attitude="neutral", config=settings), tmp_path, models)
    assert record.failure
    assert (record.failure.stage, record.failure.kind) == ("risk", "refused")


async def test_a_small_model_is_not_asked_whether_there_is_a_risk(tmp_path: Path) -> None:
    _, asked = await run(ANSWERS, tmp_path, risk="llm", strict=True)
    assert not [request for request in asked if request.schema == "risk"]


async def test_small_models_words_are_replaced_by_fixed_ones(tmp_path: Path) -> None:
    record, asked = await run(ANSWERS, tmp_path, strict=True)
    by_protocol = [turn.counselor for turn in record.turns if turn.turn >= 3]
    assert all(said and said.call is None for said in by_protocol)
    assert not [request for request in asked if LEADS in request.prompt]


async def test_the_requests_of_the_protocol_come_back_from_the_record(tmp_path: Path) -> None:
    talk = Sensible(client=ANSWERS)

    def answer(asked: Asked) -> Any:
        sections = (section for section in SECTIONS if prompt("protocol/steps", section) in asked.prompt)
        return prompt("protocol/fixed", next(sections)) if LEADS in asked.prompt else talk(asked)

    models, asked = scripted_models(answer)
    settings = config(max_turns=12, min_turns=2, router="rules", risk="rules")
    record = await run_session(SessionTask(profile=profile(), attitude="neutral", config=settings), tmp_path, models)
    sent = [request.prompt for request in asked if LEADS in request.prompt]
    rebuilt = ["\n".join(str(message.text) for message in item.messages) for item in exchanges(record)]
    assert [text for text in rebuilt if LEADS in text] == sent
    assert len(sent) == 5


SMALL = (
    *("It is the market days.", "The stall opens at six.", "My neighbour sells cheese.", "We had rain all week."),
    *("The van broke down twice.", "I sold few flowers.", "Tulips, mostly."),
)
COURSES: dict[str, tuple[tuple[str, ...], list[tuple[RiskStep, ...]]]] = {
    "agrees": (ANSWERS, [("close",)]),
    "refuses twice": (
        (*ANSWERS[:6], "I don't want that.", "Please leave it."),
        [("agreement",), ("handover", "close")],
    ),
    "leaves": (
        (*ANSWERS[:2], "I am going now. [END: left]", "My bus waits for nobody. [END: left]"),
        [("stay",), ("handover", "close")],
    ),
    "stays": (
        (*ANSWERS[:2], "I am going now. [END: left]", "One minute, then.", *ANSWERS[3:]),
        [("handover",), ("close",)],
    ),
    "routine": (
        (*SMALL, "No.", "No, nobody.", "The rain."),
        [("ask",), ("ask",), ("acknowledge",)],
    ),
}
"""What clients answer, and the last steps that follow."""


def journal_in(folder: Path) -> Path:
    (path,) = folder.glob("*.jsonl")
    return path


@pytest.mark.parametrize("name", COURSES)
async def test_a_session_with_the_protocol_comes_back_from_its_record(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offering(monkeypatch)
    answers, last = COURSES[name]
    record, _ = await run(answers, tmp_path, strict=True)
    assert record.status == "finished"
    assert [entry.steps for entry in record.risk][-len(last) :] == last
    content = read_journal(journal_in(tmp_path))
    updates = [
        JournalUpdate(node=node, at=0.0, update=change) for step in replay(record) for node, change in step.updates
    ]
    back = make_record(JournalContent(content.head, updates))
    assert (back.risk, back.dialogue, back.end_reason) == (record.risk, record.dialogue, record.end_reason)
    led = [entry for entry in record.risk if entry.steps]
    assert [u.node for u in updates if u.node in ("notice", "protocol")] == ["notice", "protocol"] * len(led)


@pytest.mark.parametrize("name", COURSES)
async def test_a_session_that_was_cut_off_in_the_protocol_goes_on_where_it_stood(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offering(monkeypatch)
    answers, _ = COURSES[name]
    whole, _ = await run(answers, tmp_path / "whole", strict=True)
    path = journal_in(tmp_path / "whole")
    lines = path.read_bytes().splitlines(keepends=True)
    cuts = [place for place, line in enumerate(lines, 1) if json.loads(line).get("node") in ("notice", "protocol")]
    for number, cut in enumerate(cuts):
        said = sum(json.loads(line).get("node") == "client" for line in lines[:cut])
        left = tmp_path / f"{number}" / path.name
        left.parent.mkdir()
        left.write_bytes(b"".join(lines[:cut]))
        models, _ = scripted_models(Sensible(client=answers[said:]))
        record = await resume_session(left, models)
        assert ([entry.steps for entry in record.risk], record.end_reason) == (
            [entry.steps for entry in whole.risk],
            whole.end_reason,
        )


async def test_a_fork_in_the_protocol_goes_on_from_what_was_done_before(tmp_path: Path) -> None:
    answers, _ = COURSES["refuses twice"]
    record, _ = await run(answers, tmp_path / "parent", strict=True)
    for turn in range(record.risk[0].turn, record.risk[-1].turn):
        models, _ = scripted_models(Sensible(client=answers[turn - 1 :]))
        fork = await run_fork(fork_head(fork_task(record, turn)), tmp_path / str(turn), models)
        assert [entry.steps for entry in fork.risk] == [entry.steps for entry in record.risk]


def test_the_models_of_the_check_can_be_named() -> None:
    assert config(models={**MODELS, "risk": ModelSettings(model="other")}).model_for("risk").model == "other"


async def test_what_the_counselor_does_alone_may_be_as_long_as_a_closing(tmp_path: Path) -> None:
    answers, _ = COURSES["refuses twice"]
    talk = Sensible(client=answers)
    alone = " ".join(prompt("protocol/fixed", section) for section in ("unagreed", "without_far_thoughts"))
    alone += " I am glad that you came here today."

    def answer(asked: Asked) -> Any:
        return alone if prompt("protocol/steps", "without_far_thoughts") in asked.prompt else talk(asked)

    models, _ = scripted_models(answer)
    settings = config(max_turns=12, min_turns=2, router="rules", risk="rules")
    record = await run_session(SessionTask(profile=profile(), attitude="neutral", config=settings), tmp_path, models)
    assert len(alone.split()) > 80
    assert record.closing
    assert record.closing.text == alone
    assert record.end_reason == "risk"


def spoken(text: str, *steps: RiskStep) -> Spoken:
    return Spoken(text, "counselor", steps=steps)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("That must be so heavy. What happened on Tuesday?", "no ask"),
        ("Are you thinking of suicide? I will tell nobody, I promise.", "secrecy"),
        ("You are not thinking of suicide, are you?", "leading"),
    ],
)
def test_a_message_that_lacks_its_step_or_spoils_it_is_refused(text: str, detail: str) -> None:
    assert [(one.kind, one.detail) for one in check(spoken(text, "ask")) if one.kind == "protocol"] == [
        ("protocol", detail)
    ]
    assert "protocol" not in {one.kind for one in check(Spoken(text, "counselor"))}


def test_a_message_that_takes_its_step_is_not() -> None:
    assert check(spoken("Thank you for saying that. Are you thinking of suicide?", "ask")) == []


def test_the_rules_alone_see_the_first_sign_of_seven_of_the_twelve() -> None:
    """What docs/architecture.md says; the others take a model, or a direct question."""
    assert sum(find_risk(part.sign) is not None for name in risk_ids() if (part := load_risk(name).risk)) == 7
