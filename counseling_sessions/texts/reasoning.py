"""Takes what a model thought off its answer. The one place that knows how models mark their reasoning."""

import re

_NAMES = r"think|thinking|thought|reasoning|scratchpad|seed:think"
_TAG = re.compile(
    rf"""
      <(?P<ends>/?)(?P<tag>{_NAMES})\s{{0,9}}>                          # <think>…</think>: DeepSeek, Qwen and most others
    | \[(?P<ends_bracket>/?)(?P<bracket>THINK)\]                        # [THINK]…[/THINK]: Magistral
    | ◁(?P<ends_triangle>/?)(?P<triangle>think)▷                        # Kimi
    | <\|(?:(?P<begin>begin_of_thought|START_THINKING)|(?P<end>end_of_thought|END_THINKING))\|>
    | <\|channel\|>\s{{0,9}}(?:(?P<aside>analysis|commentary)|final)[^<]{{0,99}}(?:<\|constrain\|>[^<]{{0,99}})?<\|message\|>
    | (?P<turn><\|(?:end|return|call)\|>(?:\s{{0,9}}<\|start\|>\s{{0,9}}assistant)?|<\|start\|>\s{{0,9}}assistant)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_HARMONY = "harmony"
"""The format of gpt-oss: each part of a message has a header that names its channel; only `final` is the answer."""


def without_reasoning(text: str) -> str:
    """The answer alone, in time linear in the text; a text without a mark of reasoning comes back as it is.

    A block between its marks goes. An end without a beginning (some servers keep that) takes off all before it, a beginning
    without an end (the answer was cut off) all after it. Doing it twice changes nothing.
    """
    # Most texts have no bracket at all.
    if not any(bracket in text for bracket in "<[◁") or not _TAG.search(text):
        return text
    kept: list[str] = []
    inside: str | None = None
    place = 0
    for tag in _TAG.finditer(text):
        begins, kind = _read(tag)
        if inside is None:
            kept.append(text[place : tag.start()])
            if begins:
                inside = kind
            elif not tag["turn"]:
                kept.clear()  # an end without a beginning
        elif not begins and kind == inside:
            inside = None
        else:
            continue  # what stands inside a block, other marks too, belongs to it
        place = tag.end()
    if inside is None:
        kept.append(text[place:])
    answer = "".join(kept)
    # Taking a block out can join the halves of another mark: such a text is no answer of any model, and loses its brackets.
    return re.sub(r"[<\[◁]", "", answer) if _TAG.search(answer) else answer


def _read(tag: re.Match[str]) -> tuple[bool, str]:
    """Whether a mark begins a block, and which kind of block it belongs to."""
    for name, ends in (("tag", "ends"), ("bracket", "ends_bracket"), ("triangle", "ends_triangle")):
        if tag[name]:
            return not tag[ends], f"{name} {tag[name].lower()}"
    if tag["begin"] or tag["end"]:
        return bool(tag["begin"]), "token"
    return bool(tag["aside"]), _HARMONY
