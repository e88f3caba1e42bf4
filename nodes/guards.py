"""Guards: what a generated message must be before it may enter the dialogue: the rules of `integrity`, and how strictly they hold.

How a bad one can safely be mended is in `nodes.mending`.
"""

from counseling_sessions.integrity import rules, strict, to_person
from counseling_sessions.integrity.facts import Facts, facts_of
from counseling_sessions.integrity.lengths import LENGTHS
from counseling_sessions.integrity.protocol import drops_safety, steps_in
from counseling_sessions.integrity.spoken import Spoken
from counseling_sessions.models.finishing import AT_LIMIT, was_broken, was_filtered
from counseling_sessions.profiles.schema import client_form
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientView, CounselorView, Finding
from counseling_sessions.texts.words import FINISHED, sentences

NEAR_REPEAT = 0.6
"""Jaccard overlap of word 3-grams from which two messages count as nearly the same (evaluation reports from 0.8)."""


def repeat(spoken: Spoken) -> str | None:
    """A message that the speaker has already said, whatever its case, punctuation and spacing.

    A very short one may come again, though not twice in a row.
    """
    earlier = spoken.past.by_words.get(spoken.words)
    if earlier and rules.may_come_again(spoken) and spoken.past.said[-1].words != spoken.words:
        return None
    return rules.short(earlier[0].text) if earlier and spoken.words else None


def near_repeat(spoken: Spoken) -> str | None:
    """A message that overlaps too far with one of the speaker's recent ones, or says one sentence of its own twice."""
    if rules.may_come_again(spoken):
        return None
    if twice := rules.said_twice(spoken.bare):
        return twice
    near = rules.nearest(spoken, (said for said in spoken.past.recent if said.words != spoken.words), NEAR_REPEAT)
    return rules.short(near[0].text) if near else None


def role_flip(spoken: Spoken) -> str | None:
    """Speaking for or as the other person: their label, their role, or their own words given back whole."""
    if part := rules.others_part(spoken):
        return part
    near = rules.nearest(spoken, spoken.others_past.said, NEAR_REPEAT)
    return rules.short(near[0].text) if near else None


def truncated(spoken: Spoken) -> str | None:
    """A message cut at what can be spoken, off by the token limit or by an error, or one that ends in the middle of a sentence."""
    if spoken.cut_from is not None:
        return f"cut to {len(spoken.text):,} of {spoken.cut_from:,} characters"
    if was_broken(spoken.finish_reason):
        return f"broken off ({spoken.finish_reason})"
    if spoken.finish_reason == AT_LIMIT:
        return "cut off at the token limit"
    return None if not spoken.bare or FINISHED.search(spoken.bare) else "no end of sentence"


def filtered(spoken: Spoken) -> str | None:
    """A message that a content filter stopped, whatever there is of it."""
    return spoken.finish_reason if was_filtered(spoken.finish_reason) else None


def long(spoken: Spoken) -> str | None:
    """A message of the counselor's with more words than its kind may have."""
    most = LENGTHS["closing" if spoken.closing else "utterance"].most
    count = len(spoken.words.split()) if spoken.speaker == "counselor" else 0
    return f"{count} words, and {most} at most" if count > most else None


def asks(spoken: Spoken) -> str | None:
    """A question in a message that has to ask nothing."""
    if spoken.asks is not False:
        return None
    return next((rules.short(sentence) for sentence in sentences(spoken.bare) if rules.is_question(sentence)), None)


def protocol(spoken: Spoken) -> str | None:
    """A message of the protocol that lacks a step, or spoils it: promises secrecy, minimises, argues, gives advice too early."""
    if spoken.steps is None:
        return None
    taken = steps_in(spoken.bare)
    missing = ", ".join(step for step in spoken.steps if step not in taken)
    return drops_safety(spoken.bare) or (f"no {missing}" if missing else None)


_GUARDS = (
    *(rules.empty, rules.label, rules.meta_talk, rules.reasoning, rules.refusal, filtered),
    *(repeat, near_repeat, role_flip, rules.risk, rules.means, truncated, long, asks, rules.further_session),
)
_STRICT_GUARDS = (*strict.OF_SENTENCES, strict.rating, strict.echo)
STRICT = frozenset(guard.__name__ for guard in _STRICT_GUARDS)
"""The guards against what small models often get wrong (`SessionConfig.strict`): they look where a message has the form's facts."""
NEVER = frozenset({"runs_down"})
"""What of it never enters a dialogue; all else does where no answer is better, as a session that fails is worse."""
_GUARDS_TO_PERSON = (*to_person.OF_SENTENCES, to_person.drops_subject)
TO_PERSON = frozenset(guard.__name__ for guard in _GUARDS_TO_PERSON)
"""The guards against what no person should read: they look where a message has a listener, and what they refuse never enters."""
OF_PROTOCOL = frozenset({protocol.__name__})
"""The guard that looks where the protocol for a risk leads."""
GUARDS: dict[str, rules.Rule] = {
    guard.__name__: guard for guard in (*_GUARDS, *_STRICT_GUARDS, *_GUARDS_TO_PERSON, protocol)
}


def check(spoken: Spoken) -> list[Finding]:
    """What is wrong with a message: one finding for each guard that objects."""
    looking = (name for name in GUARDS if _looks(name, spoken))
    return [Finding(kind=name, detail=detail) for name in looking if (detail := GUARDS[name](spoken)) is not None]


def _looks(name: str, spoken: Spoken) -> bool:
    """Whether a guard looks at this message: the strict ones where it has the form's facts, those for a person where it has one."""
    if name in TO_PERSON:
        return spoken.listener is not None
    if name in NEVER and spoken.listener is not None:
        return True
    return spoken.facts is not None or name not in STRICT


def facts_for(view: CounselorView | ClientView, config: SessionConfig) -> Facts | None:
    """The facts of the form by which the strict guards judge what one side says, as far as it knows them; None where they are off."""
    if not config.strict:
        return None
    if isinstance(view, ClientView):
        return facts_of(client_form(view.profile))
    return facts_of(f"{view.client_information}\n{view.reason_for_counseling}")
