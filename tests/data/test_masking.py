from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degen.data.sampling.histories import Histories
from degen.data.sampling.masking import MaskRule, append_mask, mask_rows, prefix_rows, whole_rows
from degen.data.sequences import Sequences, leave_one_out, training_samples

MASK = 10**6
BERT4REC = MaskRule(0.2, at_least_one=True, last_only=0.2)
RECBOLE = MaskRule(0.2, last_only=0.5, by_batch=True, first_counts=False, most=10)
S3REC = MaskRule(0.2, always_last=True)

rules = st.builds(
    MaskRule,
    st.sampled_from([0.0, 0.2, 0.6, 1.0]),
    at_least_one=st.booleans(),
    always_last=st.booleans(),
    last_only=st.sampled_from([0.0, 0.2, 1.0]),
    by_batch=st.booleans(),
    first_counts=st.booleans(),
    most=st.sampled_from([None, 1, 3]),
)
lengths = st.lists(st.integers(1, 12), min_size=1, max_size=8)


def rows_of(lengths):
    length = np.array(lengths)
    return Histories(np.arange(1, length.sum() + 1), length)  # every item is its own number


def mask(rows, rule, seed=0):
    return mask_rows(rows, rule, MASK, np.random.default_rng(seed))


def split(histories):
    return [part.tolist() for part in np.split(histories.items, np.cumsum(histories.length)[:-1])]


@given(rules, lengths, st.integers(0, 99))
def test_targets_are_what_the_masks_hide_and_nothing_else_changes(rule, lengths, seed):
    rows = rows_of(lengths)
    masked = mask(rows, rule, seed)
    before, after = split(rows), split(masked.histories)
    for row, hidden in zip(before, after, strict=True):
        assert all(now in (item, MASK) for item, now in zip(row, hidden, strict=True))
    places = list(zip(masked.sequence.tolist(), masked.position.tolist(), strict=True))
    assert len(set(places)) == len(places)
    for (s, t), target in zip(places, masked.targets.tolist(), strict=True):
        assert after[s][t] == MASK  # no unmasked position enters the loss
        assert before[s][t] == target


@given(rules, lengths, st.integers(0, 99))
def test_all_hidden_places_are_predicted_but_for_the_first_and_those_above_the_maximum(rule, lengths, seed):
    masked = mask(rows_of(lengths), rule, seed)
    for s, row in enumerate(split(masked.histories)):
        places = [t for t, item in enumerate(row) if item == MASK and (t > 0 or rule.first_counts)]
        kept = places if rule.most is None else places[-rule.most :]
        assert masked.position[masked.sequence == s].tolist() == kept


@given(lengths, st.integers(0, 99))
def test_each_row_of_bert4rec_has_a_mask_and_each_of_s3rec_its_last_item_masked(lengths, seed):
    for row in split(mask(rows_of(lengths), BERT4REC, seed).histories):
        assert MASK in row
    for row in split(mask(rows_of(lengths), S3REC, seed).histories):
        assert row[-1] == MASK


def test_items_are_hidden_at_the_rate_of_the_rule():
    rows, n = rows_of([10] * 20_000), 20_000
    hidden = (mask(rows, MaskRule(0.3)).histories.items == MASK).reshape(n, 10)
    np.testing.assert_allclose(hidden.mean(axis=0), 0.3, atol=0.015)
    assert np.corrcoef(hidden[:, 0], hidden[:, 1])[0, 1] == pytest.approx(0, abs=0.03)
    # Of S3Rec's rows all but the last are hidden at the rate.
    hidden = (mask(rows, S3REC).histories.items == MASK).reshape(n, 10)
    np.testing.assert_allclose(hidden[:, :9].mean(axis=0), 0.2, atol=0.015)


def test_the_one_mask_of_a_row_without_any_is_at_any_place():
    masked = mask(rows_of([4] * 8000), MaskRule(0.0, at_least_one=True))
    hidden = (masked.histories.items == MASK).reshape(-1, 4)
    assert (hidden.sum(axis=1) == 1).all()
    np.testing.assert_allclose(hidden.mean(axis=0), 0.25, atol=0.02)


def only_last(masked, width):
    hidden = (masked.histories.items == MASK).reshape(-1, width)
    return hidden[:, -1] & (hidden.sum(axis=1) == 1)


def test_one_row_in_five_is_mask_last_only():
    # Where everything is hidden otherwise, rows with a single mask are mask-last-only rows.
    rows = rows_of([5] * 10_000)
    assert only_last(mask(rows, MaskRule(1.0, last_only=0.2)), 5).mean() == pytest.approx(0.2, abs=0.015)


def test_a_rule_by_batch_decides_once_for_all_rows():
    rows, rule = rows_of([5] * 50), MaskRule(1.0, last_only=0.5, by_batch=True)
    shares = [only_last(mask(rows, rule, seed), 5).mean() for seed in range(400)]
    assert set(shares) == {0.0, 1.0}
    assert np.mean(shares) == pytest.approx(0.5, abs=0.08)


