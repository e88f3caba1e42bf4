"""Few-shot examples: which exchanges of the corpus stand in which prompt, and what of the corpus never does."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.nodes import examples
from counseling_sessions.nodes.context import client_messages, counselor_messages, technique_task
from counseling_sessions.nodes.examples import check_examples
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.techniques import techniques
from counseling_sessions.profiles.library import load_builtin
from counseling_sessions.profiles.schema import ATTITUDES, ClientProfile, clean, counselor_information, counselor_reason
from counseling_sessions.prompts import prompt
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import SessionConfig, SettingsError
from counseling_sessions.state import ClientView, CounselorView
from tests.scripted import Asked, Sensible, config, profile, scripted_models

ALL = tuple(techniques())
LAYOUTS = ("shared", "separate")
Write = Callable[..., None]


def counselor_system(who: ClientProfile, settings: SessionConfig, role: str = "", task: str = "Go on.") -> str:
    """The system message of a counselor-side call."""
    view = CounselorView(client_information=counselor_information(who), reason_for_counseling=counselor_reason(who))
    return str(counselor_messages(view, settings, task, role)[0].text)


def client_system(who: ClientProfile, settings: SessionConfig, attitude: Any = "neutral") -> str:
    """The client's system message."""
    return str(client_messages(ClientView(profile=who, attitude=attitude), settings, "Answer.")[0].text)


def shown(system: str) -> list[tuple[str, str]]:
    """The exchanges in a system message: the last words of the other, and what came of them (with drafts, if there are)."""
    both = r"^(?:Client|Counselor): (.+)\n((?:- .+\n)*(?:Counselor|Client): .+)"
    return re.findall(both, system, re.MULTILINE)


