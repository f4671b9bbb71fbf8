from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import reference
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from degen.model.losses.contrastive import contrastive_loss, negative_mask
from degen.model.losses.objective import objective
from degen.model.losses.recommendation import bce_loss, bpr_loss, gbce_loss, recommendation_loss

SETTINGS = [
    {"temperature": t, "similarity": s, "same_target_negatives": n, "reduction": r}
    for t, s, n, r in itertools.product([0.3, 1.0, 6.0], ["dot", "cosine"], [False, True], ["sum", "mean"])
]
RECIPES = {
    "paper": {"same_target_negatives": False, "reduction": "sum"},
    "official": {"same_target_negatives": True, "reduction": "mean"},
}
TARGETS = np.array([1, 2, 2, 3, 1, 4, 2])


def normal(*shape, seed=0, scale=1.0):
    values = np.random.default_rng(seed).normal(size=shape) * scale
    return torch.from_numpy(values).requires_grad_()


def loss_of(first, second, targets, **settings) -> float:
    views = (torch.tensor(np.asarray(view, dtype=np.float64)) for view in (first, second))
    return contrastive_loss(*views, torch.tensor(targets), **settings).item()


# Eq. 11


def test_with_all_scores_equal_every_item_is_as_likely():
    V = normal(101, 4)
    loss = recommendation_loss(torch.zeros(3, 4, dtype=torch.float64), V, torch.tensor([0, 50, 100]))
    assert loss.item() == pytest.approx(math.log(101), abs=1e-12)


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [0.01, 1.0, 6.0, 7.0, 40.0])
def test_large_and_small_scores_give_the_loss_and_gradients_of_autograd_in_float64(scale, precision):
    # Between scales 6 and 7 the norms pass the bound up to which the largest score is not taken off.
    h, V = normal(9, 4, scale=scale), normal(50, 4, seed=1)
    targets = torch.arange(9)
    expected = torch.nn.functional.cross_entropy(h @ V.T, targets)
    gradients = torch.autograd.grad(expected, (h, V))
    given = [tensor.detach().to(precision).requires_grad_() for tensor in (h, V)]
    loss = recommendation_loss(*given, targets)
    rounding = 1e-5 if precision == torch.float32 else 1e-12
    assert loss.item() == pytest.approx(expected.item(), rel=rounding)
    for found, gradient in zip(torch.autograd.grad(loss, given), gradients, strict=True):
        assert (found - gradient).abs().max() <= 10 * rounding * gradient.abs().max()


