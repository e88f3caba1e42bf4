"""Judges whose faults are known, played by a loopback server under the name of their model, and the sessions that they rate."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from counseling_sessions.evaluation.judging.material import transcript
from counseling_sessions.evaluation.judging.planting.planted import defects
from counseling_sessions.sessions import Session, read_sessions
from counseling_sessions.texts.words import sentences
from counseling_sessions.training.corpus import CORPUS
from tests.evaluation.judged import rating
from tests.loopback import LoopbackServer, Request

GROUP = 6
"""Sessions, and clients, of each of the two groups."""
SAMPLES = {"constant": 1, "random": 2, "longest": 1, "honest": 2, "refusing": 1, "drafting": 1}
SCALE = """
name: ctrs-style
title: Two ratings
note: For tests.
low: 0
high: 6
question: Rate both.
anchors: {0: none, 6: all}
items:
  - {id: collaboration, title: Collaboration, definition: How far they work together.}
  - {id: guided_discovery, title: Discovery, definition: How far the counselor asks.}
subscales: {general: [collaboration], cbt_specific: [guided_discovery]}
"""


def write_groups(folder: Path) -> tuple[Path, Path]:
    """Two files of sessions with different clients, each a group."""
    paths = folder / "plain.jsonl", folder / "dear.jsonl"
    for path, lines in zip(paths, lines_of_groups(), strict=True):
        path.write_text("\n".join(lines), encoding="utf-8")
    return paths


@cache
def lines_of_groups() -> tuple[tuple[str, ...], tuple[str, ...]]:
    text = "\n".join((CORPUS / f"{name}.jsonl").read_text(encoding="utf-8") for name in ("test", "train"))
    by_client = {json.loads(line)["profile"]["id"]: line for line in text.splitlines() if line}
    lines = tuple(by_client.values())
    return lines[:GROUP], lines[GROUP : 2 * GROUP]


@contextmanager
def judges(folder: Path, *names: str) -> Iterator[Path]:
    """The file of these judges, while they can be asked."""
    with LoopbackServer(answer) as server:
        lines = [f"  - {{name: {name}, model: {name}, samples: {SAMPLES[name]}}}" for name in names]
        path = folder / "judges.yaml"
        path.write_text("\n".join([f"base_url: {server.base_url}", "attempts: 1", "judges:", *lines]), encoding="utf-8")
        yield path


def answer(request: Request) -> str:
    """What the judge of this name says."""
    prompt, noise = request.prompt, number_of(f"{request.body['seed']}")
    match request.body["model"]:
        case "constant":
            return rating(prompt, lambda item, _: 4)
        case "random":
            return rating(prompt, lambda item, _: number_of(f"{item}/{noise}") % 7)
        case "longest":
            return rating(prompt, lambda item, _: min(6, max(0, round((len(prompt.split()) - 600) / 130))))
        case "honest":
            return rating(prompt, lambda item, _: max(0, min(6, quality(prompt) + (noise % 6 == 0))))
        case "refusing":
            return (
                "I would rather not rate this." if is_dear(prompt) else rating(prompt, lambda item, _: quality(prompt))
            )
        case "drafting":
            draft = rating(prompt, lambda item, _: 0)
            return f"Draft: {draft}\nFinal answer: {rating(prompt, lambda item, _: quality(prompt))}"
    raise AssertionError(request.body["model"])


def quality(prompt: str) -> int:
    """Three to five by what the client says first; two less where a counselor lectures, agrees or advises as planted ones do."""
    [first] = re.findall(r"(?m)^\[\d+\] Client: (.*)$", prompt)[:1]
    counselor = " ".join(re.findall(r"(?m)^\[\d+\] Counselor: (.*)$", prompt))
    return 3 + number_of(first[-20:]) % 3 - 2 * (sum(sentence in counselor for sentence in faults()) > 2)


@cache
def faults() -> frozenset[str]:
    broken = [defect for defect in defects() if defect.id in ("lecturing", "agreeing", "advising")]
    return frozenset(sentence for defect in broken for words in defect.words for sentence in sentences(words))


@cache
def dear_openings() -> tuple[str, ...]:
    with TemporaryDirectory() as folder:
        _, dear = write_groups(Path(folder))
        sessions = [one for one in read_sessions(dear) if isinstance(one, Session)]
    return tuple(transcript(one).splitlines()[1] for one in sessions)


def is_dear(prompt: str) -> bool:
    return any(opening in prompt for opening in dear_openings())


def number_of(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
