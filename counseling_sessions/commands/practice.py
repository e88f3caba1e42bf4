"""`run.py practice`: a person is the counselor of a simulated client, or the client of the simulated counselor."""

import argparse
import asyncio
import shlex
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver

from counseling_sessions.commands import Subparsers
from counseling_sessions.commands.options import errors, for_embedded, graph_options, model_options, session_config
from counseling_sessions.commands.trusted import naming_options, refuse_unnamed
from counseling_sessions.generation.log import log_unretrieved, logged
from counseling_sessions.graph.checkpoints import spared_checkpoints
from counseling_sessions.graph.methods import METHODS
from counseling_sessions.graph.practice import Practice, part_of
from counseling_sessions.graph.session import SessionTask, find_session
from counseling_sessions.graph.trouble import LOG
from counseling_sessions.inspection.practice.advice import Advisor
from counseling_sessions.inspection.practice.feedback import feedback, refuse_without_judges
from counseling_sessions.inspection.practice.loop import Loop
from counseling_sessions.inspection.practice.review import review_lines, review_of
from counseling_sessions.inspection.practice.terminal import Terminal
from counseling_sessions.inspection.transcript import how_it_ended, transcript_markdown
from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.roles import ROLES, pinned, serving, serving_line
from counseling_sessions.nodes.examples import check_examples
from counseling_sessions.nodes.intake import DEFAULT_ATTITUDE, DEFAULT_CLIENT
from counseling_sessions.nodes.risk import phrase_lists, read_help
from counseling_sessions.nodes.risk.check import ROLE as RISK_ROLE
from counseling_sessions.nodes.risk.phrases import LANGUAGES
from counseling_sessions.profiles.readers import find_profile
from counseling_sessions.profiles.schema import ATTITUDES, client_form, counselor_information, counselor_reason
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.sessions.writing import keep
from counseling_sessions.settings import ModelSettings, SessionConfig, SettingsError
from counseling_sessions.state import SessionRecord, Speaker
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.texts.harmless import one_line


def add(commands: Subparsers) -> None:
    """Tell the parser about this command."""
    parser = commands.add_parser("practice", help="take part: as the counselor of a simulated client, or as the client")
    parser.add_argument("--as", dest="part", choices=("counselor", "client"), help="who you are (default counselor)")
    parser.add_argument("--client", default=DEFAULT_CLIENT, help=f"a built-in id or a file (default {DEFAULT_CLIENT})")
    parser.add_argument("--record", help="which record of the file: its number or its id")
    parser.add_argument("--attitude", choices=ATTITUDES, help=f"the profile's own, or {DEFAULT_ATTITUDE}")
    parser.add_argument("--method", choices=list(METHODS), help="who counsels, or advises you (default magnet)")
    graph_options(parser)
    parser.add_argument("--seed", type=int, help="default: another one each time")
    parser.add_argument("--judge", metavar="FILE", help="judges who rate your session at its end (judge.yaml)")
    parser.add_argument(
        "--country", metavar="CODE", help="whose help lines are shown to a client at risk (default all)"
    )
    parser.add_argument(
        "--risk-model", metavar="MODEL", help="a model that checks a client's messages, besides the rules"
    )
    parser.add_argument("--out", help="folder for the session (default runs/practice-<time>-<client>)")
    parser.add_argument("--resume", metavar="FOLDER", help="take up the session in this folder (or its journal)")
    model_options(parser)
    parser.set_defaults(command=practice)


