from __future__ import annotations

import math

import numpy as np
import pytest
import reference
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from parameters import small_encoder
from scipy.stats import kstest, norm

from degen.model.encoders.dropout import FedDropout, RandomDropout
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.scores import score_items

N_ITEMS = 20
RATES = {"embedding_dropout": 0.3, "hidden_dropout": 0.4, "attention_dropout": 0.2}
SHAPES = [(layers, heads) for layers in (1, 2, 3) for heads in (1, 2, 4)]
LENGTHS = [3, 1, 12, 2, 1, 7, 3, 12, 5]
ENGINES = pytest.mark.parametrize("engine", ["fast", "plain"])


def make(engine="fast", dtype=torch.float64, *, layers=2, heads=2, max_length=12, seed=0, **options):
    shape = {"layers": layers, "heads": heads, "max_length": max_length, "engine": engine}
    return small_encoder(SequenceEncoder, N_ITEMS, dtype, seed=seed, **shape, **(RATES | options))


def draw_histories(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(1, N_ITEMS + 2, size=n).tolist() for n in lengths]  # N_ITEMS + 1 is the mask token


def encode(encoder, histories, dropout=None):
    items = torch.tensor([item for history in histories for item in history])
    return encoder(items, torch.tensor([len(history) for history in histories]), dropout)


def draw_masks(n, *, layers, heads, max_length=12, dim=8, seed=0):
    """Independent keep masks for every site in the padded layout."""
    rng = np.random.default_rng(seed)
    tokens = (n, max_length, dim)
    shapes = {"embedding": (tokens, 0.3)}
    for layer in range(layers):
        shapes[f"layer{layer}.attention"] = ((n, heads, max_length, max_length), 0.2)
        shapes[f"layer{layer}.attention_output"] = (tokens, 0.4)
        shapes[f"layer{layer}.feed_forward"] = (tokens, 0.4)
    return {site: torch.from_numpy(rng.random(shape) >= rate) for site, (shape, rate) in shapes.items()}


def by_loops(encoder, histories, *, layers, heads, masks=None):
    weights = {name: value.detach().double().numpy() for name, value in encoder.named_parameters()}
    slow = reference.Reference(weights, layers=layers, heads=heads)
    if masks is None:
        return slow.encode(histories)
    return slow.encode(histories, lambda site: masks[site].numpy(), dropout=(0.3, 0.4, 0.2))


def gradients(encoder, histories, dropout=None, seed=0):
    return weighted_gradients(encoder, encode(encoder, histories, dropout), seed)


