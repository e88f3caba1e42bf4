"""The configuration of a session: the one typed model behind the command line, the graph's context and Studio's form."""

import os
from collections.abc import Iterable
from functools import reduce
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from counseling_sessions.errors import UserError
from counseling_sessions.ladder.models import EMBEDDED, default_model, embedded_model, embedded_names
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.reading import read_text
from counseling_sessions.store.yaml_text import YamlError, parse_yaml
from counseling_sessions.texts.keys import secret_problem, url_problem
from counseling_sessions.texts.nearest import nearest_first

MethodName = Literal[
    "magnet", "magnet-no-plan", "magnet-no-router", "magnet-no-plan-no-router", "single-plan", "single"
]
RouterPolicy = Literal["llm", "rules", "every"]
MergePolicy = Literal["llm", "join"]
AppraisalPolicy = Literal["llm", "rules"]
RiskPolicy = Literal["off", "rules", "llm"]
FanOut = Literal["selected", "all"]
PromptLayout = Literal["shared", "separate"]
Omitted = Literal["temperature", "top_p", "seed", "max_tokens"]
Address = Annotated[str, AfterValidator(lambda url: url.rstrip("/"))]

MOST_TURNS = 200
"""Turns of the longest session."""
MOST_EXAMPLES = 4
"""Examples of a kind that a prompt holds at most."""
DEFAULT_TECHNIQUES = ("reflection", "questioning", "solutions", "normalizing", "psychoeducation")


class SettingsError(UserError, ValueError):
    """A configuration that cannot be used; the message says where and why."""


def _unset(value: Any) -> bool:
    return value is None  # Of younger fields: a configuration without them is written and hashed as before them.


def _off(value: Any) -> bool:
    return value is False


class ModelSettings(BaseModel):
    """Which model serves a role and how it is sampled. What is not given comes from the role's group, then `default`."""

    # Errors do not show the values: one may be a key.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    model: str | None = Field(
        default=None,
        description=f"Model name as the endpoint knows it; '{EMBEDDED}' for the embedded model",
    )
    base_url: Address | None = Field(default=None, description="OpenAI-compatible endpoint, ending in /v1")
    api_key_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Name of the environment variable that holds the key (default OPENAI_API_KEY)",
    )
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=16, le=32768, description="Longest answer, in tokens")
    timeout: float | None = Field(default=None, gt=0, le=3600, description="Seconds until a call is given up")
    max_requests: int | None = Field(
        default=None, ge=1, le=20, description="HTTP requests for one answer, retries included"
    )
    max_in_flight: int | None = Field(
        default=None, ge=1, le=4096, description="Calls at once to this endpoint, at most"
    )
    requests_per_minute: float | None = Field(default=None, gt=0, description="Most requests a minute to this endpoint")
    tokens_per_minute: float | None = Field(default=None, gt=0, description="Most tokens a minute at this endpoint")
    replicas: tuple[Address, ...] | None = Field(
        default=None, description="Further endpoints that serve the same model; a session stays on one of them"
    )
    extra_body: dict[str, JsonValue] | None = Field(
        default=None, description="Further fields for this server's requests; a null leaves a field out"
    )
    omit: tuple[Omitted, ...] | None = Field(default=None, exclude_if=_unset, description="Fields that no request has")
    reasoning_effort: str | None = Field(
        default=None,
        exclude_if=_unset,
        pattern=r"^[a-z]{1,20}$",
        description="How much a reasoning model thinks: none, minimal, low, …",
    )
    system_role: Literal["keep", "fold"] | None = Field(
        default=None,
        exclude_if=_unset,
        description="fold: the system message stands before the first user message, for a model without one",
    )

    @model_validator(mode="after")
    def _no_secrets(self) -> Self:
        names = {"OPENAI_API_KEY", self.api_key_env or "OPENAI_API_KEY"}
        keys = [key for name in sorted(names) if (key := os.environ.get(name, "").strip())]
        urls = [("base_url", self.base_url), *(("replicas", url) for url in self.replicas or ())]
        checked = [(field, url_problem(url, keys)) for field, url in urls if url is not None]
        named = (("model", self.model), ("api_key_env", self.api_key_env), ("extra_body", self.extra_body))
        checked += [(field, secret_problem(value, keys)) for field, value in named if value]
        if wrong := next((f"{field}: {problem}" for field, problem in checked if problem), None):
            raise ValueError(wrong)
        return self

    def over(self, base: "ModelSettings") -> "ModelSettings":
        """These settings, with what they leave open taken from `base`; but not its replicas, which are another server's."""
        if self.base_url and self.base_url != base.base_url:
            base = base.model_copy(update={"replicas": None})
        extra = {**(base.extra_body or {}), **(self.extra_body or {})}
        said = self.model_dump(exclude_none=True)
        if base.omit and self.omit is None:  # What is said here is sent here.
            said["omit"] = tuple(name for name in base.omit if name not in said) or None
        return base.model_copy(update={**said, "extra_body": extra or None})


