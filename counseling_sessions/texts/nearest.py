"""Names in the order of their likeness to one that was mistyped."""

import difflib
from collections.abc import Iterable


def nearest_first(name: str, names: Iterable[str]) -> list[str]:
    """The names, the most alike first (difflib's ratio, case aside); those that are equally alike stay in their order."""
    matcher = difflib.SequenceMatcher(b=name[:100].casefold())

    def likeness(one: str) -> float:
        matcher.set_seq1(one.casefold())
        return matcher.ratio()

    return sorted(names, key=likeness, reverse=True)
