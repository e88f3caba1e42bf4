"""Integrity: planted defects are found exactly, clean sessions give nothing, and the counts add up."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counseling_sessions.evaluation import languages
from counseling_sessions.evaluation.checks.repeats import NEAR
from counseling_sessions.evaluation.integrity import Finding, Integrity, check_session
from counseling_sessions.evaluation.kinds import KINDS, OF_SESSIONS
from counseling_sessions.integrity.spoken import RECENT
from counseling_sessions.sessions import Message, Session, read_sessions
from tests.evaluation.made import DEFECTS, PROFILE, SAID, changed, clean, planted, session
from tests.reference import RELEASED, needs_reference


def kinds(*said: str, **fields: object) -> list[str]:
    return [finding.kind for finding in check_session(session(*said, **fields))]


def kinds_of_last(*said: str, **fields: object) -> list[str]:
    made = session(*said, **fields)
    last = made.dialogue[-1]
    return [found.kind for found in check_session(made) if (found.turn, found.speaker) == (last.turn, last.speaker)]


def test_the_clean_session_has_no_finding() -> None:
    assert check_session(clean()) == []
    assert check_session(clean(language="English")) == []


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_planted_defect_is_found_where_it_is_and_nothing_else(kind: str) -> None:
    for made, place in planted(kind):
        message = made.dialogue[place]
        found = check_session(made)
        assert [item.kind for item in found] == [kind], (message.text, found)
        where = (found[0].session, found[0].turn, found[0].speaker, found[0].text)
        assert where == (made.id, message.turn, message.speaker, message.text)
        assert found[0].detail


def test_every_kind_is_planted_or_of_the_whole_dialogue() -> None:
    assert set(KINDS) - set(DEFECTS) == {
        *("non_alternation", "one_sided", "prompt_cut"),
        *("risk_missed", "risk_late", "risk_dropped"),  # from `evaluation.risk`
    }


def test_a_speaker_who_does_not_wait_is_found_each_time() -> None:
    made = session("How are you?", ("counselor", "Are you there?"), ("counselor", "I can wait."), "I am, I am.")
    assert [(found.kind, found.text) for found in check_session(made)] == [
        ("non_alternation", "Are you there?"),
        ("non_alternation", "I can wait."),
    ]
    # Beginning with the client is no defect.
    assert check_session(session(("client", "I keep putting it off."), ("counselor", "What gets in the way?"))) == []


def test_a_session_in_which_one_side_is_missing() -> None:
    lonely = check_session(session("How are you?", id="lonely"))
    assert lonely == [Finding("lonely", 0, None, "one_sided", "", "no message of the client")]
    assert kinds() == ["one_sided"]


CLEAN: dict[str, list[tuple[str, ...]]] = {
    "short answers may come again": [
        (
            "Did you eat?",
            "Yes.",
            "Did you sleep?",
            "Yes.",
            "Did you go out?",
            "I don't know.",
            "Alone?",
            "I don't know.",
        )
    ],
    "what the other said, in few words": [("Thank you, see you next week.", "Thank you, see you next week.")],
    "other wording": [(SAID[0], SAID[13], SAID[2], "My sister Ifeoma is 29 and lives two flats down at number 14.")],
    "no person's name": [
        ("Hello there! How was Monday?", "Good. Hello, again."),
        ("Thank you. Today, I would like to look at sleep.", "Fine."),
        ("Hi! Yes, it is me. Have you tried walking, Pilates, and swimming?", "I have."),
        ("What does your family do on Fridays, Saturday, and Sunday?", "We eat."),
        ("What is hardest for you?", "I told my brother Oskar, and my boss Petra, that I'm Catholic. Thank God."),
        ("You could begin like this: 'Dear Walter, I am sorry.' What comes next?", "I would not know."),
        ("Dr. Beck wrote about such thoughts. Thank you, Doctor, you might say?", "I might."),
        (
            "I'm sorry London was so grey. Hello, Nad. How did your sister Ifeoma take it?",
            "She was kind about it, and said hello.",
        ),
        (
            "What did you say?",
            "I met my old neighbour on the stairs and I only said good morning, Walter, nothing else.",
        ),
        ("What did you ask?", "I asked him, do you even see me, Walter?"),
    ],
    "names that the client gave": [
        ("Who was there?", "My brother Oskar.", "How is your brother Oskar now? Thank you for telling me.", "Well."),
        ("How shall I call you?", "Ada is fine, everybody says that.", "Thank you, Ada. What brings you?", "Sleep."),
    ],
    "numbers that identify nobody": [
        ("Since when?", "Since 01-2024, when it grew by +1 000 000; 2500000 steps."),
        ("When was it?", "On 2024-05-03, or 03/05/2024, 3.5.2024, from 9:00-17:30, in room 1204."),
        ("How much is it?", "1,250,000 or $2500000; 10 000 steps a day, 555 a week, 99.95 % of 3.14159265."),
        ("What helps?", "The 4-7-8 breathing, 5-4-3-2-1, and 1990 1995 2000 2005, my good years (1990-2005)."),
        ("And then?", "I called 911, on the 24/7 line; my e-mail is full; no.more than 40.5 km/h, Ph.D. in 2001."),
    ],
    "contact data of the profile": [
        (
            "Is it still you at 0171 5550142?",
            "Yes, and I write from Nadia@okafor.example. That account number 40021 is mine.",
        )
    ],
    "endings": [
        ("How is it?", "Better 🙂"),
        ("How is it?", 'He said: "You will be fine."'),
        ("How is it?", "Fine, I guess :-)"),
        ("How is it?", "It is what it is. (laughs)"),
        ("How is it?", "Not really"),
        ("How is it?", "I just…"),
        ("Three things:\n- breathe out slowly\n- name what you see\n- count back from ten", "I will."),
        ("How is it?", "「はい。」"),
    ],
    "kin as in the form, of others, or in a list": [
        ("Is there somebody?", "My older sister Ifeoma. Ifeoma is my sister, and her daughter Ifeoma is five."),
        ("Who knows?", "My friend Ifeoma's mother Adaeze, my mother, Ifeoma and my boss."),
        ("Who knows?", "Adaeze is my aunt."),
    ],
    "talk of clients by one who has clients": [
        ("The client said nothing, then?", "Nothing. My client is like that, as a therapist is not."),
        ("What did you do?", "I sent a message to the client and waited. Here's the answer I keep giving myself: no."),
    ],
    "not this language, but not enough of it to judge": [
        ("What would she have said?", "Inshallah, habibti. إن شاء الله. That was her way."),
        ("What would he have said?", "C'est la vie, probably."),
        ("Mhm?", "Hahaha, ugh. Meh, whatever, nah."),
        (
            "What was on?",
            "Wagner, Strauss, Mahler, Bruckner, Schubert, Schumann, Brahms, Beethoven: headphones, darkness.",
        ),
        (
            "What is there to eat?",
            "Paella, tortilla, gazpacho, jamón, churros, mañana, siesta, fiesta: holidays, basically.",
        ),
        ("Who came?", "Tomasz Kowalski, Priya Raman, Kenji Watanabe, Chiara Bianchi, Yusuf Demir, Thandiwe Dlamini."),
    ],
}


@pytest.mark.parametrize("case", CLEAN)
def test_what_only_looks_like_a_defect_is_none(case: str) -> None:
    for said in CLEAN[case]:
        assert check_session(session(*said, profile=PROFILE)) == [], said


def test_a_short_answer_is_a_repeat_from_the_fourth_time_on() -> None:
    said = [text for number in range(6) for text in (f"What about thing number {number}, then?", "I don't know.")]
    found = check_session(session(*said))
    assert [(item.kind, item.turn) for item in found] == [("repeat", 4), ("repeat", 5), ("repeat", 6)]


def test_a_near_repeat_is_looked_for_in_the_last_ten_and_an_exact_one_in_all() -> None:
    said = " ".join(f"word{number}" for number in range(30)) + "."
    between = [f"Thing {number} is another one altogether." for number in range(2 * RECENT)]
    for text, near, far in ((said, ["repeat"], ["repeat"]), (said.replace("word29", "end"), ["near_repeat"], [])):
        assert kinds_of_last(said, *between[:-1], text) == near, text
        assert kinds_of_last(said, *between, "And one more.", text) == far, text


def test_an_exact_repeat_is_no_near_repeat_too() -> None:
    alike = SAID[13].replace("20:00", "20:30")
    assert kinds("Go on.", SAID[13], "And then?", alike, "What else?", SAID[13]) == ["near_repeat", "repeat"]


def test_nearly_the_same_begins_at_the_threshold() -> None:
    def last(shared: int, new: int) -> list[str]:
        words = [f"a{number}" for number in range(shared + 2)]
        return kinds_of_last(" ".join(words) + ".", "Well.", " ".join([*words, *(f"b{n}" for n in range(new))]) + ".")

    assert NEAR == 0.8
    assert last(shared=80, new=20) == ["near_repeat"]  # 80 of 100 3-grams
    assert last(shared=79, new=21) == []


def test_repeats_are_of_one_speaker() -> None:
    assert "repeat" not in kinds(SAID[8], SAID[8])


def test_the_other_language_of_a_session_is_right_there() -> None:
    german = (
        "Was führt Sie heute zu mir, und seit wann schlafen Sie schlecht?",
        "Seit dem März liege ich fast jede Nacht wach und rechne.",
    )
    assert kinds(*german, language="German") == []
    assert kinds(*german, language="Swiss German") == []
    assert kinds(*german) == []  # a file that names no language is in the one that is spoken in it
    assert kinds(*german, language="English") == ["wrong_language"] * 2
    assert kinds(*german, language="French") == ["wrong_language"] * 2
    chinese = ("你最近睡得怎么样？有没有什么事情让你担心？", "我每天晚上都睡不着，总是想着还没有付的账单。")
    assert kinds(*chinese, language="Chinese (Simplified)") == []
    assert kinds(SAID[0], SAID[1], language="Chinese (Simplified)", profile=PROFILE).count("wrong_language") == 1


def test_the_other_s_words_are_known_again_however_long_ago() -> None:
    between = [f"Thing {number} is another one altogether." for number in range(2 * RECENT)]
    assert kinds_of_last(SAID[4], SAID[3], *between, SAID[3], profile=PROFILE) == ["role_flip"]


def test_a_long_message_that_changes_its_language_at_its_end_is_found() -> None:
    english = " ".join(SAID[2:26:2])
    german = (
        "Und was ich Ihnen noch sagen wollte: Es ist nicht Ihre Schuld, und das wissen Sie eigentlich auch, schon lange. "
        "Schreiben Sie beiden noch heute, bevor Sie schlafen gehen, und legen Sie dann das Telefon in die Küche. "
        "Morgen sehen wir weiter, und bis dahin ruhen Sie sich bitte aus, denn das haben Sie sich wirklich verdient."
    )
    assert kinds(f"{english} {german}", "Well.", profile=PROFILE) == ["wrong_language"]
    assert kinds(english, "Well.", profile=PROFILE) == []


def test_a_language_that_is_not_known_is_not_judged() -> None:
    assert kinds(SAID[4], SAID[9], language="Klingon") == []
    assert kinds(SAID[4], SAID[9], language="German") == ["wrong_language", "wrong_language"]


def test_the_model_knows_every_language_that_we_name() -> None:
    labels = set(languages._identifier().labels)
    named = set(languages._CODES.values()) | languages._OTHER_SCRIPTS | set().union(*languages._ALIKE)
    assert named <= labels


def test_without_a_profile_names_are_not_judged_and_contact_data_is() -> None:
    assert kinds("Good morning, Helena. How are you?", "Well, thanks.") == []
    assert kinds("Good morning. How are you?", "Reach me at mara@mail.example.") == ["contact"]


def test_an_empty_message_is_nothing_but_empty() -> None:
    made = changed(changed(clean(), 7, "Client:"), 11, "Client:")
    assert [found.kind for found in check_session(made)] == ["empty", "empty"]


def test_a_message_can_have_several_defects() -> None:
    assert kinds_of_last("How are you?", "Client: As an AI, I cannot tell, write to a@b.example and") == [
        *("label", "meta_talk", "truncated", "contact")
    ]


def test_the_counts_add_up() -> None:
    counted = Integrity(keep=2)
    counted.add(clean())
    for made, _ in planted("repeat"):
        assert [found.kind for found in counted.add(made)] == ["repeat"]
    counted.add(changed(changed(changed(clean("two"), 7, ""), 11, ""), 15, SAID[13]))
    counted.add(session("How are you?", id="lonely"))
    totals = counted.totals()
    assert list(totals) == list(KINDS)
    assert (counted.sessions, counted.messages) == (6, 5 * 28 + 1)
    repeat = totals["repeat"]
    assert (repeat.findings, repeat.sessions) == (4, 4)
    assert repeat.of_messages == pytest.approx(4 / 141)
    assert repeat.of_sessions == pytest.approx(4 / 6)
    assert (totals["one_sided"].findings, totals["one_sided"].of_messages) == (1, None)
    assert frozenset({"one_sided", "prompt_cut"}) == OF_SESSIONS
    assert totals["label"].findings == 0
    assert [len(counted.findings[kind]) for kind in ("repeat", "empty", "label")] == [2, 2, 0]
    assert (totals["empty"].findings, totals["empty"].sessions) == (2, 1)


def test_sessions_of_one_id_are_counted_each() -> None:
    counted = Integrity()
    counted.add(clean("same"))
    counted.add(changed(clean("same"), 7, ""))
    assert (counted.sessions, counted.totals()["empty"].sessions) == (2, 1)


def test_an_accumulator_of_nothing_has_shares_of_zero() -> None:
    assert {total.of_sessions for total in Integrity().totals().values()} == {0.0}


def test_a_session_whose_server_cut_its_prompts_is_counted_once() -> None:
    counts = Integrity()
    counts.add(clean())
    [found] = counts.add(clean(id="cut", cut_prompts=3))
    assert (found.kind, found.turn, found.speaker, found.detail) == ("prompt_cut", 0, None, "in 3 calls")
    assert (counts.totals()["prompt_cut"].sessions, counts.totals()["prompt_cut"].of_sessions) == (1, 0.5)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.sampled_from(["counselor", "client"]), st.text(max_size=300)), max_size=8),
    st.text(max_size=40),
)
def test_no_content_is_too_odd(said: list[tuple[str, str]], language: str) -> None:
    dialogue = tuple(Message.model_validate({"turn": 1, "speaker": who, "text": text}) for who, text in said)
    made = Session(id="odd", source="made", dialogue=dialogue, profile=PROFILE, language=language or None)
    found = check_session(made)
    assert {item.kind for item in found} <= set(KINDS)
    assert len({(item.kind, item.turn) for item in found if item.kind == "one_sided"}) == (
        len({w for w, _ in said}) < 2
    )


PIECES = [
    "@a.",
    "1-",
    "+1 ",
    "(",
    "*",
    "www.",
    "a.com.",
    "You, ",
    "Hi Aa, ",
    "your friend Aa ",
    "Client:",
    "AB12 ",
    "我",
    "call 1",
    "A",
    "- a\n",
    "'",
    "reflection, ",
]


@pytest.mark.parametrize("piece", PIECES)
def test_a_model_that_loops_is_checked_in_time_that_grows_with_the_text(piece: str) -> None:
    def seconds(length: int) -> float:
        made = session(piece * (length // len(piece)), "Well.", profile=PROFILE)
        start = time.process_time()
        check_session(made)
        return time.process_time() - start

    seconds(1_000)  # what is loaded once
    assert seconds(100_000) < 2.0


@needs_reference
def test_the_released_sessions_have_the_defects_that_are_known_of_them() -> None:
    counted = Integrity()
    for made in read_sessions(RELEASED):
        assert isinstance(made, Session)
        counted.add(made)
    totals = counted.totals()
    assert (counted.sessions, counted.messages) == (60, 2520)
    # An independent count gives 186 exact repeats, 3 of them a label alone, which is `empty` here.
    assert (totals["repeat"].findings, totals["repeat"].sessions) == (183, 55)
    assert totals["near_repeat"].findings == 91
    assert totals["empty"].findings == 18
    found = {kind: total.findings for kind, total in totals.items() if total.findings}
    assert set(found) == {"repeat", "near_repeat", "empty", "label", "meta_talk", "truncated"}
