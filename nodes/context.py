"""The prompts of both sides: how a view of the session becomes the messages that a model is sent.

The dialogue goes out as chat messages in turns, the speaker's own as the assistant's: a small model then stays in its role, and
every chat template with a system message takes it. In the shared layout all counselor-side calls of a turn have one prefix
(role, cards, examples, client, plan, dialogue) and other last lines: a server's prefix cache pays for the dialogue once. The
separate layout puts each call's own instruction first and the dialogue into one message, as the paper does.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import dropwhile, groupby
from typing import get_args

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from counseling_sessions.integrity.lengths import LENGTHS
from counseling_sessions.nodes.examples import ALONE, MERGE, client_examples, counselor_examples
from counseling_sessions.nodes.guards import STRICT, TO_PERSON
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.techniques import technique
from counseling_sessions.profiles.disclosure import field_of, form_up_to, levels
from counseling_sessions.profiles.manner import Manner
from counseling_sessions.profiles.schema import ClientProfile, clean, counselor_information
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientView, CounselorView, Finding, Phase, Speaker, Utterance

ChatMessage = dict[str, str]
"""A message of a prompt as a chat API has it: its `role` ("system", "user" or "assistant") and its `content`."""
_ROLES = {"system": "system", "human": "user", "ai": "assistant"}

UTTERANCE_LIMIT = 4000
"""Characters of one utterance that reach a prompt."""


def counselor_messages(
    view: CounselorView, config: SessionConfig, task: str, role: str = "", where: str = ""
) -> list[BaseMessage]:
    """What a counselor-side call is sent: the shared context, and its own task at the end (or first, in the separate layout).

    `role` is who is asked: in the separate layout a call has the rules and examples of its own role alone. `where` is where the
    turn stands, the same for all its calls (`nodes.notes`).
    """
    system = _counselor_system(config)
    beginning = prompt("counselor/context", "beginning")
    if config.prompt_layout == "separate":
        system = "\n\n".join((task, system, *_rules(config, (role,))))
        system = _with(system, counselor_examples(view, config, (role,)))
        said = prompt("counselor/context", "dialogue", dialogue=transcript(view.utterances))
        parts = (_background(view), said if view.utterances else beginning, f"({where})" if where else "")
        return [SystemMessage(system), HumanMessage("\n\n".join(filter(None, parts)))]
    shown: tuple[str, ...] = (ALONE,)
    if METHODS[config.method].specialists:
        cards = "\n".join(f"- {name}: {prompt(f'techniques/{name}', 'card')}" for name in config.techniques)
        picks = role == "router" or (METHODS[config.method].pick and config.router == "llm")
        roles = ("router", MERGE) if picks else (MERGE,)
        system = "\n\n".join((system, prompt("counselor/system", "cards", cards=cards), *_rules(config, roles)))
        shown = (*config.techniques, MERGE)
    system = _with(system, counselor_examples(view, config, shown))
    return [
        SystemMessage(system),
        *dialogue_messages(
            view.utterances, "counselor", f"{_background(view)}\n\n{beginning}", f"{where}\n{task}" if where else task
        ),
    ]


def chatbot_messages(view: CounselorView) -> list[BaseMessage]:
    """What a chatbot is sent: the dialogue alone, from the client's first words on; where nothing is said, the reason for coming."""
    spoken = tuple(dropwhile(lambda said: said.speaker == "counselor", view.utterances))
    return dialogue_messages(spoken, "counselor", "" if spoken else view.reason_for_counseling, "")


def client_messages(view: ClientView, config: SessionConfig, note: str) -> list[BaseMessage]:
    """What the client is sent: what it tells easily of its form, its attitude, the dialogue, and a note at the end.

    The system message is the same in every turn: what may be told later on is in the note.
    """
    profile = view.profile
    system = prompt(
        "client/system",
        name=clean(profile.demographics.name),
        form=form_up_to(profile, 1),
        first_page=_first_page(profile),
        kept=_kept(profile),
        attitude=" ".join((prompt("client/system", view.attitude), *_manner(profile))),
        language=config.language,
        heard=prompt("client/system", "heard") if config.appraisal == "llm" else "",
    ).strip()
    return [
        SystemMessage(_with(system, client_examples(view, config))),
        *dialogue_messages(view.utterances, "client", "", note),
    ]


def _first_page(profile: ClientProfile) -> str:
    """The titles of what the counselor's side knows of a client beforehand."""
    lines = counselor_information(profile).splitlines()
    titles = (*(line.partition(":")[0] for line in lines), ClientProfile.model_fields["reason_for_counseling"].title)
    return ", ".join(str(title).lower() for title in titles)


def _kept(profile: ClientProfile) -> str:
    """The titles of what the client keeps back at first."""
    fields = (field_of(profile, path) for path, level in levels(profile).items() if level > 1)
    titles = ", ".join(title for title, text in fields if text)
    return prompt("client/system", "kept", titles=titles) + "\n" if titles else ""


