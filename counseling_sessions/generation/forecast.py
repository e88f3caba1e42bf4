"""What a batch will take, projected from its finished sessions."""

from collections import defaultdict
from dataclasses import dataclass

from counseling_sessions.generation.run import Run
from counseling_sessions.models.prices import Prices
from counseling_sessions.sessions.entries import Entry


@dataclass(frozen=True)
class Forecast:
    """What all sessions of a method will take, and the mean session's seconds. `cost` is None without prices."""

    method: str
    sessions: int
    sampled: int
    calls: float
    prompt_tokens: float
    completion_tokens: float
    seconds: float
    cost: float | None


def forecast(run: Run, entries: list[Entry], prices: Prices | None) -> list[Forecast]:
    """A forecast for each method that has finished sessions, from their means."""
    done: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.status == "finished":
            done[entry.method].append(entry)
    per_method = run.total / len(run.batch.methods)
    return [_of(method, done[method], per_method, run, prices) for method in run.batch.methods if done[method]]


def _of(method: str, done: list[Entry], sessions: float, run: Run, prices: Prices | None) -> Forecast:
    def projected(amounts: list[float]) -> float:
        return sum(amounts) / len(amounts) * sessions

    config, usages = run.batch.configuration, [list(entry.usage.values()) for entry in done]
    return Forecast(
        method=method,
        sessions=round(sessions),
        sampled=len(done),
        calls=projected([entry.calls for entry in done]),
        prompt_tokens=projected([sum(item.prompt_tokens for item in usage) for usage in usages]),
        completion_tokens=projected([sum(item.completion_tokens for item in usage) for usage in usages]),
        seconds=sum(entry.seconds for entry in done) / len(done),
        cost=projected([prices.cost(config, entry.tokens_by_role) for entry in done]) if prices else None,
    )
