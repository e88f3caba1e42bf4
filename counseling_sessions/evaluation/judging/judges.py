"""The judges: which models rate, how often each is asked, and how they are sampled. Read from a YAML file.

name: mistral                      # one judge
base_url: http://127.0.0.1:8000/v1
samples: 3

samples: 3                         # several judges: this holds for all of them
judges:
  - {name: mistral, base_url: http://127.0.0.1:8000/v1}
  - {name: mini, model: gpt-6-luna, api_key_env: OPENAI_API_KEY}
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from counseling_sessions.models.models_file import omitting_nulls
from counseling_sessions.settings import ModelSettings, SettingsError, read_yaml, validation_message


class Judge(ModelSettings):
    """A model that rates: the fields of `ModelSettings`, and how it is asked.

    Several samples at temperature 0 would be near-copies of one answer, pass for agreement, and are refused. With null for the
    temperature none is sent, and the server's default holds.
    """

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)] = Field(
        description="How the judge is called in results"
    )
    temperature: float | None = Field(default=0.7, ge=0, le=2)
    max_tokens: int | None = Field(default=3072, ge=16, le=32768, description="Longest answer, in tokens")
    timeout: float | None = Field(default=180, gt=0, le=3600, description="Seconds until a call is given up")
    samples: int = Field(default=3, ge=1, le=20, description="Independent answers to every question")
    attempts: int = Field(
        default=3, ge=1, le=10, description="Answers asked for before what is still wrong in them stays unscored"
    )
    per_call: Literal["scale", "item"] = Field(
        default="scale", description="Ask for all items of a scale at once, or for each in a call of its own"
    )
    language: Annotated[str, StringConstraints(pattern=r"^[\w ()-]{2,40}$")] = Field(
        default="English", description="The language in which reasons are written, by its English name"
    )

    @model_validator(mode="after")
    def _samples_differ(self) -> Self:
        if self.samples > 1 and self.sent_temperature == 0:
            raise ValueError(
                f"samples: {self.samples} answers at temperature 0 are near-copies of one; "
                "raise the temperature (0.7), or set samples to 1"
            )
        return self

    @property
    def sent_temperature(self) -> float | None:
        """The temperature that the endpoint is sent; None where it is left to the server."""
        return None if "temperature" in (self.omit or ()) else self.temperature

    @property
    def settings(self) -> ModelSettings:
        """The settings for the endpoint."""
        return ModelSettings(**{name: getattr(self, name) for name in ModelSettings.model_fields})


def read_judges(path: Path) -> tuple[Judge, ...]:
    """Read one judge or several from a YAML file. Raises `SettingsError` that names the file, the judge and the field."""
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise SettingsError(f"{path}: expected one judge (name, model, base_url, …), or a list of them under judges")
    keys = [*Judge.model_fields, *(() if "judges" in data else ("judges",))]
    shared = {str(name): value for name, value in data.items()}
    listed = shared.pop("judges", [{}])
    if not isinstance(listed, list) or not listed or not all(isinstance(fields, dict) for fields in listed):
        raise SettingsError(f"{path}: judges: expected a list of judges, each with name, model, base_url and so on")
    judges = tuple(_judge(path, number, {**shared, **fields}, keys) for number, fields in enumerate(listed, 1))
    names = [judge.name for judge in judges]
    if len(set(names)) < len(names):
        raise SettingsError(f"{path}: two judges have one name ({', '.join(names)}): give each its own name")
    return judges


def _judge(path: Path, number: int, fields: dict[str, Any], keys: list[str]) -> Judge:
    name = str(fields.get("name") or fields.get("model") or ("judge" if number == 1 else f"judge {number}"))
    if any("key" in str(field) and field != "api_key_env" for field in fields):
        raise SettingsError(f"{path}: {name}: keys never stand in a file; name their environment variable: api_key_env")
    try:
        return Judge.model_validate({**omitting_nulls(fields), "name": name})
    except ValidationError as error:
        raise SettingsError(f"{path}: {name}: {validation_message(error, keys)}") from None
