"""Fine-tuning data: examples of every role, made from sessions with today's prompts, in splits by client.

The prompts are those that the nodes would send for the same state of a session.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, Field

from counseling_sessions.generation.exports.chat import alone
from counseling_sessions.generation.exports.files import CARD, MARK, staged, writing
from counseling_sessions.generation.exports.splits import Splits
from counseling_sessions.graph.exchanges import Exchange, as_exchanges
from counseling_sessions.ladder.models import default_model
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.profiles.problems import Problem, ProfileError
from counseling_sessions.prompts import prompt_hashes
from counseling_sessions.sessions.foreign import AS_IT_SAYS, HowToRead
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import read_yaml
from counseling_sessions.store.reading import open_plain, parse_json, read_lines, read_text, sha256_of
from counseling_sessions.training.corpus import SPLITS, held_out_clients
from counseling_sessions.training.formless import FormlessSession, formless_exchanges
from counseling_sessions.training.roles import COUNSELOR
from counseling_sessions.training.sources import Source, read_sources

COUNTS = "data.json"
PROMPTING = ("router", "merge", "appraisal")
"""The defaults of embedded models that show in prompts; the same for all of them."""
TEXT = Path(__file__).parent / "texts" / "data.md"
CLIENTS = Path(__file__).parent / "texts" / "clients.yaml"


class DataReport(BaseModel):
    """A folder of examples: counts by split and role, words of the answers, skipped records with reasons.

    `as_embedded`: the prompts are the embedded model's (`PROMPTING`). `without_form` counts, by split, those of the sessions that
    have no client's form, and so a plain briefing as their prompt (`training.formless`).
    """

    model_config = ConfigDict(extra="forbid")

    sources: list[str]
    roles: list[str]
    sessions: dict[str, int] = Field(default_factory=dict)
    without_form: dict[str, int] = Field(default_factory=dict)
    clients: dict[str, int] = Field(default_factory=dict)
    examples: dict[str, dict[str, int]] = Field(default_factory=dict)
    answer_words: dict[str, int] = Field(default_factory=dict)
    skipped: list[str] = Field(default_factory=list)
    prompts: str = ""
    as_embedded: bool = False
    sha256: dict[str, str] = Field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(sum(roles.values()) for roles in self.examples.values())


def examples_of(record: SessionRecord, roles: Sequence[str], *, as_embedded: bool = False) -> Iterator[Exchange]:
    """A session's examples of some roles, in the order of work; `as_embedded` with the embedded model's prompts."""
    if as_embedded:
        served = {name: value for name, value in default_model().session.items() if name in PROMPTING}
        record = record.model_copy(update={"configuration": record.configuration | served})
    yield from as_exchanges(record, roles)
    if COUNSELOR in roles and METHODS[record.configuration["method"]].specialists:
        config = alone(record, record.plan).model_dump(mode="json")
        turns = tuple(turn.model_copy(update={"pick": None, "candidates": ()}) for turn in record.turns)
        by_one = record.model_copy(update={"configuration": config, "turns": turns})
        yield from as_exchanges(by_one, (COUNSELOR,))


def example_rows(source: Source, roles: Sequence[str], *, as_embedded: bool = False) -> Iterator[dict[str, Any]]:
    """A session's examples of some roles as lines of a file, in the order of work.

    `client_group` is the client's. `closes`: it is the closing utterance; of a session without a form nobody says which one that is.
    """
    session = source.session
    if isinstance(session, FormlessSession):
        items, closing = formless_exchanges(session, roles), None
    else:
        items, closing = examples_of(session, roles, as_embedded=as_embedded), len(session.turns) + 1
    for item in items:
        yield {
            "role": item.role,
            "session_id": session.session_id,
            "client_group": source.client,
            "turn": item.turn,
            "prompt": item.prompt,
            "completion": [{"role": "assistant", "content": item.answer}],
            "closes": closing is not None and item.turn >= closing,
        }


def prepare(
    sources: Sequence[Path],
    out: Path,
    roles: Sequence[str],
    *,
    splits: Splits | None = None,
    seed: int = 0,
    as_embedded: bool = False,
    skip_invalid: bool = False,
    with_risk: bool = False,
    overwrite: bool = False,
    how: HowToRead = AS_IT_SAYS,
) -> DataReport:
    """Write the examples of all sessions into `out`, one file a split; returns a report.

    A client is in one split only. A file named after a split (as in the corpus) decides it for all other files; else a hash of the
    client does. The corpus's held-out clients are held out everywhere, so that its test split stays a test. Raises `ProfileError`
    for a broken record, and for a session with a risk unless `with_risk`; `skip_invalid` leaves these out; `how` is how others'
    files are read. Raises `ExportError` if it cannot write `out`.
    """
    report = DataReport(
        sources=[str(path) for path in sources], roles=list(roles), prompts=_prompts_hash(), as_embedded=as_embedded
    )
    bound = _bound_clients(sources, skip_invalid, how)
    shares = splits or Splits()
    clients: dict[str, set[str]] = {split: set() for split in SPLITS}
    with staged(out, overwrite=overwrite) as folder:
        with writing(out):
            files = {split: (folder / f"{split}.jsonl").open("w", encoding="utf-8", newline="\n") for split in SPLITS}
        try:
            for source in _usable(sources, report, skip_invalid, with_risk, how):
                split = bound.get(source.client) or shares.split_of(source.client, seed)
                clients[split].add(source.client)
                with writing(out):
                    _write(files[split], split, source, report)
        finally:
            for file in files.values():
                file.close()
        if not report.total:
            raise ProfileError(f"none of the sessions has an example of {', '.join(roles)}")
        report.clients = {split: len(who) for split, who in clients.items()}
        report.sha256 = {split: sha256_of(folder / f"{split}.jsonl") for split in SPLITS}
        with writing(out):
            (folder / COUNTS).write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8", newline="\n")
            (folder / CARD).write_text(_card(report), encoding="utf-8", newline="\n")
    return report


def is_as_embedded(folder: Path) -> bool:
    """Whether a folder's report says that its examples have the embedded model's prompts."""
    try:
        return DataReport.model_validate_json(read_text(folder / COUNTS)).as_embedded
    except (OSError, ValueError):
        return False


def read_examples(path: Path) -> list[dict[str, Any]]:
    """The examples of a file. Raises `ProfileError`, which names the line of a broken one."""
    try:
        with open_plain(path) as file:
            return [
                _example(line.decode(), f"{path}, line {number}") for number, line in enumerate(read_lines(file), 1)
            ]
    except OSError as error:
        raise ProfileError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ProfileError(f"{path} cannot be read: it is not UTF-8") from None


def _example(line: str, place: str) -> dict[str, Any]:
    try:
        row: dict[str, Any] = parse_json(line)
        chats = row["prompt"], row["completion"]
        texts = [message["content"] for chat in chats for message in chat]
        good = row["role"] and row["session_id"] and all(isinstance(chat, list) and chat for chat in chats)
    except (ValueError, KeyError, TypeError):
        good, texts = False, []
    if not good or not all(isinstance(text, str) for text in texts):
        raise ProfileError(f"{place}: not an example (role, session_id, prompt, completion)")
    return row


def _usable(
    sources: Sequence[Path], report: DataReport, skip_invalid: bool, with_risk: bool, how: HowToRead
) -> Iterator[Source]:
    for path in sources:
        left_out: list[Damage] | None = [] if skip_invalid else None
        for source in read_sources(path, left_out=left_out, how=how):
            item = source
            if isinstance(source, Source) and source.has_risk and not with_risk:
                item = Problem(str(path), f"session {source.session.session_id}: it has a risk; --with-risk takes it")
            if isinstance(item, Problem):
                if not skip_invalid:
                    raise ProfileError.of([item])
                report.skipped.append(str(item))
            else:
                yield item
        report.skipped += (f"{path}: {damage}" for damage in left_out or ())


def _bound_clients(sources: Sequence[Path], skip_invalid: bool, how: HowToRead) -> dict[str, str]:
    """The split of every client of a file named after a split, and of the corpus's held-out clients."""
    bound = held_out_clients()
    for path in sources:
        for item in read_sources(path, left_out=[] if skip_invalid else None, how=how):
            if isinstance(item, Source) and item.split:
                bound[item.client] = max(bound.get(item.client, "train"), item.split, key=SPLITS.index)
    return bound


