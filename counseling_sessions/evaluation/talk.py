"""Talk: how much is said at a time, who asks what, what is taken up, and when something is proposed; of anybody's sessions.

`talk_of` reads one session, `Talk` pools the messages of many. What rules cannot tell is not counted: they know forms of English.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from counseling_sessions.evaluation.roots import roots_of, words_of
from counseling_sessions.integrity.signs import Sign, read_signs, sentence_with
from counseling_sessions.sessions import Session
from counseling_sessions.settings import read_yaml
from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import sentences

SHORT, BRIEF = 3, 8
"""Words up to which a message is short, and up to which it is brief."""
ASKS = 3
"""Words from which on a question asks more than "okay?"."""
SAME = 0.5
"""Share of a question's telling words from which on it asks what another question of the message asks."""
EARLY = 3
"""The first of so many parts of a session is early."""

_DATA = read_yaml(Path(__file__).with_name("talk.yaml"))
BACKCHANNELS = frozenset(_DATA["backchannels"].split())
"""Words that only show that one listens."""
_MOST_BACKCHANNELS = 5
_QUESTION = re.compile(r"[?？؟]")
_PROPOSAL = re.compile(rf"\W*{_DATA['lead']}{_DATA['proposal']}", re.IGNORECASE)
_NO_PROPOSAL = re.compile(_DATA["no_proposal"], re.IGNORECASE)
_REFUSAL = re.compile(_DATA["refusal"], re.IGNORECASE)


@dataclass(frozen=True)
class Said:
    """A message in numbers. `echo` is the share of its telling words that the message before has too; None where it has none.

    `asks` counts the different things that it asks. `listens`: it is a backchannel. `reflects`, `proposes` are of a counselor's
    message, `refuses` of a client's answer to a proposal.
    """

    speaker: Speaker
    words: int
    asks: int
    echo: float | None
    listens: bool
    reflects: bool = False
    proposes: bool = False
    refuses: bool = False


