"""The loop of a practice session on a terminal: the person's messages and commands, until the session is over or left."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from counseling_sessions.graph.practice import Practice
from counseling_sessions.nodes.person import PersonAnswer, too_long
from counseling_sessions.nodes.risk import find_risk, help_text
from counseling_sessions.practice.advice import Advisor, Answer
from counseling_sessions.practice.cues import techniques_in
from counseling_sessions.practice.terminal import Terminal
from counseling_sessions.prompts import prompt
from counseling_sessions.state import Pick, Speaker, Utterance
from counseling_sessions.texts.harmless import one_line

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
"""Runs a step to its end; reading happens between the steps, so that the keyboard can interrupt both."""

LAST_WORDS = {
    "resolved": "The client feels ready to stop.",
    "left": "The client wants to leave.",
    "turn_limit": "The time is up.",
}


class Loop:
    """A person at work in a session. `run` gives True when the session is over, False when it was left."""

    def __init__(self, practice: Practice, terminal: Terminal, run: Run[Any], advisor: Advisor) -> None:
        self._practice, self._terminal, self._run, self._advisor = practice, terminal, run, advisor
        self._ends: Any = None
        self._left = False
        shared = {"/transcript": self._transcript, "/help": self._help, "/quit": self._quit}
        own: dict[Speaker, dict[str, Callable[[], None]]] = {
            "counselor": {
                "/hint": self._hint,
                "/what-would-magnet-say": self._what_would_magnet_say,
                "/why": self._why,
                "/undo": self._undo,
                "/end": lambda: self._end("turn_limit"),
            },
            "client": {"/end": lambda: self._end("resolved"), "/leave": lambda: self._end("left")},
        }
        self._commands = own[practice.part] | shared

    def run(self) -> bool:
        """Go on until the session is over, or the person leaves (`/quit`, the end of input; Ctrl-C is passed on)."""
        said = self._practice.dialogue
        own = [item.text for item in said if item.author == "human"]
        self._terminal.remember(own, self._commands)
        for utterance in said:
            self._show(utterance)
        self._step(self._practice.start(), shown=len(said), doing="beginning")
        while self._practice.waiting and not self._left:
            try:
                typed = self._terminal.read(self._prompt())
            except EOFError:
                return False
            if typed.strip():
                self._take(typed)
        return not self._left

    def _take(self, typed: str) -> None:
        practice = self._practice
        if problem := too_long(typed):
            self._terminal.note(f"That was not said: {problem}.", "red")
            return
        # A client's every line is checked, commands and slips too; the node that gets the words checks them again.
        risky = practice.part == "client" and find_risk(typed) is not None
        if not typed.lstrip().startswith("/") or risky:
            self._say(typed)
            return
        command = self._commands.get(typed.strip())
        if command is None:
            self._terminal.note(
                f"There is no command {one_line(typed)}; /help lists them. A message cannot begin with /.", "red"
            )
        else:
            command()

    def _say(self, text: str) -> None:
        self._step(
            self._practice.answer(PersonAnswer(text=text, ends=self._ends)), shown=len(self._practice.dialogue) + 1
        )

    def _step(self, step: Coroutine[Any, Any, None], *, shown: int, doing: str = "waiting for the answer") -> None:
        """Run a step, and show what is new in the dialogue after `shown` utterances."""
        practice, terminal = self._practice, self._terminal
        with terminal.busy(doing):
            self._run(step)
        if practice.risk:
            terminal.note(practice.state.get("help") or help_text(practice.country), "bold")
            return
        for utterance in practice.dialogue[shown:]:
            self._show(utterance)
        if (waiting := practice.waiting) is None:
            return
        if waiting.problem:
            terminal.note(f"That was not said: {waiting.problem}.", "red")
        elif waiting.closing:
            reason = LAST_WORDS[practice.state["end_reason"]]
            terminal.note(f"{reason} Your next message closes the session.", "green")

    def _show(self, utterance: Utterance) -> None:
        own = utterance.author == "human"
        name = self._practice.content.head.profile.demographics.name
        title = name if utterance.speaker == "client" else "Counselor"
        self._terminal.utterance(
            f"{title} (you)" if own else title, utterance.text, "bold cyan" if own else "bold yellow"
        )

    def _prompt(self) -> str:
        waiting = self._practice.waiting
        turn = waiting.turn if waiting else 0
        if self._ends or (waiting and waiting.closing):
            return "goodbye> "
        return f"[{turn}/{self._practice.config.max_turns}] you> "

    def _end(self, reason: str) -> None:
        if self._practice.part == "counselor" and not any(said.speaker == "client" for said in self._practice.dialogue):
            self._terminal.note("There is no session to close yet; /quit leaves.", "red")
            return
        self._ends = reason
        self._terminal.note("Your next message ends the session.", "green")

    def _quit(self) -> None:
        self._left = True

    def _help(self) -> None:
        self._terminal.text(self._practice.part)

    def _transcript(self) -> None:
        for utterance in self._practice.dialogue:
            self._show(utterance)

    def _undo(self) -> None:
        self._ends = None
        self._step(
            self._practice.answer(PersonAnswer(undo=True)), shown=len(self._practice.dialogue), doing="taking back"
        )
        if self._practice.waiting and not self._practice.waiting.problem:
            self._terminal.note("Taken back. The last words now:")
            for utterance in self._practice.dialogue[-1:]:
                self._show(utterance)

    def _hint(self) -> None:
        with self._terminal.busy("thinking of a hint"):
            pick: Pick = self._run(self._advisor.pick(self._practice.dialogue))
        name = pick.techniques[0]
        self._terminal.note(f"Perhaps {_title(name)}: {prompt(f'techniques/{name}', 'card')}")
        self._terminal.note(f"Why: {pick.reason} ({_how(pick)}).")

    def _why(self) -> None:
        said = self._practice.dialogue
        own = [place for place, item in enumerate(said) if item.author == "human"]
        if not own:
            self._terminal.note("You have said nothing yet.")
            return
        message = said[own[-1]]
        used = ", ".join(map(_title, techniques_in(message.text))) or "none that a cue would show"
        self._terminal.note(f"Your message in turn {message.turn} used, by cues in its words: {used}.")
        with self._terminal.busy("asking the router"):
            pick: Pick = self._run(self._advisor.pick(said[: own[-1]]))
        names = " + ".join(map(_title, pick.techniques))
        self._terminal.note(f"The router ({_how(pick)}) would have picked {names}: {pick.reason}.")

    def _what_would_magnet_say(self) -> None:
        with self._terminal.busy("MAGneT is thinking"):
            answer: Answer = self._run(self._advisor.answer())
        show, practice = self._terminal.note, self._practice
        if answer.failure:
            show(f"It could not be had: {answer.failure.message}", "red")
            return
        if answer.plan:
            show(f"Its plan: {answer.plan.technique} – {answer.plan.goal}")
        if answer.pick:
            show(
                f"Picked ({_how(answer.pick)}): {' + '.join(map(_title, answer.pick.techniques))} – {answer.pick.reason}"
            )
        for candidate in answer.candidates:
            show(f"  {_title(candidate.technique)}: {candidate.text or candidate.error}")
        self._terminal.utterance("MAGneT would say (it is not said)", answer.said, "bold magenta")
        if practice.waiting:
            show("It is your turn still.")


def _how(pick: Pick) -> str:
    return "rules, as the model gave no pick" if pick.fallback else "a model" if pick.source == "llm" else "rules"


def _title(name: str) -> str:
    return name.replace("_", " ")
