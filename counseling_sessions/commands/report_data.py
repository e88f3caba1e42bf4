"""Reading what a command wrote with `--json`: a judge's scores beside people's, a pilot for a plan."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from counseling_sessions.settings import SettingsError, validation_message
from counseling_sessions.store.reading import parse_json, read_text

T = TypeVar("T")


def read_report(path: Path, written_by: str, read: Callable[[Any], T]) -> T:
    """What `read` makes of a report's data; `written_by` names the command, for messages.

    `read` may raise `ValueError`, `KeyError` and `TypeError` for other data. Raises `SettingsError`.
    """
    try:
        return read(parse_json(read_text(path)))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)[:300]}") from None
    except (ValueError, KeyError, TypeError):
        raise SettingsError(f"{path} is not what {written_by} writes") from None
