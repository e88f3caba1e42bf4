"""What a server's refusal objects to: the fields of the request that it names, and the few other things that can be put otherwise.

Servers word this in many ways, so an `Objection` holds facts of a closed list, and nothing of the server's words.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from counseling_sessions.models.structured import speaks_of_schema
from counseling_sessions.store.reading import parse_json

FIELDS = (
    *("temperature", "top_p", "seed", "random_seed", "max_tokens", "max_completion_tokens"),
    *("response_format", "stream", "stream_options"),
)
"""The fields of a request that the program itself sets, and so can leave out or put otherwise."""
_LIMITS = ("max_tokens", "max_completion_tokens")
_MOST_TEXT = 4_000
"""Characters of one text of a refusal that are searched."""
_DEEPEST = 8
_TEXTS = ("message", "detail", "details", "msg", "description", "error", "errors", "fieldViolations", "error_msg")
"""Where a refusal keeps its words. What it quotes of the request (`input`) is none of them."""

_NAMES = {name.replace("_", ""): name for name in FIELDS}
_CAMEL = ("topP", "randomSeed", "maxTokens", "maxCompletionTokens", "responseFormat", "streamOptions")
# A longer name that begins alike is another field.
_NAME = re.compile(r"(?<![A-Za-z0-9_])(" + "|".join((*FIELDS, *_CAMEL)) + r")(?![A-Za-z0-9_])")
_OBJECTS = re.compile(
    r"unsupported|(?:not|n't|no longer) (?:be )?(?:support(?:ed)?|permitted|allowed|accept(?:ed)?|available|valid|enabled|implemented)"
    r"|deprecated|forbidden|unknown|unrecogni[sz]ed|unexpected|cannot find|not expected|only the default|(?:may|can) only be"
    r"|must (?:be|not)|has to be|should be|invalid|out of range|\brange:|extra inputs|extra fields|不支持|无效",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"too (?:large|high|long|small|low)|maximum context|at (?:most|least)|exceed|(?:less|greater|more) than|between|range"
    r"|[<>]=?|\[0",
    re.IGNORECASE,
)
_TOGETHER = re.compile(r"cannot both|not both|mutually exclusive|at the same time", re.IGNORECASE)
_OFFER = re.compile(
    r"\bone of\b|(?<!not )(?<!n't )(?<!longer )\b(?:allowed|supported|permitted|accepted|valid) (?:\w+ ){0,3}(?:are\b|include\b|\w+:)"
    r"|(?<!not )(?<!n't )\b(?:allowed|supported|permitted|accepted|valid):",
    re.IGNORECASE,
)
"""What begins a server's own list: the names after it are those that it takes."""
_SYSTEM = re.compile(
    r"(?:system|developer)['\"`]? (?:roles?|messages?|prompts?|instructions?)\b.{0,30}?(?:not|n't|un) ?"
    r"(?:supported|allowed|enabled|permitted|accepted)"
    r"|n[o']t support ['\"`]?(?:system|developer)"
    r"|(?:unexpected|unsupported|invalid|unknown) (?:message )?roles?\W{0,4}(?:system|developer)"
    r"|only .{0,12}user.{0,20}assistant.{0,12} roles?|roles must alternate",
    re.IGNORECASE,
)
_STREAM = re.compile(
    r"only supports? .{0,10}stream|stream(?:ing)? mode|streaming (?:is )?required|requires? .{0,20}streaming"
    r"|enable the stream|stream\b.{0,12}(?:must|should|has to|needs to) be .{0,8}true|non-?stream\w*.{0,40}not|只支持流|仅支持流",
    re.IGNORECASE,
)
_BOUNDS = re.compile(
    r"\b(?:min|max)_?(?:length|items)\b|\bunique_?items\b|propert(?:y|ies) (?:max|min)imum", re.IGNORECASE
)
_SENTENCE = re.compile(r"\n|\\n|(?<=[.!?;。])\s+")
_QUOTATION = re.compile(r"(?<!\w)([\"'`])(.*?)\1|[“«„](.*?)[”»“]", re.DOTALL)
_QUOTED_WORDS = 6
"""Words in quotation marks from which on a server quotes a prompt."""


