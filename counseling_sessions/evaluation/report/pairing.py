"""What became of the sessions on the way to their pairs: nothing is dropped in silence."""

from counseling_sessions.evaluation.pairs import Pairs
from counseling_sessions.evaluation.report.document import Section
from counseling_sessions.texts.words import counted


def pairing_sentences(drawn: Pairs) -> list[str]:
    """What a reader must know of the pairs, a sentence each; nothing where every session has one partner in every other group."""
    said = []
    if drawn.alone:
        said.append(_left_out(drawn.alone, "with no partner of the same client, attitude and seed"))
    if drawn.repetitions:
        said.append(
            f"{counted(drawn.repetitions, 'pair')} of further sessions with one client, attitude and seed: the second is paired "
            "with the second, and so on"
        )
    if drawn.surplus:
        said.append(
            _left_out(drawn.surplus, "that repeats a client, attitude and seed more often than any other group does")
        )
    if drawn.copies:
        said.append(f"{counted(drawn.copies, 'session')} read twice, counted once")
    return said


def pairing_section(drawn: Pairs, compared: int) -> Section:
    """How many pairs there are, how many were compared, and what is in none."""
    said = [
        f"{counted(len(drawn.pairs), 'pair')}, {compared:,} of them compared.",
        *(f"{one}." for one in pairing_sentences(drawn)),
    ]
    return Section("Pairs", tuple(said))


def _left_out(count: int, why: str) -> str:
    return f"{counted(count, 'session')} left out, {why}"
