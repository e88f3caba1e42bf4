"""The loop of a practice session on a terminal: it takes the person's messages and commands."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from counseling_sessions.graph.practice import Practice
from counseling_sessions.nodes.person import PersonAnswer, too_long
from counseling_sessions.nodes.risk import find_risk, read_texts
from counseling_sessions.nodes.stopping import STOP, is_stop
from counseling_sessions.practice.advice import Advisor
from counseling_sessions.practice.answer import Answer
from counseling_sessions.practice.hint_text import answer_lines, hint_lines
from counseling_sessions.practice.hints import Hint
from counseling_sessions.practice.terminal import Terminal
from counseling_sessions.state import Speaker, Utterance
from counseling_sessions.texts.harmless import one_line

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
"""Runs a step to its end. The loop reads between the steps, so that the keyboard can interrupt both."""

LAST_WORDS = {
    "resolved": "The client feels ready to stop.",
    "left": "The client wants to leave.",
    "turn_limit": "The time is up.",
    "completed": "The session has come to its end.",
}


class Loop:
    """A person's turns in a session."""

    def __init__(self, practice: Practice, terminal: Terminal, run: Run[Any], advisor: Advisor) -> None:
        self._practice, self._terminal, self._run, self._advisor = practice, terminal, run, advisor
        self._ends: Any = None
        self._quitting = False
        shared = {"/transcript": self._transcript, "/help": self._help, "/quit": self._quit}
        of_part: dict[Speaker, dict[str, Callable[[], None]]] = {
            "counselor": {
                "/hint": self._hint,
                "/what-would-magnet-say": self._what_would_magnet_say,
                "/why": self._why,
                "/undo": self._undo,
                "/end": lambda: self._end("turn_limit"),
            },
            "client": {"/end": lambda: self._end("resolved"), "/leave": lambda: self._end("left")},
        }
        self._commands = of_part[practice.part] | shared

    def run(self) -> bool:
        """Run until the session is over (True), or the person quits or the input ends (False). Ctrl-C passes through.

        At the question about unclear words nobody leaves so: the session stops with help, as after any answer but a clear no.
        """
        try:
            over = self._turns()
        except KeyboardInterrupt:
            if not self._questioned:
                raise
            over = False
        if self._questioned:
            self._say("")
            return True
        return over

    @property
    def _questioned(self) -> bool:
        waiting = self._practice.waiting
        return waiting is not None and waiting.question is not None

    def _turns(self) -> bool:
        dialogue = self._practice.dialogue
        completions = [*self._commands, *([STOP] if self._practice.part == "client" else ())]
        self._terminal.remember([item.text for item in dialogue if item.author == "human"], completions)
        self._transcript()
        self._step(self._practice.start(), shown=len(dialogue), doing="beginning")
        while self._practice.waiting and not self._quitting:
            if self._questioned:
                self._terminal.drop_typed()
            try:
                typed = self._terminal.read(self._prompt())
            except EOFError:
                return False
            if typed.strip():
                self._take(typed)
        if self._practice.part == "client":
            self._terminal.drop_typed()  # what a shell would read and keep
        return not self._quitting

    def _take(self, typed: str) -> None:
        practice = self._practice
        if self._questioned or (practice.part == "client" and is_stop(typed)):
            self._say(typed)
            return
        if problem := too_long(typed):
            self._terminal.note(f"That was not said: {problem}.", "red")
            return
        # Checks every line of a client, commands and slips too. The node that gets the message checks it again.
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
        ends = None if self._questioned else self._ends
        self._step(self._practice.answer(PersonAnswer(text=text, ends=ends)), shown=len(self._practice.dialogue) + 1)

    def _step(self, step: Coroutine[Any, Any, None], *, shown: int, doing: str = "waiting for the answer") -> None:
        """Run a step, and show the dialogue after the first `shown` utterances."""
        practice, terminal = self._practice, self._terminal
        try:
            with terminal.busy(doing):
                self._run(step)
        finally:
            if practice.help:
                terminal.note(f"\n{practice.help}", "bold")
        for utterance in practice.dialogue[shown:]:
            self._show(utterance)
        if farewell := practice.state.get("farewell"):
            terminal.note(f"\n{farewell}", "")
        if (waiting := practice.waiting) is None:
            return
        if waiting.question:
            terminal.note(f"\n{waiting.question}\n", "bold")
        elif waiting.problem:
            terminal.note(f"That was not said: {waiting.problem}.", "red")
        elif waiting.closing:
            reason = LAST_WORDS[practice.state["end_reason"]]
            terminal.note(f"{reason} Your next message closes the session.", "green")

    def _show(self, utterance: Utterance) -> None:
        name = self._practice.content.head.profile.demographics.name
        speaker = name if utterance.speaker == "client" else "Counselor"
        if utterance.author == "human":
            self._terminal.utterance(f"{speaker} (you)", utterance.text, "bold cyan")
        else:
            self._terminal.utterance(speaker, utterance.text)

    def _prompt(self) -> str:
        waiting = self._practice.waiting
        turn = waiting.turn if waiting else 0
        if self._questioned:
            return "your answer> "
        if self._ends or (waiting and waiting.closing):
            return "goodbye> "
        return f"[{turn}/{self._practice.config.max_turns}] you> "

    def _end(self, reason: str) -> None:
        if self._practice.part == "counselor" and not any(item.speaker == "client" for item in self._practice.dialogue):
            self._terminal.note("The client has not spoken yet, so there is no session to close; /quit leaves.", "red")
            return
        self._ends = reason
        self._terminal.note("Your next message ends the session.", "green")

    def _quit(self) -> None:
        self._quitting = True

    def _help(self) -> None:
        if self._practice.part == "counselor":
            self._terminal.text("counselor")
        else:
            self._terminal.note(read_texts()[self._practice.config.language].commands, "")

    def _transcript(self) -> None:
        for utterance in self._practice.dialogue:
            self._show(utterance)

    def _undo(self) -> None:
        self._ends = None
        self._step(
            self._practice.answer(PersonAnswer(undo=True)), shown=len(self._practice.dialogue), doing="taking back"
        )
        if self._practice.waiting and not self._practice.waiting.problem:
            self._terminal.note("Taken back. The dialogue now ends with:")
            for utterance in self._practice.dialogue[-1:]:
                self._show(utterance)

    def _hint(self) -> None:
        for line in hint_lines(self._hint_after(self._practice.dialogue, closes=self._ends is not None)):
            self._terminal.note(line)

    def _why(self) -> None:
        with self._terminal.busy("looking at your last message"):
            lines: list[str] = self._run(self._advisor.why(self._practice.dialogue))
        for line in lines:
            self._terminal.note(line)

    def _hint_after(self, dialogue: tuple[Utterance, ...], *, closes: bool = False) -> Hint:
        with self._terminal.busy("thinking of a hint"):
            hint: Hint = self._run(self._advisor.hint(dialogue, closes=closes))
        return hint

    def _what_would_magnet_say(self) -> None:
        with self._terminal.busy("MAGneT is thinking"):
            answer: Answer = self._run(self._advisor.answer())
        if answer.failure:
            self._terminal.note(f"MAGneT gave no answer: {answer.failure.message}", "red")
            return
        for line in answer_lines(answer, self._advisor.kept_hint(self._practice.dialogue)):
            self._terminal.note(line)
        self._terminal.utterance("MAGneT would say (it is not said)", answer.said, "bold magenta")
        if self._practice.waiting:
            self._terminal.note("It is still your turn.")
