"""The section on talk: how much is said at a time, and what is done with it."""

from typing import get_args

from counseling_sessions.evaluation.measure import Measures
from counseling_sessions.evaluation.report.document import Cell, Row, Section, Table
from counseling_sessions.evaluation.report.format import NONE, plain_cell
from counseling_sessions.evaluation.talk import Side, Talk
from counseling_sessions.state import Speaker

_SHARES = {
    "counselor_backchannels": "backchannels of the counselor",
    "client_backchannels": "backchannels of the client",
    "questions": "counselor messages that ask",
    "stacked_questions": "… two or more different things",
    "echo": "words that the message before has too",
    "reflections": "counselor messages that reflect",
    "proposals": "counselor messages that propose",
}


def talk_section(measures: Measures) -> Section | None:
    """One table, a column a group; None where no talk was measured."""
    talks = {group.name: group.talk for group in measures.groups.values() if group.talk}
    if not any(talk.sessions for talk in talks.values()):  # none is in a language that is judged
        return None
    return Section("Talk", (), (talk_table(talks),))


def talk_table(talks: dict[str, Talk]) -> Table:
    """The talk of groups, pooled over their messages."""
    rows: list[Row] = []
    for suffix in ("", ", without backchannels"):
        counselor, client = (
            [talk.side(speaker, backchannels=not suffix) for talk in talks.values()] for speaker in get_args(Speaker)
        )
        rows += [
            (f"words a counselor message{suffix}", *map(_spread, counselor)),
            (f"words a client message{suffix}", *map(_spread, client)),
            (
                f"client messages of at most 3 words{suffix}",
                *(plain_cell(side.short, side.messages, share=True) for side in client),
            ),
            (
                f"client messages of at most 8 words{suffix}",
                *(plain_cell(side.brief, side.messages, share=True) for side in client),
            ),
        ]
    shares = [(talk.shares(), talk.sessions) for talk in talks.values()]
    rows += [
        (title, *(plain_cell(one[name], sessions, share=True) for one, sessions in shares))
        for name, title in _SHARES.items()
    ]
    rows += [
        ("proposals a session that come early", *(_mean(one.early, one) for one in talks.values())),
        ("proposals a session after a refusal", *(_mean(one.pressed, one) for one in talks.values())),
    ]
    heads = (f"{name} (n={talk.sessions:,})" for name, talk in talks.items())
    notes = (
        "Words: median (10th–90th percentile), over all messages of a group. Early: in the first third, or before anything was "
        "reflected. Reflections, proposals and refusals are found by common forms of English; others are missed.",
    )
    return Table("Pooled over all messages", ("", *heads), tuple(rows), notes)


def _spread(side: Side) -> Cell:
    if side.words is None:
        return Cell(NONE)
    text = f"{side.words.median:.0f} ({side.words.low:.0f}–{side.words.high:.0f})"
    return plain_cell(side.words.median, side.messages, text=text, detail=f"{side.messages:,} messages")


def _mean(count: int, talk: Talk) -> Cell:
    mean = count / talk.sessions if talk.sessions else None
    return plain_cell(mean, talk.sessions, detail=f"{count:,} in all")
