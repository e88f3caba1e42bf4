"""What `session` and `practice` are asked: one session, in which a person takes part or none."""

from pathlib import Path
from typing import Literal

from counseling_sessions.commands.parsing.declared import CommandRequest, group, option, switch
from counseling_sessions.commands.parsing.options import (
    OTHER_PROMPTS,
    RECORD,
    ModelOptions,
    SessionOptions,
    risk_option,
)
from counseling_sessions.profiles.library import DEFAULT_ATTITUDE, DEFAULT_CLIENT
from counseling_sessions.profiles.risk_part import RiskLevel
from counseling_sessions.profiles.schema import Attitude
from counseling_sessions.settings import MethodName, RouterPolicy

_CLIENT = f"a built-in id or a file (default {DEFAULT_CLIENT})"
_ATTITUDE = f"the profile's own, or {DEFAULT_ATTITUDE}"
_SEED = "default: another one each time"
_NAMES = ("--profile", "--client")
"""Two names of one option: who the client is."""


class PracticeOptions(SessionOptions):
    """How a practice session goes; other than in a session, a counselor's hints come by rules."""

    router: RouterPolicy | None = option(
        "who picks the techniques of hints and of MAGneT's answers (default rules, without a call; llm with --as client)"
    )


class SessionRequest(CommandRequest):
    """One session, new or to be taken up again."""

    profile: str = option(_CLIENT, default=DEFAULT_CLIENT, flags=_NAMES)
    record: str | None = option(RECORD)
    at_risk: tuple[RiskLevel, ...] | None = risk_option()
    attitude: Attitude | None = option(_ATTITUDE)
    method: MethodName | None = option("default: magnet")
    session: SessionOptions = group(SessionOptions)
    seed: int | None = option(_SEED)
    out: Path | None = option("folder for the session (default runs/<time>-<profile>-<attitude>)")
    resume: Path | None = option("take up the cut-off session in this folder (or journal)", "FOLDER")
    other_prompts: bool = switch(OTHER_PROMPTS)
    quiet: bool = switch("print only where the session was saved")
    json: bool = switch("print the session record as JSON and nothing else")
    models: ModelOptions = group(ModelOptions)


class PracticeRequest(CommandRequest):
    """One practice session, new or to be taken up again."""

    part: Literal["counselor", "client"] | None = option("who you are (default counselor)", flags=("--as",))
    profile: str = option(_CLIENT, default=DEFAULT_CLIENT, flags=_NAMES)
    record: str | None = option(RECORD)
    attitude: Attitude | None = option(_ATTITUDE)
    method: MethodName | None = option("who counsels, or advises you (default magnet)")
    session: PracticeOptions = group(PracticeOptions)
    seed: int | None = option(_SEED)
    judge: Path | None = option("judges who rate your session at its end (judge.yaml)", "FILE")
    country: str | None = option("whose help lines are shown to a person who is the client, or all", "CODE|all")
    risk_model: str | None = option(
        "a model that looks at a client's messages, besides the lists (default: the session's own), or off", "MODEL|off"
    )
    page: bool = switch("print the page for participants (--as client), and begin nothing")
    out: Path | None = option("folder for the session (default runs/practice-<time>-<profile>)")
    resume: Path | None = option("take up the session in this folder (or its journal)", "FOLDER")
    other_prompts: bool = switch(OTHER_PROMPTS)
    models: ModelOptions = group(ModelOptions)