@dataclass(frozen=True)
class Objection:
    """What a refusal is about, of what can be changed; all empty for any other refusal.

    `fields` are `FIELDS` that it names. `forbidden`: it knows only its own names (Mistral). `ranged`: a number is out of its
    range. `together`: it takes temperature or `top_p`, not both. `system_role`, `unstreamed`, `schema`: it takes no system
    message, no request that is not streamed, not this form of JSON.
    """

    fields: frozenset[str] = frozenset()
    forbidden: bool = False
    ranged: bool = False
    together: bool = False
    system_role: bool = False
    unstreamed: bool = False
    schema: bool = False


def read_objection(body: bytes) -> Objection:
    """What the body of a refusal objects to."""
    try:
        return objection_of(parse_json(body))
    except ValueError:
        return objection_of(body[:_MOST_TEXT].decode("utf-8", "replace"))


def objection_of(value: Any) -> Objection:
    """What a refusal objects to, by its parsed body or its text."""
    named: list[tuple[str, str]] = []
    texts: list[str] = []
    for name, words in _remarks(value, 0):
        bare = _QUOTATION.sub(_without_prompt, words)
        texts.append(f"{name} {bare}")
        named += [(name, bare)] if name else _named_in(bare)
    fields = {name: words for name, words in named if not (name in _LIMITS and _RANGE.search(words))}
    said = "\n".join(texts)
    unstreamed = _STREAM.search(said) is not None or any(name == "stream" for name in fields)
    return Objection(
        fields=frozenset(fields.keys() - {"stream", "response_format"}),
        forbidden="extra_forbidden" in said,
        ranged=any(_RANGE.search(words) for words in fields.values()),
        together={"temperature", "top_p"} <= fields.keys() and _TOGETHER.search(said) is not None,
        system_role=_SYSTEM.search(said) is not None,
        unstreamed=unstreamed,
        schema="response_format" in fields or speaks_of_schema(said) or _BOUNDS.search(said) is not None,
    )


def _remarks(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """A refusal's texts, each with the field that it is said to be about, or with an empty one."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        before, inner = _unpacked(value[:_MOST_TEXT])
        yield "", before
        if inner is not None:
            yield from _remarks(inner, depth + 1)
    elif isinstance(value, list):
        for item in value[:20]:
            yield from _remarks(item, depth + 1)
    elif isinstance(value, dict):
        if field := _field_of(value):
            yield field, " ".join(str(value.get(name, ""))[:_MOST_TEXT] for name in ("type", "msg", "message"))
        for name in _TEXTS:
            if name in value:
                yield from _remarks(value[name], depth + 1)


def _field_of(value: dict[str, Any]) -> str:
    """The field that an entry names apart from its words: `param`, or the first name in `loc` below the body."""
    path = value.get("loc")
    if isinstance(path, list):
        names = [part for part in path if part not in ("body", "query")]
        return _NAMES.get(_folded(names[0]), "") if names and isinstance(names[0], str) else ""
    param = value.get("param")
    return _NAMES.get(_folded(re.split(r"[.\[]", param)[0]), "") if isinstance(param, str) else ""


def _named_in(text: str) -> Iterator[tuple[str, str]]:
    """The fields that a text names in a sentence that objects to something."""
    # What follows is the request, as pydantic quotes it.
    for sentence in _SENTENCE.split(re.split(r"['\"]input['\"]\s*:", text)[0]):
        if _OBJECTS.search(sentence) or _TOGETHER.search(sentence):
            for match in _NAME.finditer(_OFFER.split(sentence)[0]):
                yield _NAMES[_folded(match[0])], sentence


def _without_prompt(quotation: re.Match[str]) -> str:
    return "" if len(quotation[0].split()) >= _QUOTED_WORDS else quotation[0]


def _unpacked(text: str) -> tuple[str, Any]:
    """A text without the first JSON object in it, and that object: gateways quote the server behind them so."""
    start = text.find("{")
    if start < 0:
        return text, None
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return text, None
    return f"{text[:start]} {text[end:]}", value


def _folded(name: str) -> str:
    return name.replace("_", "").lower()
