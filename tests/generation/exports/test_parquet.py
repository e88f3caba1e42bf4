"""Parquet: the schema, what pandas and `datasets` see, and what happens without pyarrow."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.generation.exports import ExportError, Splits, export, parquet
from counseling_sessions.generation.exports.parquet_schema import SCHEMA_VERSION
from counseling_sessions.settings import ModelSettings
from counseling_sessions.state import ClientState, Finding, RiskEntry
from tests.generation.exports.sessions import client, of, session, stream

pq: Any = pytest.importorskip("pyarrow.parquet")


def test_pandas_opens_it(tmp_path: Path) -> None:
    pandas: Any = pytest.importorskip("pandas")
    records = [of(client(1)), of(client(2), session("single"))]
    export(stream(*records), "parquet", tmp_path)
    frame = pandas.read_parquet(tmp_path / "train.parquet")
    assert list(frame["session_id"]) == [record.session_id for record in records]
    assert list(frame["method"]) == ["magnet", "single"]
    assert frame["plan_technique"].iloc[0] == "behavior experiment"
    assert pandas.isna(frame["plan_technique"].iloc[1])
    for place, record in enumerate(records):
        said = [(item["turn"], item["role"], item["content"]) for item in frame["messages"].iloc[place]]
        assert said == [(u.turn, u.speaker, u.text) for u in record.dialogue]
        assert frame["prompt_tokens"].iloc[place] == sum(used.prompt_tokens for used in record.usage.values())
        assert len(frame["calls"].iloc[place]) == sum(used.calls for used in record.usage.values())
    assert [pick["techniques"].tolist() for pick in frame["picks"].iloc[0]] == [["reflection", "questioning"]] * 2
    assert str(frame["started_at"].dtype).startswith("datetime64")
    assert json.loads(frame["profile_json"].iloc[0])["id"] == "client-1"


def test_datasets_loads_it_by_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets: Any = pytest.importorskip("datasets")
    records = [of(client(number)) for number in range(12)]
    report = export(stream(*records), "parquet", tmp_path / "out", splits=Splits.of("60/20/20"))
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(rows) for name, rows in loaded.items()} == {n: s.examples for n, s in report.splits.items()}
    assert loaded["train"][0]["messages"][0]["role"] == "counselor"


@pytest.mark.parametrize("name", ["jsonl", "sharegpt", "openai-chat", "magnet", "specialists", "preference"])
def test_datasets_loads_the_other_formats_too(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets: Any = pytest.importorskip("datasets")
    report = export(stream(of(client(1)), of(client(2))), name, tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert len(loaded["train"]) == report.examples


def test_the_schema_is_the_same_whatever_the_sessions(tmp_path: Path) -> None:
    export(stream(session("single")), "parquet", tmp_path / "one")
    export(stream(session("magnet", fan_out="all")), "parquet", tmp_path / "other")
    one, other = (pq.read_schema(tmp_path / name / "train.parquet") for name in ("one", "other"))
    assert one.equals(other, check_metadata=True)
    assert one.metadata[b"counseling_sessions.schema_version"] == str(SCHEMA_VERSION).encode()


def test_every_value_has_a_column_and_every_column_its_value(tmp_path: Path) -> None:
    """Arrow drops what the schema does not name, and fills up what a row does not have."""
    record = session(fan_out="all")
    plan = record.plan
    assert plan
    assert plan.call
    call = plan.call.model_copy(update={"findings": (Finding(kind="malformed", detail="no JSON"),)})
    first = record.turns[0]
    assert first.pick
    said = {"act": "agenda", "asks": False, "focus": "sleep", "progress": "agreed", "revise": "it is another thing"}
    state = ClientState(turn=1, trust=3, belief=8, feeling=6, readiness="contemplation", reading=("understood",))
    first = first.model_copy(update={"pick": first.pick.model_copy(update=said), "client_state": state})
    revised = plan.model_copy(update={"turn": 2, "reason": "it is another thing", "formulation": "A circle."})
    changes = {"plan": plan.model_copy(update={"call": call}), "revisions": (revised,)}
    changes |= {"risk": (RiskEntry(turn=1, wording="unclear", steps=("acknowledge", "ask")),)}
    record = record.model_copy(update=changes | {"turns": (first, *record.turns[1:])})
    row = parquet.row(record, "group")
    export(stream(record), "parquet", tmp_path)
    schema = pq.read_schema(tmp_path / "train.parquet")
    assert set(row) == set(schema.names)
    for field in schema:
        if str(field.type).startswith("list<element: struct"):
            inside = {field.type.value_type.field(place).name for place in range(field.type.value_type.num_fields)}
            assert row[field.name], field.name
            assert set(row[field.name][0]) == inside, field.name


def test_rows_are_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 4)
    export(stream(*(of(client(number)) for number in range(10))), "parquet", tmp_path)
    file = pq.ParquetFile(tmp_path / "train.parquet")
    assert [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)] == [4, 4, 2]


def test_nobodys_servers_are_in_it(tmp_path: Path) -> None:
    settings = ModelSettings(model="scripted", base_url="http://gpu-7.lab.example/v1", api_key_env="LAB_KEY")
    configuration = session().configuration | {"models": {"default": settings.model_dump(mode="json")}}
    row = parquet.row(of(client(1), configuration=configuration), "group")
    text = json.dumps(row, default=str)
    assert "scripted" in text
    assert not any(word in text for word in ("gpu-7", "LAB_KEY", "127.0.0.1"))


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExportError, match=r"pip install -e '\.\[export\]'"):
        export(stream(session()), "parquet", tmp_path / "out")
    assert not (tmp_path / "out").exists()
