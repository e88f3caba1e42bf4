"""`run.py practice`: a person is the counselor of a simulated client, or the client of the simulated counselor."""

import asyncio
import shlex
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver

from counseling_sessions.commands.build import (
    checked,
    naming_options,
    opened_models,
    refuse_unnamed,
    serve,
    serve_new,
    session_config,
    set_fields,
)
from counseling_sessions.commands.parsing.session import PracticeRequest
from counseling_sessions.commands.session import tell_once
from counseling_sessions.commands.telling import tell, warn
from counseling_sessions.generation.log import log_unretrieved, logged
from counseling_sessions.graph.checkpoints import spared_checkpoints
from counseling_sessions.graph.practice import Practice, part_of
from counseling_sessions.graph.provenance import refuse_other_prompts
from counseling_sessions.graph.session import SessionTask, find_session
from counseling_sessions.inspection.transcript import how_it_ended
from counseling_sessions.models.chat import Models
from counseling_sessions.models.roles import ROLES, serving_line
from counseling_sessions.nodes.risk import (
    check_country,
    help_text,
    linear_model,
    outdated_lines,
    phrase_lists,
    read_texts,
)
from counseling_sessions.nodes.risk.check import ROLE as RISK_ROLE
from counseling_sessions.nodes.risk.phrases import LANGUAGES
from counseling_sessions.nodes.stopping import NO_GOOD_ANSWER
from counseling_sessions.practice.advice import Advisor
from counseling_sessions.practice.feedback import feedback, refuse_without_judges
from counseling_sessions.practice.keeping import keep_practice
from counseling_sessions.practice.loop import Loop
from counseling_sessions.practice.notice import has_agreed, notice_text, page_text
from counseling_sessions.practice.terminal import Terminal
from counseling_sessions.profiles.library import DEFAULT_ATTITUDE
from counseling_sessions.profiles.readers import find_profile
from counseling_sessions.profiles.schema import client_form, counselor_information, counselor_reason
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.settings import ModelSettings, SessionConfig, SettingsError, means_embedded
from counseling_sessions.state import Speaker
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.texts.harmless import one_line

OFF = "off"
"""The `--risk-model` of a session in which no model looks at messages."""
LOOK = ModelSettings(temperature=0.0, timeout=60, max_requests=3)
"""How the session's own model looks at a message: a person waits for it."""


@dataclass(frozen=True)
class Planned:
    """What the session will be, before anything is opened: the `fields` are those set for a new one, the `journal` is that of one
    which is taken up again."""

    part: Speaker
    config: SessionConfig
    country: str
    fields: dict[str, Any] = field(default_factory=dict)
    journal: Path | None = None


def run(request: PracticeRequest) -> int:
    """One practice session, new or taken up again; 0 also when it is left, 1 when it failed or was stopped for risk."""
    terminal = Terminal()
    planned = _taken_up(request, Path(request.resume)) if request.resume else _new(request)
    _refuse(request, planned, terminal)
    if request.page:
        terminal.note(page_text(planned.config, planned.country), "")
        return 0
    if planned.part == "client" and not _confirmed(terminal, planned):
        return 0
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            models = runner.run(stack.enter_async_context(opened_models(offline=request.models.offline, on_wait=warn)))
            session = runner.run(_open(request, planned, models, stack, terminal))
            stack.enter_context(logged(RunFolder.of_journal(session.journal.path).log, private=True))
            try:
                over = Loop(session, terminal, runner.run, Advisor(session, models)).run()
            except KeyboardInterrupt:
                _tell_how_to_go_on(session, request, terminal)
                return 130
            finally:
                session.close()
            if not over:
                _tell_how_to_go_on(session, request, terminal)
                return 0
            return _finish(request, session, terminal, runner, models)
        finally:
            runner.run(stack.aclose())


def _new(request: PracticeRequest) -> Planned:
    part = request.part or "counselor"
    fields = set_fields(request.session, method=request.method, seed=request.seed)
    return Planned(part, _config(request, part, fields), (request.country or "").upper(), fields)