def test_two_items_by_hand():
    # Scores 1 and 3. The first is the target: -log(e / (e + e³)) = log(1 + e²). The second: log(1 + e⁻²).
    h, V = torch.tensor([[1.0], [1.0]]).double(), torch.tensor([[1.0], [3.0]]).double()
    loss = recommendation_loss(h, V, torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(
        (math.log(1 + math.exp(2)) + math.log(1 + math.exp(-2))) / 2, abs=1e-14
    )


@pytest.mark.parametrize(("batch", "n_items"), [(1, 1), (1, 9), (6, 2), (5, 30)])
def test_agrees_with_equation_11_written_as_a_loop(batch, n_items):
    h, V = normal(batch, 4), normal(n_items, 4, seed=1)
    targets = np.random.default_rng(2).integers(0, n_items, size=batch)
    expected = reference.recommendation_loss(h.tolist(), V.tolist(), targets)
    loss = recommendation_loss(h, V, torch.from_numpy(targets))
    assert loss.item() == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_padding_is_one_more_class_where_its_row_is_given(rng):
    # Rows 0 … n of the table and item numbers as targets, as in the authors' code.
    h, table = normal(4, 3), normal(8, 3, seed=1)
    items = np.array([1, 7, 3, 3])
    with_padding = recommendation_loss(h, table, torch.from_numpy(items)).item()
    without = recommendation_loss(h, table[1:], torch.from_numpy(items - 1)).item()
    assert with_padding == pytest.approx(
        reference.recommendation_loss(h.tolist(), table.tolist(), items), rel=1e-12
    )
    expected = reference.recommendation_loss(h.tolist(), table[1:].tolist(), items - 1)
    assert without == pytest.approx(expected, rel=1e-12)
    assert with_padding > without


def test_gradients_of_the_recommendation_loss_are_its_slopes():
    targets = torch.tensor([0, 4, 4, 2])
    assert gradcheck(lambda h, V: recommendation_loss(h, V, targets), (normal(4, 3), normal(5, 3, seed=1)))


def test_gradients_reach_only_what_asks_for_them():
    targets, fixed = torch.tensor([0, 4, 4, 2]), normal(5, 3, seed=1).detach()
    assert gradcheck(lambda h: recommendation_loss(h, fixed, targets), (normal(4, 3),))
    assert gradcheck(lambda V: recommendation_loss(fixed[:4], V, targets), (normal(5, 3),))
    assert not recommendation_loss(fixed[:4], fixed, targets).requires_grad


def test_gradients_scale_with_what_comes_after_and_add_up_over_calls():
    h, V, targets = normal(4, 3), normal(5, 3, seed=1), torch.tensor([0, 4, 4, 2])
    once = torch.autograd.grad(recommendation_loss(h, V, targets), (h, V))
    scaled = recommendation_loss(h, V, targets) * -2.5
    for _ in range(2):  # the second pass through the same graph must find what the first found
        for actual, expected in zip(
            torch.autograd.grad(scaled, (h, V), retain_graph=True), once, strict=True
        ):
            torch.testing.assert_close(actual, -2.5 * expected, rtol=1e-12, atol=1e-14)
    twice = recommendation_loss(h, V, targets) + recommendation_loss(h, V, targets)
    for actual, expected in zip(torch.autograd.grad(twice, (h, V)), once, strict=True):
        torch.testing.assert_close(actual, 2 * expected, rtol=1e-12, atol=1e-14)


def test_gradient_on_a_nontarget_item_pushes_along_the_context():
    # Eq. 4: the derivative of -log p(target | h) for an item that is not the target is + p(item | h) · h.
    h, V = normal(1, 3), normal(6, 3, seed=1)
    (gradient,) = torch.autograd.grad(recommendation_loss(h, V, torch.tensor([2])), V)
    p = reference.softmax(reference.score_items(h.tolist(), V.tolist())[0])
    for item in range(6):
        expected = (p[item] - (item == 2)) * h.detach().numpy()[0]
        assert gradient[item].tolist() == pytest.approx(expected.tolist(), abs=1e-14)


def test_permuting_the_items_permutes_everything():
    h, V, targets = normal(4, 3), normal(5, 3, seed=1), torch.tensor([0, 4, 4, 2])
    order = torch.tensor([3, 0, 4, 1, 2])
    place = torch.argsort(order)
    before = torch.autograd.grad(recommendation_loss(h, V, targets), (h, V))
    after = torch.autograd.grad(recommendation_loss(h, V[order], place[targets]), (h, V))
    for actual, expected in zip(after, before, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-14)


def test_huge_scores_neither_overflow_nor_lose_the_loss():
    h, V = torch.tensor([[1000.0]], requires_grad=True), torch.tensor([[1000.0], [999.0], [-1000.0]])
    loss = recommendation_loss(h, V, torch.tensor([1]))
    loss.backward()
    assert loss.item() == pytest.approx(1000.0)  # the target scores 1000 below the best
    assert h.grad.item() == pytest.approx(1.0)  # dh = V[0] - V[1]


def test_single_precision_is_single_precision_of_the_same():
    h, V, targets = normal(8, 16), normal(300, 16, seed=1), torch.arange(8) * 30
    exact = recommendation_loss(h, V, targets)
    h32, V32 = (value.detach().float().requires_grad_() for value in (h, V))
    loss = recommendation_loss(h32, V32, targets)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    for actual, expected in zip(
        torch.autograd.grad(loss, (h32, V32)), torch.autograd.grad(exact, (h, V)), strict=True
    ):
        assert (actual - expected).abs().max() <= 1e-4 * expected.abs().max()


# With sampled negatives


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize(("loss", "slow"), [(bce_loss, reference.bce_loss), (bpr_loss, reference.bpr_loss)])
def test_losses_with_sampled_negatives_agree_with_loops(loss, slow, k):
    h, V, rng = normal(4, 3), normal(7, 3, seed=1), np.random.default_rng(2)
    targets, negatives = rng.integers(0, 7, size=4), rng.integers(0, 7, size=(4, k))
    expected = slow(h.tolist(), V.tolist(), targets, negatives)
    rows = (torch.from_numpy(targets), torch.from_numpy(negatives))
    assert loss(h, V, *rows).item() == pytest.approx(expected, rel=1e-12)
    assert gradcheck(lambda h, V: loss(h, V, *rows), (h, V))


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("t", [0.0, 0.75, 1.0])
def test_gbce_agrees_with_a_loop(k, t):
    h, V, rng = normal(4, 3), normal(9, 3, seed=1), np.random.default_rng(2)
    targets, negatives = rng.integers(1, 9, size=4), rng.integers(1, 9, size=(4, k))
    expected = reference.gbce_loss(h.tolist(), V.tolist(), targets, negatives, t, n_items=8)
    rows = (torch.from_numpy(targets), torch.from_numpy(negatives))
    assert gbce_loss(h, V, *rows, t, 8).item() == pytest.approx(expected, rel=1e-12)
    assert gradcheck(lambda h, V: gbce_loss(h, V, *rows, t, 8), (h, V))


def test_gbce_without_t_is_bce_and_with_all_negatives_t_changes_nothing():
    h, V, targets = normal(4, 3), normal(7, 3, seed=1), torch.tensor([1, 2, 3, 3])
    one, every = (
        torch.tensor([[4], [5], [6], [1]]),
        torch.tensor([[item for item in range(1, 7) if item != target] for target in targets.tolist()]),
    )
    assert 2 * gbce_loss(h, V, targets, one, 0.0, 6).item() == pytest.approx(
        bce_loss(h, V, targets, one).item(), rel=1e-12
    )
    values = [gbce_loss(h, V, targets, every, t, 6).item() for t in (0.0, 0.5, 1.0)]
    assert values == pytest.approx([values[0]] * 3, rel=1e-12)


@pytest.mark.parametrize(("t", "calibrated"), [(1.0, True), (0.75, False)])
def test_gbce_with_t_1_is_least_where_scores_are_the_probabilities(t, calibrated):
    # Item i follows 1, 2, 3 or 4 times out of 10, and each of the others is the negative equally often.
    counts = [1, 2, 3, 4]
    pairs = [(i, j) for i in range(4) for j in range(4) if i != j for _ in range(counts[i])]
    targets, negatives = torch.tensor(pairs).T
    chances = torch.tensor(counts, dtype=torch.float64) / 10
    scores = torch.logit(chances)[:, None].requires_grad_()  # of items whose only dimension meets h = 1
    h = torch.ones(len(pairs), 1, dtype=torch.float64)
    gbce_loss(h, scores, targets, negatives[:, None], t, 4).backward()
    assert (scores.grad.abs().max() < 1e-15) == calibrated


def test_with_all_scores_0_the_sampled_losses_know_nothing():
    zeros, V = torch.zeros(3, 2, dtype=torch.float64), normal(5, 2)
    rows = (torch.tensor([0, 1, 2]), torch.tensor([[3, 4], [3, 4], [3, 4]]))
    assert bce_loss(zeros, V, *rows).item() == pytest.approx(2 * math.log(2), abs=1e-14)
    assert bpr_loss(zeros, V, *rows).item() == pytest.approx(math.log(2), abs=1e-14)


def test_gbce_stays_finite_at_extreme_scores():
    h, V = torch.tensor([[1000.0]], requires_grad=True), torch.tensor([[-1.0], [1.0]])
    value = gbce_loss(h, V, torch.tensor([0]), torch.tensor([[1]]), 1.0, 11)
    value.backward()
    assert value.item() == pytest.approx((0.1 * 1000 + 1000) / 2)
    assert h.grad.item() == pytest.approx((0.1 + 1) / 2)


@pytest.mark.parametrize("loss", [bce_loss, bpr_loss])
def test_sampled_losses_stay_finite_at_extreme_scores(loss):
    h, V = torch.tensor([[1000.0]], requires_grad=True), torch.tensor([[-1.0], [1.0]])
    value = loss(h, V, torch.tensor([0]), torch.tensor([[1]]))
    value.backward()
    assert value.item() == pytest.approx(2000.0)
    assert math.isfinite(h.grad.item())


# §4.3.3: which views are negatives


@pytest.mark.parametrize("kept", [False, True])
@given(targets=st.lists(st.integers(1, 4), min_size=1, max_size=7))
def test_negatives_are_all_views_but_the_own_pair_and_those_with_the_same_target(kept, targets):
    B = len(targets)
    expected = [
        [
            row % B != column % B and (kept or targets[row % B] != targets[column % B])
            for column in range(2 * B)
        ]
        for row in range(2 * B)
    ]
    assert negative_mask(torch.tensor(targets), same_target_negatives=kept).tolist() == expected


# Eq. 14: closed forms


def test_with_equal_views_every_candidate_is_as_likely():
    # All products are 0. Targets 7, 7, 9: rows 0 and 1 drop each other's views (3 candidates), row 2 keeps 5.
    zeros = np.zeros((3, 4))
    both_directions = 2 * (2 * math.log(3) + math.log(5)) / 3
    assert loss_of(zeros, zeros, [7, 7, 9]) == pytest.approx(both_directions, abs=1e-12)
    all_kept = 2 * math.log(5)
    assert loss_of(zeros, zeros, [7, 7, 9], same_target_negatives=True) == pytest.approx(all_kept, abs=1e-12)
    halved = loss_of(zeros, zeros, [7, 7, 9], same_target_negatives=True, reduction="mean")
    assert halved == pytest.approx(math.log(5), abs=1e-12)


@pytest.mark.parametrize("batch", [1, 2, 5, 16])
@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_if_all_views_point_one_way_the_loss_is_that_of_guessing(batch, similarity):
    views = np.tile([1.0, 2.0, -1.0], (batch, 1))
    expected = 2 * math.log(2 * batch - 1)
    assert loss_of(views, views, np.arange(batch), similarity=similarity) == pytest.approx(
        expected, abs=1e-12
    )


@pytest.mark.parametrize("temperature", [0.3, 1.0, 6.0])
@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_orthonormal_samples_with_equal_views(temperature, similarity):
    # Each view has product 1 with its pair and 0 with the 2(B - 1) views of the others.
    B = 5
    expected = 2 * (math.log(math.exp(1 / temperature) + 2 * (B - 1)) - 1 / temperature)
    loss = loss_of(np.eye(B), np.eye(B), np.arange(B), temperature=temperature, similarity=similarity)
    assert loss == pytest.approx(expected, abs=1e-12)


def test_the_two_directions_by_hand():
    # Sample A has the views 1 and 2, sample B 3 and 0: each view against its pair and the other sample's two.
    first, second, e = [[1.0], [3.0]], [[2.0], [0.0]], math.exp
    forward = -math.log(e(2) / (e(2) + e(3) + e(0))) - math.log(e(0) / (e(0) + e(3) + e(6)))
    backward = -math.log(e(2) / (e(2) + e(6) + e(0))) - math.log(e(0) / (e(0) + e(0) + e(0)))
    assert loss_of(first, second, [1, 2]) == pytest.approx((forward + backward) / 2, rel=1e-12)


# Eq. 14: the slow loop


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "-".join(map(str, settings.values())))
def test_agrees_with_equation_14_written_as_a_loop(settings):
    first, second = normal(7, 5), normal(7, 5, seed=1)
    expected = reference.contrastive_loss(first.tolist(), second.tolist(), TARGETS, **settings)
    loss = contrastive_loss(first, second, torch.from_numpy(TARGETS), **settings)
    assert loss.item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("batch", [1, 2, 3, 11])
