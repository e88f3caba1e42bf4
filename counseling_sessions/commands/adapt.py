"""`run.py profiles adapt`: other people's client profiles become ours, or ours another's."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from counseling_sessions.commands.parsing.adapting import ProfilesAdaptRequest
from counseling_sessions.commands.telling import say, tell_assumed, warn
from counseling_sessions.generation.exports.magnet import cactus_record
from counseling_sessions.nodes.risk import find_listed
from counseling_sessions.profiles.adapting import (
    Adapted,
    ProfileFormat,
    Supplied,
    adapt,
    format_named,
    format_of,
    formats,
    write_as,
)
from counseling_sessions.profiles.adapting.adapt import NAME, PROBLEM
from counseling_sessions.profiles.documents import Record, files_in, records_of
from counseling_sessions.profiles.problems import Note, Problem, ProfileError
from counseling_sessions.profiles.readers import iter_profiles
from counseling_sessions.settings import SettingsError
from counseling_sessions.store.atomic import write_named
from counseling_sessions.store.yaml_text import yaml_of
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.texts.harmless import one_line
from counseling_sessions.texts.words import counted

CACTUS = "cactus"
SUFFIXES = (".jsonl", ".json", ".yaml", ".yml")
MOST_SHOWN = 40
MOST_PATH = 120


@dataclass
class _RiskLists:
    """Looks for a risk with the lists of phrases; `unread` counts texts in letters that no list is written in."""

    unread: int = 0

    def __call__(self, text: str) -> str | None:
        risk = find_listed(text)
        if risk is None or risk.wording != "explicit":
            return None
        if risk.source == "check_failed":
            self.unread += 1
            return None
        return risk.category.replace("_", " ")


def run(request: ProfilesAdaptRequest) -> int:
    """Adapt profiles, show what became of each, and write them; 2 where a record became none."""
    if request.out and request.out.suffix not in SUFFIXES:
        raise SettingsError(f"--out {request.out}: should end in {', '.join(SUFFIXES)}")
    if request.out and request.out.exists() and not request.overwrite:
        raise SettingsError(f"--out {request.out} is there already; --overwrite replaces it")
    console = HarmlessConsole()
    if request.formats:
        console.print(_formats())
    return _away(request, console) if request.to else _to_ours(request, console)


def _to_ours(request: ProfilesAdaptRequest, console: Console) -> int:
    notes: list[Note] = []
    chosen = format_named(request.format) if request.format else None
    adapted: list[Adapted | Problem] = []
    numbers: dict[str, int] = {}
    signs = _RiskLists()
    for position, item in enumerate(_records(request, notes), 1):
        made = item if isinstance(item, Problem) else _adapted(item, position, chosen, request, signs)
        adapted.append(_with_id_of_its_own(made, numbers) if isinstance(made, Adapted) else made)
    tell_assumed({}, notes)
    if request.name and "%d" not in request.name and sum(map(_was_named, adapted)) > 1:
        warn(f"several clients are called {request.name} now: 'NAME %d' tells them apart by their numbers")
    if signs.unread:
        warn(
            f"{counted(signs.unread, 'text')} in letters that no list of phrases about a risk is written in: read them yourself"
        )
    profiles = [item.profile for item in adapted if isinstance(item, Adapted) and item.profile]
    _show(console, adapted)
    refused = len(adapted) - len(profiles)
    if request.out and profiles:
        _write(
            request.out,
            [profile.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for profile in profiles],
        )
        say(f"written: {request.out}")
    say(f"{counted(len(adapted), 'record')}: {counted(len(profiles), 'profile')}, {refused:,} refused")
    return 2 if refused else 0


def _was_named(item: Adapted | Problem) -> bool:
    return isinstance(item, Adapted) and NAME in item.supplied and item.profile is not None


def _records(request: ProfilesAdaptRequest, notes: list[Note]) -> Iterator[Record | Problem]:
    for file in files_in(request.source, notes=notes):
        yield from records_of(file, encoding=request.encoding, notes=notes)


def _adapted(
    item: Record, position: int, chosen: ProfileFormat | None, request: ProfilesAdaptRequest, signs: _RiskLists
) -> Adapted | Problem:
    form = chosen or format_of(item.value)
    if form is None:
        why = "is of no format that ships (--formats lists them); describe it in a file: --format FILE"
        return Problem(item.file, why, item.number)
    name = request.name.replace("%d", str(position)) if request.name else None
    return adapt(item, form, position, Supplied(name, request.reason_from_problem), signs)


def _with_id_of_its_own(item: Adapted, numbers: dict[str, int]) -> Adapted:
    """The same; an id that came before gets a number."""
    if item.profile is None:
        return item
    name, number = item.profile.id, numbers.get(item.profile.id, 1)
    while name in numbers:
        number += 1
        name = f"{item.profile.id}-{number}"
    numbers[item.profile.id] = number
    numbers[name] = 1
    return item if name == item.profile.id else item.with_id(name)


def _away(request: ProfilesAdaptRequest, console: Console) -> int:
    """Our profiles in another format."""
    form = None if request.to == CACTUS else format_named(str(request.to))
    if form and not form.writes:
        there = ", ".join([CACTUS, *(item.name for item in formats() if item.writes)])
        raise SettingsError(f"--to {request.to}: that format has no place for most of a form; there are {there}")
    values, problems = [], 0
    table = Table("client", "has no place for", box=None)
    for profile in iter_profiles(request.source):
        if isinstance(profile, Problem):
            warn(str(profile))
            problems += 1
        elif form is None:
            values.append(cactus_record(profile))
        else:
            written = write_as(profile, form)
            values.append(written.value)
            table.add_row(profile.id, ", ".join(written.lost) or "–")
    if form:
        console.print(table)
    if not values:
        raise ProfileError(f"{request.source} holds no profile of ours")
    if request.out:
        _write(request.out, values)
        say(f"written: {request.out}, {counted(len(values), 'profile')}")
    return 2 if problems else 0


def _write(out: Path, values: Sequence[Mapping[str, Any]]) -> None:
    if out.suffix == ".jsonl":
        text = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
    elif out.suffix == ".json":
        text = json.dumps(values, ensure_ascii=False, indent=2) + "\n"
    else:
        text = yaml_of(list(values))
    write_named(out, text)


def _show(console: Console, adapted: Sequence[Adapted | Problem]) -> None:
    """What became of each record: of many, the first, and all that are refused."""
    for number, item in enumerate(adapted):
        if isinstance(item, Problem):
            console.print(Text(str(item), style="red"), soft_wrap=True)
        elif item.profile is None:
            console.print(
                Text(f"record {item.record.number}: refused: {item.refused}{_help(item)}", style="red"), soft_wrap=True
            )
        elif number < MOST_SHOWN:
            _show_one(console, item)


def _show_one(console: Console, item: Adapted) -> None:
    assert item.profile is not None
    console.print(Text(f"record {item.record.number}: {item.profile.id}", style="bold"))
    lines = Table.grid(padding=(0, 2))
    if item.supplied:
        lines.add_row("  supplied", ", ".join(item.supplied))
    lines.add_row("  mapped", ", ".join(item.mapped))
    if item.kept:
        lines.add_row("  as notes", ", ".join(item.kept))
    if item.left_out:
        lines.add_row("  left out", Text(", ".join(one_line(path)[:MOST_PATH] for path in item.left_out[:MOST_SHOWN])))
        if len(item.left_out) > MOST_SHOWN:
            lines.add_row("", f"and {len(item.left_out) - MOST_SHOWN:,} more")
    console.print(lines)


def _help(item: Adapted) -> str:
    """The options that supply what a record lacks."""
    options = {"demographics.name": "--name NAME", "reason_for_counseling": "--reason-from-problem"}
    wanted = [option for field, option in options.items() if field in item.refused]
    if not wanted or not item.refused.startswith("has no") or PROBLEM in item.refused:
        return ""
    return f"; {' and '.join(wanted)} supplies it"


def _formats() -> Table:
    table = Table("format", "what it is", "recognised by", box=None)
    for form in sorted(formats(), key=lambda form: form.name):
        table.add_row(form.name, f"{form.title}: {form.about}", ", ".join(form.has))
    return table
