"""Where a planted key could show: everything that hangs on to an exception, and what tracers are told of every call."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.base import BaseTracer
from langchain_core.tracers.context import register_configure_hook
from langchain_core.tracers.schemas import Run


def everything_of(error: BaseException) -> str:
    """Words, representation, arguments, attributes and traceback of an error and of all that it hangs on to."""
    texts: list[str] = []
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        texts.append(f"{item} {item!r}")
        if isinstance(item, BaseException):
            texts += traceback.format_exception(item)
            waiting += [item.__cause__, item.__context__, *item.args]
        elif isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, (list, tuple, set)):
            waiting += item
        waiting += list(getattr(item, "__dict__", {}).values()) if not isinstance(item, type) else []
    return "\n".join(texts)


class Tracer(BaseTracer):
    """Keeps what LangSmith would be sent: every run with its inputs, outputs, error and traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def _persist_run(self, run: Run) -> None:
        self.texts.append(f"{run!r} {vars(run)!r}")


class Listener(BaseCallbackHandler):
    """Keeps what any other callback is told of errors and answers."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.errors: list[BaseException] = []

    def on_llm_error(self, error: BaseException, **details: Any) -> None:
        self.errors.append(error)
        self.texts.append(f"{everything_of(error)} {details!r}")

    def on_chain_error(self, error: BaseException, **details: Any) -> None:
        self.texts.append(f"{everything_of(error)} {details!r}")

    def on_llm_end(self, response: Any, **details: Any) -> None:
        self.texts.append(f"{response!r} {details!r}")


_tracer: ContextVar[Tracer | None] = ContextVar("tracer", default=None)
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)
register_configure_hook(_tracer, inheritable=True)
register_configure_hook(_listener, inheritable=True)


@contextmanager
def listening() -> Iterator[tuple[Tracer, Listener]]:
    """Both are told of every call that is made within."""
    tracer, listener = Tracer(), Listener()
    tokens = _tracer.set(tracer), _listener.set(listener)
    try:
        yield tracer, listener
    finally:
        _tracer.reset(tokens[0])
        _listener.reset(tokens[1])
