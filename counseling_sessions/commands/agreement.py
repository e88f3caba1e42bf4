"""`run.py agreement`: what people answered, and how far they agree."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from counseling_sessions.commands.parsing.evaluation import AgreementRequest
from counseling_sessions.commands.reports import give_report
from counseling_sessions.commands.telling import warn
from counseling_sessions.evaluation.judging.preference import Decision
from counseling_sessions.evaluation.preferred import rated
from counseling_sessions.evaluation.rating.answers import Answers, find_study, read_answers
from counseling_sessions.evaluation.rating.study import read_study
from counseling_sessions.evaluation.report.document import Document
from counseling_sessions.evaluation.report.format import counted
from counseling_sessions.evaluation.report.preferred import agreement_section, preference_section, progress_section
from counseling_sessions.settings import SettingsError, validation_message
from counseling_sessions.store.reading import parse_json, read_text


def run(request: AgreementRequest) -> int:
    """Read what people answered, and report."""
    study = read_study(request.study or find_study(request.answers))
    answers = read_answers(request.answers, study)
    decided = _judged(request.judged) if request.judged else []
    if not answers.ratings:
        _tell_problems(answers)
        raise SettingsError("no answers could be read; raters export them from their page, as JSON")
    result = rated(answers, study, decided, seed=request.seed)
    document = Document(
        "What people preferred",
        f"{counted(len(study.pairs), 'pair')} of sessions, {counted(len(result.preferred.raters), 'rater')}.",
        (
            progress_section(answers),
            preference_section(result.preferred, study.aspects, "rater"),
            agreement_section(result, study.aspects),
        ),
    )
    data = {"study": study.hash, "command": list(request.arguments), "answers": answers, "rated": result}
    give_report(request.report, document, dict(to_jsonable_python(data, inf_nan_mode="constants")))
    _tell_problems(answers)
    return 0


def _judged(path: Path) -> list[Decision]:
    try:
        data = parse_json(read_text(path))
        return TypeAdapter(list[Decision]).validate_python([{**row, "key": row} for row in data["decisions"]])
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)[:300]}") from None
    except (ValueError, KeyError, TypeError):
        raise SettingsError(f"{path} is not what `prefer --json` writes") from None


def _tell_problems(answers: Answers) -> None:
    for problem in answers.problems:
        warn(f"left out: {problem}")
