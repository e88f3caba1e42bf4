"""A chat model driven by a plain function, and the small profiles and helpers that the tests share."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from counseling_sessions.models.chat import Models
from counseling_sessions.models.endpoints import Endpoint
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.settings import ModelSettings, SessionConfig
from tests.loopback import SmallTalk

MODELS = {"default": ModelSettings(model="scripted", base_url="http://127.0.0.1:1/v1", max_requests=1)}


@dataclass(frozen=True)
class Asked:
    """One request as the model saw it."""

    role: str
    messages: list[BaseMessage]
    options: dict[str, Any]

    @property
    def prompt(self) -> str:
        return "\n".join(str(message.text) for message in self.messages)

    @property
    def schema(self) -> str | None:
        wanted = self.options.get("extra_body", {}).get("response_format")
        return wanted["json_schema"]["name"] if wanted else None


Answer = Callable[[Asked], str | AIMessage | Exception]


class ScriptedChat(BaseChatModel):
    """Answers what a function says; keeps what it was asked."""

    answer: Any
    _asked: list[Asked] = PrivateAttr(default_factory=list)

    @property
    def asked(self) -> list[Asked]:
        return self._asked

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        asked = Asked(role_of(messages, kwargs), messages, kwargs)
        self.asked.append(asked)
        answer = self.answer(asked)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, str):
            answer = said(answer)
        return ChatResult(generations=[ChatGeneration(message=answer)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, stop, None, **kwargs)


def said(text: str, finish_reason: str = "stop") -> AIMessage:
    """An answer as an OpenAI-compatible server gives it."""
    return AIMessage(
        text,
        response_metadata={"finish_reason": finish_reason, "model_name": "scripted"},
        usage_metadata={
            "input_tokens": 100,
            "output_tokens": 10,
            "total_tokens": 110,
            "input_token_details": {"cache_read": 60},
        },
    )


def role_of(messages: Sequence[BaseMessage], options: dict[str, Any]) -> str:
    """Which role is asked, by what only its prompt says."""
    wanted = options.get("extra_body", {}).get("response_format")
    if wanted:
        return {"plan": "plan", "pick": "router", "risk": "risk"}[wanted["json_schema"]["name"]]
    system, prompt = str(messages[0].text), "\n".join(str(message.text) for message in messages)
    if "You are the client in a counseling session" in system:
        return "client"
    if "Close the session in" in prompt:
        return "closing"
    if " specialist: " in prompt:
        return prompt.split(" specialist: ")[0].rsplit("as the ", 1)[1].replace(" ", "_")
    return "merge" if "Drafts from your specialists" in prompt else "counselor"


PLAN = {
    "formulation": "Staying away helps for a day and keeps the exam frightening.",
    "technique": "behavior experiment",
    "goal": "Find out together what one feared answer would really cost.",
    "steps": [
        "Tell one exam from start to end.",
        "Name the thought that came first.",
        "Agree on one small test before the week is over.",
    ],
}


@dataclass
class Sensible:
    """An answer function that plays every role well: nothing repeats, plans and picks are valid.

    `pick` has more fields of a pick; what it leaves out, the rules say. `client` is what the client says, one answer after another.
    """

    picked: tuple[str, ...] = ("reflection", "questioning")
    step: int | None = 1
    pick: dict[str, Any] = field(default_factory=dict)
    client: tuple[str, ...] = ()
    talk: SmallTalk = field(default_factory=SmallTalk)

    def __call__(self, asked: Asked) -> str | AIMessage | Exception:
        if asked.schema == "plan":
            return json.dumps(PLAN)
        if asked.schema == "pick":
            pick: dict[str, Any] = {"reason": "The client needs room.", "techniques": list(self.picked), **self.pick}
            return json.dumps(
                pick if self.step is None or "Plan for this session" not in asked.prompt else pick | {"step": self.step}
            )
        if asked.role == "client" and self.client:
            said, *rest = self.client
            self.client = tuple(rest)
            return said
        text = self.talk.text(asked.prompt)
        while "The message asks nothing." in asked.prompt and "?" in text:
            text = self.talk.text(asked.prompt)
        return text


def scripted_models(answer: Answer) -> tuple[Models, list[Asked]]:
    """Models whose every answer comes from a function, and the list of what they are asked."""
    chat = ScriptedChat(answer=answer)

    def make(endpoint: Endpoint, settings: ModelSettings) -> BaseChatModel:
        return chat

    return Models(make, backoff=0.0), chat.asked


def config(**options: Any) -> SessionConfig:
    """A configuration that asks the scripted model."""
    return SessionConfig(**{"models": MODELS, "max_turns": 3, "min_turns": 1, **options})


def profile(**changes: Any) -> ClientProfile:
    """A small, whole profile."""
    data: dict[str, Any] = {
        "id": "ada-test",
        "demographics": {"name": "Ada Test", "age": 30, "occupation": "gardener"},
        "reason_for_counseling": "I cannot sleep before market days.",
        "presenting_problem": {"what": "I lie awake and go through the stall again and again."},
        "opening": {"counselor": "Good morning, Ada, where shall we start?", "client": "With the nights, I suppose."},
    }
    return ClientProfile.model_validate(data | changes)
