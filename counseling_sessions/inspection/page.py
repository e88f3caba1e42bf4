"""The trace page: sessions to look at in a browser, in one self-contained HTML file that needs no server and no network.

Text, style and script are the files in `page/`. Every session lies in the page as JSON, compressed (raw deflate, base64) and
unpacked by the browser when it is opened, so that a run of a thousand sessions is one file that opens at once; a page of one
session is the same without a list. The script puts text into the page as text only, and the page's content security policy lets
no other script run and nothing be fetched or sent.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from counseling_sessions.inspection.find import find_one, find_records
from counseling_sessions.inspection.graph_picture import graph_svg
from counseling_sessions.inspection.page_data import Drawing, drawing_of, packed, row_of, session_data
from counseling_sessions.inspection.trace import trace_session
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.state import SessionRecord
from counseling_sessions.store.atomic import write_named
from counseling_sessions.store.failing import failing_as

FOLDER = Path(__file__).parent / "page"
STYLES = ("trace.css",)
SCRIPTS = ("elements.js", "list.js", "dialogue.js", "turn.js", "overview.js", "search.js", "start.js")

_VARIABLE = re.compile(r"\{\{(\w+)\}\}")


def write_pages(place: Path, session: str | None, out: Path, *, left_out: list[Damage] | None = None) -> list[Path]:
    """Write the page of one session of a place (a run directory, a folder, a journal, a file of records), named as
    `find_one` takes it, or without a name of all its sessions, with a list. Returns the files written: it is one. Where a person
    has typed in a session, it is for its owner alone.

    Raises `RunError` or `JournalError` where there is nothing to show or a session is damaged (with a list for what is left out,
    damaged ones are put there instead), and `RunError` when the page cannot be written.
    """
    if session is None:
        records: Iterable[SessionRecord] = find_records(place, left_out=left_out)
    else:
        records = [find_one(place, session, left_out=left_out)]
    typed = False

    def noted() -> Iterator[SessionRecord]:
        nonlocal typed
        for record in records:
            typed = typed or any(said.author == "human" for said in record.dialogue)
            yield record

    page = page_of(noted(), f"Sessions of {place.resolve().name}")
    with failing_as(RunError, f"{out} cannot be written"):
        write_named(out, page, private=typed)
    return [out]


def page_of(records: Iterable[SessionRecord], title: str) -> str:
    """The HTML of a page with these sessions: with a list of them, unless there is just one."""
    graphs: dict[Drawing, int] = {}
    rows, sessions = [], []
    for place, record in enumerate(records):
        trace = trace_session(record)
        drawing = drawing_of(trace)
        graph = graphs.setdefault(drawing, len(graphs)) if drawing else None
        rows.append(row_of(record, trace) | {"place": place, "graph": graph})
        data = packed(session_data(record, trace))
        sessions.append(f'<script type="application/octet-stream" id="session-{place}">{data}</script>')
    drawings = [f'<template id="graph-{place}">{graph_svg(*drawing)}</template>' for drawing, place in graphs.items()]
    style, script = ("\n".join(map(_read, names)) for names in (STYLES, SCRIPTS))
    # Hashes instead of 'unsafe-inline', so that nothing but these two could run even if text ever came in as markup.
    policy = (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": escape(title),
        "style": style,
        "script": script,
        "graphs": "\n".join(drawings),
        "rows": packed(rows),
        "sessions": "\n".join(sessions),
    }
    return _VARIABLE.sub(lambda match: parts[match[1]], _read("trace.html"))


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
