"""The methods paragraph of a report: what was done, in the past tense, from the data of the report itself."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from counseling_sessions.evaluation.aspects import Aspects
from counseling_sessions.evaluation.compare import Comparison
from counseling_sessions.evaluation.figures import PRIMARY, Measure
from counseling_sessions.evaluation.groups import Gathered
from counseling_sessions.evaluation.heads import SessionHead
from counseling_sessions.evaluation.judged_pairs import JudgedPairs
from counseling_sessions.evaluation.judging.card import JudgeCard
from counseling_sessions.evaluation.pair_lengths import DuelLengths
from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.evaluation.planning import Goal
from counseling_sessions.evaluation.preferred import Preferred
from counseling_sessions.evaluation.rated_sessions import RatedSessions
from counseling_sessions.evaluation.rating.answers import Answers, ScaleAnswers
from counseling_sessions.evaluation.reference import ReferenceScores
from counseling_sessions.evaluation.report.document import Document, Section, cell
from counseling_sessions.evaluation.report.format import NONE, number
from counseling_sessions.evaluation.statistics.equivalence import Equivalence
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.sessions import Session
from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import counted

TITLE = "Methods, for a paper"
_TEXTS = read_yaml(Path(__file__).with_name("methods.yaml"))


def said(name: str, **values: Any) -> str:
    """A sentence of `methods.yaml` with these values."""
    return str(_TEXTS["sentences"][name]).strip().format(**values)


def listed(names: Iterable[str]) -> str:
    """Names as a list in a sentence."""
    *first, last = [*names] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def methods_paragraph(document: Document) -> str:
    """What was done, and how intervals and tests were obtained; empty where the document says nothing of it."""
    return " ".join([*document.methods, *_statistics(document)]) if document.methods else ""


def methods_section(document: Document) -> tuple[Section, ...]:
    """The paragraph as a section of its own, where there is one."""
    paragraph = methods_paragraph(document)
    return (Section(TITLE, (paragraph,)),) if paragraph else ()


def of_sessions(gathered: Gathered) -> Iterator[str]:
    """What was evaluated, and what was left out."""
    groups, sessions = gathered.groups, gathered.sessions
    yield said(
        "read",
        sessions=counted(len(sessions), "session"),
        clients=_clients(sessions),
        groups=counted(len(groups), "group"),
        by=gathered.by,
        each=listed(f"{name}: {counted(len(of), 'session')} of {_clients(of)}" for name, of in groups.items()),
    )
    if attitudes := sorted({session.attitude for session in sessions if session.attitude}):
        yield said("attitudes", attitudes=listed(attitudes))
    if models := sorted({model for session in sessions for model in session.models}):
        yield said("models", models=listed(models))
    if (in_use := gathered.prompts_in_use()).mixed:
        yield said("mixed_prompts", differing=in_use.differing)
    left_out = {
        "unreadable session": len(gathered.damaged) + len(gathered.problems),
        "failed session": gathered.failed,
        "ungrouped session": gathered.unnamed,
    }
    for what, count in left_out.items():
        if count:
            yield said("left_out", count=counted(count, what))


def of_comparison(comparison: Comparison, pairing: Pairing) -> Iterator[str]:
    """How the sessions of two groups were paired."""
    by = listed(["client", *(["attitude"] if pairing.attitude else []), *(["seed"] if pairing.seed else [])])
    for other, pairs in comparison.pairs.items():
        names = {"reference": comparison.reference, "other": other}
        alone = listed(f"{count:,} of {name}" for name, count in comparison.alone[other].items())
        values = {"by": by, "pairs": counted(pairs, "pair"), "alone": alone}
        yield said("paired", **names, **values) if pairs else said("nothing_paired", **names)
    if repeated := max((item.difference.repeated for item in comparison.compared), default=0):
        yield said("averaged", count=counted(repeated, "further session"))
    if primary := dict.fromkeys(item.measure.title for item in comparison.compared if item.measure.family == PRIMARY):
        yield said("primary", measures=listed(primary))
    margins = {
        item.measure.title: _margin(item.result.margin, item.measure)
        for item in comparison.equivalence.items
        if isinstance(item.result, Equivalence)
    }
    if margins:
        yield said("equivalence", margins=listed(f"{margin} for {title}" for title, margin in margins.items()))


def _margin(margin: float, measure: Measure) -> str:
    return f"± {number(margin, share=measure.share)}".replace(" %", " percentage points")


def of_judges(cards: Iterable[JudgeCard]) -> Iterator[str]:
    """Which models judged, how, by which rubrics, and what they left unscored."""
    cards = list(cards)
    for card in cards:
        yield said(
            "judge" if card.rubrics else "judge_without_rubric",
            model=card.model,
            samples=counted(card.samples, "sample"),
            temperature="the server's temperature" if card.temperature is None else f"temperature {card.temperature:g}",
            rubrics=listed(f"{name} ({digest})" for name, digest in card.rubrics.items()),
            unscored=f"{sum(card.unscored.values()):,}",
            wanted=f"{card.wanted:,}",
        )
        if card.planted:
            yield said("planted", judge=card.judge, group=card.planted_on)
        for one in card.noticing:
            if one.defects:
                sessions = counted(one.sessions, "session")
                yield said(
                    "planted_outcome",
                    judge=card.judge,
                    scale=one.scale,
                    noticed=one.noticed,
                    defects=one.defects,
                    sessions=sessions,
                )
        for verdict in card.verdicts:
            if verdict.weight == "against":
                yield said("against", judge=card.judge, text=verdict.text)
    if any(count.test.value is not None for card in cards for count in card.groups):
        yield said("missing_by_group")
    if any(card.lengths for card in cards):
        yield said("length_links")
    if any(card.rubrics for card in cards):
        yield said("not_the_instruments")


def of_preferences(preferred: Preferred, aspects: Aspects, who: str) -> Iterator[str]:
    """Who compared which methods, by what."""
    methods = dict.fromkeys(name for duel in preferred.duels for name in (duel.first, duel.second))
    yield said(
        "preferred",
        raters=counted(len(preferred.raters), who),
        names=listed(preferred.raters),
        methods=listed(methods),
        aspects=counted(len(aspects.items), "aspect"),
    )
    if preferred.unanswered:
        yield said("unanswered", count=counted(preferred.unanswered, "decision"))


def of_lengths(lengths: Iterable[DuelLengths]) -> Iterator[str]:
    """How win rates were controlled for length, where they were."""
    if any(control.controlled.value is not None for duel in lengths for control in duel.aspects.values()):
        yield said("length_control")


def of_judged_pairs(judged: JudgedPairs) -> Iterator[str]:
    """How the order of showing was tested, and on which control pairs judges were tried."""
    if judged.positions:
        yield said("position")
    for item in judged.positions:
        shares = {"first": _share(item.first), "consistent": _share(item.consistent)}
        yield said("position_outcome", judge=item.judge, **shares)
    kinds = {result.kind: counted(result.pairs, "pair") for result in judged.controls}
    if kinds:
        yield said("controls", pairs=listed(f"{pairs} of {said(f'{kind}_pairs')}" for kind, pairs in kinds.items()))
    for result in judged.controls:
        shares = {"tied": _share(result.tied), "one": _share(result.one), "split": _share(result.split)}
        yield said(f"{result.kind}_outcome", judge=result.judge, **shares)
    yield from of_lengths(judged.lengths)


def _share(figure: Figure | None) -> str:
    return NONE if figure is None or figure.value is None else number(figure.value, share=True)


def of_agreement(judges: Iterable[str], *, again: bool) -> Iterator[str]:
    """Which coefficients say how far raters of pairs agree."""
    yield said("agreement")
    if again:
        yield said("repeats")
    if named := listed(judges):
        yield said("judges_beside_raters", judges=named)


def of_rated_sessions(rated: RatedSessions) -> Iterator[str]:
    """What people rated, how far they agree, and how judges' scores were set beside theirs."""
    yield said(
        "rated",
        raters=counted(len(rated.raters), "rater"),
        sessions=counted(rated.sessions, "session"),
        scale=f"{rated.scale.name} ({rated.scale.hash})",
        low=rated.scale.low,
        high=rated.scale.high,
    )
    yield said("not_the_instruments")
    if len(rated.raters) > 1:
        yield said("agreement_of_scores")
        yield said("variance")
    if rated.judges:
        yield said("calibration", judges=listed(dict.fromkeys(beside.judge for beside in rated.judges)))
        yield said("prediction_powered")


