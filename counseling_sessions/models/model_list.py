"""A server's list of models, and which of them chat: the first of a list can be an embedding model."""

import re
from typing import Any

from counseling_sessions.models.answers import MOST_NAME, parsed_body
from counseling_sessions.models.errors import FailedCall, clean_words, unreadable
from counseling_sessions.texts.keys import worth_hiding

_MOST_MODELS = 1_000
_OTHERS = re.compile(
    r"embed|rerank|moderation|whisper|transcri|text-to-|dall-e|stable-diffusion|diffusion|colbert|minilm|shieldgemma"
    r"|gpt-image|chatgpt-image|gpt-3\.5-turbo-instruct"
    r"|(?:^|[^a-z])(?:bge|gte|e5|tts|asr|stt|audio|speech|realtime|guard(?:ian)?|clip|sdxl|flux|imagen|sora|veo|davinci|babbage)"
    r"(?:[^a-z]|$)",
    re.IGNORECASE,
)
"""Names of models that embed, rank, judge content, hear, speak or paint."""
_CHATTING = re.compile(r"chat|completion|generat|llm|vlm|language|^model$|^text$|^code$|instruct", re.IGNORECASE)
"""What servers call a model's kind or abilities if it chats."""


def read_model_list(body: bytes, key: str) -> dict[str, Any] | FailedCall:
    """A list of models by id, in the server's order, each with whether it `chats`; or why the body is none.

    Requests need an id unchanged. So the list leaves out an id that would be cut, masked or made harmless.
    """
    value = parsed_body(body, key)
    if isinstance(value, FailedCall):
        return value
    listed = value if isinstance(value, list) else value.get("data", value.get("models"))
    if not isinstance(listed, list):
        return unreadable("no list of models")
    secret = key if worth_hiding(key) else ""
    entries = [entry if isinstance(entry, dict) else {"id": entry} for entry in listed[:_MOST_MODELS]]
    named = [
        (next((entry[name] for name in ("id", "model", "name") if entry.get(name)), None), entry) for entry in entries
    ]
    good = [
        {"id": name, "object": "model", "created": 0, "owned_by": "", "chats": _chats(name, entry)}
        for name, entry in named
        if isinstance(name, str) and clean_words(name, secret, MOST_NAME) == name
    ]
    if entries and not good:
        return unreadable("a list of models without a name that can be used")
    return {"object": "list", "data": good}


def _chats(name: str, entry: dict[str, Any]) -> bool:
    """Whether a model chats: by what the server says of it, else by its name."""
    abilities = entry.get("capabilities")
    if isinstance(abilities, dict):
        said = [abilities[ability] for ability in ("completion_chat", "chat_completion") if ability in abilities]
        if said:
            return bool(said[0])
    kinds = [
        abilities,
        entry.get("endpoints"),
        entry.get("supportedGenerationMethods"),
        entry.get("type"),
        entry.get("task"),
    ]
    outputs = entry["architecture"].get("output_modalities") if isinstance(entry.get("architecture"), dict) else None
    for kind in (*kinds, outputs):
        words = [kind] if isinstance(kind, str) else kind
        if isinstance(words, list) and words and not any(_CHATTING.search(str(word)) for word in words):
            return False
    return not _OTHERS.search(name)
