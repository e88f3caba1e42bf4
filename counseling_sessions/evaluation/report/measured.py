"""The sections on what needs no judge: what was read, integrity, structure."""

from collections import Counter
from collections.abc import Sequence

from counseling_sessions.evaluation.figures import MEASURES, STRUCTURE
from counseling_sessions.evaluation.groups import Gathered
from counseling_sessions.evaluation.integrity import Integrity
from counseling_sessions.evaluation.judged_in import in_words
from counseling_sessions.evaluation.kinds import KINDS, LISTED_IF_FOUND
from counseling_sessions.evaluation.languages import UNKNOWN
from counseling_sessions.evaluation.measure import GroupMeasures, Measures
from counseling_sessions.evaluation.reference import ReferenceScores
from counseling_sessions.evaluation.report.document import Block, Cell, Listing, Plot, Row, Section, Table
from counseling_sessions.evaluation.report.format import (
    INTERVALS,
    NONE,
    figure_cell,
    measure_cell,
    part_cell,
    per_cent,
    tally_cell,
)
from counseling_sessions.evaluation.report.plots import boxes, lines
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.evaluation.structure import DECILES, Structure
from counseling_sessions.state import Phase
from counseling_sessions.texts.cutting import cutters
from counseling_sessions.texts.words import counted

SHOWN = 100
"""Findings of a kind that a listing holds at most."""
PHASES: tuple[Phase, ...] = ("opening", "exploring", "working", "closing")


def read_section(gathered: Gathered, measures: Measures) -> Section:
    """What was read, and what could not be."""
    rows: list[Row] = []
    for name, group in measures.groups.items():
        attitudes = {session.attitude for session in gathered.groups[name]}
        models = {model for session in gathered.groups[name] for model in session.models}
        rows.append(
            (
                name,
                tally_cell(group.sessions),
                tally_cell(group.clients),
                tally_cell(group.messages),
                ", ".join(sorted(attitude for attitude in attitudes if attitude)) or NONE,
                ", ".join(sorted(models)) or NONE,
            )
        )
    left_out = {
        "damaged session": (len(gathered.damaged), ""),
        "failed session": (gathered.failed, ""),
        "session": (gathered.unnamed, f": no {gathered.by} is known of them"),
    }
    said = [f"Read from {', '.join(gathered.sources)}; groups are told apart by {gathered.by}."]
    said += [f"{counted(count, what)} left out{why}." for what, (count, why) in left_out.items() if count]
    if (in_use := gathered.prompts_in_use()).mixed:
        counts = (f"{name}: {gathered.prompts_in_use(name).counted}" for name in gathered.groups)
        said.append(f"The sessions were not all made with the same prompts ({in_use.differing}). {'; '.join(counts)}.")
    said += _languages_said(measures)
    if gathered.without_seeds:
        said.append("A group has no seeds: sessions are paired by client and attitude alone.")
    blocks: list[Block] = [Table("", ("group", "sessions", "clients", "messages", "attitudes", "models"), tuple(rows))]
    if gathered.problems:
        items = tuple((problem.file, str(problem)) for problem in gathered.problems)
        blocks.append(Listing(f"{counted(len(items), 'problem')} with what could not be read", items))
    return Section("What was read", tuple(said), tuple(blocks))


def _languages_said(measures: Measures) -> list[str]:
    """In which languages the sessions are, and what is not judged in some of them; nothing where all are in English."""
    languages: Counter[str] = Counter()
    missing: dict[str, Counter[str]] = {}
    for group in measures.groups.values():
        languages.update(group.languages)
        for name, codes in group.not_judged.items():
            missing.setdefault(name, Counter()).update(codes)
    if not set(languages) - {"en", UNKNOWN}:
        return []
    said = [f"Languages of the sessions: {in_words(languages)}."]
    by_codes: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for name, counts in missing.items():
        by_codes.setdefault(tuple(counts.items()), []).append(name.replace("_", " "))
    said += [
        f"Not judged in {in_words(dict(codes))}: {', '.join(names)}. There they are missing, not zero."
        for codes, names in by_codes.items()
    ]
    if {"zh", "ja"} & set(languages):
        said.append(f"Words are cut: {cutters()}.")
    return said


def integrity_section(measures: Measures) -> Section:
    """Findings by kind and group, and the findings themselves."""
    groups = [(group, group.integrity) for group in measures.groups.values() if group.integrity]
    totals = {group.name: integrity.totals() for group, integrity in groups}
    rows: list[Row] = [
        (
            Cell("sessions without a finding", better="higher"),
            *(figure_cell(group.clean, share=True) for group, _ in groups),
        )
    ]
    for kind, meaning in KINDS.items():
        judged = [total[kind] for total in totals.values() if kind in total]
        if not judged or (kind in LISTED_IF_FOUND and not any(total.findings for total in judged)):
            continue
        cells = []
        for group, _ in groups:
            total = totals[group.name].get(kind)
            if total is None:
                cells.append(Cell(NONE))
                continue
            behind = f"{counted(total.findings, 'finding')} in {total.sessions:,} of {group.sessions:,} sessions"
            share = "" if total.of_messages is None else f" ({100 * total.of_messages:.1f} %)"
            of_messages = Figure(total.of_messages, None, None, group.messages, group.clients)
            cells.append(Cell(f"{total.findings:,}{share}", behind, figure=of_messages, unit="share"))
        rows.append((Cell(kind.replace("_", " "), meaning, better="lower"), *cells))
    table = Table(
        "Messages with a finding (and their share of all messages)",
        ("", *(f"{group.name} (n={group.messages:,})" for group, _ in groups)),
        tuple(rows),
        ("A message counts at most once in each kind. Figures in brackets are 95 % intervals, clustered by client.",),
    )
    said = (
        "What is wrong with the sessions as texts, found by rules that can be read in the documentation. "
        f"A page lists the first {SHOWN} findings of a kind, and evaluate --json or --show all of them.",
    )
    listings = [_findings(kind, groups) for kind in KINDS if any(integrity.findings[kind] for _, integrity in groups)]
    return Section("Integrity", said, (table, *listings))


