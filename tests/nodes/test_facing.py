"""A person who is the client reads what the counselor's model says: what is asked for again, mended, or never shown."""

from typing import Any

import httpx
import openai
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from counseling_sessions.graph.practice_graph import build_practice_graph
from counseling_sessions.integrity.spoken import Listener
from counseling_sessions.nodes.attempts import Unusable, Usable
from counseling_sessions.nodes.facing import FacingView, listener_of
from counseling_sessions.nodes.guards import NEVER, TO_PERSON
from counseling_sessions.nodes.risk import help_text, read_texts
from counseling_sessions.nodes.speaking import SpeechRequest, counselor_request, speak
from counseling_sessions.nodes.stopping import NO_GOOD_ANSWER
from counseling_sessions.state import CounselorView, RiskQuestion, Utterance
from tests.scripted import Asked, Sensible, config, profile, said, scripted_models
from tests.unclear import make_unclear

HEARD = "Sometimes I think that the house would be quieter without my suitcase in it."
SAID = (
    Utterance(turn=1, speaker="counselor", text="What comes up?"),
    Utterance(turn=1, speaker="client", text=HEARD, author="human"),
)
DENIED = (RiskQuestion(turn=1, category="suicide", denied=True),)
BAD = {
    "runs_down": "You are a failure.",
    "advises_harm": "You should punish yourself.",
    "promises": "I will always be there for you.",
    "diagnoses": "You have depression.",
    "drops_subject": "Let us look at Friday and at the list.",
}
GOOD = "A house that would be quieter: tell me about it."


def request(view: type[CounselorView] = FacingView, role: str = "merge", **options: Any) -> SpeechRequest:
    fields: dict[str, Any] = {"questions": DENIED} if view is FacingView else {}
    seen = view(client_information="Ada", reason_for_counseling="Nights", utterances=SAID, **fields)
    return counselor_request(seen, config(guard_attempts=2, **options), role, "Say something.")


def test_every_guard_for_a_person_has_a_message_here() -> None:
    assert BAD.keys() == TO_PERSON | NEVER


@pytest.mark.parametrize("guard", BAD)
async def test_what_no_person_should_read_is_asked_for_again_with_the_reason(guard: str) -> None:
    models, asked = scripted_models(lambda _: said(BAD[guard] if len(asked) == 1 else GOOD))
    answer = await speak(models, request())
    assert isinstance(answer, Usable)
    assert answer.value == GOOD
    assert guard in {finding.kind for finding in answer.call.findings}
    assert "could not be used" in asked[1].prompt
    assert BAD[guard][:20] in asked[1].prompt.partition("could not be used")[2]


@pytest.mark.parametrize("guard", BAD)
async def test_where_a_model_plays_the_client_these_guards_do_not_look(guard: str) -> None:
    models, _ = scripted_models(lambda _: said(BAD[guard]))
    answer = await speak(models, request(CounselorView))
    assert isinstance(answer, Usable)
    assert answer.value == BAD[guard]


@pytest.mark.parametrize("guard", BAD)
async def test_it_never_enters_where_no_answer_is_better(guard: str) -> None:
    models, _ = scripted_models(lambda _: said(BAD[guard]))
    answer = await speak(models, request())
    assert isinstance(answer, Unusable)
    assert answer.failure.kind == "refused_by_guards"


@pytest.mark.parametrize("guard", [guard for guard in BAD if guard != "drops_subject"])
async def test_the_sentence_is_left_out_where_the_rest_is_good(guard: str) -> None:
    models, _ = scripted_models(lambda _: said(f"{GOOD} {BAD[guard]}"))
    answer = await speak(models, request())
    assert isinstance(answer, Usable)
    assert answer.value == GOOD


async def test_a_draft_need_not_take_up_what_the_message_takes_up() -> None:
    assert request().listener == Listener(denied=True)
    assert request(role="questioning").listener == Listener(denied=False)
    assert request(role="counselor").listener == Listener(denied=True)


def test_only_the_message_that_answers_denied_words_has_to_take_them_up() -> None:
    later = (
        *SAID,
        Utterance(turn=2, speaker="counselor", text="And then?"),
        Utterance(turn=2, speaker="client", text="Yes."),
    )
    assert listener_of(FacingView(utterances=later, questions=DENIED)) == Listener(denied=False)
    asked = (RiskQuestion(turn=1, category="suicide"),)
    assert listener_of(FacingView(utterances=SAID, questions=asked)) == Listener(denied=False)
    assert listener_of(FacingView()) == Listener()
    assert listener_of(CounselorView(utterances=SAID)) is None


THREAD: Any = {"configurable": {"thread_id": "t"}}


async def answered(bad: str, text: str, *then: str, **options: Any) -> tuple[dict[str, Any], list[Asked]]:
    """The state after a person's words, with a counselor who says `bad` from then on."""
    sensible, begun = Sensible(), [False]

    def answer(asked: Asked) -> Any:
        return bad if begun[0] and not asked.schema else sensible(asked)

    models, asked = scripted_models(answer)
    graph = build_practice_graph(InMemorySaver(), models=models)
    settings = config(router="rules", **options)
    begin: Any = {"profile": profile().model_dump(mode="json"), "part": "client"}
    await graph.ainvoke(begin, THREAD, context=settings)
    begun[0] = True
    state: dict[str, Any] = {}
    for words in (text, *then):
        state = await graph.ainvoke(Command(resume=words), THREAD, context=settings)
    return state, asked


@pytest.mark.parametrize("method", ["magnet", "single"])
@pytest.mark.parametrize("language", ["English", "German"])
async def test_without_a_good_answer_the_session_ends_kindly(language: str, method: str) -> None:
    state, asked = await answered("You are a failure.", "It was a long day.", language=language, method=method)
    assert state["failure"]["kind"] == NO_GOOD_ANSWER
    assert state["farewell"].startswith(read_texts()[language].farewell)
    assert state["farewell"].endswith(help_text(language=language, occasion="afterwards"))
    assert "help" not in state
    assert "failure." not in str(state["utterances"])
    assert "ran the client down" in asked[-1].prompt


async def test_a_counselor_that_drops_denied_words_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    make_unclear(monkeypatch)
    text = "The others would manage the house and the garden without zanzibar."
    state, asked = await answered("Let us look at Friday.", text, "No.", method="single")
    assert state["failure"]["kind"] == NO_GOOD_ANSWER
    assert "passed over what the person had just said" in asked[-1].prompt
    state, _ = await answered("Let us look at Friday.", "The others manage the house and the garden.", method="single")
    assert "failure" not in state


async def test_trouble_with_the_model_is_no_farewell() -> None:
    models, _ = scripted_models(
        lambda _: openai.APIConnectionError(request=httpx.Request("POST", "http://127.0.0.1:1/v1"))
    )
    graph = build_practice_graph(InMemorySaver(), models=models)
    begin: Any = {"profile": profile().model_dump(mode="json"), "part": "client"}
    state = await graph.ainvoke(begin, THREAD, context=config(router="rules"))
    assert state["failure"]["kind"] != NO_GOOD_ANSWER
    assert "farewell" not in state
