"""Parquet: a session a row, with a stable typed schema (`parquet_schema`), for pandas, `datasets` and the Hub's viewer."""

import json
from collections import Counter
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from counseling_sessions.generation.exports.files import ExportError
from counseling_sessions.generation.exports.parquet_schema import schema
from counseling_sessions.generation.exports.public import PRIVATE, key_variables, without_server
from counseling_sessions.generation.exports.writers import Format, Row
from counseling_sessions.sessions.record import SessionRecord

ROW_GROUP = 128
"""Sessions of a row group, which is held in memory per split."""


class ParquetFiles:
    """A parquet file a split, written row group by row group."""

    def __init__(self, folder: Path, splits: tuple[str, ...]) -> None:
        self.counts: Counter[str] = Counter()
        self._pa, parquet = _load("pyarrow"), _load("pyarrow.parquet")
        self._schema = schema(self._pa)
        self._waiting: dict[str, list[Row]] = {split: [] for split in splits}
        self._files = {split: (folder / f"{split}.parquet").open("wb") for split in splits}
        self._writers = {
            split: parquet.ParquetWriter(file, self._schema, compression="zstd") for split, file in self._files.items()
        }

    def add(self, record: SessionRecord, split: str, client: str) -> int:
        self._waiting[split].append(row(record, client))
        if len(self._waiting[split]) >= ROW_GROUP:
            self._flush(split)
        return 1

    def close(self) -> None:
        for split, file in self._files.items():
            self._flush(split)
            self._writers[split].close()
            file.close()

    def _flush(self, split: str) -> None:
        rows, self._waiting[split] = self._waiting[split], []
        if rows:
            self._writers[split].write_table(self._pa.Table.from_pylist(rows, schema=self._schema))


def row(record: SessionRecord, client: str) -> Row:
    """A session's row: the values of the schema's columns by name."""
    asked, usage = record.configuration, record.usage
    same = ("session_id", "profile_id", "attitude", "end_reason", "resumed", "seconds")
    settings = ("method", "router", "fan_out", "prompt_layout", "techniques", "language", "seed")
    totals = ("prompt_tokens", "cached_tokens", "completion_tokens")
    models = dict.fromkeys((call.role, call.model) for _, call in record.calls)
    return {
        **{name: getattr(record, name) for name in same},
        "client_group": client,
        **{name: asked[name] for name in settings},
        "models": [{"role": role, "model": model} for role, model in models],
        "turns": len(record.turns),
        "started_at": datetime.fromisoformat(record.started_at),
        "finished_at": datetime.fromisoformat(record.finished_at),
        "plan_technique": record.plan and record.plan.technique.value,
        "plan_goal": record.plan and record.plan.goal,
        "plan_steps": list(record.plan.steps) if record.plan else [],
        "plan_formulation": (record.plan and record.plan.formulation) or None,
        "revisions": [plan.model_dump(mode="json", exclude={"call"}) for plan in record.revisions],
        **_happened(record),
        "usage": [{"role": role} | used.model_dump() for role, used in usage.items()],
        **{name: sum(getattr(used, name) for used in usage.values()) for name in totals},
        "configuration_hash": record.provenance.configuration_hash,
        "prompt_hashes": _named(record.provenance.prompt_hashes, "hash"),
        "packages": _named(record.provenance.packages, "version"),
        "python": record.provenance.python,
        "platform": record.provenance.platform,
        "record_format": record.format,
        "profile_json": record.profile.model_dump_json(exclude_none=True),
        "configuration_json": json.dumps(_public(asked), ensure_ascii=False),
    }


def _happened(record: SessionRecord) -> Row:
    """The columns of what was said, picked, drafted, called and objected to."""
    calls, keys = record.calls, key_variables(record.configuration)
    hidden = {"endpoint", "started", "findings", "errors", "prompts", "sent"}
    return {
        "messages": _messages(record),
        "picks": [
            turn.pick.model_dump(exclude={"call"}) | {"fallback": without_server(turn.pick.fallback, keys)}
            for turn in record.turns
            if turn.pick
        ],
        "client_states": [turn.client_state.model_dump() for turn in record.turns if turn.client_state],
        "risk": [entry.model_dump(exclude={"call", "end"}) for entry in record.risk],
        "candidates": [
            item.model_dump(include={"turn", "technique"})
            | {"content": item.text or None, "error": without_server(item.error, keys)}
            for turn in record.turns
            for item in turn.candidates
        ],
        "calls": [{"turn": turn} | call.model_dump(exclude=hidden) for turn, call in calls],
        "findings": [
            {"turn": turn, "role": call.role} | finding.model_dump()
            for turn, call in calls
            for finding in call.findings
        ],
    }


def _messages(record: SessionRecord) -> list[Row]:
    phases = {turn.turn: turn.phase for turn in record.turns}
    return [
        {
            "turn": said.turn,
            "role": said.speaker,
            "content": said.text,
            "phase": "closing" if said.closing else phases.get(said.turn, "opening"),
            "closing": said.closing,
        }
        for said in record.dialogue
    ]


def _named(values: dict[str, str], kind: str) -> list[Row]:
    return [{"name": name, kind: value} for name, value in values.items()]


def _public(configuration: dict[str, Any]) -> dict[str, Any]:
    models = {
        role: {name: value for name, value in settings.items() if name not in PRIVATE}
        for role, settings in configuration["models"].items()
    }
    return configuration | {"models": models}


def _load(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ExportError(f"parquet needs pyarrow ({error}); install it with: pip install -e '.[export]'") from None


FORMAT = Format("parquet", lambda splits: "{split}.parquet", ParquetFiles)
