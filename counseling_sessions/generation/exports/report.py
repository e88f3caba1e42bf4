"""The figures of an export, counted session by session: only counts and the clients' hashes are held."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from counseling_sessions.integrity.rules import empty, label
from counseling_sessions.integrity.spoken import Past, Spoken
from counseling_sessions.sessions.prompt_sets import PromptsInUse, sets_of
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import SessionConfig

CHECKS = (
    "messages that repeat an earlier one of the same speaker",
    "messages without a letter or digit",
    "messages that begin with a speaker's label",
    "messages by the speaker of the one before",
    "sessions without a closing utterance",
)


class SplitCount(BaseModel):
    """The size of a split."""

    model_config = ConfigDict(frozen=True)

    sessions: int
    clients: int
    examples: int


class ExportReport(BaseModel):
    """What was exported, and what was not: `failed` counts the failed sessions by reason, `unfinished` those that are still to
    do, `damaged` the unreadable ones.

    `examples` are rows (or files); `counts` are the format's; `integrity` counts messages and sessions with something wrong,
    `findings` the guards' objections during the sessions. `mixed_prompts` counts the sessions by the digest of their prompts;
    empty where these are the same.
    """

    model_config = ConfigDict(frozen=True)

    format: str
    out: Path
    sessions: int
    clients: int
    examples: int
    failed: dict[str, int]
    unfinished: int = 0
    damaged: int = 0
    splits: dict[str, SplitCount]
    counts: dict[str, int]
    integrity: dict[str, int]
    findings: dict[str, int]
    mixed_prompts: dict[str, int] = Field(default_factory=dict)


@dataclass
class Figures:
    """Running counts over an export's sessions."""

    sessions: Counter[str] = field(default_factory=Counter)
    examples: Counter[str] = field(default_factory=Counter)
    clients: dict[str, set[str]] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)
    attitudes: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    models: Counter[tuple[str, str]] = field(default_factory=Counter)
    configurations: Counter[str] = field(default_factory=Counter)
    packages: Counter[str] = field(default_factory=Counter)
    prompts: PromptsInUse = field(default_factory=PromptsInUse)
    messages: Counter[str] = field(default_factory=Counter)
    turns: Counter[int] = field(default_factory=Counter)
    integrity: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(CHECKS, 0)))
    findings: Counter[str] = field(default_factory=Counter)

    def fail(self, record: SessionRecord) -> None:
        """Count a failed session, which is left out."""
        self.failed[f"{record.failure.stage}: {record.failure.kind}" if record.failure else "unknown"] += 1

    def add(self, record: SessionRecord, split: str, client: str, examples: int) -> None:
        """Count a session that gave a split so many examples."""
        config = SessionConfig.model_validate(record.configuration)
        self.sessions[split] += 1
        self.examples[split] += examples
        self.clients.setdefault(split, set()).add(client)
        self.methods[config.method] += 1
        self.attitudes[record.attitude] += 1
        self.endings[record.end_reason or "none"] += 1
        self.languages[config.language] += 1
        self.configurations[record.provenance.configuration_hash] += 1
        self.packages.update(f"{name} {version}" for name, version in record.provenance.packages.items())
        self.prompts.add(sets_of(record))
        self.turns[len(record.turns)] += 1
        for _, call in record.calls:
            self.models[call.role, call.model] += 1
            self.findings.update(finding.kind for finding in call.findings)
        self._check(record)

    def _check(self, record: SessionRecord) -> None:
        repeats, silent, labelled, twice, unclosed = CHECKS
        pasts = {"counselor": Past(), "client": Past()}
        last = ""
        for utterance in record.dialogue:
            spoken, past = Spoken(utterance.text, utterance.speaker), pasts[utterance.speaker]
            self.messages[utterance.speaker] += 1
            self.integrity[repeats] += spoken.words in past.by_words
            self.integrity[silent] += empty(spoken) is not None
            self.integrity[labelled] += label(spoken) is not None
            self.integrity[twice] += utterance.speaker == last
            past.add(spoken)
            last = utterance.speaker
        self.integrity[unclosed] += record.closing is None

    def report(self, name: str, out: Path, splits: tuple[str, ...], counts: Counter[str]) -> ExportReport:
        """The finished counts."""
        return ExportReport(
            format=name,
            out=out,
            sessions=self.sessions.total(),
            clients=len(set().union(*self.clients.values())),
            examples=self.examples.total(),
            failed=dict(self.failed),
            splits={
                split: SplitCount(
                    sessions=self.sessions[split],
                    clients=len(self.clients.get(split, ())),
                    examples=self.examples[split],
                )
                for split in splits
            },
            counts=dict(sorted(counts.items())),
            integrity=dict(self.integrity),
            findings=dict(self.findings.most_common()),
            mixed_prompts=self.prompts.counts if self.prompts.mixed else {},
        )
