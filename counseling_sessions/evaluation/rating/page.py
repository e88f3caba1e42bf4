"""The raters' pages: one self-contained HTML file each, which needs no server and no network, and tells of no method.

A page is the text, style and script in `page/` with the rater's sheet as JSON inside. The script puts text into the page as text
only. The page's content security policy lets no other script run and nothing be fetched or sent.
"""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from counseling_sessions.evaluation.rating.study import Sheet, Showing, Study, StudyError, StudyPair, StudySession
from counseling_sessions.store.atomic import write_atomically

FOLDER = Path(__file__).parent / "page"
STYLES = ("page.css", "print.css")
SCRIPTS = ("answers.js", "build.js", "page.js")

WORDS_PER_MINUTE = 238
"""Silent reading of English non-fiction by adults, on average (Brysbaert 2019)."""
SECONDS_PER_ASPECT = 10
"""Our estimate of the time that one answer takes after reading."""

LANGUAGES = {
    "arabic": "ar",
    "chinese": "zh",
    "dutch": "nl",
    "english": "en",
    "french": "fr",
    "german": "de",
    "hindi": "hi",
    "italian": "it",
    "japanese": "ja",
    "polish": "pl",
    "portuguese": "pt",
    "russian": "ru",
    "spanish": "es",
    "turkish": "tr",
    "ukrainian": "uk",
}
"""Language tags for screen readers; any other language is marked as unknown."""

_VARIABLE = re.compile(r"\{\{(\w+)\}\}")


def write_pages(study: Study, folder: Path) -> list[Path]:
    """Write one page per rater, `rater-1.html` and so on, and return their paths. Raises `StudyError` for an unhashed study."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for sheet in study.sheets:
        path = folder / f"{sheet.rater}.html"
        write_atomically(path, page_of(study, sheet).encode())
        paths.append(path)
    return paths


def page_of(study: Study, sheet: Sheet) -> str:
    """The HTML of one rater's page."""
    if not study.hash:
        raise StudyError("the study has no hash: pages are made of a study as draw_study or read_study gives it")
    style, script = ("\n".join(map(_read, names)) for names in (STYLES, SCRIPTS))
    # Hashes instead of 'unsafe-inline', so that nothing but these two could run even if text ever came in as markup.
    policy = (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {"policy": policy, "style": style, "script": script, "data": _inline_json(_data(study, sheet))}
    return _VARIABLE.sub(lambda match: parts[match[1]], _read("page.html"))


def client_lines(pair: StudyPair) -> list[list[str]]:
    """What raters read of the client, as title and value: what the counselor knew, never the attitude."""
    lines = [list(line.partition(": ")[::2]) for line in pair.information]
    return lines + ([["Reason for counseling", pair.reason]] if pair.reason else [])


def sides(pair: StudyPair, showing: Showing) -> tuple[StudySession, StudySession]:
    """The sessions shown as A (left) and as B (right)."""
    return (pair.first, pair.second) if showing.left == "first" else (pair.second, pair.first)


def _data(study: Study, sheet: Sheet) -> dict[str, Any]:
    """What the page needs, and no more: neither ids of pairs and sessions, nor methods, attitudes, seeds or repeats."""
    by_id = study.by_id
    showings = []
    words = 0
    for showing in sheet.showings:
        pair = by_id[showing.pair]
        shown = [_session(session) for session in sides(pair, showing)]
        words += sum(len(text.split()) for session in shown for _, text in session["messages"])
        showings.append({"number": showing.number, "client": client_lines(pair), "a": shown[0], "b": shown[1]})
    answers = len(showings) * len(study.aspects.items)
    return {
        "format": study.format,
        "study": study.hash,
        "rater": sheet.rater,
        "minutes": round(words / WORDS_PER_MINUTE + answers * SECONDS_PER_ASPECT / 60),
        "aspects": [aspect.model_dump() for aspect in study.aspects.items],
        "showings": showings,
    }


def _session(session: StudySession) -> dict[str, Any]:
    language = (session.language or "English").strip().lower()
    return {
        "lang": LANGUAGES.get(language, ""),
        "messages": [[said.speaker, said.text] for said in session.dialogue],
    }


def _inline_json(data: dict[str, Any]) -> str:
    # Inside a script element only "<" can end it or open a comment; in JSON it may be written as an escape.
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
