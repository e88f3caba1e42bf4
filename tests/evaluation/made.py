"""Synthetic sessions: a clean one that is hard to keep clean, and one for every defect that can be planted in it."""

from collections.abc import Callable

from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.sessions import Message, Session
from counseling_sessions.state import Phase, Speaker

PROFILE = ClientProfile.model_validate(
    {
        "id": "nadia-late-invoices",
        "demographics": {
            "name": "Nadia Okafor",
            "age": 34,
            "occupation": "freelance designer",
            "family": "sister Ifeoma",
        },
        "reason_for_counseling": "I lie awake over unpaid invoices and snap at everybody.",
        "presenting_problem": {
            "what": "Two clients have not paid since March, and my own number, 0171 5550142, rings with reminders.",
            "tried": "I wrote from nadia@okafor.example to both of them, account number 40021.",
        },
        "labelled_techniques": ["Decatastrophizing", "Role-playing"],
    }
)
"""An invented client whose form has contact data of its own, and who has clients."""

SAID = (
    "Good morning, Nadia. What brings you here today?",
    "I hardly sleep. Two clients owe me for work I finished on 3 March 2024, and it's now the 28th of May.",
    "That is a long time to wait for what is yours. How do the nights go?",
    "I wake at 5:30, sometimes 4:15, and I count: $1,200,000 would not be enough, I joke. It's more like 9.500 euros.",
    "So the sums go round at half past five. What goes through your mind then?",
    'That I\'m a fraud. "You should have asked for money first," my father would say.',
    "You hear your father's voice in it. Does your client know how much depends on that invoice?",
    "No.",
    "And what would it mean for you to tell them?",
    "They'd drop me… I gave them my phone number, zero one seven, and they never rang!",
    "You waited by the phone, and it stayed silent. I can see why that stings, Nadia, and it makes sense.",
    "Yes.",
    "Is there somebody you told about this?",
    "My sister Ifeoma. She is 29, two flats down at number 14, and we talk every evening around 20:00 🙂",
    "How did Ifeoma take it?",
    "She laughed and said I always see the worst; she had a bet on 24/7 worry, 10 to 1 (she won).",
    "Suppose we looked at the worst together, step by step. What is the very worst that can follow?",
    "I lose the flat. I move back to my mother's, with 2 bags, at thirty-four *sighs*",
    "And between today and that day, what would have to happen first?",
    "Well, the savings would have to go. They'd last until 2026, or 2027–2028 if I'm careful.",
    "So there are years in between. On a scale from 0 to 100, how likely does the flat's loss look now?",
    "Perhaps 15, down from 80. I'd not have thought that.",
    "That is a large step. What could you write to one of the two clients this week?",
    'Something like: "Dear Mark, the invoice is due." Short. Mark is the friendlier one.',
    "I like how plain that is. When will you send it to Mark?",
    "On Thursday, before 10 a.m., with a coffee.",
    "Thank you, Nadia. We stop here today; take care until next week.",
    "Thanks, see you then :)",
)
"""A clean dialogue, counselor first. In it is much of what a careless check takes for a defect."""


def session(*said: str | tuple[Speaker, str], id: str = "made", **fields: object) -> Session:
    """A session of these messages, counselor first and in turn unless a message comes with its speaker."""
    dialogue: list[Message] = []
    turn = 0
    for one in said:
        after: Speaker = "client" if dialogue and dialogue[-1].speaker == "counselor" else "counselor"
        speaker, text = (after, one) if isinstance(one, str) else one
        turn += speaker == "counselor"
        dialogue.append(Message(turn=max(turn, 1), speaker=speaker, text=text))
    return Session.model_validate({"id": id, "source": "made", "dialogue": tuple(dialogue), **fields})


def clean(id: str = "clean", **fields: object) -> Session:
    """The clean session: 14 turns, 28 messages, without any finding."""
    return session(*SAID, id=id, **({"profile": PROFILE} | fields))


def changed(base: Session, place: int, text: str) -> Session:
    """The session with another text at a 0-based place of its dialogue."""
    dialogue = list(base.dialogue)
    dialogue[place] = dialogue[place].model_copy(update={"text": text})
    return base.model_copy(update={"dialogue": tuple(dialogue)})


def traced(base: Session, used: list[tuple[Phase, tuple[str, ...], int | None]], **fields: object) -> Session:
    """The session with phase, techniques and plan step of its counselor messages, in their order."""
    dialogue = list(base.dialogue)
    counselor = [place for place, message in enumerate(dialogue) if message.speaker == "counselor"]
    for place, (phase, techniques, step) in zip(counselor, used, strict=False):
        dialogue[place] = dialogue[place].model_copy(update={"phase": phase, "techniques": techniques, "step": step})
    return base.model_copy(update={"dialogue": tuple(dialogue), **fields})


def _text(place: int) -> str:
    return SAID[place]


