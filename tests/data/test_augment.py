"""Crop, mask and reorder on ragged histories, compared with loops over each history."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from degen.data.sampling.augment import Augmentations, crop, mask, reorder, two_augmentations
from degen.data.sampling.histories import Histories

TOKEN = 10_000
RATES = Augmentations(crop_rate=0.6, mask_rate=0.3, reorder_rate=0.6, mask_token=TOKEN)

any_rate = st.sampled_from(["0", "0.1", "0.3", "0.5", "0.6", "0.9", "1"])
ragged = st.lists(st.integers(1, 50), min_size=1, max_size=8)


def distinct(lengths) -> Histories:
    """Sequences of the given lengths; every item occurs once, each is one more than the item before it."""
    items = np.arange(1, sum(lengths) + 1)
    items.flags.writeable = False  # a write to the source is an error at once
    return Histories(items, np.array(lengths))


def sequences(histories: Histories) -> list[list[int]]:
    ends = np.cumsum(histories.length)
    assert ends[-1] == len(histories.items)
    return [histories.items[end - n : end].tolist() for end, n in zip(ends, histories.length, strict=True)]


def share(rate: str, n: int) -> int:
    return math.floor(Fraction(rate) * n)


def is_as_likely_as(observed: Counter, probability: dict) -> bool:
    assert set(observed) <= set(probability)
    draws = sum(observed.values())
    expected = [draws * float(probability[outcome]) for outcome in probability]
    return chisquare([observed[outcome] for outcome in probability], expected).pvalue > 1e-3


def equally_likely(outcomes) -> dict:
    outcomes = list(outcomes)
    return {outcome: Fraction(1, len(outcomes)) for outcome in outcomes}


# What each operation may do to a sequence


@given(ragged, any_rate, st.integers(0, 2**32))
def test_crop_keeps_a_contiguous_window_of_the_floor_and_at_least_one(lengths, rate, seed):
    source = distinct(lengths)
    cropped = sequences(crop(source, float(rate), np.random.default_rng(seed)))
    for before, after in zip(sequences(source), cropped, strict=True):
        assert len(after) == max(1, share(rate, len(before)))
        assert after == list(range(after[0], after[0] + len(after)))
        assert set(after) <= set(before)


@given(ragged, any_rate, st.integers(0, 2**32))
def test_mask_replaces_exactly_the_floor_and_nothing_else(lengths, rate, seed):
    source = distinct(lengths)
    masked = sequences(mask(source, float(rate), TOKEN, np.random.default_rng(seed)))
    for before, after in zip(sequences(source), masked, strict=True):
        assert after.count(TOKEN) == share(rate, len(before))
        assert all(new in (old, TOKEN) for old, new in zip(before, after, strict=True))


@given(ragged, any_rate, st.integers(0, 2**32))
def test_reorder_moves_items_only_within_one_window_of_the_floor(lengths, rate, seed):
    source = distinct(lengths)
    shuffled = sequences(reorder(source, float(rate), np.random.default_rng(seed)))
    for before, after in zip(sequences(source), shuffled, strict=True):
        assert sorted(after) == before
        moved = [place for place in range(len(before)) if before[place] != after[place]]
        assert not moved or moved[-1] - moved[0] < share(rate, len(before))


def test_reorder_keeps_repeated_items():
    source = Histories(np.array([7, 7, 7, 2, 2, 9, 7]), np.array([7]))
    (after,) = sequences(reorder(source, 1.0, np.random.default_rng(3)))
    assert Counter(after) == {7: 4, 2: 2, 9: 1}


@pytest.mark.parametrize("percent", [30, 60, 29, 57, 58, 70])
def test_the_floor_is_that_of_exact_arithmetic(percent, rng):
    # In floating point .58 · 50 is 28.999999999999996.
    lengths = list(range(1, 51))
    source, rate = distinct(lengths), percent / 100
    expected = [percent * n // 100 for n in lengths]
    masked = sequences(mask(source, rate, TOKEN, rng))
    assert [after.count(TOKEN) for after in masked] == expected
    assert crop(source, rate, rng).length.tolist() == [max(1, count) for count in expected]


# How likely each outcome is


def test_every_start_of_a_crop_is_equally_likely(rng):
    many = distinct([10] * 6000)
    starts = Counter((after[0] - 1) % 10 for after in sequences(crop(many, 0.6, rng)))
    assert is_as_likely_as(starts, equally_likely(range(5)))


def test_every_choice_of_masked_places_is_equally_likely(rng):
    many = distinct([6] * 6000)
    chosen = Counter(
        tuple(place for place, item in enumerate(after) if item == TOKEN)
        for after in sequences(mask(many, 0.5, TOKEN, rng))
    )
    assert is_as_likely_as(chosen, equally_likely(itertools.combinations(range(6), 3)))


def test_every_window_and_order_of_reorder_is_equally_likely(rng):
    # Of 4 items a window of 3 starts at 0 or 1 and has 6 orders; some of the 12 outcomes coincide.
    probability = Counter()
    for start, order in itertools.product(range(2), itertools.permutations(range(3))):
        outcome = list(range(4))
        outcome[start : start + 3] = [start + place for place in order]
        probability[tuple(outcome)] += Fraction(1, 12)
    many = distinct([4] * 6000)
    seen = Counter(tuple((np.array(a) - 1) % 4) for a in sequences(reorder(many, 0.75, rng)))
    assert is_as_likely_as(seen, probability)


def test_a_long_neighbour_does_not_bend_the_distribution(rng):
    # Short and long sequences share a batch here: no draw may depend on the longest.
    mixed = distinct([4, 50] * 3000)
    starts = Counter((after[0] - 1) % 54 for after in sequences(crop(mixed, 0.5, rng))[::2])
    assert is_as_likely_as(starts, equally_likely(range(3)))
    chosen = Counter(
        tuple(np.flatnonzero(np.array(a) == TOKEN)) for a in sequences(mask(mixed, 0.5, TOKEN, rng))[::2]
    )
    assert is_as_likely_as(chosen, equally_likely(itertools.combinations(range(4), 2)))
    swapped = Counter(tuple((np.array(a) - 1) % 54) for a in sequences(reorder(mixed, 0.5, rng))[::2])
    swaps = {(1, 0, 2, 3): Fraction(1, 6), (0, 2, 1, 3): Fraction(1, 6), (0, 1, 3, 2): Fraction(1, 6)}
    assert is_as_likely_as(swapped, {(0, 1, 2, 3): Fraction(1, 2), **swaps})


# Two different operations for a sample


def operation(after: list[int], before: list[int]) -> str:
    """Return the operation that made `after` of 10 items: only a crop is shorter, a mask has the token."""
    if len(after) < len(before):
        return "crop"
    return "mask" if TOKEN in after else "reorder"


def test_two_different_operations_and_every_ordered_pair_equally_likely(rng):
    many = distinct([10] * 6000)
    first, second = (sequences(views) for views in two_augmentations(many, RATES, rng))
    before = sequences(many)
    pairs = Counter((operation(a, s), operation(b, s)) for s, a, b in zip(before, first, second, strict=True))
    assert is_as_likely_as(pairs, equally_likely(itertools.permutations(("crop", "mask", "reorder"), 2)))


def test_each_view_holds_the_promises_of_its_operation(rng):
    many = distinct([10] * 300)
    for views in two_augmentations(many, RATES, rng):
        for before, after in zip(sequences(many), sequences(views), strict=True):
            kind = operation(after, before)
            if kind == "crop":
                assert after == list(range(after[0], after[0] + 6))
                assert set(after) <= set(before)
            elif kind == "mask":
                assert after.count(TOKEN) == 3
                assert all(new in (old, TOKEN) for old, new in zip(before, after, strict=True))
            else:
                assert sorted(after) == before


@pytest.mark.parametrize("rates", [RATES, Augmentations(1.0, 1.0, 1.0, mask_token=TOKEN)])
def test_a_sequence_of_one_item_stays_as_it_is(rates, rng):
    # The paper's rates would leave it alone anyway, since ⌊.3 · 1⌋ = 0; a rate of 1 would mask it.
    source = distinct([1, 4, 1, 1, 50, 1])
    for _ in range(100):
        for views in two_augmentations(source, rates, rng):
            after = sequences(views)
            assert [after[i] for i in (0, 2, 3, 5)] == [[1], [6], [7], [58]]


def test_a_sequence_of_two_items_is_augmented(rng):
    pairs = distinct([2] * 300)
    of_each_operation = Augmentations(0.5, 1.0, 1.0, mask_token=RATES.mask_token)
    for views in two_augmentations(pairs, of_each_operation, rng):
        changed = [after != before for after, before in zip(sequences(views), sequences(pairs), strict=True)]
        # A crop to one item and a mask always change the pair, a shuffle of both items every second time.
        assert np.mean(changed) == pytest.approx(5 / 6, abs=0.1)


def test_many_draws_leave_the_source_as_it_was(rng):
    # The authors' issue 8: after five epochs more than half of their stored history items are masks.
    lengths = rng.integers(1, 51, size=64)
    source = Histories(rng.integers(1, 90, size=lengths.sum()), lengths)
    items, length = source.items.tobytes(), source.length.tobytes()
    for _ in range(100):
        two_augmentations(source, RATES, rng)
        crop(source, 0.6, rng)
        mask(source, 0.3, TOKEN, rng)
        reorder(source, 0.6, rng)
    assert (source.items.tobytes(), source.length.tobytes()) == (items, length)


def test_a_result_shares_no_memory_with_the_source(rng):
    # Even where nothing is to be done: a caller who writes to a view must not write to the training data.
    source = distinct([1, 1, 2])
    views = [crop(source, 1.0, rng), mask(source, 0.0, TOKEN, rng), reorder(source, 0.0, rng)]
    views += two_augmentations(distinct([1, 1]), RATES, rng)
    assert not any(np.shares_memory(view.items, source.items) for view in views)


def test_a_seed_fixes_the_views():
    source = distinct([10, 1, 7, 50])
    draws = [two_augmentations(source, RATES, np.random.default_rng(seed)) for seed in (5, 5, 6)]
    same, again, other = ([sequences(view) for view in views] for views in draws)
    assert same == again
    assert same != other
