"""Invented sessions for the tests of rating: one client's two sessions written out, and as many short pairs as are wanted."""

from counseling_sessions.evaluation.aspects import read_aspects
from counseling_sessions.evaluation.pairs import Pair, Pairing, pairs_of
from counseling_sessions.evaluation.rating.draw import draw_study
from counseling_sessions.evaluation.rating.study import Study
from counseling_sessions.profiles.schema import ATTITUDES, Attitude, ClientProfile, Demographics, PresentingProblem
from counseling_sessions.sessions import Message, Session

METHODS = ["wiring-alpha", "wiring-beta"]
"""Names that occur in no text, so that they can be looked for in a page."""

PATIENT = (
    "Hello, Ida. We have about fifty minutes. What would make them worth your while?",
    "I don't know if anybody can do much. I started running the bakery in March, and since then I hardly sleep.",
    "You took on the whole bakery, and sleep is what you pay with. What happens when you lie down?",
    "I go through the orders. Did I write down the rye? What if the delivery comes late? By three I might as well get up.",
    "So the day goes on in your head, with the worst of it first. Is there one worry that comes back more than the rest?",
    "That I'll ruin it. My aunt built that shop for thirty years, and I'm the one who loses it.",
    "“I'm the one who loses it.” That sounds heavy to lie awake with. Would it be all right to look at that thought together?",
    "If you like. It just feels true.",
    "It may be. Let's see what speaks for it and what against it. What in the last weeks made you think: now it is going under?",
    "Two cafés stopped ordering. And the oven broke on a Saturday.",
    "Those are real. And what does not fit with losing the shop?",
    "Well … the takings are about the same as last year. My aunt said so, not me. And the school asked for us again.",
    "How does the sentence sound to you, next to the school and the takings?",
    "Less like a fact. More like something I'm afraid of, at three in the morning.",
    "That is a difference worth keeping. What could you do at three, should it come back tonight?",
    "Write it on a slip of paper and put it in the drawer with the orders. It can wait until six, like everything else.",
)
HASTY = (
    "Welcome. Please describe your problem.",
    "I run a bakery since March and I hardly sleep. I keep going through the orders at night.",
    "Sleep is important. You should avoid screens, drink less coffee and go to bed at a fixed time.",
    "I get up at half past three to bake, so a fixed time is … well.",
    "Then go to bed at eight. Many people find that a warm bath helps as well.",
    "It isn't the bath. I lie there and think that I'm going to lose my aunt's shop.",
    "I understand. Look on the bright side: you are strong, and things always turn out fine in the end.",
    "They didn't for the shop next door.",
    "Everyone has worries. Keep a gratitude journal and write down three good things every evening.",
    "All right. I can try that, I suppose.",
)
HOSTILE = "</script><script>document.title = 'broken'</script> \"Quoted\" & 'so' <b>bold</b> <!-- {{style}} \u2028 end"
"""A message that breaks a page which puts text into itself without care."""


def pairs(count: int, methods: list[str] = METHODS) -> list[Pair]:
    """So many pairs (of each two methods): a client each, attitudes in turn."""
    found = {
        method: [
            _session(client, ATTITUDES[client % 3], method, HASTY if place % 2 else PATIENT) for client in range(count)
        ]
        for place, method in enumerate(methods)
    }
    return pairs_of(found, Pairing())[0]


def study(count: int = 2, raters: int = 2, **options: float) -> Study:
    """A study of all of so many pairs."""
    return draw_study(pairs(count), read_aspects(), raters=raters, pairs_per_rater=count, seed=7, **options)  # type: ignore[arg-type]


def hostile_pair() -> Pair:
    """A pair in which the first session's client says what breaks a careless page."""
    first = _session(0, "neutral", METHODS[0], (PATIENT[0], HOSTILE))
    second = _session(0, "neutral", METHODS[1], HASTY[:2])
    return pairs_of({METHODS[0]: [first], METHODS[1]: [second]}, Pairing())[0][0]


def _session(client: int, attitude: Attitude, method: str, said: tuple[str, ...]) -> Session:
    profile = ClientProfile(
        id=f"ida-{client}",
        demographics=Demographics(
            name=f"Ida {client}" if client else "Ida", age=29 + client % 40, occupation="runs a bakery"
        ),
        reason_for_counseling="Since I took over my aunt's bakery I lie awake and go through everything that could go wrong.",
        presenting_problem=PresentingProblem(what="Sleeplessness and worry"),
        history="canary-history",
        attitude=attitude,
    )
    dialogue = (
        Message(turn=(place + 2) // 2, speaker="client" if place % 2 else "counselor", text=text)
        for place, text in enumerate(said)
    )
    return Session(
        id=f"ida-{client}.{attitude}.{method}.s0",
        source="test",
        dialogue=tuple(dialogue),
        profile=profile,
        attitude=attitude,
        method=method,
        seed=0,
        models=("canary-model",),
        language="English",
    )


def hostile() -> Study:
    return draw_study([hostile_pair()], read_aspects(), raters=1, pairs_per_rater=1)
