"""How servers of today take a request: named behaviours, each a `LoopbackServer` that answers as that server does.

Their refusals have the form of the real ones; their words are ours, with the names and phrases that a client has to go by.
"""

import json
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from .answers import sensible_answer
from .raw import Raw, http_answer
from .request import Answer, Request
from .server import LoopbackServer

_PLAN = {
    "technique": "behavior experiment",
    "goal": "Find out together what one feared answer would cost.",
    "steps": ["Tell one evening.", "Name the first thought.", "Agree on a small test."],
}
_PICK = {"reason": "The client needs room.", "techniques": ["reflection", "questioning"], "step": 1}

Refuse = Callable[[Request], Raw | None]


@dataclass(frozen=True)
class ServerKind:
    """A server's behaviour: what it refuses, how an answer of it looks, and what a client has to find out.

    `refuses` gives the refusal of a request, or None. `learns` are the lines by which `check` says what it found out.
    `works` is false where no client can help: `check` has to say so, with `problem` in its words.
    """

    refuses: Refuse
    learns: tuple[str, ...] = ()
    works: bool = True
    problem: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    """Further fields of the models file with which it is asked."""

    def server(self, **options: Any) -> LoopbackServer:
        """A server that behaves so."""
        refuses = copy(self.refuses)  # it may count
        return LoopbackServer(
            _answer,
            raw=lambda request: refuses(request) if request.path == "/v1/chat/completions" else None,
            **options,
        )


def _answer(request: Request) -> Answer:
    """A sensible answer, also where the prompt alone asks for JSON, or the schema has no bounds."""
    last = request.messages[-1][1]
    if "Answer as JSON" not in last or "minItems" in json.dumps(request.schema):
        return sensible_answer(request)
    return Answer(json.dumps(_PLAN if '"steps"' in last else _PICK))


