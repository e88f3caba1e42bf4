"""Clients whose state the tests decide."""

import pytest

from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientState, EndReason


def offering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a client declare either end from `min_turns` on, however it is for it."""

    def offered(profile: ClientProfile, states: tuple[ClientState, ...], config: SessionConfig) -> frozenset[EndReason]:
        return frozenset({"resolved", "left"}) if states[-1].turn >= config.min_turns else frozenset()

    monkeypatch.setattr("counseling_sessions.nodes.client.ends_offered", offered)
