"""The prompts of this process: the set that its sessions are made with, its digest, and how it differs from another one."""

from functools import cache

from counseling_sessions.nodes.examples import examples_source
from counseling_sessions.prompts import FRONT_MATTER, front_matter_hashes, prompt_hashes
from counseling_sessions.sessions.prompt_sets import PromptHashes, digest_of, used_by
from counseling_sessions.settings import RiskPolicy, SessionConfig

OF_RISK = ("protocol/", "client/risk")
"""The prompts that only sessions with clients at risk use."""
STRICT = "retry_strict"
"""The prompt that only strict sessions use."""
ELSEWHERE = ("judge/", "making/", "practice/", "training/")
"""Folders of prompts that no session uses."""


def prompt_set(config: SessionConfig) -> dict[str, str]:
    """The prompts of a session by name, with their hashes, and those of their front matter, by which rules pick a technique.

    With examples in them, what these are drawn from too.
    """
    every = prompt_hashes() | front_matter_hashes()
    hashes = {
        name: digest
        for name, digest in every.items()
        if not name.startswith(ELSEWHERE)
        and (config.strict or name != STRICT)
        and (config.risk is not None or not name.startswith(OF_RISK))
    }
    if config.few_shot:
        return hashes | examples_source()
    return {name: digest for name, digest in hashes.items() if not name.endswith("/examples")}


def prompts_digest(config: SessionConfig) -> str:
    """The digest of a session's prompts, which each of its calls carries."""
    return _digest(config.techniques, bool(config.few_shot), config.strict, config.risk)


def prompt_changes(before: PromptHashes, config: SessionConfig, now: PromptHashes | None = None) -> list[str]:
    """The differences of a session's prompts `now` (default: today's) from those of before, a line each.

    None where nothing is known of those before; earlier versions did not record the front matter.
    """
    if not before:
        return []
    now = used_by(config.techniques, prompt_set(config) if now is None else now)
    before = used_by(config.techniques, before)
    if not any(name.endswith(FRONT_MATTER) for name in before):
        now = {name: digest for name, digest in now.items() if not name.endswith(FRONT_MATTER)}
    differences = {
        "changed": [name for name in before if name in now and now[name] != before[name]],
        "gone": [name for name in before if name not in now],
        "added": [name for name in now if name not in before],
    }
    return [f"{what}: {', '.join(sorted(names))}" for what, names in differences.items() if names]


@cache
def _digest(techniques: tuple[str, ...], examples: bool, strict: bool, risk: RiskPolicy | None) -> str:
    config = SessionConfig(techniques=techniques, few_shot=int(examples), strict=strict, risk=risk)
    return digest_of(techniques, prompt_set(config))
