"""Names in the order of their likeness to a mistyped one."""

from counseling_sessions.texts.nearest import nearest_first


def test_the_most_alike_comes_first_and_case_does_not_matter() -> None:
    assert nearest_first("BaseURL", ["name", "samples", "base_url"])[0] == "base_url"
    assert nearest_first("xyz", ["b", "a"]) == ["b", "a"]
