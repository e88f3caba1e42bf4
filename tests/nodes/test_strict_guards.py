"""The strict guards at work: off by default, asked again with the reason, what is mended, and what enters when nothing is better."""

import pytest

from counseling_sessions.integrity.spoken import Past, Spoken
from counseling_sessions.integrity.strict import OF_SENTENCES
from counseling_sessions.nodes.attempts import Unusable, Usable
from counseling_sessions.nodes.client import ask_client
from counseling_sessions.nodes.guards import NEVER, STRICT, check, facts_for
from counseling_sessions.nodes.inner import next_state
from counseling_sessions.nodes.mending import repair
from counseling_sessions.nodes.prompt_set import prompt_set, prompts_digest
from counseling_sessions.nodes.speaking import SpeechRequest, counselor_request, speak
from counseling_sessions.profiles.library import load_builtin
from counseling_sessions.state import ClientView, CounselorView, Speaker, Utterance
from counseling_sessions.training.corpus import COLLECTIONS, corpus_records
from tests.scripted import config, said, scripted_models

CLIENT = load_builtin("abdoulaye-accent")
SAID = (
    Utterance(
        turn=1,
        speaker="client",
        text="At nine the matron looks at me, and then my voice gets very quiet on the ward. Before that there is the telephone, and two people laugh.",
    ),
)
ENTERING: dict[str, tuple[Speaker, str]] = {
    "mixed_up": ("counselor", "Your sister Awa calls."),
    "wrong_person": ("counselor", "I feel so anxious."),
    "runs_down": ("counselor", "You are a failure."),
    "contradicts": ("client", "I have no children."),
    "impossible": ("counselor", "Call me when it is over."),
    "rating": ("client", "It is 40/10."),
    "echo": ("counselor", "At nine the matron looks at me, and then my voice gets very quiet."),
}
GOOD = "That was a long winter."


def request(speaker: Speaker, **settings: object) -> SpeechRequest:
    asked = config(**{"strict": True, "guard_attempts": 2, **settings})
    if speaker == "counselor":
        return counselor_request(CounselorView.of(CLIENT, utterances=SAID), asked, "merge", "Say something.")
    heard = Utterance(turn=1, speaker="counselor", text="What is it like?")
    view = ClientView(profile=CLIENT, attitude="neutral", utterances=(heard,))
    return ask_client(view, asked, next_state(view, asked))


def test_every_strict_guard_has_a_message_here() -> None:
    assert ENTERING.keys() == STRICT
    assert NEVER <= STRICT


@pytest.mark.parametrize("guard", ENTERING)
async def test_what_a_strict_guard_refuses_is_asked_for_again_with_the_reason(guard: str) -> None:
    speaker, text = ENTERING[guard]
    models, asked = scripted_models(lambda one: said(text if len(asked) == 1 else GOOD))
    answer = await speak(models, request(speaker))
    assert isinstance(answer, Usable)
    assert (answer.value, [finding.kind for finding in answer.call.findings]) == (GOOD, [guard])
    assert "could not be used" in asked[1].prompt


@pytest.mark.parametrize("guard", ENTERING)
async def test_without_strict_it_enters(guard: str) -> None:
    speaker, text = ENTERING[guard]
    models, _ = scripted_models(lambda one: said(text))
    answer = await speak(models, request(speaker, strict=False))
    assert isinstance(answer, Usable)
    assert answer.value == text


@pytest.mark.parametrize("guard", ENTERING)
async def test_where_no_answer_is_better_it_enters_but_for_what_hurts(guard: str) -> None:
    speaker, text = ENTERING[guard]
    models, _ = scripted_models(lambda one: said(text))
    answer = await speak(models, request(speaker))
    if guard in NEVER:
        assert isinstance(answer, Unusable)
        assert answer.failure.kind == "refused_by_guards"
    else:
        assert isinstance(answer, Usable)
        assert answer.value == text
        assert [finding.kind for finding in answer.call.findings] == [guard, guard, "repaired"]


@pytest.mark.parametrize("guard", [rule.__name__ for rule in OF_SENTENCES])
async def test_a_sentence_that_is_wrong_is_left_out_where_no_answer_is_better(guard: str) -> None:
    speaker, text = ENTERING[guard]
    models, _ = scripted_models(lambda one: said(f"{text} {GOOD}"))
    answer = await speak(models, request(speaker))
    assert isinstance(answer, Usable)
    assert answer.value == GOOD


def test_without_facts_mending_leaves_the_sentence() -> None:
    text = f"Call me when it is over. {GOOD}"
    assert repair(Spoken(text, "counselor")) == text


def test_the_counselor_is_judged_by_what_it_sees_of_the_form_and_the_client_by_all() -> None:
    profile = CLIENT.model_copy(update={"support": "My sister Khady writes."})
    strict = config(strict=True)
    client = facts_for(ClientView(profile=profile, attitude="neutral"), strict)
    counselor = facts_for(CounselorView.of(profile), strict)
    assert client
    assert counselor
    assert client.names == counselor.names == ("abdoulaye", "ndiaye")
    assert "khady" in (client.kin or {})
    assert (counselor.kin or {}).keys() == {"awa", "coumba"}
    assert facts_for(CounselorView.of(profile), config()) is None


def test_only_strict_sessions_are_made_with_the_strict_prompt() -> None:
    more = prompt_set(config(strict=True)).keys() - prompt_set(config()).keys()
    assert more == {"retry_strict"}
    assert prompts_digest(config(strict=True)) != prompts_digest(config())


@pytest.mark.slow
def test_of_the_corpus_hardly_a_message_is_refused() -> None:
    strict, refused, count = config(strict=True), 0, 0
    for record in (record for collection in COLLECTIONS for _, record in corpus_records(collection)):
        client = ClientView(profile=record.profile, attitude=record.attitude)
        sides = {"client": facts_for(client, strict), "counselor": facts_for(CounselorView.of(record.profile), strict)}
        pasts: dict[str, Past] = {"client": Past(), "counselor": Past()}
        for one in record.dialogue:
            other = pasts["client" if one.speaker == "counselor" else "counselor"]
            spoken = Spoken(
                one.text, one.speaker, pasts[one.speaker], other, closing=one.closing, facts=sides[one.speaker]
            )
            refused += any(finding.kind in STRICT for finding in check(spoken))
            pasts[one.speaker].add(Spoken(one.text, one.speaker))
            count += 1
    assert count > 5000
    assert refused <= 0.003 * count
