"""Options that several commands share: how a session goes, which models serve it, what is done about damaged ones."""

from argparse import BooleanOptionalAction
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from counseling_sessions.commands.parsing.declared import Options, option, switch
from counseling_sessions.commands.parsing.values import names, some_of
from counseling_sessions.ladder.models import default_model, sizes
from counseling_sessions.nodes.techniques import techniques
from counseling_sessions.profiles.risk_part import RISK_LEVELS
from counseling_sessions.settings import (
    AppraisalPolicy,
    FanOut,
    MergePolicy,
    MethodName,
    PromptLayout,
    RiskPolicy,
    RouterPolicy,
    SessionConfig,
)

if TYPE_CHECKING:
    from counseling_sessions.sessions.foreign import HowToRead

METHODS = get_args(MethodName)
RECORD = "which record of the file: its number or its id"
SALVAGE = "where files of a run are damaged: go on with the sessions that can be read, name the others (default: name them and stop)"
SHAPE = (
    "what others' files are like: the name of a shape that ships, or a YAML file with your own (default: as they look)"
)
ENCODING = "the encoding of others' texts, such as gb18030 or shift_jis (default: as they look)"
CLIENT_IS = "the client as others' files name it, such as assistant or B; every other speaker is the counselor"
OTHER_PROMPTS = "go on although prompt files have changed since: the record says which call was made with which"
PRICES = "YAML with prices per model, for costs"


def risk_option() -> Any:
    """The levels of the clients at risk that are asked for; None: no client at risk."""
    return option(
        "clients at risk of these levels, and no others", "A,B|all", type=some_of(RISK_LEVELS), flags=("--risk",)
    )


EMBEDDED_SESSION = default_model().session


def _described(name: str, default: object, unlike: str = "") -> str:
    return f"{SessionConfig.model_fields[name].description} (default {default}{unlike})"


def _choice(name: str) -> Any:
    unlike = f"; {EMBEDDED_SESSION[name]} on the embedded model" if name in EMBEDDED_SESSION else ""
    return option(_described(name, SessionConfig.model_fields[name].default, unlike))


class ReadingOptions(Options):
    """How other people's files are read."""

    shape: str | None = option(SHAPE, "NAME|FILE")
    client_is: str | None = option(CLIENT_IS, "NAME")
    encoding: str | None = option(ENCODING, "NAME")

    def how(self) -> "HowToRead":
        """The same, with the shape read. Raises `SettingsError`."""
        from counseling_sessions.sessions.foreign import (  # only commands that read sessions need it
            HowToRead,
            shape_named,
        )

        return HowToRead(shape_named(self.shape) if self.shape else None, self.client_is, self.encoding)


class SessionOptions(Options):
    """How a session goes: the fields of `SessionConfig` but for method, seed and models; None is left open."""

    router: RouterPolicy | None = _choice("router")
    merge: MergePolicy | None = _choice("merge")
    fan_out: FanOut | None = _choice("fan_out")
    prompt_layout: PromptLayout | None = _choice("prompt_layout")
    techniques: tuple[str, ...] | None = option(f"of {', '.join(techniques())}", "A,B", type=names)
    few_shot: int | None = option(_described("few_shot", 0), metavar="N")
    appraisal: AppraisalPolicy | None = _choice("appraisal")
    choices: int | None = option(
        _described("choices", 1, f"; {EMBEDDED_SESSION['choices']} with the embedded model"), metavar="N"
    )
    risk: RiskPolicy | None = option(
        _described("risk", "llm with --risk; a small model is not asked"), flags=("--protocol",)
    )
    strict: bool | None = option(_described("strict", "no; yes on the embedded model"), action=BooleanOptionalAction)
    max_turns: int | None = option(
        f"at most (default 20; {EMBEDDED_SESSION['max_turns']} on the embedded model)", "TURNS", flags=("--turns",)
    )
    min_turns: int | None = option(_described("min_turns", 8))
    language: str | None = option("the language both sides speak (default English)")


class ModelOptions(Options):
    """Which models serve."""

    model: str | None = option("model name; 'embedded' for the embedded model")
    base_url: str | None = option("OpenAI-compatible endpoint, such as http://localhost:8000/v1")
    file: Path | None = option("YAML with a model, endpoint and sampling per role", "FILE", flags=("--models",))
    counselor: str | None = option(
        "endpoint of a chatbot that counsels as it is: it gets the dialogue alone (method single)", "URL"
    )
    counselor_model: str | None = option("its model, where it is not that of the other roles", "NAME")
    embedded: str | None = option(
        f"the embedded model of this size, whatever endpoint is configured (default {default_model().size})",
        choices=sizes(),
    )
    offline: bool = switch("never fetch the embedded model")