def of_plan(aim: str, goal: Goal, rests_on: Iterable[str], *, kind: str) -> Iterator[str]:
    """What was planned for, by which computation, on which assumptions; `kind` is difference, equivalence or win_rate."""
    alpha = f"{goal.alpha:.2g}"
    yield said("planned", aim=aim, power=f"{goal.power:g}", alpha=alpha)
    if goal.tests > 1:
        yield said("planned_tests", tests=f"{goal.tests}", alpha=alpha)
    yield said(f"planned_{kind}")
    yield from rests_on


def of_raters(answers: Answers | ScaleAnswers) -> Iterator[str]:
    """How many answers people handed in."""
    yield said(
        "handed_in",
        study=answers.study,
        asked=f"{sum(item.asked for item in answers.progress):,}",
        answered=f"{sum(item.answered for item in answers.progress):,}",
        raters=counted(len(answers.progress), "rater"),
    )


def of_reference(scores: ReferenceScores) -> Iterator[str]:
    """What was scored against references, and by which programs."""
    some = next(iter(scores.figures.values()))
    signatures = "; ".join(dict.fromkeys(scores.signatures.values()))
    turns, clients = counted(some.n, "turn"), counted(some.clients, "client")
    yield said("reference", turns=turns, clients=clients, signatures=signatures)


