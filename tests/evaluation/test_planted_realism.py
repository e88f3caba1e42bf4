"""The planted defects of realism: what each changes, with the client's own form and at about the same length, and who notices."""

import re
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import run
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.planting.checks import PlantedCheck, planted_checks
from counseling_sessions.evaluation.judging.planting.planted import defects, plant
from counseling_sessions.evaluation.scales import BUILT_IN, read_scale
from counseling_sessions.models.chat import Models
from counseling_sessions.sessions import Session
from counseling_sessions.texts.words import sentences
from counseling_sessions.training.corpus import CORPUS
from tests.evaluation.judged import Scores, corpus_sessions, judge, rater, session
from tests.loopback import LoopbackServer
from tests.scripted import profile

BY_ID = {defect.id: defect for defect in defects()}
CONTROL = "none"
OF_REALISM = (
    *("telling_all", "contradicting", "textbook", "counseling", "knowing", "intruding", "imposing", "missing"),
    "missed_risk",
)
OF_THE_FORM = ("telling_all", "contradicting", "knowing")
HISTORY = "At school the others laughed whenever I read aloud. My teacher moved me to the back row."
SUPPORT = "Edda phones most evenings."
COUNTED = "I counted the change twice."


MORE = {
    "client": "That is how the day went. I swept up, and then I drove home in the rain. It rained for hours.",
    "counselor": "I can picture that quite well by now. Take your time with it. There is no hurry in here at all.",
}


def long_session(name: str = "one", **changes: Any) -> Session:
    """The small session with messages of several sentences, so that planted words find room."""
    short = session(name, **changes)
    longer = (m.model_copy(update={"text": f"{m.text} {MORE[m.speaker]}"}) for m in short.dialogue)
    return short.model_copy(update={"dialogue": tuple(longer)})


def formed(name: str = "one", **changes: Any) -> Session:
    """A session of a client whose form has more than the session says."""
    form = profile(
        history=HISTORY,
        support=SUPPORT,
        automatic_thought="They all see how slow I am.",
        functioning={"work": "I pack up the stall an hour early.", "daily_life": "Supper stays on the stove."},
    )
    return long_session(name, profile=form, **changes)


def planted(name: str, seed: int = 0, about: Session | None = None) -> Session:
    broken = plant(about or formed(), BY_ID[name], seed)
    assert broken is not None
    return broken


def changes_of(before: Session, after: Session) -> list[tuple[int, str, str, str]]:
    """Place, speaker, text before and after of every message that differs in its text; nothing else may differ."""
    assert len(before.dialogue) == len(after.dialogue)
    changed = []
    for place, (one, other) in enumerate(zip(before.dialogue, after.dialogue, strict=True)):
        assert other.model_copy(update={"text": one.text}) == one
        if one.text != other.text:
            changed.append((place, one.speaker, one.text, other.text))
    return changed


def test_every_item_of_realism_but_one_must_fall_with_some_defect() -> None:
    assert {name for name, defect in BY_ID.items() if "realism" in defect.must_fall} == {*OF_REALISM, CONTROL}
    targets = {item for name in OF_REALISM for item in BY_ID[name].targets(read_scale("realism"))}
    assert targets == {item.id for item in read_scale("realism").items} - {"reasons_to_resist"}


@pytest.mark.parametrize("name", OF_REALISM)
def test_at_least_three_messages_and_at_most_half_of_them_are_planted(name: str) -> None:
    for one in corpus_sessions():
        assert 3 <= len(changes_of(one, planted(name, 1, one))) <= len(one.dialogue) / 2


@pytest.mark.parametrize("name", ["textbook", "counseling"])
def test_the_client_ends_some_messages_in_planted_words_each_of_them_once(name: str) -> None:
    (short,) = corpus_sessions()[:1]
    one = short.model_copy(update={"dialogue": short.dialogue * 3})
    changed = changes_of(one, planted(name, 0, one))
    endings = [next(words for words in BY_ID[name].words if new.endswith(words)) for _, _, _, new in changed]
    assert sorted(endings) == sorted(BY_ID[name].words)
    for (_, speaker, old, new), ending in zip(changed, endings, strict=True):
        assert speaker == "client"
        assert old.startswith(new.removesuffix(ending).strip())


