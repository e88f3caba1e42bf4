"""Rating on the page, by what it asks and answers: whole studies, blinding, who may answer what, and what lasts."""

import json
import re
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from counseling_sessions.evaluation.preferred import rated
from counseling_sessions.evaluation.rated_sessions import rated_sessions
from counseling_sessions.evaluation.rating.answers import read_answers, read_scale_answers
from counseling_sessions.evaluation.rating.kept import KeptAnswers
from counseling_sessions.evaluation.rating.page import FOLDER as PAGES
from counseling_sessions.evaluation.rating.page import page_of
from counseling_sessions.evaluation.rating.study import AnyStudy, ScaleStudy, Study, write_study
from counseling_sessions.evaluation.report.agreement import agreement_section
from counseling_sessions.evaluation.report.document import Table, cell
from counseling_sessions.evaluation.report.rated_sessions import agreement_of_scores
from run import main
from tests.evaluation.rating_sessions import HOSTILE, METHODS, hostile, study
from tests.web.rated import FOLDER, choices_of, kept, of_pairs, of_sessions, page

KINDS = pytest.mark.parametrize("draw", [of_pairs, of_sessions], ids=["pairs", "sessions"])


def told(client: TestClient, drawn: AnyStudy, rater: str, showing: Any, **fields: Any) -> dict[str, Any]:
    """Send an answer that must be taken; the showing's answer as the server has it."""
    answer = client.post(f"api/rate/{drawn.hash}/raters/{rater}", json={"showing": showing, **fields})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def on_page(html: str) -> dict[str, Any]:
    return dict(json.loads(html.split('id="study">')[1].split("</script>", maxsplit=1)[0]))


def answers_file(folder: Path, drawn: AnyStudy, rater: str = "rater-1") -> Path:
    return folder / FOLDER / f"rating-{drawn.hash}-{rater}.json"


def exported(drawn: AnyStudy, rater: str) -> dict[str, Any]:
    """What the page that is a file would export of the same answers."""
    (sheet,) = (one for one in drawn.sheets if one.rater == rater)
    rows = [
        {"showing": one.number, "choices": choices_of(drawn, rater, one.number), "comment": "", "seconds": 12.5}
        for one in sheet.showings
    ]
    head = {"kind": "counseling-sessions ratings", "format": 1, "study": drawn.hash, "rater": rater}
    return head | {"exported_at": "2026-03-01T10:00:00.000Z", "answers": rows}


