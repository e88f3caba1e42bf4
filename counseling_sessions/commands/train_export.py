"""`run.py train export`: an adapter as GGUF, or merged into its base."""

from counseling_sessions.commands.parsing.training import TrainExportRequest
from counseling_sessions.commands.telling import say
from counseling_sessions.settings import SettingsError
from counseling_sessions.training.errors import TrainingError, training_extra


def run(request: TrainExportRequest) -> int:
    """Export an adapter."""
    with training_extra():
        from counseling_sessions.training.gguf import export_gguf, export_merged, export_merged_gguf

    if not request.gguf and not request.folder:
        raise SettingsError("give --gguf FILE, or --folder FOLDER for the merged model")
    for there in filter(None, (request.gguf, request.folder)):
        if not request.overwrite and (there.is_file() or (there.is_dir() and any(there.iterdir()))):
            raise TrainingError(f"{there} is there already; give another place, or --overwrite")
    with training_extra():
        if request.gguf:
            size = (export_merged_gguf if request.merged else export_gguf)(request.adapter, request.gguf)
            say(f"written: {request.gguf} ({size / 1e6:.1f} MB)")
        if request.folder:
            export_merged(request.adapter, request.folder)
            say(f"written: {request.folder}")
    return 0
