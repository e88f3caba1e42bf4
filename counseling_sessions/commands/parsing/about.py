"""What the commands are asked that run no session: `profiles`, `check`, `graph` and `schema`."""

from typing import Literal

from counseling_sessions.commands.parsing.declared import CommandRequest, argument, group, option, switch
from counseling_sessions.commands.parsing.options import RECORD, ModelOptions, risk_option
from counseling_sessions.commands.parsing.values import names
from counseling_sessions.inspection.schemas import SCHEMAS
from counseling_sessions.profiles.risk_part import RiskLevel
from counseling_sessions.settings import MethodName


class ProfilesRequest(CommandRequest):
    """Profiles to be listed, shown or validated."""

    action: Literal["list", "show", "validate"] = argument(nargs="?", default="list")
    name: str | None = argument("a built-in id, or a file or folder of profiles", nargs="?")
    record: str | None = option(RECORD)
    at_risk: tuple[RiskLevel, ...] | None = risk_option()
    skip_invalid: bool = switch("broken records do not make the exit status 2")


class CheckRequest(CommandRequest):
    """Which model serves which role, and what it can do."""

    models: ModelOptions = group(ModelOptions)
    techniques: tuple[str, ...] | None = option("comma-separated", type=names)


class GraphRequest(CommandRequest):
    """The state machine of a method, or of all, or the phases of a session."""

    method: MethodName | Literal["all"] | None = option("default: magnet")
    phases: bool = switch("the phases of a session and what leads from one to the next")
    techniques: tuple[str, ...] | None = option("comma-separated", type=names)


class SchemaRequest(CommandRequest):
    """The JSON Schema of a format."""

    what: str = argument(choices=list(SCHEMAS))