def test_both_recipes_agree_with_their_loops_at_any_batch_size(recipe, batch):
    targets = np.random.default_rng(batch).integers(1, 4, size=batch)
    first, second = normal(batch, 4, seed=batch), normal(batch, 4, seed=batch + 1)
    expected = reference.contrastive_loss(first.tolist(), second.tolist(), targets, **RECIPES[recipe])
    loss = contrastive_loss(first, second, torch.from_numpy(targets), **RECIPES[recipe])
    assert loss.item() == pytest.approx(expected, rel=1e-10, abs=1e-14)


def test_the_defaults_are_the_papers():
    first, second = normal(7, 5), normal(7, 5, seed=1)
    expected = reference.contrastive_loss(first.tolist(), second.tolist(), TARGETS, 1.0)
    assert contrastive_loss(first, second, torch.from_numpy(TARGETS)).item() == pytest.approx(
        expected, rel=1e-10
    )


@pytest.mark.parametrize(
    "settings", SETTINGS[4:12], ids=lambda settings: "-".join(map(str, settings.values()))
)
def test_gradients_of_the_contrastive_loss_are_its_slopes(settings):
    targets = torch.tensor([1, 2, 2, 3])
    views = (normal(4, 3), normal(4, 3, seed=1))
    assert gradcheck(lambda first, second: contrastive_loss(first, second, targets, **settings), views)


