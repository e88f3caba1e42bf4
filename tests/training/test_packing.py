"""Packs: they hold every target once, and their loss and gradients are those of the examples one by one."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("peft")

import torch
from torch.nn.functional import cross_entropy

from counseling_sessions.training.base import Base, adapter_model
from counseling_sessions.training.loss import pack_loss, pack_sessions, score
from counseling_sessions.training.packing import Pack, pack_examples
from counseling_sessions.training.recipe import Recipe
from counseling_sessions.training.tokens import Tokens
from tests.training.small import CHATML, rows, tiny_llama, tokenizer

VOCABULARY = 200
ROLES = ("merge", "client", "plan")
Path = tuple[int, ...]
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@st.composite
def families(draw: st.DrawFn) -> list[Tokens]:
    """Examples of up to two sides of a session: each goes along an earlier one for a while, then its own way."""
    small = st.integers(0, 3)
    sides = [[side] * 32 + draw(st.lists(small, min_size=1, max_size=20)) for side in range(draw(st.integers(1, 2)))]
    examples: list[Tokens] = []
    for _ in range(draw(st.integers(1, 10))):
        earlier = draw(st.sampled_from([*sides, *(example.ids for example in examples)]))
        common = draw(st.integers(30, len(earlier)))
        ids = (*earlier[:common], *draw(st.lists(small, min_size=1, max_size=8)))
        examples.append(Tokens(draw(st.sampled_from(ROLES)), ids, draw(st.integers(1, len(ids) - 1))))
    return examples


LIMITS = st.integers(30, 90)
"""Tokens of a pack: one long example may be more, and a few short ones less."""


def paths(pack: Pack) -> list[Path]:
    """Of every token of a pack the ids of its ancestors and its own, as the chains tell them."""
    paths_of_tokens: list[Path] = []
    for chain in pack.chains:
        assert chain.start == len(paths_of_tokens)  # chains follow one another, without gap or overlap
        before: list[int] = []
        for start, stop in chain.prefix:
            assert stop <= chain.start
            before += pack.ids[start:stop]
        paths_of_tokens += [(*before, *pack.ids[chain.start : place + 1]) for place in range(chain.start, chain.stop)]
    assert len(paths_of_tokens) == len(pack.ids)
    return paths_of_tokens


def beginnings(examples: Sequence[Tokens]) -> set[Path]:
    return {example.ids[:end] for example in examples for end in range(1, len(example.ids) + 1)}


@settings(deadline=None)
@given(families(), LIMITS)
def test_packs_hold_every_target_of_every_example_exactly_once(examples: list[Tokens], most: int) -> None:
    expected: Counter[tuple[Path, int, str]] = Counter()
    for example in examples:
        for place in range(example.answer, len(example.ids)):
            expected[example.ids[:place], example.ids[place], example.role] += 1
    weights: Counter[tuple[Path, int, str]] = Counter()
    for pack in pack_examples(examples, most):
        before = paths(pack)
        for target in pack.targets:
            weights[before[target.position], target.token, target.role] += target.weight
        keys = [(target.position, target.token, target.role) for target in pack.targets]
        assert len(set(keys)) == len(keys)
    assert weights == expected
    assert sum(pack.weight for pack in pack_examples(examples, most)) == expected.total()


@settings(deadline=None)
@given(families(), LIMITS)
def test_a_pack_is_a_tree_that_holds_what_is_shared_once(examples: list[Tokens], most: int) -> None:
    everything = beginnings(examples)
    seen: set[Path] = set()
    for pack in pack_examples(examples, most):
        token_paths = paths(pack)
        assert len(set(token_paths)) == len(token_paths)
        # A token's place in its example is its place in the model's eyes, and the way there has no hole.
        assert pack.depths == [len(path) - 1 for path in token_paths]
        assert {path[:-1] for path in token_paths} <= {(), *token_paths}
        seen |= set(token_paths)
    assert seen == everything


@settings(deadline=None)
@given(families(), LIMITS)
def test_a_prefix_is_the_ranges_of_the_ancestors(examples: list[Tokens], most: int) -> None:
    for pack in pack_examples(examples, most):
        token_paths = paths(pack)
        places = {path: place for place, path in enumerate(token_paths)}
        for chain in pack.chains:
            ancestors = [place for start, stop in chain.prefix for place in range(start, stop)]
            path = token_paths[chain.start]
            assert ancestors == [places[path[:end]] for end in range(1, len(path))]


@settings(deadline=None)
@given(families(), LIMITS)
def test_no_pack_is_larger_than_allowed_unless_one_example_is(examples: list[Tokens], most: int) -> None:
    for pack in pack_examples(examples, most):
        if len(pack.ids) > most:
            assert len(pack.ids) == max(pack.depths) + 1
            assert tuple(pack.ids) in {example.ids for example in examples}


def test_packs_are_filled_in_the_order_of_the_examples() -> None:
    common = range(40)
    examples = [Tokens("merge", (*common, *range(50 * number, 50 * number + 10)), 40) for number in range(1, 7)]
    assert [len(pack.ids) for pack in pack_examples(examples, 60)] == [60, 60, 60]
    assert [len(pack.ids) for pack in pack_examples(examples, 79)] == [70, 70]
    assert [len(pack.ids) for pack in pack_examples(examples, 100)] == [100]
    assert [len(pack.ids) for pack in pack_examples(examples, 20)] == [50] * 6


def test_what_branches_off_from_a_branch_has_the_ancestors_of_both() -> None:
    examples = [Tokens("merge", (*range(40), *tail), 40) for tail in ((1, 2, 3, 4, 5), (1, 2, 6, 7), (1, 2, 6, 8))]
    [pack] = pack_examples(examples, 100)
    assert pack.ids == [*range(40), 1, 2, 3, 4, 5, 6, 7, 8]
    assert [(chain.start, chain.stop, chain.prefix) for chain in pack.chains] == [
        (0, 45, ()),
        (45, 47, ((0, 42),)),
        (47, 48, ((0, 42), (45, 46))),
    ]


def examples_of(seed: int) -> list[Tokens]:
    """Random examples of two sides that branch off from one another, and from branches too; two of them come twice."""
    draw = random.Random(seed)
    sides = [tuple(draw.randrange(VOCABULARY) for _ in range(70)) for _ in range(2)]
    examples: list[Tokens] = []
    for number in range(12):
        side = sides[number % 2]
        earlier = draw.choice([side, *(example.ids for example in examples if example.ids[0] == side[0])])
        common = draw.randrange(max(34, len(earlier) - 20), len(earlier))
        ids = (*earlier[:common], *(draw.randrange(VOCABULARY) for _ in range(draw.randrange(1, 16))))
        examples.append(Tokens(ROLES[number % 3], ids, common - draw.randrange(3)))
    return [*examples, examples[0], examples[3]]


def one_by_one(model: Any, examples: Sequence[Tokens]) -> dict[str, Any]:
    """The causal loss of every example by itself, added up by role."""
    nats: dict[str, Any] = {}
    for example in examples:
        logits = model(input_ids=torch.tensor([example.ids]), use_cache=False).logits[0]
        before = logits[example.answer - 1 : -1]
        loss = cross_entropy(before, torch.tensor(example.ids[example.answer :]), reduction="sum")
        nats[example.role] = nats.get(example.role, 0.0) + loss
    return nats


@pytest.mark.parametrize("most", [110, 130, 1000])
@pytest.mark.parametrize("plain", ["eager", "sdpa"])
def test_the_loss_of_packs_is_that_of_their_examples_one_by_one(plain: str, most: int) -> None:
    examples = examples_of(most)
    packs = pack_examples(examples, most)
    assert max(len(chain.prefix) for pack in packs for chain in pack.chains) > 1
    with torch.no_grad():
        expected = one_by_one(tiny_llama(VOCABULARY, plain), examples)
    model = tiny_llama(VOCABULARY)
    loss = score(model, packs)
    assert loss.nats == {role: pytest.approx(nats.item(), rel=2e-5) for role, nats in expected.items()}
    assert loss.tokens == Counter(example.role for example in examples for _ in example.ids[example.answer :])
    total = sum(nats.item() for nats in expected.values())
    assert loss.mean == pytest.approx(total / sum(loss.tokens.values()), rel=2e-5)
    assert sum(pack_loss(model, pack).item() for pack in packs) == pytest.approx(total, rel=2e-5)


def with_adapter(attention: str) -> Any:
    """The tiny model with an adapter whose two factors are random numbers, in training mode."""
    model = adapter_model(Base("tiny", tiny_llama(VOCABULARY, attention), None, None, ""), Recipe(rank=4, dropout=0.0))
    torch.manual_seed(5)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.normal_(0.0, 0.2)
    return model.train()


def gradients(model: Any, loss: Any) -> dict[str, Any]:
    loss.backward()
    return {name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad}


@pytest.mark.parametrize("most", [130, 1000])
def test_an_adapter_gets_the_gradients_of_the_examples_one_by_one(most: int) -> None:
    examples = examples_of(most + 1)
    alone = with_adapter("eager")
    expected = gradients(alone, sum(one_by_one(alone, examples).values()))
    model = with_adapter("tree")
    packed = gradients(model, sum(pack_loss(model, pack) for pack in pack_examples(examples, most)))
    assert len(packed) == 2 * 7 * 2  # both factors of seven projections in two layers
    assert packed.keys() == expected.keys()
    for name, gradient in expected.items():
        assert gradient.norm() > 0
        assert (packed[name] - gradient).norm() <= 1e-4 * gradient.norm(), name


def test_without_chains_the_attention_is_plain_causal_attention() -> None:
    ids = torch.tensor([examples_of(1)[0].ids])
    with torch.no_grad():
        expected = tiny_llama(VOCABULARY, "eager")(input_ids=ids).logits
        logits = tiny_llama(VOCABULARY)(input_ids=ids, use_cache=False).logits
    assert torch.allclose(logits, expected, atol=1e-5)


def test_sessions_are_packed_for_some_roles_and_what_is_too_long_is_counted() -> None:
    examples = [*rows(0), *rows(1)]
    sessions = pack_sessions(examples, tokenizer(CHATML), 1000, 1000, ["client", "plan"])
    assert [(session.session_id, session.client) for session in sessions] == [
        ("session-0", "client-0"),
        ("session-1", "client-0"),
    ]
    assert [(session.examples, session.too_long) for session in sessions] == [(4, 0), (4, 0)]
    roles = {target.role for session in sessions for pack in session.packs for target in pack.targets}
    assert roles == {"client", "plan"}
    for row in examples[:1]:
        row["prompt"][0]["content"] *= 20
    [first, _] = pack_sessions(examples, tokenizer(CHATML), 300, 1000, ["plan"])
    assert (first.examples, first.too_long) == (0, 1)
