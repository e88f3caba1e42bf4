"""What MAGneT would do at a point of a practice session: the router's pick, and its whole answer. None of it enters the dialogue."""

from typing import Any

from langgraph.types import Command

from counseling_sessions.graph.practice import Practice, untraced
from counseling_sessions.graph.session_graph import build_session_graph, recursion_limit
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.picking import placed
from counseling_sessions.nodes.plan import plan
from counseling_sessions.nodes.progress import course, has_signs
from counseling_sessions.nodes.router import choose, policy_of
from counseling_sessions.practice.answer import Answer
from counseling_sessions.practice.hint_text import why_lines
from counseling_sessions.practice.hints import Hint, hint_by_rules, hint_of_pick, texts
from counseling_sessions.practice.labels import labels_of, techniques_of
from counseling_sessions.profiles.schema import counselor_information, counselor_reason
from counseling_sessions.state import Candidate, CounselorView, Failure, Pick, Plan, Utterance, update

_Key = tuple[tuple[tuple[str, str], ...], bool]
"""What a hint follows from: who said what, and whether the next message closes."""


class Advisor:
    """Answers a person's questions during a session. The plan that MAGneT makes at the first one is kept for the others."""

    def __init__(self, practice: Practice, models: Models) -> None:
        self._practice, self._models = practice, models
        self._plan: Plan | None = None
        self._hints: dict[_Key, Hint] = {}

    async def hint(self, said: tuple[Utterance, ...], *, closes: bool = False) -> Hint:
        """The hint after this dialogue: by rules, without a call, unless the configured router is a model.

        `closes`: the person has chosen that its next message is the goodbye. What is asked again has the same hint.
        """
        key = _key(said, closes=closes)
        if key not in self._hints:
            self._hints[key] = await self._new_hint(said, closes=closes)
        return self._hints[key]

    def kept_hint(self, said: tuple[Utterance, ...]) -> Hint | None:
        """The hint that was made after this dialogue; None where none was."""
        return self._hints.get(_key(said, closes=False))

    async def why(self, said: tuple[Utterance, ...]) -> list[str]:
        """What the person's last message was, and the hint that there was before it, as lines to read."""
        place = next((place for place, one in reversed(list(enumerate(said))) if one.author == "human"), None)
        if place is None:
            return [texts().lines["nothing_said"]]
        message, before = said[place], said[place - 1].text if place else ""
        labels = labels_of(message.text, before) if has_signs(self._practice.config) else ()
        return why_lines(message.turn, labels, await self.hint(said[:place]))

    async def answer(self) -> Answer:
        """The whole of MAGneT's answer to the dialogue as it stands: pick, candidates, merged utterance."""
        practice, config = self._practice, self._practice.config
        graph = build_session_graph(specialists=config.techniques, models=self._models)
        profile, said = practice.content.head.profile, practice.dialogue
        attitude = practice.content.head.attitude
        if failure := await self._planned(said):
            return Answer(failure=failure)
        begun = {**self._past(said), "profile": profile.model_dump(mode="json"), "attitude": attitude}
        with untraced():
            state = await graph.ainvoke(
                Command(update=begun),
                {"recursion_limit": recursion_limit(config.max_turns)},
                context=config,
                interrupt_before=["client"],
            )
        if plan := state.get("plan"):
            self._plan = Plan.model_validate(plan)
        utterances = state["utterances"]
        turn = max((utterance["turn"] for utterance in utterances[len(said) :]), default=0)
        picks = [Pick.model_validate(pick) for pick in state.get("picks", ()) if pick["turn"] == turn]
        return Answer(
            plan=self._plan,
            pick=picks[-1] if picks else None,
            candidates=tuple(map(Candidate.model_validate, state.get("candidates", ()))),
            said=utterances[-1]["text"] if len(utterances) > len(said) else "",
            failure=Failure.model_validate(state["failure"]) if state.get("failure") else None,
        )

    async def _new_hint(self, said: tuple[Utterance, ...], *, closes: bool) -> Hint:
        config, view = self._practice.config, CounselorView.model_validate(self._past(said))
        if closes and view.end_reason is None:
            view = view.model_copy(update={"end_reason": "turn_limit"})
        if policy_of(config) != "llm":
            return hint_by_rules(view, config)
        with untraced():
            chosen = await choose(self._models, view, config)
        if isinstance(chosen, Failure):
            return hint_by_rules(view, config, fallback=chosen.message)
        return hint_of_pick(chosen)

    async def _planned(self, said: tuple[Utterance, ...]) -> Failure | None:
        """Make the plan where it is missing in the middle of a session; why there is none, if it fails.

        A plan is made from what was said so far, and has nothing of that as a step. So it is in force from this turn on, and begins
        with its first step, as a revised one does: the talk before it has done none of its steps.
        """
        config, view = self._practice.config, CounselorView.model_validate(self._past(said))
        if self._plan or not METHODS[config.method].plan or view.turn == 1 or view.end_reason:
            return None
        with untraced():
            made = await plan(self._models, view, config)
        if failure := made.get("failure"):
            return Failure.model_validate(failure)
        self._plan = Plan.model_validate(made["plan"] | {"turn": view.turn})
        return None

    def _past(self, said: tuple[Utterance, ...]) -> dict[str, Any]:
        """What the counselor's side knows; the techniques of a person's messages, by their labels, stand for its picks."""
        practice = self._practice
        profile, turns = practice.content.head.profile, max((item.turn for item in said), default=0)
        plans = (self._plan,) if self._plan else ()
        stood = {now.turn: now for now in course(said, (), plans, practice.config, turns)}
        read = has_signs(practice.config)
        picks = [
            Pick(**placed(stood[item.turn]), techniques=names, source="rules")
            for before, item in zip(("", *(one.text for one in said)), said, strict=False)
            if read and item.author == "human" and not item.closing and (names := techniques_of(item.text, before))
        ]
        past = update(
            session_id=practice.content.head.session_id,
            client_information=counselor_information(profile),
            reason_for_counseling=counselor_reason(profile),
            utterances=list(said),
            picks=picks,
        )
        if self._plan:
            past |= update(plan=self._plan)
        # What was said earlier did not close the session.
        if len(said) == len(practice.dialogue) and (reason := practice.state.get("end_reason")):
            past["end_reason"] = reason
        return past


def _key(said: tuple[Utterance, ...], *, closes: bool) -> _Key:
    return tuple((item.speaker, item.text) for item in said), closes
