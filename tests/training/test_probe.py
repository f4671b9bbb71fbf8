"""Each epoch's alignment and uniformity against loops, on a probe that is the same for every method."""

from __future__ import annotations

import math

import numpy as np
import pytest
import reference
import torch

from degen.data.sampling.augment import Augmentations
from degen.data.sampling.source import PartnerIndex, Source
from degen.data.sequences import Sequences, training_samples
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.variants import VARIANTS, get_variant
from degen.training.recording.probe import Probe

# Users a, b, c. Training samples by target: a: 2 3 4; b: 2 5; c: 3 3 6 (the last two actions are held out).
LOGS = [[1, 2, 3, 4, 7, 7], [3, 2, 5, 7, 7], [5, 3, 3, 6, 7, 7]]
TARGETS = [2, 3, 4, 2, 5, 3, 3, 6]
HISTORIES = [[1], [1, 2], [1, 2, 3], [3], [3, 2], [5], [5, 3], [5, 3, 3]]
N_ITEMS = 7
PAIRED = [0, 1, 3, 5, 6]  # the other targets occur once


def make_source(logs=LOGS) -> Source:
    items = np.array([item for actions in logs for item in actions])
    offsets = np.cumsum([0, *(len(actions) for actions in logs)])
    ids = [str(i) for i in range(N_ITEMS)]
    samples = training_samples(Sequences(items, offsets, ids, ids[: len(logs)]), 5)
    return Source.build(samples, Augmentations(0.6, 0.3, 0.6, mask_token=N_ITEMS + 1))


def make_encoder(dropout: float = 0.0, **settings) -> SequenceEncoder:
    rates = dict.fromkeys(("embedding_dropout", "hidden_dropout", "attention_dropout"), dropout)
    options = {"dim": 6, "feed_forward": 8, "max_length": 5, "initializer_range": 0.5, **rates, **settings}
    return SequenceEncoder(N_ITEMS, **options)


def probe(n_samples: int = 100, seed: int = 0, definition="paper", logs=LOGS) -> Probe:
    return Probe.draw(make_source(logs), n_samples, seed, definition)


def slow_h(encoder: SequenceEncoder, histories=HISTORIES) -> np.ndarray:
    weights = {name: value.detach().numpy() for name, value in encoder.named_parameters()}
    return reference.Reference(weights, layers=2, heads=2).encode(histories)


def distance(x, y, definition: str) -> float:
    if definition == "official":
        return math.sqrt(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)))
    x, y = x / math.sqrt(sum(x * x)), y / math.sqrt(sum(y * y))
    return float(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)))


@pytest.fixture
def partners(monkeypatch):
    """What PartnerIndex.draw was asked for and gave."""
    calls = []
    draw = PartnerIndex.draw

    def remember(self, rows, rng):
        drawn = draw(self, rows, rng)
        calls.append((rows.tolist(), drawn.tolist()))
        return drawn

    monkeypatch.setattr(PartnerIndex, "draw", remember)
    return calls


def test_the_log_of_these_tests_is_as_it_says():
    samples = make_source().samples
    assert samples.targets.tolist() == TARGETS
    items, lengths = samples.histories(np.arange(8))
    assert [part.tolist() for part in np.split(items, np.cumsum(lengths)[:-1])] == HISTORIES


# Values


@pytest.mark.parametrize("definition", ["paper", "official"])
def test_uniformity_is_equation_7_over_all_pairs(definition):
    encoder = make_encoder(dropout=0.5)  # off here
    h = slow_h(encoder)
    terms = [math.exp(-2 * distance(h[i], h[j], definition)) for j in range(8) for i in range(j)]
    measured = probe(definition=definition).measure(encoder, get_variant("sasrec"))
    assert measured["uniformity"] == pytest.approx(math.log(sum(terms) / 28), rel=1e-5)


@pytest.mark.parametrize("definition", ["paper", "official"])
def test_same_target_alignment_leaves_out_samples_without_partner(partners, definition):
    encoder = make_encoder(dropout=0.5)
    measured = probe(definition=definition).measure(encoder, get_variant("sasrec"))
    ((rows, drawn),) = partners
    assert rows == PAIRED
    for row, partner in zip(rows, drawn, strict=True):
        assert TARGETS[row] == TARGETS[partner]
        assert row != partner
    h = slow_h(encoder)
    distances = [distance(h[row], h[partner], definition) for row, partner in zip(rows, drawn, strict=True)]
    assert measured["alignment_same_target"] == pytest.approx(sum(distances) / 5, rel=1e-5)


def test_no_same_target_alignment_where_nobody_has_a_partner():
    measured = probe(logs=[[1, 2, 7, 7], [2, 3, 4, 7, 7]]).measure(make_encoder(), get_variant("sasrec"))
    assert measured["alignment_same_target"] is None
    assert measured["uniformity"] is not None


def test_without_dropout_two_passes_agree():
    encoder = make_encoder(dropout=0.0)
    for name in ("sasrec", "ucl"):
        assert probe().measure(encoder, get_variant(name))["alignment_dropout"] == pytest.approx(0, abs=1e-9)
    assert probe().measure(encoder, get_variant("ucl"))["alignment"] == pytest.approx(0, abs=1e-9)


