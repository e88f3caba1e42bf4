"""What can be wrong with the files of sessions; each message names the file and says what to do."""

from counseling_sessions.errors import UserError


class RunError(UserError, RuntimeError):
    """A run's folder, or another place, that cannot be used, or not as asked."""


class JournalError(RunError):
    """A journal that cannot be read, written or locked, or a session that cannot be taken up or kept."""


class DamagedJournal(JournalError):
    """A file in a journal's place that holds something else; the message names the line and the field."""
