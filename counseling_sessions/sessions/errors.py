"""Errors of sessions' files; each message names the file and says what to do."""


class RunError(RuntimeError):
    """A run's folder, or another place, that cannot be used as asked."""


class JournalError(RunError):
    """A journal that cannot be read, written or locked, or a session that cannot be resumed or kept."""


class DamagedJournal(JournalError):
    """A file in a journal's place with other content; the message names the line and the field."""