# Eq. 14: what may and what may not change it


@settings(max_examples=30)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=7), st.integers(0, 99), st.data())
def test_the_loss_does_not_depend_on_which_view_is_called_first(targets, seed, data):
    # The 2B views are one pool and both directions count, so views may change places, even of single samples.
    B = len(targets)
    first, second = (normal(B, 3, seed=seed + view).detach().numpy() for view in (0, 1000))
    swapped = np.array(data.draw(st.lists(st.booleans(), min_size=B, max_size=B)))[:, None]
    mixed = (np.where(swapped, second, first), np.where(swapped, first, second))
    expected = loss_of(first, second, targets)
    assert loss_of(*mixed, targets) == pytest.approx(expected, rel=1e-12, abs=1e-14)
    order = np.array(data.draw(st.permutations(range(B))))
    shuffled = loss_of(first[order], second[order], np.array(targets)[order])
    assert shuffled == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_pairing_matters_and_so_do_both_directions():
    first, second = (normal(6, 3, seed=seed).detach().numpy() for seed in (0, 1))
    targets = np.arange(6)
    assert loss_of(first, second[::-1].copy(), targets) != pytest.approx(
        loss_of(first, second, targets), rel=0.01
    )
    settings = (1.0, "dot", False)
    forward = reference.one_direction(first, second, targets, *settings)
    backward = reference.one_direction(second, first, targets, *settings)
    assert forward != pytest.approx(backward, rel=0.01)  # so twice one of them would not pass the loops
    assert loss_of(first, second, targets) == pytest.approx(forward + backward, rel=1e-12)


