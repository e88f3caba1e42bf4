"""The typed schema of the parquet export. Documented in docs/exporting.md; a change of it raises `SCHEMA_VERSION`."""

from typing import Any

SCHEMA_VERSION = 1


def schema(pa: Any) -> Any:
    """The Arrow schema of a session's row, with its version in the metadata. `pa` is the module `pyarrow`."""
    text, small, count, wide, real = pa.string(), pa.int16(), pa.int32(), pa.int64(), pa.float64()
    moment = pa.timestamp("ms", tz="UTC")

    def several(**fields: Any) -> Any:
        return pa.list_(pa.struct(list(fields.items())))

    columns = {
        "session_id": text,
        "profile_id": text,
        "client_group": text,
        "attitude": text,
        "method": text,
        "router": text,
        "fan_out": text,
        "prompt_layout": text,
        "techniques": pa.list_(text),
        "language": text,
        "models": several(role=text, model=text),
        "seed": wide,
        "end_reason": text,
        "turns": small,
        "resumed": small,
        "started_at": moment,
        "finished_at": moment,
        "seconds": real,
        "plan_technique": text,
        "plan_goal": text,
        "plan_steps": pa.list_(text),
        "messages": several(turn=small, role=text, content=text, phase=text, closing=pa.bool_()),
        "picks": several(
            turn=small, phase=text, techniques=pa.list_(text), step=small, source=text, reason=text, fallback=text
        ),
        "candidates": several(turn=small, technique=text, content=text, error=text),
        "calls": several(
            turn=small,
            role=text,
            model=text,
            seconds=real,
            prompt_tokens=count,
            cached_tokens=count,
            completion_tokens=count,
            requests=small,
            attempts=small,
            passed_over=small,
            finish_reason=text,
            structured=text,
            seed=wide,
        ),
        "findings": several(turn=small, role=text, kind=text, detail=text, repaired=pa.bool_()),
        "usage": several(
            role=text,
            calls=count,
            requests=count,
            attempts=count,
            prompt_tokens=wide,
            cached_tokens=wide,
            completion_tokens=wide,
            unreported=count,
            seconds=real,
        ),
        "prompt_tokens": wide,
        "cached_tokens": wide,
        "completion_tokens": wide,
        "configuration_hash": text,
        "prompt_hashes": several(name=text, hash=text),
        "packages": several(name=text, version=text),
        "python": text,
        "platform": text,
        "record_format": small,
        "profile_json": text,
        "configuration_json": text,
    }
    version = {"counseling_sessions.schema_version": str(SCHEMA_VERSION)}
    return pa.schema(list(columns.items()), metadata=version)