def weighted_gradients(encoder, h, seed=0):
    """Gradients of a fixed weighting of all entries of h, by parameter."""
    encoder.zero_grad()
    weighting = torch.randn(h.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    (h * weighting.to(h.dtype)).sum().backward()
    return {name: parameter.grad for name, parameter in encoder.named_parameters()}


def assert_gradients_close(actual, expected, tolerance):
    """Each tensor within `tolerance` of its own largest entry."""
    for name, gradient in expected.items():
        error = (actual[name].double() - gradient.double()).abs().max()
        assert error <= tolerance * gradient.abs().max() + 1e-14, name


# Equations 8 and 9


@ENGINES
@pytest.mark.parametrize(("layers", "heads"), SHAPES)
def test_h_is_that_of_the_equations_written_as_loops(engine, layers, heads):
    encoder, histories = make(engine, layers=layers, heads=heads), draw_histories(LENGTHS)
    expected = by_loops(encoder, histories, layers=layers, heads=heads)
    np.testing.assert_allclose(encode(encoder, histories).detach(), expected, rtol=0, atol=1e-10)


@ENGINES
@pytest.mark.parametrize(("layers", "heads"), SHAPES)
def test_h_under_given_dropout_masks_is_that_of_the_loops(engine, layers, heads):
    encoder, histories = make(engine, layers=layers, heads=heads), draw_histories(LENGTHS)
    masks = draw_masks(len(histories), layers=layers, heads=heads)
    expected = by_loops(encoder, histories, layers=layers, heads=heads, masks=masks)
    h = encode(encoder, histories, FedDropout(masks.__getitem__))
    np.testing.assert_allclose(h.detach(), expected, rtol=0, atol=1e-10)
    assert not np.allclose(h.detach(), encode(encoder, histories).detach(), atol=1e-2)


@ENGINES
def test_every_length_from_1_to_50(engine):
    lengths = np.random.default_rng(1).permutation(np.arange(1, 51)).tolist()
    encoder, histories = make(engine, layers=1, heads=2, max_length=50), draw_histories(lengths)
    expected = by_loops(encoder, histories, layers=1, heads=2)
    np.testing.assert_allclose(encode(encoder, histories).detach(), expected, rtol=0, atol=1e-10)


@ENGINES
def test_of_a_long_history_the_caller_keeps_the_last_items_and_positions_start_at_the_oldest_kept(engine):
    encoder, (long,) = make(engine), draw_histories([40])
    expected = by_loops(encoder, [long[-12:]], layers=2, heads=2)
    np.testing.assert_allclose(encode(encoder, [long[-12:]]).detach(), expected, rtol=0, atol=1e-10)


@ENGINES
def test_gradients_are_the_slopes_of_the_loops(engine):
    # Central differences of the loops along one random direction for each parameter.
    encoder, histories, rng = make(engine, seed=3), draw_histories([4, 1, 3]), np.random.default_rng(5)
    masks = draw_masks(3, layers=2, heads=2)
    weighting = torch.randn((3, 8), generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()
    weights = {name: value.detach().numpy().copy() for name, value in encoder.named_parameters()}

    def value(moved):
        slow = reference.Reference(weights | moved, layers=2, heads=2)
        h = slow.encode(histories, lambda site: masks[site].numpy(), dropout=(0.3, 0.4, 0.2))
        return float((h * weighting).sum())

    for name, gradient in gradients(encoder, histories, FedDropout(masks.__getitem__)).items():
        direction = rng.normal(size=gradient.shape)
        step = 1e-5
        there, back = (value({name: weights[name] + sign * step * direction}) for sign in (1, -1))
        slope = float((gradient.numpy() * direction).sum())
        assert slope == pytest.approx((there - back) / (2 * step), rel=1e-6, abs=1e-7), name


# The fast engine held to the plain one


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize(("layers", "heads"), [(1, 1), (2, 2), (3, 4)])
def test_fast_and_plain_agree_in_float64(layers, heads, dropout):
    lengths = [1, 50, 2, 2, 17, 33, 1, 9, 50, 4]
    histories, shape = draw_histories(lengths), {"layers": layers, "heads": heads, "max_length": 50}
    masks = draw_masks(len(lengths), **shape)
    fed = FedDropout(masks.__getitem__) if dropout else None
    fast, plain = make("fast", **shape), make("plain", **shape)
    h = encode(plain, histories, fed).detach()
    np.testing.assert_allclose(encode(fast, histories, fed).detach(), h, rtol=0, atol=1e-10)
    assert_gradients_close(gradients(fast, histories, fed), gradients(plain, histories, fed), 1e-10)


def test_fast_and_plain_agree_on_histories_longer_than_the_papers_50():
    histories = draw_histories([70, 3, 51, 70, 50, 64])
    fast, plain = make("fast", max_length=70), make("plain", max_length=70)
    h = encode(plain, histories).detach()
    np.testing.assert_allclose(encode(fast, histories).detach(), h, rtol=0, atol=1e-10)
    assert_gradients_close(gradients(fast, histories), gradients(plain, histories), 1e-10)


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("engine", ["fast", "plain"])
def test_float32_stays_within_1e_5_forward_and_1e_4_of_the_largest_gradient(engine, dropout):
    lengths = [1, 50, 2, 2, 17, 33, 1, 9, 50, 4]
    histories, shape = draw_histories(lengths), {"layers": 2, "heads": 2, "max_length": 50}
    masks = draw_masks(len(lengths), **shape)
    fed = FedDropout(masks.__getitem__) if dropout else None
    single, exact = make(engine, torch.float32, **shape), make("plain", **shape)
    h = encode(single, histories, fed)
    assert h.dtype == torch.float32
    np.testing.assert_allclose(h.detach(), encode(exact, histories, fed).detach(), rtol=1e-5, atol=1e-5)
    assert_gradients_close(gradients(single, histories, fed), gradients(exact, histories, fed), 1e-4)


# What may not change h

batches = st.lists(st.integers(1, 12), min_size=1, max_size=9)


@ENGINES
@settings(max_examples=25)
@given(lengths=batches, others=batches, seed=st.integers(0, 99))
def test_the_rest_of_the_batch_never_reaches_h(engine, lengths, others, seed):
    # Other sequences decide how much padding a history gets, and in which company it is computed.
    encoder, histories = make(engine), draw_histories(lengths, seed)
    alone = torch.cat([encode(encoder, [history]) for history in histories])
    crowd = draw_histories(others, seed + 1)
    together = encode(encoder, crowd + histories)[len(crowd) :]
    np.testing.assert_allclose(together.detach(), alone.detach(), rtol=0, atol=1e-12)


@ENGINES
@settings(max_examples=25)
@given(data=st.data(), lengths=batches)
def test_the_order_of_the_batch_does_not_change_any_h(engine, data, lengths):
    encoder, histories = make(engine), draw_histories(lengths)
    order = data.draw(st.permutations(range(len(lengths))))
    shuffled = encode(encoder, [histories[i] for i in order])
    np.testing.assert_allclose(
        shuffled.detach(), encode(encoder, histories)[order].detach(), rtol=0, atol=1e-12
    )


@ENGINES
def test_the_values_of_the_padding_row_do_not_matter_and_it_gets_no_gradient(engine):
    encoder, histories = make(engine, seed=2), draw_histories([1, 12, 3, 3, 8, 11])
    before = encode(encoder, histories).detach()
    assert gradients(encoder, histories)["item_embeddings"][0].eq(0).all()
    with torch.no_grad():
        encoder.item_embeddings[0] = 1000.0
    np.testing.assert_allclose(encode(encoder, histories).detach(), before, rtol=0, atol=1e-12)
    assert gradients(encoder, histories)["item_embeddings"][0].eq(0).all()


@ENGINES
def test_only_the_items_and_positions_of_a_history_move_its_h(engine):
    encoder = make(engine)
    found = gradients(encoder, [[3, 5, 3], [9]])
    moved = found["item_embeddings"].abs().sum(dim=1) > 0
    assert moved.nonzero().flatten().tolist() == [3, 5, 9]
    assert (found["position_embeddings"].abs().sum(dim=1) > 0).nonzero().flatten().tolist() == [0, 1, 2]


@ENGINES
def test_renaming_the_items_changes_nothing(engine):
    encoder, renamed, histories = make(engine), make(engine), draw_histories(LENGTHS)
    new_name = np.concatenate([[0], 1 + np.random.default_rng(4).permutation(N_ITEMS), [N_ITEMS + 1]])
    with torch.no_grad():
        renamed.item_embeddings[new_name] = encoder.item_embeddings
    h = encode(renamed, [new_name[history].tolist() for history in histories])
    np.testing.assert_allclose(h.detach(), encode(encoder, histories).detach(), rtol=0, atol=1e-12)


# Given positions: the h of prefixes


def encode_at(encoder, histories, places, dropout=None):
    """The h of (sequence, position) pairs from one pass."""
    items = torch.tensor([item for history in histories for item in history])
    sequence, position = torch.tensor(places).T
    return encoder(
        items, torch.tensor([len(history) for history in histories]), dropout, (sequence, position)
    )


def every_place(histories):
    return [(s, t) for s, history in enumerate(histories) for t in range(len(history))]


def prefixes(histories, places):
    return [histories[s][: t + 1] for s, t in places]


@ENGINES
@pytest.mark.parametrize(("layers", "heads"), SHAPES)
def test_each_position_is_the_loops_h_of_the_prefix_that_ends_there(engine, layers, heads):
    encoder, histories = make(engine, layers=layers, heads=heads), draw_histories(LENGTHS)
    places = every_place(histories)
    expected = by_loops(encoder, prefixes(histories, places), layers=layers, heads=heads)
    np.testing.assert_allclose(encode_at(encoder, histories, places).detach(), expected, rtol=0, atol=1e-10)


@ENGINES
def test_all_prefixes_of_every_length_from_1_to_50_are_those_encoded_alone(engine):
    lengths = np.random.default_rng(1).permutation(np.arange(1, 51)).tolist()
    histories = draw_histories(lengths)
    encoder, plain = make(engine, max_length=50), make("plain", max_length=50)
    places = every_place(histories)
    h, alone = encode_at(encoder, histories, places), encode(plain, prefixes(histories, places))
    np.testing.assert_allclose(h.detach(), alone.detach(), rtol=0, atol=1e-10)
    expected = weighted_gradients(plain, alone)
    assert_gradients_close(weighted_gradients(encoder, h), expected, 1e-10)


@ENGINES
def test_positions_in_float32_stay_within_1e_5_forward_and_1e_4_of_the_largest_gradient(engine):
    histories = draw_histories([1, 50, 2, 2, 17, 33, 1, 9, 50, 4])
    single, exact = make(engine, torch.float32, max_length=50), make("plain", max_length=50)
    places = every_place(histories)
    h, alone = encode_at(single, histories, places), encode(exact, prefixes(histories, places))
    assert h.dtype == torch.float32
    np.testing.assert_allclose(h.detach(), alone.detach(), rtol=1e-5, atol=1e-5)
    assert_gradients_close(weighted_gradients(single, h), weighted_gradients(exact, alone), 1e-4)


@pytest.mark.parametrize("size", [1, 2, 255, 256])
def test_fast_and_plain_agree_on_batches_of_any_size(size):
    histories = draw_histories(np.random.default_rng(size).integers(1, 51, size=size))
    fast, plain = (make(engine, max_length=50) for engine in ("fast", "plain"))
    single = make("fast", torch.float32, max_length=50)
    expected = encode(plain, histories).detach()
    np.testing.assert_allclose(encode(fast, histories).detach(), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(encode(single, histories).detach(), expected, rtol=1e-5, atol=1e-5)
    assert_gradients_close(gradients(fast, histories), gradients(plain, histories), 1e-10)
    assert_gradients_close(gradients(single, histories), gradients(plain, histories), 1e-4)


@pytest.mark.parametrize("size", [1, 2, 255, 256])
def test_fast_and_plain_agree_at_positions_of_batches_of_any_size(size):
    rng = np.random.default_rng(size)
    histories = draw_histories(rng.integers(1, 51, size=size))
    places = [(s, int(rng.integers(len(histories[s])))) for s in rng.integers(size, size=2 * size)]
    fast, plain = (encode_at(make(engine, max_length=50), histories, places) for engine in ("fast", "plain"))
    np.testing.assert_allclose(fast.detach(), plain.detach(), rtol=0, atol=1e-10)


@ENGINES
@settings(max_examples=25)
@given(data=st.data(), lengths=batches)
def test_positions_come_in_the_order_asked_for_and_as_often(engine, data, lengths):
    encoder, histories = make(engine), draw_histories(lengths)
    every = every_place(histories)
    places = data.draw(st.lists(st.sampled_from(every), min_size=1))
    expected = encode_at(encoder, histories, every)[[every.index(place) for place in places]]
    np.testing.assert_allclose(
        encode_at(encoder, histories, places).detach(), expected.detach(), rtol=0, atol=1e-12
    )


@ENGINES
def test_the_last_positions_are_the_default(engine):
    encoder, histories = make(engine), draw_histories(LENGTHS)
    lasts = [(s, len(history) - 1) for s, history in enumerate(histories)]
    np.testing.assert_allclose(
        encode_at(encoder, histories, lasts).detach(),
        encode(encoder, histories).detach(),
        rtol=0,
        atol=1e-12,
    )


@pytest.mark.parametrize(("layers", "heads"), [(1, 1), (2, 2), (3, 4)])
def test_fast_and_plain_agree_at_positions_under_given_masks(layers, heads):
    histories, shape = draw_histories(LENGTHS), {"layers": layers, "heads": heads}
    masks = draw_masks(len(histories), **shape)
    fast, plain = make("fast", **shape), make("plain", **shape)
    places = every_place(histories)[::-2]
    fed = FedDropout(masks.__getitem__)
    h, expected = (encode_at(encoder, histories, places, fed) for encoder in (fast, plain))
    np.testing.assert_allclose(h.detach(), expected.detach(), rtol=0, atol=1e-10)
    assert_gradients_close(weighted_gradients(fast, h), weighted_gradients(plain, expected), 1e-10)


# Dropout in the encoder


@ENGINES
def test_random_dropout_differs_from_pass_to_pass_and_a_seed_fixes_both(engine):
    encoder, histories = make(engine), draw_histories(LENGTHS)
    source, again = RandomDropout(7), RandomDropout(7)
    first, second = encode(encoder, histories, source), encode(encoder, histories, source)
    assert not torch.isclose(first, second).any(dim=1).all()
    assert torch.equal(first, encode(encoder, histories, again))
    assert torch.equal(second, encode(encoder, histories, again))


@ENGINES
def test_equal_histories_of_one_batch_get_masks_of_their_own(engine):
    h = encode(make(engine), [[4, 2, 4]] * 6, RandomDropout(1))
    assert len({tuple(row) for row in h.tolist()}) == 6


@ENGINES
def test_dropout_at_rate_0_is_no_dropout(engine):
    encoder = make(engine, embedding_dropout=0.0, hidden_dropout=0.0, attention_dropout=0.0)
    histories = draw_histories(LENGTHS)
    assert torch.equal(encode(encoder, histories, RandomDropout(0)), encode(encoder, histories))


@ENGINES
@pytest.mark.parametrize("site", ["embedding_dropout", "hidden_dropout", "attention_dropout"])
def test_each_rate_acts_alone(engine, site):
    rates = dict.fromkeys(RATES, 0.0) | {site: 0.5}
    encoder, histories = make(engine, **rates), draw_histories(LENGTHS)
    assert not torch.allclose(encode(encoder, histories, RandomDropout(0)), encode(encoder, histories))


# The first weights, and the scores


def test_the_paper_sizes_are_the_defaults():
    shapes = {name: tuple(p.shape) for name, p in SequenceEncoder(7).named_parameters()}
    assert shapes["item_embeddings"] == (9, 64)  # padding, seven items, the mask token
    assert shapes["position_embeddings"] == (50, 64)
    assert shapes["blocks.1.feed_forward_in.weight"] == (256, 64)
    assert not any(name.startswith("blocks.2") for name in shapes)


def test_first_weights_are_normal_with_deviation_002_biases_0_and_norms_the_identity():
    for name, parameter in SequenceEncoder(2000, initializer_range=0.02).named_parameters():
        values = parameter.detach().double().numpy()
        if name.endswith("bias"):
            assert (values == 0).all(), name
        elif name.endswith("norm.weight"):
            assert (values == 1).all(), name
        else:
            drawn = values[1:] if name == "item_embeddings" else values  # the padding row may be anything
            assert kstest(drawn.ravel(), norm(0, 0.02).cdf).pvalue > 1e-4, name


def test_a_seed_fixes_the_first_weights():
    first, again, other = (SequenceEncoder(9, seed=seed).item_embeddings for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first[1:], other[1:])


def test_both_engines_start_from_the_same_weights():
    fast, plain = (SequenceEncoder(9, engine=engine).state_dict() for engine in ("fast", "plain"))
    assert all(torch.equal(fast[name], plain[name]) for name in plain)


def test_real_item_embeddings_leave_out_padding_and_mask():
    encoder = make()
    assert torch.equal(encoder.real_item_embeddings(), encoder.item_embeddings[1 : N_ITEMS + 1])
    assert encoder.mask_token == N_ITEMS + 1


def test_scores_are_the_products_of_equation_10(rng):
    h, V = rng.normal(size=(3, 5)), rng.normal(size=(7, 5))
    scores = score_items(torch.from_numpy(h), torch.from_numpy(V))
    np.testing.assert_allclose(scores, reference.score_items(h, V), rtol=1e-12)


def test_one_item_through_one_block_by_hand():
    # All projections are 0, so every norm after the first sees a vector that is normalised already.
    encoder = SequenceEncoder(3, dim=2, layers=1, heads=1, feed_forward=2, max_length=4).double()
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            parameter.copy_(torch.full_like(parameter, float(name.endswith("norm.weight"))))
        encoder.item_embeddings[2] = torch.tensor([3.0, 1.0])
        encoder.position_embeddings[0] = torch.tensor([0.0, -2.0])
    h = encode(encoder, [[2]])  # [3, -1] has mean 1 and deviation 2
    assert h.tolist()[0] == pytest.approx([1.0, -1.0], abs=1e-11)
    assert math.isclose(score_items(h, torch.tensor([[2.0, 5.0]], dtype=torch.float64)).item(), -3.0)
