"""The guards: what each one catches, what it must let pass, and that nothing caught enters a dialogue."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counseling_sessions.integrity.spoken import END_MARKER, RECENT, Past, Spoken, split_marker
from counseling_sessions.nodes.attempts import Unusable, Usable
from counseling_sessions.nodes.guards import GUARDS, OF_PROTOCOL, STRICT, TO_PERSON, check
from counseling_sessions.nodes.mending import cut, repair, tidy
from counseling_sessions.nodes.speaking import SpeechRequest, speak
from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import normalized
from tests.scripted import config, said, scripted_models

EARLIER = "I walked home past the bakery and forgot to buy the bread again."
NEARLY = "I walked home past the bakery and forgot to buy the bread today."

LONG = " ".join(f"Night {number} was a long one for you." for number in range(12))

BAD: dict[str, list[tuple[Speaker, str]]] = {
    "empty": [
        ("client", ""),
        ("client", " \n "),
        ("client", "… ?!"),
        ("client", "[END: resolved]"),
        ("counselor", "🙂"),
    ],
    "label": [
        ("client", "Client: I slept badly."),
        ("client", "**The client**: I slept badly."),
        ("client", "Patient： I slept badly."),
        ("counselor", "Counsellor: That was a long night."),
        ("counselor", "# Therapist : That was a long night."),
        ("counselor", "Cognitive restructuring specialist: That was a long night."),
        ("client", "Client (hesitant): I slept badly."),
        ("client", "Ada: I slept badly."),
        ("client", "### Response\nI slept badly."),
        ("counselor", "Merged utterance: That was a long night."),
    ],
    "meta_talk": [
        ("counselor", "Here's a warm response: That was a long night."),
        ("counselor", "Here is a possible reply that validates the feeling. That was long."),
        ("counselor", "Sure! Here is my draft: That was a long night."),
        ("counselor", "Okay, the rewritten message: That was a long night."),
        ("client", "As an AI, I have no family."),
        ("client", "As a large language model I cannot feel."),
        ("counselor", "That was long. This response aims to validate."),
        ("counselor", "That was long. This message shows empathy."),
        ("counselor", "Response to the client:\nThat was a long night."),
        ("counselor", "I can tell from your intake form."),
        ("counselor", "Note: that was a long night."),
        ("counselor", "That was long. (Note that I kept it short.)"),
        ("counselor", "That was long. (End of session)"),
        ("counselor", "Hello [Name], that was long."),
        ("counselor", '{"message": "That was a long night."}'),
        ("counselor", "The client feels left out, so comfort matters."),
        ("client", "I slept badly.\n\nLet me know if you'd like me to adjust the tone!"),
        ("client", "I slept badly. Would you like me to continue the roleplay?"),
        ("counselor", "That was long.\n\n**Why this works:** It reflects the feeling."),
        ("counselor", "That was long.\nRationale: it reflects the feeling."),
        ("client", "I slept badly. *(This response shows avoidance.)*"),
        ("client", "[OOC: is this okay?] I slept badly."),
    ],
    "reasoning": [
        ("client", "We need to answer as the client. She is tired."),
        ("client", "Okay, the user wants me to play a nurse."),
        ("client", "Let me think about what Ada would say. She has not slept."),
        ("client", "What would Ada say? Something short."),
        ("client", "I should respond as Ada."),
        ("counselor", "As the counselor, my next message should validate her."),
        ("counselor", "Thinking Process:\n\n1. **Analyze the Request:** a counselor speaks."),
        ("counselor", "Keep it short. We should mention the sister. That was long."),
        ("counselor", "好的，用户希望我扮演咨询师。"),
    ],
    "refusal": [
        ("client", "I'm sorry, but I can’t help with that."),
        ("counselor", "I cannot fulfill this request."),
        ("counselor", "I'm unable to provide the help that you need."),
        ("client", "Es tut mir leid, aber dabei kann ich nicht helfen."),
        ("client", "很抱歉，我无法满足您的请求。"),
    ],
    "filtered": [("client", "I slept badly."), ("counselor", "That was a long night.")],
    "repeat": [
        ("client", EARLIER),
        ("client", EARLIER.upper()),
        ("client", f"  {EARLIER[:-1]} !"),
        ("client", EARLIER + " [END]"),
    ],
    "near_repeat": [("client", NEARLY), ("client", "The stall is mine. It rains. The stall is mine.")],
    "role_flip": [
        ("client", "I slept badly.\nCounselor: Tell me more."),
        ("client", 'I slept badly. Therapist: "Tell me more."'),
        ("client", "I slept badly.\n\nHuman: Tell me more."),
        ("client", "I slept badly.\nuser: Tell me more."),
        ("counselor", "Tell me more.\n\nUser: I slept badly."),
        ("client", "I slept badly.\nTherapist (gently): Tell me more."),
        ("client", "I slept badly.\n**Counselor**\nTell me more."),
        ("client", "I slept badly.\nCOUNSELOR\nTell me more."),
        ("client", "As your counselor, I want to hear more."),
        ("client", "I’m the therapist here."),
        ("counselor", "Tell me more.\nClient: I slept badly."),
        ("counselor", "I'm your client, after all."),
        ("counselor", "Thank you, counselor."),
    ],
    "risk": [
        ("client", "I thought I was going to kill myself over that exam."),
        ("client", "There are suicidal thoughts, sometimes."),
        ("client", "Some nights I want to die."),
    ],
    "means": [
        ("client", "I already know how I would do it, and when."),
        ("client", "My uncle wrote a suicide note and nobody saw it."),
        ("counselor", "They would be better off without you."),
        ("counselor", "Do you have access to a gun?"),
        ("client", "I want to stab him."),
    ],
    "truncated": [("client", "I slept badly and then"), ("client", "I slept badly,"), ("client", "そうです。でも")],
    "long": [("counselor", LONG)],
    "asks": [("counselor", "That was long. Who was with you?"), ("counselor", "“Who was with you?”")],
    "further_session": [
        ("counselor", "We can look at that in our next session."),
        ("counselor", "Take care until next week."),
        ("counselor", "Goodbye. See you on Friday."),
    ],
}

GOOD: list[tuple[Speaker, str]] = [
    ("counselor", "Have there been thoughts of suicide, or of harming yourself?"),
    ("counselor", "Do you have a plan? Have you thought about how you would do it?"),
    ("client", "I hurt myself lifting the crates, and the commute is killing me."),
    ("client", "The client said the logo was boring, and I drew it again."),
    ("client", "I sent a message to the client and waited all night."),
    ("client", "The response was silence."),
    ("client", "Here's the message he sent me last night."),
    ("client", "Here is the answer I keep giving myself."),
    ("client", "Okay, so I sent her a message."),
    ("client", "Sure, I'll write the reply."),
    ("client", "This message shows how little he cares."),
    ("client", "I was over the word limit again, and I cut the best part."),
    ("client", "I never called back (end of story)."),
    ("client", "(Note to self: breathe.)"),
    ("client", "I'm a patient person."),
    ("client", "I'm the counselor at a middle school."),
    ("client", "As the counselor for the ninth grade I have to be calm."),
    ("client", "My old therapist told me: breathe."),
    ("client", 'He said: "You are the client, you pay."'),
    ("client", "My insurance agent: he never calls."),
    ("client", "No."),
    ("client", LONG),
    ("client", "Can we meet again next week?"),
    ("counselor", "Next time he calls, you let it ring."),
    ("client", "No, no, no."),
    ("client", "I can't. I can't."),
    ("client", "はい。よく眠れません。"),
    ("client", "「はい。」"),
    ("client", "هل هذا طبيعي؟"),
    ("client", "میں ٹھیک ہوں۔"),
    ("client", "मैं ठीक हूँ।"),
    ("client", "ฉันสบายดี"),
    ("client", "That helps 🙂"),
    ("client", "Thanks. 🙏🏽"),
    ("client", "I just…"),
    ("client", "I feel lighter. [END: resolved]"),
    ("client", "I miss her <3"),
    ("client", "I don't know :)"),
    ("client", "I saw two people:\nmy counselor\nand my boss."),
    ("client", "My response was silence: none."),
    ("counselor", "Let me know if you'd like me to slow down."),
    ("counselor", "Would you like me to continue with the exercise?"),
    ("client", "*sighs* Maybe."),
    ("client", "I need to think."),
    ("client", "Let me think about what she would say."),
    ("client", "What would she say? Something short."),
    ("counselor", "What would Ada of ten years ago say?"),
    ("client", "I can't help it."),
    ("client", "I'm sorry, but I can't do that tomorrow."),
    ("client", "I can't help with the kids at night."),
    ("client", "It costs 3:40 a minute."),
    ("counselor", "This response is meant to protect you."),
    ("counselor", "Okay, so a message from her set it off."),
    ("counselor", "You told the human resources people: enough."),
    ("counselor", "What would you say to a friend in this place?"),
]


ENDINGS = {"filtered": "content_filter"}
"""The finish reasons by which some guards know a message."""


def draft(text: str, speaker: Speaker, **more: object) -> Spoken:
    own = Past([EARLIER] if speaker == "client" else [])
    names = frozenset({"ada"} if speaker == "client" else ())
    return Spoken(tidy(text, speaker), speaker, own, names=names, **more)  # type: ignore[arg-type]


def kinds(text: str, speaker: Speaker, **more: object) -> set[str]:
    return {finding.kind for finding in check(draft(text, speaker, **more))}


def test_every_guard_has_bad_messages_here() -> None:
    assert BAD.keys() == GUARDS.keys() - STRICT - TO_PERSON - OF_PROTOCOL  # of these in tests/integrity and tests/graph


@pytest.mark.parametrize(("guard", "speaker", "text"), [(name, *bad) for name, items in BAD.items() for bad in items])
def test_each_guard_objects(guard: str, speaker: Speaker, text: str) -> None:
    asks = False if guard == "asks" else None
    assert guard in kinds(text, speaker, finish_reason=ENDINGS.get(guard, "stop"), asks=asks)


@pytest.mark.parametrize(("speaker", "text"), GOOD)
def test_good_messages_pass_every_guard(speaker: Speaker, text: str) -> None:
    assert check(draft(text, speaker)) == []


@pytest.mark.parametrize(("words", "closing"), [(80, False), (110, True)])
def test_a_counselors_message_has_as_many_words_as_its_kind_may_have(words: int, closing: bool) -> None:
    text = "night " * (words - 1) + "night."
    assert "long" not in kinds(text, "counselor", closing=closing)
    assert "long" in kinds(f"The {text}", "counselor", closing=closing)
    assert "long" not in kinds(f"The {text}", "client")


def test_a_question_passes_where_one_may_be_asked() -> None:
    assert kinds("What came first?", "counselor", asks=True) == kinds("What came first?", "counselor") == set()


def test_an_answer_of_one_word_given_again_is_a_repeat() -> None:
    assert [finding.kind for finding in check(Spoken("No!", "client", past=Past(("No.",))))] == ["repeat"]


def test_an_exact_repeat_is_found_however_long_ago_and_a_near_one_only_lately() -> None:
    since = [f"Number {n} is about plant {n} and pot {n}." for n in range(RECENT)]
    assert [finding.kind for finding in check(Spoken(EARLIER, "client", past=Past([EARLIER, *since])))] == ["repeat"]
    assert check(Spoken(NEARLY, "client", past=Past([EARLIER, *since]))) == []
    assert [finding.kind for finding in check(Spoken(NEARLY, "client", past=Past([EARLIER, *since[1:]])))] == [
        "near_repeat"
    ]


@pytest.mark.parametrize("text", [EARLIER, NEARLY, EARLIER.upper()])
def test_the_other_persons_words_given_back_whole_are_a_role_flip(text: str) -> None:
    assert [finding.kind for finding in check(Spoken(text, "counselor", others_past=Past([EARLIER])))] == ["role_flip"]


def test_a_counselor_may_speak_of_the_clients_of_a_client_who_has_some() -> None:
    text = "When the client said no, what went through your mind?"
    assert kinds(text, "counselor") == {"meta_talk"}
    assert kinds(text, "counselor", others_past=Past(["The client hated my logo."])) == set()
    assert repair(draft(f"{text} And", "counselor", others_past=Past(["The client hated my logo."]))) == text


def test_the_token_limit_counts_as_truncated_even_after_a_full_stop() -> None:
    assert kinds("It is late.", "client", finish_reason="length") == {"truncated"}
    assert kinds("It is late.", "client", finish_reason="stop") == set()


@pytest.mark.parametrize("reason", ["content_filter", "SAFETY", "prohibited_content"])
def test_every_filters_finish_reason_counts(reason: str) -> None:
    assert kinds("It is late.", "client", finish_reason=reason) == {"filtered"}


@pytest.mark.parametrize(
    "text", ["We need to answer as the client. She is tense.", "I cannot fulfill this request. Call me."]
)
def test_nothing_is_left_of_a_message_that_thinks_aloud_or_refuses(text: str) -> None:
    assert repair(draft(text, "client")) == ""


async def _say(guard: str) -> Usable[str] | Unusable:
    speaker, text = ENTERING[guard]
    finish_reason, asks = ENDINGS.get(guard, "stop"), False if guard == "asks" else None
    models, _ = scripted_models(lambda asked: said(text, finish_reason))
    other = ["I wonder where the morning went, and who took it."]
    once = config(guard_attempts=1)
    request = SpeechRequest(speaker, 1, "", once, [said("Say something.")], speaker, [EARLIER], other, asks=asks)
    return await speak(models, request)


ENTERING: dict[str, tuple[Speaker, str]] = {
    "empty": ("client", "… ?!"),
    "label": ("client", "Client: I slept badly."),
    "meta_talk": ("counselor", "As an AI, I have no family."),
    "reasoning": ("client", "We need to answer as the client."),
    "refusal": ("client", "I cannot fulfill this request."),
    "filtered": ("client", "I slept badly."),
    "repeat": ("client", EARLIER),
    "near_repeat": ("client", NEARLY),
    "role_flip": ("counselor", "I'm your client, after all."),
    "risk": ("client", "Some nights I want to die."),
    "means": ("counselor", "Everyone would be better off without you."),
    "truncated": ("client", "I slept badly and then"),
    "long": ("counselor", "That was the longest of all nights, " * 13 + "was it not."),
    "asks": ("counselor", "What came first?"),
    "further_session": ("counselor", "We can look at that in our next session."),
}


@pytest.mark.parametrize("guard", [name for name in GUARDS if name not in STRICT | TO_PERSON | OF_PROTOCOL])
async def test_a_bad_message_is_kept_out_by_its_guard_and_by_no_other(
    guard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = ENTERING[guard]
    answer = await _say(guard)
    if isinstance(answer, Unusable):
        assert answer.failure.call
        assert guard in {finding.kind for finding in answer.failure.call.findings}
    else:
        assert answer.value != text
    monkeypatch.delitem(GUARDS, guard)
    answer = await _say(guard)
    assert isinstance(answer, Usable)
    assert answer.value == text


@pytest.mark.parametrize(
    ("speaker", "text", "mended"),
    [
        ("counselor", "Counselor: Reflection specialist: That was long.", "That was long."),
        ("counselor", "Sure, here is my draft: hm. That was long.", "That was long."),
        ("counselor", "That was long.\nClient: Yes. It was.", "That was long."),
        ("client", f"{EARLIER} It rained.", "It rained."),
        ("client", "It rained. It rained. I ran.", "It rained. I ran."),
        ("client", "It rained. And then", "It rained."),
        ("client", "It rained. I already know how I would do it.", "It rained."),
        ("client", "そうです。でも違います。まだ", "そうです。でも違います。"),
        ("client", "Client: Goodbye. [END: left]", "Goodbye. [END: left]"),
        ("client", "Client: Goodbye. [end]", "Goodbye. [END: resolved]"),
        ("client", "Client: I read [END: left] there. It stays.", "I read there. It stays."),
        ("client", "I ran. I fell.\n\nHuman: Why?", "I ran. I fell."),
        ("client", "I ran. I fell.\nuser: Why?", "I ran. I fell."),
        ("client", "I ran. I fell.\nTherapist (gently): Why?", "I ran. I fell."),
        ("client", "I ran. I fell.\n**Counselor**\nWhy?", "I ran. I fell."),
        ("client", "I ran. I fell.\nCOUNSELOR\nWhy?", "I ran. I fell."),
        ("counselor", "Assistant: That was long.", "That was long."),
        ("client", "Client: *sighs* I ran.", "*sighs* I ran."),
        *(
            ("client", f"{heading}I ran. I fell.", "I ran. I fell.")
            for heading in (
                "Response: ",
                "Reply: ",
                "### Response\n",
                "# Client Response\n\n",
                "**Client** ",
                "**Client**\n",
                "Client (hesitant): ",
                "Ada: ",
                "**Ada:** ",
                "Merged utterance: ",
                "Final message:\n",
                "Here's Ada's response:\n\n",
                "Sure, here you go:\n\n",
            )
        ),
        ("client", "It rained and", ""),
        ("client", "Client: [END]", ""),
        ("client", ":。Client:.", ""),
    ],
)
def test_repair_takes_out_what_is_wrong(speaker: Speaker, text: str, mended: str) -> None:
    assert repair(draft(text, speaker)) == mended


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('"I slept badly."', "I slept badly."),
        ('"No," he said, "never."', '"No," he said, "never."'),
        ("<think>hm, who am I?</think> Fine.", "Fine."),
        ("who am I?</think>\n\nFine.", "Fine."),
        ("Fine. <think>but", "Fine."),
        ("a\u200bb\x00c\u202e", "abc"),
        ("می\u200cروم", "می\u200cروم"),
    ],
)
def test_tidy(text: str, left: str) -> None:
    assert tidy(text, "client") == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("I ran. I fell.", "I ran. I fell."),
        ("I ran. I fell. I slept.", "I ran. I fell."),
        ("I ran and ran and fell.", "I ran and ran"),
        ("I paid them 3.50 a day.", "I paid them"),
        ("I" * 99, "I" * 14),
        ("走った。転んだ。眠った。起きた。", "走った。転んだ。眠った。"),
        ("I ran. I ran. I ran, and " + "so " * 99 + "bye. [END: left]", "I [END: left]"),
    ],
)
def test_a_long_message_is_cut_at_a_sentence_or_a_word_and_keeps_its_marker(text: str, left: str) -> None:
    assert cut(text, 14) == left
    assert cut(text, len(text)) == text


def test_only_a_clients_end_marker_survives_tidying() -> None:
    assert tidy("Bye. [END]", "client") == "Bye. [END]"
    assert tidy("Bye. [END]", "counselor") == "Bye."


TEXT = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            [
                "Client:",
                "counselor :",
                "[END",
                "[END: left]",
                "]",
                "[",
                " END]",
                '"',
                "<think>",
                "</think>",
                "I ran.",
                "I ran. ",
                "x",
            ]
            + [
                "\n",
                " ",
                "**",
                ". ",
                ":",
                "。",
                "🙂",
                "»",
                "\u200b",
                "\ud800",
                "As an AI",
                "here's my reply: ",
                "foo",
                "reflection specialist:",
            ]
        ),
        max_size=14,
    ).map("".join),
)
SPEAKER = st.sampled_from(["client", "counselor"])


def words(text: str) -> list[str]:
    return re.findall(r"\w+", normalized(END_MARKER.sub(" ", text)))


@given(TEXT, SPEAKER, st.lists(TEXT, max_size=2), st.lists(TEXT, max_size=2))
def test_on_any_text_nothing_raises_and_a_repair_is_stable_and_invents_nothing(
    text: str, speaker: Speaker, own: list[str], other: list[str]
) -> None:
    past = Past(own), Past(other)
    judged = Spoken(tidy(text, speaker), speaker, *past)
    check(judged)
    mended = repair(judged)
    assert repair(Spoken(mended, speaker, *past)) == mended
    assert set(words(mended)) <= set(words(judged.text))
    assert split_marker(mended)[1] in (None, split_marker(judged.text)[1])


def test_markers_stay_where_a_message_is_cut_or_mended() -> None:
    assert cut("One sentence here. " * 9 + "[HEARD: pushed] [END: left]", 80).endswith(
        "here. [HEARD: pushed] [END: left]"
    )
    assert repair(Spoken("Client: I ran home. [HEARD: pushed]", "client")) == "I ran home. [HEARD: pushed]"


def test_a_client_may_say_few_words_again_but_not_twice_in_a_row() -> None:
    kinds = [
        {finding.kind for finding in check(Spoken("I don't know.", "client", Past(said)))}
        for said in (["I don't know.", "She left."], ["She left.", "I don't know."])
    ]
    assert kinds == [set(), {"repeat"}]
    assert {finding.kind for finding in check(Spoken("Not really. [HEARD: ignored]", "client"))} == set()


@given(TEXT)
def test_no_marker_is_left_by_split_marker_nor_in_what_a_counselor_says(text: str) -> None:
    assert not END_MARKER.search(split_marker(text)[0])
    assert not END_MARKER.search(tidy(text, "counselor"))


@given(TEXT, SPEAKER)
def test_tidying_twice_changes_nothing(text: str, speaker: Speaker) -> None:
    assert tidy(tidy(text, speaker), speaker) == tidy(text, speaker)
