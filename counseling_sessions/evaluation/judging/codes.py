"""Behaviour codes asked of judges: some messages in a row by one answer, which has the codes of each by its number."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from counseling_sessions.evaluation.aspects import RUBRICS, RubricPart, RubricText, read_rubric
from counseling_sessions.evaluation.codes.codebook import FILE as CODEBOOK
from counseling_sessions.evaluation.codes.codebook import Code, codebook
from counseling_sessions.evaluation.judging.ask import Question, Unscored
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.material import MESSAGE_LIMIT, framed, messages_of
from counseling_sessions.evaluation.judging.panel import Account, OnProgress, Panel, seats
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.profiles.schema import clean
from counseling_sessions.sessions import Message, Session, SessionKey
from counseling_sessions.state import Speaker
from counseling_sessions.store.reading import sha256_of

if TYPE_CHECKING:  # what talks to models takes seconds to import, and most evaluations ask none
    from counseling_sessions.models.chat import Models


class CodesRubric(RubricPart):
    """What judges are asked, in parts of a text, and what readers must know (`note`, `cautions`).

    `at_once` messages are coded by one answer, and `before` more are shown to understand them. `hash` is of the file and the codebook
    together (12 digits).
    """

    name: RubricText
    title: RubricText
    note: RubricText
    cautions: tuple[RubricText, ...]
    at_once: int = Field(ge=1, le=100)
    before: int = Field(ge=0, le=100)
    instructions: RubricText
    counselor: RubricText
    client: RubricText
    example: RubricText
    extract: RubricText
    extract_from: RubricText
    answer: RubricText
    hash: Annotated[str, Field(max_length=64)] = ""

    def questions(self, session: Session) -> int:
        """How many questions a session takes, once."""
        return -(-len(spoken(session)) // self.at_once)


def read_codes_rubric(path: Path | None = None) -> CodesRubric:
    """Read what judges are asked for codes; the built-in file without a path. Raises `SettingsError`."""
    rubric = read_rubric(path or RUBRICS / "codes.yaml", CodesRubric)
    both = sha256(f"{rubric.hash} {sha256_of(CODEBOOK)}".encode()).hexdigest()
    return rubric.model_copy(update={"hash": both[:12]})


@dataclass(frozen=True, slots=True)
class Coding:
    """The codes of a message by one sample of one judge, the one that most of it is about first; none where `unscored` says why.

    `number` is the message's place in the session, from 1.
    """

    key: SessionKey
    number: int
    speaker: Speaker
    judge: str
    sample: int
    codes: tuple[str, ...] = ()
    unscored: Unscored | None = None


@dataclass(frozen=True)
class Codings:
    """All codings, by judge, session, message and sample, and what the judges' answers took, by judge."""

    rows: tuple[Coding, ...]
    accounts: dict[str, Account]


Numbered = tuple[int, Message]
"""A message and its place in the session, from 1."""


def spoken(session: Session) -> list[Numbered]:
    """The messages that have a word, and so are coded."""
    return [(number, one) for number, one in enumerate(session.dialogue, 1) if any(map(str.isalnum, one.text))]


async def judge_codes(
    sessions: Iterable[Session],
    rubric: CodesRubric,
    judges: Sequence[Judge],
    models: "Models",
    cache: JudgeCache,
    *,
    on_progress: OnProgress | None = None,
    again: bool = False,
    i_know: bool = False,
) -> Codings:
    """Have every message with a word coded by every sample of every judge. The cache answers first; `again` asks once more for what is
    unscored.

    Raises what `judge_sessions` raises.
    """
    panel = Panel(await seats(judges, models, i_know=i_know), models, cache, on_progress, again)
    asked = [(session, part) for session in sessions for part in _parts(session, rubric)]
    plan = [partial(_question, session, part, rubric) for session, part in asked]
    rows: list[Coding] = []
    for answer in await panel.ask(lambda _: plan):
        session, part = asked[answer.place]
        reading = answer.outcome.reading
        for number, message in part:
            codes = reading.parts.get(str(number))
            why = None if codes else reading.wrong[str(number)]
            rows.append(
                Coding(session.key, number, message.speaker, answer.judge, answer.sample, codes or (), unscored=why)
            )
    return Codings(tuple(rows), panel.accounts)


