"""What `generate` is told on the command line and by SLURM: what is no part of a whole is refused."""

import pytest

from counseling_sessions.commands.generate import slurm_shard
from counseling_sessions.commands.parsing.parser import parse
from counseling_sessions.settings import SettingsError


def slurm(monkeypatch: pytest.MonkeyPatch, number: int, count: int, first: int) -> tuple[int, int] | None:
    for name, value in (("ID", number), ("COUNT", count), ("MIN", first)):
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", str(value))
    return slurm_shard()


def test_a_task_of_an_array_is_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    assert slurm(monkeypatch, 3, 16, 1) == (3, 16)
    assert slurm(monkeypatch, 0, 4, 0) == (1, 4)
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID")
    assert slurm_shard() is None


@pytest.mark.parametrize(("number", "count", "first"), [(15, 8, 1), (5, 3, 1), (7, 1, 7)])
def test_a_task_that_cannot_be_told_is_refused(
    number: int, count: int, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match="--shard"):
        slurm(monkeypatch, number, count, first)


@pytest.mark.parametrize("option", ["--max-cost", "--max-tokens", "--max-hours"])
@pytest.mark.parametrize("amount", ["-5", "0", "nan", "inf", "much"])
def test_a_limit_is_a_number_above_zero(option: str, amount: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["generate", "--out", "x", f"{option}={amount}"])
    assert "a number above 0" in capsys.readouterr().err