@KINDS
def test_two_raters_answer_a_whole_study_as_on_the_pages_that_are_files(
    tmp_path: Path, draw: Callable[[], AnyStudy], capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = kept(tmp_path, draw())
    files = []
    with page(tmp_path) as client:
        for sheet in drawn.sheets:
            served = on_page(client.get(f"rate/{drawn.hash}/{sheet.rater}").text)
            static = on_page(page_of(drawn, sheet))
            assert {name: value for name, value in served.items() if name not in ("server", "answers", "words")} == {
                name: value for name, value in static.items() if name != "words"
            }
            for showing in served["showings"]:
                (first, *others) = choices_of(drawn, sheet.rater, showing["number"]).items()
                for part in ([first], others):
                    told(client, drawn, sheet.rater, showing["number"], choices=dict(part), seconds=12.5)
            (tmp_path / "static").mkdir(exist_ok=True)
            static_file = tmp_path / "static" / f"{sheet.rater}.json"
            static_file.write_text(json.dumps(exported(drawn, sheet.rater)), encoding="utf-8")
            files.append(static_file)
            here = json.loads(answers_file(tmp_path, drawn, sheet.rater).read_text(encoding="utf-8"))
            there = exported(drawn, sheet.rater)
            assert here | {"exported_at": ""} == there | {"exported_at": ""}
            assert list(here) == list(there)
    ours = [answers_file(tmp_path, drawn, sheet.rater) for sheet in drawn.sheets]
    read: Any = read_answers if isinstance(drawn, Study) else read_scale_answers
    assert read(ours, drawn).ratings == read(files, drawn).ratings
    assert read(ours, drawn).problems == ()
    assert main(["agreement", *map(str, (tmp_path / FOLDER).glob("*.json"))]) == 0
    assert "rater-2" in capsys.readouterr().out


@KINDS
def test_nothing_that_would_unblind_reaches_a_rater(tmp_path: Path, draw: Callable[[], AnyStudy]) -> None:
    drawn = kept(tmp_path, draw())
    secrets = {*METHODS, "canary", "study.json", str(tmp_path), "attitude", '"seed"', '"repeat'}
    for item in drawn.pairs if isinstance(drawn, Study) else drawn.sessions:
        sessions = (item.first, item.second) if not isinstance(drawn, ScaleStudy) else (item.session,)
        secrets |= {item.id, item.client, *(one.id for one in sessions)}
    with page(tmp_path) as client:
        one = f"api/rate/{drawn.hash}"
        told(client, drawn, "rater-1", 1, choices=choices_of(drawn, "rater-1", 1))
        sent = [client.get(place) for place in ("api/rate", one, f"{one}/raters/rater-1", f"rate/{drawn.hash}/rater-1")]
        sent.append(client.post(f"{one}/raters/rater-1", json={"showing": 99}))
        sent.append(client.post(f"{one}/raters/rater-1", json={"showing": 1, "choices": {"x": "y"}}))
    for answer in sent:
        for secret in secrets:
            assert secret not in answer.text, (answer.url, secret)
            assert secret not in str(answer.headers), (answer.url, secret)
    assert on_page(sent[3].text)["showings"]


def test_a_rater_answers_only_what_is_theirs(tmp_path: Path) -> None:
    drawn = kept(tmp_path, study(6, raters=2))
    asked = len(drawn.sheets[0].showings)
    aspect = next(iter(drawn.choices))
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("rater-1", {"showing": asked + 1, "choices": {aspect: "a"}}, f"was shown pairs 1 to {asked}"),
        ("rater-1", {"showing": 0}, "cannot be asked"),
        ("rater-1", {"showing": True}, "cannot be asked"),
        ("rater-1", {"showing": 1, "choices": {"beauty": "a"}}, "no such aspect"),
        ("rater-1", {"showing": 1, "choices": {aspect: "first"}}, "should be one of a, b, tie"),
        ("rater-1", {"showing": 1, "choices": {aspect: "a"}, "seconds": -1}, "cannot be asked"),
        ("rater-1", {"showing": 1, "comment": "x" * 4001}, "cannot be asked"),
        ("rater-1", {"showing": 1, "rater": "rater-2"}, "cannot be asked"),
        ("rater-3", {"showing": 1, "choices": {aspect: "a"}}, "no such rater"),
        ("..%2F..%2Frater-1", {"showing": 1, "choices": {aspect: "a"}}, ""),
    ]
    with page(tmp_path) as client:
        for rater, body, words in refused:
            answer = client.post(f"api/rate/{drawn.hash}/raters/{rater}", json=body)
            assert 400 <= answer.status_code < 500, body
            assert words in answer.text, body
        for place in ("api/rate/nowhere", f"api/rate/{FOLDER}", f"rate/{drawn.hash}/rater-9", f"rate/{FOLDER}/rater-1"):
            assert client.get(place).status_code == 409
        large = client.post(f"api/rate/{drawn.hash}/raters/rater-1", content=b"{" + b" " * 70_000 + b"}")
        assert large.status_code == 413
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix == ".json"] == [
        tmp_path / FOLDER / "study.json"
    ]


def test_hostile_texts_stay_text(tmp_path: Path) -> None:
    drawn = kept(tmp_path, hostile())
    words = f"{HOSTILE}\x00\x1b[31m\u202e {{{{data}}}}"
    with page(tmp_path) as client:
        told(client, drawn, "rater-1", 1, comment=words)
        answer = client.get(f"rate/{drawn.hash}/rater-1")
        assert answer.text.count("</script>") == 2
        assert "<!--" not in answer.text
        assert on_page(answer.text)["answers"]["1"]["comment"] == words
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "connect-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        broken = client.post(
            f"api/rate/{drawn.hash}/raters/rater-1",
            content=b'{"showing": 1, "choices": {"\\ud800": "\\ud800"}, "comment": "\\ud800"}',
            headers={"content-type": "application/json"},
        )
        assert broken.status_code == 422
    assert read_answers([answers_file(tmp_path, drawn)], drawn).comments[0].text == words.strip()


def test_answers_of_two_tabs_add_up_and_an_answer_may_come_twice(tmp_path: Path) -> None:
    drawn = kept(tmp_path, study(2))
    with page(tmp_path) as client:
        told(client, drawn, "rater-1", 1, choices={"safety": "a"}, comment="one ", seconds=4)
        told(client, drawn, "rater-1", 2, choices={"safety": "b"})
        for _ in range(2):
            now = told(client, drawn, "rater-1", 1, choices={"empathy": "tie"}, seconds=9.26)
        assert now == {"choices": {"safety": "a", "empathy": "tie"}, "comment": "one", "seconds": 9.3}
        now = told(client, drawn, "rater-1", 1, choices={"safety": "cannot_say"}, comment="", seconds=3)
        assert now == {"choices": {"safety": "cannot_say", "empathy": "tie"}, "comment": "", "seconds": 9.3}
        told(client, drawn, "rater-2", 1, choices={"safety": "tie"})
        both = client.get(f"api/rate/{drawn.hash}/raters/rater-1").json()["answers"]
        assert both == {"1": now, "2": {"choices": {"safety": "b"}, "comment": "", "seconds": 0.0}}
        assert client.post(f"api/rate/{drawn.hash}/raters/rater-1/erase", json={}).status_code == 200
        assert client.get(f"api/rate/{drawn.hash}/raters/rater-1").json()["answers"] == {}
        assert client.get(f"api/rate/{drawn.hash}/raters/rater-2").json()["answers"]


