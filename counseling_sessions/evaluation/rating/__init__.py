"""Human raters: drawing a study, pages that work from a file, Label Studio tasks, and reading what raters hand in."""

from counseling_sessions.evaluation.rating.answers import Answers, Comment, Progress, Rating, find_study, read_answers
from counseling_sessions.evaluation.rating.draw import draw_study
from counseling_sessions.evaluation.rating.label_studio import (
    label_studio_configuration,
    label_studio_tasks,
    write_label_studio,
)
from counseling_sessions.evaluation.rating.page import write_pages
from counseling_sessions.evaluation.rating.study import STUDY_FILE, Study, StudyError, read_study, write_study

__all__ = [
    "STUDY_FILE",
    "Answers",
    "Comment",
    "Progress",
    "Rating",
    "Study",
    "StudyError",
    "draw_study",
    "find_study",
    "label_studio_configuration",
    "label_studio_tasks",
    "read_answers",
    "read_study",
    "write_label_studio",
    "write_pages",
    "write_study",
]
