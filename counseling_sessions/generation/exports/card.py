"""The dataset card of an export, in the Hub's form: YAML front matter, then its content, its flaws and its purpose.

The words are in `texts/`: `card.md` for all formats, and a file a format that describes an example.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from string import Template
from typing import Any

from counseling_sessions.generation.exports.files import MARK, RISK
from counseling_sessions.generation.exports.report import ExportReport, Figures
from counseling_sessions.generation.exports.splits import Splits
from counseling_sessions.store.yaml_text import yaml_of
from counseling_sessions.texts.markdown import cell, code, plain

TEXTS = Path(__file__).parent / "texts"
TITLE = "Simulated counseling sessions"
SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M"}
LANGUAGES: dict[str, str] = json.loads((TEXTS / "languages.json").read_text(encoding="utf-8"))
"""ISO 639-1 codes, which the Hub wants; the front matter leaves out any other language."""
SHOWN = 10
"""Configurations that a card lists; it counts the others."""


def card(
    report: ExportReport,
    figures: Figures,
    files: dict[str, dict[str, str]],
    licence: str | None,
    splits: Splits | None,
    seed: int,
) -> str:
    """The text of `README.md`. `files` has, by configuration and split, the glob of the files."""
    words = Template((TEXTS / "card.md").read_text(encoding="utf-8"))
    body = words.substitute(
        mark=MARK,
        title=TITLE,
        sessions=f"{report.sessions:,}",
        examples=f"{report.examples:,}",
        format=report.format,
        about=_text(report.format),
        risk=_text("risk" if RISK in files else "no_risk"),
        splits=_splits(report),
        split_rule=_split_rule(splits, seed),
        failed=_failed(report),
        counts=_counts(report),
        methods=_rows(figures.methods.items()),
        attitudes=_rows(figures.attitudes.items()),
        endings=_rows((name.replace("_", " "), count) for name, count in figures.endings.items()),
        length=_length(figures),
        models="\n".join(
            f"| {cell(role)} | {cell(model)} | {count:,} |" for (role, model), count in sorted(figures.models.items())
        ),
        configurations=_configurations(figures.configurations),
        prompts=_prompts(report, figures),
        packages=", ".join(map(plain, sorted(figures.packages))),
        integrity=_rows(report.integrity.items()),
        findings=_rows(report.findings.items()) or "| none | 0 |",
        licence=code(licence) if licence else "Whoever made this export has named none. Ask before you use it.",
    )
    return f"---\n{_front_matter(report, figures, files, licence)}---\n\n{body}"


def _text(name: str) -> str:
    return (TEXTS / f"{name}.md").read_text(encoding="utf-8").strip()


def _front_matter(report: ExportReport, figures: Figures, files: dict[str, dict[str, str]], licence: str | None) -> str:
    configs = [
        {"config_name": name, "data_files": [{"split": split, "path": path} for split, path in globs.items()]}
        for name, globs in files.items()
    ]
    codes = {LANGUAGES.get(name.casefold()) for name in figures.languages}
    fields: dict[str, Any] = {
        "license": licence or "unknown",
        "language": sorted(code for code in codes if code),
        "pretty_name": TITLE,
        "task_categories": ["text-generation"],
        "size_categories": [next((name for most, name in SIZES.items() if report.examples < most), "n>10M")],
        "tags": ["synthetic", "counseling", "cognitive-behavioral-therapy", "multi-agent", "simulation"],
        "configs": configs,
        "extra_gated_prompt": _text("gated") if RISK in files else "",
    }
    return yaml_of({name: value for name, value in fields.items() if value})


def _splits(report: ExportReport) -> str:
    lines = [
        f"| {name} | {split.clients:,} | {split.sessions:,} | {split.examples:,} |"
        for name, split in report.splits.items()
    ]
    return "\n".join(["| split | clients | sessions | examples |", "| --- | --- | --- | --- |", *lines])


def _split_rule(splits: Splits | None, seed: int) -> str:
    if splits is None:
        return "none were asked for. Who makes some should split by client: many sessions may share one."
    shares = ", ".join(f"{name} {getattr(splits, name):.0%}" for name in splits.names)
    return (
        f"by client (a hash of name and reason for counseling with the seed {seed}), so that no client is in two. "
        f"The shares asked for, {shares}, hold in expectation."
    )


def _failed(report: ExportReport) -> str:
    kinds = ", ".join(f"{plain(kind)} ({count:,})" for kind, count in report.failed.items())
    left_out = f"Left out: {sum(report.failed.values()):,} sessions that failed{f': {kinds}' if kinds else ''}."
    more = (
        f" The run was not done: {report.unfinished:,} more sessions were still to come." if report.unfinished else ""
    )
    damaged = f" {report.damaged:,} damaged sessions could not be read, and are left out too." if report.damaged else ""
    return left_out + damaged + more


def _counts(report: ExportReport) -> str:
    counted = [(name, count) for name, count in report.counts.items() if count]
    return f"| counted | |\n| --- | --- |\n{_rows(counted)}" if counted else ""


def _length(figures: Figures) -> str:
    turns = figures.turns
    mean = sum(number * count for number, count in turns.items()) / turns.total()
    said = " and ".join(f"{count:,} by the {speaker}" for speaker, count in sorted(figures.messages.items()))
    return f"Turns of a session: {mean:.1f} on average, {min(turns)} to {max(turns)}. Messages: {said}."


def _configurations(configurations: Counter[str]) -> str:
    shown = ", ".join(f"{code(name)}: {count:,}" for name, count in configurations.most_common(SHOWN))
    return shown + (f" and {len(configurations) - SHOWN} more" if len(configurations) > SHOWN else "")


def _prompts(report: ExportReport, figures: Figures) -> str:
    """A sentence where the sessions were not made with the same prompts."""
    if not report.mixed_prompts:
        return ""
    counts = ", ".join(f"{code(name)}: {count:,}" for name, count in report.mixed_prompts.items())
    return (
        f"\n\n**The sessions were not all made with the same prompts**: {plain(figures.prompts.differing)} changed. "
        f"Digests of the prompt files, and sessions: {counts}."
    )


def _rows(items: Iterable[tuple[str, int]]) -> str:
    return "\n".join(f"| {cell(name)} | {count:,} |" for name, count in items)
