"""The export: each finished session is read once and written into its client's split; the card comes last."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from counseling_sessions.generation.exports import chat, magnet, parquet, preference, public, specialists
from counseling_sessions.generation.exports.card import card
from counseling_sessions.generation.exports.files import CARD, RISK, ExportError, staged, writing
from counseling_sessions.generation.exports.report import ExportReport, Figures
from counseling_sessions.generation.exports.splits import Splits
from counseling_sessions.generation.exports.writers import Format, Writer
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.session import client_group

DEFAULT = "default"
"""The configuration of the sessions without a risk."""
Records = Callable[[], Iterator[SessionRecord]]

FORMATS: dict[str, Format] = {
    item.name: item
    for item in (
        *(parquet.FORMAT, public.FORMAT, chat.SHAREGPT, chat.OPENAI),
        *(magnet.FORMAT, specialists.FORMAT, preference.FORMAT),
    )
}


def export(
    records: Records,
    format: str,
    out: Path,
    *,
    licence: str | None = None,
    splits: Splits | None = None,
    seed: int = 0,
    overwrite: bool = False,
    unfinished: int = 0,
    damaged: Sequence[Damage] | None = None,
) -> ExportReport:
    """Write the finished sessions among `records()` into the folder `out`, with a dataset card, and say what was written.

    `records` is called once and read as a stream; it should have the failed sessions too, which the card counts. `unfinished`
    is how many of the run are still to do. `damaged` has the unreadable sessions once `records()` has ended. `licence` is an
    identifier of the Hub, such as cc-by-4.0. Without `splits` all is `train`; `seed` chooses the clients of each split. Raises
    `ExportError` for an unknown format, a missing package, a folder that is taken or cannot be written, and if there is
    nothing to export or a split stays empty; then `out` gets nothing.
    """
    if format not in FORMATS:
        raise ExportError(f"there is no format {format!r}; the formats are {', '.join(FORMATS)}")
    chosen, figures = FORMATS[format], Figures()
    names = splits.names if splits else ("train",)
    with staged(out, overwrite=overwrite) as folder:
        writer = Configurations(chosen, folder, names)
        private = _write(records(), writer, figures, splits, seed, folder, out)
        _refuse_empty(chosen, figures, names)
        report = figures.report(format, out, names, writer.counts).model_copy(
            update={"unfinished": unfinished, "damaged": len(damaged or ())}
        )
        with writing(out):
            text = card(report, figures, writer.files, licence, splits, seed)
            (folder / CARD).write_text(text, encoding="utf-8", newline="\n")
            if private:
                _close(folder)
    return report


class Configurations:
    """The configurations of a data set, each opened at its first session: those with a risk stand apart from all others."""

    def __init__(self, chosen: Format, folder: Path, splits: tuple[str, ...]) -> None:
        self.examples: Counter[tuple[str, str]] = Counter()
        self._chosen, self._folder, self._splits = chosen, folder, splits
        self._writers: dict[str, Writer] = {}

    @property
    def counts(self) -> Counter[str]:
        """The format's counts over all configurations."""
        return sum((writer.counts for writer in self._writers.values()), Counter())

    @property
    def files(self) -> dict[str, dict[str, str]]:
        """By configuration, the files of each of its splits that has examples, as a glob."""
        pattern = self._chosen.files(self._splits)
        return {
            name: {
                split: f"{_place(name)}{pattern.format(split=split)}"
                for split in self._splits
                if self.examples[name, split]
            }
            for name in sorted(self._writers)
        }

    def add(self, record: SessionRecord, split: str, client: str) -> int:
        """Write a finished session into a split; returns its number of examples."""
        name = RISK if record.has_risk else DEFAULT
        if name not in self._writers:
            folder = self._folder / _place(name)
            folder.mkdir(exist_ok=True)
            self._writers[name] = self._chosen.open(folder, self._splits)
        written = self._writers[name].add(record, split, client)
        self.examples[name, split] += written
        return written

    def close(self) -> None:
        """End all files."""
        for writer in self._writers.values():
            writer.close()


def _place(configuration: str) -> str:
    return f"{configuration}/" if configuration == RISK else ""


def _close(folder: Path) -> None:
    """Let only the owner of a folder's files read them."""
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _write(
    records: Iterator[SessionRecord],
    writer: "Configurations",
    figures: Figures,
    splits: Splits | None,
    seed: int,
    folder: Path,
    out: Path,
) -> bool:
    """Write the finished sessions; returns whether one has a person's words, which only the owner of the files may read."""
    private = False
    try:
        for record in records:
            if record.status != "finished":
                figures.fail(record)
                continue
            if not private and any(said.author == "human" for said in record.dialogue):
                private = True
                with writing(out):
                    folder.chmod(0o700)
            client = client_group(record.profile)
            split = splits.split_of(client, seed) if splits else "train"
            with writing(out):
                examples = writer.add(record, split, client)
            figures.add(record, split, client, examples)
    except BaseException:
        with suppress(Exception):
            writer.close()  # the first error counts
        raise
    with writing(out):
        writer.close()
    return private


def _refuse_empty(chosen: Format, figures: Figures, names: tuple[str, ...]) -> None:
    sessions, failed = figures.sessions.total(), figures.failed.total()
    if not sessions:
        raise ExportError(f"there is no finished session to export ({failed} failed)")
    if not figures.examples.total():
        raise ExportError(
            f"none of the {sessions} sessions gives an example for {chosen.name}, which needs {chosen.needs}"
        )
    if missing := [name for name in names if not figures.examples[name]]:
        clients = len(set().union(*figures.clients.values()))
        raise ExportError(
            f"nothing falls into {' and '.join(missing)}: {clients} clients are few for these splits; "
            "try another seed, larger shares or no splits"
        )