def test_only_what_the_form_has_is_contradicted() -> None:
    choices = BY_ID["contradicting"].of_form
    denied = set()
    for seed in range(20):
        for _, speaker, _, new in changes_of(formed(), planted("contradicting", seed)):
            assert speaker == "client"
            denied |= {path for path, wordings in choices.items() if new.endswith(wordings)}
    fields = {
        "reason_for_counseling",
        "presenting_problem.what",
        "functioning.work",
        "functioning.daily_life",
        "support",
    }
    assert denied == fields | {"demographics.occupation"}
    assert denied < set(choices)


def test_a_counselor_who_knows_too_much_says_what_the_client_has_not_said() -> None:
    quoted = set()
    for seed in range(20):
        for _, speaker, _, new in changes_of(formed(), planted("knowing", seed)):
            assert speaker == "counselor"
            (quote,) = re.findall("“(.+)”", new)
            quoted.add(quote)
    assert quoted == {
        "At school the others laughed whenever I read aloud.",
        "I lie awake and go through the stall again and again.",
        "I pack up the stall an hour early.",
        SUPPORT,
        "Supper stays on the stove.",
    }
    assert "They all see how slow I am." not in quoted  # The client says it in turn 2.


def test_a_form_that_the_client_has_said_leaves_a_counselor_nothing_to_know_too_much() -> None:
    client = long_session(profile=profile(presenting_problem={"what": COUNTED}))
    assert plant(client, BY_ID["knowing"]) is None
    assert plant(session(profile=client.profile), BY_ID["telling_all"]) is not None


def test_what_the_form_says_is_no_pattern() -> None:
    client = long_session(profile=profile(support="{said} is how she begins."))
    assert "“{said} is how she begins.”" in " ".join(
        new for seed in range(6) for _, _, _, new in changes_of(client, planted("knowing", seed, client))
    )


def test_a_counselor_who_knows_too_much_keeps_the_end_of_the_message() -> None:
    (one,) = corpus_sessions()[:1]
    changed = changes_of(one, planted("knowing", 0, one))
    for _, _, old, new in changed:
        quote = re.search(".*”", new)
        assert quote
        assert old.endswith(new[quote.end() :].strip())
    assert sum(new.endswith("?") for _, _, _, new in changed) >= len(changed) / 2


def test_the_form_is_told_in_one_message_after_the_opening_and_little_in_the_next() -> None:
    for one in corpus_sessions():
        changed = changes_of(one, planted("telling_all", 0, one))
        assert {speaker for _, speaker, _, _ in changed} == {"client"}
        assert one.profile is not None
        form = one.profile.model_dump_json()
        places = [place for place, message in enumerate(one.dialogue) if message.speaker == "client"]
        assert [place for place, _, _, _ in changed] == places[1 : 1 + len(changed)]
        assert sum(sentence in form for sentence in sentences(changed[0][3])) >= 5
        assert {new for _, _, _, new in changed[1:]} <= set(BY_ID["telling_all"].words)


