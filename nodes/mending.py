"""Mending: what may be taken out of a generated message, and of one that the guards refuse, without a new word. All is pure."""

import re
import unicodedata
from dataclasses import replace

from counseling_sessions.integrity import to_person
from counseling_sessions.integrity.lengths import LENGTHS
from counseling_sessions.integrity.rules import (
    before_any_label,
    further_session,
    is_question,
    may_come_again,
    means,
    meta_talk,
    own_label,
    reasoning,
    refusal,
    risk,
)
from counseling_sessions.integrity.spoken import ROUNDS, Past, Spoken, split_marker, unmarked
from counseling_sessions.integrity.strict import OF_SENTENCES, runs_down
from counseling_sessions.state import Speaker
from counseling_sessions.texts.reasoning import without_reasoning
from counseling_sessions.texts.words import FINISHED, SENTENCE, WIDE_STOP, normalized, sentences, words

_JSON = re.compile(r"\s{0,9}(?:```\w{0,9}\s{0,9})?[{\[]\s{0,9}[\"{\[]")


def tidy(text: str, speaker: Speaker) -> str:
    """What may be taken off any message without changing what is said: reasoning between marks, tokens of chat templates,
    surrounding quotes, stray space."""
    text = "".join(
        c for c in text if c in "\n\t\u200c\u200d" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"}
    )
    text = without_reasoning(text)
    text = unmarked(text) if speaker == "counselor" else text.strip()
    if len(text) > 1 and text[0] in '"“«' and text[-1] in '"”»' and not re.search(r"[\"“”«»]", text[1:-1]):
        text = text[1:-1].strip()
    return text


def cut(text: str, most: int) -> str:
    """The beginning of a text of at most `most` characters, at the end of a sentence or else of a word. Markers stay."""
    if len(text) <= most:
        return text
    marker = split_marker(text).with_markers("")
    head = text[: most - len(marker)]
    ended = [sentence.end() for sentence in SENTENCE.finditer(head) if FINISHED.search(sentence[0])]
    # The last one may go on behind the cut.
    if ended and ended[-1] == len(head) and not text[len(head)].isspace() and head[-1] not in WIDE_STOP:
        ended.pop()
    end = ended[-1] if ended else head.rfind(" ")
    return f"{head[: end if end > 0 else len(head)].rstrip()}{marker}"


def repair(draft: Spoken) -> str:
    """The message with what is wrong taken out, as far as that needs no new word; the caller checks the result.

    Own labels and lead-ins about the task go, what is written for the other person is cut off, sentences that the speaker
    has said before or twice are left out, and an unfinished last sentence is dropped. Of a message that is too long, sentences
    before the last one go; of one that asks nothing, the questions. A client's markers are kept.
    Nothing is left of a message that thinks aloud, refuses its part or is JSON: its other sentences belong to that.
    """
    if reasoning(draft) or refusal(draft) or _JSON.match(draft.text):
        return ""
    marked = split_marker(draft.text)
    text = marked.text
    earlier = [said for said in draft.past.said if not may_come_again(said)]
    said = {normalized(sentence) for one in earlier for sentence in sentences(one.text)}
    mended = _mended_once(draft, text, said)
    for _ in range(ROUNDS):  # what was taken out may have stood in front of a label
        if mended == text:
            break
        text, mended = mended, _mended_once(draft, mended, said)
    else:
        return ""  # a text that never comes to rest was made to be like that
    return marked.with_markers(mended) if mended and draft.speaker == "client" else mended


def _mended_once(draft: Spoken, text: str, said: set[str]) -> str:
    labels = own_label(draft.speaker, draft.names)
    start = 0
    while label_ := labels.match(text, start):  # a label may hide behind a label
        start = label_.end()
    text = before_any_label(text[start:])
    kept: list[str] = []
    seen = set(said)
    others_past = Past(["clients"] if draft.has_clients else [])
    for sentence in sentences(text):
        key = normalized(sentence)
        if not key or key in seen or not FINISHED.search(sentence):
            continue
        alone = Spoken(sentence, draft.speaker, others_past=others_past, risk=draft.risk)
        if risk(alone) or means(alone) or meta_talk(alone) or further_session(alone):
            continue
        if draft.asks is False and is_question(sentence):
            continue
        judged = replace(draft, text=sentence)
        if draft.facts and any(wrong(judged) for wrong in OF_SENTENCES):
            continue
        if draft.listener and (runs_down(judged) or any(wrong(judged) for wrong in to_person.OF_SENTENCES)):
            continue
        seen.add(key)
        kept.append(sentence)
    if draft.speaker == "counselor":
        kept = _shortened(kept, LENGTHS["closing" if draft.closing else "utterance"].most)
    # After a wide stop stands no space.
    return tidy(re.sub(rf"(?<=[{WIDE_STOP}]) ", "", " ".join(kept)), draft.speaker)


def _shortened(kept: list[str], most: int) -> list[str]:
    """Sentences of at most `most` words together: those before the last one go, which asks or says goodbye."""
    counts = [len(words(sentence)) for sentence in kept]
    left, total = len(kept), sum(counts)
    while left > 1 and total > most:
        left -= 1
        total -= counts[left - 1]
    return [*kept[: left - 1], kept[-1]] if kept else []
