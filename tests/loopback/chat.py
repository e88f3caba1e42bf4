"""From a recorded request to the reply: what is refused, what goes wrong, what it counts and how long it takes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .faults import Faults
from .prefix_cache import PrefixCache, chat_tokens, tokenise
from .raw import Raw
from .replies import JSON_TYPE, Reply, completion, error_reply, models_reply, stream_events, usage_of
from .request import Answer, Latency, Request
from .small_talk import SmallTalk
from .wire import event

_PAGE = "<html><body><h1>Something went wrong</h1></body></html>"
_REFUSALS = {
    "429": (429, "Rate limit reached, try again later."),
    "500": (500, "The server had an error while processing your request."),
    "503": (503, "The server is overloaded or not ready yet."),
}


@dataclass(frozen=True)
class Behaviour:
    """How the server was asked to behave; see LoopbackServer."""

    answer: Callable[[Request], Answer | str]
    latency: Latency
    faults: Faults | None
    cache_blocks: int | None
    report_usage: bool
    supports_schema: bool
    api_key: str | None
    models: tuple[str, ...]
    raw: Callable[[Request], Raw | None] | None = None


@dataclass
class Totals:
    """Tokens of all chat requests the pretended model has worked on, and how many requests were accepted."""

    accepted: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


@dataclass
class Api:
    """The server's answers and its state between requests; a new one knows nothing."""

    behaviour: Behaviour
    failure: tuple[int, str] | None = None
    totals: Totals = field(default_factory=Totals)
    talk: SmallTalk = field(default_factory=SmallTalk)
    cache: PrefixCache = field(init=False)

    def __post_init__(self) -> None:
        self.cache = PrefixCache(self.behaviour.cache_blocks)

    def reply(self, request: Request, raw_body: bytes) -> Reply:
        """Decide the reply; fills in the request's body, number, fault and token counts."""
        refusal = self._refusal(request, raw_body)
        request.talk = self.talk
        if self.behaviour.raw and (raw := self.behaviour.raw(request)):
            return Reply(0, raw=raw)
        if refusal is not None:
            return refusal
        if request.path == "/v1/models":
            return models_reply(self.behaviour.models)
        request.number = self.totals.accepted
        self.totals.accepted += 1
        faults = self.behaviour.faults
        request.fault = faults.kind_for(request.number) if faults else None
        if request.fault == "malformed" and request.response_type == "text":
            request.fault = None
        if request.fault == "reset":
            return Reply(0, ending="reset")
        if request.fault in _REFUSALS:
            status, message = _REFUSALS[request.fault]
            after = (("Retry-After", str(faults.retry_after)),) if faults and status == 429 else ()
            return error_reply(status, message, headers=after)
        try:
            answer = self.behaviour.answer(request)
        except Exception as error:
            request.error = error
            return error_reply(500, f"the answer function raised {type(error).__name__}: {error}")
        return self._worked(request, Answer(answer) if isinstance(answer, str) else answer)

    def _refusal(self, request: Request, raw_body: bytes) -> Reply | None:
        behaviour = self.behaviour
        route = (request.method, request.path)
        if route == ("POST", "/v1/chat/completions"):
            problem = _read_body(request, raw_body)
        elif route == ("GET", "/v1/models"):
            problem = None
        else:
            return error_reply(404, f"Invalid URL ({request.method} {request.path})")
        if behaviour.api_key is not None and request.headers.get("authorization") != f"Bearer {behaviour.api_key}":
            return error_reply(401, "Incorrect API key provided.")
        if self.failure is not None:
            return error_reply(*self.failure)
        if problem is not None:
            return error_reply(400, problem)
        if request.response_type == "json_schema" and not behaviour.supports_schema:
            message = "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."
            return error_reply(400, message, param="response_format")
        return None

    def _worked(self, request: Request, answer: Answer) -> Reply:
        answer = _spoilt(request, answer)
        tokens = chat_tokens(request.messages)
        request.prompt_tokens = len(tokens)
        request.cached_tokens = self.cache.admit(tokens)
        request.completion_tokens = len(tokenise(answer.text))
        self.totals.prompt_tokens += request.prompt_tokens
        self.totals.cached_tokens += request.cached_tokens
        self.totals.completion_tokens += request.completion_tokens

        latency = self.behaviour.latency
        before = latency.base + latency.per_prompt_token * (request.prompt_tokens - request.cached_tokens)
        writing = latency.per_completion_token * request.completion_tokens
        usage = usage_of(request) if self.behaviour.report_usage else None
        if request.body.get("stream"):
            asked = (request.body.get("stream_options") or {}).get("include_usage", False)
            events = stream_events(request, answer, usage if asked else None)
            reply = Reply(200, content_type="text/event-stream", events=events, wait=before, pace=writing / len(events))
        else:
            reply = Reply(200, completion(request, answer, usage), wait=before + writing)
        return self._disturbed(request, reply)

    def _disturbed(self, request: Request, reply: Reply) -> Reply:
        faults = self.behaviour.faults
        match request.fault:
            case "timeout" if faults is not None:
                return replace(reply, wait=reply.wait + faults.hold)
            case "cut":
                return replace(reply, ending="cut")
            case "garbage":
                if reply.events is not None:
                    return replace(reply, events=(event(_PAGE),))
                return replace(reply, body=_PAGE.encode(), content_type=JSON_TYPE)
            case "html":
                return replace(reply, body=_PAGE.encode(), content_type="text/html", events=None)
            case _:
                return reply


def _spoilt(request: Request, answer: Answer) -> Answer:
    match request.fault:
        case "empty":
            return Answer("")
        case "truncated":
            return Answer(answer.text[: len(answer.text) * 3 // 5].rstrip(" .?!,"), "length")
        case "malformed":
            return Answer("Sure: " + answer.text[: len(answer.text) // 2])
        case _:
            return answer


def _read_body(request: Request, raw_body: bytes) -> str | None:
    try:
        body = json.loads(raw_body)
    except ValueError:
        return "We could not parse the JSON body of your request."
    if not isinstance(body, dict):
        return "The body of a request is a JSON object."
    request.body = body
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(entry, dict) for entry in messages):
        request.body = {**body, "messages": []}
        return "Missing required parameter: 'messages', a list with at least one message."
    return None
