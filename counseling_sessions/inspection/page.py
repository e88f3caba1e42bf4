"""The trace page: sessions for a browser, in one HTML file that needs no server and no network.

`page/` has its text, style and script. The page holds every session as compressed JSON (raw deflate, base64), which the browser
unpacks when a reader opens the session. So a run of a thousand sessions is one file that opens at once. The script inserts text
only as text. The page's content security policy runs no other script, and fetches and sends nothing.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from counseling_sessions.inspection.find import find_one, find_records
from counseling_sessions.inspection.graph_picture import graph_svg
from counseling_sessions.inspection.page_data import Drawing, drawing_of, packed, row_of, session_data
from counseling_sessions.inspection.trace import trace_session
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.store.atomic import write_named
from counseling_sessions.store.failing import failing_as

FOLDER = Path(__file__).parent / "page"
SCRIPTS = ("elements.js", "list.js", "dialogue.js", "turn.js", "overview.js", "search.js")
"""What every page of sessions runs, before the script with its `source` and `start.js`."""

_VARIABLE = re.compile(r"\{\{(\w+)\}\}")


def write_page(place: Path, session: str | None, out: Path, *, left_out: list[Damage] | None = None) -> None:
    """Write the page of a session, named as for `find_one`, or of all sessions of a place.

    A place is a run directory, a folder, a journal or a file of records. If a person typed in a session, only the owner can read
    the page. Raises `RunError` or `JournalError` if there is no session, one is damaged (unless `left_out` collects those), or the
    page cannot be written.
    """
    if session is None:
        records: Iterable[SessionRecord] = find_records(place, left_out=left_out)
    else:
        records = [find_one(place, session, left_out=left_out)]
    typed = False

    def noted() -> Iterator[SessionRecord]:
        nonlocal typed
        for record in records:
            typed = typed or any(utterance.author == "human" for utterance in record.dialogue)
            yield record

    page = page_of(noted(), f"Sessions of {place.resolve().name}")
    with failing_as(RunError, f"{out} cannot be written"):
        write_named(out, page, private=typed)


def page_of(records: Iterable[SessionRecord], title: str) -> str:
    """The HTML of a page with these sessions; with a list if there are several."""
    graphs: dict[Drawing, int] = {}
    rows, sessions = [], []
    for place, record in enumerate(records):
        trace = trace_session(record)
        drawing = drawing_of(trace)
        graph = graphs.setdefault(drawing, len(graphs)) if drawing else None
        rows.append(row_of(record) | {"place": place, "graph": graph})
        data = packed(session_data(record, trace))
        sessions.append(f'<script type="application/octet-stream" id="session-{place}">{data}</script>')
    drawings = [f'<template id="graph-{place}">{graph_svg(*drawing)}</template>' for drawing, place in graphs.items()]
    parts = {
        "policy": f'<meta http-equiv="Content-Security-Policy" content="{policy_of()}">',
        "title": escape(title),
        "style": f"<style>{_style()}</style>",
        "script": f"<script>{_script()}</script>",
        "data": "\n".join(
            [*drawings, f'<script type="application/octet-stream" id="rows">{packed(rows)}</script>', *sessions]
        ),
    }
    return _filled(parts)


def served_page(title: str, styles: Sequence[str], scripts: Sequence[str]) -> str:
    """The HTML of a page that fetches its sessions from a server, which has these files; the server sets the policy."""
    links = [f'<link rel="stylesheet" href="{escape(address)}">' for address in styles]
    tags = [f'<script defer src="{escape(address)}"></script>' for address in scripts]
    icon = '<link rel="icon" href="data:,">'
    parts = {"policy": icon, "title": escape(title), "style": "\n".join(links), "script": "\n".join(tags), "data": ""}
    return _filled(parts)


def _filled(parts: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda match: parts[match[1]], _read("trace.html"))


def policy_of() -> str:
    """The content security policy of a page: only its style and its script run, even if text became markup."""
    return (
        f"default-src 'none'; style-src 'sha256-{_digest(_style())}'; script-src 'sha256-{_digest(_script())}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _style() -> str:
    return _read("trace.css")


def _script() -> str:
    return "\n".join(map(_read, (*SCRIPTS, "packed.js", "start.js")))


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
