"""`run.py profiles make`: new clients at scale, drawn from tables and written by a model."""

import asyncio
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.table import Table

from counseling_sessions.commands.build import opened_models, serve, session_config
from counseling_sessions.commands.parsing.making import ProfilesMakeRequest
from counseling_sessions.commands.telling import say, tell, warn
from counseling_sessions.ladder.models import EMBEDDED, default_model, embedded_model
from counseling_sessions.making.card import MadeSet, card, flagged, shares, tokens_line
from counseling_sessions.making.folder import Entry, MadeFolder, Plan, line_of
from counseling_sessions.making.form import occupation, prompt_hash
from counseling_sessions.making.likeness import has_meaning
from counseling_sessions.making.sampling import Sketch, draw
from counseling_sessions.making.tables import Tables, read_tables
from counseling_sessions.making.writing import ROLE, Writer
from counseling_sessions.models.prices import Prices, read_prices
from counseling_sessions.models.roles import pinned, serving_line
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.settings import ModelSettings, SessionConfig, SettingsError, means_embedded
from counseling_sessions.store.atomic import write_named
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.log import append
from counseling_sessions.store.system import on_stopping
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.texts.harmless import one_line
from counseling_sessions.texts.words import counted

BY_HAND = "stopped by hand"


def make_profiles(request: ProfilesMakeRequest) -> int:
    """Make a set of new clients, or go on with it. 0: all are there; 1: some are missing, or a pair is flagged; 130: stopped."""
    tables = read_tables(request.tables)
    sketches = draw(tables, request.count, request.seed)
    if request.dry_run:
        _show(tables, sketches)
        return 0
    config = session_config(request.models, {"language": request.language})
    _refuse_unable(config)
    prices = read_prices(request.prices) if request.prices else None
    folder = MadeFolder.of(request.out)
    return asyncio.run(_make(request, config, tables, sketches, folder, prices))


async def _make(
    request: ProfilesMakeRequest,
    config: SessionConfig,
    tables: Tables,
    sketches: Sequence[Sketch],
    folder: MadeFolder,
    prices: Prices | None,
) -> int:
    async with opened_models(offline=request.models.offline, on_wait=warn) as models:
        served = await serve(models, config, [ROLE])
        config = pinned(config, served)
        if not request.quiet:
            tell(serving_line(served), "bold")
        settings = config.model_for(ROLE)
        plan = _plan(request, config, settings, tables)
        if prices:
            prices.cost(config, {ROLE: (0, 0, 0)})  # raises if the model has none
        with folder.writing() as log:
            folder.begin(plan)
            made = MadeSet(plan, tables, sketches, folder.entries())
            folder.write_profiles(made.entries)  # a process that was killed may have left half a line
            writer = Writer(plan, tables, models, settings, log, request.attempts, list(made.entries))
            writer.on_entry = lambda entry: _note(entry, folder, writer, request)
            loop = asyncio.get_running_loop()
            try:
                with (
                    on_stopping(lambda: loop.call_soon_threadsafe(writer.stop, BY_HAND)),
                    failing_as(RunError, f"{folder.work} cannot be written"),
                ):
                    await writer.write(sketches, request.concurrency)
            finally:
                made = MadeSet(plan, tables, sketches, writer.entries)
                folder.write_profiles(made.entries)
            return _report(request, config, made, writer, folder, prices)


def _plan(request: ProfilesMakeRequest, config: SessionConfig, settings: ModelSettings, tables: Tables) -> Plan:
    return Plan(
        count=request.count,
        seed=request.seed,
        language=config.language,
        model=settings.model or "",
        temperature=None if "temperature" in (settings.omit or ()) else settings.temperature,
        tables=tables.digest,
        prompt=prompt_hash(),
        meaning=has_meaning(),
    )


