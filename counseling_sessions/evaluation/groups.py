"""What is evaluated: sessions from any number of places, in groups.

Whoever needs no texts asks for heads (`gather_heads`): the sessions are read one by one and forgotten, and read again as often as
they are measured (`read_again`). `gather` keeps them in memory.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, get_args

from typing_extensions import TypeVar

from counseling_sessions.evaluation.heads import SessionHead, head_of
from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions import Session, SessionKey, read_sessions
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.prompt_sets import PromptsInUse
from counseling_sessions.settings import MethodName, SettingsError

GroupBy = Literal["method", "attitude", "model", "source"]
S = TypeVar("S", Session, SessionHead, default=SessionHead)


@dataclass
class Gathered(Generic[S]):
    """Sessions by the name of their group, in order, and how those of two groups are paired.

    `by` is what the groups are; `problems` names what could not be read; `unnamed` counts sessions without a group.
    """

    sources: tuple[str, ...]
    by: GroupBy | None
    groups: dict[str, list[S]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unnamed: int = 0
    failed: int = 0
    damaged: list[Damage] = field(default_factory=list)

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


def gather(paths: Sequence[Path], by: GroupBy | None = None, *, salvage: bool = False) -> Gathered[Session]:
    """Read all sessions and group them; without `by`, by method where sessions have one, else by where they come from.

    Failed sessions are counted and left out; with `salvage`, damaged ones too. Raises `SettingsError` where no session could be
    read, or none has what the grouping asks for, and what `read_sessions` raises.
    """
    return _gathered(Gathered[Session](tuple(map(str, paths)), by), paths, lambda session: session, salvage)


def gather_heads(paths: Sequence[Path], by: GroupBy | None = None, *, salvage: bool = False) -> Gathered[SessionHead]:
    """The same without the texts: of each session its head stays."""
    return _gathered(Gathered[SessionHead](tuple(map(str, paths)), by), paths, head_of, salvage)


def read_again(gathered: Gathered[SessionHead]) -> Iterator[tuple[str, Session]]:
    """The gathered sessions once more, one by one, each with its group. What has come since is passed over.

    Raises what `read_sessions` raises, but for damage that was told of before.
    """
    groups = gathered.group_of
    for source in gathered.sources:
        for item in read_sessions(Path(source), left_out=[]):
            if isinstance(item, Session) and (group := groups.get(item.key)):
                yield group, item


def _gathered(gathered: Gathered[S], paths: Sequence[Path], kept: Callable[[Session], S], salvage: bool) -> Gathered[S]:
    sessions: list[tuple[str, S]] = []
    for path, name in zip(paths, _names(paths), strict=True):
        for item in read_sessions(path, failed=True, left_out=gathered.damaged if salvage else None):
            if isinstance(item, Problem):
                gathered.problems.append(item)
            elif item.failed:
                gathered.failed += 1
            else:
                sessions.append((name, kept(item)))
    if not sessions:
        failed = f"; {gathered.failed} failed sessions" if gathered.failed else ""
        problems = "; ".join(str(problem) for problem in gathered.problems[:3])
        raise SettingsError(
            f"no session could be read from {', '.join(gathered.sources)}{failed}{': ' * bool(problems)}{problems}"
        )
    gathered.by = gathered.by or _natural(sessions)
    groups: dict[str, list[S]] = defaultdict(list)
    for name, session in sessions:
        if group := _group(session, name, gathered.by):
            groups[group].append(session)
        else:
            gathered.unnamed += 1
    if not groups:
        raise SettingsError(
            f"none of the {len(sessions)} sessions says its {gathered.by}; group them by source instead"
        )
    order = get_args(MethodName)  # the methods in their own order, whatever was read first
    gathered.groups = {
        name: groups[name] for name in sorted(groups, key=lambda name: order.index(name) if name in order else 99)
    }
    return gathered


def _names(paths: Sequence[Path]) -> list[str]:
    """Short names of the sources: the last part of each path, as much more as it takes to tell them apart."""
    resolved = [path.resolve() for path in paths]
    for length in range(1, max(len(path.parts) for path in resolved) + 1):
        names = ["/".join(path.parts[-length:]) for path in resolved]
        if len(set(names)) == len(names):
            return names
    return [f"{path} ({number})" for number, path in enumerate(resolved, 1)]


def _natural(sessions: Sequence[tuple[str, S]]) -> GroupBy:
    one_source = len({name for name, _ in sessions}) == 1
    return "method" if one_source and all(session.method for _, session in sessions) else "source"


def _group(session: S, source: str, by: GroupBy) -> str | None:
    match by:
        case "method":
            return session.method
        case "attitude":
            return session.attitude
        case "model":
            return ", ".join(session.models) or None
        case "source":
            return source
