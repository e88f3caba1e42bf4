"""How long a study takes its raters: reading what they are shown, and answering. Figures and words are in `duration.yaml`."""

from functools import cache
from pathlib import Path

from counseling_sessions.evaluation.aspects import RubricPart, RubricText
from counseling_sessions.evaluation.rating.study import AnyStudy, SessionSheet, Sheet, Study
from counseling_sessions.evaluation.session_length import count_said, count_words
from counseling_sessions.settings import read_yaml


class _Duration(RubricPart):
    words_per_minute: int
    source: RubricText
    seconds_per_answer: int
    said: RubricText


@cache
def _figures() -> _Duration:
    return _Duration.model_validate(read_yaml(Path(__file__).with_name("duration.yaml")))


def minutes_of(study: AnyStudy, sheet: Sheet | SessionSheet) -> float:
    """The minutes that a rater will take by the estimate, repeats included. In scripts without spaces each letter is a word."""
    words = _words_of(study)
    named = (
        [one.pair for one in sheet.showings] if isinstance(sheet, Sheet) else [one.session for one in sheet.showings]
    )
    shown = sum(words[name] for name in named)
    answers = len(sheet.showings) * len(study.choices)
    return shown / _figures().words_per_minute + answers * _figures().seconds_per_answer / 60


def duration_in_words(study: AnyStudy) -> str:
    """What a study takes each of its raters (the one who takes longest) and all of them, and on what the estimate rests."""
    minutes = [minutes_of(study, sheet) for sheet in study.sheets]
    figures = _figures()
    return figures.said.format(
        each=_time(max(minutes)),
        all=_time(sum(minutes)),
        words_per_minute=figures.words_per_minute,
        source=figures.source,
        seconds_per_answer=figures.seconds_per_answer,
        noun=study.nouns[0],
        option=f"--{study.nouns[0]}s",
    )


def _time(minutes: float) -> str:
    return f"{minutes / 60:.1f} hours" if minutes >= 90 else f"{max(1, round(minutes))} minutes"


def _words_of(study: AnyStudy) -> dict[str, int]:
    """The words of each pair or session with what is shown of its client."""
    if isinstance(study, Study):
        return {
            pair.id: count_said((*pair.first.dialogue, *pair.second.dialogue))
            + sum(map(count_words, (*pair.information, pair.reason)))
            for pair in study.pairs
        }
    return {one.id: count_said(one.session.dialogue) + sum(map(count_words, one.about)) for one in study.sessions}