def _manner(profile: ClientProfile) -> Iterator[str]:
    """What opens the client and what closes it."""
    manner = profile.manner or Manner()
    if manner.opens:
        yield prompt("client/system", "opens", opens=clean(manner.opens))
    if manner.closes:
        yield prompt("client/system", "closes", closes=clean(manner.closes))


def ask_again(messages: Sequence[BaseMessage], findings: Sequence[Finding]) -> list[BaseMessage]:
    """The same messages with why the last answer was refused as their last lines (the prefix stays as it was)."""
    reasons = dict.fromkeys(
        prompt(_retry(finding.kind), finding.kind, detail=clean(finding.detail, 160)) for finding in findings
    )
    return _remarked(messages, prompt("retry", reasons=" ".join(reasons)))


def _retry(kind: str) -> str:
    """The prompt with the reason for this kind of finding."""
    return "retry_strict" if kind in STRICT else "practice/retry" if kind in TO_PERSON else "retry"


def again_in_other_words(messages: Sequence[BaseMessage], number: int) -> list[BaseMessage]:
    """The same messages for the answer with this number: a model without a seed could answer the same request alike."""
    return _remarked(messages, prompt("retry", "again", number=number))


def as_chat(messages: Iterable[BaseMessage]) -> list[ChatMessage]:
    """Messages of a prompt as a chat API has them."""
    return [{"role": _ROLES[message.type], "content": str(message.text)} for message in messages]


def transcript(utterances: tuple[Utterance, ...]) -> str:
    """The dialogue, a line each, growing only at its end."""
    return "\n".join(f"{u.speaker.capitalize()}: {_words(u)}" for u in utterances)


def phase_of(turn: int, max_turns: int) -> Phase:
    """The phase of a turn, from the session's length: the first opens, a third explores, the last one closes."""
    if turn <= 1:
        return "opening"
    if turn >= max_turns:
        return "closing"
    return "exploring" if turn <= max(2, round(max_turns / 3)) else "working"


def technique_task(name: str) -> str:
    """The task of a technique's specialist."""
    return prompt(technique(name).prompt, "task")


def _counselor_system(config: SessionConfig) -> str:
    """What every call of the counselor's side begins with: how the counselor speaks, and the phases of a session."""
    system = prompt("counselor/system", language=config.language, words=LENGTHS["utterance"].aim)
    phases = "\n".join(f"- {phase}: {prompt('counselor/phases', phase)}" for phase in get_args(Phase))
    return f"{system}\n\n{prompt('counselor/system', 'phases', phases=phases)}"


def _rules(config: SessionConfig, roles: Sequence[str]) -> list[str]:
    """What router and merge go by in every turn: it stands in the system message, which is computed once."""
    rules = []
    if "router" in roles:
        picking = prompt("counselor/pick", "rules", techniques=", ".join(config.techniques))
        has_plan = METHODS[config.method].plan
        rules.append(f"{picking};\n{prompt('counselor/pick', 'step')}" if has_plan else f"{picking}.")
    if MERGE in roles:
        rules.append(prompt("counselor/merge", "rules"))
    return rules


def dialogue_messages(utterances: Sequence[Utterance], side: Speaker, background: str, note: str) -> list[BaseMessage]:
    """The dialogue as one side sees it: messages that alternate, the other's first and last.

    `background` stands before the dialogue; `note` follows the last words, in brackets, as what nobody has said.
    """
    parts = [(False, background)] if background else []
    parts += [(utterance.speaker == side, _words(utterance)) for utterance in utterances]
    if note:
        parts.append((False, f"({note})"))
    groups = groupby(parts, key=lambda part: part[0])
    joined = [(mine, "\n\n".join(text for _, text in texts)) for mine, texts in groups]
    # The last message has the note of this call alone; the others will be asked for again.
    return [*(_kept_message(mine, text) for mine, text in joined[:-1]), _message(*joined[-1])]


def _remarked(messages: Sequence[BaseMessage], remark: str) -> list[BaseMessage]:
    return [*messages[:-1], HumanMessage(f"{messages[-1].text}\n\n({remark})")]


def _with(system: str, examples: str) -> str:
    return f"{system}\n\n{examples}" if examples else system


def _message(mine: bool, text: str) -> BaseMessage:
    return AIMessage(text) if mine else HumanMessage(text)


_kept_message = lru_cache(maxsize=8192)(_message)


def _background(view: CounselorView) -> str:
    """What the counselor's side knows beside the dialogue: the client, the reason, the plan."""
    information, reason = view.client_information, view.reason_for_counseling
    client = prompt("counselor/context", "client", client_information=information, reason=reason)
    if view.plan is None:
        return client
    steps = "\n".join(f"{number}. {clean(step)}" for number, step in enumerate(view.plan.steps, 1))
    goal = clean(view.plan.goal)
    plan = prompt("counselor/context", "plan", technique=view.plan.technique, goal=goal, steps=steps)
    if view.plan.formulation:
        plan += "\n" + prompt("counselor/context", "formulation", formulation=clean(view.plan.formulation))
    return f"{client}\n\n{plan}"


def _words(utterance: Utterance) -> str:
    return clean(utterance.text, UTTERANCE_LIMIT)