def real() -> list[SessionRecord]:
    lines = (examples.CORPUS / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [SessionRecord.model_validate_json(line) for line in lines]


def said_in(record: SessionRecord) -> set[str]:
    """All that is said and drafted in a session."""
    drafts = {draft.text for turn in record.turns for draft in turn.candidates}
    return {clean(text) for text in drafts | {said.text for said in record.dialogue}}


def written(
    number: int,
    attitude: str = "neutral",
    picked: Sequence[str] = ("reflection", "questioning"),
    form: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A session of five turns with a client of its own, in which every text tells where it stands."""

    def told(what: str, turn: int) -> str:
        return f"Here is {what} of turn {turn} in session {number}, told in fifteen words or some more of them."

    def utterance(turn: int, speaker: str) -> dict[str, Any]:
        return {"turn": turn, "speaker": speaker, "text": told(f"the {speaker}", turn)}

    drafted = ("reflection", "questioning", "solutions")
    turns = [
        {
            "turn": turn,
            "phase": "working",
            "pick": {"turn": turn, "phase": "working", "techniques": picked, "source": "llm"},
            "candidates": [{"turn": turn, "technique": name, "text": told(name, turn)} for name in drafted],
            "counselor": utterance(turn, "counselor"),
            "client": utterance(turn, "client"),
        }
        for turn in range(1, 6)
    ]
    own = {"demographics": {"name": f"Nobody{number} Else"}, "reason_for_counseling": f"I lost my key {number} times."}
    who = profile(**{"id": f"client-{number}"} | own | (form or {}))
    return {
        "session_id": f"s{number}",
        "status": "finished",
        "end_reason": "resolved",
        "profile_id": who.id,
        "profile": who.model_dump(mode="json"),
        "attitude": attitude,
        "configuration": {},
        "provenance": {"configuration_hash": "", "prompt_hashes": {}, "packages": {}, "python": "", "platform": ""},
        "started_at": "",
        "finished_at": "",
        "seconds": 0,
        "opening": [utterance(0, "counselor"), utterance(0, "client")],
        "turns": turns,
    }


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Puts another corpus in place: the sessions that it is called with."""
    monkeypatch.setattr(examples, "CORPUS", tmp_path)

    def write(*sessions: dict[str, Any]) -> None:
        lines = [SessionRecord.model_validate(session).model_dump_json() + "\n" for session in sessions]
        (tmp_path / "train.jsonl").write_text("".join(lines), encoding="utf-8")

    return write


# What a prompt has of them


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("method", METHODS)
def test_without_few_shot_a_prompt_is_what_it_was_and_with_it_the_same_and_examples_after_it(
    method: str, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = CounselorView(client_information="Name: Ada Test", reason_for_counseling="Sleep.")
    client = ClientView(profile=profile(), attitude="negative")

    def messages(**options: Any) -> list[list[tuple[str, str]]]:
        settings = config(method=method, prompt_layout=layout, techniques=ALL, **options)
        calls = [
            counselor_messages(view, settings, f"As {role}.", role) for role in (*ALL, "merge", "counselor", "plan")
        ]
        calls.append(client_messages(client, settings, "Time is up."))
        return [[(message.type, str(message.text)) for message in call] for call in calls]

    with_examples = messages(few_shot=2)
    monkeypatch.setattr(examples, "CORPUS", Path("/nowhere"))
    without = messages()
    assert messages(few_shot=0) == without
    added = 0
    for (first, *rest), (first_before, *rest_before) in zip(with_examples, without, strict=True):
        assert rest == rest_before
        assert first[1].startswith(first_before[1])
        more = first[1].removeprefix(first_before[1])
        assert not more or re.match(r"\n\n(Examples from sessions|This is how other clients)", more)
        added += bool(more)
    assert added == (len(without) if layout == "shared" else len(without) - 1)  # all but the plan's


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_each_technique_and_the_merge_have_so_many_examples_of_different_clients(count: int) -> None:
    system = counselor_system(profile(), config(techniques=ALL, few_shot=count))
    groups = re.split(
        r"^What (?:the (.+) specialist drafts|becomes of drafts when you speak yourself):$", system, flags=re.M
    )
    names = [name and name.replace(" ", "_") for name in groups[1::2]]
    assert names == [*ALL, None]
    by = {text: record.profile_id for record in real() for text in said_in(record)}
    for name, group in zip(names, groups[2::2], strict=True):
        exchanges = shown(group)
        assert len(exchanges) == count
        assert len({by[said] for said, _ in exchanges}) == count
        drafts = [re.findall(r"^- (\w+): ", answer, re.M) for _, answer in exchanges]
        assert all(len(named) >= 2 for named in drafts) if name is None else not any(drafts)


def test_a_draft_is_the_technique_s_and_answers_what_stands_before_it() -> None:
    asked, drafted = {}, {}
    for record in real():
        before = record.opening[-1].text if record.opening else ""
        for turn in record.turns:
            for draft in turn.candidates:
                drafted[clean(draft.text)] = draft.technique
                asked[clean(draft.text)] = clean(before)
            assert turn.client
            before = turn.client.text
    for name in ALL:
        settings = config(techniques=ALL, few_shot=4, prompt_layout="separate")
        for said, answer in shown(counselor_system(profile(), settings, name)):
            text = answer.removeprefix("Counselor: ")
            assert (drafted[text], asked[text]) == (name, said)


@pytest.mark.parametrize("method", ["single", "single-plan"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_one_counselor_of_a_baseline_has_exchanges_alone(method: str, layout: str) -> None:
    system = counselor_system(profile(), config(method=method, prompt_layout=layout, few_shot=3), "counselor")
    exchanges = shown(system)
    assert len(exchanges) == 3
    assert system.count("Client: ") == 3
    assert "specialist" not in system
    spoken = {clean(said.text) for record in real() for said in record.dialogue if said.speaker == "counselor"}
    assert {answer.removeprefix("Counselor: ") for _, answer in exchanges} < spoken


@pytest.mark.parametrize("attitude", ATTITUDES)
def test_the_client_is_shown_clients_of_its_own_attitude(attitude: str) -> None:
    exchanges = shown(client_system(profile(), config(few_shot=3), attitude))
    records = [
        [record for record in real() if any(turn.client and clean(turn.client.text) == reply for turn in record.turns)]
        for reply in (answer.removeprefix("Client: ") for _, answer in exchanges)
    ]  # a few words may be several clients'
    assert all(attitude in {record.attitude for record in said} for said in records)
    assert len(set().union(*({record.profile_id for record in said} for said in records))) >= 3


def test_in_the_separate_layout_a_call_has_the_examples_of_its_role_and_no_others() -> None:
    settings = config(prompt_layout="separate", few_shot=2)
    systems = {
        role: counselor_system(profile(), settings, role, "Do it.")
        for role in (*settings.techniques, "merge", "plan", "router")
    }
    assert {role: len(shown(system)) for role, system in systems.items()} == (
        dict.fromkeys((*settings.techniques, "merge"), 2) | {"plan": 0, "router": 0}
    )
    for name in settings.techniques:
        assert f"What the {name} specialist drafts:" in systems[name]
        assert systems[name].count("specialist drafts:") == 1
        assert "What becomes of drafts" not in systems[name]
    assert "specialist drafts:" not in systems["merge"]
    assert "What becomes of drafts" in systems["merge"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("method", METHODS)
async def test_a_session_s_calls_ask_for_the_examples_of_their_roles(method: str, layout: str) -> None:
    settings = config(method=method, prompt_layout=layout, few_shot=1, max_turns=2)
    asked = await prompts_of(profile(), settings)
    specialists = METHODS[method].specialists
    everyone = len(settings.techniques) + 1 if specialists else 1
    for request in asked:
        alone = 0 if request.role in ("plan", "router") else 1
        wanted = 1 if request.role == "client" else everyone if layout == "shared" else alone
        assert len(shown(str(request.messages[0].text))) == wanted, request.role
        if request.role in settings.techniques and layout == "separate":
            assert str(request.messages[0].text).startswith(technique_task(request.role))
            assert f"What the {request.role} specialist drafts:" in str(request.messages[0].text)


async def prompts_of(who: ClientProfile, settings: SessionConfig, attitude: str = "neutral") -> list[Asked]:
    models, asked = scripted_models(Sensible())
    graph = build_session_graph(method=settings.method, models=models)
    state = await graph.ainvoke({"profile": who.model_dump(mode="json"), "attitude": attitude}, context=settings)
    assert not state.get("failure")
    return asked


# For whom


def test_the_text_is_the_same_for_all_clients_who_are_not_in_it() -> None:
    settings = config(techniques=ALL, few_shot=2)
    base = config(techniques=ALL)

    def texts(who: ClientProfile) -> tuple[str, str]:
        return (
            counselor_system(who, settings).removeprefix(counselor_system(who, base)),
            client_system(who, settings).removeprefix(client_system(who, base)),
        )

    first, second = texts(profile()), texts(load_builtin("hannah-new-baby"))  # neither is in train.jsonl
    assert first == second
    views = (CounselorView(reason_for_counseling=reason) for reason in ("Sleep.", "Work."))
    one, other = (examples.counselor_examples(view, settings, ALL) for view in views)
    assert one is other  # made once
    absent = next(
        record.profile for record in real() if not any(said in first[1] for said in said_in(record) if len(said) > 40)
    )
    assert texts(absent)[1] == first[1]  # in the corpus, but not among its neutral examples


@pytest.mark.parametrize("count", [1, 4])
def test_nothing_is_ever_shown_of_the_client_s_own_sessions_and_what_takes_its_place_comes_from_the_order(
    count: int,
) -> None:
    records = real()
    own: dict[str, set[str]] = {}
    for record in records:
        own.setdefault(record.profile_id, set()).update(said_in(record))
    everyone = {record.profile_id: record.profile for record in records}
    stranger = profile()
    replaced = 0

    def check(who: ClientProfile, mine: list[tuple[str, str]], general: list[tuple[str, str]]) -> int:
        assert len(mine) == len(general)
        told = {
            line.partition(": ")[2]
            for exchange in mine
            for line in "\n".join(("x: " + exchange[0], exchange[1])).split("\n")
        }
        others = set[str]().union(*(said for client, said in own.items() if client != who.id))
        assert not told & (own[who.id] - others)  # a few words may be several clients'
        kept = [exchange for exchange in general if exchange[0] not in own[who.id] and exchange in mine]
        gone = [exchange for exchange in general if exchange not in mine]
        assert len(kept) + len(gone) == len(general)
        assert all(said in own[who.id] or answer.split(": ", 1)[1] in own[who.id] for said, answer in gone)
        return len(gone)

    for who in everyone.values():
        for method in ("magnet", "single"):
            settings = config(method=method, techniques=ALL, few_shot=count)
            replaced += check(who, shown(counselor_system(who, settings)), shown(counselor_system(stranger, settings)))
        for attitude in ATTITUDES:
            pair = [shown(client_system(one, settings, attitude)) for one in (who, stranger)]
            replaced += check(who, *pair)
    assert replaced == count * (len(ALL) + 1 + 1 + len(ATTITUDES))  # every example is its own client's once


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "another-id"},
        {"reason_for_counseling": "Something else.", "id": "x"},
        {"demographics": {"name": "abdoulaye  NDIAYE"}},
        {"demographics": {"name": "Someone Else"}, "id": "x"},  # the same story under another name
    ],
)
def test_a_form_that_was_edited_is_still_the_same_client(changed: dict[str, Any]) -> None:
    first = real()[0]
    who = ClientProfile.model_validate(first.profile.model_dump(mode="json") | changed)
    settings = config(techniques=ALL, few_shot=4)
    own = {text for record in real() if record.profile_id == first.profile_id for text in said_in(record)}
    assert any(said in own for said, _ in shown(counselor_system(profile(), settings)))
    for system in (counselor_system(who, settings), client_system(who, settings, "negative")):
        assert not [said for said, _ in shown(system) if said in own]


# Who knows what

FIELDS = (
    "what",
    "since",
    "history",
    "support",
    "automatic_thought",
    "strengths",
    "occupation",
    "reason",
    "source",
    "id",
)


def canary(field: str, number: int) -> str:
    return f"canary{field.replace('_', '')}{number}"


def planted(number: int, attitude: str) -> dict[str, Any]:
    """A session whose client has a canary in every part of the form."""
    mark = {field: canary(field, number) for field in FIELDS}
    parts = {field: mark[field] for field in ("history", "support", "automatic_thought", "strengths", "source", "id")}
    form = parts | {
        "demographics": {"name": canary("name", number), "occupation": mark["occupation"]},
        "reason_for_counseling": mark["reason"],
        "presenting_problem": {"what": mark["what"], "since": mark["since"]},
        "cognitive_distortion": "personalization",
        "labelled_techniques": ["canarylabel"],
        "attitude": attitude,
    }
    return written(number, attitude, form=form) | {"session_id": canary("session", number)}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("method", METHODS)
async def test_nothing_of_a_corpus_client_s_form_or_attitude_is_sent(method: str, layout: str, corpus: Write) -> None:
    corpus(*(planted(number, ATTITUDES[number % 3]) for number in range(9)))
    settings = config(method=method, prompt_layout=layout, few_shot=2, max_turns=2)
    asked = await prompts_of(profile(), settings, ATTITUDES[1])
    assert any("in session " in request.prompt for request in asked)
    for request in asked:
        assert "canary" not in request.prompt
        assert "personalization" not in request.prompt
        if request.role == "client":
            sessions = re.findall(r"in session (\d)", str(request.messages[0].text))
            assert len(sessions) == 4  # two exchanges, both of their sides
            assert {int(number) % 3 for number in sessions} == {1}
            assert "specialist" not in request.prompt
        else:
            assert not [attitude for attitude in ATTITUDES if attitude in request.prompt]
            assert not [a for a in ATTITUDES if prompt("client/system", a)[:60] in request.prompt]
            assert "other clients answered" not in request.prompt


def test_no_part_of_a_form_of_the_corpus_stands_in_a_counselor_s_prompt() -> None:
    systems = [counselor_system(profile(), config(method=m, techniques=ALL, few_shot=4)) for m in ("magnet", "single")]

    def texts(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [text for name, item in value.items() if name != "opening" for text in texts(item)]
        return [value] if isinstance(value, str) and len(value.split()) > 3 else []

    for record in real():
        for text in (*texts(record.profile.model_dump()), record.profile_id, record.session_id):
            assert not [system for system in systems if text in system], text


# Which ones are taken


def test_a_draft_that_was_picked_and_the_middle_of_the_session_come_first(corpus: Write) -> None:
    corpus(written(1, picked=["questioning"]), written(2, picked=["reflection", "solutions"]))
    one = config(prompt_layout="separate", techniques=("reflection", "questioning", "solutions"), few_shot=1)
    assert "session 2" in shown(counselor_system(profile(), one, "reflection"))[0][1]
    assert "session 1" in shown(counselor_system(profile(), one, "questioning"))[0][1]
    # The third of five turns, which answers what the client said in the second; a merge has two drafts where it can.
    assert "turn 3 " in shown(counselor_system(profile(), one, "questioning"))[0][1]
    assert "the client of turn 2 " in shown(counselor_system(profile(), one, "questioning"))[0][0]
    assert "session 2" in shown(counselor_system(profile(), one, "merge"))[0][0]
    both = one.model_copy(update={"few_shot": 2})
    assert ["session 2" in answer for _, answer in shown(counselor_system(profile(), both, "reflection"))] == [
        True,
        False,
    ]


def test_words_with_the_client_s_name_and_short_replies_come_last(corpus: Write) -> None:
    named, short = written(1), written(2)
    for session, said in (
        (named, "My name is Nobody1, and I tell you about it at length, as I always do."),
        (short, "No."),
    ):
        session["turns"][1]["client"]["text"] = said
    corpus(named, short)
    settings = config(method="single", few_shot=2)
    assert [
        "the client of turn 1 " in said or "the client of turn 3 " in said
        for said, _ in shown(counselor_system(profile(), settings))
    ] == [True, True]


def test_a_merge_is_shown_with_the_drafts_that_were_picked_and_only_of_techniques_in_force(corpus: Write) -> None:
    corpus(written(1), written(2, picked=["solutions", "reflection"]))
    [(_, answer)] = shown(
        counselor_system(profile(), config(few_shot=4, techniques=("questioning", "reflection")), "merge")
    )[-1:]
    assert re.findall(r"^- (\w+): Here is (\w+) ", answer, re.M) == [("reflection",) * 2, ("questioning",) * 2]
    merges = config(few_shot=4, techniques=("questioning", "reflection"), prompt_layout="separate")
    assert len(shown(counselor_system(profile(), merges, "merge"))) == 1
    assert len(shown(counselor_system(profile(), merges.model_copy(update={"techniques": ALL}), "merge"))) == 2


def test_the_kinds_begin_with_different_clients() -> None:
    by = {text: record.profile_id for record in real() for text in said_in(record)}
    for count in (1, 2):
        exchanges = shown(counselor_system(profile(), config(techniques=ALL, few_shot=count)))
        assert len({by[said] for said, _ in exchanges}) >= len(exchanges) - count


def test_the_reply_that_ended_a_session_is_no_example(corpus: Write) -> None:
    short = written(1)
    short["turns"] = short["turns"][:1]
    corpus(short, written(2))
    assert "session 1" not in client_system(profile(), config(few_shot=4))


def test_a_session_in_which_risk_is_asked_about_gives_no_example(corpus: Write) -> None:
    asked = written(1)
    asked["turns"][2]["counselor"]["text"] = "Do you have thoughts of ending your life?"
    corpus(asked, written(2))
    both = counselor_system(profile(), config(few_shot=4)) + client_system(profile(), config(few_shot=4))
    assert "session 1" not in both
    assert "session 2" in both


# Where there are none


def test_a_technique_without_examples_has_none_and_the_others_theirs(corpus: Write) -> None:
    corpus(written(1))
    system = counselor_system(profile(), config(techniques=("empathy", "reflection", "questioning"), few_shot=2))
    assert re.findall(r"^What the (\w+) specialist drafts:", system, re.M) == ["reflection", "questioning"]
    assert len(shown(system)) == 3
    alone = config(techniques=("empathy",), few_shot=2)
    assert counselor_system(profile(), alone) == counselor_system(profile(), config(techniques=("empathy",)))
    assert counselor_system(profile(), config(few_shot=1, prompt_layout="separate"), "empathy").count("Client: ") == 0


def test_an_attitude_without_examples_has_none(corpus: Write) -> None:
    corpus(written(1, "negative"))
    assert client_system(profile(), config(few_shot=2), "positive") == client_system(profile(), config(), "positive")


def test_where_all_examples_are_the_client_s_own_there_are_none(corpus: Write) -> None:
    corpus(written(1))
    who = ClientProfile.model_validate(written(1)["profile"])
    assert counselor_system(who, config(few_shot=2)) == counselor_system(who, config())


def test_a_corpus_that_is_not_there_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "CORPUS", tmp_path / "gone")
    check_examples(config())
    with pytest.raises(SettingsError, match=r"few_shot .*gone/train\.jsonl cannot be read: No such file.*few_shot 0"):
        check_examples(config(few_shot=1))
    with pytest.raises(SettingsError, match="cannot be read"):
        counselor_system(profile(), config(few_shot=1))
    with pytest.raises(SettingsError, match="cannot be read"):
        client_system(profile(), config(few_shot=1))


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "has no session"), ("\n\n", "has no session"), ("\n{}\n", "line 2: not a session record: session_id: ")],
)
def test_a_corpus_that_is_no_corpus_is_told(
    text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples, "CORPUS", tmp_path)
    (tmp_path / "train.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=says):
        check_examples(config(few_shot=1))


def test_the_corpus_is_read_once(corpus: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus(*map(written, range(6)))
    settings = config(few_shot=1)
    first = counselor_system(profile(), settings)
    corpus()  # gone by now
    assert counselor_system(profile(id="someone-else", reason_for_counseling="Another reason."), settings) == first
