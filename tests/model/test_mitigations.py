"""Every mitigation's formula and its gradient against loops in float64 written from the formula."""

from __future__ import annotations

import csv
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import reference
import torch

from degen.model.losses.mitigations import (
    adversarial_loss,
    cosine_regularization,
    direct_au_loss,
    first_of_each,
    gated_loss,
    gates,
    spectrum_concentration,
    uniform,
)
from degen.model.losses.recommendation import recommendation_loss
from degen.model.scores import scored_rows
from degen.model.variants import MITIGATIONS, ItemRegularizer, Variant, get_variant

GOLDEN = Path(__file__).parents[1] / "golden"
B, N, D = 5, 7, 4
TARGETS = [2, 6, 2, 0, 5]


@pytest.fixture
def h(rng):
    return torch.from_numpy(rng.normal(size=(B, D))).requires_grad_()


@pytest.fixture
def V(rng):
    return torch.from_numpy(rng.normal(size=(N, D)) + 0.5).requires_grad_()


@pytest.fixture
def targets():
    return torch.tensor(TARGETS)


def norm(x):
    return math.sqrt(sum(value * value for value in x))


def unit(x):
    return [value / norm(x) for value in x]


def squared_distance(x, y):
    return sum((a - b) ** 2 for a, b in zip(x, y, strict=True))


def slow_uniformity(rows):
    pairs = list(itertools.combinations([unit(row) for row in rows], 2))
    return math.log(sum(math.exp(-2 * squared_distance(x, y)) for x, y in pairs) / len(pairs))


# Regularizers of the item embeddings


def test_cosine_regularization_is_the_sum_over_all_pairs(V):
    rows = [unit(row) for row in V.tolist()]
    cosines = [sum(a * b for a, b in zip(x, y, strict=True)) for x, y in itertools.permutations(rows, 2)]
    assert cosine_regularization(V).item() == pytest.approx(sum(cosines) / N**2, rel=1e-12)
    assert torch.autograd.gradcheck(cosine_regularization, V)


