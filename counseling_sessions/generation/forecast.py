"""What a whole batch will take, projected from the sessions that are done."""

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
    """One forecast for each method of which a session is done, from the means of its finished sessions."""
    done: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.status == "finished":
            done[entry.method].append(entry)
    per_method = run.total / len(run.batch.methods)
    return [_of(method, done[method], per_method, run, prices) for method in run.batch.methods if done[method]]


def cost_of(entry: Entry, run: Run, prices: Prices) -> float:
    """What a session has cost."""
    tokens = {
        role: (item.prompt_tokens, item.cached_tokens, item.completion_tokens) for role, item in entry.usage.items()
    }
    return prices.cost(run.batch.configuration, tokens)


def _of(method: str, done: list[Entry], sessions: float, run: Run, prices: Prices | None) -> Forecast:
    def whole(amounts: list[float]) -> float:
        return sum(amounts) / len(amounts) * sessions

    usages = [list(entry.usage.values()) for entry in done]
    return Forecast(
        method=method,
        sessions=round(sessions),
        sampled=len(done),
        calls=whole([entry.calls for entry in done]),
        prompt_tokens=whole([sum(item.prompt_tokens for item in usage) for usage in usages]),
        completion_tokens=whole([sum(item.completion_tokens for item in usage) for usage in usages]),
        seconds=sum(entry.seconds for entry in done) / len(done),
        cost=whole([cost_of(entry, run, prices) for entry in done]) if prices else None,
    )
