"""Packs examples with the same beginning into one tree, so that training computes shared tokens once.

All calls of a session's side share the dialogue up to their turn. A pack is the prefix tree of their token ids, chain by chain. A
token attends only to its ancestors, and its position is its depth. With any chat template, a pack's loss equals the sum of its
examples' losses (a test compares them).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from counseling_sessions.training.tokens import Tokens


@dataclass(frozen=True)
class Chain:
    """A run of tokens, each the parent of the next: `start` to `stop` in the pack; `prefix` is the ranges of its ancestors."""

    start: int
    stop: int
    prefix: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Target:
    """The `token` that `weight` examples of a role have after the token at `position`."""

    position: int
    token: int
    role: str
    weight: int


@dataclass
class Pack:
    """Token ids and depths, shape (tokens,), their chains, and the targets of the loss."""

    ids: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    @property
    def weight(self) -> int:
        """The number of its examples' answer tokens."""
        return sum(target.weight for target in self.targets)


@dataclass(eq=False, slots=True)
class _Node:
    token: int
    depth: int
    children: dict[int, "_Node"] = field(default_factory=dict)
    targets: Counter[tuple[int, str]] = field(default_factory=Counter)
    height: int = 0


def pack_examples(examples: Sequence[Tokens], most: int) -> list[Pack]:
    """A session's examples in as few packs of at most `most` tokens as their order allows.

    It never divides an example; one longer than `most` is alone in its pack.
    """
    packs = []
    for beginning in _by_beginning(examples):
        root, size = _Node(-1, -1), 0
        for example in beginning:
            new = _missing(root, example)
            if size and size + new > most:
                packs.append(_pack(root))
                root, size, new = _Node(-1, -1), 0, len(example.ids)
            _insert(root, example)
            size += new
        packs.append(_pack(root))
    return packs


def _by_beginning(examples: Iterable[Tokens]) -> Iterable[list[Tokens]]:
    """The examples by their first tokens, which are the same for one side of a session, and differ between the sides."""
    groups: dict[tuple[int, ...], list[Tokens]] = {}
    for example in examples:
        groups.setdefault(example.ids[:32], []).append(example)
    return groups.values()


def _missing(root: _Node, example: Tokens) -> int:
    node = root
    for place, token in enumerate(example.ids):
        if token not in node.children:
            return len(example.ids) - place
        node = node.children[token]
    return 0


def _insert(root: _Node, example: Tokens) -> None:
    node = root
    for place, token in enumerate(example.ids):
        if place >= example.answer:
            node.targets[token, example.role] += 1
        node = node.children.setdefault(token, _Node(token, place))


def _pack(root: _Node) -> Pack:
    _measure(root)
    pack = Pack()
    for top in root.children.values():
        _lay_out(pack, top)
    return pack


def _measure(root: _Node) -> None:
    """Set every node's height above its deepest leaf; without recursion, as dialogues are deep."""
    order = [root]
    for node in order:
        order.extend(node.children.values())
    for node in reversed(order):
        node.height = 1 + max((child.height for child in node.children.values()), default=0)


def _lay_out(pack: Pack, top: _Node) -> None:
    """Append a tree to the pack: the longest way as one chain, then the branches from it."""
    waiting: list[tuple[_Node, tuple[tuple[int, int], ...]]] = [(top, ())]
    while waiting:
        node, prefix = waiting.pop()
        start = len(pack.ids)
        branches: list[tuple[_Node, int]] = []
        for place, item in enumerate(_longest_way(node), start):
            pack.ids.append(item.token)
            pack.depths.append(item.depth)
            pack.targets += [Target(place, token, role, weight) for (token, role), weight in item.targets.items()]
            longest = max(item.children.values(), key=lambda child: child.height, default=None)
            branches += [(child, place) for child in item.children.values() if child is not longest]
        pack.chains.append(Chain(start, len(pack.ids), prefix))
        waiting += [(child, (*prefix, (start, place + 1))) for child, place in reversed(branches)]


def _longest_way(node: _Node) -> Iterator[_Node]:
    yield node
    while node.children:
        node = max(node.children.values(), key=lambda child: child.height)
        yield node
