"""What a server that is broken, is another kind of server, or means harm sends in place of an answer: a table, as data.

Each entry says how a call may end: as one of `ModelError`'s kinds, or "answered". Where a server can quote the key that it
was sent, it does.
"""

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from .raw import Raw, http_answer
from .wire import head

ANSWERED, GARBLED = frozenset({"answered"}), frozenset({"garbled"})
BROKEN = frozenset({"garbled", "connection"})
SLOW = frozenset({"timeout"})
STOPPED = BROKEN | SLOW
WORDS = "It was a long week, and I am glad to sit down."
DATE = "Fri, 31 Dec {} 23:59:59 GMT"
_START = head(200, (("Content-Type", "application/json"), ("Connection", "close")))
_CHUNKED = head(200, (("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")))


@dataclass(frozen=True)
class Hostile:
    """One behaviour: what is sent to whom asks with this key, and how a call may end."""

    raw: Callable[[str], Raw]
    ends: frozenset[str]


def completion(text: object = WORDS, **changes: Any) -> dict[str, Any]:
    """A good chat completion as a dictionary; `changes` replace fields of its top level."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    good = {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return {**good, "usage": {"prompt_tokens": 9, "completion_tokens": 8, "total_tokens": 17}, **changes}


def escaped(key: str) -> str:
    """The key as JSON may also write it: every character by its number."""
    return "".join(f"\\u{ord(letter):04x}" for letter in key)


def everywhere(key: str) -> dict[str, Any]:
    """A good completion with the key in every place that a library or a record might take over."""
    call = {"id": key, "type": "function", "function": {"name": key, "arguments": json.dumps({"key": key})}}
    message = {
        "role": "assistant",
        "content": f"{WORDS} {key} {quote(key, safe='')} {key.upper()}",
        "refusal": f"no {key}",
        "name": key,
        "tool_calls": [call, {"id": key, "function": key}],
        "function_call": {"name": key, "arguments": key},
        "audio": {"id": key, "data": key},
        "reasoning_content": key,
        "annotations": [{"type": key}],
    }
    choice = {"index": 0, "message": message, "finish_reason": key, "logprobs": {"content": [{"token": key}]}}
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 8,
        "total_tokens": 17,
        key: key,
        "prompt_tokens_details": {key: key},
    }
    named = {"id": key, "model": key, "system_fingerprint": key, "service_tier": key, key: key}
    return {**completion(), **named, "choices": [choice, choice], "usage": usage}


def _always(raw: Raw) -> Callable[[str], Raw]:
    return lambda key: raw


def _said(body: object, **options: Any) -> Callable[[str], Raw]:
    return _always(http_answer(body, **options))


def _error(status: int, *headers: tuple[str, str]) -> Callable[[str], Raw]:
    def raw(key: str) -> Raw:
        body = {"error": {"message": f"Incorrect API key provided: {key}. Bearer {key}", "code": key, "param": key}}
        return http_answer(body, status, (*headers, ("X-Echo", key), ("WWW-Authenticate", f"Bearer {key}")))

    return raw


def _packed(encoding: str, pack: Callable[[], bytes], status: int = 200) -> Callable[[str], Raw]:
    return lambda key: http_answer(pack(), status, (("Content-Encoding", encoding),))


@cache
def _bomb(pack: Callable[[bytes], bytes]) -> bytes:
    """So much of nothing that to pack it takes a while: it is packed when it is first asked for."""
    return pack(bytes(2**26))


def _choice(message: object, finish_reason: object = "stop") -> Callable[[str], Raw]:
    return _said(completion(choices=[{"index": 0, "message": message, "finish_reason": finish_reason}]))


def _usage(prompt: object, completion_tokens: object = 3) -> Callable[[str], Raw]:
    return _said(completion(usage={"prompt_tokens": prompt, "completion_tokens": completion_tokens, "total_tokens": 1}))


_BANNERS = {
    "an SSH server": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a Redis server": b"-ERR unknown command 'POST', with args beginning with: '/v1/chat'\r\n",
    "a mail server": b"220 mail.example ESMTP\r\n",
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "nothing but line ends": b"\r\n\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 OK fine\r\n\r\n",
    "a status of six digits": b"HTTP/1.1 999999 \xff\xfe\r\n\r\n",
    "a reason that is no text": b"HTTP/1.1 200 \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    "a chunk of no size": _CHUNKED + b"zz\r\n{}\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxxxx",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
}
WIRE: dict[str, Hostile] = {
    **{name: Hostile(_always(Raw(start)), BROKEN) for name, start in _BANNERS.items()},
    "nothing": Hostile(_always(Raw(b"")), frozenset({"connection"})),
    "silence": Hostile(_always(Raw(b"", held=True)), SLOW),
    "the headers, then silence": Hostile(_always(Raw(_START, held=True)), SLOW),
    "an overlong header": Hostile(lambda key: http_answer(completion(), 200, (("X-Echo", key * 1000),)), GARBLED),
    "thousands of headers": Hostile(lambda key: http_answer(completion(), 200, (("X-Echo", key),) * 3000), GARBLED),
    "headers without end": Hostile(lambda key: Raw(_START[:-2], f"X-Echo: {key}\r\n".encode() * 50), GARBLED),
    "headers that drip": Hostile(lambda key: Raw(_START[:-2], f"X-Echo: {key}\r\n".encode(), 0.02), STOPPED),
    "one header without end": Hostile(lambda key: Raw(_START[:-2] + b"X-Echo: ", key.encode() * 50), GARBLED),
    "a status line without end": Hostile(_always(Raw(b"HTTP/1.1 200 ", b"x" * 999)), GARBLED),
    "interim answers without end": Hostile(_always(Raw(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 20)), STOPPED),
    "interim answers that drip": Hostile(_always(Raw(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.02)), SLOW),
    "a body without end": Hostile(_always(Raw(_START + b'{"choices": "', b"x" * 2**16)), GARBLED),
    "chunks without end": Hostile(_always(Raw(_CHUNKED, b"1\r\n \r\n" * 2000)), STOPPED),
    "chunks that drip": Hostile(_always(Raw(_CHUNKED, b"1\r\n \r\n", 0.02)), SLOW),
    "a chunk size without end": Hostile(_always(Raw(_CHUNKED, b"0" * 999)), STOPPED),
    "a chunk extension without end": Hostile(_always(Raw(_CHUNKED + b"1;", b"x" * 999)), STOPPED),
    "trailers without end": Hostile(lambda key: Raw(_CHUNKED + b"0\r\n", f"X: {key}\r\n".encode() * 50), STOPPED),
    "less than was announced": Hostile(
        _always(Raw(head(200, (("Content-Length", "900"),)) + b'{"choices": [')), frozenset({"connection"})
    ),
    "gigabytes announced": Hostile(_always(Raw(head(200, (("Content-Length", str(2**40)),)), b" " * 2**16)), GARBLED),
    "a bomb of gzip": Hostile(_packed("gzip", lambda: _bomb(gzip.compress)), GARBLED),
    "a bomb in layers": Hostile(_packed("gzip, gzip", lambda: gzip.compress(_bomb(gzip.compress))), GARBLED),
    "a bomb of zlib": Hostile(_packed("deflate", lambda: _bomb(zlib.compress)), GARBLED),
    "an encoding nobody knows": Hostile(_packed("br, zstd, x-new", lambda: bytes(99)), GARBLED),
    "a good answer, packed": Hostile(
        _packed("gzip", lambda: gzip.compress(json.dumps(completion()).encode())), GARBLED
    ),
    "a redirect that quotes the key": Hostile(
        lambda key: http_answer(b"", 307, (("Location", f"http://127.0.0.1:1/{key}?k={key}"),)), frozenset({"refused"})
    ),
    "a redirect to nowhere": Hostile(
        _said(b"", status=302, headers=(("Location", "http://[/"),)), BROKEN | {"refused"}
    ),
}
_WAITS = (
    *("inf", "-inf", "nan", "1e400", "-5", "9" * 60, "0x10", "1_0", "\xb2", "soon", "", "1;2", " "),
    *(
        DATE.format(99999),
        DATE.format(9999),
        DATE.format("0000"),
        "Fri, 32 Feb 2024 25:61:61 +9999",
        "Mon, 1 Jan 1 0:0:0",
    ),
)
REFUSALS: dict[str, Hostile] = {
    **{
        f"a {status} that quotes the key": Hostile(_error(status), frozenset({"refused"}))
        for status in (400, 401, 403, 404)
    },
    "a 429 that quotes the key": Hostile(_error(429), frozenset({"rate_limited"})),
    **{
        f"a {status} that quotes the key": Hostile(_error(status), frozenset({"server_error"}))
        for status in (500, 503, 999)
    },
    **{
        f"a wait of {wait!a}": Hostile(_error(429, ("Retry-After", wait)), frozenset({"rate_limited", "limit"}))
        for wait in _WAITS
    },
    "a refusal whose key is escaped": Hostile(
        lambda key: http_answer(f'{{"error": {{"message": "bad key {escaped(key)}"}}}}'.encode(), 401),
        frozenset({"refused"}),
    ),
    "a refusal in a list": Hostile(
        lambda key: http_answer({"detail": [{"loc": ["header", key], "msg": key}]}, 422), frozenset({"refused"})
    ),
    "a page that quotes the key": Hostile(
        lambda key: http_answer(f"<html>{key}{quote(key, safe='')}</html>".encode(), 403, content_type="text/html"),
        frozenset({"refused"}),
    ),
    "a refusal with a broken key": Hostile(
        lambda key: http_answer({"error": {"message": f"{key[:9]}\u200f\x00{key[9:]}"}}, 401), frozenset({"refused"})
    ),
    "a refusal with half a character": Hostile(
        _said(b'{"error": {"message": "\\ud800 no \\udfff"}}', status=401), frozenset({"refused"})
    ),
    "a refusal without end": Hostile(
        _always(Raw(head(401, (("Connection", "close"),)), b"no " * 9999)), frozenset({"refused"})
    ),
    "a deep refusal": Hostile(_said(b'{"error": {"message": ' + b"[" * 90_000, status=401), frozenset({"refused"})),
    "a packed refusal": Hostile(_packed("gzip", lambda: _bomb(gzip.compress), 401), frozenset({"refused"})),
}
_ODD_COUNTS = ("9", 1.5, -1, True, 2**70, 10**400, [], {}, None)
_ODD = ([], {}, 3, True, None, "\ud800")
BODIES: dict[str, Hostile] = {
    "the key everywhere": Hostile(lambda key: http_answer(everywhere(key)), ANSWERED),
    "the key everywhere, escaped": Hostile(
        lambda key: http_answer(json.dumps(everywhere("@KEY@")).replace("@KEY@", escaped(key)).encode()), ANSWERED
    ),
    "the key with a mark in it": Hostile(
        lambda key: http_answer(completion(f"{WORDS} {key[:7]}\u200e\x1b[0m{key[7:]}")), ANSWERED
    ),
    "the key in headers": Hostile(
        lambda key: http_answer(completion(), 200, (("X-Echo", key), ("Set-Cookie", f"k={key}; Path=/"))), ANSWERED
    ),
    "the key in the reason": Hostile(
        lambda key: Raw(f"HTTP/1.1 200 {key}\r\n".encode() + http_answer(completion()).start.partition(b"\r\n")[2]),
        ANSWERED,
    ),
    "an error that quotes the key": Hostile(lambda key: http_answer({"error": {"message": f"bad {key}"}}), GARBLED),
    "an error of another shape": Hostile(lambda key: http_answer({"error": [{key: key}]}), GARBLED),
    "a page with the key": Hostile(lambda key: http_answer(f"<p>{key}</p>".encode(), 200, (), "text/html"), GARBLED),
    "a list with the key": Hostile(lambda key: http_answer([key]), GARBLED),
    "deep JSON": Hostile(_said(b"[" * 100_000), GARBLED),
    "deep JSON aside": Hostile(_said(b'{"x":' + b"[" * 90_000 + b"]" * 90_000 + b"}"), GARBLED),
    "wide JSON": Hostile(_said(b'{"choices":[' + b"[],{}," * 600_000 + b"0]}"), GARBLED),
    "a number of many digits": Hostile(_said(b'{"choices":' + b"9" * 3_000_000 + b"}"), GARBLED),
    "a count beyond all bounds": Hostile(
        _said(json.dumps(completion()).replace('"prompt_tokens": 9', '"prompt_tokens": 1e400').encode()), ANSWERED
    ),
    "not a number": Hostile(_said(completion(created=float("nan"))), GARBLED),
    "another encoding": Hostile(_said(json.dumps(completion()).encode("utf-16")), ANSWERED),
    "bytes that are no text": Hostile(_said(b'{"choices": "\xff\xfe"}'), GARBLED),
    "half a character": Hostile(_said(completion(f"{WORDS} \ud800 \udfff")), ANSWERED),
    "text in parts": Hostile(
        _said(completion([{"type": "text", "text": WORDS}, "\ud83d", {"type": "image"}])), ANSWERED
    ),
    "parts that are none": Hostile(_said(completion([3, None])), GARBLED),
    "a very long answer": Hostile(_said(completion("so it is. " * 100_000)), ANSWERED),
    "a very long answer of commands": Hostile(_said(completion("\x9d\x1b]" * 200_000)), ANSWERED),
    "no id": Hostile(_said({name: value for name, value in completion().items() if name != "id"}), ANSWERED),
    "usage that is a list": Hostile(_said(completion(usage=[1, 2])), ANSWERED),
    "usage that is a text": Hostile(_said(completion(usage="9")), ANSWERED),
    **{f"prompt tokens of {json.dumps(odd)[:9]}": Hostile(_usage(odd), ANSWERED) for odd in _ODD_COUNTS},
    **{
        f"tokens of {json.dumps(odd)[:9]}": Hostile(_usage(3, odd), ANSWERED)
        for odd in (*_ODD_COUNTS[:2], -1, True, 2**64)
    },
    "cached tokens that are odd": Hostile(
        _said(
            completion(
                usage={"prompt_tokens": 9, "completion_tokens": 8, "prompt_tokens_details": {"cached_tokens": "9"}}
            )
        ),
        ANSWERED,
    ),
    **{
        f"a finish reason of {odd!r}": Hostile(_choice({"role": "assistant", "content": WORDS}, odd), ANSWERED)
        for odd in _ODD
    },
    **{f"a model of {odd!r}": Hostile(_said(completion(model=odd)), ANSWERED) for odd in _ODD},
    **{f"an id of {odd!r}": Hostile(_said(completion(id=odd)), ANSWERED) for odd in _ODD},
    **{
        f"a content of {odd!r}": Hostile(_choice({"role": "assistant", "content": odd}), GARBLED)
        for odd in ({}, 3, True)
    },
    **{f"a message of {odd!r}": Hostile(_choice(odd), GARBLED) for odd in ([], 3, None, "yes")},
    **{
        f"choices of {odd!r}": Hostile(_said(completion(choices=odd)), GARBLED)
        for odd in (*_ODD, [3], [None], "no", {"0": 1})
    },
    "a message of the user": Hostile(_choice({"role": "user", "content": WORDS}), GARBLED),
}
HOSTILE: dict[str, Hostile] = {**WIRE, **REFUSALS, **BODIES}
