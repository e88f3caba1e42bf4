"""Behaviour codes asked of judges, through the commands: what is asked, what counts of the answers, and what is reported."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import krippendorff
import pytest

import run
from counseling_sessions.evaluation.codes.coarse import coarse_code_of
from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.evaluation.judging.codes import read_codes_rubric
from counseling_sessions.state import Speaker
from counseling_sessions.training.corpus import CORPUS
from tests.evaluation.judged import SAID, keys_of
from tests.loopback import LoopbackServer, Request

CLIENTS = 6
RUBRIC = read_codes_rubric()
Codes = dict[str, Any]
MESSAGES = 2 * len(SAID)


def write_sessions(
    folder: Path, *, clients: int = CLIENTS, asking: tuple[str, ...] = ("asks",), words: str = "", times: int = 1
) -> list[Path]:
    """Two files with a session of each client; those that are not `asking` have a counselor who tells."""
    folder.mkdir()
    base = json.loads((CORPUS / "test.jsonl").read_text(encoding="utf-8").partition("\n")[0])
    base |= {"opening": [], "closing": None, "turns": base["turns"][: len(SAID) * times]}
    paths = []
    for group in ("asks", "tells"):
        lines = []
        for number in range(clients):
            record = json.loads(json.dumps(base))
            record |= {"session_id": f"{group}-{number}", "profile_id": f"c{number}"}
            record["profile"] |= {"id": f"c{number}", "reason_for_counseling": f"I lost {number} keys."}
            for turn, (asked, answered) in zip(record["turns"], SAID * times, strict=True):
                turn["counselor"]["text"] = words + (asked if group in asking else "You should walk every day.")
                turn["client"]["text"] = f"{words}{answered} ({number})"
            lines.append(json.dumps(record))
        paths.append(folder / f"{group}.jsonl")
        paths[-1].write_text("\n".join(lines), encoding="utf-8")
    return paths


def extract(request: Request) -> dict[str, tuple[str, str]]:
    """Side and text of each message that is to be coded, by its number."""
    shown = {n: (side, text) for n, side, text in re.findall(r"(?m)^\[(\d+)\] (\w+): (.*)$", request.prompt)}
    return {number: shown[number] for number in keys_of(request.prompt)}


def by_rules(side: str, text: str) -> list[str]:
    """A judge that codes by simple rules."""
    if side == "Client":
        return ["change"] if "could" in text else ["neutral"]
    return ["advice"] if "should" in text else ["question_open"] if "?" in text else ["reflection_simple"]


def honest(request: Request) -> Codes:
    return {number: {"codes": by_rules(*said)} for number, said in extract(request).items()}


def unknown_codes(request: Request) -> Codes:
    """Of counselors it names a code that is none."""
    return {
        number: {"codes": ["question_rhetorical"] if side == "Counselor" else by_rules(side, text)}
        for number, (side, text) in extract(request).items()
    }


def leaves_out(request: Request) -> Codes:
    """It leaves out the last message."""
    codes = honest(request)
    codes.pop(list(codes)[-1])
    return codes


def misnumbers(request: Request) -> Codes:
    """It codes a message that does not exist."""
    return honest(request) | {"99": {"codes": ["neutral"]}}


def serving(*answers: Callable[[Request], Codes]) -> Callable[[Request], str]:
    """The answers of judges by their number, which is their model's name."""
    return lambda request: json.dumps(answers[int(request.body["model"])](request))


def judges(folder: Path, server: LoopbackServer, number: int = 1, samples: int = 1) -> Path:
    listed = [{"name": f"j{n}", "model": str(n), "base_url": server.base_url} for n in range(number)]
    path = folder / "judge.yaml"
    path.write_text(json.dumps({"samples": samples, "attempts": 2, "judges": listed}), encoding="utf-8")
    return path


