"""What becomes of clients with counselors of different kinds: outcomes, trust, openness and lengths, without a model.

Every built-in client comes with each attitude to an understanding counselor, to a pushing one and to one who is both by turns. Their
sentences are scripted; the client's inner state is the program's own. A client says what its state lets it tell.
"""

import argparse
import random
import sys
from collections import Counter
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from counseling_sessions.nodes.inner import ends_offered, leaves, next_state, states_so_far, thing_text
from counseling_sessions.nodes.intake import opening_of
from counseling_sessions.profiles.library import builtin_profiles
from counseling_sessions.profiles.schema import ATTITUDES, Attitude, ClientProfile
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientState, ClientView, Utterance

ASKED = (
    "What goes through your mind then?",
    "When did that begin?",
    "How is it at home?",
    "Who knows about this?",
    "What have you tried so far?",
    "How do you sleep with that?",
    "What was it like when you were young?",
    "What would you say to a friend in it?",
    "How sure are you of that thought now?",
)
PROPOSED = (
    "What if you tried one small step with it this week? It's up to you.",
    "Could we test that here, if you like?",
)
PUSHED = (
    "You should just talk to them. It's important to be open.",
    "Why don't you go for a run every morning? You need to get out more.",
    "You must be angry about it. Don't think about it so much.",
    "Let's make a plan: you have to stop avoiding it, and just do it tomorrow. Did you try? Why not? What stops you?",
    "Anxiety is a habit of the brain. The body reacts with an alarm, and avoidance feeds the fear. Every time that you stay away "
    "the alarm gets louder, which is called a vicious circle. Research has shown in many studies that people who do the opposite "
    "get better within a few weeks. So this is what we are going to do now as well, step by step, until the alarm is quiet.",
)
FILLER = (
    "It was like that again on Tuesday, and I did not sleep much after it.",
    "I don't know. It comes, and then I feel tired and a bit ashamed.",
    "Maybe. It is hard to say that out loud.",
    "They look at me and I think they can see it, and so I go home early.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    config = SessionConfig(max_turns=args.turns, seed=args.seed)
    table = Table(
        "counselor",
        "attitude",
        "clients",
        "left",
        "could end well",
        "belief",
        "trust at turns 1, ⅓, ⅔, end",
        "open: 1, 2, 3 at ⅔",
        "steps",
        box=None,
    )
    console, lengths = Console(width=170), Counter[str]()
    for kind in ("understanding", "mixed", "pushing"):
        for attitude in ATTITUDES:
            sessions = [session(profile, attitude, kind, config) for profile in builtin_profiles()]
            table.add_row(kind, attitude, *summary(sessions, config))
            lengths.update(state.length for states, _ in sessions for state in states[1:])
    console.print(table)
    total = lengths.total()
    console.print("lengths: " + ", ".join(f"{name} {count / total:.0%}" for name, count in lengths.most_common()))


def session(
    profile: ClientProfile, attitude: Attitude, kind: str, config: SessionConfig
) -> tuple[list[ClientState], set[str]]:
    """The client's states of a session from its arrival on, and the ends that it could have declared."""
    chance = random.Random(f"{profile.id} {attitude} {kind} {config.seed}")
    said, states, offered = list(opening_of(profile)), [], set[str]()
    view = ClientView(profile=profile, attitude=attitude)
    for turn in range(1, config.max_turns + 1):
        before = next((one.text for one in reversed(said) if one.speaker == "client"), "")
        said.append(Utterance(turn=turn, speaker="counselor", text=message(kind, turn, before, chance)))
        view = ClientView(profile=profile, attitude=attitude, utterances=tuple(said), client_states=tuple(states))
        state = next_state(view, config)
        states.append(state)
        offered |= ends_offered(profile, (*states_so_far(view, config), state), config)
        if leaves((*states_so_far(view, config), state), config):
            offered.add("gone")
            break
        telling = thing_text(profile, state.item, said, state.length) or chance.choice(FILLER)
        said.append(Utterance(turn=turn, speaker="client", text="Hm. Yes." if state.length == "few_words" else telling))
    return [*states_so_far(view, config)[:1], *states], offered


def message(kind: str, turn: int, before: str, chance: random.Random) -> str:
    """What a counselor of this kind says after the client's words."""
    if kind == "pushing" or (kind == "mixed" and chance.random() < 0.4):
        return chance.choice(PUSHED)
    words = before.rstrip(".!?").split()
    echo = " ".join(words[: 4 + chance.randrange(8)]).lower().strip(",;")
    if turn > 10 and chance.random() < 0.3:
        return f"It sounds like this matters: {echo}. {chance.choice(PROPOSED)}"
    if chance.random() < 0.2:
        return f"So, {echo}. Anyone in your place would feel that, it makes sense."
    if chance.random() < 0.25:
        return chance.choice(ASKED)
    return f"It sounds like a lot: {echo}. {chance.choice(ASKED)}"


def summary(sessions: list[tuple[list[ClientState], set[str]]], config: SessionConfig) -> list[str]:
    """A row of the table for the sessions of one counselor and attitude."""
    gone = sum("gone" in ends for _, ends in sessions)
    well = sum("resolved" in ends and "gone" not in ends for _, ends in sessions)
    places = (1, config.max_turns // 3, 2 * config.max_turns // 3, config.max_turns)
    trust = [mean(states[min(place, len(states) - 1)].trust for states, _ in sessions) for place in places]
    opened = Counter(states[min(places[2], len(states) - 1)].openness for states, _ in sessions)
    belief = [mean(states[place].belief for states, _ in sessions) for place in (0, -1)]
    steps = Counter(state.step for states, _ in sessions for state in states if state.step)
    return [
        str(len(sessions)),
        f"{gone / len(sessions):.0%}",
        f"{well / len(sessions):.0%}",
        " → ".join(f"{value:.1f}" for value in belief),
        ", ".join(f"{value:.1f}" for value in trust),
        ", ".join(f"{opened[level] / len(sessions):.0%}" for level in (1, 2, 3)),
        ", ".join(f"{name} {count}" for name, count in steps.most_common()),
    ]


if __name__ == "__main__":
    main()