def _taken_up(request: PracticeRequest, place: Path) -> Planned:
    journal = find_session(place)
    content = read_journal(journal)
    part = part_of(content.updates)
    if part is None:
        raise SettingsError(f"{journal} is no practice session; take it up with: run.py session --resume {place}")
    if request.part and request.part != part:
        raise SettingsError(f"{journal}: the person of this session is the {part}")
    if request.risk_model:
        raise SettingsError(f"{journal}: which model looks at messages stays as it was; leave --risk-model out")
    config = checked(content.head.configuration)
    refuse_unnamed(config, request.models, request.arguments, journal)
    if not request.other_prompts:
        refuse_other_prompts(journal, content.prompts_on_record, config)
    before = next((item.update["country"] for item in content.updates if "country" in item.update), "")
    return Planned(part, config, (request.country or before).upper(), journal=journal)


def _refuse(request: PracticeRequest, planned: Planned, terminal: Terminal) -> None:
    """Raise `SettingsError` for what must not begin: above all a client without notice, phrases or help lines."""
    if planned.part == "counselor":
        if request.page:
            raise SettingsError("the page is for people who are the client: add --as client")
        if request.judge:
            refuse_without_judges(request.judge)
        return
    if request.judge:
        raise SettingsError("--judge rates a person who practises as the counselor")
    if not terminal.interactive and not request.page:
        raise SettingsError("practising as the client needs a terminal: there is a notice to read and to confirm")
    phrase_lists()
    linear_model()
    read_texts()
    check_country(planned.country)
    config = planned.config
    if config.language not in LANGUAGES:
        raise SettingsError(
            f"there is no list of risk phrases in {config.language}; a client can speak {', '.join(LANGUAGES)}"
        )
    if not request.page and any(means_embedded(config.named_for(role)) for role in _before_person(config)):
        raise SettingsError(
            "the embedded models are not put before a person: a model this small loses the thread, and says what no counselor may "
            "say. Name a larger one with --base-url and --model, or --models (docs/models.md); or practise as the counselor"
        )


def _confirmed(terminal: Terminal, planned: Planned) -> bool:
    """Whether the person has read the notice and goes on; else they are shown a few lines."""
    if outdated := outdated_lines(planned.country):
        warn(f"help lines were last checked more than a year ago: {', '.join(outdated)}; check them (docs/practice.md)")
    language = planned.config.language
    texts = read_texts()[language]
    terminal.note(notice_text(planned.config), "")
    try:
        answer = terminal.read(f"\n{texts.confirm}")
    except (EOFError, KeyboardInterrupt):
        answer = ""
    if has_agreed(answer, language):
        return True
    terminal.note(f"\n{texts.refused}\n\n{help_text(planned.country, language, occasion='afterwards')}", "")
    return False


async def _open(
    request: PracticeRequest, planned: Planned, models: Models, stack: AsyncExitStack, terminal: Terminal
) -> Practice:
    config, part, country = planned.config, planned.part, planned.country
    if planned.journal:
        run = RunFolder.of_journal(planned.journal)
        terminal.note(serving_line(await serve(models, config, roles_of(config))), "bold")
        saver = await _checkpointer(part, stack)
        session = Practice.resume(planned.journal, models, saver, country=country)
    else:
        profile = find_profile(request.profile, request.record)
        config, served = await serve_new(models, config, planned.fields, roles_of(config))
        terminal.note(serving_line(served), "bold")
        attitude = request.attitude or profile.attitude or DEFAULT_ATTITUDE
        task = SessionTask(profile=profile, attitude=attitude, config=config)
        run = RunFolder(request.out or Path(f"runs/practice-{datetime.now():%Y%m%d-%H%M%S}-{profile.id}"))
        run.refuse_batch()
        saver = await _checkpointer(part, stack)
        run.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        session = Practice.begin(task, part, run.journals, models, saver, country=country)
    log_unretrieved(asyncio.get_running_loop())
    _introduce(session, run.folder, terminal)
    return session


