"""Self-similarity of groups and its baseline, against loops over pairs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import slow_pairs
import torch
from clouds import Slices
from hypothesis import given
from hypothesis import strategies as st

from degen.analysis import Undefined, self_similarity, self_similarity_adjusted, self_similarity_baseline
from degen.errors import UserError


def by_loops(V, groups):
    within, between = {}, []
    kept = [(slow_pairs.unit(row), g) for row, g in zip(V.tolist(), groups, strict=True) if any(row)]
    for (a, g), (b, h) in itertools.combinations(kept, 2):
        cosine = math.fsum(x * y for x, y in zip(a, b, strict=True))
        (within.setdefault(g, []) if g == h else between).append(cosine)
    means = [math.fsum(cosines) / len(cosines) for cosines in within.values()]
    return math.fsum(means) / len(means), math.fsum(between) / len(between)


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.asarray, torch.from_numpy, Slices]))
def test_means_over_pairs_within_and_between_groups(seed, kind):
    rng = np.random.default_rng(seed)
    V, groups = rng.normal(size=(15, 3)), rng.permutation([4] * 5 + [-7] * 3 + [9] * 6 + [0])
    V[rng.integers(15, size=2)] = 0
    within, between = by_loops(V, groups.tolist())
    assert self_similarity(kind(V), groups) == pytest.approx(within, rel=1e-9, abs=1e-12)
    assert self_similarity_baseline(kind(V), groups) == pytest.approx(between, rel=1e-9, abs=1e-12)
    assert self_similarity_adjusted(kind(V), groups) == pytest.approx(within - between, abs=1e-12)


def test_groups_by_name_in_a_tensor_and_across_blocks(rng):
    V = np.repeat(np.eye(3), 3000, axis=0) * rng.uniform(1, 2, size=(9000, 1))
    names = np.repeat(["a", "b", "c"], 3000)
    assert self_similarity(V, names) == pytest.approx(1)
    assert self_similarity_baseline(V, names) == pytest.approx(0, abs=1e-15)
    codes = torch.arange(3).repeat_interleave(3000)
    assert self_similarity_adjusted(torch.from_numpy(V), codes) == pytest.approx(1)


def test_what_has_no_pairs_says_so():
    with pytest.raises(Undefined, match="two rows"):
        self_similarity(np.eye(3), [0, 1, 2])
    with pytest.raises(Undefined, match="two groups"):
        self_similarity_baseline(np.eye(3), [1, 1, 1])
    with pytest.raises(UserError, match=r"groups of shape \(2,\) for 3 rows"):
        self_similarity(np.eye(3), [0, 1])