def _findings(kind: str, groups: Sequence[tuple[GroupMeasures, Integrity]]) -> Listing:
    totals = [integrity.totals().get(kind) for _, integrity in groups]
    total = sum(one.findings for one in totals if one)
    items = []
    for group, integrity in groups:
        for finding in integrity.findings[kind]:
            turn = f"turn {finding.turn}" if finding.turn else ""
            where = (group.name if len(groups) > 1 else "", finding.session, turn, finding.speaker or "")
            text = f"{finding.text} ({finding.detail})" if finding.text else finding.detail
            items.append((", ".join(filter(None, where)), text))
    more = f", the first {min(len(items), SHOWN)} of them" if total > min(len(items), SHOWN) else ""
    return Listing(f"{kind.replace('_', ' ')}: {total:,}{more}. {KINDS[kind]}", tuple(items[:SHOWN]))


def structure_section(measures: Measures) -> Section:
    """How long sessions are, how they end, what is used when."""
    every = list(measures.groups.values())
    groups = [(group, group.structure) for group in every if group.structure]
    blocks: list[Block] = [means_table(every, STRUCTURE), _ends(groups)]
    turns = {group.name: [row.values["turns"] for row in group.rows if "turns" in row.values] for group in every}
    if any(len(set(values)) > 1 for values in turns.values()):
        blocks.append(boxes(turns, "Turns of a session", "turns"))
    if any(structure.decile_messages for _, structure in groups):
        blocks += [_techniques(groups), _over_the_session(groups)]
    if any(structure.openings(1) for _, structure in groups):
        blocks.append(_openings(groups))
    said = tuple(
        f"{group.name}: the plan's CBT technique is a labelled one in {agree:,} of {of:,} sessions "
        f"({per_cent(agree, of)}) where both can be read."
        for group, structure in groups
        for agree, of in [(structure.agree, structure.comparable)]
        if of
    )
    return Section("Structure", said, tuple(blocks))


def means_table(groups: Sequence[GroupMeasures], family: str) -> Table:
    """The means over sessions of the measures of a family that some session has."""
    rows: list[Row] = [
        (measure_cell(measure), *(figure_cell(group.figures.get(name), share=measure.share) for group in groups))
        for name, measure in MEASURES.items()
        if measure.family == family and any(name in group.figures for group in groups)
    ]
    return Table("Means over sessions", ("", *_names(groups)), tuple(rows), (INTERVALS,))


def _names(groups: Sequence[GroupMeasures]) -> list[str]:
    return [f"{group.name} (n={group.sessions:,})" for group in groups]


_Structures = Sequence[tuple[GroupMeasures, Structure]]


def _ends(groups: _Structures) -> Table:
    rows: list[Row] = []
    for reason in sorted({reason for _, structure in groups for reason in structure.end_reasons}):
        counts = [(structure.end_reasons[reason], group.sessions, group.clients) for group, structure in groups]
        rows.append((reason.replace("_", " "), *(part_cell(*count, counted_too=True) for count in counts)))
    return Table("How sessions end", ("", *_names([group for group, _ in groups])), tuple(rows))


def _techniques(groups: _Structures) -> Table:
    rows: list[Row] = []
    for group, structure in groups:
        used, of = structure.by_phase, structure.phase_messages
        if used:
            rows.append((f"{group.name}: messages", *(tally_cell(of[phase]) for phase in PHASES)))
        for technique in sorted({name for counts in used.values() for name in counts}):
            shares = (part_cell(used.get(phase, Counter())[technique], of[phase], group.clients) for phase in PHASES)
            rows.append((technique, *shares))
    return Table(
        "Share of the counselor's messages for which a technique was picked, by phase", ("", *PHASES), tuple(rows)
    )


def _over_the_session(groups: _Structures) -> Plot:
    panels = {}
    for group, structure in groups:
        names = sorted({name for counts in structure.by_decile for name in counts})
        if names:
            panels[f"{group.name} (n={group.sessions:,})"] = {
                name: [structure.by_decile[d][name] / max(structure.decile_messages[d], 1) for d in range(DECILES)]
                for name in names
            }
    return lines(panels, "Techniques over the course of a session", "tenth of the session", "share of messages")


def _openings(groups: _Structures) -> Table:
    rows: list[Row] = []
    for group, structure in groups:
        for opening in structure.openings(5):
            named = f"{group.name}: {opening.words} …" if len(groups) > 1 else f"{opening.words} …"
            count = tally_cell(opening.messages, structure.counselor_messages)
            rows.append((named, count, part_cell(opening.messages, structure.counselor_messages, group.clients)))
    return Table("Words that open the counselor's messages most often", ("", "messages", "share"), tuple(rows))


def reference_section(scores: ReferenceScores) -> Section:
    """Generated turns against reference turns."""
    titles = {"bleu": "BLEU", "chrf": "chrF", "rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
    rows: list[Row] = [
        (titles[name], figure_cell(figure), scores.signatures[name]) for name, figure in scores.figures.items()
    ]
    some = next(iter(scores.figures.values()))
    notes = (
        f"{some.n:,} turns of {counted(some.clients, 'client')}; 0 to 100, higher is nearer to the reference. There are many good "
        "answers to a client: a turn can be good and unlike the reference. In brackets 95 % intervals, clustered by client.",
    )
    return Section("Scores", (), (Table("", ("", "score", "computed by"), tuple(rows), notes),))