ROLE_DEFAULTS: dict[str, ModelSettings] = {
    "default": ModelSettings(temperature=0.7, max_tokens=256, timeout=120),
    "plan": ModelSettings(temperature=0.7, max_tokens=512),
    "router": ModelSettings(temperature=0.2, max_tokens=256),
    "merge": ModelSettings(temperature=0.7, max_tokens=256),
    "counselor": ModelSettings(temperature=0.7, max_tokens=256),
    "techniques": ModelSettings(temperature=0.7, max_tokens=192),
    "client": ModelSettings(temperature=0.9, max_tokens=224),
    "writer": ModelSettings(temperature=0.9, max_tokens=3072, timeout=300),
}
"""What the roles use by default. `router` picks, `merge` writes the counselor's utterance from the candidates,
`counselor` is the baselines' one counselor, `techniques` is the group of all the specialists. `writer`
writes the forms of new clients."""

NOT_TECHNIQUES = frozenset(ROLE_DEFAULTS)


def means_embedded(settings: ModelSettings) -> bool:
    """Whether these settings mean the embedded model: by name, or because nothing else is configured."""
    if settings.model in embedded_names():
        return True
    configured = settings.base_url or settings.api_key_env or os.environ.get("OPENAI_BASE_URL")
    return not configured and not os.environ.get("OPENAI_API_KEY")


REACH = frozenset(
    {
        *("base_url", "replicas", "api_key_env", "timeout"),
        *("max_requests", "max_in_flight", "requests_per_minute", "tokens_per_minute"),
    }
)
"""How to reach a model, and how fast: these settings do not change the sessions, and may change within a batch."""


