"""What identifies a configuration: its hash, and the ids that follow from it."""

import pytest

from counseling_sessions.graph.provenance import configuration_hash, session_id
from counseling_sessions.settings import ModelSettings, SessionConfig


@pytest.mark.parametrize(
    ("config", "hashed"),
    [
        (SessionConfig(), "691dc771d6f47603"),
        (SessionConfig(few_shot=0, appraisal="llm", merge="llm", choices=1, strict=False, seed=5), "691dc771d6f47603"),
        (SessionConfig(method="single"), "9d4951d266b9eb1d"),
        (SessionConfig(models={"client": ModelSettings(model="m", temperature=0.3)}, max_turns=5), "ad8f4b553f4252a1"),
        (
            SessionConfig(
                models={
                    "default": ModelSettings(model="m", temperature=0.4),
                    "client": ModelSettings(extra_body={"a": None}),
                }
            ),
            "0f9a023ba0bf921c",
        ),
    ],
)
def test_a_configuration_without_what_came_later_has_the_hash_it_had_before(config: SessionConfig, hashed: str) -> None:
    # Runs of then are gone on with by these: what changes them makes every unit of a run that was begun another session.
    assert configuration_hash(config) == hashed


def test_sessions_that_were_begun_with_reminders_keep_their_hash_and_are_gone_on_with_by_rules() -> None:
    began = {"router": "rules", "merge": "join", "reminders": True, "choices": 3, "max_turns": 10}
    config = SessionConfig.model_validate(began)
    assert (config.appraisal, configuration_hash(config)) == ("rules", "405fd2c913cb305f")
    assert SessionConfig.model_validate({"reminders": False}) == SessionConfig()


def test_every_number_of_examples_is_another_configuration_and_so_is_all_that_came_later() -> None:
    configs = [SessionConfig(few_shot=count) for count in range(5)] + [
        SessionConfig(appraisal="rules"),
        SessionConfig(merge="join"),
        SessionConfig(choices=2),
        SessionConfig(strict=True),
    ]
    configs += [
        SessionConfig(models={"default": ModelSettings(omit=("seed",))}),
        SessionConfig(models={"default": ModelSettings(reasoning_effort="low")}),
        SessionConfig(models={"default": ModelSettings(system_role="fold")}),
    ]
    assert len({configuration_hash(config) for config in configs}) == 12
    assert len({session_id("a", "neutral", config) for config in configs}) == 12
