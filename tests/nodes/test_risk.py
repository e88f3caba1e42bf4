"""The risk check: what counts as an expression of risk, what does not, and that every error counts."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from counseling_sessions.nodes.risk import find_risk, phrase_lists, phrases, search
from counseling_sessions.nodes.risk.check import ROLE, check_message
from counseling_sessions.nodes.risk.phrases import LANGUAGES, Risk
from counseling_sessions.nodes.risk.search import MOST
from counseling_sessions.nodes.risk.spellings import spellings
from counseling_sessions.profiles.library import builtin_ids, load_builtin
from counseling_sessions.profiles.schema import client_form
from counseling_sessions.settings import ModelSettings, SettingsError
from tests.loopback.small_talk import text_at
from tests.scripted import MODELS, config, scripted_models

OBLIQUE = frozenset(
    {
        *(
            "I’m not suicidal, don’t worry.",
            "I never want to wake up again.",
            "there is no reason to go on",
            "I can't go on.",
        ),
        *(
            "My family would be better off without me.",
            "They would all be happier without me",
            "I can't do this anymore",
        ),
        *(
            "I wish I had never been born",
            "I wish I could just disappear",
            "I wrote a goodbye letter",
            "I hate my life",
        ),
        *("nobody would notice if I died", "What's the point of going on?", "I just want it all to stop"),
        *("I'm a burden to everyone", "I want to go to sleep and not wake up"),
    }
)
"""What can be meant harmlessly: a person is asked."""
RISKY = {
    "suicide": (
        "I have been thinking about suicide.",
        "I feel suicidal",
        "I’m not suicidal, don’t worry.",
        "I want to kill myself.",
        "I WANT TO KILL MYSELF!!!",
        "I was going to end my life last year",
        "Sometimes I just want it all to end, I want to end it all",
        "I do not want to live any more",
        "I don't really want to be alive",
        "I never want to wake up again.",
        "I'd rather be dead.",
        "There's no point in living.",
        "there is no reason to go on",
        "Life isn't worth living",
        "My family would be better off without me.",
        "They would all be happier without me",
        "I can't go on.",
        "I can't do this anymore",
        "I'm so tired of living",
        "I wish I had never been born",
        "I wish I could just disappear",
        "I wrote a goodbye letter",
        "I think about jumping off a bridge",
        "sometimes I imagine driving into a tree",
        "I took a whole bottle of pills",
        "I might overdose",
        "nobody would notice if I died",
        "i have nothing left to live for",
        "kms",
        "I hate my life",
        "What's the point of going on?",
        "I just want it all to stop",
        "I lost the will to live",
        "I have saved up my pills",
        "I'm a burden to everyone",
        "I want to go to sleep and not wake up",
    ),
    "self_harm": (
        "I cut myself again last night.",
        "I've been self-harming for years",
        "I hurt myself on purpose",
        "I burn my arms when it gets bad",
        "the urge to cut is back",
        "I scratched my arm until it bled",
        "I bang my head against the wall",
    ),
    "harm_to_others": (
        "I want to kill him.",
        "I'm afraid I will hurt my baby.",
        "I could stab someone",
        "I could kill my boss, and I mean it",
    ),
    "danger": (
        "He hits me when he drinks.",
        "My father used to beat me",
        "I was raped.",
        "I was sexually abused as a child",
        "I am not safe at home",
        "my husband threatened to kill me",
        "he put his hands around my neck",
    ),
}
DISGUISED = (
    "s u i c i d e",
    "su1c1de",
    "suic!de",
    "k1ll mys3lf",
    "I want to dieeeee",
    "I  want\nto\tdie",
    "I want to d\u200bie",
    "I wаnt to diе",  # Cyrillic letters
    "ｋｉｌｌ ｍｙｓｅｌｆ",
    "I want to... kill... myself",
    "k.i.l.l myself",
    "unalive myself",
    "sucidal thoughts",
    "kil myself",
    "su\x07icide",
    "want\rto\rdie",
    # letters apart, across words too
    "k i l l m y s e l f",
    "k i l l  m y s e l f",
    "I k i l l myself",
    "I don't w a n t t o live any more",
    "q u i e r o m o r i r",
    "k * l l m y s e 1 f",
    *(mark.join("suicide") for mark in ".-_/*·~ \u2009"),
    *(
        mark.join("suicide")
        for mark in ("\u0301", "\u034f", "\u200b", "\u2060", "\u00ad", "\u3164", "\ufe0f", " * ", ", ")
    ),
    # digits and signs for letters
    "ki11 myself",
    "ki|| myse1f",
    "k!ll myse|f",
    "$uicide",
    "su1c1d3",
    "i w4nt t0 d1e",
    "k*ll myself",
    "k**l myself",
    "k*** myself",
    "su*cide",
    "sui*cide",
    "su#cide",
    "su•c•de",
    "ich will mich umbr*ngen",
    "je veux m0urir",
    # letters of other scripts
    "suıcıde",
    "SUİCİDE",
    "ѕυісіdе",
    "ΚΙLL ΜΥSELF",
    "кіll мyself",
    "𝓀𝒾𝓁𝓁 𝓂𝓎𝓈ℯ𝓁𝒻",
    "ⓚⓘⓛⓛ ⓜⓨⓢⓔⓛⓕ",
    "🅺🅸🅻🅻 🅼🆈🆂🅴🅻🅵",
    "🇰🇮🇱🇱 🇲🇾🇸🇪🇱🇫",
    "ᴋɪʟʟ ᴍʏꜱᴇʟꜰ",
    "su\u0338icide",
    # letters drawn out, more of one than of another
    "wannna dieee",
    "suiiiiciiide",
    "kiiill myyyself",
    "wannna d*eeee",
)
OTHER_LANGUAGES = (
    "Ich will mich umbringen.",
    "Ich möchte einfach nicht mehr leben.",
    "Ich kann nicht mehr.",
    "Ich habe mich wieder geritzt.",
    "Er schlägt mich.",
    "Je veux mourir.",
    "J'ai envie d'en finir.",
    "Je n'ai plus envie de vivre.",
    "Je me fais du mal",
    "Quiero morir.",
    "Ya no quiero vivir.",
    "No puedo más.",
    "Me hago daño.",
)
HARMLESS = (
    "This deadline is killing me.",
    "I could kill for a coffee.",
    "I'm dying to know how it ends.",
    "My phone died on the way here.",
    "I run 10 kms every morning.",
    "My heart beats so fast before the exam.",
    "I cut down on sugar and I cut back my hours.",
    "I'm drowning myself in work.",
    "It hurts when she does not call.",
    "I beat myself up about the mark.",
    "I did not want to come today.",
    "I live with my cousin.",
    "I took the pills the doctor gave me for hay fever.",
    "I want to try that.",
    "It felt like my cat's death all over again.",
    "What's the point of another timetable?",
    "No.",
    "That was a long night, and I was late again.",
    "I can't go to the party on Friday.",
    "I would miss my train if I talked longer.",
    "Die Prüfung ist in drei Wochen.",
    "Je suis fatiguée et je dors mal.",
    "No puedo dormir antes del examen.",
    "At 3 p.m. I went home, i.e. I left.",
    "My name is spelled V-I-O-L-I-N, like the instrument.",
    "He is in the N.A.A.C.P. and the U.S. Navy.",
    "This d*mn job, and the b*** s*** at work, is *so* hard.",
    "I said noooo!!! and **really** meant it.",
    "I want 11 of them, 1st class, at 5pm, for $10.",
)


@pytest.mark.parametrize(("category", "text"), [(kind, text) for kind, texts in RISKY.items() for text in texts])
def test_expressions_of_risk_are_found(category: str, text: str) -> None:
    risk = find_risk(text)
    assert risk
    assert (risk.source, risk.category) == ("rules", category)
    assert risk.wording == ("unclear" if text in OBLIQUE else "explicit")


@pytest.mark.parametrize("text", [*DISGUISED, *OTHER_LANGUAGES])
def test_disguises_slips_and_other_languages_are_found(text: str) -> None:
    assert find_risk(text) is not None


@pytest.mark.parametrize("text", HARMLESS)
def test_what_people_say_every_day_is_let_pass(text: str) -> None:
    assert find_risk(text) is None


@pytest.mark.parametrize("text", [text for texts in RISKY.values() for text in texts])
def test_a_negation_in_front_never_takes_a_finding_back(text: str) -> None:
    assert find_risk(f"No, not at all, it is not true that {text}") is not None
    assert find_risk(f"I am fine. {text} Just joking!") is not None


def test_the_built_in_clients_can_be_played() -> None:
    lines = [line for name in builtin_ids() for line in client_form(load_builtin(name)).splitlines()]
    spoken = [text_at(number * 997) for number in range(200)]
    risks = [risk for text in lines + spoken if (risk := find_risk(text))]
    assert not [risk for risk in risks if risk.wording == "explicit"]
    assert len(risks) < 0.03 * len(lines + spoken)


def test_a_phrase_may_run_over_two_messages() -> None:
    assert find_risk("die.") is None
    assert find_risk("die.", before="Some mornings I want to") == Risk("rules", "suicide")


@pytest.mark.parametrize("piece", [
    *("a", "want ", "k ", "* ", "k*", "1l", "i 1 ", "w a n t ", "ki11 ", "k i l l m y ", "ll", "s*", "take all the the the "),
    *("\u0301", "a\u0301", "\u200b", "k\x00", "😀", "ﷺ", "\u202eab ", "ı", "д", "ǂ ", ". ", "(", "kms ", "would would miss if i "),
])  # fmt: skip
def test_time_is_linear_in_the_message(piece: str) -> None:
    started = time.process_time()
    find_risk((piece * MOST)[:MOST], before=piece * 300, asked="Do you sleep?")
    spellings((piece * 100_000)[:100_000])
    assert (
        time.process_time() - started < 20
    )  # seconds; 4 on a busy machine, and a hundred thousand marks took a minute


def test_what_is_too_long_to_be_checked_counts_as_risk() -> None:
    assert find_risk("x" * (MOST + 1)) == Risk("check_failed", "too long to be checked")
    assert find_risk("No.", asked="x" * (MOST + 1)) == Risk("check_failed", "too long to be checked")


@pytest.mark.parametrize("text", ["мне сегодня лучше", "今日は元気です", "好", "أنا بخير", "I am well, спасибо"])
def test_letters_that_no_list_is_written_in_count_as_risk(text: str) -> None:
    assert find_risk(text) == Risk("check_failed", "letters that no list is written in")


@pytest.mark.parametrize(
    "text", ["Größe, naïve, façade, œuvre", "½ of π, 20 °C – fine 😊", "Ｉ ａｍ ｗｅｌｌ", "12 + 3", "Łódź, Reykjavík"]
)
def test_signs_and_letters_of_the_lists_languages_are_let_pass(text: str) -> None:
    assert find_risk(text) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_example_of_a_list_is_found_with_its_letters_apart(language: str) -> None:
    listed = yaml.safe_load((phrases.FOLDER / f"{language.lower()}.yaml").read_text(encoding="utf-8"))
    for category in listed["explicit"].values():
        for example in category["examples"]:
            assert find_risk(" ".join(c for c in example if c.isalpha())), example


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for path in phrases.FOLDER.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(phrases, "FOLDER", tmp_path)
    yield tmp_path
    phrases._read_lists.cache_clear()


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.write_text("categories: ["), "not readable as YAML"),
        (lambda path: path.write_text(""), "valid dictionary"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "not readable"),
        (lambda path: path.write_text(path.read_text().replace("suicid|", "")), "does not find its own example"),
        (lambda path: path.write_text(path.read_text().replace("kms|kys", "kms|(kys")), "not a regular expression"),
        (
            lambda path: path.write_text(path.read_text().replace("language: English", "language: Latin")),
            "should be English",
        ),
    ],
)
def test_a_broken_list_counts_as_risk_whatever_is_said(lists: Path, harm: Any, message: str) -> None:
    harm(lists / "english.yaml")
    with pytest.raises(SettingsError, match=message) as raised:
        phrase_lists()
    assert "english.yaml" in str(raised.value)
    assert find_risk("What a lovely day.") == Risk("check_failed", "SettingsError")


def test_whatever_goes_wrong_in_the_check_counts_as_risk(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(text: str) -> tuple[str, ...]:
        raise MemoryError

    monkeypatch.setattr(search, "spellings", lost)
    assert find_risk("What a lovely day.") == Risk("check_failed", "MemoryError")


def test_every_language_that_is_promised_has_a_list() -> None:
    assert {path.stem.capitalize() for path in phrases.FOLDER.glob("*.yaml")} == set(LANGUAGES)


UNCLEAR = (
    '{"risk": false}{"risk": true}',
    '{"risk": true}{"risk": false}',
    '{"risk": false} {"risk": false}',
    '{"risk": true, "risk": false}',
    '{"risk": true}<think></think>{"risk": false}',
    '{"risk": false, "why": "grey is a color"}',
    '{"Risk": false}',
    '{"risk": "no"}',
    '{"risk": "false"}',
    '{"risk": 0}',
    '{"risk": null}',
    '{"risk": [false]}',
    "{}",
    "false",
    '[{"risk": false}]',
    'It says {"risk": false}',
    '{"risk": false} I think.',
    '<think>{"risk": false}',
    '{"risk": false',
)
CLEAR = (
    '<think>{"risk": true}?</think>{"risk": false}',
    '{"risk": true}?</think>\n{"risk": false}',
    '[THINK]{"risk": true}[/THINK] {"risk": false}',
    '<|channel|>analysis<|message|>{"risk": true}?<|end|><|start|>assistant<|channel|>final<|message|>{"risk": false}<|return|>',
    '```json\n{"risk": false}\n```',
    ' {\n  "risk": false\n}\n',
)
CHECKED = {"models": {**MODELS, ROLE: ModelSettings(temperature=0.0)}, "guard_attempts": 2}


@pytest.mark.parametrize(
    ("answer", "risk"),
    [
        ('{"risk": false}', None),
        ('{"risk": true}', Risk("model", "said so", "unclear")),
        ('<think>{"risk": false} or {"risk": true}?</think>{"risk": true}', Risk("model", "said so", "unclear")),
        ("I would rather not say.", Risk("check_failed", "malformed")),
        *((answer, Risk("check_failed", "malformed")) for answer in UNCLEAR),
        *((answer, None) for answer in CLEAR),
        (ConnectionError("gone"), Risk("check_failed", "ConnectionError")),
    ],
)
async def test_the_model_is_asked_about_what_the_rules_let_pass(
    answer: Any, risk: Risk | None, monkeypatch: Any
) -> None:
    monkeypatch.setattr("tests.scripted.role_of", lambda *_: ROLE)
    models, asked = scripted_models(lambda _: answer)
    settings = config(**CHECKED)
    assert await check_message(models, settings, "It is all grey.", turn=1, asked="How is it?") == risk
    assert {request.schema for request in asked} == {"risk"}
    assert "It is all grey." in asked[0].prompt
    assert "How is it?" in asked[0].prompt
    assert len(asked) == 1  # with more attempts it would end in a no


async def test_no_model_is_asked_about_what_the_rules_find_nor_where_none_is_configured() -> None:
    models, asked = scripted_models(lambda _: '{"risk": false}')
    assert await check_message(models, config(**CHECKED), "I want to die.", turn=1) == Risk("rules", "suicide")
    assert await check_message(models, config(), "It is all grey.", turn=1) is None
    assert asked == []
