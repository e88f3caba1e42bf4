"""Takes a model's answer apart: what it says, what it thought, and the chat template's tokens that leaked into it.

The one place that knows how models and servers mark reasoning and the ends of turns. Reasoning in plain words, without a mark, is
a finding of `integrity`.
"""

import re
from dataclasses import dataclass

_NAMES = (
    r"think|(?:ant)?thinking|thoughts?|thought_process|reason|reasoning|scratchpad|seed:think|analysis|planning|reflection"
    r"|internal|(?:inner|internal)_(?:monologue|thoughts?)"
)
_SPEECH = r"answer|response|final|final_answer|output"
_FRAME = r"(?:client|patient|counsel+or|therapist|assistant|user|utterance|reply|message)(?:_(?:response|reply|message|utterance))?"
"""What models name the tags around the words of one speaker."""
_OPEN, _CLOSE = r"(?:<|&lt;)", r"\s{0,9}(?:>|&gt;)"
_ROLE = r"(?:assistant|model|chatbot|bot|user|human|system|developer)"
_HEADER = rf"\s{{0,9}}{_ROLE}(?:\s{{1,9}}to=[^<\s]{{1,60}})?\s{{0,9}}(?=[\n<]|\Z)"
_MARK = re.compile(
    rf"""
      {_OPEN}(?P<ends_tag>/?)(?P<tag>{_NAMES})(?:\s[a-z_]{{1,20}}=[^<>]{{0,80}})?{_CLOSE}  # <think>…</think>: most models
    | <\|(?P<ends_bar>/?)(?P<bar>{_NAMES})\|>
    | <(?P<ends_details>/?)(?P<details>details)(?:\s[^<>]{{0,120}})?>    # Open WebUI
    | \[(?P<ends_bracket>/?)(?P<bracket>THINK)\]                        # [THINK]…[/THINK]: Magistral
    | \[(?P<ends_word>/)?(?P<word>thinking)\](?(ends_word)|(?=[^\[]{{0,9999}}\[/thinking\]))  # alone it is how one speaks
    | (?P<block>```(?:{_NAMES})[^\S\n]{{0,9}}\n(?:[^`]|`(?!``))*(?:```|\Z))
    | ◁(?P<ends_triangle>/?)(?P<triangle>think)▷                        # Kimi
    | <\|(?:(?P<begin>begin_of_thought|START_THINKING)|(?P<end>end_of_thought|END_THINKING))\|>
    | (?P<gemma><\|channel>)(?:thought)? | (?P<ends_gemma><channel\|>)  # Gemma
    | <\|channel\|>\s{{0,9}}(?:(?P<aside>analysis|commentary)|(?P<final>final))
        (?:[^<]{{0,99}}(?:<\|constrain\|>[^<]{{0,99}})?<\|message\|>)?
    | (?P<speech>{_OPEN}(?:{_SPEECH}){_CLOSE}|<\|(?:begin_of_solution|START_RESPONSE)\|>)
    | (?P<frame><\|(?:begin|end)_of_box\|>)                             # GLM, around words of the answer
    | (?P<token>
        (?: <\|[A-Za-z_/][^\s<>|]{{0,40}}\|> | <\|turn> | <turn\|>      # <|im_end|>, <|eot_id|>, <|assistant|> …
          | <｜[^<>｜]{{1,40}}｜>                                         # DeepSeek
          | <\|[A-Za-z_]{{2,40}}\|?\s{{0,9}}\Z                            # the answer ends within it
          | </?s> | <(?:bos|eos|pad|unk|eod|sop|eop|start_of_turn|end_of_(?:turn|text|utterance))> | \[(?:gMASK|DONE)\]
          | (?<![^\n>]){_OPEN}{_FRAME}{_CLOSE} | {_OPEN}/{_FRAME}{_CLOSE}
          | \[/?(?:INST|SYSTEM_PROMPT)\] | <</?SYS>>
          | {_OPEN}/(?:{_SPEECH}){_CLOSE}
        )(?:{_HEADER})?
      )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_OTHERS = re.compile(r"(?:user|human|system|developer|\[INST|\[SYSTEM_PROMPT|<SYS)\W*\Z", re.IGNORECASE)
"""What begins another's turn."""
_SIGNS = "<[◁&`"
_PAIRS = tuple((name, f"ends_{name}") for name in ("tag", "bar", "details", "bracket", "word", "triangle"))
_HARMONY = "harmony"
"""The format of gpt-oss: each part of a message has a header that names its channel; only `final` is the answer."""

# The headers of a server that takes the signs of a template's tokens away and leaves their words.
_BARE_ROLE = re.compile(r"\s{0,9}(?:assistant[^\S\n]{0,9}\n\s{0,9}){1,9}")
_BARE_FINAL = "assistantfinal"
_SAYS_FINAL = re.compile(rf"{_BARE_FINAL}(?!(?<=[\"“'‘]{_BARE_FINAL})[\"”'’])")  # not where one quotes it
_BARE_ROLES = ("assistant", "user", "model")
_BARE_ASIDE = re.compile(r"\s{0,9}(?:assistant)?(?:analysis|commentary)(?=\n|[^\s.,;:!?…'’)\]*_-])")
_BARE_BEGIN = re.compile(r"\s{0,9}final(?=[A-Z\"“])")
_BARE_TURN = re.compile(
    r"(?:(?<=[.?!…\"”*)。？！])|\n)(?:assistant|user|model)[^\S\n]{0,9}(?:\n|\Z)"
    rf"|assistant(?:analysis|commentary)|{_SAYS_FINAL.pattern}"
)


@dataclass(frozen=True)
class Answer:
    """A model's answer, taken apart.

    `speech` is what is said. `reasoning` counts the characters of what was thought; `unfinished`: the answer ends within it.
    `token` is the first token of a chat template outside reasoning; `ended`: a token ended the speech, and what followed it, another
    turn, is cut off.
    """

    speech: str
    reasoning: int = 0
    unfinished: bool = False
    token: str | None = None
    ended: bool = False


def without_reasoning(text: str) -> str:
    """The speech alone, see `take_apart`."""
    return take_apart(text).speech


def take_apart(text: str) -> Answer:
    """Take an answer apart, in time linear in the text; a text without a mark comes back as it is.

    A block between its marks goes. An end without a beginning (some servers keep that) takes off all before it, a beginning
    without an end (the answer was cut off) all after it. A token of a chat template goes, and what follows it after speech is
    another turn and goes too. Taking the speech apart again changes nothing.
    """
    answer = Answer(text)
    # Most texts have no such sign at all.
    if any(sign in text for sign in _SIGNS) and _MARK.search(text):
        answer = _Parts().read(text)
        # Taking a block out can join the halves of another mark: such a text is no answer of any model, and loses its signs.
        if _MARK.search(answer.speech):
            answer = Answer(re.sub(rf"[{re.escape(_SIGNS)}]", "", answer.speech), answer.reasoning, token=answer.token)
    return _without_bare_headers(answer)


class _Parts:
    """The state while the marks of an answer are read in their order."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.reasoning = 0
        self.inside: str | None = None
        self.token: str | None = None
        self.said = self.ended = self.final = False

    def read(self, text: str) -> Answer:
        place = 0
        for mark in _MARK.finditer(text):
            if self._mark(mark, text[place : mark.start()]):
                place = mark.end()
        self._piece(text[place:])
        speech = "".join(self.kept)
        return Answer(speech, self.reasoning, self.inside is not None, self.token, self.ended)

    def _mark(self, mark: re.Match[str], before: str) -> bool:
        """Take in a mark and the text before it; False for a mark that belongs to the text."""
        does, kind = _meaning(mark)
        if does == "thinks" and self.inside is None:
            self._piece(before)
            self.reasoning += len(mark[0])
            return True
        if self.inside is not None:
            if kind != self.inside or does == "begins":
                return False  # what stands inside a block, other marks too, belongs to it
            self._piece(before)
            self.inside = None
            if does != "speaks":
                return True
        else:
            self._piece(before)
        if does == "begins":
            self.inside = kind
        elif does in ("ends", "speaks") and not self.final and not (self.ended and does == "ends"):
            self._drop()
            self.final = does == "speaks"
        elif does == "closes":
            self.token = self.token or " ".join(mark[0].split())
            self.ended = self.ended or self.said or bool(_OTHERS.search(mark[0]))
        return True

    def _piece(self, text: str) -> None:
        if self.inside is not None:
            self.reasoning += len(text)
        elif not self.ended:
            self.kept.append(text)
            self.said = self.said or any(map(str.isalnum, text))

    def _drop(self) -> None:
        """What was taken for speech was reasoning."""
        self.reasoning += sum(map(len, self.kept))
        self.kept, self.said, self.ended = [], False, False


def _meaning(mark: re.Match[str]) -> tuple[str, str]:
    """What a mark does (thinks, begins or ends reasoning, speaks: speech begins, closes a turn, or frames words), and its kind."""
    for name, ends in _PAIRS:
        if mark[name]:
            return "ends" if mark[ends] else "begins", f"{name} {mark[name].lower()}"
    for name, does, kind in (
        ("block", "thinks", "block"),
        ("begin", "begins", "token"),
        ("end", "ends", "token"),
        ("gemma", "begins", "gemma"),
        ("ends_gemma", "ends", "gemma"),
        ("aside", "begins", _HARMONY),
        ("final", "speaks", _HARMONY),
        ("speech", "speaks", "speech"),
        ("frame", "frames", "frame"),
    ):
        if mark[name]:
            return does, kind
    # In harmony the end of a message ends its channel too; anywhere else it ends the turn.
    harmony = re.match(r"<\|(?:end|return|call|start)\|>", mark["token"], re.IGNORECASE)
    return "closes", _HARMONY if harmony else "token"


def _without_bare_headers(answer: Answer) -> Answer:
    """The answer without headers whose tokens a server has taken away: `analysisThey …assistantfinalThat …`."""
    text, reasoning = answer.speech, answer.reasoning
    if head := _BARE_ROLE.match(text):
        text = text[head.end() :]
    if _BARE_FINAL in text and (mark := _SAYS_FINAL.search(text)):
        text, reasoning = text[mark.end() :], reasoning + mark.start()
    if _BARE_ASIDE.match(text):
        return Answer("", reasoning + len(text), True, answer.token)
    if head := _BARE_BEGIN.match(text):
        text = text[head.end() :]
    if (
        any(role in text for role in _BARE_ROLES)
        and (turn := _BARE_TURN.search(text))
        and any(map(str.isalnum, text[: turn.start()]))
    ):
        return Answer(text[: turn.start()], reasoning, token=answer.token or " ".join(turn[0].split()), ended=True)
    return answer if text is answer.speech else Answer(text, reasoning, answer.unfinished, answer.token, answer.ended)