def of_software(made: dict[str, Any]) -> Iterator[str]:
    """The versions, and the seed and the hash of the sessions where there are some (`made_by`)."""
    packages = dict(made["packages"])
    version = packages.pop("counseling-sessions", "of unknown version")
    names = listed(f"{name} {number}" for name, number in packages.items())
    yield (
        said(
            "made",
            version=version,
            python=made["python"],
            packages=names,
            seed=said("seed", seed=made["seed"]) if "seed" in made else "",
            hash=said("hash", hash=made["sessions_hash"]) if "sessions_hash" in made else "",
        )
        .replace(" ,", ",")
        .replace(" ;", ";")
        .replace(" .", ".")
    )


def _clients(sessions: Iterable[Session | SessionHead]) -> str:
    return counted(len({session.client for session in sessions}), "client")


def _statistics(document: Document) -> list[str]:
    """How the figures and tests in the document's tables were obtained, by their own account."""
    cells = [cell(item) for table in document.tables for row in table.rows for item in row]
    figures = [item.figure for item in cells if item.figure]
    tests = [item.test for item in cells if item.test]
    sentences = _explained("intervals", "other_interval", (figure.method for figure in figures))
    sentences += _explained("tests", "other_test", (test.p.method for test in tests))
    if families := dict.fromkeys(test.correction for test in tests if test.correction and test.p.value is not None):
        sentences.append(said("corrected", families="; ".join(families)))
    sentences += [said("level")] if sentences else []
    sentences += [said("missing")] if any(figure.missing for figure in figures) else []
    return sentences


def _explained(kind: str, other: str, methods: Iterable[str]) -> list[str]:
    """A sentence for each way of getting at intervals or p values; one that the file does not explain says what it is itself."""
    by_start: dict[str, dict[str, None]] = {}
    explained: Mapping[str, str] = _TEXTS[kind]
    for method in filter(None, methods):
        start = next((start for start in explained if method.startswith(start)), "")
        runs = _runs(method) if start else method.partition(",")[0]
        by_start.setdefault(start, {})[runs] = None
    return [
        explained[start].format(runs=" or ".join(filter(None, runs))).replace(" ()", "")
        if start
        else said(other, method="; ".join(runs))
        for start, runs in by_start.items()
    ]


def _runs(method: str) -> str:
    """How often was resampled, and from which seed: the parts of a method's text between its name and its variant."""
    wanted = ("resamples", "drawn", "seed", "exact")
    return ", ".join(part for part in method.split(", ")[1:] if any(word in part.split() for word in wanted))
