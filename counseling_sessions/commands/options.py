"""What several commands share: their options, and how those become a configuration."""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from rich.console import Console
from rich.text import Text

from counseling_sessions.models.models_file import read_models
from counseling_sessions.models.roles import Served
from counseling_sessions.nodes.examples import check_examples
from counseling_sessions.nodes.techniques import technique, techniques
from counseling_sessions.sessions.ledger import Damage, counted_damage, damage_lines
from counseling_sessions.settings import EMBEDDED_SESSION, ModelSettings, SessionConfig
from counseling_sessions.texts.console import HarmlessConsole

EMBEDDED_TURNS = 10
"""Turns of a session that the embedded model serves, unless told otherwise: it loses itself in a longer one."""

_OPTIONS = {
    "method": "method",
    "router": "router",
    "merge": "merge",
    "fan_out": "fan_out",
    "techniques": "techniques",
    "prompt_layout": "prompt_layout",
    "few_shot": "few_shot",
    "reminders": "reminders",
    "choices": "choices",
    "turns": "max_turns",
    "min_turns": "min_turns",
    "language": "language",
    "seed": "seed",
}


def graph_options(parser: argparse._ActionsContainer) -> None:
    """How a session goes: the options of `SessionConfig` but for method and seed."""
    fields = SessionConfig.model_fields
    for name in ("router", "merge", "fan_out", "prompt_layout"):
        choices, default = get_args(fields[name].annotation), fields[name].default
        unlike = f"; {EMBEDDED_SESSION[name]} on the embedded model" if name in EMBEDDED_SESSION else ""
        told = f"{fields[name].description} (default {default}{unlike})"
        parser.add_argument(f"--{name.replace('_', '-')}", choices=choices, help=told)
    parser.add_argument("--techniques", type=names, metavar="A,B", help=f"of {', '.join(techniques())}")
    parser.add_argument("--few-shot", type=int, metavar="N", help=f"{fields['few_shot'].description} (default 0)")
    parser.add_argument(
        "--reminders",
        action=argparse.BooleanOptionalAction,
        help=f"{fields['reminders'].description} (default off; on with the embedded model)",
    )
    parser.add_argument(
        "--choices",
        type=int,
        metavar="N",
        help=f"{fields['choices'].description} (default 1; {EMBEDDED_SESSION['choices']} with the embedded model)",
    )
    parser.add_argument("--turns", type=int, help=f"at most (default 20; {EMBEDDED_TURNS} on the embedded model)")
    parser.add_argument("--min-turns", type=int, help=f"{fields['min_turns'].description} (default 8)")
    parser.add_argument("--language", help="the language both sides speak (default English)")


def model_options(parser: argparse._ActionsContainer) -> None:
    """Which models serve."""
    parser.add_argument("--model", help="model name; 'embedded' for the embedded model")
    parser.add_argument("--base-url", help="OpenAI-compatible endpoint, such as http://localhost:8000/v1")
    parser.add_argument("--models", metavar="FILE", help="YAML with a model, endpoint and sampling per role")
    parser.add_argument("--offline", action="store_true", help="never fetch the embedded model")


def session_config(args: argparse.Namespace) -> SessionConfig:
    """The configuration that the options ask for; raises `SettingsError` or `ValidationError`."""
    options: dict[str, Any] = {"models": given_models(args), **given_options(args)}
    options.setdefault("seed", random.randrange(2**31))
    config = SessionConfig(**options)
    for name in config.techniques:
        technique(name)
    check_examples(config)
    return config


def given_models(args: argparse.Namespace) -> dict[str, ModelSettings]:
    """The models that the options name, by role. Raises `SettingsError`."""
    models = read_models(Path(args.models)) if getattr(args, "models", None) else {}
    given = {name: value for name in ("model", "base_url") if (value := getattr(args, name, None))}
    if given:
        models["default"] = ModelSettings(**given).over(models.get("default", ModelSettings()))
    return models


def given_options(args: argparse.Namespace) -> dict[str, Any]:
    """What the options set of a `SessionConfig`, by field; the models are not among it."""
    return {name: value for option, name in _OPTIONS.items() if (value := getattr(args, option, None)) is not None}


def for_embedded(config: SessionConfig, args: argparse.Namespace, served: Sequence[Served]) -> SessionConfig:
    """What is left open, fitted to the embedded model where it serves every role: shorter sessions and `EMBEDDED_SESSION`."""
    if not all(item.endpoint and item.endpoint.embedded for item in served):
        return config
    fitted = config.model_dump()
    if args.turns is None:
        fitted["max_turns"] = EMBEDDED_TURNS
        if args.min_turns is None:
            del fitted["min_turns"]  # the minimum follows the shorter session
    given = given_options(args)
    fitted |= {name: value for name, value in EMBEDDED_SESSION.items() if name not in given}
    return SessionConfig.model_validate(fitted)


def salvage_option(parser: argparse._ActionsContainer) -> None:
    """What is done about damaged sessions: for every command that reads sessions."""
    parser.add_argument(
        "--salvage", action="store_true", help="leave damaged sessions out, and say which, in place of stopping"
    )


def salvaged(args: argparse.Namespace) -> list[Damage] | None:
    """Where readers put damaged sessions with `--salvage`; None without it: then they stop at them."""
    return [] if args.salvage else None


def tell_left_out(left_out: list[Damage] | None) -> None:
    """Say which damaged sessions were left out, if any were."""
    if left_out:
        lines = [f"left out: {counted_damage(left_out)}", *damage_lines(left_out)]
        errors().print(Text("\n  ".join(lines), style="yellow"))


def names(text: str) -> list[str]:
    """The names in a comma-separated option."""
    return [name.strip() for name in text.split(",") if name.strip()]


def errors() -> Console:
    """Where messages go that are not the command's output."""
    return HarmlessConsole(stderr=True, soft_wrap=True)
