from __future__ import annotations

import numpy as np
import pytest
import reference
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from degen.data.sampling.augment import Augmentations
from degen.data.sampling.histories import Histories
from degen.data.sampling.source import Source
from degen.data.sampling.windows import share_windows
from degen.data.sequences import Sequences, training_samples
from degen.model.encoders.dropout import FedDropout, RandomDropout
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.losses.objective import objective
from degen.model.losses.recommendation import recommendation_loss
from degen.model.variants import VARIANTS
from degen.model.views import contrast, encode, encode_views, encode_windows

N_ITEMS, MAX_LENGTH = 12, 9
ROWS = np.array([4, 11, 0, 30, 31, 17])
ENGINES = pytest.mark.parametrize("engine", ["fast", "plain"])
RECIPES = {
    "paper": {"same_target_negatives": False, "reduction": "sum"},
    "official": {"same_target_negatives": True, "reduction": "mean"},
}


@pytest.fixture
def source(rng) -> Source:
    lengths = np.array([3, 9, 5, 30, 15])
    items = rng.integers(1, N_ITEMS + 1, size=lengths.sum())
    ids = [str(i) for i in range(N_ITEMS)]
    samples = training_samples(
        Sequences(items, np.concatenate([[0], np.cumsum(lengths)]), ids, list("abcde")), MAX_LENGTH
    )
    return Source.build(samples, Augmentations(0.6, 0.3, 0.6, mask_token=N_ITEMS + 1))


def make(engine: str) -> SequenceEncoder:
    rates = dict.fromkeys(("embedding_dropout", "hidden_dropout", "attention_dropout"), 0.25)
    options = {"dim": 8, "feed_forward": 12, "max_length": MAX_LENGTH, "initializer_range": 0.4}
    return SequenceEncoder(N_ITEMS, **options, **rates, engine=engine).double()


def split(histories: Histories) -> list[list[int]]:
    return [part.tolist() for part in np.split(histories.items, np.cumsum(histories.length)[:-1])]


def slow(encoder: SequenceEncoder) -> reference.Reference:
    weights = {name: value.detach().numpy() for name, value in encoder.named_parameters()}
    return reference.Reference(weights, layers=2, heads=2)


@ENGINES
@pytest.mark.parametrize("name", VARIANTS)
def test_every_view_is_encoded_as_if_it_were_alone(engine, name, source, rng):
    encoder, views = make(engine), VARIANTS[name].draw(source, ROWS, rng)
    encoded = encode_views(encoder, views)
    assert list(encoded) == list(views)
    for view, histories in views.items():
        expected = slow(encoder).encode(split(histories))
        np.testing.assert_allclose(encoded[view].detach(), expected, rtol=0, atol=1e-10)
        np.testing.assert_allclose(encode(encoder, histories).detach(), expected, rtol=0, atol=1e-10)


@ENGINES
def test_a_second_pass_of_the_same_sequence_has_dropout_of_its_own(engine, source, rng):
    encoder, variant = make(engine), VARIANTS["ucl"]
    views = variant.draw(source, ROWS, rng)
    encoded = encode_views(encoder, views, RandomDropout(0))
    assert (encoded["h"] - encoded["h'"]).abs().amax(dim=1).min() > 1e-3
    again = encode_views(encoder, views, RandomDropout(0))
    assert all(torch.equal(encoded[view], again[view]) for view in views)


def loop_objective(h, V, targets, pairs, recipe, weight, temperature, similarity):
    """Eq. 15 from the loops: Eq. 11 plus λ times Eq. 14, summed over the variant's pairs."""
    total = reference.recommendation_loss(h["h"], V, targets - 1)
    for first, second in pairs:
        settings = {"similarity": similarity, **RECIPES[recipe]}
        total += weight * reference.contrastive_loss(h[first], h[second], targets, temperature, **settings)
    return total


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", VARIANTS)
def test_the_objective_of_every_variant_under_dropout_is_that_of_the_loops(name, recipe, source, rng):
    # The fast engine stacks the views into one batch, so one mask a site serves them all: view after view.
    encoder, variant = make("fast"), VARIANTS[name]
    views, targets = variant.draw(source, ROWS, rng), source.samples.targets[ROWS]
    assert len(set(targets)) < len(targets)  # so that same-target views exist
    S, tokens = len(views) * len(ROWS), (MAX_LENGTH, 8)
    shapes = {"embedding": (S, *tokens)}
    for layer in ("layer0", "layer1"):
        shapes |= {f"{layer}.attention": (S, 2, MAX_LENGTH, MAX_LENGTH)}
        shapes |= {f"{layer}.attention_output": (S, *tokens), f"{layer}.feed_forward": (S, *tokens)}
    masks = {site: torch.from_numpy(rng.random(shape) >= 0.25) for site, shape in shapes.items()}

    encoded = encode_views(encoder, views, FedDropout(masks.__getitem__))
    settings = {"temperature": 0.5, "similarity": "cosine", **RECIPES[recipe]}
    loss = objective(
        recommendation_loss(encoded["h"], encoder.real_item_embeddings(), torch.from_numpy(targets - 1)),
        contrast(variant, encoded, torch.from_numpy(targets), **settings),
        0.3,
    )

    histories = [history for view in views.values() for history in split(view)]
    h = slow(encoder).encode(histories, lambda site: masks[site].numpy(), dropout=(0.25, 0.25, 0.25))
    by_view = dict(zip(views, np.split(h, len(views)), strict=True))
    V = encoder.item_embeddings.detach().numpy()[1 : N_ITEMS + 1]
    expected = loop_objective(by_view, V, targets, variant.pairs, recipe, 0.3, 0.5, "cosine")
    assert loss.item() == pytest.approx(expected, rel=1e-10)


def test_a_variant_without_pairs_has_no_contrast():
    encoded = {"h": torch.randn(3, 4, dtype=torch.float64)}
    value = contrast(VARIANTS["sasrec"], encoded, torch.tensor([1, 2, 3]))
    assert value.item() == 0
    assert (value.dtype, value.shape) == (torch.float64, ())


# Samples that share a window


@ENGINES
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.integers(0, 46), min_size=1, max_size=40))
def test_samples_of_shared_windows_are_encoded_as_if_each_were_alone(engine, source, rows):
    encoder, rows = make(engine), np.array(rows)
    together = encode_windows(encoder, share_windows(source.samples, rows))
    alone = encode(encoder, source.history(rows))
    np.testing.assert_allclose(together.detach(), alone.detach(), rtol=0, atol=1e-10)


@ENGINES
def test_every_sample_of_a_log_from_one_pass_a_window_has_its_slow_h(engine, source):
    encoder, rows = make(engine), np.arange(len(source.samples))
    windows = share_windows(source.samples, rows)
    assert windows.shared
    expected = slow(encoder).encode(split(source.history(rows)))
    np.testing.assert_allclose(encode_windows(encoder, windows).detach(), expected, rtol=0, atol=1e-10)
