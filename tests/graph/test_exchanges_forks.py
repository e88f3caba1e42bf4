"""The prompts of a forked session: those of its past are the parent's, whatever the fork was configured with."""

from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.graph.exchanges import exchanges
from counseling_sessions.graph.fork import fork_task
from tests.graph.test_fork import changed, forked, parent


@pytest.mark.parametrize(
    ("start", "to", "more"),
    [
        ("magnet", "magnet", {"fan_out": "all"}),
        ("magnet", "single", {}),
        ("single", "magnet", {}),
        ("magnet-no-plan", "magnet", {"max_turns": 12}),
    ],
)
async def test_the_prompts_of_the_future_are_those_that_were_sent(
    tmp_path: Path, start: str, to: str, more: dict[str, Any]
) -> None:
    begun = parent(method=start)
    fork, asked = await forked(fork_task(begun, 7, changed(begun, method=to, **more)), tmp_path)
    rebuilt = ["\n".join(str(message.text) for message in answer.messages) for answer in exchanges(fork)]
    assert sorted(rebuilt) == sorted(one.prompt for one in asked)