def call(
    tmp_path: Path, sessions: list[Path], judge: Path, *options: str, command: str = "evaluate"
) -> tuple[int, dict[str, Any]]:
    out = tmp_path / "report.json"
    arguments = [command, *sessions, "--judge", judge, "--metrics", "codes-judged", "--judgements", tmp_path / "kept"]
    arguments += ["--json", out, "--markdown", tmp_path / "r.md", "--html", tmp_path / "r.html"]
    code = run.main([*map(str, arguments), "--quiet", *options])
    return code, json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}


def test_an_honest_judges_codes_are_counted_by_group(tmp_path: Path) -> None:
    sessions = write_sessions(tmp_path / "s")
    with LoopbackServer(serving(honest)) as server:
        code, data = call(tmp_path, sessions, judges(tmp_path, server))
        assert code == 0
        assert len(server.requests) == 2 * CLIENTS
        call(tmp_path, sessions, judges(tmp_path, server))
        assert len(server.requests) == 2 * CLIENTS
    judged = data["judged"]["codes_judged"]
    assert judged["rubric"] == {"name": "codes-judged", "hash": RUBRIC.hash}
    shares = {group: part["shares"]["counselor"] for group, part in judged["groups"].items()}
    assert shares["tells.jsonl"]["advice"]["value"] == 1
    assert shares["asks.jsonl"]["advice"]["value"] == 0
    assert shares["asks.jsonl"]["question_open"]["value"] == 1
    assert shares["asks.jsonl"]["question_open"]["n"] == CLIENTS * len(SAID)
    assert shares["asks.jsonl"]["question_open"]["clients"] == CLIENTS
    assert shares["asks.jsonl"]["question_open"]["low"] < 1
    assert judged["groups"]["asks.jsonl"]["ratios"]["open_questions"]["value"] == 1
    [card] = data["judged"]["cards"]["cards"]
    assert (card["questions"], card["wanted"], card["unscored"]) == (2 * CLIENTS, 2 * CLIENTS * MESSAGES, {})
    assert card["rubrics"] == {"codes-judged": RUBRIC.hash}
    assert card["used"]["prompt"] > 0
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    for part in ("Behaviour codes, judged", "may both be wrong", "The coder is weak at: ", "no MISC or MITI"):
        assert part in text


def test_groups_are_compared_on_the_judges_figures_within_their_family(tmp_path: Path) -> None:
    sessions = write_sessions(tmp_path / "s")
    with LoopbackServer(serving(honest)) as server:
        code, data = call(tmp_path, sessions, judges(tmp_path, server), command="compare")
    assert code == 0
    compared = {one["measure"]["id"]: one for one in data["comparison"]["compared"]}
    advice = compared["codes-judged/codes_advice"]
    assert abs(advice["difference"]["difference"]["value"]) == 1
    assert advice["difference"]["pairs"] == CLIENTS
    assert advice["difference"]["test"]["value"] == 2 / 2**CLIENTS
    assert advice["measure"]["better"] == "lower"
    assert {family["name"] for family in data["comparison"]["families"]} == {"codes-judged"}


def test_a_judge_is_measured_against_the_coder_its_samples_and_other_judges(tmp_path: Path) -> None:
    def wavering(request: Request) -> Codes:
        """It turns half of its codes for counselors round in every second request."""
        codes = honest(request)
        odd = request.body["seed"] % 2
        return {n: {"codes": ["agenda"] if odd and int(n) % 4 == 1 else codes[n]["codes"]} for n in codes}

    with LoopbackServer(serving(honest, wavering)) as server:
        code, data = call(tmp_path, write_sessions(tmp_path / "s"), judges(tmp_path, server, 2, samples=2))
    assert code == 0
    judged = data["judged"]["codes_judged"]
    agreement = {one["code"]: one for one in judged["agreement"]}
    asked = agreement["question_open"]
    assert asked["samples"]["j0"]["value"] == 1
    assert 0 < asked["samples"]["j1"]["value"] < 1
    assert 0 < asked["between"]["value"] < 1
    assert 0 < asked["coder"]["j0"]["value"] < 1
    assert asked["coder"]["j1"]["method"] == f"jackknife over {CLIENTS} clients"
    assert agreement["confrontation"]["between"]["value"] is None
    rows = [row for session in judged["sessions"] for row in session["codings"]]
    assert len(rows) == 2 * 2 * 2 * CLIENTS * MESSAGES
    # The same from the rows, by a library.
    values = {
        (row["judge"], s["source"], s["session"], row["number"], row["sample"]): row["codes"]
        for s in judged["sessions"]
        for row in s["codings"]
    }
    units = sorted({key[1:4] for key in values if key[3] % 2})
    table = [[float("question_open" in values["j1", *unit, sample]) for unit in units] for sample in (1, 2)]
    assert asked["samples"]["j1"]["value"] == pytest.approx(krippendorff.alpha(table, level_of_measurement="nominal"))
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "j0 and the coder: kappa" in text
    assert "judges: alpha" in text