def test_with_dropout_two_passes_differ():
    measured = probe().measure(make_encoder(dropout=0.5), get_variant("ucl"))
    assert 0.01 < measured["alignment_dropout"] < 4
    assert 0.01 < measured["alignment"] < 4


@pytest.mark.parametrize("engine", ["fast", "plain"])
def test_h_and_its_second_pass_have_masks_of_their_own(engine):
    # The plain engine encodes one view at a time, so that two streams from one seed would give equal views.
    measured = probe().measure(make_encoder(dropout=0.5, engine=engine), get_variant("ucl"))
    assert measured["alignment"] > 0.3 * measured["alignment_dropout"] > 0.003


@pytest.mark.parametrize("name", ["scl", "duorec", "ucl+scl"])
def test_a_variants_own_alignment_is_of_its_pairs_as_trained(partners, name):
    # Without dropout h' is h; a sample without partner is its own; ucl+scl is the mean of its two pairs.
    encoder = make_encoder(dropout=0.0)
    measured = probe().measure(encoder, get_variant(name))
    _, (rows, drawn) = partners
    assert rows == list(range(8))
    h = slow_h(encoder)
    expected = sum(distance(h[row], h[partner], "paper") for row, partner in zip(rows, drawn, strict=True))
    share = 2 if name == "ucl+scl" else 1
    assert measured["alignment"] == pytest.approx(expected / 8 / share, rel=1e-4)


def test_sasrec_has_no_alignment_of_its_own():
    measured = probe().measure(make_encoder(dropout=0.5), get_variant("sasrec"))
    assert measured["alignment"] is None
    assert measured["alignment_dropout"] is not None


def test_the_spectrum_is_of_the_real_items(rng):
    encoder = make_encoder()
    with torch.no_grad():  # padding and mask would dominate
        encoder.item_embeddings[0] = 1000
        encoder.item_embeddings[-1] = -1000
    V = encoder.item_embeddings.detach().double().numpy()[1:-1]
    s = np.sqrt(np.linalg.eigvalsh(V.T @ V)[::-1])
    measured = probe().measure(encoder, get_variant("sasrec"))
    assert measured["sigma2_ratio"] == pytest.approx(s[1] / s[0], rel=1e-6)
    share = s / s.sum()
    assert measured["effective_rank"] == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-6)
    units = V / np.linalg.norm(V, axis=1, keepdims=True)
    cosines = [units[i] @ units[j] for i in range(N_ITEMS) for j in range(N_ITEMS) if i != j]
    assert measured["average_cosine"] == pytest.approx(np.mean(cosines), abs=1e-6)


# The same for everyone


def test_the_probe_is_the_same_for_every_variant():
    # Equal weights: whatever does not depend on the variant's own pairs is equal to the bit.
    encoder = make_encoder(dropout=0.5)
    measures = [probe().measure(encoder, variant) for variant in VARIANTS.values()]
    for name in ("uniformity", "alignment_same_target", "alignment_dropout", "sigma2_ratio"):
        assert len({measured[name] for measured in measures}) == 1, name


def test_every_epoch_measures_on_the_same_draws():
    encoder, drawn = make_encoder(dropout=0.5), probe()
    for variant in VARIANTS.values():
        assert drawn.measure(encoder, variant) == drawn.measure(encoder, variant)
        assert probe().measure(encoder, variant) == drawn.measure(encoder, variant)


def test_its_own_seed_decides_it():
    encoder = make_encoder(dropout=0.5)
    first, second = (probe(seed=seed).measure(encoder, get_variant("ucl")) for seed in (0, 1))
    assert first["alignment_dropout"] != second["alignment_dropout"]
    assert first["uniformity"] == second["uniformity"]  # all samples are in both


def test_fewer_samples_are_drawn_without_repetition_in_order():
    seen = set()
    for seed in range(20):
        rows = probe(3, seed).rows
        assert rows.tolist() == sorted(set(rows.tolist()))
        assert len(rows) == 3
        assert rows.tolist() == probe(3, seed).rows.tolist()
        seen |= set(rows.tolist())
    assert seen == set(range(8))
    assert probe(8).rows.tolist() == probe(10**6).rows.tolist() == list(range(8))


def test_measuring_leaves_the_encoder_as_it_is():
    encoder = make_encoder(dropout=0.5)
    before = {name: value.detach().numpy().tobytes() for name, value in encoder.named_parameters()}
    probe().measure(encoder, get_variant("duorec"))
    assert {name: value.detach().numpy().tobytes() for name, value in encoder.named_parameters()} == before
    assert all(value.grad is None for value in encoder.parameters())


def test_blocks_bound_memory_and_change_no_deterministic_value(monkeypatch):
    encoder = make_encoder(dropout=0.0)
    whole = probe().measure(encoder, get_variant("ucl"))
    monkeypatch.setattr("degen.training.recording.probe.BLOCK", 3)
    blocks = probe().measure(encoder, get_variant("ucl"))
    assert blocks == pytest.approx(whole, abs=1e-6)
