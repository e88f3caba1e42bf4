"""Valid instances of JSON schemas, of the part of the standard that structured output uses."""

import hashlib
import math
import random
from typing import Any

from .small_talk import SmallTalk

_DEEPEST = 12
_SPAN = 10


class SchemaInstance:
    """Builds one instance of a schema; `seed` decides every choice, and strings come from the stock of sentences.

    Knows objects, arrays, enum, const, strings with lengths, numbers with bounds, booleans, null, `$ref` into the
    schema itself, anyOf, oneOf, and allOf of objects. Raises ValueError for what it cannot honour (`pattern`,
    `format`, `multipleOf`).
    """

    def __init__(self, schema: dict[str, Any], seed: str, talk: SmallTalk) -> None:
        self._root = schema
        self._seed = seed
        self._talk = talk
        self._draw = random.Random(int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest()))

    def build(self) -> object:
        """An instance of the whole schema."""
        return self._value(self._root, "", 0)

    def _value(self, schema: dict[str, Any], path: str, depth: int) -> object:
        schema = self._resolve(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._draw.choice(schema["enum"])
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._value(self._branch(schema[word], depth), path, depth)
        unhonoured = {"pattern", "format", "multipleOf"} & schema.keys()
        if unhonoured:
            raise ValueError(f"cannot honour {', '.join(sorted(unhonoured))} at {path or 'the root'}")
        match _kind(schema, deep=depth > _DEEPEST):
            case "object":
                return self._object(schema, path, depth)
            case "array":
                return self._array(schema, path, depth)
            case "string":
                return self._string(schema, path)
            case "integer":
                return self._draw.randint(*_integer_bounds(schema))
            case "number":
                return self._number(schema)
            case "boolean":
                return self._draw.random() < 0.5
            case "null":
                return None
            case other:
                raise ValueError(f"cannot build an instance of type {other!r} at {path or 'the root'}")

    def _resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            target: Any = self._root
            for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")] if step else target
            schema = {**target, **{word: value for word, value in schema.items() if word != "$ref"}}
        if "allOf" not in schema:
            return schema
        merged = {word: value for word, value in schema.items() if word != "allOf"}
        for part in map(self._resolve, schema["allOf"]):
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            merged = {**merged, **part}
            if properties:
                merged["properties"] = properties
        return merged

    def _branch(self, branches: list[dict[str, Any]], depth: int) -> dict[str, Any]:
        null = [branch for branch in branches if branch.get("type") == "null"]
        others = [branch for branch in branches if branch.get("type") != "null"]
        return self._draw.choice(null if not others or (null and depth > _DEEPEST) else others)

    def _object(self, schema: dict[str, Any], path: str, depth: int) -> dict[str, object]:
        properties: dict[str, dict[str, Any]] = schema.get("properties", {})
        if depth > _DEEPEST:
            properties = {name: properties[name] for name in schema.get("required", []) if name in properties}
        return {name: self._value(part, f"{path}/{name}", depth + 1) for name, part in properties.items()}

    def _array(self, schema: dict[str, Any], path: str, depth: int) -> list[object]:
        items = self._resolve(schema.get("items", {"type": "string"}))
        fewest = schema.get("minItems", 0)
        most = schema.get("maxItems", max(fewest, 3))
        length = fewest if depth > _DEEPEST else self._draw.randint(min(max(fewest, 1), most), min(most, fewest + 3))
        choices = items.get("enum")
        if choices is None:
            return [self._value(items, f"{path}/{place}", depth + 1) for place in range(length)]
        distinct = self._draw.sample(choices, min(length, len(choices)))
        missing = max(fewest - len(distinct), 0)
        return [*distinct, *(self._draw.choice(choices) for _ in range(missing))]

    def _string(self, schema: dict[str, Any], path: str) -> str:
        text = self._talk.text(f"{self._seed}\n{path}")
        while len(text) < schema.get("minLength", 0):
            text += " " + self._talk.text(f"{self._seed}\n{path}\n{len(text)}")
        longest = schema.get("maxLength")
        if longest is None or len(text) <= longest:
            return text
        words = text[: longest + 1].rpartition(" ")[0].rstrip(",")
        return words if words and len(words) >= schema.get("minLength", 0) else text[:longest]

    def _number(self, schema: dict[str, Any]) -> float:
        low, high = _bounds(schema)
        value = round(self._draw.uniform(low, high), 2)
        allowed = low <= value <= high and value not in (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum"))
        return value if allowed else (low + high) / 2


def _kind(schema: dict[str, Any], *, deep: bool) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        others = [name for name in kind if name != "null"]
        kind = "null" if "null" in kind and (deep or not others) else others[0]
    return str(kind)


def _bounds(schema: dict[str, Any]) -> tuple[float, float]:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None:
        low = 0 if high is None or high >= 0 else high - _SPAN
    return low, low + _SPAN if high is None else high


def _integer_bounds(schema: dict[str, Any]) -> tuple[int, int]:
    low, high = _bounds(schema)
    lowest, highest = math.ceil(low), math.floor(high)
    lowest += schema.get("exclusiveMinimum") == lowest
    highest -= schema.get("exclusiveMaximum") == highest
    return lowest, highest