def practice(args: argparse.Namespace) -> int:
    """One practice session, new or taken up again; 0 also when it is left, 1 when it failed or was stopped for risk."""
    terminal = Terminal()
    part = _part(args)
    _refuse(args, part, terminal)
    if part == "client" and not _confirmed(terminal):
        terminal.note("Nothing was begun.")
        return 0
    with asyncio.Runner() as runner:
        stack, models = AsyncExitStack(), Models(offline=args.offline)
        try:
            session = runner.run(_open(args, part, models, stack, terminal))
            stack.enter_context(logged(RunFolder.of_journal(session.journal.path).log, private=True))
            try:
                over = Loop(session, terminal, runner.run, Advisor(session, models)).run()
            except KeyboardInterrupt:
                _tell_how_to_go_on(session, args)
                return 130
            finally:
                session.close()
            if not over:
                _tell_how_to_go_on(session, args)
                return 0
            return _finish(args, session, terminal, lambda record: runner.run(_judged(args, record, session, models)))
        finally:
            runner.run(_close(stack, models))


def _part(args: argparse.Namespace) -> Speaker:
    if not args.resume:
        return args.part or "counselor"
    journal = find_session(Path(args.resume))
    part = part_of(read_journal(journal).updates)
    if part is None:
        raise SettingsError(f"{journal} is no practice session; take it up with: run.py session --resume {args.resume}")
    if args.part and args.part != part:
        raise SettingsError(f"{journal}: the person of this session is the {part}")
    return part


def _refuse(args: argparse.Namespace, part: Speaker, terminal: Terminal) -> None:
    """Raise `SettingsError` for what must not begin: above all a client without notice, phrases or help lines."""
    if args.judge and part == "client":
        raise SettingsError("--judge rates a person who practises as the counselor")
    if args.judge:
        refuse_without_judges(Path(args.judge))
    if part == "client":
        if not terminal.interactive:
            raise SettingsError("practising as the client needs a terminal: there is a notice to read and to confirm")
        phrase_lists()
        read_help()
        if args.country:
            read_help().country(args.country)


def _confirmed(terminal: Terminal) -> bool:
    terminal.text("notice")
    try:
        return terminal.read("\nType yes if you have read this and want to go on: ").strip().casefold() == "yes"
    except EOFError:
        return False


async def _open(
    args: argparse.Namespace, part: Speaker, models: Models, stack: AsyncExitStack, terminal: Terminal
) -> Practice:
    country = (args.country or "").upper()
    if args.resume:
        journal = find_session(Path(args.resume))
        content = read_journal(journal)
        config, run = content.head.configuration, RunFolder.of_journal(journal)
        check_examples(config)
        refuse_unnamed(config, args, journal)
        _refuse_language(part, config)
        await _served(config, models, terminal)
        saver = await _checkpointer(part, stack, terminal)
        country = country or next((item.update["country"] for item in content.updates if "country" in item.update), "")
        session = Practice.resume(journal, models, saver, country=country)
    else:
        profile = find_profile(args.client, args.record)
        config = await _served(_config(args, part), models, terminal, args)
        _refuse_language(part, config)
        attitude = args.attitude or profile.attitude or DEFAULT_ATTITUDE
        task = SessionTask(profile=profile, attitude=attitude, config=config)
        run = RunFolder(Path(args.out or f"runs/practice-{datetime.now():%Y%m%d-%H%M%S}-{profile.id}"))
        run.refuse_batch()
        saver = await _checkpointer(part, stack, terminal)
        run.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        session = Practice.begin(task, part, run.journals, models, saver, country=country)
    log_unretrieved(asyncio.get_running_loop())
    _introduce(session, run.folder, terminal)
    return session


def _config(args: argparse.Namespace, part: Speaker) -> SessionConfig:
    config = session_config(args)
    if args.risk_model:
        asked = ModelSettings(model=args.risk_model, temperature=0.0).over(
            config.models.get(RISK_ROLE, ModelSettings())
        )
        config = config.model_copy(update={"models": {**config.models, RISK_ROLE: asked}})
    if part == "counselor" and args.router is None:
        config = config.model_copy(update={"router": "rules"})  # a hint comes at once, without a call
    return config


def _refuse_language(part: Speaker, config: SessionConfig) -> None:
    if part == "client" and config.language not in LANGUAGES:
        raise SettingsError(
            f"there is no list of risk phrases in {config.language}; a client can speak {', '.join(LANGUAGES)}"
        )


