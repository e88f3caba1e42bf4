"""What made a session: configuration hash, prompt hashes, versions. Goes into every record."""

import hashlib
import platform
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from counseling_sessions.nodes.prompt_set import prompt_changes, prompt_set, prompts_digest
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.ids import session_id_of
from counseling_sessions.sessions.journal_lines import JournalHead
from counseling_sessions.sessions.prompt_sets import PromptHashes, digest_of
from counseling_sessions.sessions.record import Provenance
from counseling_sessions.settings import SessionConfig

PACKAGES = ("counseling-sessions", "langgraph", "langchain-core", "langchain-openai", "openai", "pydantic", "xllamacpp")
YOUNGER = ("few_shot", "appraisal", "merge", "choices")
"""Settings that came later: with their default values, a configuration keeps its older hash."""

_RENAMED = ('"appraisal":"rules"', '"reminders":true')
"""A setting that took the place of another one, and what runs that were begun with that have in their hashes."""


def provenance(config: SessionConfig) -> Provenance:
    """The provenance of a session with this configuration."""
    return Provenance(
        configuration_hash=configuration_hash(config),
        prompt_hashes=prompt_set(config),
        packages=_versions(),
        python=platform.python_version(),
        platform=platform.platform(terse=True),
    )


def configuration_hash(config: SessionConfig) -> str:
    """The first 16 hexadecimal digits of the configuration's SHA-256; the seed is left out, and how models are reached."""
    fields = SessionConfig.model_fields
    left_out = {"seed", *(name for name in YOUNGER if getattr(config, name) == fields[name].default)}
    document = config.said_by().model_dump_json(exclude=left_out)
    document = document.replace(*_RENAMED, 1)
    return hashlib.sha256(document.encode()).hexdigest()[:16]


def session_id(profile_id: str, attitude: str, config: SessionConfig) -> str:
    """The id of a session, a UUID that follows from profile, attitude, configuration and seed."""
    return session_id_of(profile_id, attitude, configuration_hash(config), config.seed)


def refuse_other_prompts(where: object, on_record: Sequence[PromptHashes], config: SessionConfig) -> None:
    """Raise `RunError` where today's prompts are none of the sets on record, with what differs from the last of these."""
    differences = [prompt_changes(hashes, config) for hashes in on_record]
    if differences and all(differences):
        raise RunError(
            f"{where} was made with other prompts than those of today:\n  "
            + "\n  ".join(differences[-1])
            + "\nput these files back as they were, or go on with those of today: add --other-prompts "
            "(the record then says which call was made with which)"
        )


def new_prompts(head: JournalHead) -> dict[str, str] | None:
    """Today's prompts, where the session of a journal began with another set; else None."""
    config = head.configuration
    began = digest_of(config.techniques, head.provenance.prompt_hashes)
    return prompt_set(config) if began != prompts_digest(config) else None


@cache
def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions
