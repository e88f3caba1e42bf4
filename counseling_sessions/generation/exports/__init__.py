"""Exports: sessions in the forms that trainers and the Hugging Face Hub expect.

Every export is a folder: a file a split (or a file a session) and `README.md`, its dataset card. See docs/exporting.md.
"""

from counseling_sessions.generation.exports.exporting import FORMATS, export
from counseling_sessions.generation.exports.files import ExportError
from counseling_sessions.generation.exports.report import ExportReport, SplitCount
from counseling_sessions.generation.exports.splits import Splits

__all__ = ["FORMATS", "ExportError", "ExportReport", "SplitCount", "Splits", "export"]
