"""Who is the counselor and who the client. Where a file does not say it, it is asked for and not guessed.

A name decides where it names a side in any of the languages known, a short label where it stands beside its fellow, a chat's
assistant and user by the custom that the assistant is the counselor. What a session shows speaks against that custom where its
system message gives the assistant the client's part (`parts`), where the supposed client asks nearly all the questions, or where
the supposed counselor alone speaks of oneself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from counseling_sessions.sessions.foreign.errors import FieldError
from counseling_sessions.sessions.foreign.messages import Talk
from counseling_sessions.sessions.foreign.parts import parts_given
from counseling_sessions.sessions.foreign.shapes import Shape
from counseling_sessions.sessions.foreign.transcripts import kind_of
from counseling_sessions.sessions.foreign.usual import plain, usual
from counseling_sessions.state import Speaker

ASK = "--client-is"
FEWEST_QUESTIONS = 5
"""Questions in a session from which it says something who asks them."""
FEWEST_ALONE = 4
"""The same where only one side asks."""
NEARLY_ALL = 0.8
FEWEST_OF_ONESELF = 6
"""Words about oneself of the supposed counselor from which they say something."""
TIMES_AS_MANY = 3
"""So many times as many of them are in a message of the one side as in one of the other."""
MOST_LISTED = 8
"""Names that a message lists."""
_QUESTION = ("?", "？", "か。", "吗。")
_OTHER: Mapping[Speaker, Speaker] = {"counselor": "client", "client": "counselor"}


@dataclass(frozen=True)
class Sides:
    """The side of each speaker by its plain name, and what was assumed."""

    of: Mapping[str, Speaker]
    assumed: tuple[str, ...] = ()


def sides_of(talk: Talk, shape: Shape, client_is: str | None = None) -> Sides:
    """The sides of a session's speakers; `client_is` names the client as the file does.

    Raises `FieldError` where they cannot be known, or where what was said speaks against what is the custom.
    """
    names = list(dict.fromkeys(plain(said.speaker) for said in talk.said))
    if client_is is not None:
        return _as_asked(names, {plain(name) for name in client_is.split(",")}, talk)
    of = _by_shape(names, shape)
    if both := {plain(name) for name in shape.counselor} & {plain(name) for name in shape.client}:
        raise FieldError(
            talk.place, f"the shape {shape.name} calls {', '.join(sorted(both))} both counselor and client"
        )
    kinds = {name: kind_of(name) for name in names}
    of |= {name: side for name in names if name not in of and (side := _side(kinds[name]))}
    missing = [name for name in names if name not in of]
    assumed: list[str] = []
    if missing and (label := _labels(names)):
        of, missing = dict(label), []
    if missing and all(kinds[name] in ("assistant", "user") for name in missing) and not of:
        of = {name: "counselor" if kinds[name] == "assistant" else "client" for name in missing}
        assumed.append(
            f"the assistant is taken as the counselor, as is the custom in chats; {ASK} assistant says otherwise"
        )
        missing = []
    elif len(missing) == 1 and len(set(of.values())) == 1:
        [side] = set(of.values())
        of[missing[0]] = _OTHER[side]
        assumed.append(f"{missing[0]!r} is taken as the {_OTHER[side]}, as the other one is the {side}")
        missing = []
    if missing:
        listed = " and ".join(repr(name) for name in missing[:MOST_LISTED])
        listed += f" and {len(missing) - MOST_LISTED:,} more" if len(missing) > MOST_LISTED else ""
        known = " A shape's counselor, client and aside name them, too." if of or len(missing) > len(_OTHER) else ""
        raise FieldError(
            talk.place, f"nothing says who is the client of {listed}; name it with {ASK}.{known}".rstrip(".")
        )
    by_custom = bool(assumed)
    if doubt := _doubt(talk, of) or (_doubt_by_self(talk, of) if by_custom else None):
        if by_custom:
            raise FieldError(talk.place, f"{doubt}; say who is the client with {ASK} assistant or {ASK} user")
        assumed.append(f"the sides may be wrong: {doubt}; {ASK} names the client")
    return Sides(of, tuple(assumed))


def _as_asked(names: list[str], clients: set[str], talk: Talk) -> Sides:
    if clients.isdisjoint(names) and len(names) > 1:
        asked = ",".join(sorted(clients))
        raise FieldError(talk.place, f"{ASK} {asked}: nobody has that name; there are {', '.join(names[:MOST_LISTED])}")
    return Sides({name: "client" if name in clients else "counselor" for name in names})


def _by_shape(names: list[str], shape: Shape) -> dict[str, Speaker]:
    counselors, clients = ({plain(name) for name in listed} for listed in (shape.counselor, shape.client))
    return {
        name: "counselor" if name in counselors else "client" for name in names if name in counselors or name in clients
    }


def _side(kind: str | None) -> Speaker | None:
    return "counselor" if kind == "counselor" else "client" if kind == "client" else None


def _labels(names: list[str]) -> dict[str, Speaker] | None:
    """Short labels that go together; of one alone the pairs must agree on what it is."""
    pairs = [pair for pair in usual().labels if set(names) <= set(pair)]
    readings = {tuple("counselor" if name == pair[0] else "client" for name in names) for pair in pairs}
    if len(readings) != 1:
        return None
    return dict(zip(names, readings.pop(), strict=True))  # type: ignore[arg-type]


def _doubt(talk: Talk, of: Mapping[str, Speaker]) -> str | None:
    """What in a session speaks against its sides."""
    system = " ".join(talk.system)
    parts = {name for name in of if usual().kinds.get(name) == "assistant"}
    if system and any(of[name] == "counselor" for name in parts) and "client" in (given := parts_given(system)):
        both = ", and the counselor's" if len(given) > 1 else ""
        return f"the system message gives the assistant the client's part{both}"
    asked = dict.fromkeys(_OTHER, 0)
    for said in talk.said:
        asked[of[plain(said.speaker)]] += any(sign in said.text for sign in _QUESTION)
    total = sum(asked.values())
    if total >= (FEWEST_QUESTIONS if asked["counselor"] else FEWEST_ALONE) and asked["client"] >= NEARLY_ALL * total:
        return "nearly all questions would be the client's"
    return None


def _doubt_by_self(talk: Talk, of: Mapping[str, Speaker]) -> str | None:
    """Whether the supposed counselor speaks of oneself and the supposed client hardly does: no sign among peers, who share."""
    texts: dict[Speaker, list[str]] = {"counselor": [], "client": []}
    for said in talk.said:
        texts[of[plain(said.speaker)]].append(said.text)
    by_counselor = _about_self(texts["counselor"])
    if by_counselor < FEWEST_OF_ONESELF or not texts["client"]:
        return None
    rates = by_counselor / len(texts["counselor"]), _about_self(texts["client"]) / len(texts["client"])
    return "nearly all words about oneself would be the counselor's" if rates[0] >= TIMES_AS_MANY * rates[1] else None


def _about_self(texts: Iterable[str]) -> int:
    return sum(len(usual().oneself.findall(text.casefold())) for text in texts)
