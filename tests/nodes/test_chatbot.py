"""A chatbot as the counselor: it gets the dialogue alone, and what it says is taken as it comes."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.settings import ModelSettings
from tests.scripted import MODELS, Asked, Sensible, config, profile, scripted_models

SAID = "As an AI language model, I am here for you"


async def test_a_chatbot_gets_the_dialogue_alone_and_its_words_count_as_they_come(tmp_path: Path) -> None:
    sensible, to_chatbot = Sensible(), []

    def answer(asked: Asked) -> Any:
        if "You are the client" in asked.prompt:
            return sensible(asked)
        to_chatbot.append([(message.type, str(message.text)) for message in asked.messages])
        return f"{SAID} ({len(to_chatbot)})"

    models, _ = scripted_models(answer)
    task = SessionTask(profile=profile(), attitude="neutral", config=config(method="single", chatbot=True))
    record = await run_session(task, tmp_path, models)
    assert record.status == "finished"
    assert to_chatbot[0] == [("human", "With the nights, I suppose.")]
    assert [kind for kind, _ in to_chatbot[1]] == ["human", "ai", "human"]
    said = [one for one in record.dialogue if one.speaker == "counselor" and one.turn]
    assert [one.text for one in said] == [f"{SAID} ({number})" for number in range(1, len(said) + 1)]
    # What guards would refuse is on record, and was not asked for again.
    assert all(one.call and one.call.attempts == 1 and one.call.findings for one in said)


async def test_without_an_opening_it_hears_the_reason_for_coming(tmp_path: Path) -> None:
    models, asked = scripted_models(Sensible())
    settings = config(method="single", chatbot=True, max_turns=1)
    await run_session(SessionTask(profile=profile(opening=None), attitude="neutral", config=settings), tmp_path, models)
    assert asked[0].prompt == "I cannot sleep before market days."


async def test_no_protocol_helps_a_chatbot(tmp_path: Path) -> None:
    models, _ = scripted_models(Sensible(client=("I do not want to live any more.",) * 3))
    settings = config(method="single", chatbot=True, max_turns=3)
    record = await run_session(SessionTask(profile=profile(), attitude="neutral", config=settings), tmp_path, models)
    assert record.risk == ()


def test_a_chatbot_counsels_alone() -> None:
    with pytest.raises(ValidationError, match="by the method single"):
        config(chatbot=True)


def test_the_chatbot_has_its_own_endpoint() -> None:
    settings = config(
        method="single",
        chatbot=True,
        models={**MODELS, "counselor": ModelSettings(base_url="http://127.0.0.1:2/v1", model="bot")},
    )
    assert settings.model_for("counselor").base_url == "http://127.0.0.1:2/v1"
    assert settings.model_for("client").model == "scripted"
