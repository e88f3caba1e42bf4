"""The commands of the evaluation as a user calls them: on runs, on other people's files, with judges, and with wrong inputs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import run
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import ShardWriter
from counseling_sessions.training.corpus import CORPUS
from tests.generation.exports.sessions import client, of, session
from tests.loopback import LoopbackServer
from tests.loopback.raw import http_answer

CLIENTS = 7
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory: two methods on the same clients and seed."""
    folder = tmp_path_factory.mktemp("study")
    writer = ShardWriter(folder, "w0")
    for method in ("single-plan", "magnet"):
        for number in range(CLIENTS):
            record = of(client(number), session(method))
            writer.keep(
                record.model_copy(update={"session_id": f"{method}-{number}", "turns": numbered(record, number)})
            )
    (folder / "run.json").write_text("{}", encoding="utf-8")
    return folder


def numbered(record: SessionRecord, number: int) -> tuple[Any, ...]:
    """The turns with another word in every counselor's message, so that sessions differ in length and wording."""
    changed = []
    for turn in record.turns:
        assert turn.counselor
        said = turn.counselor.model_copy(
            update={"text": f"{turn.counselor.text} {'And so on. ' * number}Number {number}."}
        )
        changed.append(turn.model_copy(update={"counselor": said}))
    return tuple(changed)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with LoopbackServer() as server:
        path = tmp_path_factory.mktemp("judge") / "judge.yaml"
        path.write_text(f"name: loop\nmodel: loopback\nbase_url: {server.base_url}\nsamples: 2\n", encoding="utf-8")
        yield path


def call(*arguments: str | Path) -> int:
    return run.main([str(argument) for argument in arguments])


