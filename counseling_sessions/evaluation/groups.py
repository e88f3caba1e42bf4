"""What is evaluated: sessions from any number of places, in groups.

Whoever needs no texts asks for heads (`gather_heads`): the sessions are read one by one and forgotten, and read again as often as
they are measured (`read_again`). `gather` keeps them in memory.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, get_args

from typing_extensions import TypeVar

from counseling_sessions.evaluation.heads import SessionHead, head_of
from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.profiles.problems import Note, Problem
from counseling_sessions.sessions import Session, SessionKey, read_sessions
from counseling_sessions.sessions.foreign import AS_IT_SAYS, Aside, HowToRead
from counseling_sessions.sessions.foreign.usual import plain
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.prompt_sets import PromptsInUse
from counseling_sessions.settings import MethodName, SettingsError

OWN_FIELDS = ("method", "attitude", "model", "source")
"""What sessions are grouped by beside the fields of others' files."""
MOST_GROUPS = 40
S = TypeVar("S", Session, SessionHead, default=SessionHead)


@dataclass
class Gathered(Generic[S]):
    """Sessions by the name of their group, in order, and how those of two groups are paired.

    `by` is what the groups are, and `how` how others' files are read; `problems` names what could not be read; `unnamed` counts
    sessions without a group. `assumed` counts sessions by what was taken for granted of them, `notes` says it of files.
    """

    sources: tuple[str, ...]
    by: str | None
    how: HowToRead = AS_IT_SAYS
    groups: dict[str, list[S]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unnamed: int = 0
    failed: int = 0
    damaged: list[Damage] = field(default_factory=list)
    assumed: Counter[str] = field(default_factory=Counter)
    notes: list[Note] = field(default_factory=list)

    @property
    def sessions(self) -> list[S]:
        return [session for group in self.groups.values() for session in group]

    @property
    def group_of(self) -> dict[SessionKey, str]:
        """The group of each session."""
        return {session.key: name for name, group in self.groups.items() for session in group}

    def prompts_in_use(self, *groups: str) -> PromptsInUse:
        """The prompts that the sessions of these groups (default: of all) were made with."""
        in_use = PromptsInUse()
        for session in (session for name in groups or self.groups for session in self.groups[name]):
            in_use.add(session.prompts)
        return in_use

    @property
    def pairing(self) -> Pairing:
        """By what sessions are paired; of two attitudes' sessions with one client the seeds differ too."""
        return Pairing(attitude=self.by != "attitude", seed=self.by != "attitude" and not self.without_seeds)

    @property
    def without_seeds(self) -> bool:
        """Whether some group has no seeds at all, so that none count."""
        seeded = [any(session.seed is not None for session in group) for group in self.groups.values()]
        return self.by != "attitude" and any(seeded) and not all(seeded)


def gather(
    paths: Sequence[Path], by: str | None = None, *, salvage: bool = False, how: HowToRead = AS_IT_SAYS
) -> Gathered[Session]:
    """Read all sessions and group them; without `by`, by method where sessions have one, else by where they come from.

    Failed sessions are counted and left out; with `salvage`, damaged ones too. Raises `SettingsError` where no session could be
    read, or none has what the grouping asks for, and what `read_sessions` raises.
    """
    return _gathered(Gathered[Session](tuple(map(str, paths)), by, how), paths, lambda session: session, salvage)


def gather_heads(
    paths: Sequence[Path], by: str | None = None, *, salvage: bool = False, how: HowToRead = AS_IT_SAYS
) -> Gathered[SessionHead]:
    """The same without the texts: of each session its head stays."""
    return _gathered(Gathered[SessionHead](tuple(map(str, paths)), by, how), paths, head_of, salvage)


def read_again(gathered: Gathered[SessionHead]) -> Iterator[tuple[str, Session]]:
    """The gathered sessions once more, one by one, each with its group. What has come since is passed over.

    Raises what `read_sessions` raises, but for damage that was told of before.
    """
    groups = gathered.group_of
    for source in gathered.sources:
        for item in read_sessions(Path(source), left_out=[], how=gathered.how):
            if isinstance(item, Session) and (group := groups.get(item.key)):
                yield group, item


def _gathered(gathered: Gathered[S], paths: Sequence[Path], kept: Callable[[Session], S], salvage: bool) -> Gathered[S]:
    sessions: list[tuple[str, S, str | None]] = []
    fields: set[str] = set()
    for path, name in zip(paths, _names(paths), strict=True):
        left_out = gathered.damaged if salvage else None
        for item in read_sessions(path, failed=True, left_out=left_out, how=gathered.how, notes=gathered.notes):
            if isinstance(item, Aside):
                continue
            if isinstance(item, Problem):
                gathered.problems.append(item)
            elif item.failed:
                gathered.failed += 1
            else:
                gathered.assumed.update(item.assumed)
                fields |= item.metadata.keys() if gathered.by else set()
                sessions.append((name, kept(item), _group(item, name, gathered.by) if gathered.by else None))
    if not sessions:
        failed = f"; {gathered.failed} failed sessions" if gathered.failed else ""
        problems = "; ".join(str(problem) for problem in gathered.problems[:3])
        raise SettingsError(
            f"no session could be read from {', '.join(gathered.sources)}{failed}{': ' * bool(problems)}{problems}"
        )
    if gathered.by is None:
        gathered.by = _natural([(name, session) for name, session, _ in sessions])
        sessions = [
            (name, session, name if gathered.by == "source" else session.method) for name, session, _ in sessions
        ]
    groups: dict[str, list[S]] = defaultdict(list)
    for _, session, group in sessions:
        if group:
            groups[group].append(session)
        else:
            gathered.unnamed += 1
    _check_groups(gathered.by, groups, fields, len(sessions))
    order = get_args(MethodName)  # the methods in their own order, whatever was read first
    gathered.groups = {
        name: groups[name] for name in sorted(groups, key=lambda name: order.index(name) if name in order else 99)
    }
    return gathered


def _check_groups(by: str, groups: Mapping[str, Sequence[S]], fields: Set[str], count: int) -> None:
    """Raise `SettingsError` where there is no group, or where there are too many to be compared."""
    if not groups:
        others = f"; their fields are {', '.join(sorted(fields))}" if fields else "; group them by source instead"
        raise SettingsError(
            f"none of the {count} sessions says its {by}{others if by not in OWN_FIELDS else '; group them by source instead'}"
        )
    if len(groups) > MOST_GROUPS:
        some = ", ".join(list(groups)[:5])
        raise SettingsError(
            f"--by {by}: {len(groups)} groups ({some} …), more than {MOST_GROUPS}; name a field with fewer values"
        )


def _names(paths: Sequence[Path]) -> list[str]:
    """Short names of the sources: the last part of each path, as much more as it takes to tell them apart."""
    resolved = [path.resolve() for path in paths]
    for length in range(1, max(len(path.parts) for path in resolved) + 1):
        names = ["/".join(path.parts[-length:]) for path in resolved]
        if len(set(names)) == len(names):
            return names
    return [f"{path} ({number})" for number, path in enumerate(resolved, 1)]


def _natural(sessions: Sequence[tuple[str, S]]) -> str:
    one_source = len({name for name, _ in sessions}) == 1
    return "method" if one_source and all(session.method for _, session in sessions) else "source"


def _group(session: Session, source: str, by: str) -> str | None:
    match by:
        case "method":
            return session.method
        case "attitude":
            return session.attitude
        case "model":
            return ", ".join(session.models) or None
        case "source":
            return source
    return _field(session, by)


def _field(session: Session, by: str) -> str | None:
    """The value of a field of others' files, named by its path there or by its last part alone."""
    if by in session.metadata:
        return str(session.metadata[by])
    values = {str(value) for path, value in session.metadata.items() if plain(path.rpartition("/")[2]) == plain(by)}
    return values.pop() if len(values) == 1 else None