def test_recbole_never_predicts_a_row_s_first_item_and_predicts_the_last_ten_at_most():
    masked = mask(rows_of([50] * 200 + [1] * 50), MaskRule(0.9, first_counts=False, most=10))
    assert masked.position.min() > 0
    counts = np.bincount(masked.sequence, minlength=250)
    assert counts[:200].max() == 10
    assert (counts[200:] == 0).all()
    assert (masked.histories.items == MASK).sum() > 200 * 40  # hidden all the same


@pytest.mark.parametrize("first_counts", [True, False])
@pytest.mark.parametrize(
    "rule",
    [
        {"rate": 0.2, "at_least_one": True, "last_only": 0.2},
        {"rate": 0.4, "last_only": 0.5},
        {"rate": 0.3, "always_last": True},
    ],
    ids=str,
)
def test_the_expected_number_of_targets_is_that_of_many_draws(rule, first_counts):
    if rule.get("at_least_one"):
        first_counts = True
    rows, made = rows_of([1, 2, 3, 5, 9] * 2000), MaskRule(**rule, first_counts=first_counts)
    assert made.expected(rows.length) == pytest.approx(len(mask(rows, made).targets), rel=0.02)


@given(rules, lengths, st.data())
def test_parts_of_a_batch_are_the_batch(rule, lengths, data):
    masked = mask(rows_of(lengths), rule)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lengths)), max_size=2)))
    edges = [0, *cuts, len(lengths)]
    parts = [masked.part(slice(a, b)) for a, b in pairwise(edges)]
    assert np.concatenate([part.targets for part, _ in parts]).tolist() == masked.targets.tolist()
    assert [slice_.start for _, slice_ in parts] == [0, *(slice_.stop for _, slice_ in parts[:-1])]
    for part, _ in parts:
        starts = np.cumsum(part.histories.length) - part.histories.length
        assert (part.histories.items[starts[part.sequence] + part.position] == MASK).all()


# Histories that end in a mask


def appended(lengths, max_length):
    rows = rows_of(lengths)
    source, target, length = append_mask(rows.length, max_length)
    items = np.full(length.sum(), MASK)
    items[target] = rows.items[source]
    return split(Histories(items, length))


def test_a_mask_is_appended_and_the_last_items_before_it_stay():
    assert appended([5, 1, 6], 6) == [[1, 2, 3, 4, 5, MASK], [6, MASK], [8, 9, 10, 11, 12, MASK]]
    assert appended([5, 1, 6], 50)[2] == [7, 8, 9, 10, 11, 12, MASK]
    assert appended([5, 1, 6], 1) == [[MASK]] * 3


# Rows


def log(*users):
    items = np.array([item for user in users for item in user])
    offsets = np.cumsum([0, *map(len, users)])
    item_ids, user_ids = ([str(i) for i in range(n)] for n in (items.max(), len(users)))
    return Sequences(items, offsets, item_ids, user_ids)


def test_whole_rows_are_the_training_parts_with_their_last_action():
    sequences = log([1, 2, 3, 4, 5], [6, 7, 8], [9, 1, 2, 3, 4, 5, 6])
    rows = whole_rows(sequences.items, sequences.offsets, 4)
    items, length = rows.histories(np.arange(3))
    assert split(Histories(items, length)) == [[1, 2, 3], [6], [1, 2, 3, 4]]


def test_rows_are_those_of_the_splits():
    rng = np.random.default_rng(0)
    sequences = log(*(rng.integers(1, 9, size=n).tolist() for n in rng.integers(3, 12, size=20)))
    whole = whole_rows(sequences.items, sequences.offsets, 5)
    valid = leave_one_out(sequences, "valid", 5)
    for name in ("end", "length"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(valid, name))
    prefixes, samples = (
        {(int(e), int(n)) for e, n in zip(s.end, s.length, strict=True)}
        for s in (prefix_rows(sequences.items, sequences.offsets, 5), training_samples(sequences, 5))
    )
    assert samples < prefixes
    assert prefixes - samples == {(int(e), int(n)) for e, n in zip(valid.end, valid.length, strict=True)}


def test_prefix_rows_are_all_prefixes_of_the_training_parts():
    sequences = log([1, 2, 3, 4, 5], [6, 7, 8], [9, 1, 2, 3, 4, 5, 6])
    rows = prefix_rows(sequences.items, sequences.offsets, 4)
    items, length = rows.histories(np.arange(len(rows)))
    assert split(Histories(items, length)) == [
        [1],
        [1, 2],
        [1, 2, 3],
        [6],
        [9],
        [9, 1],
        [9, 1, 2],
        [9, 1, 2, 3],
        [1, 2, 3, 4],
    ]


def test_the_last_training_action_is_a_target_in_some_epoch():
    sequences = log([1, 2, 3, 4, 5], [6, 7, 8])
    rows = Histories(*whole_rows(sequences.items, sequences.offsets, 50).histories(np.arange(2)))
    targets = {target for seed in range(50) for target in mask(rows, BERT4REC, seed).targets.tolist()}
    assert targets == {1, 2, 3, 6}  # the first action of a user is a target too, and no held-out action is
