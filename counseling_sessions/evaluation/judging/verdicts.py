"""The verdicts on a judge's card: what a paper may say of the judge, in words (`verdicts.yaml`) chosen by these thresholds."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from counseling_sessions.evaluation.aspects import RubricPart, RubricText
from counseling_sessions.evaluation.judging.length_link import LengthLink
from counseling_sessions.evaluation.judging.missing import GroupCount
from counseling_sessions.evaluation.judging.planting.checks import SIGNIFICANT
from counseling_sessions.evaluation.judging.planting.noticing import MeanFall, Noticing
from counseling_sessions.evaluation.judging.use import CardPart, ScaleUse
from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import counted

SAME = 0.9
"""From this share of equal scores on, of all items or of each item alone, a judge is called constant."""
FEW_VALUES = 3
"""A judge that used so few values or fewer, of a scale with more than `MANY_POINTS`, is said to have."""
MANY_POINTS = 5
CHANCE_ALPHA = 0.2
"""Up to this alpha of its samples a judge's scores are called chance."""
STEADY_ALPHA = 0.667
"""From this alpha on it agrees with itself (Krippendorff's bound for tentative conclusions)."""
MUCH_UNSCORED = 0.1
"""From this share on, what is unscored is said."""
LINKED = 0.3
"""From this correlation on (either way, its interval without 0), scores are said to go with length."""
STRONGLY_LINKED = 0.7
"""From this correlation on, a judge follows length if padding raised and shortening surely lowered its scores, padding not for sure."""
MOST = 2 / 3
"""A judge that notices this share of the planted defects speaks for itself."""

Weight = Literal["against", "caution", "for"]


class Verdict(CardPart):
    """One thing to be said of a judge; `weight` says whether it speaks against its scores, asks for caution, or speaks for them."""

    kind: str
    weight: Weight
    text: str


class _Wording(RubricPart):
    weight: Weight
    text: RubricText


class _Wordings(RubricPart):
    verdicts: dict[str, _Wording]
    power: dict[str, RubricText]
    reasons: dict[str, RubricText]


@cache
def _wordings() -> _Wordings:
    return _Wordings.model_validate(read_yaml(Path(__file__).with_name("verdicts.yaml")))


def reason_words(unscored: Mapping[str, int]) -> str:
    """Why scores are missing, in words with counts; empty for none."""
    worded = _wordings().reasons
    return ", ".join(f"{worded.get(kind, kind.replace('_', ' '))} {count:,}" for kind, count in unscored.items())


class VerdictFacts(CardPart):
    """What verdicts rest on; `alphas` are those of a judge's samples by scale, None where undefined or not to be had."""

    wanted: int
    unscored: dict[str, int]
    questions: int
    drafts: int
    scales: tuple[ScaleUse, ...]
    groups: tuple[GroupCount, ...] = ()
    lengths: tuple[LengthLink, ...] = ()
    noticing: tuple[Noticing, ...] = ()
    alphas: dict[str, float | None] = Field(default_factory=dict)


def verdicts(facts: VerdictFacts) -> tuple[Verdict, ...]:
    """What is to be said of a judge: first what speaks against it, then what asks for caution, then what speaks for it."""
    if not sum(use.n for use in facts.scales):
        return (_say("nothing_scored"),)
    titles = {use.scale: use.title for use in facts.scales}
    links = {link.scale: link for link in facts.lengths}
    said = [*_of_use(facts.scales), *_of_missing(facts), *_of_samples(facts)]
    for one in facts.noticing:
        said += [*_of_length(one, links.pop(one.scale, None), titles[one.scale]), *_of_defects(one, titles[one.scale])]
    for link in links.values():
        said += _of_link(link, titles[link.scale], "padded copies were not tried")
    if not any(one.sessions for one in facts.noticing):
        said.append(_say("planted_not_tried"))
    order: tuple[Weight, ...] = ("against", "caution", "for")
    return tuple(sorted(said, key=lambda verdict: order.index(verdict.weight)))


def _say(kind: str, **values: str | int | None) -> Verdict:
    wording = _wordings().verdicts[kind]
    return Verdict(kind=kind, weight=wording.weight, text=" ".join(wording.text.format(**values).split()))


def _of_use(scales: Sequence[ScaleUse]) -> Iterator[Verdict]:
    for use in scales:
        spread = use.spread
        if spread.share is None or spread.same is None:
            continue
        if spread.share >= SAME:
            yield _say("constant", scale=use.title, value=spread.commonest, share=_per_cent(spread.share))
        elif spread.same >= SAME and any(item.n > 1 for item in use.items):
            yield _say("same_on_items", scale=use.title, share=_per_cent(spread.same))
        elif spread.points > MANY_POINTS and spread.distinct <= FEW_VALUES:
            yield _say("few_values", scale=use.title, distinct=spread.distinct, points=spread.points)


def _of_missing(facts: VerdictFacts) -> Iterator[Verdict]:
    for count in facts.groups:
        if count.warns:
            yield _say(
                "refuses_group" if count.differs else "misses_group",
                group=count.group,
                share=_per_cent(count.share or 0),
                gap=f"{100 * (count.gap or 0):.0f}",
                p=_p(count.p),
            )
    lost = sum(facts.unscored.values())
    if facts.wanted and lost / facts.wanted >= MUCH_UNSCORED:
        yield _say("unscored", share=_per_cent(lost / facts.wanted), reasons=reason_words(facts.unscored))
    if facts.drafts:
        share = _per_cent(facts.drafts / facts.questions)
        yield _say("drafts", share=share, drafts=f"{facts.drafts:,}", questions=f"{facts.questions:,}")
    if torn := facts.unscored.get("torn"):
        yield _say("torn", torn=f"{torn:,}")


def _of_samples(facts: VerdictFacts) -> Iterator[Verdict]:
    for use in facts.scales:
        alpha = facts.alphas.get(use.scale)
        if alpha is not None:
            kind = "chance" if alpha <= CHANCE_ALPHA else "unsteady" if alpha < STEADY_ALPHA else "steady"
            yield _say(kind, scale=use.title, alpha=_signed(alpha))


def _of_length(one: Noticing, link: LengthLink | None, title: str) -> Iterator[Verdict]:
    padded, rho = one.padded, _rho(link)
    if padded.rose or (_strong(link) and one.shortened.fell and (padded.mean_fall or 0) < 0):
        yield _say(
            "follows_length",
            scale=title,
            padded=_points(-(padded.mean_fall or 0)),
            padded_p=_p(padded.test.value),
            shortened=_moved(one.shortened)
            + (f" (p {_p(one.shortened.test.value)})" if one.shortened.mean_fall is not None else ""),
            rho=rho,
        )
        return
    tried = padded.mean_fall is not None
    beside = f" (p {_p(padded.test.value)})" if tried else ""
    linked = list(_of_link(link, title, f"padded copies {_moved(padded)}{beside}")) if link else []
    yield from linked
    # That a judge which notices nothing does not notice padding either does not speak for it.
    if tried and not linked and one.broken.fell:
        yield _say("free_of_length", scale=title, moved=_moved(padded), padded_p=_p(padded.test.value), rho=rho)


def _strong(link: LengthLink | None) -> bool:
    """Whether longer sessions surely score higher, and nearly always."""
    return link is not None and (link.rho.value or 0) >= STRONGLY_LINKED and (link.rho.low or 0) > 0


def _of_link(link: LengthLink, title: str, padded_words: str) -> Iterator[Verdict]:
    rho = link.rho
    if rho.value is None or abs(rho.value) < LINKED or rho.low is None or rho.high is None or rho.low <= 0 <= rho.high:
        return
    direction = "higher" if rho.value > 0 else "lower"
    yield _say("goes_with_length", scale=title, direction=direction, rho=_rho(link), padded_words=padded_words)


def _of_defects(one: Noticing, title: str) -> Iterator[Verdict]:
    sessions, clients = counted(one.sessions, "session"), counted(one.clients, "client")
    if not one.sessions or not one.defects:
        return
    if (one.smallest_p or 1) >= SIGNIFICANT:
        smallest = f"{one.smallest_p:.2g}"
        yield _say("planted_no_power", scale=title, sessions=sessions, clients=clients, smallest=smallest)
        return
    kind = "planted_most" if one.noticed >= MOST * one.defects else "planted_some"
    yield _say(
        kind if one.broken.fell and one.noticed else "planted_chance",
        scale=title,
        noticed=one.noticed,
        defects=one.defects,
        moved=_moved(one.broken),
        p=_p(one.broken.test.value),
        sessions=sessions,
        clients=clients,
        power=power_words(one),
    )


def power_words(one: Noticing) -> str:
    """How small a fall so many planted sessions could show."""
    kind = "unknown" if one.detectable is None else "known" if one.detectable else "still"
    smallest = f"{one.smallest_p:.2g}" if one.smallest_p else "–"
    return _wordings().power[kind].format(detectable=_points(one.detectable or 0), smallest=smallest)


def _moved(shift: MeanFall) -> str:
    fall = shift.mean_fall
    if fall is None:
        return "were not tried"
    if abs(fall) < 0.005:
        return "stayed the same"
    return f"{'fell' if fall > 0 else 'rose'} by {_points(abs(fall))}"


def _rho(link: LengthLink | None) -> str:
    if link is None or link.rho.value is None:
        return "undefined"
    ends = f" [{_signed(link.rho.low)}, {_signed(link.rho.high)}]" if link.rho.low is not None else ""
    return f"{_signed(link.rho.value)}{ends}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def _points(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _per_cent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _p(value: float | None) -> str:
    return "–" if value is None else "< .001" if value < 0.001 else f"= {value:.3f}".replace("= 0.", "= .")