def test_only_equality_of_targets_matters():
    first, second = (normal(7, 3, seed=seed).detach().numpy() for seed in (0, 1))
    renamed = np.array([0, 900, 40, 7, 3])[TARGETS]
    assert loss_of(first, second, renamed) == pytest.approx(loss_of(first, second, TARGETS), rel=1e-14)


def test_keeping_same_target_negatives_makes_the_task_harder_exactly_where_there_are_some():
    first, second = (normal(7, 3, seed=seed).detach().numpy() for seed in (0, 1))
    assert loss_of(first, second, TARGETS, same_target_negatives=True) > loss_of(first, second, TARGETS)
    distinct = np.arange(7)
    kept = loss_of(first, second, distinct, same_target_negatives=True)
    assert kept == pytest.approx(loss_of(first, second, distinct), rel=1e-14)


def test_mean_is_half_of_the_sum():
    first, second = (normal(7, 3, seed=seed).detach().numpy() for seed in (0, 1))
    whole, half = (loss_of(first, second, TARGETS, reduction=reduction) for reduction in ("sum", "mean"))
    assert half == pytest.approx(whole / 2, rel=1e-14)


def test_temperature_divides_the_products():
    first, second = (normal(7, 3, seed=seed).detach().numpy() for seed in (0, 1))
    cooler = loss_of(first / math.sqrt(0.3), second / math.sqrt(0.3), TARGETS)
    assert loss_of(first, second, TARGETS, temperature=0.3) == pytest.approx(cooler, rel=1e-12)


