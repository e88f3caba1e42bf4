"""The raters' pages, which tell of no method: each a self-contained HTML file that needs no server and no network, or served.

A page is the text, style and script in `page/` with the rater's sheet as JSON inside. The script puts text into the page as text
only. The page's content security policy lets no other script run. A file fetches and sends nothing; a served page speaks to its server.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from counseling_sessions.evaluation.rating.duration import minutes_of
from counseling_sessions.evaluation.rating.study import (
    CANNOT_SAY,
    SIDE_CHOICES,
    AnyStudy,
    ScaleStudy,
    SessionSheet,
    Sheet,
    Showing,
    Study,
    StudyError,
    StudyPair,
    StudySession,
)
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.settings import read_yaml
from counseling_sessions.store.atomic import write_atomically

Keeper = Literal["file", "server"]
"""A page that is a file keeps answers in the browser, until they are exported; one that is served sends them to its server."""

FOLDER = Path(__file__).parent / "page"
STYLES = ("page.css", "print.css")
KEEPERS: dict[Keeper, str] = {"file": "in_browser.js", "server": "on_server.js"}
"""The script that keeps the answers."""

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


def write_pages(study: AnyStudy, folder: Path) -> list[Path]:
    """Write one page per rater, `rater-1.html` and so on, and return their paths. Raises `StudyError` for an unhashed study."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for sheet in study.sheets:
        path = folder / f"{sheet.rater}.html"
        write_atomically(path, page_of(study, sheet).encode())
        paths.append(path)
    return paths


@dataclass(frozen=True)
class Served:
    """A page's server: the address to which answers go, and those that it has, by the number of the showing."""

    address: str
    answers: dict[str, Any]


def policy_of(keeper: Keeper) -> str:
    """The content security policy of a page. It has hashes instead of 'unsafe-inline': but for its style and script nothing runs."""
    reaches = "connect-src 'self'; " if keeper == "server" else ""
    return (
        f"default-src 'none'; style-src 'sha256-{_digest(_style())}'; script-src 'sha256-{_digest(_script(keeper))}'; "
        f"{reaches}base-uri 'none'; form-action 'none'"
    )


def page_of(study: AnyStudy, sheet: Sheet | SessionSheet, served: Served | None = None) -> str:
    """The HTML of one rater's page: of a file, or as it is served."""
    if not study.hash:
        raise StudyError("the study has no hash: pages are made of a study as draw_study or read_study gives it")
    kind = "pairs" if isinstance(study, Study) else "sessions"
    keeper: Keeper = "server" if served else "file"
    all_words = read_yaml(FOLDER / "words.yaml")
    words = all_words[kind] | all_words[keeper]
    if isinstance(study, ScaleStudy) and study.scale.needs_form:
        words["about"] = words["form"]
    shown = {name: words[name] for name in ("title", "noun", "about", "erase")} | {"Noun": words["noun"].title()}
    data = {"format": study.format, "kind": kind, "study": study.hash, "rater": sheet.rater, "words": shown}
    data["minutes"] = round(minutes_of(study, sheet))
    if isinstance(study, Study):
        data |= _of_pairs(study, next(one for one in study.sheets if one.rater == sheet.rater))
    else:
        data |= _of_sessions(study, next(one for one in study.sheets if one.rater == sheet.rater))
    if served:
        data |= {"server": served.address, "answers": served.answers}
    parts = {"policy": policy_of(keeper), "style": _style(), "script": _script(keeper), "data": _inline_json(data)}
    # These have places to fill in of their own.
    frame = _read("page.html").replace("{{instructions}}", _read(f"{kind}.html").rstrip())
    frame = frame.replace("{{handing_in}}", _read(f"{keeper}.html").rstrip())
    return _VARIABLE.sub(lambda match: {**words, **parts}[match[1]], frame)


def client_lines(pair: StudyPair) -> list[list[str]]:
    """What raters read of the client, as title and value: what the counselor knew, never the attitude."""
    lines = [list(line.partition(": ")[::2]) for line in pair.information]
    return lines + ([["Reason for counseling", pair.reason]] if pair.reason else [])


def sides(pair: StudyPair, showing: Showing) -> tuple[StudySession, StudySession]:
    """The sessions shown as A (left) and as B (right)."""
    return (pair.first, pair.second) if showing.left == "first" else (pair.second, pair.first)


def _of_pairs(study: Study, sheet: Sheet) -> dict[str, Any]:
    """What a page of pairs needs, and no more: neither ids of pairs and sessions, nor methods, attitudes, seeds or repeats."""
    by_id = study.by_id
    showings = []
    for showing in sheet.showings:
        pair = by_id[showing.pair]
        sessions = [_session(session, letter) for session, letter in zip(sides(pair, showing), "AB", strict=True)]
        showings.append({"number": showing.number, "client": client_lines(pair), "sessions": sessions})
    labels = (("A", "Session "), ("B", "Session "), ("About equal", ""), ("Cannot say", ""))
    return {
        "lead": "",
        "choices": [
            {"value": value, "label": label, "unseen": unseen, "key": str(number)}
            for number, (value, (label, unseen)) in enumerate(zip(SIDE_CHOICES, labels, strict=True), 1)
        ],
        "questions": [
            {
                "id": aspect.id,
                "title": aspect.title,
                "definition": aspect.definition,
                "note": f"Look for: {aspect.look_for}",
                "anchors": [],
                "open": False,
            }
            for aspect in study.aspects.items
        ],
        "showings": showings,
    }


def _of_sessions(study: ScaleStudy, sheet: SessionSheet) -> dict[str, Any]:
    """What a page of single sessions needs, and no more."""
    by_id, scale = study.by_id, study.scale
    showings = []
    for showing in sheet.showings:
        rated = by_id[showing.session]
        lines = [list(line.partition(": ")[::2]) for line in rated.about]
        showings.append({"number": showing.number, "client": lines, "sessions": [_session(rated.session, "")]})
    return {
        "lead": scale.question,
        "choices": _points(scale),
        "questions": [
            {
                "id": item.id,
                "title": item.title,
                "definition": item.definition,
                "note": "",
                "anchors": [[str(point), text] for point, text in scale.anchors_of(item).items()],
                "open": bool(item.anchors),
            }
            for item in scale.items
        ],
        "showings": showings,
    }


def _points(scale: Scale) -> list[dict[str, str]]:
    """The points of a scale as choices: a point's key is its digit, or else its place."""
    points = range(scale.low, scale.high + 1)
    digits = points if scale.low >= 0 and scale.high <= 9 else range(1, len(points) + 1)
    choices = [
        {"value": str(point), "label": str(point).replace("-", "−"), "unseen": "", "key": str(key) if key < 10 else ""}
        for point, key in zip(points, digits, strict=True)
    ]
    return [*choices, {"value": CANNOT_SAY, "label": "Cannot say", "unseen": "", "key": "x"}]


def _session(session: StudySession, letter: str) -> dict[str, Any]:
    language = (session.language or "English").strip().lower()
    return {
        "letter": letter,
        "lang": LANGUAGES.get(language, ""),
        "messages": [[said.speaker, said.text] for said in session.dialogue],
    }


def _style() -> str:
    return "\n".join(map(_read, STYLES))


def _script(keeper: Keeper) -> str:
    return "\n".join(map(_read, ("answers.js", KEEPERS[keeper], "build.js", "page.js")))


def _inline_json(data: dict[str, Any]) -> str:
    # Inside a script element only "<" can end it or open a comment; in JSON it may be written as an escape.
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