def test_cosine_regularization_has_the_golden_values():
    with (GOLDEN / "cures.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["measure"] == "cosine_regularization"]
    assert len(rows) == 3
    for row in rows:
        matrix = torch.from_numpy(np.load(GOLDEN / f"{row['input']}.npy")).double()
        assert cosine_regularization(matrix).item() == pytest.approx(float(row["value"]), rel=1e-9)


def test_the_gradient_of_cosine_regularization_is_the_closed_form(V):
    units = V.detach() / V.detach().norm(dim=1, keepdim=True)
    S = units.sum(0)
    (gradient,) = torch.autograd.grad(cosine_regularization(V), V)
    for i in range(N):
        expected = 2 / N**2 * (S - (S @ units[i]) * units[i]) / V[i].detach().norm()
        np.testing.assert_allclose(gradient[i], expected, rtol=1e-10, atol=1e-14)


def test_spectrum_concentration_is_one_over_the_participation_ratio(V):
    energy = np.linalg.svd(V.detach().numpy(), compute_uv=False) ** 2
    assert spectrum_concentration(V).item() == pytest.approx((energy**2).sum() / energy.sum() ** 2, rel=1e-12)
    assert torch.autograd.gradcheck(spectrum_concentration, V)


def test_spectrum_concentration_is_1_for_one_direction_and_1_in_d_for_a_flat_spectrum():
    one = torch.outer(torch.arange(1.0, 6.0), torch.tensor([1.0, -2.0, 2.0]))
    assert spectrum_concentration(one).item() == pytest.approx(1, rel=1e-6)
    assert spectrum_concentration(torch.eye(4).repeat(3, 1)).item() == pytest.approx(1 / 4)


def test_uniformity_is_the_mean_over_pairs(h):
    assert uniform(h).item() == pytest.approx(slow_uniformity(h.tolist()), rel=1e-12)
    assert torch.autograd.gradcheck(uniform, h)


def test_uniformity_of_some_rows_is_that_of_these_alone(h):
    kept = torch.tensor([True, False, True, True, False])
    assert uniform(h, kept).item() == pytest.approx(uniform(h[kept]).item(), rel=1e-12)


@pytest.mark.parametrize("kept", [None, torch.tensor([True])])
def test_uniformity_without_a_pair_is_zero_and_moves_nothing(kept):
    x = torch.ones(1, 3, requires_grad=True)
    value = uniform(x, kept)
    value.backward()
    assert value.item() == 0
    assert x.grad.tolist() == [[0, 0, 0]]


# Losses in place of Eq. 11


@pytest.mark.parametrize("epsilon", [0.0, 0.005, 0.7])
def test_the_adversarial_margin_is_taken_off_the_targets_score(h, V, targets, epsilon):
    total = 0.0
    for context, target in zip(h.tolist(), TARGETS, strict=True):
        scores = [sum(a * b for a, b in zip(context, item, strict=True)) for item in V.tolist()]
        scores[target] -= epsilon * norm(context) * norm(V[target].tolist())
        total -= math.log(reference.softmax(scores)[target])
    assert adversarial_loss(h, V, targets, epsilon=epsilon).item() == pytest.approx(total / B, rel=1e-12)
    assert torch.autograd.gradcheck(lambda h, V: adversarial_loss(h, V, targets, epsilon=epsilon), (h, V))


def test_the_margin_is_the_worst_within_the_ball(h, V, rng):
    # Each target's embedding moved by any vector of length ε‖v‖ loses less than the margin says.
    epsilon, targets = 0.3, torch.tensor(TARGETS)
    worst = adversarial_loss(h[:1], V, targets[:1], epsilon=epsilon).item()
    for _ in range(200):
        step = rng.normal(size=D)
        moved = V.detach().clone()
        v = moved[TARGETS[0]]
        moved[TARGETS[0]] = v + epsilon * v.norm() * torch.from_numpy(step / norm(step))
        # Only the target's own score moves, so that the loss of the moved table is what the ball allows.
        assert recommendation_loss(h[:1].detach(), moved, targets[:1]).item() <= worst + 1e-12


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_direct_au_is_alignment_and_both_uniformities(h, V, targets, gamma):
    pairs = zip(h.tolist(), TARGETS, strict=True)
    aligned = sum(squared_distance(unit(x), unit(V[target].tolist())) for x, target in pairs) / B
    distinct = [V[target].tolist() for target in sorted(set(TARGETS))]
    expected = aligned + gamma * (slow_uniformity(h.tolist()) + slow_uniformity(distinct)) / 2
    assert direct_au_loss(h, V, targets, gamma=gamma).item() == pytest.approx(expected, rel=1e-12)
    assert torch.autograd.gradcheck(lambda h, V: direct_au_loss(h, V, targets, gamma=gamma), (h, V))


def test_the_first_of_each_target_is_kept():
    assert first_of_each(torch.tensor([4, 4, 1, 4, 1, 0])).tolist() == [True, False, True, False, False, True]


def test_cosine_scores_are_of_rows_at_length_one(h):
    assert scored_rows(h, "dot") is h
    np.testing.assert_allclose(
        scored_rows(h, "cosine").detach(), [unit(row) for row in h.tolist()], rtol=1e-12
    )


# Gating: the example has 7 items, of which 3, 4, 5, 6 are rare below .5: .4, .1, .3 and 0 targets a step.

PER_STEP = torch.tensor([1.2, 0.5, 3.0, 0.4, 0.1, 0.3, 0.0], dtype=torch.float64)
# Mean rate of the rare is .2: beside a rare target their gates are .4/.2 → 1, .5, 1 (over 1), 0.
GATES = [
    [1, 1, 1, 0.4, 0.1, 0.3, 0.0],  # target 2
    [1, 1, 1, 1.0, 0.5, 1.0, 1.0],  # target 6, rare: its own gate is 1
    [1, 1, 1, 0.4, 0.1, 0.3, 0.0],  # target 2
    [1, 1, 1, 0.4, 0.1, 0.3, 0.0],  # target 0
    [1, 1, 1, 1.0, 0.5, 1.0, 0.0],  # target 5, rare
]


def test_gates_are_those_of_the_example_by_hand(targets):
    np.testing.assert_allclose(gates(targets, PER_STEP, 0.5), GATES, rtol=1e-12)


def test_without_rare_items_gating_is_eq_11(h, V, targets):
    gated = gated_loss(h, V, targets, per_step=PER_STEP, rare_rate=0.0)
    plain = recommendation_loss(h, V, targets)
    assert gated.item() == pytest.approx(plain.item(), rel=1e-12)
    for slope, expected in zip(
        torch.autograd.grad(gated, (h, V)), torch.autograd.grad(plain, (h, V)), strict=True
    ):
        np.testing.assert_allclose(slope, expected, rtol=1e-10, atol=1e-14)


def test_gating_scales_the_push_of_eq_4_and_nothing_else(h, V, targets):
    gated = gated_loss(h, V, targets, per_step=PER_STEP, rare_rate=0.5)
    assert gated.item() == pytest.approx(recommendation_loss(h, V, targets).item(), rel=1e-12)
    slope_h, slope_V = torch.autograd.grad(gated, (h, V))
    expected_h, expected_V = np.zeros((B, D)), np.zeros((N, D))
    for b, context in enumerate(h.tolist()):
        p = reference.softmax([sum(a * c for a, c in zip(context, item, strict=True)) for item in V.tolist()])
        for i in range(N):
            is_target = float(i == TARGETS[b])
            expected_h[b] += (p[i] - is_target) * V[i].detach().numpy() / B
            # Eq. 4 on a non-target: + p h, times its gate; on the target: -(1 - p) h, whole.
            expected_V[i] += (GATES[b][i] * p[i] - is_target) * np.array(context) / B
    np.testing.assert_allclose(slope_h, expected_h, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(slope_V, expected_V, rtol=1e-10, atol=1e-14)


# Declarations


def test_the_cures_by_name():
    assert list(MITIGATIONS) == [
        "cosreg",
        "spectrum",
        "item-uniformity",
        "directau",
        "normalized",
        "gating",
        "adversarial",
    ]
    assert get_variant("NISER").name == "normalized"
    assert get_variant("agg").name == "gating"
    assert all(not cure.pairs and not cure.views for cure in MITIGATIONS.values())


def test_a_loss_of_items_needs_its_weight():
    with pytest.raises(ValueError, match="gamma"):
        Variant("own", item_regularizer=ItemRegularizer(uniform))