def test_a_run_is_evaluated_by_method(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.json"
    assert call("evaluate", study, "--json", out, "--html", tmp_path / "r.html", "--markdown", tmp_path / "r.md") == 0
    printed = capsys.readouterr().out
    assert "magnet (n=7)" in printed
    assert all(len(line) <= 80 for line in printed.splitlines())
    data = json.loads(out.read_text(encoding="utf-8"))
    assert list(data["groups"]) == ["magnet", "single-plan"]
    assert data["groups"]["magnet"]["sessions"] == data["groups"]["magnet"]["clients"] == CLIENTS
    assert data["diversity_at_equal_length"]["sets"].keys() == {"magnet", "single-plan"}
    assert "<html" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "## Integrity" in (tmp_path / "r.md").read_text(encoding="utf-8")


def test_findings_are_listed_with_session_turn_and_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = [
        ("counselor", "What brings you here?"),
        ("client", "I count the stairs."),
        ("counselor", "What brings you here?"),
    ]
    dialogue = [{"role": role, "message": text} for role, text in said]
    (tmp_path / "session_1.json").write_text(json.dumps({"dialogue": dialogue}), encoding="utf-8")
    (tmp_path / "session_2.json").write_text("{", encoding="utf-8")
    assert call("evaluate", tmp_path, "--show", "repeats") == 0
    printed = capsys.readouterr()
    assert "session_1  turn 2  counselor  repeat" in printed.out
    assert "What brings you here?" in printed.out
    assert "1 finding" in printed.err


def test_broken_files_are_told_and_the_rest_is_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dialogue = [{"role": "counselor", "message": "Hello."}, {"role": "client", "message": "Hello."}]
    (tmp_path / "good.json").write_text(json.dumps({"dialogue": dialogue}), encoding="utf-8")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    assert call("evaluate", tmp_path) == 0
    assert "broken.json" in capsys.readouterr().err


def test_judged_scales_are_asked_for_once(
    study: Path, judge: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = (
        "--judge",
        judge,
        "--metrics",
        "ctrs,panas",
        "--planted",
        "2",
        "--judgements",
        tmp_path / "kept",
        "--quiet",
    )
    assert call("evaluate", study, *options, "--json", tmp_path / "1.json") == 0
    assert call("evaluate", study, *options, "--json", tmp_path / "2.json", "--html", tmp_path / "r.html") == 0
    first, second = (json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("1.json", "2.json"))
    assert first["judged"]["scores"] == second["judged"]["scores"]
    [card] = second["judged"]["cards"]["cards"]
    assert card["hits"] == card["questions"] > 0
    assert len([row for row in second["judged"]["means"] if row["subscale"] == "general"]) == 2 * CLIENTS
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    for part in ("Judge cards", "planted defects", "Affect before and after", "must not be reported as CTRS scores"):
        assert part in page


@pytest.mark.parametrize("command", ["evaluate", "prefer"])
def test_a_judge_that_scored_nothing_is_named_with_the_server_s_words_and_the_command_fails(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    path = tmp_path / "judge.yaml"
    how = {"evaluate": ("--metrics", "ctrs", "--planted", "0"), "prefer": ("--between", "magnet,single-plan")}[command]
    refusal = {"error": {"message": "The prompt was filtered", "code": "content_filter"}}
    with LoopbackServer(raw=lambda request: http_answer(refusal, 400)) as server:
        path.write_text(f"name: loop\nmodel: loopback\nbase_url: {server.base_url}\n", encoding="utf-8")
        assert call(command, study, "--judge", path, *how, "--quiet", "--judgements", tmp_path / "kept") == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "judge loop scored nothing: filtered: " in told
    assert "answers 400: The prompt was filtered" in told


def test_attitudes_that_are_the_groups_are_named_once(study: Path, judge: Path, tmp_path: Path) -> None:
    for by, named in {
        "method": ("positive, magnet, neutral", "general, neutral"),
        "attitude": ("positive, neutral", ""),
    }.items():
        options = ("--judge", judge, "--metrics", "ctrs,panas", "--planted", "0", "--judgements", tmp_path / "kept")
        assert call("evaluate", study, *options, "--by", by, "--quiet", "--html", tmp_path / "r.html") == 0
        page = (tmp_path / "r.html").read_text(encoding="utf-8")
        assert f">{named[0]}<" in page
        assert ("general, neutral" in page) == bool(named[1])


def test_defects_can_be_planted_in_other_sessions(
    study: Path, judge: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The study's own sessions are too short to be broken."""
    options = ("--judge", judge, "--metrics", "ctrs", "--planted", "2", "--quiet", "--json", tmp_path / "r.json")
    for where, n in (((), 0), (("--planted-on", CORPUS / "test.jsonl"), 2)):
        assert call("evaluate", study, *options, *where, "--judgements", tmp_path / "kept") == 0
        [card] = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["judged"]["cards"]["cards"]
        assert {check["n"] for check in card["planted"]} == {n}
    capsys.readouterr()
    assert call("evaluate", study, *options, "--planted-on", tmp_path / "nothing") == 2
    assert "nothing" in capsys.readouterr().err


def test_methods_are_compared_in_pairs(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        call("compare", study, "--html", tmp_path / "r.html", "--json", tmp_path / "r.json", "--metrics", "structure")
        == 0
    )
    printed = capsys.readouterr().out
    assert f"magnet against single-plan, {CLIENTS} pairs of sessions" in printed
    comparison = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["comparison"]
    assert (comparison["reference"], comparison["pairs"]) == ("magnet", {"single-plan": CLIENTS})
    assert {item["difference"]["pairs"] for item in comparison["compared"]} == {CLIENTS}


def test_a_comparison_goes_into_the_run_unless_told_otherwise(study: Path) -> None:
    assert call("compare", study, "--quiet", "--metrics", "structure") == 0
    assert (study / "report.html").exists()


def test_judges_prefer(study: Path, judge: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "prefer.json"
    options = ("--judge", judge, "--judgements", tmp_path / "kept", "--pairs", "5", "--json", out)
    assert call("prefer", study, "--between", "magnet,single-plan", *options) == 0
    assert "magnet preferred to single-plan" in capsys.readouterr().out
    data = json.loads(out.read_text(encoding="utf-8"))
    assert len(data["decisions"]) == 5 * 9
    assert len(data["answers"]) == 5 * 9 * 2 * 2


def test_people_rate_and_their_answers_are_read(
    study: Path, judge: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "rating"
    assert call("rate", study, "--between", "magnet,single-plan", "--raters", "2", "--out", folder) == 0
    told = capsys.readouterr()
    assert "fewer than the 60 asked for" in told.err
    assert "It takes each rater about" in told.out
    assert call("rate", study, "--between", "magnet,single-plan", "--raters", "2", "--out", folder) == 2
    answer(folder, "rater-1", "a")
    answer(folder, "rater-2", "b")
    prefer = tmp_path / "prefer.json"
    options = ("--judge", judge, "--judgements", tmp_path / "kept", "--quiet", "--json", prefer)
    assert call("prefer", study, "--between", "magnet,single-plan", *options) == 0
    out = tmp_path / "agreement.json"
    capsys.readouterr()
    assert call("agreement", *folder.glob("*.json"), "--judged", prefer, "--json", out) == 0
    printed = capsys.readouterr().out
    assert "Judges beside people" in printed
    assert "magnet preferred to single-plan, at equal length" in printed
    data = json.loads(out.read_text(encoding="utf-8"))
    assert data["lengths"][0]["raters"].keys() == {"rater-1", "rater-2"}
    rated = data["rated"]
    # One always answers left, the other always right.
    assert rated["side"]["rater-1"]["share"]["value"] == 1
    assert rated["side"]["rater-2"]["share"]["value"] == 0


def answer(folder: Path, rater: str, side: str) -> None:
    """What a rater's page exports when every answer is this side."""
    study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    sheet = next(sheet for sheet in study["sheets"] if sheet["rater"] == rater)
    aspects = [aspect["id"] for aspect in study["aspects"]["items"]]
    data = {
        "kind": "counseling-sessions ratings",
        "format": 1,
        "study": study["hash"],
        "rater": rater,
        "exported_at": "2026-11-23T12:00:00Z",
        "answers": [
            {"showing": showing["number"], "choices": dict.fromkeys(aspects, side), "comment": "", "seconds": 60}
            for showing in sheet["showings"]
        ],
    }
    (folder / f"answers-{rater}.json").write_text(json.dumps(data), encoding="utf-8")


def test_turns_are_scored_against_references(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "turns.jsonl"
    turn = {"generated": "What would you like to try?", "reference": "What would you like to try?", "client": "one"}
    path.write_text(json.dumps(turn) + "\n", encoding="utf-8")
    assert call("reference", path) == 0
    assert "100.00" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["evaluate", "nowhere"], "there is no file or folder 'nowhere'"),
        (["evaluate", "{study}", "--metrics", "wai"], "wai: need a judge"),
        (["evaluate", "{study}", "--metrics", "beauty"], "--metrics beauty: choose from"),
        (["evaluate", "{study}", "--show", "ghosts"], "there is no such kind of finding"),
        (["evaluate", "{study}", "--vocabulary", "3"], "a vocabulary of 3 cannot be"),
        (["evaluate", "{study}", "--judge", "nowhere.yaml"], "there is no file or folder 'nowhere.yaml'"),
        (["compare", "{study}", "--by", "attitude"], "there is one group only"),
        (
            ["compare", "{study}", "--metrics", "structure", "--primary", "beauty"],
            "--primary beauty: not among the measures",
        ),
        (["compare", "{study}", "--reference", "mine"], "--reference mine: there is no such group"),
        (["rate", "{study}", "--between", "magnet,mine", "--out", "x"], "--between mine: there is no such group"),
        (["agreement", "nowhere.json"], "there is no file or folder"),
        (["reference", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_wrong_inputs_are_told(
    arguments: list[str], told: str, study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study)
    assert call(*(argument.replace("{study}", str(study)) for argument in arguments)) == 2
    assert told in capsys.readouterr().err


def test_a_missing_library_is_told_with_what_to_install(
    study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise ModuleNotFoundError("No module named 'scipy'", name="scipy.stats")

    monkeypatch.setattr("counseling_sessions.commands.evaluate.gather_heads", missing)
    assert call("evaluate", study) == 2
    assert "pip install -e '.[evaluation]'" in capsys.readouterr().err


WITHOUT_LIBRARIES = """\
import sys
class Gone:
    def find_spec(self, name, *more):
        if name.partition(".")[0] in ("numpy", "scipy", "sacrebleu", "tokenizers", "matplotlib", "py3langid"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Gone())
import run
for name in ("evaluate", "compare", "prefer", "rate", "agreement", "reference"):
    try: run.main([name, "--help"])
    except SystemExit: pass
for name in ("evaluate", "compare", "reference"):
    print("exit", run.main([name, "README.md"]))
"""


def test_without_the_extra_help_says_first_what_to_install_and_commands_say_it_plainly() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LIBRARIES], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.count("With the extra 'evaluation' (pip install -e '.[evaluation]').\n\nusage: ") == 6
    assert done.stdout.startswith("With the extra")
    assert done.stdout.count("exit 2") == 3
    assert " ".join(done.stderr.split()).count("pip install -e '.[evaluation]'") == 3
    assert "Traceback" not in done.stderr


def test_only_what_is_asked_for_is_computed(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("this was not asked for")

    for name in ("check_session", "risk_of", "talk_of", "disclosure_of"):
        monkeypatch.setattr(f"counseling_sessions.evaluation.readings.{name}", never)
    assert call("evaluate", study, "--metrics", "diversity", "--quiet", "--json", tmp_path / "one.json") == 0
    group = json.loads((tmp_path / "one.json").read_text(encoding="utf-8"))["groups"]["magnet"]
    assert not {"integrity", "structure", "clean_sessions", "talk", "risk"} & group.keys()
    assert group["diversity"]["distinct"][0]["value"] > 0
    assert (group["sessions"], group["clients"], len(group["by_session"])) == (CLIENTS, CLIENTS, CLIENTS)


def test_json_has_every_finding_and_a_page_the_first_hundred(tmp_path: Path) -> None:
    said = [{"role": "assistant" if place % 2 else "user", "content": ""} for place in range(150)]
    (tmp_path / "chat.json").write_text(json.dumps({"messages": said}), encoding="utf-8")
    written = ("--json", tmp_path / "one.json", "--html", tmp_path / "one.html", "--quiet")
    assert call("evaluate", tmp_path / "chat.json", "--metrics", "integrity", *written) == 0
    integrity = json.loads((tmp_path / "one.json").read_text(encoding="utf-8"))["groups"]["chat.json"]["integrity"]
    assert sum(finding["kind"] == "empty" for finding in integrity["findings"]) == 150
    page = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert "empty: 150, the first 100 of them" in page
    assert "lists the first 100 findings of a kind, and evaluate --json or --show all of them" in page


@pytest.mark.slow
def test_figures_do_not_hang_on_how_many_processes_measure(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counseling_sessions.evaluation.readings.FEW", 2)
    monkeypatch.setattr("counseling_sessions.evaluation.readings.CHUNK", 3)
    found = []
    for jobs in ("1", "2"):
        path = tmp_path / f"{jobs}.json"
        assert (
            call("evaluate", study, "--metrics", "structure,talk,diversity", "--jobs", jobs, "--quiet", "--json", path)
            == 0
        )
        found.append(
            {name: value for name, value in json.loads(path.read_text(encoding="utf-8")).items() if name != "made"}
        )
    assert found[0] == found[1]