def test_cosine_sees_directions_only_and_dot_does_not(rng):
    first, second = (normal(7, 3, seed=seed).detach().numpy() for seed in (0, 1))
    scaled = [views * rng.uniform(0.1, 9, size=(7, 1)) for views in (first, second)]
    expected = loss_of(first, second, TARGETS, similarity="cosine")
    assert loss_of(*scaled, TARGETS, similarity="cosine") == pytest.approx(expected, rel=1e-12)
    assert loss_of(*scaled, TARGETS) != pytest.approx(loss_of(first, second, TARGETS), rel=0.01)


def test_a_rotation_changes_nothing():
    first, second = (normal(7, 3, seed=seed).detach().numpy() for seed in (0, 1))
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    expected = loss_of(first, second, TARGETS)
    assert loss_of(first @ rotation, second @ rotation, TARGETS) == pytest.approx(expected, rel=1e-12)


# Eq. 14: batches without negatives, extreme values


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
@pytest.mark.parametrize("targets", [[5], [5, 5, 5]])
def test_without_any_negative_the_loss_is_0_and_the_gradients_finite(targets, similarity):
    first, second = normal(len(targets), 3), normal(len(targets), 3, seed=1)
    loss = contrastive_loss(first, second, torch.tensor(targets), similarity=similarity)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-14)
    assert first.grad.abs().max() < 1e-14
    assert second.grad.abs().max() < 1e-14


def test_where_they_are_kept_same_target_views_are_negatives_even_if_there_are_no_others():
    first, second = normal(3, 3), normal(3, 3, seed=1)
    expected = reference.contrastive_loss(
        first.tolist(), second.tolist(), [5, 5, 5], same_target_negatives=True
    )
    loss = contrastive_loss(first, second, torch.tensor([5, 5, 5]), same_target_negatives=True)
    assert loss.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_huge_and_zero_views_give_finite_losses_and_gradients(similarity):
    first = torch.tensor([[1e4, 0.0], [0.0, 0.0], [-1e4, 3.0]], requires_grad=True)
    second = torch.tensor([[1e4, 1.0], [2.0, 0.0], [0.0, 0.0]], requires_grad=True)
    loss = contrastive_loss(first, second, torch.tensor([1, 2, 3]), 0.1, similarity=similarity)
    loss.backward()
    assert math.isfinite(loss.item())
    assert first.grad.isfinite().all()
    assert second.grad.isfinite().all()


def test_single_precision_of_the_contrastive_loss():
    first, second = normal(32, 16), normal(32, 16, seed=1)
    targets = torch.arange(32) % 20
    exact = contrastive_loss(first, second, targets)
    views = [value.detach().float().requires_grad_() for value in (first, second)]
    loss = contrastive_loss(*views, targets)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    found, expected = torch.autograd.grad(loss, views), torch.autograd.grad(exact, (first, second))
    for actual, gradient in zip(found, expected, strict=True):
        assert (actual - gradient).abs().max() <= 1e-4 * gradient.abs().max()


# Eq. 15


def test_the_objective_adds_lambda_times_the_contrast():
    assert objective(torch.tensor(1.5), torch.tensor(4.0), 0.25).item() == 2.5