def test_an_answer_is_on_the_disk_when_it_is_confirmed_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    drawn = kept(tmp_path, study(2))
    with page(tmp_path) as client:
        told(client, drawn, "rater-1", 1, choices={"safety": "a"}, seconds=2)
        # Another server on the same folder, while the first one never ends: what a killed one leaves.
        with page(tmp_path) as other:
            data = on_page(other.get(f"rate/{drawn.hash}/rater-1").text)
            assert data["answers"] == {"1": {"choices": {"safety": "a"}, "comment": "", "seconds": 2.0}}
            assert data["server"] == f"../../api/rate/{drawn.hash}/raters/rater-1"
    assert stat.S_IMODE(answers_file(tmp_path, drawn).stat().st_mode) == 0o600


def test_two_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    drawn = study(4)
    jobs = [(showing.number, name) for showing in drawn.sheets[0].showings for name in drawn.choices]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda job: KeptAnswers(tmp_path, drawn, "rater-1").put(job[0], {job[1]: "a"}, None, 1), jobs))
    found = KeptAnswers(tmp_path, drawn, "rater-1").read()
    assert {number: set(one.choices) for number, one in found.items()} == {n: set(drawn.choices) for n, _ in jobs}


def test_a_rater_goes_on_from_what_was_exported_before(tmp_path: Path) -> None:
    drawn = kept(tmp_path, of_pairs())
    answers_file(tmp_path, drawn).write_text(json.dumps(exported(drawn, "rater-1")), encoding="utf-8")
    with page(tmp_path) as client:
        now = told(client, drawn, "rater-1", 2, comment="Later.")
        assert now["choices"] == choices_of(drawn, "rater-1", 2)
        assert len(client.get(f"api/rate/{drawn.hash}/raters/rater-1").json()["answers"]) == len(
            drawn.sheets[0].showings
        )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "broken JSON"),
        ("\udcff", "broken JSON"),
        ("[]", "holds no answers"),
        ("another study", "answers to study"),
        ("another rater", "the answers of rater-2"),
        ("another showing", "was shown pairs"),
    ],
)
def test_answers_that_cannot_be_read_are_never_written_over(tmp_path: Path, content: str, words: str) -> None:
    drawn = kept(tmp_path, of_pairs())
    whole = exported(drawn, "rater-1")
    changed = {
        "another study": whole | {"study": "0" * 12},
        "another rater": exported(drawn, "rater-2"),
        "another showing": whole | {"answers": [{"showing": 99, "choices": {}}]},
    }
    before = (json.dumps(changed[content]) if content in changed else content).encode(errors="surrogateescape")
    answers_file(tmp_path, drawn).write_bytes(before)
    with page(tmp_path) as client:
        for answer in (
            client.post(f"api/rate/{drawn.hash}/raters/rater-1", json={"showing": 1, "choices": {"safety": "a"}}),
            client.get(f"rate/{drawn.hash}/rater-1"),
        ):
            assert answer.status_code == 400
            assert words in answer.json()["problem"]
    assert answers_file(tmp_path, drawn).read_bytes() == before


