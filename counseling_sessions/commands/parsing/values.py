"""How the values of options are read. What cannot be read is an `ArgumentTypeError` that says what is expected."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence


def names(text: str) -> tuple[str, ...]:
    """The names in a comma-separated option."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def some_of(allowed: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Reads names out of `allowed`, or `all` of them."""

    def read(text: str) -> tuple[str, ...]:
        chosen = tuple(allowed) if text == "all" else names(text)
        if unknown := [name for name in chosen if name not in allowed]:
            raise ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(allowed)}, or all")
        if not chosen:
            raise ArgumentTypeError("names none")
        return tuple(dict.fromkeys(chosen))

    return read


def seeds(text: str) -> tuple[int, ...]:
    """`3`: the seeds 1, 2, 3; `5-8`: from 5 to 8; `7,9`: these."""
    try:
        if "-" in text:
            first, last = map(int, text.split("-"))
            read = tuple(range(first, last + 1))
        elif "," in text:
            read = tuple(dict.fromkeys(int(part) for part in names(text)))
        else:
            read = tuple(range(1, int(text) + 1))
    except ValueError:
        read = ()
    if not read or min(read) < 0 or len(read) > 10_000:
        raise ArgumentTypeError("how many (3), from and to (5-8), or which (7,9)")
    return read


def part_of_parts(text: str) -> tuple[int, int]:
    """`3/16`: the third of sixteen parts."""
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise ArgumentTypeError("a part of how many, such as 3/16")
    return int(part), int(parts)


def count(text: str, least: int = 0) -> int:
    """A whole number, 0 or more."""
    if not text.isdecimal() or int(text) < least:
        raise ArgumentTypeError(f"a whole number from {least} on")
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1 on."""
    return count(text, 1)


def amount(text: str) -> float:
    """A number above 0 that is not infinite."""
    try:
        read = float(text)
    except ValueError:
        read = -1.0
    if not 0 < read < float("inf"):
        raise ArgumentTypeError("a number above 0")
    return read


def named_amount(text: str) -> tuple[str, float]:
    """`turns=2`: a name and a number above 0."""
    name, _, value = text.rpartition("=")
    if not name:
        raise ArgumentTypeError("a name and a number, such as turns=2")
    return name, amount(value)


def share(text: str) -> float:
    """A number from 0 on and under 1."""
    return 0.0 if text.strip() in ("0", "0.0") else between_0_and_1(text)


def between_0_and_1(text: str) -> float:
    """A number from 0 to 1, neither included."""
    read = amount(text)
    if read >= 1:
        raise ArgumentTypeError("a number between 0 and 1")
    return read


def counts(text: str) -> tuple[int, ...]:
    """`1,3,6`: whole numbers from 1 on."""
    read = tuple(dict.fromkeys(positive(part) for part in names(text)))
    if not read:
        raise ArgumentTypeError("whole numbers from 1 on, such as 1,3,6")
    return read