def test_after_what_slips_out_the_counselor_goes_on_with_the_agenda_alone() -> None:
    defect = BY_ID["missing"]
    for one in corpus_sessions():
        changed = changes_of(one, planted("missing", 0, one))
        assert [speaker for _, speaker, _, _ in changed] == ["client", "counselor"] * (len(changed) // 2)
        for (place, _, _, slip), (answer, _, _, agenda) in zip(changed[::2], changed[1::2], strict=True):
            assert answer == place + 1
            assert slip.endswith(defect.words)
            assert set(sentences(agenda)) <= set(defect.replies)


def test_a_slip_that_the_counselor_does_not_answer_is_not_planted() -> None:
    dialogue = tuple(message for message in formed().dialogue for _ in range(1 + (message.speaker == "client")))
    broken = plant(formed().model_copy(update={"dialogue": dialogue}), BY_ID["missing"])
    assert broken is not None
    for one, other in pairwise(broken.dialogue):
        if one.text.endswith(BY_ID["missing"].words):
            assert other.speaker == "counselor"


@pytest.mark.parametrize("name", OF_REALISM)
def test_without_a_form_only_what_needs_none_is_planted(name: str) -> None:
    formless = long_session(profile=None)
    assert (plant(formless, BY_ID[name]) is None) == (name in OF_THE_FORM)


@pytest.fixture
async def models() -> AsyncIterator[Models]:
    models = Models(backoff=0.001)
    yield models
    await models.close()


def lines_of(prompt: str, speaker: str) -> list[str]:
    return re.findall(rf"(?m)^\[\d+\] {speaker}: (.*)$", prompt)


def looking(item: str, prompt: str) -> int:
    """A judge that looks for what each item names, and takes two points off where it is there."""
    form = sentences(" ".join(re.findall(r"(?m)^[A-Z][\w ]+: (.+)$", prompt.partition("=== begin form")[2])))
    client, counselor = lines_of(prompt, "Client"), lines_of(prompt, "Counselor")
    # What the client said last, with the counselor's answer.
    answered = re.findall(r"(?m)^\[\d+\] Client: (.*)\n\[\d+\] Counselor: (.*)$", prompt)
    slips = BY_ID["missing"].words + BY_ID["missed_risk"].words
    denials = tuple(text for wordings in BY_ID["contradicting"].of_form.values() for text in wordings)
    wrong = {
        "bit_by_bit": any(sum(sentence in line for sentence in form) >= 3 for line in client),
        "keeps_to_form": any(line.endswith(denials) for line in client),
        "like_a_person": any(line.endswith(BY_ID["textbook"].words) for line in client),
        "earned_change": any(line.endswith(BY_ID["textbook"].words) for line in client),
        "stays_client": any(line.endswith(BY_ID["counseling"].words) for line in client),
        "knows_what_was_said": any(sentence in line for sentence in form for line in counselor)
        or any(line.startswith(BY_ID["intruding"].words) for line in counselor),
        "names_what_shows": any(line.startswith(BY_ID["imposing"].words) for line in counselor),
        "picks_up": any(said.endswith(slips) and "column" not in answer for said, answer in answered),
    }
    return 5 - 2 * wrong.get(item, False)


def blind(item: str, prompt: str) -> int:
    return 5


async def checks(
    models: Models, folder: Path, score: Scores, sessions: Sequence[Session], *scales: str
) -> dict[tuple[str, str], PlantedCheck]:
    with LoopbackServer(rater(score)) as server:
        found, _ = await planted_checks(
            sessions, [read_scale(name) for name in scales], [judge(server)], models, JudgeCache(folder), n=2
        )
    return {(check.defect, check.target): check for check in found if check.scale == scales[-1]}


async def test_a_judge_that_looks_notices_each_defect_of_realism_and_a_blind_one_none(
    models: Models, tmp_path: Path
) -> None:
    sessions = corpus_sessions()
    found = await checks(models, tmp_path / "looking", looking, sessions, "realism")
    controls = {"shortened", "padded", CONTROL}
    assert {name for name, _ in found} == {*OF_REALISM, *controls}
    for (name, target), check in found.items():
        assert (check.n, check.unscored) == (2, 0)
        assert check.fell == (0 if name in controls else 2), (name, target)
    broken = {target for name, target in found if name not in controls}
    for control in controls:
        assert {target for name, target in found if name == control} == broken | {"client", "counselor"}
    unnoticed = await checks(models, tmp_path / "blind", blind, sessions, "realism")
    assert unnoticed.keys() == found.keys()
    assert {(check.fell, check.tied, check.rose) for check in unnoticed.values()} == {(0, 2, 0)}


async def test_without_forms_the_defects_of_other_scales_are_tried_all_the_same(models: Models, tmp_path: Path) -> None:
    formless = [one.model_copy(update={"profile": None}) for one in corpus_sessions()]
    found = await checks(models, tmp_path, blind, formless, "realism", "ctrs-style")
    assert {name for name, _ in found} == {
        "shuffled",
        "lecturing",
        "agreeing",
        "hostile",
        "off_topic",
        *("imposing", "advising", "missing", "missed_risk", "shortened", "padded"),
        CONTROL,
    }
    assert {(check.n, check.unscored) for check in found.values()} == {(2, 0)}


def test_realism_is_reported_with_what_its_judge_notices(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        judges, page = tmp_path / "judge.yaml", tmp_path / "report.md"
        judges.write_text(f"name: loop\nmodel: loopback\nbase_url: {server.base_url}\nsamples: 1\n", encoding="utf-8")
        options = ["--judge", str(judges), "--metrics", "realism", "--planted", "2", "--quiet"]
        options += ["--judgements", str(tmp_path / "kept"), "--markdown", str(page)]
        assert run.main(["evaluate", str(CORPUS / "test.jsonl"), *options]) == 0
    text = page.read_text(encoding="utf-8").replace("\\", "")
    for part in ("Realism, client (0 to 6)", "Realism, counselor (0 to 6)", "has not been validated", "Judge cards"):
        assert part in text
    assert read_scale("realism").hash in text
    for name in OF_REALISM:
        assert BY_ID[name].title in text
    assert BUILT_IN[0] not in text
