"""What is said of forces and steps by bucket: against loops and closed forms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from degen.analysis.mechanism.updates import Force, describe_forces, describe_steps, means
from degen.analysis.passes.buckets import DECILES, Buckets

FREQUENCY = np.array([0, 1, 1, 1, 5, 9, 9, 0])
# Cold: rows 0 and 7; of the six others three share a frequency, and two the highest one.
MEMBERS = {"cold": [0, 7], "1": [1, 2, 3], "6": [4], "7": [5, 6]}


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def pairwise(rows):
    pairs = [cosine(a, b) for a, b in itertools.combinations(rows, 2)]
    return np.mean(pairs) if pairs else None


@pytest.fixture
def buckets():
    cut = Buckets.cut(FREQUENCY, DECILES)
    found = [np.flatnonzero(cut.codes == code).tolist() for code in range(len(cut.names))]
    assert found == list(MEMBERS.values())
    return cut


def test_forces_are_those_of_a_loop(rng, buckets):
    context = rng.normal(size=3)
    batches = {name: rng.normal(size=(4, 8, 3)) for name in ("push", "pull", "input")}
    forces = {
        name: Force(several.sum(0), np.linalg.norm(several, axis=2).sum(0))
        for name, several in batches.items()
    }
    for row, members in zip(describe_forces(forces, context, buckets), MEMBERS.values(), strict=True):
        for name in batches:
            shares, net = [], []
            for item in members:
                steps = {
                    key: sum(np.linalg.norm(b[item]) for b in several) for key, several in batches.items()
                }
                sums = {
                    key: np.linalg.norm(sum(b[item] for b in several)) for key, several in batches.items()
                }
                shares.append(steps[name] / sum(steps.values()))
                net.append(sums[name] / sum(sums.values()))
            assert row[f"{name}_share"] == pytest.approx(np.mean(shares))
            assert row[f"net_{name}_share"] == pytest.approx(np.mean(net))
        push = [batches["push"][:, item].sum(0) for item in members]
        whole = [sum(several[:, item].sum(0) for several in batches.values()) for item in members]
        assert row["push_cosine"] == pytest.approx(np.mean([cosine(step, -context) for step in push]))
        for key, rows in (("push_pairwise_cosine", push), ("update_pairwise_cosine", whole)):
            assert row[key] == (None if len(members) == 1 else pytest.approx(pairwise(rows)))


def test_steps_are_those_of_a_loop(rng, buckets):
    context, before, after = rng.normal(size=3), rng.normal(size=(8, 3)), rng.normal(size=(8, 3))
    whole, rows = describe_steps(before, after, context, buckets)
    step, unit = after - before, context / np.linalg.norm(context)
    assert whole["step_energy"] == pytest.approx(sum((s @ unit) ** 2 for s in step) / (step**2).sum())
    s = np.linalg.svd(step, compute_uv=False)
    p = s / s.sum()
    assert whole["step_effective_rank"] == pytest.approx(np.exp(-(p * np.log(p)).sum()))
    for row, members in zip(rows, MEMBERS.values(), strict=True):
        own = step[members]
        assert row["step_length"] == pytest.approx(np.mean([np.linalg.norm(one) for one in own]))
        assert row["step_cosine"] == pytest.approx(np.mean([cosine(one, -context) for one in own]))
        assert row["drift"] == pytest.approx(np.linalg.norm(own.mean(0)))
        assert row["drift_cosine"] == pytest.approx(cosine(own.mean(0), -context))
        assert row["mean_length"] == pytest.approx(np.linalg.norm(after[members].mean(0)))
        for key, several in (("step_pairwise_cosine", own), ("pairwise_cosine", after[members])):
            assert row[key] == (None if len(members) == 1 else pytest.approx(pairwise(several)))


def test_a_cone_in_the_making(buckets):
    """All items move against the context: every cosine is 1, and one direction holds all energy."""
    context = np.array([0.0, 2.0, 0.0])
    push = np.outer(np.arange(1.0, 9), -context)
    still = Force(np.zeros((8, 3)), np.zeros(8))
    forces = {"push": Force(push, np.linalg.norm(push, axis=1)), "pull": still}
    for row in describe_forces(forces, context, buckets):
        assert row["push_share"] == row["net_push_share"] == 1
        assert row["pull_share"] == 0
        assert row["push_cosine"] == pytest.approx(1)
        assert row["update_pairwise_cosine"] in (None, pytest.approx(1))
    whole, rows = describe_steps(np.ones((8, 3)), np.ones((8, 3)) + push, context, buckets)
    assert whole["step_energy"] == pytest.approx(1)
    assert whole["step_effective_rank"] == pytest.approx(1, abs=1e-6)
    assert [row["step_cosine"] for row in rows] == pytest.approx([1, 1, 1, 1])
    assert [row["step_length"] for row in rows] == pytest.approx([2 * 4.5, 2 * 3, 2 * 5, 2 * 6.5])


def test_what_does_not_move_has_no_direction(buckets):
    V = np.ones((8, 3))
    whole, rows = describe_steps(V, V, np.array([1.0, 0, 0]), buckets)
    assert whole == {"step_energy": None, "step_effective_rank": None}
    for row in rows:
        assert row["step_length"] == row["drift"] == 0
        assert row["step_cosine"] is row["drift_cosine"] is row["step_pairwise_cosine"] is None


def test_items_that_nothing_moves_are_left_out_of_means(buckets):
    values = np.array([np.nan, 1, np.nan, 3, np.nan, 2, 4, 5])
    assert means(values, buckets) == [5, 2, None, 3]
