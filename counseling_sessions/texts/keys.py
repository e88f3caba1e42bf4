"""Keys in texts: masks a key that came back, and recognises what looks like one in a configuration, which goes on record.

It looks at names and shapes alone; only the patterns in memory that find a key again keep it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from html.entities import html5
from itertools import pairwise
from typing import Any
from urllib.parse import unquote, urlsplit

from counseling_sessions.texts.harmless import one_line

MASK = "***"
KEYS_GO = "keys come from the environment (api_key_env)"
LEAST_KEY = 8
"""Characters of the shortest key that is looked for in what a model says: shorter ones are words, such as `none`."""
LONGEST_WORD = 20
"""Letters up to which a key of letters alone is taken for a word: local servers get `password` or `EMPTY`."""

_START = r"(?<![A-Za-z0-9])"
_PREFIXED = re.compile(
    _START
    + r"(?:sk-[\w-]{8,}|(?:sk|pk|rk)_(?:live|test)_\w{8,}|hf_[A-Za-z0-9]{10,}|gh[opsur]_[A-Za-z0-9]{10,}|github_pat_\w{10,}"
    r"|glpat-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[\w-]{20,}|xox[abeprs]-[\w-]{10,}|(?:gsk|nvapi|pplx|r8|xai|lsv2)[_-][\w-]{16,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,})"
)
_SCHEME = re.compile(r"\s*(?:bearer|basic|token|apikey)[\s:]+\S{8,}\s*", re.IGNORECASE)
_PIECE = re.compile(r"[A-Za-z0-9]{20,}")
_MIXED = 0.4
"""Share of the places in a piece at which upper case, lower case and digits change, from which it is no name: words in
CamelCase with a year stay below, six in ten do in a random one."""

_SECRET_NAME = re.compile(
    r"api[_-]?key|authorization|passw|secret|credential|(?:access|auth|bearer)[_-]?token", re.IGNORECASE
)
_SECRET_WORDS = frozenset({"auth", "oauth", "bearer", "pwd", "passphrase", "cookie", "cookies", "jwt"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_OWNER = re.compile(
    "access|account|admin|api|app|aws|azure|client|gateway|hf|hub|id|llm|master|my|openai|openrouter|personal|private|provider"
    "|refresh|secret|server|service|session|signing|subscription|user|vendor|x"
)
"""Words before `key` or `token` that make it a secret; `prompt_cache_key` and `eos_token` are none."""
_ASSIGNED = re.compile(r"(?:^|[^a-z])(?:key|token|secret|password|passwd|pwd)[=:;].", re.IGNORECASE)
_BEFORE_A_KEY = re.compile(r"(?:api|access|auth|secret)?[_-]?(?:key|token)|secret|password|passwd|pwd", re.IGNORECASE)
_VERSION = re.compile(r"v\d+\w*", re.IGNORECASE)
_BEFORE_A_NAME = frozenset({"deployments", "models", "model", "engines", "accounts", "projects", "endpoints"})
"""Path segments that a name follows, which may be as wild as its owner likes."""


def worth_hiding(key: str) -> bool:
    """Whether a key is one that no sentence holds by chance: eight or more characters, and not one short word of letters."""
    return len(key) >= LEAST_KEY and not (key.isalpha() and len(key) < LONGEST_WORD)


def masked(text: str, key: str) -> str:
    """The text with the key masked: plain, in JSON, in a URL and in HTML, in either case. An empty key changes nothing.

    Writers differ in which signs they escape, and some escape what is escaped already.
    """
    return _forms(key).sub(MASK, text) if key else text


@lru_cache(maxsize=64)
def _forms(key: str) -> re.Pattern[str]:
    escapes = ["".join(form.format(ord(letter)) for letter in key) for form in _BY_NUMBER]
    return re.compile("|".join(["".join(map(_ways, key)), *map(re.escape, escapes)]), re.IGNORECASE)


_BY_NUMBER = (r"\u{:04x}", r"\x{:02x}", "%{:02x}", "&#{};", "&#x{:x};")


def _ways(sign: str) -> str:
    """All the ways to write a sign of a key, as a pattern; writers that escape signs alone leave letters and digits."""
    if sign.isalnum():
        return sign
    number = ord(sign)
    names = "|".join(re.escape(name) for name, meant in html5.items() if meant == sign and name.endswith(";"))
    ways = [
        r"\\{0,8}" + re.escape(sign),
        rf"\\{{1,8}}(?:u00|x){number:02x}",
        rf"%(?:25){{0,3}}{number:02x}",
        rf"&(?:amp;){{0,3}}(?:#0{{0,4}}{number};|#x0{{0,4}}{number:x};" + (f"|{names})" if names else ")"),
        *([r"\+"] if sign == " " else []),
    ]
    return f"(?:{'|'.join(ways)})"


def looks_like_key(text: str) -> bool:
    """Whether a value is, or begins like, a key: a known prefix, `Bearer …`, or one long piece that no person would write."""
    return bool(_PREFIXED.search(text) or _SCHEME.fullmatch(text) or _wild(text))


def _wild(text: str) -> bool:
    """Whether the text is one word with a long random piece in it."""
    if any(character.isspace() for character in text):
        return False
    return any(map(_is_random, _PIECE.findall(text)))


def _is_random(piece: str) -> bool:
    kinds = ["d" if letter.isdigit() else "u" if letter.isupper() else "l" for letter in piece]
    changes = sum(before != after for before, after in pairwise(kinds))
    return len(set(kinds)) == 3 and changes >= _MIXED * len(piece)


def url_problem(url: str, keys: Sequence[str] = ()) -> str | None:
    """What is wrong with an endpoint's URL that goes on record, one of `keys` in it above all; None for nothing."""
    if not re.match(r"https?://[^/\s]+", url):
        return "must start with http:// or https://"
    if not _is_address(url):
        return "is no address of a server, such as http://127.0.0.1:8000/v1"
    if "@" in url.split("//", 1)[1].split("/", 1)[0]:
        return f"must hold no user or password: {KEYS_GO}"
    if "?" in url or "#" in url:
        return f"must have nothing after the path, such as ?key=…: {KEYS_GO}"
    return f"has a part that looks like a key: {KEYS_GO}" if _key_in_url(url, keys) else None


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool((parts.hostname or "").encode("idna")) and parts.port != 0  # reading the port checks it
    except ValueError:
        return False


