"""Sessions for the tests of the trace page: whole ones, cut ones, failed ones, and one whose text is hostile."""

import base64
import json
import re
import zlib
from typing import Any

from counseling_sessions.sessions.record import SessionRecord, Turn
from counseling_sessions.state import Candidate, Failure, Finding
from tests.generation.exports.sessions import session

HOSTILE = "</script><script>document.title = 'taken'</script> <b>\"bold\"</b> & <!-- \u2028 {{style}} \U0001f642 '"


def unpacked(text: str) -> Any:
    """What `packed` has packed."""
    return json.loads(zlib.decompress(base64.b64decode(text), -zlib.MAX_WBITS))


def sessions_of(page: str) -> list[Any]:
    """The sessions that lie in a page."""
    found = re.findall(r'<script type="application/octet-stream" id="session-\d+">(.*?)</script>', page)
    return [unpacked(text) for text in found]


def rows_of(page: str) -> Any:
    """The rows of a page's list."""
    return unpacked(page.split('id="rows">')[1].split("</script>", maxsplit=1)[0])


def many(count: int) -> list[SessionRecord]:
    """Sessions of three methods and attitudes, some failed, with ids s0, s1, …"""
    made = []
    for number in range(count):
        record = session(("magnet", "single-plan", "single")[number % 3])
        changes: dict[str, Any] = {
            "session_id": f"s{number}",
            "attitude": ("positive", "neutral", "negative")[number // 3 % 3],
        }
        if number % 10 == 9:
            changes |= {"status": "failed", "end_reason": None, "closing": None, "failure": failure()}
        made.append(record.model_copy(update=changes))
    return made


def failure(stage: str = "client", turn: int = 2, kind: str = "unusable") -> Failure:
    return Failure(stage=stage, kind=kind, message="no answer passed the guards", turn=turn)


def hostile() -> SessionRecord:
    """A session in which every text is markup."""
    record = session()
    turn = record.turns[0]
    assert turn.counselor
    assert turn.client
    assert turn.pick
    assert turn.candidates[0].call
    assert record.plan
    call = turn.candidates[0].call.model_copy(
        update={
            "findings": (Finding(kind="meta_talk", detail=HOSTILE),),
            "errors": (HOSTILE,),
            "model": HOSTILE,
            "attempts": 2,
            "requests": 3,
        }
    )
    candidates = (
        turn.candidates[0].model_copy(update={"text": HOSTILE, "call": call}),
        Candidate(turn=1, technique=HOSTILE, error=HOSTILE),
    )
    first = turn.model_copy(
        update={
            "counselor": turn.counselor.model_copy(update={"text": HOSTILE}),
            "client": turn.client.model_copy(update={"text": HOSTILE}),
            "pick": turn.pick.model_copy(update={"reason": HOSTILE, "fallback": HOSTILE}),
            "candidates": candidates,
        }
    )
    who = record.profile.demographics.model_copy(update={"name": HOSTILE})
    return record.model_copy(
        update={
            "session_id": HOSTILE,
            "turns": (first, *record.turns[1:]),
            "profile": record.profile.model_copy(update={"demographics": who}),
            "plan": record.plan.model_copy(update={"goal": HOSTILE, "steps": (HOSTILE, HOSTILE)}),
            "failure": failure().model_copy(update={"message": HOSTILE, "kind": HOSTILE, "stage": HOSTILE}),
            "status": "failed",
            "configuration": record.configuration | {"techniques": ["reflection", HOSTILE]},
        }
    )


def merged() -> SessionRecord:
    """A session whose first utterance is made of its two candidates; what comes before is beyond the basic plane."""
    record = session()
    first = record.turns[0]
    texts = ["\U0001f642 You lie awake at night, so often.", "I wonder what goes through your mind?"]
    drafts = [draft.model_copy(update={"text": text}) for draft, text in zip(first.candidates, texts, strict=True)]
    assert first.counselor
    text = "\U0001f642\U0001f642 So you lie awake at night and I ask: what goes through your mind then?"
    changed = {"candidates": tuple(drafts), "counselor": first.counselor.model_copy(update={"text": text})}
    return record.model_copy(update={"turns": (first.model_copy(update=changed), *record.turns[1:])})


def cut() -> list[SessionRecord]:
    """Sessions that came to nothing at every stage, and one that was cut off in the middle of a turn."""
    whole = session()
    nothing = {"closing": None, "end_reason": None, "status": "failed"}
    turn: Turn = whole.turns[0]
    told = {"plan": None, "turns": (), "opening": ()}
    half = turn.model_copy(update={"counselor": None, "client": None, "candidates": turn.candidates[:1]})
    no_reply = turn.model_copy(update={"client": None})
    no_drafts = turn.model_copy(
        update={
            "counselor": None,
            "client": None,
            "candidates": tuple(Candidate(turn=1, technique=one.technique, error="lost") for one in turn.candidates),
        }
    )
    cases = [
        told | {"failure": failure("plan", 0)},
        told | {"failure": failure("session", 0, "unfinished")},
        {"turns": (), "failure": failure("router", 1)},
        {"turns": (half,), "failure": failure("session", 0, "unfinished")},
        {"turns": (no_drafts,), "failure": failure("merge", 1, "no_candidate")},
        {"turns": (no_reply,), "failure": failure("client", 1)},
        {"failure": failure("merge", 3)},
    ]
    return [whole.model_copy(update=nothing | case) for case in cases]
