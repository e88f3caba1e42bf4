"""Sessions in other languages: recognised, cut into words, and judged only where the rules read them."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from counseling_sessions.evaluation import judged_in
from counseling_sessions.evaluation.figures import MEASURES
from counseling_sessions.evaluation.kinds import KINDS
from counseling_sessions.evaluation.languages import UNKNOWN, code_of, language_of
from counseling_sessions.evaluation.measure import measure
from counseling_sessions.evaluation.readings import Measuring
from counseling_sessions.evaluation.roots import roots_of, words_of
from counseling_sessions.sessions import Message, Session
from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.cutting import cutters
from counseling_sessions.texts.words import words_of_any_script

TALKS = {
    "en": ("Where shall we begin today?", "I think with the stairs, because I count them all."),
    "zh": ("你好，今天想从哪里开始？", "最近总是很早就醒，睡不着，心里有点慌。"),
    "ja": ("今日はどこから始めましょうか。", "朝、駅の前で足が止まってしまいます。"),
    "de": ("Womit möchten Sie heute beginnen?", "Mit den Treppen, weil ich sie jeden Tag zählen muss."),
    "es": ("¿Por dónde quiere empezar hoy?", "Por las escaleras, porque las cuento todos los días."),
    "fr": ("Par où voulez-vous commencer aujourd'hui ?", "Par les escaliers, parce que je les compte tous les jours."),
    "ko": ("오늘은 어디에서 시작할까요?", "요즘 너무 일찍 깨요."),
}


def session(*said: str, language: str | None = None, number: int = 1) -> Session:
    dialogue = tuple(
        Message(turn=1 + place // 2, speaker="client" if place % 2 else "counselor", text=text)
        for place, text in enumerate(said)
    )
    return Session(id=f"s{number}", source="a.json", dialogue=dialogue, language=language)


@pytest.mark.parametrize("code", TALKS)
def test_a_language_is_recognised_by_what_is_said(code: str) -> None:
    assert language_of(session(*TALKS[code])) == code


def test_what_a_file_says_goes_before_what_is_said() -> None:
    assert language_of(session(*TALKS["zh"], language="Brazilian Portuguese")) == "pt"
    assert language_of(session("Hm.", "Mhm.")) == UNKNOWN


def test_chinese_and_japanese_are_cut_into_words_and_english_stays_as_it_was() -> None:
    assert "letters" not in cutters()
    assert words_of("今天想从哪里开始？") == ("今天", "想", "从", "哪里", "开始")
    assert words_of("駅の前で足が止まる。") == ("駅", "の", "前", "で", "足", "が", "止まる")
    assert words_of_any_script("OK，今天开始 at 9") == ["ok", "今天", "开始", "at", "9"]
    assert words_of("I can't sleep, it's 3 o’clock.") == ("i", "cant", "sleep", "its", "3", "oclock")
    assert roots_of("我的情况和你的情况") == frozenset({"情况"})


def test_without_the_extra_every_letter_is_a_word() -> None:
    code = (
        "import sys; sys.modules['rjieba'] = sys.modules['sudachipy'] = None\n"
        "from counseling_sessions.texts.cutting import cutters\n"
        "from counseling_sessions.texts.words import words_of_any_script as cut\n"
        "print(cutters(), cut('今天 ok'), cut('駅の前'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout.split() == [
        "Chinese",
        "by",
        "letters,",
        "Japanese",
        "by",
        "letters",
        "['今',",
        "'天',",
        "'ok']",
        "['駅',",
        "'の',",
        "'前']",
    ]


def measured(*codes: str) -> object:
    sessions = [session(*TALKS[code], number=number) for number, code in enumerate(codes)]
    metrics = ("integrity", "structure", "talk", "codes")
    return measure({"all": sessions}, Measuring(metrics=metrics)).groups["all"]


def test_what_is_not_judged_is_missing_and_never_zero() -> None:
    group = measured("zh", "zh", "en")
    assert group.languages == {"zh": 2, "en": 1}
    assert group.not_judged["talk"] == group.not_judged["meta_talk"] == {"zh": 2}
    chinese, _, english = (row.values for row in group.rows)
    for name in ("reflections", "proposals", "backchannels", "codes_open", "findings_per_message"):
        assert name not in chinese
    assert {"reflections", "findings_per_message"} <= english.keys()
    assert chinese["counselor_words"] == len(words_of(TALKS["zh"][0]))
    assert chinese["question_share"] == 1.0
    assert "client_short" in chinese
    assert group.talk.sessions == 1
    totals = group.integrity.totals()
    assert totals["meta_talk"].of_messages == 0.0
    assert "meta_talk" not in measured("zh").integrity.totals()


def test_a_question_in_japanese_needs_no_sign() -> None:
    [row] = measured("ja").rows
    assert row.values["question_share"] == 1.0


def test_a_session_in_another_language_is_not_in_the_wrong_one() -> None:
    long = session(*(TALKS["de"] * 12))
    found = measure({"all": [long]}, Measuring(metrics=("integrity",))).groups["all"].integrity
    assert found.totals()["wrong_language"].findings == 0
    assert found.totals()["repeat"].findings > 0


def test_languages_of_kinds_are_those_that_have_a_list() -> None:
    folder = Path(judged_in.__file__).parents[1] / "integrity" / "phrases"
    data = read_yaml(Path(judged_in.__file__).with_name("judged_in.yaml"))
    for kind, file in (("reasoning", "reasoning"), ("refusal", "refusals")):
        lists = yaml.safe_load((folder / f"{file}.yaml").read_text(encoding="utf-8"))
        assert data["kinds"][kind] == [code_of(name) for name in lists]
    assert data["kinds"].keys() <= KINDS.keys()
    assert {*data["everywhere"], *data["figures"]} <= MEASURES.keys()
