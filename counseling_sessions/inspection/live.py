"""A running session on a terminal or in a pipe: the dialogue, each pick with its reason, and the running nodes."""

import time
from collections import Counter
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from counseling_sessions.graph.session import Event, SessionTask
from counseling_sessions.inspection.trace import total
from counseling_sessions.inspection.trace_style import SPEAKERS
from counseling_sessions.inspection.transcript import how_it_ended
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.state import PROMPT_CUT
from counseling_sessions.texts.console import busy

DOING = {
    "intake": "taking the form",
    "plan": "planning the session",
    "router": "routing",
    "counselor": "speaking",
    "client": "answering",
}


class LiveView:
    """Shows a session's events on a console; plain lines without control codes if it is no terminal."""

    def __init__(self, console: Console, task: SessionTask) -> None:
        self._console = console
        self._name = task.profile.demographics.name
        self._turns = task.config.max_turns
        self._began = time.monotonic()
        self._turn = self._tokens = self._cached = 0
        self._running: list[str] = []
        self._warned = False
        self._status = busy(console) if console.is_terminal else None

    def __enter__(self) -> "LiveView":
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if event.update is None:
            self._running.append(event.node)
        else:
            if event.node in self._running:
                self._running.remove(event.node)
            self._show(event.update)
        if self._status:
            self._status.update(self._status_line())

    def replay(self, content: JournalContent) -> None:
        """Show a resumed session up to its last finished turn."""
        for item in content.finished_updates:
            self._show(item.update)

    def _show(self, change: dict[str, Any]) -> None:
        if plan := change.get("plan"):
            self._count(plan.get("call"))
            if plan.get("turn"):
                self._line(f"\nthe plan no longer fits: {plan['reason']}", "yellow")
            self._line(f"plan · {plan['technique']} — {plan['goal']}", "green")
            for number, step in enumerate(plan["steps"], 1):
                self._line(f"  {number}. {step}", "dim")
        if picks := change.get("picks"):
            pick = picks[-1]
            self._count(pick.get("call"))
            step = f" · step {pick['step']}" if pick.get("step") else ""
            source = "rules, as the model gave no pick" if pick.get("fallback") else pick["source"]
            head = f"turn {pick['turn']} · {pick['phase']}{step} · {' + '.join(pick['techniques'])} ({source})"
            self._line(f"\n{head} — {pick['reason']}", "magenta")
            if pick.get("progress"):
                self._line(f"{pick['phase']}: {pick['progress']}", "dim")
        candidates = change.get("candidates")
        for candidate in candidates if isinstance(candidates, list) else ():
            self._count(candidate.get("call"))
            if candidate.get("error"):
                self._line(f"  {candidate['technique']} gave no candidate: {candidate['error']}", "red")
        for utterance in change.get("utterances", ()):
            self._count(utterance.get("call"))
            self._utterance(utterance)
        if failure := change.get("failure"):
            self._count(failure.get("call"))

    def _utterance(self, utterance: dict[str, Any]) -> None:
        self._turn = utterance["turn"]
        title, style = SPEAKERS[utterance["speaker"]]
        if utterance["speaker"] == "client":
            title = self._name
        self._console.print(Text(title, style=style))
        self._console.print(Padding(Text(utterance["text"]), (0, 0, 0, 2)))

    def _line(self, text: str, style: str) -> None:
        self._console.print(Text(text, style=style))

    def _count(self, call: dict[str, Any] | None) -> None:
        if call:
            cut = [finding for finding in call.get("findings") or () if finding["kind"] == PROMPT_CUT]
            if cut and not self._warned:
                self._warned = True
                self._line(f"the server seems to cut the prompt without a word ({cut[0]['detail']})", "yellow")
            self._tokens += (call.get("prompt_tokens") or 0) + (call.get("completion_tokens") or 0)
            self._cached += call.get("cached_tokens") or 0

    def _status_line(self) -> str:
        doing = ", ".join(DOING.get(node, node) for node in dict.fromkeys(self._running)) or "…"
        spent = int(time.monotonic() - self._began)
        cached = f" ({self._cached:,} cached)" if self._cached else ""
        return f"turn {self._turn}/{self._turns} · {doing} · {spent // 60}:{spent % 60:02} · {self._tokens:,} tokens{cached}"


def show_summary(console: Console, record: SessionRecord) -> None:
    """A few lines on how a session ended and what it cost."""
    console.print(Text(f"\n{how_it_ended(record)}", style="red" if record.failure else "green"))
    used = total([*record.usage.values()])
    tokens = used.prompt_tokens + used.completion_tokens
    counted = f"{tokens:,} tokens, {used.cached_tokens:,} of them cached" if tokens else "tokens not reported"
    line = f"{len(record.turns)} turns · {used.calls} calls · {counted} · {record.seconds:.0f} s"
    counts = Counter(finding.kind for _, call in record.calls for finding in call.findings)
    findings = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in sorted(counts.items()))
    console.print(Text(f"{line}\nguards: {findings or 'nothing to object'}", style="dim"))