def _write(file: IO[str], split: str, source: Source, report: DataReport) -> None:
    counts = Counter(report.examples.setdefault(split, {}))
    for row in example_rows(source, report.roles, as_embedded=report.as_embedded):
        counts[row["role"]] += 1
        answer = row["completion"][0]["content"]
        report.answer_words[split] = report.answer_words.get(split, 0) + len(answer.split())
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    report.examples[split] = dict(counts)
    report.sessions[split] = report.sessions.get(split, 0) + 1
    if isinstance(source.session, FormlessSession):
        report.without_form[split] = report.without_form.get(split, 0) + 1


def _prompts_hash() -> str:
    """One hash over all prompts of a session."""
    return hashlib.sha256(json.dumps(prompt_hashes(), sort_keys=True).encode()).hexdigest()[:16]


def _card(report: DataReport) -> str:
    rows = "\n".join(
        f"| {role} | " + " | ".join(f"{report.examples.get(split, {}).get(role, 0):,}" for split in SPLITS) + " |"
        for role in report.roles
    )
    return TEXT.read_text(encoding="utf-8").format(
        mark=MARK,
        report=report,
        sessions=sum(report.sessions.values()),
        sources=", ".join(report.sources),
        option=" --as-embedded" * report.as_embedded,
        rows=rows,
        clients=", ".join(f"{report.clients.get(split, 0)} {split}" for split in SPLITS),
        skipped=len(report.skipped),
        clients_are=_clients_are(sum(report.without_form.values())),
    )


def _clients_are(without_form: int) -> str:
    texts = read_yaml(CLIENTS)
    return str(texts["without_form" if without_form else "with_form"]).format(count=without_form)