def test_studies_are_found_in_the_folder_and_wrong_ones_refused_in_words(tmp_path: Path) -> None:
    drawn, deep = kept(tmp_path, of_pairs()), study(3, raters=2)
    write_study(deep, tmp_path / "studies" / "later" / "study.json")
    write_study(deep, tmp_path / "copy" / "study.json")
    KeptAnswers(tmp_path / "studies" / "later", deep, "rater-1").put(1, {"safety": "a"}, None, 1)
    write_study(study(2), tmp_path / ".hidden" / "study.json")
    text = (tmp_path / FOLDER / "study.json").read_text(encoding="utf-8")
    wrong = {
        "changed": text.replace("bakery", "shop"),
        "other": "{}",
        "cut": text[:500],
        "new": text.replace('"format": 1', '"format": 2'),
    }
    named = json.loads(text)
    named["sheets"][0]["rater"] = "../../rater-1"
    wrong["named"] = json.dumps(Study.model_validate(named).hashed().model_dump(mode="json"))
    for name, content in wrong.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "study.json").write_text(content, encoding="utf-8")
    with page(tmp_path) as client:
        data = client.get("api/rate").json()
        with page(tmp_path / FOLDER) as inside:
            assert [one["name"] for one in inside.get("api/rate").json()["studies"]] == [drawn.hash]
    assert {one["name"] for one in data["studies"]} == {drawn.hash, deep.hash}
    assert data["studies"][0]["raters"] == ["rater-1", "rater-2"]
    by_folder = {
        re.sub(r"/study\.json.*", "", line).rpartition("/")[2].partition(":")[0]: line for line in data["problems"]
    }
    says = {
        "changed": "changed since",
        "other": "not a study",
        "cut": "broken JSON",
        "new": "format 2",
        "named": "letters, digits",
    }
    for name, words in says.items():
        assert words in by_folder[name]
    assert [line for line in data["problems"] if "the same study as" in line] == [
        f"{tmp_path / 'copy'}: the same study as {tmp_path / 'studies' / 'later'}, which is shown; keep one of them"
    ]
    assert len(data["problems"]) == len(says) + 1


def test_a_study_that_changes_or_goes_is_not_answered_any_more(tmp_path: Path) -> None:
    drawn = kept(tmp_path, of_pairs())
    file = tmp_path / FOLDER / "study.json"
    before = file.read_text(encoding="utf-8")
    place, body = f"api/rate/{drawn.hash}/raters/rater-1", {"showing": 1, "choices": {"safety": "a"}}
    with page(tmp_path) as client:
        told(client, drawn, "rater-1", 1, choices={"safety": "b"})
        file.write_text(before.replace("bakery", "shop"), encoding="utf-8")
        assert "no such study" in client.post(place, json=body).text
        file.unlink()
        assert "no such study" in client.post(place, json=body).text
        file.write_text(before, encoding="utf-8")
        assert client.get(place).json()["answers"]["1"]["choices"] == {"safety": "b"}


@KINDS
def test_progress_says_how_far_raters_have_come_and_how_far_they_agree(
    tmp_path: Path, draw: Callable[[], AnyStudy]
) -> None:
    drawn = kept(tmp_path, draw())
    asked = len(drawn.sheets[0].showings)
    with page(tmp_path) as client:
        for number in range(1, asked + 1):
            told(client, drawn, "rater-1", number, choices=choices_of(drawn, "rater-1", number))
        alone = client.get(f"api/rate/{drawn.hash}/progress").json()
        assert alone["table"] is None
        assert "Agreement needs two raters" in alone["agreement"][0]
        for number in range(1, asked + 1):
            told(client, drawn, "rater-2", number, choices=choices_of(drawn, "rater-2", number))
        first = next(iter(drawn.choices))
        client.post(f"api/rate/{drawn.hash}/raters/rater-2/erase", json={})
        told(client, drawn, "rater-2", 1, choices={first: drawn.choices[first][0]})
        for number in range(2, asked + 1):
            told(client, drawn, "rater-2", number, choices=choices_of(drawn, "rater-2", number))
        both = client.get(f"api/rate/{drawn.hash}/progress").json()
    questions = len(drawn.choices)
    assert both["progress"] == [
        {
            "rater": "rater-1",
            "complete": asked,
            "showings": asked,
            "answered": asked * questions,
            "asked": asked * questions,
        },
        {
            "rater": "rater-2",
            "complete": asked - 1,
            "showings": asked,
            "answered": (asked - 1) * questions + 1,
            "asked": asked * questions,
        },
    ]
    files = [answers_file(tmp_path, drawn, sheet.rater) for sheet in drawn.sheets]
    if isinstance(drawn, Study):
        section = agreement_section(rated(read_answers(files, drawn), drawn), drawn.aspects)
    else:
        assert isinstance(drawn, ScaleStudy)
        section = agreement_of_scores(rated_sessions(read_scale_answers(files, drawn), drawn))
    reported = section.blocks[0]
    assert isinstance(reported, Table)
    assert both["table"]["rows"] == [[cell(item).text for item in row] for row in reported.rows]
    assert both["agreement"] == list(section.paragraphs)
    for method in METHODS:
        assert method not in json.dumps(both)


def test_each_place_of_the_pages_text_is_filled_in() -> None:
    names = set(
        re.findall(
            r"(\w+):", (PAGES / "build.js").read_text(encoding="utf-8").split("const facts = {")[1].split("};")[0]
        )
    )
    for file in PAGES.glob("*.html"):
        assert set(re.findall(r'data-fact="(\w+)"', file.read_text(encoding="utf-8"))) <= names, file.name