class SessionConfig(BaseModel):
    """How a session is run. Every session record carries the whole of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    method: MethodName = Field(
        default="magnet", description="Which wiring of the nodes runs: MAGneT, one of its ablations, or a baseline"
    )
    router: RouterPolicy = Field(
        default="llm",
        description="How techniques are picked: by a model, by rules on the state of the dialogue, or every one (no pick)",
    )
    merge: MergePolicy = Field(
        default="llm",
        description="Who makes one message of the drafts: a model, or nobody (they are joined, questions last)",
    )
    fan_out: FanOut = Field(
        default="selected",
        description="Run only the picked techniques, or all of them (as the paper) and merge with the pick",
    )
    techniques: Annotated[tuple[str, ...], Field(min_length=1, max_length=32)] = Field(
        default=DEFAULT_TECHNIQUES, description="The techniques that take part; one graph node each"
    )
    prompt_layout: PromptLayout = Field(
        default="shared",
        description="One long prefix for all calls of a turn (prefix caches pay), or each specialist's instruction first",
    )
    few_shot: int = Field(
        default=0,
        ge=0,
        le=MOST_EXAMPLES,
        description="Examples out of the corpus in the prompts, for larger models: so many of each technique",
    )
    appraisal: AppraisalPolicy = Field(
        default="llm",
        description="Who says what the counselor's message was to the client: its model along with the answer, or rules alone",
    )
    choices: int = Field(
        default=1,
        ge=1,
        le=8,
        description="Answers asked for of a draft or a message, at most, until one says something new; for small models",
    )
    chatbot: bool = Field(
        default=False,
        exclude_if=_off,
        description="The counselor is a chatbot as it is: it gets the dialogue alone, and its words count as they come (method single)",
    )
    strict: bool = Field(
        default=False,
        exclude_if=_off,
        description="Refuse also what small models often get wrong: people mixed up, the other's part, echoes, ratings that jump",
    )
    risk: RiskPolicy | None = Field(
        default=None,
        exclude_if=_unset,
        description="With clients at risk, who notices it, so that the protocol leads: rules, a model too, or nobody (off)",
    )
    min_turns: int = Field(default=8, ge=1, le=MOST_TURNS, description="Turns before the client may end the session")
    max_turns: int = Field(
        default=20, ge=1, le=MOST_TURNS, description="Turns after which the counselor closes the session"
    )
    language: Annotated[str, StringConstraints(pattern=r"^[\w ()-]{2,40}$")] = Field(
        default="English", description="The language both sides speak, by its English name"
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Seed from which every call's seed is derived")
    guard_attempts: int = Field(
        default=4,
        ge=1,
        le=12,
        description="Answers asked for before a refused message is repaired or the session fails",
    )
    models: dict[str, ModelSettings] = Field(
        default_factory=dict,
        description="Model, endpoint and sampling by role: "
        "default, plan, router, merge, counselor, techniques, a technique, client, writer",
    )

    @model_validator(mode="before")
    @classmethod
    def _older(cls, data: Any) -> Any:
        # Sessions with reminders were those of the embedded model; what they reminded of is part of every session now.
        if isinstance(data, dict) and "reminders" in data:
            rules = {"appraisal": "rules"} if data["reminders"] is True else {}
            return rules | {name: value for name, value in data.items() if name != "reminders"}
        return data

    @model_validator(mode="before")
    @classmethod
    def _short_sessions(cls, data: Any) -> Any:
        # A session shorter than the default minimum is an ordinary wish, not a contradiction.
        if isinstance(data, dict) and "min_turns" not in data and isinstance(data.get("max_turns"), int):
            return {**data, "min_turns": min(cls.model_fields["min_turns"].default, max(1, data["max_turns"]))}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_turns > self.max_turns:
            raise ValueError(f"min_turns ({self.min_turns}) is more than max_turns ({self.max_turns})")
        if self.chatbot and self.method != "single":
            raise ValueError(f"chatbot: a chatbot counsels by the method single, not {self.method}")
        if len(set(self.techniques)) != len(self.techniques):
            raise ValueError("a technique is named twice")
        return self

    def said_by(self) -> Self:
        """The configuration without `REACH`: what the sessions depend on."""
        models = {role: model.model_copy(update=dict.fromkeys(REACH)) for role, model in self.models.items()}
        return self.model_copy(update={"models": models})

    def model_for(self, role: str) -> ModelSettings:
        """The settings that serve a role: its own, then its group's, then the default, each over the built-in ones."""
        named, built_in = self.named_for(role), _merged(ROLE_DEFAULTS, role)
        if means_embedded(named):
            here = embedded_model(named.model or EMBEDDED) or default_model()
            coolest = here.plan_temperature if role == "plan" else here.temperature
            cooler = min(coolest, built_in.temperature or 0.0)
            built_in = built_in.model_copy(update={"temperature": cooler, "timeout": here.timeout})
        return named.over(built_in)

    def named_for(self, role: str) -> ModelSettings:
        """What `models` says of a role, of its group and by default, without the built-in settings."""
        return _merged(self.models, role)


_NOTHING = ModelSettings()


def _merged(models: dict[str, ModelSettings], role: str) -> ModelSettings:
    chain = ("default", role) if role in NOT_TECHNIQUES else ("default", "techniques", role)
    return reduce(lambda merged, name: models[name].over(merged), filter(models.__contains__, chain), _NOTHING)


MOST_YAML = 16 * 2**20
"""Bytes of the largest YAML file that is read: models, prices, judges, rubrics and lists of phrases have some kilobytes."""


def read_yaml(path: Path) -> Any:
    """The content of a YAML file, dates as text. Raises `SettingsError` with the problem and its line, without a quotation."""
    try:
        with failing_as(SettingsError, f"{path} cannot be read"):
            documents = parse_yaml(read_text(path, MOST_YAML))
    except YamlError as error:
        # Without the snippet, which could show a key.
        where = f" in line {error.line}" if error.line else ""
        raise SettingsError(f"{path}: not readable as YAML: {error.problem}{where}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not readable as YAML: {error.reason} at byte {error.start + 1}") from None
    if len(documents) > 1:
        raise SettingsError(f"{path}: not readable as YAML: {len(documents)} documents; expected one")
    return documents[0] if documents else None


def validation_message(error: ValidationError, keys: Iterable[str] = ()) -> str:
    """A validation error as one line for a person: each wrong field and why, without the values.

    Where a field does not exist, `keys` are those that do; the nearest come first.
    """
    parts = []
    for item in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in item["loc"])
        said = str(item["msg"]).removeprefix("Value error, ")
        if keys and item["type"] == "extra_forbidden" and len(item["loc"]) == 1:
            said = f"there is no such key; there are {', '.join(nearest_first(where, keys))}"
        parts.append(f"{where}: {said}" if where else said)
    return "; ".join(parts)