@dataclass(frozen=True)
class SessionTalk:
    """The messages of a session in numbers."""

    said: tuple[Said, ...]

    def of(self, speaker: Speaker) -> list[Said]:
        return [said for said in self.said if said.speaker == speaker]

    @cached_property
    def early(self) -> int:
        """The proposals in the first third, or before any reflection."""
        reflected = next((place for place, said in enumerate(self.said) if said.reflects), len(self.said))
        until = max(reflected, len(self.said) // EARLY)
        return sum(said.proposes for said in self.said[:until])

    @cached_property
    def pressed(self) -> int:
        """The proposals that follow the client's refusal of one."""
        threes = zip(self.said, self.said[1:], self.said[2:], strict=False)
        return sum(one.proposes and answer.refuses and again.proposes for one, answer, again in threes)

    def figures(self) -> dict[str, float]:
        """The figures by which sessions are compared; one that the session cannot have is not in it."""
        counselor, client = self.of("counselor"), self.of("client")
        echoes = [said.echo for said in self.said if said.echo is not None]
        figures = {
            "client_short": _share([said.words <= SHORT for said in client]),
            "client_brief": _share([said.words <= BRIEF for said in client]),
            "backchannels": _share([said.listens for said in self.said]),
            "stacked_questions": _share([said.asks > 1 for said in counselor]),
            "echo": _share(echoes),
            "reflections": _share([said.reflects for said in counselor]),
            "proposals": _share([said.proposes for said in counselor]),
            "early_proposals": float(self.early) if counselor else None,
            "pressed_proposals": float(self.pressed) if counselor else None,
        }
        return {name: value for name, value in figures.items() if value is not None}


@dataclass(frozen=True)
class Spread:
    """Words a message: median, 10th and 90th percentile."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Side:
    """What one side says: its messages, their words, and the shares (0 to 1) of those of at most 3 and at most 8 words."""

    messages: int
    words: Spread | None
    short: float | None
    brief: float | None


class Talk:
    """The talk of a set of sessions, pooled over their messages."""

    def __init__(self) -> None:
        self.sessions = 0
        self.early = 0
        self.pressed = 0
        self.said: list[Said] = []

    def add(self, talk: SessionTalk) -> None:
        """Count a session."""
        self.sessions += 1
        self.early += talk.early
        self.pressed += talk.pressed
        self.said += talk.said

    def side(self, speaker: Speaker, *, backchannels: bool = True) -> Side:
        """One side's messages; without those that are backchannels, if these are left out."""
        counts = sorted(one.words for one in self.said if one.speaker == speaker and (backchannels or not one.listens))
        return Side(
            messages=len(counts),
            words=Spread(*(_percentile(counts, share) for share in (0.5, 0.1, 0.9))) if counts else None,
            short=_share([count <= SHORT for count in counts]),
            brief=_share([count <= BRIEF for count in counts]),
        )

    def shares(self) -> dict[str, float | None]:
        """The shares of messages (0 to 1): backchannels of both sides, and what the counselor does; `echo` is a mean."""
        counselor = [said for said in self.said if said.speaker == "counselor"]
        return {
            "counselor_backchannels": _share([said.listens for said in counselor]),
            "client_backchannels": _share([said.listens for said in self.said if said.speaker == "client"]),
            "questions": _share([said.asks > 0 for said in counselor]),
            "stacked_questions": _share([said.asks > 1 for said in counselor]),
            "echo": _share([said.echo for said in self.said if said.echo is not None]),
            "reflections": _share([said.reflects for said in counselor]),
            "proposals": _share([said.proposes for said in counselor]),
        }


def talk_of(session: Session) -> SessionTalk:
    """Read a session; time is linear in the text."""
    return SessionTalk(tuple(_read(session)))


def _read(session: Session) -> Iterator[Said]:
    before: frozenset[str] | None = None
    asked = proposed = False
    for message in session.dialogue:
        listed, roots = words_of(message.text), roots_of(message.text)
        counselor = message.speaker == "counselor"
        said = _sentences(message.text) if counselor else []
        asks = _asks(message.text)
        proposes = any(map(is_proposal, said))
        yield Said(
            speaker=message.speaker,
            words=len(listed),
            asks=asks,
            echo=len(roots & before) / len(roots) if roots and before is not None else None,
            listens=not asked
            and not asks
            and 0 < len(listed) <= _MOST_BACKCHANNELS
            and BACKCHANNELS.issuperset(listed),
            reflects=any(map(is_reflection, said)),
            proposes=proposes,
            refuses=not counselor and proposed and refuses(message.text),
        )
        before, asked, proposed = roots, asks > 0, proposes


def _sentences(text: str) -> list[str]:
    return sentences(text.replace("’", "'"))


def _asks(text: str) -> int:
    """How many different things a text asks; a question that says another one again, and a tag ("right?"), ask nothing more."""
    marks = len(_QUESTION.findall(text))
    if marks < 2:
        return marks
    asked: list[frozenset[str]] = []
    for sentence in sentences(text):
        if not _QUESTION.search(sentence[-3:]) or len(words_of(sentence)) < ASKS:
            continue
        roots = roots_of(sentence)
        if roots and all(len(roots & other) < SAME * len(roots) for other in asked):
            asked.append(roots)
    return max(len(asked), 1)


def is_reflection(sentence: str) -> bool:
    """Whether a counselor's sentence says back, in a common form, what the client said or feels, and does not ask it."""
    return not _QUESTION.search(sentence[-3:]) and _understanding().is_in(sentence)


def is_proposal(sentence: str) -> bool:
    """Whether a counselor's sentence proposes in a common form that the client do something. Apostrophes are straight."""
    return bool(_PROPOSAL.match(sentence)) and not _NO_PROPOSAL.search(sentence)


def refuses(text: str) -> bool:
    """Whether a client says no to what was proposed, in a common form."""
    return bool(_REFUSAL.search(text) or sentence_with(text, "refusal"))


@cache
def _understanding() -> Sign:
    return next(sign for sign in read_signs("english") if sign.name == "understanding")


def _share(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _percentile(ordered: Sequence[int], share: float) -> float:
    """The value between the two nearest places, in the way that spreadsheets and numpy have it."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
