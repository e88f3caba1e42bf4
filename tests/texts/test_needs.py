"""What a text must hold for an expression to match: no match may be missed."""

import random
import re
from pathlib import Path

import pytest
import yaml

from counseling_sessions.integrity.signs import FOLDER, read_signs, signs_of
from counseling_sessions.nodes.risk.patterns import compiled
from counseling_sessions.nodes.risk.phrases import phrase_lists
from counseling_sessions.nodes.risk.spellings import spellings
from counseling_sessions.nodes.risk.starts import starts_of
from counseling_sessions.texts.needs import Sieve, alternatives, letters_of, lowered, needs_of
from counseling_sessions.texts.words import SENTENCE, sentences

CORPUS = Path(__file__).parents[2] / "corpus" / "risk"


@pytest.mark.parametrize(
    ("pattern", "needs"),
    [
        (r"\bkill (?:my|him)self\b", [{"^kill$"}, {"^my", "^him"}, {"self$"}]),
        (r"kill|die", [{"kill", "die"}]),
        (r"(?:so )?sad(?! about)", [{"sad"}]),
        (r"suicid\w*", [{"suicid"}]),
        (r"\bend(?:ing)? it", [{"^end"}, {"^it"}]),
        (r"no+ way", [{"n"}, {"o"}, {"^way"}]),
        (r"colou?r", [{"colo"}, {"r"}]),
        (r"(?:a|\w+) b", [{"^b"}]),
        (r"(x)\1", []),
        (r"(?<=I )am [a-z]{2}e", [{"am$"}, {"e"}]),
    ],
)
def test_an_expression_needs_runs_of_letters(pattern: str, needs: list[set[str]]) -> None:
    assert list(needs_of(pattern)) == needs


def test_two_equal_needs_are_one() -> None:
    need = frozenset({"^a$"})
    assert Sieve([(need, need)]).passing(["a"]) == [0]


def test_alternatives_are_those_outside_of_any_group() -> None:
    assert alternatives(r"a(?:b|c)[|]d|\|e|(?=f|g)h") == (r"a(?:b|c)[|]d", r"\|e", "(?=f|g)h")


def test_letters_match_in_any_case_where_the_lower_case_has_them() -> None:
    points = "".join(map(chr, range(0x3000)))
    assert all(lowered(sign) == x for x in "ikst" for sign in re.findall(x, points, re.IGNORECASE))


def test_the_sieve_drops_no_phrase_of_the_lists() -> None:
    """Texts of the corpus on risk are compared with patterns of the lists at each of their words; all would take a minute."""
    lists = phrase_lists()
    groups = (
        *lists.explicit,
        *lists.unclear,
        *lists.questions,
        *lists.safety,
        lists.admission,
        lists.doubt,
        lists.asking,
    )
    patterns = [way for group in groups for item in group.patterns for way in alternatives(item)]
    rng = random.Random(1)
    patterns = rng.sample(patterns, 40)
    sieve = Sieve([needs_of(way, at_word=True) for way in patterns])
    texts = sorted(
        {text for path in CORPUS.glob("*.yaml") for text in strings(yaml.safe_load(path.read_text("utf-8")))}
    )
    matched = 0
    for text in rng.sample(texts, 40):
        words = spellings(text).exact[0]
        places = [place for place, sign in enumerate(f" {words}") if sign == " "]
        passing = {*sieve.passing(words.split(" "))}
        for number, pattern in enumerate(patterns):
            if number not in passing:
                assert not any(compiled(pattern).match(words, place) for place in places), (text, pattern)
        matched += bool(passing)
    assert matched


def test_patterns_split_in_alternatives_begin_with_the_same_words() -> None:
    for group in phrase_lists().explicit[:2]:
        for pattern in group.patterns:
            assert starts_of(pattern) == set().union(*map(starts_of, alternatives(pattern)))


@pytest.mark.parametrize("listed", ["english", "protocol", "help"])
def test_signs_are_those_that_their_patterns_find(listed: str) -> None:
    data = yaml.safe_load((FOLDER / f"{listed}.yaml").read_text("utf-8"))["signs"]
    for text in [text for sign in data.values() for text in (*sign["examples"], *sign.get("others", ()))]:
        said = [sentence.replace("’", "'") for sentence in sentences(text)]
        plain = {
            sign.name
            for sign in read_signs(listed)
            if any(re.search(pattern, sentence, re.IGNORECASE) for pattern in sign.patterns for sentence in said)
        }
        assert signs_of(text, listed) == plain


def test_sentences_are_what_the_one_expression_finds() -> None:
    rng = random.Random(1)
    for _ in range(4000):
        text = "".join(rng.choices("ab .?!…\"')\n。？\r", k=rng.randrange(20)))
        assert sentences(text) == [one.strip() for one in SENTENCE.findall(text) if one.strip()]
        assert letters_of(text) == re.findall("[ab]+", text)


def strings(data: object) -> list[str]:
    if isinstance(data, str):
        return [data]
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [text for item in inner for text in strings(item)]
