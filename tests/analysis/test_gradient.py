"""Eq. 4 and what is said of steps: golden values, autograd, closed forms; NumPy and torch alike."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from degen.analysis.mechanism.gradient import (
    context_concentration,
    cosine_to,
    energy_along,
    lengths,
    mean_pairwise_cosine,
    pull_push,
    push_share,
)
from degen.errors import UserError

GOLDEN = Path(__file__).parents[1] / "golden"

# Of the input cone_200x8+contexts_32x8+targets_32 in tests/golden: computed by loops and by closed forms, the
# gradient by central differences.
GRADIENT = {
    (21, 0): -0.0562624470038595,
    (21, 5): -0.0417934271649334,
    (100, 0): 0.00101109701140659,
    (100, 5): 0.0012530409627692,
}
PUSH_NORM_SUM, PULL_NORM_SUM = 1.760866444471, 2.0959466419228
OF_TARGETS = {
    "push_share": 0.0860729941032409,
    "cosine": 0.536582509081234,
    "energy": 0.376403712838205,
    "pairwise": 0.265406874623037,
}
OF_OTHERS = {
    "push_share": 1.0,
    "cosine": -0.736927103938825,
    "energy": 0.572984728529702,
    "pairwise": 0.556576122590483,
}


def as_torch(array):
    return torch.from_numpy(np.asarray(array))


@pytest.fixture(params=[np.asarray, as_torch], ids=["numpy", "torch"])
def kind(request):
    return request.param


def batch(kind, dtype=np.float64):
    V, h = (np.load(GOLDEN / f"{name}.npy").astype(dtype) for name in ("cone_200x8", "contexts_32x8"))
    return kind(h), kind(V), kind(np.load(GOLDEN / "targets_32.npy"))


@pytest.mark.parametrize(("dtype", "rel"), [(np.float64, 1e-9), (np.float32, 1e-4)])
def test_push_and_pull_have_the_golden_values(kind, dtype, rel):
    pull, push = pull_push(*batch(kind, dtype))
    assert float(lengths(push).sum()) == pytest.approx(PUSH_NORM_SUM, rel=rel)
    assert float(lengths(pull).sum()) == pytest.approx(PULL_NORM_SUM, rel=rel)
    for (item, coordinate), value in GRADIENT.items():
        assert float(push[item, coordinate] - pull[item, coordinate]) == pytest.approx(value, rel=rel)


@pytest.mark.parametrize(("dtype", "rel"), [(np.float64, 1e-9), (np.float32, 1e-4)])
@pytest.mark.parametrize("golden", [OF_TARGETS, OF_OTHERS], ids=["targets", "never a target"])
def test_measures_of_steps_have_the_golden_values(kind, dtype, rel, golden):
    h, V, targets = batch(kind, dtype)
    pull, push = pull_push(h, V, targets)
    chosen = np.isin(np.arange(len(V)), np.asarray(targets)) == (golden is OF_TARGETS)
    pull, push = pull[chosen], push[chosen]
    cosines = cosine_to(pull - push, h.mean(axis=0))
    assert float(push_share(push, pull).mean()) == pytest.approx(golden["push_share"], rel=rel)
    assert float(cosines.mean()) == pytest.approx(golden["cosine"], rel=rel)
    assert float((cosines**2).mean()) == pytest.approx(golden["energy"], rel=rel)
    assert mean_pairwise_cosine(pull - push) == pytest.approx(golden["pairwise"], rel=rel)


def test_pull_less_push_is_the_descent_direction_of_autograd(rng):
    V = torch.from_numpy(rng.normal(size=(17, 5))).requires_grad_()
    h, targets = torch.from_numpy(rng.normal(size=(40, 5))), torch.from_numpy(rng.integers(0, 6, 40))
    functional.cross_entropy(h @ V.T, targets).backward()
    pull, push = pull_push(h, V.detach(), targets)
    torch.testing.assert_close(pull - push, -V.grad, rtol=0, atol=1e-14)
    assert not pull[6:].any()  # items that are never a target: Eq. 4 alone
    p = torch.softmax(h @ V.detach().T, dim=1)
    torch.testing.assert_close(push[6:], p[:, 6:].T @ h / 40, rtol=0, atol=1e-14)


def test_the_step_and_not_the_gradient_leads_away_from_the_context():
    h, V, targets = np.array([[2.0, 1.0]]), np.array([[0.3, 0.1], [0.2, -0.5], [0.0, 0.4]]), np.array([0])
    pull, push = pull_push(h, V, targets)
    away = cosine_to((pull - push)[1:], h[0])
    np.testing.assert_allclose(away, -1, atol=1e-15)
    assert cosine_to((pull - push)[:1], h[0])[0] == pytest.approx(1, abs=1e-15)


def test_scores_that_would_overflow_are_none():
    pull, push = pull_push(np.array([[1e4, 0.0]]), np.eye(2), np.array([1]))
    np.testing.assert_array_equal(push, [[1e4, 0], [0, 0]])
    np.testing.assert_array_equal(pull, [[0, 0], [1e4, 0]])


def test_closed_forms_of_what_is_said_of_rows(kind):
    rows = kind(np.array([[3.0, 4.0], [0.0, 0.0], [-1.0, 0.0], [0.0, 2.0]]))
    up = kind(np.array([0.0, 0.5]))
    np.testing.assert_allclose(np.asarray(lengths(rows)), [5, 0, 1, 2])
    np.testing.assert_allclose(np.asarray(cosine_to(rows, up)), [0.8, np.nan, 0, 1], atol=1e-15)
    assert energy_along(rows, up) == pytest.approx((16 + 4) / (25 + 1 + 4))
    pairs = [3 * -1 / 5, 4 / 5, 0]  # of the three that are not zero
    assert mean_pairwise_cosine(rows) == pytest.approx(np.mean(pairs))
    shares = push_share(rows, kind(np.array([[5.0, 0], [0, 0], [0, 0], [0, 0]])), kind(np.ones((4, 2))))
    root = math.sqrt(2)
    np.testing.assert_allclose(np.asarray(shares), [5 / (10 + root), 0, 1 / (1 + root), 2 / (2 + root)])


def test_what_nothing_moves_has_no_share_and_no_direction(kind):
    still = kind(np.zeros((3, 2)))
    assert np.isnan(np.asarray(push_share(still, still))).all()
    assert math.isnan(energy_along(still, kind(np.array([1.0, 0.0]))))
    assert mean_pairwise_cosine(still) is None
    assert mean_pairwise_cosine(kind(np.array([[1.0, 2.0], [0.0, 0.0]]))) is None
    assert np.isnan(np.asarray(cosine_to(kind(np.ones((2, 2))), kind(np.zeros(2))))).all()


def test_mean_pairwise_cosine_is_that_of_a_loop(rng, kind):
    rows = rng.normal(size=(9, 4)) + 0.5
    pairs = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in itertools.combinations(rows, 2)]
    assert mean_pairwise_cosine(kind(rows)) == pytest.approx(np.mean(pairs), rel=1e-12)


def test_contexts_of_one_direction_are_concentrated_and_opposite_ones_are_not(kind):
    assert context_concentration(kind(np.array([[1.0, 2.0], [1.0, 2.0]]))) == pytest.approx(1)
    assert context_concentration(kind(np.array([[1.0, 2.0], [-1.0, -2.0]]))) == 0
    assert context_concentration(kind(np.array([[2.0, 0.0], [0.0, 2.0]]))) == pytest.approx(0.5)


def test_what_is_not_finite_is_named():
    with pytest.raises(UserError, match="matrix of steps holds NaN or infinity in row 1"):
        lengths(np.array([[1.0, 0.0], [np.inf, 0.0]]))
