"""Preference: the counselor's utterance against each draft of a specialist that did not go into it.

In a pair, a merging model, which the row names, saw the draft, left it out, and wrote `chosen`. If no model merged (drafts
joined by rule, a person's words), nobody chose, and there is no pair.
"""

from collections import Counter
from collections.abc import Iterator

from counseling_sessions.generation.exports.chat import alone
from counseling_sessions.generation.exports.writers import Row, json_lines
from counseling_sessions.nodes.context import ChatMessage, as_chat, counselor_messages
from counseling_sessions.nodes.single import alone_task
from counseling_sessions.sessions.record import SessionRecord, Turn
from counseling_sessions.state import CounselorView, Utterance
from counseling_sessions.texts.words import trigrams

LEFT_OUT = 0.2
"""A draft is left out if less than this share of its word 3-grams is in the counselor's utterance."""


def rows(record: SessionRecord, client: str, counts: Counter[str]) -> Iterator[Row]:
    """A pair per draft that was left out; drafts that went into the utterance are only counted."""
    said = list(record.opening)
    for turn in record.turns:
        if turn.counselor and turn.counselor.call:
            yield from _pairs(record, client, turn, turn.counselor, turn.counselor.call.model, tuple(said), counts)
        said += [utterance for utterance in (turn.counselor, turn.client) if utterance]


def _pairs(
    record: SessionRecord,
    client: str,
    turn: Turn,
    chosen: Utterance,
    chosen_by: str,
    said: tuple[Utterance, ...],
    counts: Counter[str],
) -> Iterator[Row]:
    grams = trigrams(chosen.text)
    for draft in turn.candidates:
        drafted = trigrams(draft.text)
        if not drafted:
            continue
        kept = len(drafted & grams) / len(drafted)
        if kept >= LEFT_OUT:
            counts["drafts that went into the utterance"] += 1
            continue
        picked = turn.pick is not None and draft.technique in turn.pick.techniques
        counts[f"pairs against a draft that was {'picked' if picked else 'not picked'}"] += 1
        yield {
            "session_id": record.session_id,
            "turn": turn.turn,
            "client_group": client,
            "technique": draft.technique,
            "picked": picked,
            "kept": round(kept, 4),
            "chosen_by": chosen_by,
            "prompt": _asked(record, turn, said),
            "chosen": [{"role": "assistant", "content": chosen.text}],
            "rejected": [{"role": "assistant", "content": draft.text}],
        }


def _asked(record: SessionRecord, turn: Turn, said: tuple[Utterance, ...]) -> list[ChatMessage]:
    """The prompt of a counselor without specialists: no draft in it gives one side of the pair away."""
    config = alone(record, record.plan)
    view = CounselorView.of(record.profile, plan=record.plan, utterances=said)
    task = alone_task(view, config, turn.pick.step if turn.pick else None)
    return as_chat(counselor_messages(view, config, task))


FORMAT = json_lines("preference", rows, needs="drafts that a merging model left out")
