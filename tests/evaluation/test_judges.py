"""judge.yaml: one judge or several, and what is wrong with them."""

from pathlib import Path

import pytest

from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.card import judge_cards
from counseling_sessions.evaluation.judging.judges import Judge, read_judges
from counseling_sessions.evaluation.judging.run import judge_sessions
from counseling_sessions.evaluation.report.judged import judge_card
from counseling_sessions.models.chat import Models
from counseling_sessions.settings import SettingsError
from tests.evaluation.judged import SMALL, rater, session
from tests.loopback import LoopbackServer

pytestmark = pytest.mark.usefixtures("no_surroundings")


def read(tmp_path: Path, text: str) -> tuple[Judge, ...]:
    path = tmp_path / "judge.yaml"
    path.write_text(text, encoding="utf-8")
    return read_judges(path)


def test_one_judge_or_several_with_what_they_share(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "model: m\nbase_url: http://127.0.0.1:1/v1\nrequests_per_minute: 60\n")
    assert (one.name, one.samples, one.temperature, one.settings.requests_per_minute) == ("m", 3, 0.7, 60)
    assert type(one.settings).__name__ == "ModelSettings"
    first, second = read(
        tmp_path, "samples: 5\njudges:\n  - {name: a, model: m}\n  - {name: b, model: n, samples: 1, temperature: 0}\n"
    )
    assert [(first.name, first.samples), (second.name, second.samples)] == [("a", 5), ("b", 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: m\ntemperature: 0\n", "m: samples: 3 answers at temperature 0 are near-copies of one"),
        ("model: m\nsamples: 0\n", "m: samples"),
        ("model: m\nsample: 3\n", "m: sample: there is no such key; there are samples, "),
        ("model: m\nBaseURL: http://x\n", "m: BaseURL: there is no such key; there are base_url, "),
        ("judge: [{model: m}]\n", "judge: there is no such key; there are judges, "),
        (
            "judges: [{model: m, temprature: 1}]\n",
            "m: temprature: there is no such key; there are temperature, (?!.*judges)",
        ),
        ("model: m\nbase_url: ftp://x\n", "m: base_url: must start with http"),
        ("model: m\napi_key: sk-secret\n", "m: keys never stand in a file"),
        ("judges: []\n", "judges: expected a list"),
        ("judges: [m]\n", "judges: expected a list"),
        ("judges: [{model: m}, {model: m}]\n", r"two judges have one name \(m, m\)"),
        ("- m\n", "expected one judge"),
        ("api_key: sk-secret\n  x: [", "not readable as YAML"),
    ],
)
def test_what_is_wrong_with_judges_is_named_and_no_key_is_shown(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        read(tmp_path, text)
    assert "judge.yaml" in str(caught.value)
    assert "sk-secret" not in str(caught.value)


def test_a_judge_can_leave_its_temperature_out(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "model: m\ntemperature: null\n")
    assert (one.samples, one.settings.omit) == (3, ("temperature",))
    assert one.sent_temperature is None
    assert Judge(name="j", model="m", temperature=None).samples == 3


async def test_a_judge_without_a_temperature_is_sampled_otherwise_than_one_with_it(tmp_path: Path) -> None:
    models = Models()
    with LoopbackServer(rater()) as server:
        shared = f"base_url: {server.base_url}\nsamples: 2\nattempts: 1\n"
        left, sent = read(
            tmp_path, f"{shared}judges: [{{name: a, model: m, temperature: null}}, {{name: b, model: m}}]\n"
        )
        found = await judge_sessions([session()], [SMALL], [left, sent], models, JudgeCache(tmp_path / "kept"))
        assert [request.body.get("temperature") for request in server.requests].count(None) == 2
    await models.close()
    card, other = judge_cards([left, sent], found, [SMALL]).cards
    assert (card.temperature, other.temperature) == (None, 0.7)
    rows = dict(row for row in judge_card(card).rows)
    assert rows["samples"] == "2 at the server's default temperature"
