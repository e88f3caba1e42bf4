"""The section on how varied the language is: pooled, at equal length, of messages and of meaning."""

from collections.abc import Sequence

from counseling_sessions.evaluation.diversity.pooled import Diversity, EqualLength
from counseling_sessions.evaluation.measure import GroupMeasures, Measures
from counseling_sessions.evaluation.report.document import Block, Row, Section, Table
from counseling_sessions.evaluation.report.format import figure_cell, tally_cell


def diversity_section(measures: Measures) -> Section | None:
    """How varied the language is."""
    groups = [group for group in measures.groups.values() if group.diversity or group.self_bleu or group.semantics]
    if not groups:
        return None
    blocks: list[Block] = []
    said = []
    if pooled := [(group, group.diversity) for group in groups if group.diversity]:
        first = pooled[0][1]
        vocabulary = (
            f"a vocabulary of {first.vocabulary:,}"
            if first.vocabulary
            else "an open vocabulary, so that there is no EAD"
        )
        whose = f"the {first.speaker}'s messages" if first.speaker else "all messages"
        said.append(f"Counted on {whose} in {first.tokenizer} tokens, with {vocabulary}; higher is more varied.")
        heads = [f"{group.name} ({one.tokens:,} tokens)" for group, one in pooled]
        note = (
            "Pooled figures fall with the number of tokens: groups of different size are compared at equal length only."
        )
        rows = _distinct([one for _, one in pooled], ead=bool(first.vocabulary))
        blocks.append(Table("Pooled over all sessions", ("", *heads), rows, (note,)))
    if measures.equal_length:
        blocks += _equal(measures.equal_length)
    elif measures.no_equal_length:
        said.append(f"No comparison at equal length: {measures.no_equal_length}.")
    blocks += [table for table in (_self_bleu(groups), _semantics(groups)) if table]
    return Section("Diversity", tuple(said), tuple(blocks))


def _distinct(sets: Sequence[Diversity], *, ead: bool) -> tuple[Row, ...]:
    rows: list[Row] = [
        (f"Distinct-{n}", *(figure_cell(one.distinct[n - 1], digits=4) for one in sets)) for n in (1, 2, 3)
    ]
    if ead:
        rows.append(("EAD", *(figure_cell(one.ead, digits=4) for one in sets)))
    return tuple(rows)


def _equal(equal: EqualLength) -> list[Table]:
    sets = [*equal.sets.values()]
    caption = f"Expected of {equal.budget:,} tokens drawn from each group in whole clients"
    differences = tuple(
        (f"{one.measure}: {one.first} less {one.second}", figure_cell(one.figure, digits=4))
        for one in equal.differences
    )
    return [
        Table(
            caption,
            ("", *equal.sets),
            _distinct(sets, ead=any(one.ead.value is not None for one in sets)),
            name="at equal length",
        ),
        Table(
            "Differences at equal length",
            ("", "difference"),
            differences,
            (
                "Intervals leave out one client after the other, in both groups at once. So groups with the same clients are compared "
                "in pairs; groups that share no client are compared unpaired.",
            ),
        ),
    ]


def _self_bleu(groups: Sequence[GroupMeasures]) -> Table | None:
    figures = [(group, group.self_bleu) for group in groups if group.self_bleu]
    if not figures:
        return None
    rows = tuple(
        (group.name, figure_cell(one.figure), f"{one.samples} × {one.sample}", tally_cell(one.sample_clients))
        for group, one in figures
    )
    without = {one.figure.note for _, one in figures if one.figure.value is not None and one.figure.low is None}
    notes = (
        "In brackets 95 % intervals over samples that share no client.",
        *(f"{note[0].upper()}{note[1:]}." for note in sorted(without) if note),
        f"Compare only samples of the same size. {figures[0][1].signature}, seed {figures[0][1].seed}.",
    )
    return Table(
        "Self-BLEU of messages, 0 to 100; lower is more varied",
        ("", "self-BLEU", "messages", "clients a sample"),
        rows,
        notes,
    )


def _semantics(groups: Sequence[GroupMeasures]) -> Table | None:
    figures = [(group, group.semantics) for group in groups if group.semantics]
    if not figures:
        return None
    rows = tuple(
        (group.name, figure_cell(one.distance, digits=3), figure_cell(one.vendi), tally_cell(one.vendi_texts))
        for group, one in figures
    )
    note = f"Embeddings of whole sessions: {figures[0][1].model}."
    return Table(
        "Semantic diversity; higher is more varied",
        ("", "mean cosine distance", "Vendi score", "of texts"),
        rows,
        (note,),
    )