def _config(request: PracticeRequest, part: Speaker, fields: dict[str, Any]) -> SessionConfig:
    config = session_config(request.models, fields)
    if part == "client":
        return config.model_copy(update={"models": _with_look(config, request.risk_model)})
    if "router" not in fields:
        config = config.model_copy(update={"router": "rules"})  # a hint comes at once, without a call
    return config


def _with_look(config: SessionConfig, risk_model: str | None) -> dict[str, ModelSettings]:
    """The models by role, with the one that looks at what the lists let pass: the named one, that of the models file, or the
    session's own; with `OFF` none."""
    models = {role: model for role, model in config.models.items() if role != RISK_ROLE}
    if risk_model == OFF:
        return models
    look = config.models.get(RISK_ROLE) or LOOK.over(config.named_for("merge"))
    return {**models, RISK_ROLE: ModelSettings(model=risk_model).over(look)}


def _before_person(config: SessionConfig) -> list[str]:
    """The roles whose models a person who is the client meets."""
    return [role for role in roles_of(config) if role != "client"]


def roles_of(config: SessionConfig) -> list[str]:
    """The roles whose models a practice session can ask."""
    return [*ROLES[:3], *config.techniques, *ROLES[3:], *([RISK_ROLE] if RISK_ROLE in config.models else [])]


async def _checkpointer(part: Speaker, stack: AsyncExitStack) -> Any:
    if part == "client":
        return InMemorySaver()  # a client's words stay in the session's folder
    return await stack.enter_async_context(spared_checkpoints(tell_once))


def _introduce(session: Practice, folder: Path, terminal: Terminal) -> None:
    profile = session.content.head.profile
    terminal.note(f"{folder}/")
    if session.part == "counselor":
        terminal.note("\nPractice: you are the counselor. The client is simulated, and invented.", "bold green")
        terminal.note(f"{counselor_information(profile)}\nReason for coming: {counselor_reason(profile)}", "")
        terminal.note("/help lists the commands, /quit leaves.\n")
    else:
        terminal.note(f"\n{read_texts()[session.config.language].begins}", "bold green")
        terminal.note(f"{client_form(profile)}\nHow the client is today: {session.content.head.attitude}\n", "")


def _finish(
    request: PracticeRequest, session: Practice, terminal: Terminal, runner: asyncio.Runner, models: Models
) -> int:
    kept = keep_practice(session)
    record = kept.record
    if session.is_final:
        return 1 if session.risk else 0
    if record.failure and record.failure.kind == NO_GOOD_ANSWER:
        return 1  # the person has read the farewell
    if record.failure:
        tell(f"the session failed: {one_line(record.failure.message)}", "red")
        _tell_how_to_go_on(session, request, terminal)
        return 1
    terminal.note(f"\n{how_it_ended(record)}", "green")
    if kept.review:
        terminal.note(f"\n{kept.review_text}", "")
    if kept.review and request.judge:
        with terminal.busy("the judges are reading"):
            opinion = "\n".join(["\nFeedback", *runner.run(feedback(record, request.judge, kept.folder, models))])
        terminal.note(opinion, "")
        write_atomically(kept.review_file, f"{kept.review_text}\n{opinion}\n".encode(), private=True)
    terminal.console.print(f"saved: {kept.shard}", markup=False, soft_wrap=True, style="dim")
    return 0


def _tell_how_to_go_on(session: Practice, request: PracticeRequest, terminal: Terminal) -> None:
    if session.part == "client":
        terminal.note(f"\n{help_text(session.country, session.config.language, occasion='afterwards')}", "")
    run = RunFolder.of_journal(session.journal.path)
    folder = run.folder if len(run.journal_files()) == 1 else session.journal.path
    tell("\nleft; nothing is lost. Take it up with:")
    tell(f"  python run.py practice --resume {shlex.quote(str(folder))}{naming_options(request.models)}")
