"""YAML that anybody may have written: plain values alone, and nothing that could exhaust the reader.

Dates stay text. A repeated key and an anchor inside itself are refused, and aliases are bounded by the values they stand
for: ten short lines of them can stand for a billion.
"""

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import yaml

MOST_CHARACTERS = 32 * 2**20
"""Characters of the longest YAML text, which takes about a minute to read. JSON is a hundred times as fast."""
MOST_REPEATED = 1_000_000
"""Values and characters that the aliases of a text may stand for together."""
MOST_NESTED = 100
"""Collections inside each other: each takes a piece of the interpreter's stack."""
MOST_DIGITS = 100
"""Characters of the longest number: the time to read one grows with their square."""

TOO_DEEP = "nested too deeply"
_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}


class YamlError(ValueError):
    """A text that is no YAML, or too much of it. `line` and `column` count from 1; `key` is a repeated key."""

    def __init__(
        self, problem: str, line: int | None = None, column: int | None = None, key: str | None = None
    ) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column, self.key = problem, line, column, key


def parse_yaml(text: str) -> list[Any]:
    """The values of a text's documents, None for an empty one. Raises `YamlError`."""
    if len(text) > MOST_CHARACTERS:
        raise YamlError(f"more than {MOST_CHARACTERS:,} characters; use JSON, or several files")
    if unprintable := yaml.reader.Reader.NON_PRINTABLE.search(text):
        raise YamlError(f"character {unprintable.start() + 1}: special characters are not allowed")
    try:
        return list(yaml.load_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        key = error.key if isinstance(error, _StandsTwice) else None
        if "nesting depth" in (error.problem or ""):  # libyaml has a bound of its own
            raise YamlError(TOO_DEEP) from None
        raise YamlError((error.problem or "it is none")[:200], line, column, key) from None
    except RecursionError:
        raise YamlError(TOO_DEEP) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise YamlError(" ".join(str(error).split())[:200]) from None


class _StandsTwice(yaml.constructor.ConstructorError):
    def __init__(self, key: str, mark: Any) -> None:
        super().__init__(None, None, "a key stands twice in one mapping", mark)
        self.key = key[:80]


if TYPE_CHECKING or not yaml.__with_libyaml__:
    _Safe = yaml.SafeLoader
else:

    class _Safe(yaml.composer.Composer, yaml.cyaml.CParser, yaml.constructor.SafeConstructor, yaml.resolver.Resolver):
        """The safe loader on the parser of libyaml, which makes the same events seven times as fast."""

        def __init__(self, stream: Any) -> None:
            yaml.cyaml.CParser.__init__(self, stream)
            for part in (yaml.composer.Composer, yaml.constructor.SafeConstructor, yaml.resolver.Resolver):
                part.__init__(self)


class _Loader(_Safe):
    """The safe loader, without dates. It refuses repeated keys, and values that do not fit their tags."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the base class has it mutable
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._weight = 0
        self._repeated = 0
        self._depth = 0
        self._weights: dict[int, int] = {}

    def compose_document(self) -> yaml.Node | None:
        self._weights.clear()  # anchors end with their document, and another node may get the same id
        return super().compose_document()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        is_alias, before = self.check_event(yaml.AliasEvent), self._weight
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        self._depth += 1
        if self._depth > MOST_NESTED:
            raise yaml.YAMLError(TOO_DEEP)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if not is_alias:
            self._weight += 1 + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
            self._weights[id(node)] = self._weight - before
            return node
        weight = self._weights.get(id(node))
        if weight is None:
            raise yaml.composer.ComposerError(None, None, "an anchor stands inside itself", mark)
        self._weight += weight
        self._repeated += weight
        if self._repeated > MOST_REPEATED:
            message = f"the aliases stand for more than {MOST_REPEATED:,} values and characters; write them out"
            raise yaml.composer.ComposerError(None, None, message, mark)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise _StandsTwice(key.value, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if node.tag in _NUMBERS and len(node.value) > MOST_DIGITS:
            message = f"a number of more than {MOST_DIGITS} characters; put it in quotes"
            raise yaml.constructor.ConstructorError(None, None, message, node.start_mark)
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError):
            # PyYAML's constructors fail this way on text that does not fit its tag, as in `!!int x`.
            message = f"the value does not fit its type {node.tag.rpartition(':')[2]!r}"
            raise yaml.constructor.ConstructorError(None, None, message, node.start_mark) from None


def yaml_of(value: Any) -> str:
    """A value of lists, mappings and scalars as YAML, in its order and in its letters."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)