def test_unknown_codes_are_asked_about_again_and_then_unscored(tmp_path: Path) -> None:
    with LoopbackServer(serving(unknown_codes)) as server:
        code, data = call(tmp_path, write_sessions(tmp_path / "s"), judges(tmp_path, server))
        assert code == 0
        assert len(server.requests) == 2 * 2 * CLIENTS
        assert "'question_rhetorical' is no code for the counselor" in server.requests[-1].prompt
        call(tmp_path, sorted((tmp_path / "s").iterdir()), judges(tmp_path, server))
        assert len(server.requests) == 2 * 2 * CLIENTS
        call(tmp_path, sorted((tmp_path / "s").iterdir()), judges(tmp_path, server), "--again")
        assert len(server.requests) == 2 * 2 * 2 * CLIENTS
    judged = data["judged"]["codes_judged"]
    share = judged["groups"][next(iter(judged["groups"]))]["shares"]
    assert (share["counselor"]["advice"]["value"], share["counselor"]["advice"]["missing"]) == (
        None,
        CLIENTS * len(SAID),
    )
    assert share["client"]["neutral"]["missing"] == 0
    [card] = data["judged"]["cards"]["cards"]
    assert card["unscored"] == {"not_allowed": 2 * CLIENTS * len(SAID)}
    assert all(value is None for session in judged["sessions"] for value in session["figures"].values())


def test_a_message_that_is_left_out_is_missing_and_nothing_is_guessed(tmp_path: Path) -> None:
    with LoopbackServer(serving(leaves_out)) as server:
        _, data = call(tmp_path, write_sessions(tmp_path / "s"), judges(tmp_path, server))
        assert len(server.requests) == 2 * 2 * CLIENTS
    judged = data["judged"]["codes_judged"]
    rows = [row for session in judged["sessions"] for row in session["codings"]]
    assert {row["number"] for row in rows if row["unscored"]} == {MESSAGES}
    assert [count["unscored"] for count in judged["scored"]] == [{"missing": CLIENTS}] * 2
    # All of a counselor's messages are coded, so the figures of sessions count.
    assert {session["figures"]["codes_advice"] for session in judged["sessions"]} == {0, 1}


def test_an_answer_about_messages_that_do_not_exist_counts_nowhere(tmp_path: Path) -> None:
    with LoopbackServer(serving(misnumbers)) as server:
        code, data = call(tmp_path, write_sessions(tmp_path / "s", clients=2), judges(tmp_path, server))
        assert "there is no message '99' in the extract" in server.requests[-1].prompt
    assert code == 1  # the judge scored nothing
    [card] = data["judged"]["cards"]["cards"]
    assert card["unscored"] == {"not_allowed": 2 * 2 * MESSAGES}


def test_a_client_needs_a_kind_of_talk(tmp_path: Path) -> None:
    def discloses(request: Request) -> Codes:
        sides = extract(request)
        return {n: {"codes": ["disclosure"] if sides[n][0] == "Client" else ["agenda"]} for n in sides}

    with LoopbackServer(serving(discloses)) as server:
        _, data = call(tmp_path, write_sessions(tmp_path / "s", clients=2), judges(tmp_path, server))
    rows = [row for session in data["judged"]["codes_judged"]["sessions"] for row in session["codings"]]
    assert {bool(row["unscored"]) for row in rows if row["speaker"] == "client"} == {True}
    assert {row["unscored"] for row in rows if row["speaker"] == "counselor"} == {None}