async def _served(
    config: SessionConfig, models: Models, terminal: Terminal, args: argparse.Namespace | None = None
) -> SessionConfig:
    """The configuration with its models by name (a session that is taken up has them already); tells who serves."""
    roles = [*ROLES[:3], *config.techniques, *ROLES[3:], *([RISK_ROLE] if RISK_ROLE in config.models else [])]
    served = await serving(models, config, roles)
    for item in served:
        if item.problem:
            raise ModelError("configuration", item.problem)
    terminal.note(serving_line(served), "bold")
    return for_embedded(pinned(config, served), args, served) if args else config


async def _checkpointer(part: Speaker, stack: AsyncExitStack, terminal: Terminal) -> Any:
    if part == "client":
        return InMemorySaver()  # what a person types as the client is in the session's folder and nowhere else

    def tell(trouble: str) -> None:
        LOG.warning("%s; the session goes on without them", trouble)
        terminal.note(f"{one_line(trouble)}; the session goes on without them", "yellow")

    return await stack.enter_async_context(spared_checkpoints(tell))


def _introduce(session: Practice, folder: Path, terminal: Terminal) -> None:
    profile = session.content.head.profile
    terminal.note(f"{folder}/")
    if session.part == "counselor":
        terminal.note("\nPractice: you are the counselor. The client is simulated, and invented.", "bold green")
        terminal.note(f"{counselor_information(profile)}\nReason for coming: {counselor_reason(profile)}", "")
    else:
        terminal.note("\nResearch preview, not care: you play the client of this form.", "bold green")
        terminal.note(f"{client_form(profile)}\nHow the client is today: {session.content.head.attitude}", "")
    terminal.note("/help lists the commands, /quit leaves.\n")


def _finish(args: argparse.Namespace, session: Practice, terminal: Terminal, judge: Any) -> int:
    record, folder = session.record(), RunFolder.of_journal(session.journal.path).folder
    shard = keep(record, folder)
    if session.risk:
        session.journal.path.unlink(missing_ok=True)  # it is not taken up again
        return 1
    said_by = f"\n*Practice: the {session.part}'s messages are a person's.*\n"
    text = transcript_markdown(record) + said_by
    write_atomically(folder / f"{record.session_id}.md", text.encode(), private=True)
    if record.failure:
        errors().print(f"the session failed: {one_line(record.failure.message)}", style="red", markup=False)
        _tell_how_to_go_on(session, args)
        return 1
    terminal.note(f"\n{how_it_ended(record)}", "green")
    if session.part == "counselor":
        lines = ["", "Looking back", *review_lines(review_of(session.dialogue))]
        for line in lines:
            terminal.note(line, "")
        if args.judge:
            with terminal.busy("the judges are reading"):
                given = ["", "Feedback", *judge(record)]
            for line in given:
                terminal.note(line, "")
            lines += given
        review = folder / f"{record.session_id}.review.txt"
        write_atomically(review, "".join(f"{line}\n" for line in lines[1:]).encode(), private=True)
    terminal.console.print(f"saved: {shard}", markup=False, soft_wrap=True, style="dim")
    return 0


async def _judged(args: argparse.Namespace, record: SessionRecord, session: Practice, models: Models) -> list[str]:
    return await feedback(record, Path(args.judge), RunFolder.of_journal(session.journal.path).folder, models)


def _tell_how_to_go_on(session: Practice, args: argparse.Namespace) -> None:
    run = RunFolder.of_journal(session.journal.path)
    folder = run.folder if len(run.journal_files()) == 1 else session.journal.path
    errors().print("\nleft; nothing is lost. Take it up with:", markup=False)
    errors().print(f"  python run.py practice --resume {shlex.quote(str(folder))}{naming_options(args)}", markup=False)


async def _close(stack: AsyncExitStack, models: Models) -> None:
    await stack.aclose()
    await models.close()
