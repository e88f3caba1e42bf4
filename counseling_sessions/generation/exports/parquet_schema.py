"""The typed schema of the parquet export (`parquet_schema.yaml`). A change of it raises `SCHEMA_VERSION`."""

from pathlib import Path
from typing import Any

from counseling_sessions.store.reading import read_text
from counseling_sessions.store.yaml_text import parse_yaml

SCHEMA_VERSION = 3


def schema(pa: Any) -> Any:
    """The Arrow schema of a session's row, with its version in the metadata. `pa` is the module `pyarrow`."""
    [columns] = parse_yaml(read_text(Path(__file__).with_suffix(".yaml")))
    version = {"counseling_sessions.schema_version": str(SCHEMA_VERSION)}
    return pa.schema([(name, _type(pa, kind)) for name, kind in columns.items()], metadata=version)


def _type(pa: Any, kind: Any) -> Any:
    if isinstance(kind, dict):
        return pa.list_(pa.struct([(name, _type(pa, item)) for name, item in kind.items()]))
    if isinstance(kind, list):
        return pa.list_(_type(pa, kind[0]))
    return pa.timestamp("ms", tz="UTC") if kind == "moment" else pa.type_for_alias(kind)