def test_long_sessions_are_coded_in_parts_that_show_what_came_before(tmp_path: Path) -> None:
    with LoopbackServer(serving(honest)) as server:
        call(tmp_path, write_sessions(tmp_path / "s", clients=1, times=2), judges(tmp_path, server))
        prompts = [request.prompt for request in server.requests if "before number 21" in request.prompt]
        assert len(server.requests) == 4
    assert len(prompts) == 2
    shown = [int(number) for number in re.findall(r"(?m)^\[(\d+)\]", prompts[0])]
    assert shown == list(range(21 - RUBRIC.before, 25))
    assert keys_of(prompts[0]) == ["21", "22", "23", "24"]
    for name, code in {**codebook().counselor, **codebook().client}.items():
        assert f"- {name}: {code.title}. {code.means}" in prompts[0]


def test_other_languages_are_judged_though_the_coder_cannot_read_them(tmp_path: Path) -> None:
    words = "Ich habe schlecht geschlafen und die Rechnungen nicht bezahlt, weil ich mich so schäme. "
    with LoopbackServer(serving(honest)) as server:
        _, data = call(tmp_path, write_sessions(tmp_path / "s", clients=2, words=words), judges(tmp_path, server))
    judged = data["judged"]["codes_judged"]
    assert judged["not_read_by_the_coder"] == 4
    assert {one["coder"]["j0"]["n"] for one in judged["agreement"]} == {0}
    assert all(group["shares"]["client"]["neutral"]["n"] for group in judged["groups"].values())
    assert "4 sessions not read by the coder" in (tmp_path / "r.md").read_text(encoding="utf-8")


def test_codes_are_asked_of_a_judge_on_request_alone_and_not_of_the_embedded_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions = write_sessions(tmp_path / "s", clients=1)
    assert run.main(["evaluate", *map(str, sessions), "--metrics", "codes-judged"]) == 2
    assert "codes-judged: need a judge" in " ".join(capsys.readouterr().err.split())
    path = tmp_path / "judge.yaml"
    path.write_text("model: embedded\n", encoding="utf-8")
    code, _ = call(tmp_path, sessions, path)
    assert code == 2
    assert "too small to judge" in " ".join(capsys.readouterr().err.split())


def test_a_judge_that_refuses_one_group_is_warned_of(tmp_path: Path) -> None:
    def refuses(request: Request) -> Codes:
        return {} if "You should walk" in request.prompt else honest(request)

    with LoopbackServer(serving(refuses)) as server:
        _, data = call(tmp_path, write_sessions(tmp_path / "s"), judges(tmp_path, server))
    lost = {count["group"]: count["lost"] for count in data["judged"]["codes_judged"]["scored"]}
    assert lost == {"asks.jsonl": 0, "tells.jsonl": CLIENTS}
    assert "j0 left more uncoded in tells.jsonl than elsewhere" in (tmp_path / "r.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("side", "codes", "words", "coarse"),
    [
        ("counselor", ("reflection_complex", "question_open"), 9, "question"),
        ("counselor", ("information", "reflection_simple"), 9, "reflection"),
        ("counselor", ("information", "question_open"), 40, "input"),
        ("counselor", ("question_open", "information"), 40, "question"),
        ("counselor", ("facilitate",), 40, "other"),
        ("client", ("neutral", "sustain", "change"), 9, "sustain"),
        ("client", ("disclosure", "neutral"), 9, "neutral"),
        ("client", (), 9, "neutral"),
    ],
)
def test_codes_without_sentences_have_one_coarse_code(
    side: Speaker, codes: tuple[str, ...], words: int, coarse: str
) -> None:
    assert coarse_code_of(side, codes, words) == coarse