def _parts(session: Session, rubric: CodesRubric) -> Iterator[list[Numbered]]:
    said = spoken(session)
    for start in range(0, len(said), rubric.at_once):
        yield said[start : start + rubric.at_once]


def _question(
    session: Session, part: Sequence[Numbered], rubric: CodesRubric, judge: Judge
) -> Question[tuple[str, ...]]:
    first, last = part[0][0], part[-1][0]
    start = max(first - rubric.before, 1)
    shown = [(number, one) for number, one in spoken(session) if start <= number <= last]
    sides = {str(number): message.speaker for number, message in part}
    numbers = frozenset(str(number) for number, _ in shown)
    lines = "\n".join(f"[{n}] {one.speaker.capitalize()}: {clean(one.text, MESSAGE_LIMIT)}" for n, one in shown)
    heading = rubric.extract if shown[0][0] == first else rubric.extract_from.format(first=first)
    answer = rubric.answer.format(keys=", ".join(f'"{number}"' for number in sides))
    return Question(
        # The codebook comes first: it is the same for all sessions, so that prefix caches pay for it once.
        messages_of(judge.language, _instructions(rubric), f"{heading}\n{framed('extract', lines)}", answer),
        AnswerSchema("codes", {number: _schema(side) for number, side in sides.items()}),
        lambda number, value: _read(number, value, sides[number]),
        rubric.hash,
        session.id,
        lambda values: _strange(values, numbers),
    )


def _instructions(rubric: CodesRubric) -> str:
    book = codebook()
    talk = ", ".join(_talk())
    return "\n".join(
        (
            rubric.instructions,
            "",
            rubric.counselor,
            *(_described(name, code, rubric) for name, code in book.counselor.items()),
            "",
            rubric.client.format(talk=talk),
            *(_described(name, code, rubric) for name, code in book.client.items()),
        )
    )


def _described(name: str, code: Code, rubric: CodesRubric) -> str:
    return f"- {name}: {code.title}. {code.means} {rubric.example}: {' / '.join(code.examples)}"


def _schema(side: Speaker) -> dict[str, Any]:
    names = list(codebook().of(side))
    codes = {"type": "array", "items": {"type": "string", "enum": names}, "minItems": 1, "maxItems": len(names)}
    return {"type": "object", "properties": {"codes": codes}, "required": ["codes"], "additionalProperties": False}


def _talk() -> tuple[str, ...]:
    """The kinds of a client's talk, of which every message has one."""
    return tuple(name for name, code in codebook().client.items() if code.group)


def _strange(values: dict[str, Any], numbers: frozenset[str]) -> Unscored | None:
    """What is wrong with an answer about messages that were not shown: its numbers cannot be trusted, so that none of it counts."""
    strange = [name for name in values if name not in numbers]
    return Unscored("not_allowed", f"there is no message {strange[0][:20]!r} in the extract") if strange else None


def _read(number: str, value: dict[str, Any], side: Speaker) -> tuple[str, ...] | Unscored:
    codes, names = value.get("codes"), codebook().of(side)
    if not isinstance(codes, list) or not codes:
        return Unscored("not_allowed", f"{number}: codes must be a list with one code or more")
    if strange := [code for code in codes if not isinstance(code, str) or code not in names]:
        return Unscored("not_allowed", f"{number}: {str(strange[0])[:40]!r} is no code for the {side}")
    if side == "client" and not set(_talk()).intersection(codes):
        return Unscored("not_allowed", f"{number}: the client's message needs one of {', '.join(_talk())}")
    return tuple(dict.fromkeys(codes))
