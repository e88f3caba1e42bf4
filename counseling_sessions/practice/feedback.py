"""Feedback by judges on a practised session, on the CTRS-style scale of the evaluation. Needs the evaluation's packages."""

from pathlib import Path

from counseling_sessions.graph.practice import untraced
from counseling_sessions.models.chat import Models
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.session import session_of
from counseling_sessions.settings import SettingsError

SCALE = "ctrs-style"


def refuse_without_judges(path: Path) -> None:
    """Raise `SettingsError` where the judges' file or the evaluation's packages are missing, before a session is begun for them."""
    try:
        from counseling_sessions.evaluation.judging.judges import read_judges
        from counseling_sessions.evaluation.judging.run import judge_sessions  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            f"--judge needs a package that is missing ({error.name}): pip install -e '.[evaluation]'"
        ) from None
    read_judges(path)


async def feedback(record: SessionRecord, path: Path, folder: Path, models: Models) -> list[str]:
    """Have a finished session rated, and say it in lines: each item's mean over samples and judges, with one judge's reason.

    `path` is the judges' file; answers are kept in `folder`. Raises `SettingsError` and what `judge_sessions` raises.
    """
    from counseling_sessions.evaluation.judging.cache import JudgeCache
    from counseling_sessions.evaluation.judging.judges import read_judges
    from counseling_sessions.evaluation.judging.panel import JudgeStopped
    from counseling_sessions.evaluation.judging.run import judge_sessions
    from counseling_sessions.evaluation.scales import read_scale

    scale, judges = read_scale(SCALE), read_judges(path)
    session = session_of(record, str(folder))
    try:
        with untraced():
            cache = JudgeCache(folder / "judgements", private=True)
            judgements = await judge_sessions([session], [scale], judges, models, cache)
    except JudgeStopped as error:
        return [f"No feedback: {error}"]
    lines = [f"By {', '.join(judge.name for judge in judges)}, {scale.low} to {scale.high}. {scale.note}"]
    for item in scale.items:
        rows = [row for row in judgements.rows if row.item == item.id and row.score is not None]
        if not rows:
            lines.append(f"  {item.title}: not scored")
            continue
        mean = sum(row.score or 0 for row in rows) / len(rows)
        where = f" (turn {', '.join(map(str, rows[0].evidence))})" if rows[0].evidence else ""
        lines.append(f"  {item.title}: {mean:.1f} – {rows[0].reason}{where}")
    return lines