def secret_problem(value: Any, keys: Sequence[str] = ()) -> str | None:
    """What is wrong with a nested value that goes on record: a field that is named like a secret, or looks like a key, or
    holds one of `keys`; None for nothing."""
    name = _secret_in(value, keys)
    if name is None:
        return None
    if name == "":
        return f"looks like a key: {KEYS_GO}"
    # In a file gone wrong the name may itself be the key.
    shown = "a field" if _shows_key(name, keys) else one_line(name)[:40]
    return f"{shown}: must hold no key or password: {KEYS_GO}"


def _holds(text: str, keys: Sequence[str]) -> bool:
    return any(worth_hiding(key) and key.casefold() in text.casefold() for key in keys)


def _shows_key(text: str, keys: Sequence[str]) -> bool:
    return looks_like_key(text) or _holds(text, keys)


def _key_in_url(url: str, keys: Sequence[str]) -> bool:
    for _ in range(3):  # quoted twice is still readable
        url = unquote(url)
    # What follows "//" is the host, and no name of what comes after it.
    segments = ["", *url.partition("//")[2].split("/")[1:]]
    if _PREFIXED.search(url) or _ASSIGNED.search("/".join(segments)) or _holds(url, keys):
        return True
    return any(
        _SCHEME.fullmatch(segment)
        or (bool(_BEFORE_A_KEY.fullmatch(before)) and bool(segment) and not _VERSION.fullmatch(segment))
        or (before.casefold() not in _BEFORE_A_NAME and _wild(segment))
        for before, segment in pairwise(segments)
    )


def _secret_in(value: Any, keys: Sequence[str]) -> str | None:
    """The name of the first field that holds a secret; "" for the value itself."""
    waiting: list[tuple[str, Any]] = [("", value)]
    seen: set[int] = set()
    while waiting:  # no recursion: files may be nested deeply, and YAML's aliases may lead in circles
        name, item = waiting.pop()
        if isinstance(item, (dict, list, tuple)) and id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            if named := next((str(field) for field in item if names_secret(str(field))), None):
                return named
            waiting += [(str(field), inner) for field, inner in item.items()]
        elif isinstance(item, (list, tuple)):
            waiting += [(name, inner) for inner in item]
        elif isinstance(item, str) and _shows_key(item, keys):
            return name
    return None


def names_secret(name: str) -> bool:
    """Whether a field's name means a secret: `token`, `x-api-key`, `proxyAuth`; not `max_tokens`, `eos_token`, `cache_key`."""
    if _SECRET_NAME.search(name) or looks_like_key(name):
        return True
    words = [word.lower() for word in _WORD.findall(name)]
    if not _SECRET_WORDS.isdisjoint(words):
        return True
    return bool(words) and words[-1] in ("key", "token") and (len(words) == 1 or bool(_OWNER.fullmatch(words[-2])))