DEFECTS: dict[str, list[tuple[int, Callable[[], str]]]] = {
    "empty": [(7, str), (11, lambda: "Client:"), (14, lambda: "…"), (25, lambda: "**Client:** ")],
    "repeat": [
        (15, lambda: _text(13)),
        (20, lambda: _text(4).upper()),
        (23, lambda: f"  {_text(1)[:-1]} !"),
    ],
    "near_repeat": [
        (15, lambda: _text(13).replace("20:00", "20:30")),
        (18, lambda: _text(16).replace("can follow", "can come after")),
    ],
    "said_twice": [(9, lambda: "They'd drop me for good. Why would they wait? They'd drop me for good.")],
    "label": [
        (2, lambda: f"Counselor: {_text(2)}"),
        (7, lambda: f"Client: {_text(7)}"),
        (16, lambda: f"**Therapist:** {_text(16)}"),
        (18, lambda: f"Questioning specialist: {_text(18)}"),
    ],
    "meta_talk": [
        (2, lambda: f"Here is a possible response: {_text(2)}"),
        (5, lambda: "As a language model I do not sleep."),
        (16, lambda: f"{_text(16)} (Note: this keeps to the plan.)"),
        (20, lambda: f"{_text(20)} Normalization, Psychoeducation, Reflection, Providing solutions."),
        (25, lambda: f"{_text(25)} [/END]"),
        (18, lambda: f"{_text(18)}<|eot_id|>."),
    ],
    "reasoning": [
        (2, lambda: f"<think>He waits, so I validate.</think>{_text(2)}"),
        (5, lambda: "We need to answer as the client."),
        (7, lambda: "What would Nadia say? Something short."),
        (16, lambda: f"Okay, the user wants more. {_text(16)}"),
        (18, lambda: f"analysisShe is calm.assistantfinal{_text(18)}"),
    ],
    "refusal": [
        (5, lambda: "I'm sorry, but I can't help with that."),
        (16, lambda: "I am unable to engage in this simulation."),
    ],
    "role_flip": [
        (4, lambda: f"{_text(4)}\nClient: That I'm a fraud."),
        (17, lambda: "As your counselor, I'd say you are safe."),
        (9, lambda: "They'd drop me. I am the therapist here, after all."),
        (14, lambda: "How did Ifeoma take it? I'm your patient, you know."),
        (17, lambda: "Assistant: Suppose we go on."),
        (18, lambda: "Human： I lose the flat first."),
        (16, lambda: "Patient： I would like to look at the worst."),
        (10, lambda: _text(9)),
        (19, lambda: _text(18).replace("first", "then")),
    ],
    "truncated": [
        (2, lambda: "That is a long time to wait for what is"),
        (9, lambda: "They'd drop me, and then"),
        (13, lambda: "My sister Ifeoma. She is 29 (and"),
        (22, lambda: "Write to one of them. First steps:\n- draft the letter.\n- send"),
    ],
    "wrong_language": [
        (3, lambda: "Ich wache um halb sechs auf und rechne, bis der Wecker klingelt, und dann stehe ich auf."),
        (16, lambda: "Imaginez le pire avec moi, pas à pas, et dites-moi ce qui vous fait le plus peur ce soir."),
        (9, lambda: "Nie wiem, co mam robić, i tak to jest, i to mnie męczy, a potem i tak nic z tego nie ma i nie śpię."),
        (12, lambda: "你最近有没有把这件事告诉过别人？"),
        (19, lambda: f"{_text(19)} Los ahorros se acabarían primero, y después tendría que pedirle dinero a mi hermana. "
         "Ya se lo dije a ella, pero no me quiere creer, y yo tampoco sé qué es lo que va a pasar con el piso."),
        (20, lambda: f"{_text(20)} 我们可以一步一步来看这个问题。"),
    ],
    "contact": [
        (2, lambda: f"{_text(2)} Write to me at counselor.office+new@clinic.example.org."),
        (9, lambda: "They'd drop me, and I gave them my phone number, 0151 234567."),
        (12, lambda: "You can reach me at (555) 010-4477."),
        (16, lambda: f"{_text(16)} There is a worksheet on https://worksheets.example/worst-case."),
        (18, lambda: f"{_text(18)} Look it up on calm-nights.org."),
        (19, lambda: "Well, the savings are in account number 99120."),
        (21, lambda: "Perhaps 15, as I wrote under 482910553."),
        (24, lambda: "I like how plain that is. The helpline is +44 20 7946 0018."),
        (3, lambda: "I wake at 5:30 and hear it ring. They call me from 555-0147 at night."),
        (5, lambda: "That I'm a fraud, number 078-05-1120 in their books."),
        (17, lambda: "I lose the flat, the card too, 4111 1111 1111 1111, and all."),
        (23, lambda: "Something short: pay to GB29 NWBK 6016 1331 9268 19."),
        (25, lambda: "On Thursday, from DE89 3704 0044 0532 0130 00."),
    ],
    "name": [
        (0, lambda: "Good morning, Helena. What brings you here today?"),
        (10, lambda: "You waited by the phone, Rebecca, and it stayed silent."),
        (12, lambda: "Is there somebody you told about this, Miriam?"),
        (14, lambda: "How did your sister Ngozi take it?"),
        (17, lambda: "My name is Clara, and I lose the flat."),
        (26, lambda: "Thank you, Dr. Weber. We stop here today."),
    ],
    "contradiction": [
        (13, lambda: _text(13).replace("My sister", "My daughter")),
        (14, lambda: "How did your aunt Ifeoma take it?"),
        (13, lambda: "There is Ifeoma, my cousin. She lives two flats down."),
    ],
    "leak": [(0, lambda: "Good morning, Nadia. What has happened since March?")],
}  # fmt: skip
"""By kind, the places of the clean session and the texts that put exactly that one defect there."""


def planted(kind: str) -> list[tuple[Session, int]]:
    """The sessions with exactly one finding of a kind each, and the place of its message."""
    return [(changed(clean(f"{kind}-{place}"), place, text()), place) for place, text in DEFECTS[kind]]