def _note(entry: Entry, folder: MadeFolder, writer: Writer, request: ProfilesMakeRequest) -> None:
    """Add a written client to the set at once, and say so."""
    if entry.profile:
        append(folder.profiles, line_of(entry.profile), sync=True)
    if request.quiet:
        return
    done = sum(1 for one in writer.entries if one.profile)
    fate = "written" if entry.profile else f"refused: {one_line('; '.join(_said(entry)))[:200]}"
    tell(f"{done:,}/{request.count:,} · client {entry.number}, answer {entry.attempt}: {fate}", "dim")


def _said(entry: Entry) -> list[str]:
    return [f"{one.kind} ({one.detail})" for one in entry.refused]


def _report(
    request: ProfilesMakeRequest,
    config: SessionConfig,
    made: MadeSet,
    writer: Writer,
    folder: MadeFolder,
    prices: Prices | None,
) -> int:
    """Write the card, and say how it ended."""
    by_writing = made.written()
    text = card(
        made,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        command=one_line(f"python run.py {shlex.join(request.arguments)}"),
        licence=request.licence,
        by_writing=by_writing,
    )
    with failing_as(RunError, f"{folder.card} cannot be written"):
        write_named(folder.card, text)
    count, missing = len(made.made), request.count - len(made.made)
    say(f"{counted(count, 'client')} in {folder.profiles}; the card is {folder.card}", "bold")
    say(f"{counted(len(made.entries), 'answer')}; {tokens_line(made.entries)}{_cost(config, made, prices)}")
    for one in flagged(by_writing):
        warn(f"flagged: {one.one} and {one.other} go together (V {one.v:.2f}, p {one.p:.4f}): {one.cell[0]}")
    if missing:
        why = f" ({writer.stopped})" if writer.stopped else ""
        lost = f"; {counted(writer.failed, 'call')} had no answer" if writer.failed else ""
        warn(f"{counted(missing, 'client')} missing{why}{lost}: the same command goes on")
    if writer.stopped == BY_HAND:
        return 130
    return 1 if missing or flagged(by_writing) else 0


def _cost(config: SessionConfig, made: MadeSet, prices: Prices | None) -> str:
    if prices is None:
        return ""
    prompt, cached, completion = (
        sum(getattr(entry, f"{kind}_tokens") for entry in made.entries) for kind in ("prompt", "cached", "completion")
    )
    return f"; cost {prices.cost(config, {ROLE: (prompt, cached, completion)}):,.2f}"


def _refuse_unable(config: SessionConfig) -> None:
    """Raise `SettingsError` for an embedded model that cannot write forms, before it is fetched or started."""
    settings = config.model_for(ROLE)
    if not means_embedded(settings):
        return
    here = embedded_model(settings.model or EMBEDDED) or default_model()
    if not here.writes_forms:
        raise SettingsError(
            f"the embedded model {here.name} cannot write the form of a client: it is too small for a page that agrees with "
            "itself. Name a capable model (--base-url, --model or --models; OPENAI_API_KEY), see what would be asked with "
            "--dry-run, or take the built-in clients (`profiles list`)"
        )


def _show(tables: Tables, sketches: Sequence[Sketch]) -> None:
    """What is drawn, client by client, and the shares."""
    for sketch in sketches:
        values = sketch.values
        who = f"{sketch.name}, {sketch.age}, {values['gender']}, {values['culture']}: {occupation(tables, sketch)}"
        life = ", ".join(values[name] for name in ("education", "tie", "children", "home", "place"))
        problem = ", ".join(
            (values["problem"], sketch.trigger, values["since"], values["severity"], values["distortion"])
        )
        manner = ", ".join(values[name] for name in ("verbosity", "insight", "resistance", "attitude", "voice"))
        say(f"{sketch.number}. {who} · {life} · {problem} · {manner}")
    counts = Table("attribute", "value", "by the table", "drawn", title="shares; no model was asked")
    for name in tables.attributes:
        for value, share, count in shares(tables, sketches, name):
            counts.add_row(name, value, f"{share:.1f}", str(count))
    HarmlessConsole().print(counts)