def openai_error(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> Raw:
    """An error in OpenAI's form."""
    return http_answer(
        {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}, status
    )


def one_of(*refuse: Refuse) -> Refuse:
    """The first of several refusals that applies."""
    return lambda request: next((raw for one in refuse if (raw := one(request))), None)


def only_default_temperature(request: Request) -> Raw | None:
    """Reasoning models of OpenAI take the default temperature alone."""
    heat = request.body.get("temperature", 1)
    words = f"Unsupported value: 'temperature' does not support {heat} with this model. Only the default (1) value is supported."
    return openai_error(words, "temperature", "unsupported_value") if heat != 1 else None


def unsupported(name: str, instead: str = "") -> Refuse:
    """A parameter that a model does not take, in OpenAI's words."""

    def refuse(request: Request) -> Raw | None:
        words = f"Unsupported parameter: '{name}' is not supported with this model."
        words += f" Use '{instead}' instead." if instead else ""
        return openai_error(words, name, "unsupported_parameter") if name in request.body else None

    return refuse


def forbids_extra(*names: str) -> Refuse:
    """Mistral's API forbids what it does not know, in pydantic's form."""

    def refuse(request: Request) -> Raw | None:
        extra = [
            {
                "type": "extra_forbidden",
                "loc": ["body", name],
                "msg": "Extra inputs are not permitted",
                "input": request.body[name],
            }
            for name in names
            if name in request.body
        ]
        body = {
            "object": "error",
            "message": {"detail": extra},
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
        return http_answer(body, 422) if extra else None

    return refuse


def cannot_find(*names: str) -> Refuse:
    """Gemini's OpenAI layer: a list with an error that names all unknown fields at once."""

    def refuse(request: Request) -> Raw | None:
        unknown = [name for name in names if name in request.body]
        words = "\n".join(
            f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.' for name in unknown
        )
        return (
            http_answer([{"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}}], 400)
            if unknown
            else None
        )

    return refuse


def no_system_role(status: int = 400, words: str = "System role not supported") -> Refuse:
    """The template of older Gemma models raises an error at a system message, and where roles do not alternate."""

    def refuse(request: Request) -> Raw | None:
        roles = [role for role, _ in request.messages]
        alternate = roles == ["user" if place % 2 == 0 else "assistant" for place in range(len(roles))]
        if roles and roles[0] == "system":
            return http_answer({"object": "error", "message": words, "type": "BadRequestError", "code": status}, status)
        problem = "Conversation roles must alternate user/assistant/user/assistant/..."
        return None if alternate else http_answer({"object": "error", "message": problem, "code": 400}, 400)

    return refuse


def not_both(request: Request) -> Raw | None:
    """Claude takes temperature or top_p; a gateway hands its refusal on, packed into its own."""
    inner = {
        "type": "error",
        "error": {"message": "`temperature` and `top_p` cannot both be specified for this model."},
    }
    both = {"temperature", "top_p"} <= request.body.keys()
    return openai_error(f"BadRequestError: AnthropicException - {json.dumps(inner)}. Fallbacks=None") if both else None


def temperature_deprecated(request: Request) -> Raw | None:
    """The newest Claude models take no temperature."""
    words = "`temperature` is deprecated for this model."
    return openai_error(words) if "temperature" in request.body else None


def cooler_than_one(request: Request) -> Raw | None:
    """Claude's temperature ends at 1."""
    return openai_error("temperature: range: 0..1") if request.body.get("temperature", 0) > 1 else None


def no_bounds(request: Request) -> Raw | None:
    """A schema may have no bounds: OpenAI's strict mode of 2024, Groq, Claude."""
    words = "Invalid schema for response_format 'plan': In context=(), 'minLength' is not permitted."
    return openai_error(words, "response_format") if "minLength" in json.dumps(request.schema or {}) else None


def grammar_fails(words: str) -> Refuse:
    """A local server whose grammar cannot hold the schema answers 500, with a word about it or without one."""

    def refuse(request: Request) -> Raw | None:
        return (
            http_answer({"error": {"code": 500, "message": words}} if words else b"", 500) if request.schema else None
        )

    return refuse


def only_streams(request: Request) -> Raw | None:
    """Alibaba's reasoning models answer only in a stream."""
    words = "This model only support stream mode, please enable the stream parameter to access the model."
    return None if request.body.get("stream") else openai_error(words, code="invalid_parameter_error")


def unknown_argument(name: str, words: str) -> Refuse:
    """A server that names a field in words alone."""
    return lambda request: openai_error(words) if name in request.body else None


class MindChanger:
    """Takes temperature and seed for so many requests, then refuses them: a gateway that moves to another model."""

    def __init__(self, after: int = 12) -> None:
        self.left = after

    def __call__(self, request: Request) -> Raw | None:
        self.left -= 1
        return None if self.left >= 0 else one_of(only_default_temperature, unsupported("seed"))(request)


def no_such_model(request: Request) -> Raw | None:
    """A refusal about nothing that can be changed."""
    return openai_error("The model `m` does not exist or you do not have access to it.", None, "model_not_found", 404)


def no_credit(request: Request) -> Raw | None:
    """An account without money; the words name a field all the same."""
    return openai_error("Not enough credits for max_tokens: 512. Add credits.", None, None, 402)


def quotes_the_prompt(request: Request) -> Raw | None:
    """A refusal that quotes what the client said: nothing in it is about the request's fields."""
    quote = "my temperature is not normal, and the seed of it is not supported by anybody"
    return openai_error(f'The prompt was rejected: "{quote}" is not allowed here.', None, "rejected")


NO_TEMPERATURE, NO_SEED = "temperature: not taken, left out", "seed: not taken, left out"
FOLDED = "system message: not taken, put before the first user message"
SERVERS: dict[str, ServerKind] = {
    "plain": ServerKind(lambda request: None),
    "openai-reasoning": ServerKind(
        one_of(unsupported("max_tokens", "max_completion_tokens"), only_default_temperature),
        (NO_TEMPERATURE, "max_tokens: not taken, sent as max_completion_tokens"),
    ),
    "azure-reasoning": ServerKind(
        one_of(
            unsupported("max_tokens", "max_completion_tokens"),
            *(unsupported(name) for name in ("temperature", "top_p", "seed")),
        ),
        (NO_TEMPERATURE, NO_SEED, "max_tokens: not taken, sent as max_completion_tokens"),
    ),
    "o1-preview": ServerKind(
        one_of(
            unsupported("max_tokens", "max_completion_tokens"),
            only_default_temperature,
            lambda request: (
                openai_error(
                    "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
                    *("messages[0].role", "unsupported_value"),
                )
                if request.messages[0][0] in ("system", "developer")
                else None
            ),
        ),
        (NO_TEMPERATURE, FOLDED),
    ),
    "mistral": ServerKind(forbids_extra("seed", "stream_options"), ("seed: not taken, sent as random_seed",)),
    "mistral-on-azure": ServerKind(forbids_extra("seed", "random_seed"), (NO_SEED,)),
    "gemini": ServerKind(cannot_find("seed"), (NO_SEED,)),
    "claude": ServerKind(
        one_of(cooler_than_one, not_both, no_bounds),
        settings={"top_p": 0.9},
        learns=(
            "top_p: not taken, left out",
            "structured output: json_schema_without_bounds",
        ),
    ),
    "claude-newest": ServerKind(one_of(temperature_deprecated, no_bounds), (NO_TEMPERATURE,)),
    "grok-reasoning": ServerKind(unknown_argument("seed", "Model grok does not support parameter seed."), (NO_SEED,)),
    "gateway": ServerKind(
        unknown_argument(
            "temperature",
            "UnsupportedParamsError: O-series models don't support temperature=0.7. Only temperature=1 is supported.",
        ),
        (NO_TEMPERATURE,),
    ),
    "old-local": ServerKind(
        one_of(
            unknown_argument("seed", "Unrecognized request argument supplied: seed"),
            unknown_argument("response_format", "Unrecognized request argument supplied: response_format"),
        ),
        (NO_SEED, "structured output: text"),
    ),
    "gemma-vllm": ServerKind(no_system_role(), (FOLDED,)),
    "gemma-llama.cpp": ServerKind(
        no_system_role(500, "Jinja Exception: System role not supported at row 1, column 86"), (FOLDED,)
    ),
    "gemma-gemini": ServerKind(
        no_system_role(400, "Developer instruction is not enabled for models/gemma-3-27b-it"), (FOLDED,)
    ),
    "llama.cpp-grammar": ServerKind(
        grammar_fails("Grammar error: failed to parse grammar"), ("structured output: json_object",)
    ),
    "500-on-schema": ServerKind(grammar_fails(""), ("structured output: json_object",)),
    "stream-only": ServerKind(only_streams, ("answers: streamed, as the server gives no others",)),
    "stream-only-mistral": ServerKind(
        one_of(only_streams, forbids_extra("seed", "stream_options")),
        ("answers: streamed, as the server gives no others",),
    ),
    "mind-changer": ServerKind(MindChanger(), ()),
    "no-such-model": ServerKind(no_such_model, works=False, problem="does not exist"),
    "no-credit": ServerKind(no_credit, works=False, problem="Not enough credits"),
    "quotes-the-prompt": ServerKind(quotes_the_prompt, works=False, problem="was rejected"),
}
"""By name. docs/models.md has a row for each that a client can meet."""
