"""Reads a server's answer before any library does: bounded, of the right types, without the key.

A library gets a new body with only what `read_completion` (or `models.model_list`) took from the server's.
"""

import json
import unicodedata
from typing import Any

from counseling_sessions.models.error_bodies import says_error
from counseling_sessions.models.errors import FailedCall, clean_words, inner_refusal, unreadable
from counseling_sessions.models.finishing import was_filtered
from counseling_sessions.store.reading import parse_json
from counseling_sessions.texts.harmless import harmless
from counseling_sessions.texts.keys import masked, worth_hiding
from counseling_sessions.texts.reasoning import without_reasoning

MOST_BYTES = 4 * 2**20
"""Bytes of the largest answer. The longest that a request allows (32,768 tokens) has about a megabyte, all escaped."""
MOST_PARTS = 200_000
"""Brackets, commas and colons in an answer at most: parsing more takes too long, and too much memory."""
CHARACTERS_A_TOKEN = 8
"""Characters of an answer's token at most, on average; the rest of the answer is cut off."""
MOST_CHARACTERS = CHARACTERS_A_TOKEN * 32_768
"""Characters of an answer that are read at most."""
MOST_TOKENS = 10**9
"""Tokens at most; a usage with more is a mistake, and counts as not reported."""
_TEXT = (None, "text", "output_text")
"""Types of a content's parts that are the answer."""
_THOUGHT = frozenset(
    {
        *("thinking", "reasoning", "redacted_thinking", "reasoning_content", "thought"),
        *("reasoning_text", "summary_text", "thinking_delta"),
    }
)
"""Types of a content's parts that are reasoning."""
_ASSISTANT = (None, "", "assistant", "model")
MOST_NAME = 200
"""Characters of a model's name at most."""


def read_completion(body: bytes, key: str) -> dict[str, Any] | FailedCall:
    """A chat completion with its first choice only: text, finish reason, model, usage, id; or why the body is none.

    A finish reason, model or usage of another type counts as not reported. The arguments of a tool call, which some servers give
    in place of the JSON that was asked for, stand as the message's `function_call`. Of reasoning only the size stays.
    """
    value = parsed_body(body, key)
    if not isinstance(value, dict):
        return value if isinstance(value, FailedCall) else unreadable("a list in place of an answer")
    choice = _first_choice(value, key)
    if isinstance(choice, FailedCall):
        return choice
    message = choice["message"]
    parts = _parts(message.get("content"))
    text = None if parts is None else _content(parts)
    if text is None:
        return unreadable("a content that is no text")
    secret = key if worth_hiding(key) else ""
    cleaned: dict[str, Any] = {"role": "assistant", "content": _cleaned(text, secret)}
    if isinstance(refusal := message.get("refusal") or _refusal(parts or []), str):
        cleaned["refusal"] = _cleaned(refusal, secret)
    if not text.strip() and (arguments := _arguments(message)):
        cleaned["function_call"] = {"name": "answer", "arguments": _cleaned(arguments, secret)}
    finish = _name(choice.get("finish_reason"), secret)
    thought = _thought(message, parts or [])
    completion: dict[str, Any] = {
        "id": _name(value.get("id"), secret) or "",
        "object": "chat.completion",
        "created": _count(value.get("created"), 2**53) or 0,
        "choices": [{"index": 0, "message": cleaned, "finish_reason": finish}],
    }
    if thought:
        # No request asks for the probabilities of tokens, and the library passes on this field as it is.
        completion["choices"][0]["logprobs"] = {"reasoning_characters": thought}
    for field in ("model", "system_fingerprint"):
        if name := _name(value.get(field), secret):
            completion[field] = name
    if usage := _usage(value.get("usage")):
        completion["usage"] = usage
    return completion


def reasoning_size(field: Any) -> int:
    """The characters of reasoning that `read_completion` counted, from the field in which it leaves them."""
    return int(field["reasoning_characters"]) if isinstance(field, dict) and "reasoning_characters" in field else 0


def most_characters(max_tokens: int | None) -> int:
    """Characters of an answer that are read at most, by the tokens that the request allows."""
    return min(CHARACTERS_A_TOKEN * max_tokens, MOST_CHARACTERS) if max_tokens else MOST_CHARACTERS


def parsed_body(body: bytes, key: str) -> dict[str, Any] | list[Any] | FailedCall:
    """The object or list in a body; or the error that stands there in its place, or why there is none."""
    if sum(map(body.count, (b"[", b"{", b",", b":"))) > MOST_PARTS:
        return unreadable(f"more than {MOST_PARTS:,} parts")
    page = body[: 2**16].decode("utf-8", "replace")
    try:
        value = parse_json(body)
    except ValueError:
        return unreadable(f"no JSON: {clean_words(page, key)!r}" if body.strip() else "an empty body")
    if not isinstance(value, (dict, list)):
        return unreadable(f"no JSON object: {clean_words(page, key)!r}")
    inner = value[0] if isinstance(value, list) and value else value
    return inner_refusal(value, key) if isinstance(inner, dict) and says_error(inner) else value


