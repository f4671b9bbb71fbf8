"""BERT4Rec and S3Rec's encoders and losses, held to loops in float64."""

from __future__ import annotations

import math

import masked_reference
import numpy as np
import pytest
import torch
from parameters import small_encoder

from degen.model.baselines.bert4rec import Bert4Rec
from degen.model.baselines.s3rec import S3Rec
from degen.model.encoders.dropout import FedDropout
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.losses.recommendation import bpr_loss, double_sigmoid_loss

N_ITEMS, MASK = 20, 21
RATES = {"embedding_dropout": 0.3, "hidden_dropout": 0.4, "attention_dropout": 0.2}
LENGTHS = [3, 1, 12, 2, 1, 7, 3, 12, 5]
ENGINES = pytest.mark.parametrize("engine", ["fast", "plain"])
MODELS = pytest.mark.parametrize("model", [Bert4Rec, S3Rec], ids=["bert4rec", "s3rec"])


def make(model, engine="fast", *, layers=2, heads=2, max_length=12, seed=0, dtype=torch.float64):
    shape = {"layers": layers, "heads": heads, "max_length": max_length, "engine": engine}
    encoder = small_encoder(model, N_ITEMS, dtype, seed=seed, **shape, **RATES)
    encoder.bidirectional = True
    return encoder


def draw_rows(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(1, MASK + 1, size=n).tolist() for n in lengths]


def every_place(rows):
    return [(s, t) for s, row in enumerate(rows) for t in range(len(row))]


def encode(encoder, rows, places=None, dropout=None):
    items = torch.tensor([item for row in rows for item in row])
    at = None if places is None else tuple(torch.tensor(places).T)
    return encoder(items, torch.tensor([len(row) for row in rows]), dropout, at)


def loops(encoder, *, layers=2, heads=2):
    weights = {name: value.detach().double().numpy() for name, value in encoder.named_parameters()}
    return masked_reference.Bidirectional(weights, layers=layers, heads=heads)


@ENGINES
@MODELS
@pytest.mark.parametrize(("layers", "heads"), [(1, 1), (2, 2), (3, 4)])
def test_h_at_every_position_is_that_of_the_loops(model, engine, layers, heads):
    encoder, rows = make(model, engine, layers=layers, heads=heads), draw_rows(LENGTHS)
    slow, places = loops(encoder, layers=layers, heads=heads), every_place(rows)
    expected = (slow.bert4rec if model is Bert4Rec else slow.s3rec)(rows, places)
    h = encode(encoder, rows, places).detach()
    np.testing.assert_allclose(h, expected, rtol=0, atol=1e-10)


@ENGINES
def test_bert4rec_represents_a_history_at_a_mask_after_its_last_items(engine):
    encoder, histories = make(Bert4Rec, engine), draw_rows(LENGTHS)
    rows = [[*history[-11:], MASK] for history in histories]
    expected = loops(encoder).bert4rec(rows, [(s, len(row) - 1) for s, row in enumerate(rows)])
    np.testing.assert_allclose(encode(encoder, histories).detach(), expected, rtol=0, atol=1e-10)


def draw_masks(n, *, layers=2, heads=2, width=12):
    rng, tokens = np.random.default_rng(0), (n, width, 8)
    shapes = {"embedding": (tokens, 0.3)}
    for layer in range(layers):
        shapes[f"layer{layer}.attention"] = ((n, heads, width, width), 0.2)
        shapes[f"layer{layer}.attention_output"] = (tokens, 0.4)
        shapes[f"layer{layer}.feed_forward"] = (tokens, 0.4)
    return {site: torch.from_numpy(rng.random(shape) >= rate) for site, (shape, rate) in shapes.items()}


@ENGINES
def test_h_under_given_dropout_masks_is_that_of_the_loops(engine):
    encoder, rows = make(SequenceEncoder, engine), draw_rows(LENGTHS)
    masks, places = draw_masks(len(rows)), every_place(rows)
    expected = loops(encoder).at(rows, places, lambda site: masks[site].numpy(), (0.3, 0.4, 0.2))
    for asked in (places, places[::-1], places[3:9]):
        h = encode(encoder, rows, asked, FedDropout(masks.__getitem__)).detach()
        np.testing.assert_allclose(h, expected[[places.index(p) for p in asked]], rtol=0, atol=1e-10)


@MODELS
def test_gradients_of_the_fast_engine_are_those_of_automatic_differentiation(model):
    rows, found = draw_rows([1, 50, 2, 17, 33, 9, 50, 4]), {}
    for engine in ("fast", "plain"):
        encoder = make(model, engine, max_length=50)
        masks = draw_masks(len(rows), width=50)
        h = encode(encoder, rows, every_place(rows), FedDropout(masks.__getitem__))
        weighting = torch.randn(h.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        (h * weighting).sum().backward()
        found[engine] = {name: parameter.grad for name, parameter in encoder.named_parameters()}
    found["plain"].pop("item_bias", None)  # h does not depend on it
    for name, expected in found["plain"].items():
        error = (found["fast"][name] - expected).abs().max()
        assert error <= 1e-10 * expected.abs().max() + 1e-14, name


@ENGINES
def test_a_later_item_changes_h_of_an_earlier_position_and_padding_does_not(engine):
    encoder = make(Bert4Rec, engine)
    row, other = [3, 5, MASK, 7, 9], [3, 5, MASK, 7, 11]
    before, after = (encode(encoder, [r], [(0, 2)]).detach() for r in (row, other))
    assert not torch.allclose(before, after, atol=1e-3)
    crowd = encode(encoder, [draw_rows([12])[0], row, [4]], [(1, 2)]).detach()  # now the row is padded
    np.testing.assert_allclose(crowd, before, rtol=0, atol=1e-12)
    with torch.no_grad():
        encoder.item_embeddings[0] = 1000.0
    np.testing.assert_allclose(encode(encoder, [row, [4]], [(0, 2)]).detach(), before, rtol=0, atol=1e-12)


def test_s3rec_fine_tunes_the_encoder_that_sasrec_has():
    # Of one seed the two begin alike, and pre-training's own layer plays no part.
    settings = {"dim": 8, "layers": 2, "heads": 2, "feed_forward": 12, "max_length": 12, "seed": 3}
    ours, plain = S3Rec(N_ITEMS, **settings), SequenceEncoder(N_ITEMS, **settings)
    rows = draw_rows(LENGTHS)
    assert torch.equal(encode(ours, rows), encode(plain, rows))
    ours.bidirectional = True
    assert not torch.allclose(encode(ours, rows), encode(plain, rows))


def test_the_layers_of_a_baseline_begin_as_the_seed_says():
    first, again, other = (Bert4Rec(N_ITEMS, dim=8, seed=seed).head.linear.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    wide = Bert4Rec(3, dim=128, initializer_range=0.05)
    assert wide.head.linear.weight.std().item() == pytest.approx(0.05, rel=0.05)
    assert not torch.equal(wide.head.linear.weight[:5], wide.item_embeddings)  # another stream of draws


def drawn_pairs(n=9, d=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    h, V = (torch.randn(m, d, generator=generator, dtype=torch.float64) for m in (n, 7))
    targets, negatives = (torch.randint(0, 7, (n,), generator=generator) for _ in range(2))
    return h, V, targets, negatives


@pytest.mark.parametrize(("loss", "double"), [(bpr_loss, False), (double_sigmoid_loss, True)])
def test_masked_item_prediction_is_the_papers_equation(loss, double):
    h, V, targets, negatives = drawn_pairs()
    expected = masked_reference.masked_item_loss(
        h.numpy(), V.numpy(), targets.tolist(), negatives.tolist(), double=double
    )
    assert loss(h, V, targets, negatives[:, None]).item() == pytest.approx(expected, rel=1e-12)
    # By hand: one place, h·v = 0, h·v⁻ = log 3, so that σ gives 1/2 and 3/4.
    h, V = torch.tensor([[1.0]]), torch.tensor([[0.0], [math.log(3)]])
    by_hand = math.log(1 + math.exp(0.25)) if double else math.log(4)
    assert loss(h, V, torch.tensor([0]), torch.tensor([[1]])).item() == pytest.approx(by_hand, rel=1e-6)


def test_double_sigmoids_leave_a_floor_under_the_loss():
    h, V = torch.tensor([[50.0]]), torch.tensor([[1.0], [-1.0]])
    best = double_sigmoid_loss(h, V, torch.tensor([0]), torch.tensor([[1]])).item()
    assert best == pytest.approx(math.log(1 + math.exp(-1)), rel=1e-6)
    assert bpr_loss(h, V, torch.tensor([0]), torch.tensor([[1]])).item() < 1e-6
