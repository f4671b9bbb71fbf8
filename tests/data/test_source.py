"""Views that a source draws, and batches of an epoch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degen.data.sampling.augment import Augmentations
from degen.data.sampling.histories import Histories, join
from degen.data.sampling.source import Source, epoch_batches
from degen.data.sequences import Samples, Sequences, training_samples

N_ITEMS = 12
AUGMENTATIONS = Augmentations(crop_rate=0.6, mask_rate=0.3, reorder_rate=0.6, mask_token=N_ITEMS + 1)


def split(histories: Histories) -> list[list[int]]:
    return [part.tolist() for part in np.split(histories.items, np.cumsum(histories.length)[:-1])]


@pytest.fixture
def samples(rng) -> Samples:
    lengths = np.array([3, 5, 9, 70, 4, 30])
    items = rng.integers(1, N_ITEMS + 1, size=lengths.sum())
    items.flags.writeable = False
    ids = [str(i) for i in range(N_ITEMS)]
    return training_samples(Sequences(items, np.concatenate([[0], np.cumsum(lengths)]), ids, list("abcdef")))


@pytest.fixture
def source(samples) -> Source:
    return Source.build(samples, AUGMENTATIONS)


def history_of(samples: Samples, row: int) -> list[int]:
    """The items before the target's own position: by position, since an item may occur again."""
    end, length = int(samples.end[row]), int(samples.length[row])
    return [int(samples.items[place]) for place in range(end - length, end)]


# Ragged histories


def test_start_sequence_and_position_of_a_ragged_batch():
    #  sequence 0: [5 6], sequence 1: [7], sequence 2: [8 9 4]
    histories = Histories(np.array([5, 6, 7, 8, 9, 4]), np.array([2, 1, 3]))
    assert np.asarray(histories.start).tolist() == [0, 2, 3]
    assert np.asarray(histories.sequence).tolist() == [0, 0, 1, 2, 2, 2]
    assert np.asarray(histories.position).tolist() == [0, 1, 0, 0, 1, 2]


def test_join_puts_batches_one_after_another():
    first, second = Histories(np.array([5, 6, 7]), np.array([2, 1])), Histories(np.array([8]), np.array([1]))
    assert split(join(first, second, first)) == [[5, 6], [7], [8], [5, 6], [7]]
    assert split(join(first)) == [[5, 6], [7]]


# The views that a variant may ask for


def test_own_histories_are_the_items_before_the_target(samples, source):
    rows = np.array([len(samples) - 1, 0, 7, 7, 3])
    assert split(source.history(rows)) == [history_of(samples, row) for row in rows]


def test_a_partners_history_belongs_to_another_sample_with_the_same_target(samples, source, rng):
    targets, rows = samples.targets, np.arange(len(samples))
    for _ in range(10):
        for row, history in zip(rows, split(source.partner(rows, rng)), strict=True):
            same = [i for i in rows if targets[i] == targets[row] and i != row] or [row]
            assert history in [history_of(samples, i) for i in same]


def test_the_augmented_views_come_from_the_samples_own_history(samples, source, rng):
    rows = np.arange(len(samples))
    for views in source.two_augmentations(rows, rng):
        for row, view in zip(rows, split(views), strict=True):
            own = history_of(samples, row)
            assert set(view) <= {*own, AUGMENTATIONS.mask_token}
            assert 1 <= len(view) <= len(own)
            assert len(own) > 1 or view == own


def test_no_view_ever_writes_to_the_training_data(samples, source, rng):
    before = [array.tobytes() for array in (samples.items, samples.end, samples.length)]
    rows = np.arange(len(samples))
    for _ in range(50):
        source.two_augmentations(rows, rng)
        source.partner(rows, rng).items[:] = 0  # what a caller does with its own copy is its own affair
        source.history(rows).items[:] = 0
    assert [array.tobytes() for array in (samples.items, samples.end, samples.length)] == before


# An epoch


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 2**32))
def test_an_epoch_visits_every_sample_once_in_full_batches_but_the_last(n_samples, batch_size, seed):
    batches = list(epoch_batches(n_samples, batch_size, np.random.default_rng(seed)))
    assert sorted(np.concatenate(batches).tolist()) == list(range(n_samples))
    assert all(len(batch) == batch_size for batch in batches[:-1])
    assert 1 <= len(batches[-1]) <= batch_size


def test_every_epoch_has_an_order_of_its_own_and_a_seed_fixes_them_all():
    def two_epochs(seed):
        rng = np.random.default_rng(seed)
        return [np.concatenate(list(epoch_batches(50, 8, rng))).tolist() for _ in range(2)]

    assert two_epochs(1) == two_epochs(1)
    assert two_epochs(1)[0] != two_epochs(1)[1]
    assert two_epochs(1) != two_epochs(2)
    assert two_epochs(1)[0] != list(range(50))