def _first_choice(value: dict[str, Any], key: str) -> dict[str, Any] | FailedCall:
    """The first choice, with the assistant's message; or the error that stands in its place."""
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(choice, dict) and says_error(choice):
        return inner_refusal(choice, key)
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        if reason := _filter_alone(value, choice):
            return FailedCall("filtered", f"answers 200 without a message: {clean_words(reason, key)}", status=400)
        failed = inner_refusal(value, key)
        return unreadable("an answer without choices") if failed.kind == "garbled" else failed
    if message.get("role") not in _ASSISTANT:
        return unreadable("a message that is not the assistant's")
    return choice


def _filter_alone(value: dict[str, Any], choice: Any) -> str:
    """Why a filter stopped an answer that has no message; empty where none says so."""
    finish = choice.get("finish_reason") if isinstance(choice, dict) else None
    if isinstance(finish, str) and was_filtered(finish):
        return finish
    feedback = value.get("promptFeedback")
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    if isinstance(reason, str) and reason:
        return reason
    # Azure says what each of its filters made of the prompt, also where none stopped it.
    results = value.get("prompt_filter_results")
    prompts = results if isinstance(results, list) else []
    filters = [one.get("content_filter_results") for one in prompts if isinstance(one, dict)]
    verdicts = (item for one in filters if isinstance(one, dict) for item in one.items())
    return next((name for name, what in verdicts if isinstance(what, dict) and what.get("filtered") is True), "")


def _parts(content: Any) -> list[Any] | None:
    """The parts of a content, each a text or an object; None where it has another type."""
    if content is None:
        return []
    if isinstance(content, list):
        return content
    one = isinstance(content, str) or (isinstance(content, dict) and "text" in content)
    return [content] if one else None


def _content(parts: list[Any]) -> str | None:
    """The texts among the parts of a content, joined; None where one of them is no text."""
    spoken = [
        part for part in parts if not isinstance(part, dict) or (part.get("type") in _TEXT and not _is_thought(part))
    ]
    texts = [part.get("text", "") if isinstance(part, dict) else part for part in spoken]
    return "".join(texts) if all(isinstance(text, str) for text in texts) else None


def _refusal(parts: list[Any]) -> str | None:
    """The refusals among the parts of a content, joined; None if there is none."""
    refusals = [part.get("refusal") for part in parts if isinstance(part, dict) and part.get("type") == "refusal"]
    return "".join(refusal for refusal in refusals if isinstance(refusal, str)) or None


def _is_thought(part: Any) -> bool:
    return isinstance(part, dict) and (part.get("type") in _THOUGHT or part.get("thought") is True)


def _arguments(message: dict[str, Any]) -> str:
    """The arguments of a message's first tool call, as JSON; empty if there is none."""
    calls = message.get("tool_calls")
    called = calls[0].get("function") if isinstance(calls, list) and calls and isinstance(calls[0], dict) else None
    arguments = called.get("arguments") if isinstance(called, dict) else None
    if isinstance(arguments, dict):
        return json.dumps(arguments, ensure_ascii=False)
    return arguments if isinstance(arguments, str) else ""


def _thought(message: dict[str, Any], parts: list[Any]) -> int:
    """How many characters of reasoning a message has beside its text, or among its parts; of a field said twice the longer one."""
    fields = max(_length(message.get(name)) for name in ("reasoning_content", "reasoning", "thinking"))
    return fields + sum(_length(part) for part in parts if _is_thought(part))


def _length(value: Any) -> int:
    """The characters of a text, or of all texts in a nested value; the names of fields and their types are none."""
    waiting, length = [value], 0
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            length += len(item)
        elif isinstance(item, dict):
            waiting += [
                inner for name, inner in item.items() if name in ("text", "thinking", "reasoning", "summary", "content")
            ]
        elif isinstance(item, list):
            waiting += item
    return length


def _cleaned(text: str, key: str) -> str:
    # Twice the limit, as harmless text is shorter, and the cut could take the tail of a key at the end.
    visible = masked(harmless(text[: 2 * MOST_CHARACTERS]), key)
    if not key or (visible.isascii() and not any(bracket in visible for bracket in "<[&")):
        return visible
    # Later steps remove reasoning and format characters. If these stand within a key, its halves would join.
    bare = without_reasoning("".join(c for c in visible if unicodedata.category(c) not in ("Cf", "Co")))
    return visible if (safe := masked(bare, key)) == bare else safe


def _name(value: Any, key: str) -> str | None:
    return clean_words(value, key, MOST_NAME) or None if isinstance(value, str) else None


def _usage(usage: Any) -> dict[str, Any] | None:
    """The token counts, if both required ones are valid."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    counts: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens"), prompt) if isinstance(details, dict) else None
    if cached is not None:
        counts["prompt_tokens_details"] = {"cached_tokens": cached}
    details = usage.get("completion_tokens_details")
    reasoning = _count(details.get("reasoning_tokens")) if isinstance(details, dict) else None
    if reasoning is not None:
        counts["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return counts


def _count(value: Any, most: int = MOST_TOKENS) -> int | None:
    """A number from 0 to `most`, or None for anything else."""
    return value if type(value) is int and 0 <= value <= most else None  # A bool is an int, but no count.
