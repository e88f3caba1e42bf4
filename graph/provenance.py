"""What made a session: configuration hash, prompt hashes, versions. Goes into every record."""

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from counseling_sessions.nodes.examples import examples_source
from counseling_sessions.prompts import prompt_hashes
from counseling_sessions.sessions.ids import session_id_of
from counseling_sessions.sessions.record import Provenance
from counseling_sessions.settings import SessionConfig

PACKAGES = ("counseling-sessions", "langgraph", "langchain-core", "langchain-openai", "openai", "pydantic", "xllamacpp")
ELSEWHERE = ("judge/", "practice/")
"""Folders of prompts that no session uses."""
YOUNGER = ("few_shot", "reminders", "merge", "choices")
"""Settings that came later: with their default values, a configuration keeps its older hash."""


def provenance(config: SessionConfig) -> Provenance:
    """The provenance of a session with this configuration."""
    return Provenance(
        configuration_hash=configuration_hash(config),
        prompt_hashes=_prompt_hashes(config),
        packages=_versions(),
        python=platform.python_version(),
        platform=platform.platform(terse=True),
    )


def configuration_hash(config: SessionConfig) -> str:
    """The first 16 hexadecimal digits of the configuration's SHA-256; the seed is left out, and how models are reached."""
    fields = SessionConfig.model_fields
    left_out = {"seed", *(name for name in YOUNGER if getattr(config, name) == fields[name].default)}
    document = config.said_by().model_dump_json(exclude=left_out)
    return hashlib.sha256(document.encode()).hexdigest()[:16]


def session_id(profile_id: str, attitude: str, config: SessionConfig) -> str:
    """The id of a session, a UUID that follows from profile, attitude, configuration and seed."""
    return session_id_of(profile_id, attitude, configuration_hash(config), config.seed)


def _prompt_hashes(config: SessionConfig) -> dict[str, str]:
    """The prompts of a session; with examples in them, what these are drawn from too."""
    hashes = {name: digest for name, digest in prompt_hashes().items() if not name.startswith(ELSEWHERE)}
    if config.few_shot:
        return hashes | examples_source()
    return {name: digest for name, digest in hashes.items() if not name.endswith("/examples")}


@cache
def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions
