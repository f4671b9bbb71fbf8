"""The padded encoder held to the plain one, alone and as a stack of models under vmap."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from parameters import scatter

from degen.model.encoders.dropout import FedDropout, RandomDropout
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.encoders.padded import Architecture, draw_masks, encode_padded
from degen.model.encoders.plain import encode_plain, pad

N_ITEMS, T = 20, 50
RATES = {"embedding_dropout": 0.3, "hidden_dropout": 0.4, "attention_dropout": 0.2}


def make(dtype=torch.float64, *, layers=2, heads=2, seed=0, **rates) -> SequenceEncoder:
    """An encoder whose parameters are all far from their first values."""
    encoder = SequenceEncoder(
        N_ITEMS, dim=8, layers=layers, heads=heads, feed_forward=12, max_length=T, **(RATES | rates)
    )
    scatter(encoder, seed)
    return encoder.to(dtype)


def draw(lengths, seed=0):
    """Flat items, as the encoder takes them, and lengths."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.as_tensor(lengths)
    return torch.randint(1, N_ITEMS + 2, (int(lengths.sum()),), generator=generator), lengths


def fed(n, *, layers=2, heads=2, seed=0) -> FedDropout:
    """Keep masks for every site, stated in padded layout."""
    rng = np.random.default_rng(seed)
    tokens = (n, T, 8)
    shapes = {"embedding": tokens}
    for layer in range(layers):
        shapes[f"layer{layer}.attention"] = (n, heads, T, T)
        shapes[f"layer{layer}.attention_output"] = shapes[f"layer{layer}.feed_forward"] = tokens
    masks = {site: torch.from_numpy(rng.random(shape) >= 0.3) for site, shape in shapes.items()}
    return FedDropout(masks.__getitem__)


def padded(encoder, items, lengths, dropout=None, width=T):
    architecture, parameters = Architecture.of(encoder), dict(encoder.named_parameters())
    like = encoder.item_embeddings
    masks = {} if dropout is None else draw_masks(architecture, dropout, lengths, width, like)
    return encode_padded(parameters, pad(items, lengths, width), lengths, masks, architecture)


def gradients(encoder, h):
    encoder.zero_grad()
    weighting = torch.randn(h.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (h * weighting.to(h.dtype)).sum().backward()
    return {name: parameter.grad.double() for name, parameter in encoder.named_parameters()}


def assert_gradients_close(actual, expected, tolerance):
    """Each tensor within `tolerance` of its own largest entry."""
    for name, gradient in expected.items():
        error = (actual[name] - gradient).abs().max()
        assert error <= tolerance * gradient.abs().max() + 1e-13, name


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize(("layers", "heads"), [(1, 1), (1, 2), (2, 2), (3, 4)])
def test_every_length_in_float64(layers, heads, dropout):
    items, lengths = draw(np.random.default_rng(1).permutation(np.arange(1, T + 1)))
    encoder = make(layers=layers, heads=heads)
    masks = fed(T, layers=layers, heads=heads) if dropout else None
    expected, h = encode_plain(encoder, items, lengths, masks), padded(encoder, items, lengths, masks)
    np.testing.assert_allclose(h.detach(), expected.detach(), rtol=0, atol=1e-10)
    assert_gradients_close(gradients(encoder, h), gradients(encoder, expected), 1e-10)


@pytest.mark.parametrize("n", [1, 2, 255, 256])
def test_batch_sizes_in_both_precisions(n):
    items, lengths = draw(np.random.default_rng(n).integers(1, T + 1, size=n))
    masks, exact, single = fed(n), make(), make(torch.float32)
    expected = encode_plain(exact, items, lengths, masks)
    slopes = gradients(exact, expected)
    for encoder, forward, backward in ((exact, 1e-10, 1e-10), (single, 1e-5, 1e-4)):
        h = padded(encoder, items, lengths, masks)
        assert h.dtype == encoder.item_embeddings.dtype
        np.testing.assert_allclose(h.detach(), expected.detach(), rtol=forward, atol=forward)
        assert_gradients_close(gradients(encoder, h), slopes, backward)


def test_padding_to_less_than_all_positions_is_enough_for_short_histories():
    items, lengths = draw([3, 1, 7, 5])
    encoder = make()
    expected = encode_plain(encoder, items, lengths)
    np.testing.assert_allclose(
        padded(encoder, items, lengths, width=7).detach(), expected.detach(), rtol=0, atol=1e-10
    )


def test_what_stands_in_the_padding_does_not_matter():
    items, lengths = draw([3, 1, 50, 5])
    encoder, rows = make(), pad(items, lengths, T)
    noisy = torch.where(rows == 0, 9, rows)
    parameters, architecture = dict(encoder.named_parameters()), Architecture.of(encoder)
    h, same = (encode_padded(parameters, x, lengths, {}, architecture) for x in (rows, noisy))
    np.testing.assert_allclose(same.detach(), h.detach(), rtol=0, atol=1e-12)


def test_a_stack_of_models_is_each_of_them():
    encoders, batches = (
        [make(seed=seed) for seed in range(3)],
        [draw([4, 50, 1, 9], seed) for seed in range(3)],
    )
    architecture, like = Architecture.of(encoders[0]), encoders[0].item_embeddings
    lengths = batches[0][1]
    masks = [draw_masks(architecture, fed(4, seed=seed), lengths, T, like) for seed in range(3)]
    stacked = {
        name: torch.stack([e.get_parameter(name) for e in encoders]).detach().requires_grad_()
        for name, _ in encoders[0].named_parameters()
    }
    h = torch.func.vmap(encode_padded, in_dims=(0, 0, 0, 0, None))(
        stacked,
        torch.stack([pad(*batch, T) for batch in batches]),
        torch.stack([lengths] * 3),
        {site: torch.stack([mask[site] for mask in masks]) for site in masks[0]},
        architecture,
    )
    weighting = torch.randn(4, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (h * weighting).sum().backward()
    for run, (encoder, batch) in enumerate(zip(encoders, batches, strict=True)):
        expected = encode_plain(encoder, *batch, fed(4, seed=run))
        np.testing.assert_allclose(h[run].detach(), expected.detach(), rtol=0, atol=1e-10)
        own = {name: tensor.grad[run] for name, tensor in stacked.items()}
        assert_gradients_close(own, gradients(encoder, expected), 1e-10)


def test_masks_are_drawn_only_where_something_is_dropped():
    encoder = make(hidden_dropout=0.0)
    lengths = torch.tensor([3, 1])
    masks = draw_masks(Architecture.of(encoder), RandomDropout(0), lengths, T, encoder.item_embeddings)
    shapes = {site: tuple(mask.shape) for site, mask in masks.items()}
    assert shapes == {
        "embedding": (2, T, 8),
        "layer0.attention": (2, 2, T, T),
        "layer1.attention": (2, 2, 1, T),
    }
    assert sorted(masks["embedding"].unique().tolist()) == pytest.approx([0, 1 / 0.7], rel=1e-4)
