"""The section on behaviour codes as judges give them, beside the coder's: shares, ratios, what is uncoded, agreement."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, get_args

from counseling_sessions.evaluation.codes.agreement import is_fair
from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.evaluation.codes.counts import RATIOS
from counseling_sessions.evaluation.judged_codes import CodeAgreement, JudgedCodes
from counseling_sessions.evaluation.judging.missing import GroupCount
from counseling_sessions.evaluation.report.codes import RATIO_TITLES
from counseling_sessions.evaluation.report.document import Cell, Row, Section, Table
from counseling_sessions.evaluation.report.format import INTERVALS, figure_cell
from counseling_sessions.evaluation.report.judge_use import scored_table
from counseling_sessions.sessions import SessionKey
from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import counted

Groups = dict[str, frozenset[SessionKey]]


def judged_codes_section(judged: JudgedCodes, group_of: Mapping[SessionKey, str], *, seed: int = 0) -> Section:
    """The section; `group_of` names the group of every session."""
    groups = _groups(judged, group_of)
    heads = ("", *(f"{name} (n={len(keys):,})" for name, keys in groups.items()))
    ratios: list[Row] = [
        (title, *(figure_cell(judged.ratio(name, keys, seed=seed), share=share) for keys in groups.values()))
        for name, (title, _, share) in RATIO_TITLES.items()
    ]
    tables = [Table("Judged: pooled over all messages", heads, tuple(ratios), (INTERVALS,))]
    tables += [_shares(side, judged, groups) for side in get_args(Speaker)]
    counts = judged.unscored(group_of)
    tables.append(scored_table(counts))
    tables += [_agreement(side, judged) for side in get_args(Speaker)]
    return Section(judged.rubric.title, tuple(_said(judged, counts)), tuple(tables))


def _said(judged: JudgedCodes, counts: Sequence[GroupCount]) -> Iterator[str]:
    yield judged.rubric.note
    yield from judged.rubric.cautions
    book = codebook()
    weak = [code.title for side in get_args(Speaker) for name, code in book.of(side).items() if not is_fair(name)]
    yield f"The coder is weak at: {', '.join(weak)}. On these a low kappa says little of the judge."
    for count in counts:
        if count.warns:
            yield f"{count.judge} left more uncoded in {count.group} than elsewhere: its shares there are of what is left."
    if judged.foreign:
        yield f"{counted(judged.foreign, 'session')} not read by the coder, which knows English alone: judged, but not in the kappas."


def _groups(judged: JudgedCodes, group_of: Mapping[SessionKey, str]) -> Groups:
    coded = dict.fromkeys(key for key, _ in judged.sides)
    return {name: frozenset(key for key in coded if group_of[key] == name) for name in dict.fromkeys(group_of.values())}


def _shares(side: Speaker, judged: JudgedCodes, groups: Groups) -> Table:
    heads = ("", *(f"{name} ({len(judged.messages(side, keys)):,} messages)" for name, keys in groups.items()))
    rows: list[Row] = [
        (
            Cell(code.title, code.means),
            *(figure_cell(judged.share(side, name, keys), share=True) for keys in groups.values()),
        )
        for name, code in codebook().of(side).items()
    ]
    notes = ("Over samples and then judges. A message can have several codes.", INTERVALS)
    return Table(f"Judged: share of the {side}'s messages with a code", heads, tuple(rows), notes)


def _agreement(side: Speaker, judged: JudgedCodes) -> Table:
    mine = [one for one in judged.agreements if one.side == side]
    several = list(mine[0].samples)
    heads = (
        "",
        *(f"{name} and the coder: kappa" for name in judged.judges),
        *(f"{name}, samples: alpha" for name in several),
        *(["judges: alpha"] if len(judged.judges) > 1 else []),
    )
    notes = (
        "A code is present in a message or not. Kappa: Cohen's, alpha: Krippendorff's. Beside others a judge has a code where more "
        "than half of its samples have it. *: the coder is weak at the code.",
        INTERVALS,
    )
    return Table(
        f"Agreement on the {side}'s codes, by message", heads, tuple(_agreement_row(one) for one in mine), notes
    )


def _agreement_row(one: CodeAgreement) -> Row:
    code = codebook().of(one.side)[one.code]
    figures = (*one.coder.values(), *one.samples.values(), *([one.between] if one.between else []))
    title = code.title if is_fair(one.code) else f"{code.title} *"
    return (title, *map(figure_cell, figures))


def judged_codes_data(
    judged: JudgedCodes, group_of: Mapping[SessionKey, str], whose: Callable[[SessionKey], dict[str, Any]], seed: int
) -> dict[str, Any]:
    """The same as data, with every coding; `whose` says what is known of a session."""
    groups = {
        name: {
            "sessions": len(keys),
            "messages": {side: len(judged.messages(side, keys)) for side in get_args(Speaker)},
            "shares": {
                side: {code: judged.share(side, code, keys) for code in codebook().of(side)}
                for side in get_args(Speaker)
            },
            "ratios": {name: judged.ratio(name, keys, seed=seed) for name in RATIOS},
        }
        for name, keys in _groups(judged, group_of).items()
    }
    of_session: dict[SessionKey, list[dict[str, Any]]] = {key: [] for key, _ in judged.sides}
    for row in judged.codings.rows:
        coding = asdict(row)
        of_session[row.key].append({name: value for name, value in coding.items() if name != "key"})
    figures: dict[SessionKey, dict[str, float | None]] = {key: {} for key in of_session}
    for mean in judged.means:
        figures[mean.key][mean.subscale] = mean.mean
    return {
        "rubric": {"name": judged.rubric.name, "hash": judged.rubric.hash},
        "groups": groups,
        "scored": judged.unscored(group_of),
        "agreement": judged.agreements,
        "not_read_by_the_coder": judged.foreign,
        "sessions": [whose(key) | {"figures": figures[key], "codings": rows} for key, rows in of_session.items()],
    }
