"""`run.py profiles make`: a set from its first client to its card, killed and taken up again, and what it refuses."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import run
from counseling_sessions.commands.parsing.parser import parse
from counseling_sessions.making.folder import MadeFolder
from counseling_sessions.making.form import form_request
from counseling_sessions.making.sampling import draw
from counseling_sessions.making.tables import read_tables
from counseling_sessions.profiles.readers import find_profile, read_profiles
from counseling_sessions.sessions.errors import RunError
from tests.loopback import Answer, Faults, Latency, LoopbackServer, Request
from tests.making.test_sampling import changed, no_weight
from tests.making.writers import Form, by_hand, writer

pytestmark = pytest.mark.usefixtures("no_surroundings")
ROOT = Path(__file__).parents[2]


def make(server: LoopbackServer | None, out: Path, *more: str, count: int = 4) -> int:
    place = ["--base-url", server.base_url] if server else []
    return run.main(["profiles", "make", "--count", str(count), "--out", str(out), *place, *more])


def ids(path: Path) -> list[str]:
    return [profile.id for profile in read_profiles(path).profiles]


def entries(out: Path) -> list[Any]:
    return MadeFolder.of(out).entries()


def test_a_set_can_be_used_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "set"
    prices = tmp_path / "prices.yaml"
    prices.write_text("default: {input: 1000, output: 1000}", encoding="utf-8")
    with LoopbackServer(writer()) as server:
        assert make(server, out, "--prices", str(prices), "--licence", "cc-by-4.0") == 0
        printed = capsys.readouterr().out
        assert len(server.requests) == 1 + 4  # the list of models, and one answer for each client
        tokens = sum(request.prompt_tokens + request.completion_tokens for request in server.requests)
        assert f"cost {tokens / 1000:,.2f}" in printed
        assert run.main(["generate", "--out", str(tmp_path / "run"), "--profiles", str(out), "--preview", "1", "--turns", "1", "--quiet", "--base-url", server.base_url]) == 0  # fmt: skip
    sketches = draw(read_tables(), 4, 1)
    made = read_profiles(out).profiles
    assert [(one.demographics.name, one.demographics.age) for one in made] == [(one.name, one.age) for one in sketches]
    assert find_profile(str(out), "2") == made[1]
    assert len((tmp_path / "run" / "profiles.jsonl").read_text(encoding="utf-8").splitlines()) == 4
    text = (out / "README.md").read_text(encoding="utf-8")
    for words in (
        "# 4 new clients",
        "| seed | 1 |",
        "`cc-by-4.0`",
        "--count 4",
        "| woman | 1.9 | 2 | 2 |",
        "| none | 0 |",
    ):
        assert words in text
    assert "$" not in text, "every place of the card is filled"


def test_a_file_is_a_set_too(tmp_path: Path) -> None:
    out = tmp_path / "clients.jsonl"
    with LoopbackServer(writer()) as server:
        assert make(server, out, count=2) == 0
    assert len(ids(out)) == 2
    assert (tmp_path / "clients.md").exists()


def test_the_same_command_again_asks_nothing_and_changes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "set"
    with LoopbackServer(writer()) as server:
        make(server, out)
        before = (out / "profiles.jsonl").read_bytes()
        asked = len(server.requests)
        assert make(server, out) == 0
        assert len(server.requests) == asked + 1  # the list of models
    assert (out / "profiles.jsonl").read_bytes() == before


def test_a_refused_answer_is_asked_for_again_with_the_reason(tmp_path: Path) -> None:
    def at_first(form: Form, task: str) -> Form:
        return form if "could not be used" in task else {**form, "history": "I have been diagnosed twice."}

    out = tmp_path / "set"
    with LoopbackServer(writer(at_first)) as server:
        assert make(server, out, count=2) == 0
        tasks = [request.messages[-1][1] for request in server.requests if request.number >= 0]
    assert ['term of clinics or therapy ("diagnosed")' in task for task in tasks].count(True) == 2
    assert Counter(one.kind for entry in entries(out) for one in entry.refused) == {"label": 2}
    assert "diagnosed" not in (out / "profiles.jsonl").read_text(encoding="utf-8")
    assert "| label | 2 |" in (out / "README.md").read_text(encoding="utf-8")


def test_attempts_are_bounded_and_the_next_run_tries_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "set"
    with LoopbackServer(lambda _: "I would rather not.") as server:
        assert make(server, out, "--attempts", "2", count=2) == 1
    assert "2 clients missing" in capsys.readouterr().err
    assert Counter(entry.number for entry in entries(out)) == {1: 2, 2: 2}
    assert ids_or_none(out) == []
    with LoopbackServer(writer()) as server:
        assert make(server, out, "--attempts", "2", count=2) == 0
    assert [entry.attempt for entry in entries(out) if entry.profile] == [3, 3]


def ids_or_none(out: Path) -> list[str]:
    return [json.loads(line)["id"] for line in (out / "profiles.jsonl").read_text(encoding="utf-8").splitlines()]


def test_two_clients_alike_are_not_both_taken(tmp_path: Path) -> None:
    first: list[Form] = []

    def same(form: Form, task: str) -> Form:
        first.append(form)
        keep = ("family", "background", "severity")
        again = "could not be used" in task
        return form if again else {**first[0], **{name: form[name] for name in keep}}

    out = tmp_path / "set"
    with LoopbackServer(writer(same)) as server:
        assert make(server, out, count=3) == 0
    assert {one.kind for entry in entries(out) for one in entry.refused} == {"alike", "copied"}
    assert len(ids(out)) == 3


def test_a_model_that_reasons_to_its_limit_gets_more_room(tmp_path: Path) -> None:
    write = writer()

    def thinks(request: Request) -> Answer | str:
        return write(request) if request.body["max_tokens"] > 400 else Answer("<think>Who is it?", "length")

    models = tmp_path / "models.yaml"
    with LoopbackServer(thinks) as server:
        models.write_text(f"writer: {{base_url: '{server.base_url}', max_tokens: 400}}", encoding="utf-8")
        assert make(None, tmp_path / "set", "--models", str(models), count=1) == 0
    refused, written = entries(tmp_path / "set")
    assert "reasoning took all 400 tokens" in refused.refused[0].detail
    assert written.profile


def test_a_stereotype_of_the_writer_is_flagged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def tearful(form: Form, task: str) -> Form:
        return {**form, "history": f"{form['history']} I wept."} if "Gender: woman" in task else form

    with LoopbackServer(writer(tearful)) as server:
        assert make(server, tmp_path / "set", count=24) == 1
    assert "flagged: gender and tears" in capsys.readouterr().err
    assert "**flagged**" in (tmp_path / "set" / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_killed_or_stopped_at_any_moment_it_goes_on_and_nothing_comes_twice(tmp_path: Path) -> None:
    out, count = tmp_path / "set", 12
    with LoopbackServer(writer(), latency=Latency(base=0.05)) as server:
        command = ["profiles", "make", "--count", str(count), "--out", str(out), "--concurrency", "2"]
        command += ["--base-url", server.base_url]
        log = out / "making" / "answers.jsonl"
        for least, number, code in ((random.randint(1, 3), signal.SIGKILL, -signal.SIGKILL), (5, signal.SIGINT, 130)):
            process = subprocess.Popen([sys.executable, "run.py", *command], cwd=ROOT, stderr=subprocess.DEVNULL)
            until = time.monotonic() + 60
            while not log.exists() or log.read_bytes().count(b"\n") < least:
                assert time.monotonic() < until
                assert process.poll() is None
                time.sleep(0.002)
            process.send_signal(number)
            assert process.wait() == code
        # What was stopped is in order, and has its card.
        there = ids(out)
        assert 5 <= len(there) < count
        assert (out / "README.md").read_text(encoding="utf-8").startswith(f"# {len(there)} new clients")
        with log.open("ab") as file:
            file.write(b'{"number": 7, "attem')  # what a power cut leaves
        assert run.main(command) == 0
        asked = Counter(request.messages[-1][1] for request in server.requests if request.number >= 0)
    made = ids(out)
    assert len(made) == len(set(made)) == count
    assert made == sorted(made, key=lambda name: name.rpartition("-")[2])
    assert set(there) <= set(made)
    # Only what was under way was asked for again: two forms at most each time.
    assert sum(asked.values()) <= count + 4


def test_a_dead_endpoint_stops_it_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["profiles", "make", "--count", "2", "--out", str(tmp_path / "a"), "--base-url", "http://127.0.0.1:9/v1"]) == 2  # fmt: skip
    assert "127.0.0.1:9" in capsys.readouterr().err
    with LoopbackServer(writer()) as server:
        server.fail_with(401, "Incorrect API key provided.")
        assert make(server, tmp_path / "b", "--model", "m", count=20) == 1
        said = capsys.readouterr().err
        assert "Incorrect API key" in said
        assert len([request for request in server.requests if "chat" in request.path]) <= 8


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--count", "0"], "from 1 on"),
        (["--seed", "-1"], "from 0 on"),
        (["--tables", "nowhere.yaml"], "there is no file or folder 'nowhere.yaml'"),
        (["--out", "clients.yaml"], "ends in .jsonl"),
        (["--language", "!"], "language"),
    ],
)
def test_wrong_input_is_refused_and_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with LoopbackServer(writer()) as server:
        try:
            code = run.main(["profiles", "make", "--count", "2", "--out", "set", "--base-url", server.base_url, *more])
        except SystemExit as ended:
            code = int(ended.code or 0)
        assert code == 2
        assert server.requests == []
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_broken_tables_are_refused_by_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = changed(tmp_path, no_weight)
    assert make(None, tmp_path / "set", "--tables", str(tables)) == 2
    assert "attributes.gender.values.0.weight" in capsys.readouterr().err


def test_what_another_command_made_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "run.json").write_text("{}", encoding="utf-8")
    with LoopbackServer(writer()) as server:
        assert make(server, out) == 2
        assert "no set of new clients" in capsys.readouterr().err
        kept = tmp_path / "mine.jsonl"
        kept.write_text("mine", encoding="utf-8")
        assert make(server, kept) == 2
    assert kept.read_text(encoding="utf-8") == "mine"
    assert [path.name for path in out.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("more", "words"), [(["--seed", "2"], "seed: 1, now 2"), (["--language", "Dutch"], "now Dutch")]
)
def test_a_set_goes_on_only_as_it_was_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    with LoopbackServer(writer()) as server:
        make(server, tmp_path / "set", count=2)
        before = (tmp_path / "set" / "profiles.jsonl").read_bytes()
        assert make(server, tmp_path / "set", *more, count=2) == 2
    assert words in capsys.readouterr().err
    assert (tmp_path / "set" / "profiles.jsonl").read_bytes() == before


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    folder = MadeFolder.of(tmp_path / "set")
    with folder.writing(), pytest.raises(RunError, match="in use"), folder.writing():
        pass


def test_the_embedded_model_says_that_it_is_not_able_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--embedded", "small"], ["--model", "embedded-medium"]):
        assert make(None, tmp_path / "set", *more) == 2
        said = capsys.readouterr().err
        assert "cannot write the form of a client" in said
        assert "--base-url" in said
    assert not (tmp_path / "set").exists()


def test_a_dry_run_shows_the_draw_without_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make(None, tmp_path / "set", "--dry-run", count=7) == 0
    shown = capsys.readouterr().out
    assert all(f"{sketch.number}. {sketch.name}, {sketch.age}" in shown for sketch in draw(read_tables(), 7, 1))
    assert not (tmp_path / "set").exists()


def test_forms_written_by_hand_become_a_set(tmp_path: Path) -> None:
    forms = {form.pop("number"): form for form in by_hand(Path(__file__).with_name("written.yaml"))}
    by_task = {
        form_request(read_tables(), one, "English")[1].text: forms[one.number] for one in draw(read_tables(), 7, 3)
    }
    with LoopbackServer(lambda request: json.dumps(by_task[request.messages[-1][1]])) as server:
        assert make(server, tmp_path / "set", "--seed", "3", count=7) == 0
        assert len(entries(tmp_path / "set")) == 7, "no guard objects"


def test_the_command_of_two_words_is_read_beside_the_one_of_one_word() -> None:
    name, request = parse(["profiles", "make", "--count", "3", "--out", "x", "--seed", "4"])
    assert (name, request.count, request.seed) == ("profiles make", 3, 4)  # type: ignore[attr-defined]
    assert request.arguments[:2] == ("profiles", "make")
    assert parse(["profiles", "show", "make"])[0] == "profiles"


def test_faults_that_pass_cost_no_client(tmp_path: Path) -> None:
    with LoopbackServer(writer(), faults=Faults.script(["500", None, "garbage"], retry_after=0)) as server:
        assert make(server, tmp_path / "set", count=3) == 0
    assert len(ids(tmp_path / "set")) == 3
