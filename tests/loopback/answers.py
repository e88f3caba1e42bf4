"""The server's default answers: a valid instance of the schema asked for, else two sentences of small talk."""

import json
from typing import Any

from .request import Answer, Request
from .schema_instance import SchemaInstance

_DECODER = json.JSONDecoder()


def sensible_answer(request: Request) -> Answer:
    """An answer that a well-behaved model could give, decided by the prompt.

    A `json_schema` request gets a valid instance; a look at a person's message sees no risk. A `json_object` request gets an instance of the first object schema
    found in its prompt, or an empty object. Any other gets two finished sentences that no other answer of this server
    repeats.
    """
    schema = request.schema
    if schema is None and request.response_type == "json_object":
        schema = _schema_in(request.prompt)
        if schema is None:
            return Answer("{}")
    if schema is None:
        text = request.talk.text(request.prompt)
        while "The message asks nothing." in request.prompt and "?" in text:
            text = request.talk.text(request.prompt)
        return Answer(text)
    if schema.get("properties") == {"risk": {"type": "boolean"}}:
        return Answer('{"risk": false}')  # the look at a person's message: these are harmless
    instance = SchemaInstance(schema, request.prompt, request.talk).build()
    return Answer(json.dumps(instance, ensure_ascii=False))


def _schema_in(prompt: str) -> dict[str, Any] | None:
    start = prompt.find("{")
    while start >= 0:
        try:
            value, end = _DECODER.raw_decode(prompt, start)
        except ValueError:
            end = start + 1
        else:
            if isinstance(value, dict) and value.get("type") == "object" and "properties" in value:
                return value
        start = prompt.find("{", end)
    return None
