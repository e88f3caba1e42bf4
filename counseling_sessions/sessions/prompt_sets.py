"""Sets of prompts: the files that sessions were made with, what identifies them, and whether several were in use."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from counseling_sessions.prompts import FRONT_MATTER
from counseling_sessions.sessions.record import Provenance, SessionRecord
from counseling_sessions.state import Call
from counseling_sessions.texts.words import counted

PromptHashes = Mapping[str, str]
"""The hash of each prompt file, by its name."""

TECHNIQUES = "techniques/"


def used_by(techniques: Collection[str], hashes: PromptHashes) -> dict[str, str]:
    """Those of the prompts that a session with these techniques can be made with."""
    return {
        name: digest
        for name, digest in hashes.items()
        if not name.startswith(TECHNIQUES) or name.removeprefix(TECHNIQUES).removesuffix(FRONT_MATTER) in techniques
    }


def digest_of(techniques: Collection[str], hashes: PromptHashes) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the prompts that a session with these techniques can be made with."""
    text = json.dumps(used_by(techniques, hashes), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sets_of(record: SessionRecord) -> dict[str, PromptHashes]:
    """The sets of prompts of a session's calls, as `sets_of_calls`."""
    return sets_of_calls(record.configuration, record.provenance, (call for _, call in record.calls))


def sets_of_calls(configuration: Mapping[str, Any], made: Provenance, calls: Iterable[Call]) -> dict[str, PromptHashes]:
    """The sets of prompts that calls were made with, by digest, in the order of their first use.

    A call of an earlier version names none: it was made with what its session began with. Empty where nothing is known.
    """
    listed = configuration.get("techniques")
    techniques = listed if isinstance(listed, (list, tuple)) else ()
    began = digest_of(techniques, made.prompt_hashes) if made.prompt_hashes else ""
    by_digest = {began: made.prompt_hashes} | made.other_prompts
    digests = dict.fromkeys(call.prompts or began for call in calls) or {began: None}
    return {
        digest: _shared(tuple(used_by(techniques, by_digest.get(digest, {})).items())) for digest in digests if digest
    }


@lru_cache(maxsize=256)
def _shared(items: tuple[tuple[str, str], ...]) -> PromptHashes:
    """One mapping for all sessions that were made with it."""
    return dict(items)


@dataclass
class PromptsInUse:
    """Counts sessions by the sets of prompts that they were made with."""

    sessions: Counter[tuple[str, ...]] = field(default_factory=Counter)
    _versions: dict[str, set[str]] = field(default_factory=dict)

    def add(self, sets: Mapping[str, PromptHashes]) -> None:
        """Count a session, with its sets by digest. One of which nothing is known is left out."""
        if sets:
            self.sessions[tuple(sets)] += 1
        for name, digest in (item for hashes in sets.values() for item in hashes.items()):
            self._versions.setdefault(name, set()).add(digest)

    @property
    def mixed(self) -> bool:
        """Whether a prompt was in use in two versions; that sessions are configured to use other prompts does not count."""
        return any(len(versions) > 1 for versions in self._versions.values())

    @property
    def differing(self) -> str:
        """The prompts that were in use in several versions, by name."""
        return ", ".join(sorted(name for name, versions in self._versions.items() if len(versions) > 1))

    @property
    def counts(self) -> dict[str, int]:
        """The number of sessions with each set, the most first; those with several sets count by themselves."""
        return {" and ".join(digests): count for digests, count in self.sessions.most_common()}

    @property
    def counted(self) -> str:
        """The counts in words."""
        return ", ".join(f"{counted(count, 'session')} with {name}" for name, count in self.counts.items()) or "unknown"
