"""In which languages each metric's rules read (`judged_in.yaml`): elsewhere a metric is missing, and never zero."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from counseling_sessions.evaluation.languages import UNKNOWN, title_of
from counseling_sessions.settings import read_yaml

_DATA = read_yaml(Path(__file__).with_name("judged_in.yaml"))
EVERYWHERE = frozenset(_DATA["everywhere"])
"""Figures of metrics of some languages that are the same in all."""


def is_judged(metric: str, language: str) -> bool:
    """Whether a metric's rules read a language."""
    return _among(_DATA["metrics"], metric, language)


def is_judged_kind(kind: str, language: str) -> bool:
    """Whether a kind of findings can be found in a language."""
    return _among(_DATA["kinds"], kind, language)


def judged_figures(metric: str, figures: Mapping[str, float], language: str) -> dict[str, float]:
    """Those of a metric's figures that are judged in a language."""
    if is_judged(metric, language):
        return {name: value for name, value in figures.items() if _among(_DATA["figures"], name, language)}
    return {name: value for name, value in figures.items() if name in EVERYWHERE}


def unjudged(metrics: Iterable[str], languages: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """The metrics and kinds that are not judged in some languages: by metric, sessions by the code of their language."""
    metrics = set(metrics)
    wanted = [name for name in _DATA["metrics"] if name in metrics]
    missing = {name: _not_read(name, languages, is_judged) for name in wanted}
    if "integrity" in metrics:
        missing |= {name: _not_read(name, languages, is_judged_kind) for name in _DATA["kinds"]}
    return {name: codes for name, codes in missing.items() if codes}


def in_words(languages: Mapping[str, int]) -> str:
    """Sessions by language, in words, the most first."""
    return ", ".join(f"{title_of(code)} ({count:,})" for code, count in Counter(languages).most_common())


def _not_read(name: str, languages: Mapping[str, int], judged: Callable[[str, str], bool]) -> dict[str, int]:
    return {code: count for code, count in languages.items() if not judged(name, code)}


def _among(listed: Mapping[str, list[str]], name: str, language: str) -> bool:
    return name not in listed or language in listed[name] or language == UNKNOWN
