"""The generated log: its size, popularity, order and repetition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import spearmanr
from simple_rankers import popularity_and_chain

from degen.data.sequences import Sequences, item_frequency
from degen.data.synthetic import generate
from degen.errors import UserError

Float = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def log() -> Sequences:
    return generate()


def counts(log: Sequences) -> npt.NDArray[np.int64]:
    return item_frequency(log, whole_log=True)


def test_the_same_arguments_give_the_same_log_and_another_seed_another(log):
    again, other = generate(), generate(seed=1)
    assert np.array_equal(log.items, again.items)
    assert np.array_equal(log.offsets, again.offsets)
    assert (log.item_ids, log.user_ids) == (again.item_ids, again.user_ids)
    assert not np.array_equal(log.lengths, other.lengths)


def test_the_global_generator_is_neither_used_nor_moved():
    np.random.seed(3)  # noqa: NPY002 - the legacy state is what must not matter
    before = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    generate(20, 30)
    assert np.random.random() == before  # noqa: NPY002


def test_it_has_the_users_items_and_ids_that_were_asked_for():
    log = generate(users=300, items=150, seed=4)
    assert (log.n_users, log.n_items) == (300, 150)
    assert log.offsets[0] == 0
    assert log.offsets[-1] == len(log.items)
    assert (log.items.dtype, log.offsets.dtype) == (np.int64, np.int64)
    assert (log.item_ids[16], log.user_ids[-1]) == ("item-00017", "user-00300")
    assert len(set(log.item_ids)) == 150
    assert (log.items.min(), log.items.max()) == (1, 150)


def test_every_user_acts_five_times_or_more_with_a_tail_like_amazons(log):
    # Beauty and Clothing: 32 and 40 % of the users have 5 actions, the mean is 8.9 and 7.1, a few have 100.
    assert log.lengths.min() == 5
    assert log.lengths.max() <= 200
    assert 7 < log.lengths.mean() < 9
    assert 0.3 < (log.lengths == 5).mean() < 0.42
    assert (log.lengths > 20).mean() > 0.02


@pytest.mark.parametrize("seed", range(3))
def test_popularity_falls_like_amazons(seed):
    # Slope of log count over log rank, from the 100th item to the middle: -0.75 on Beauty, -0.59 on Clothing;
    # it is a little steeper where no core filter has cut the rare end off.
    fallen = np.sort(counts(generate(seed=seed)))[::-1]
    rank = np.arange(1, len(fallen) + 1)
    slope = np.polyfit(np.log(rank[99:1288]), np.log(fallen[99:1288]), 1)[0]
    assert -1.0 < slope < -0.6
    assert fallen[:26].sum() > 0.1 * fallen.sum()


def test_every_item_occurs_and_most_are_rare(log):
    count = counts(log)
    assert count.min() == 1
    assert np.median(count) < 0.6 * count.mean()
    assert np.sort(count)[: len(count) // 2].sum() < 0.15 * count.sum()


def test_the_number_of_an_item_tells_nothing_of_its_popularity(log):
    assert abs(spearmanr(np.arange(log.n_items), counts(log)).statistic) < 0.06


def test_items_that_nobody_can_take_keep_their_place():
    log = generate(users=10, items=5000)
    assert log.n_items == 5000
    assert len(log.items) < 500
    assert counts(log).sum() == len(log.items)


def test_users_hardly_ever_take_an_item_twice(log):
    distinct = sum(len(set(part)) for part in np.split(log.items, log.offsets[1:-1]))
    assert 1 - distinct / len(log.items) < 0.06


@pytest.mark.parametrize("lag", [1, 2])
def test_a_popular_item_has_a_few_followers_one_and_two_actions_later(log, lag):
    user = np.repeat(np.arange(log.n_users), log.lengths)
    together = user[:-lag] == user[lag:]
    now, later = log.items[:-lag][together], log.items[lag:][together]
    popular = np.argsort(-counts(log))[:50] + 1
    shares, chance = [], []
    for item in popular:
        following = np.bincount(later[now == item], minlength=log.n_items + 1)
        shares.append(np.sort(following)[-4:].sum() / following.sum())
        # The four most frequent items of all, by contrast, are what follows where order tells nothing.
        chance.append(np.sort(counts(log))[-4:].sum() / len(log.items))
    assert np.mean(shares) > 8 * np.mean(chance)


@pytest.mark.parametrize("seed", range(3))
def test_the_last_item_tells_much_more_than_popularity(seed):
    by_popularity, by_chain = popularity_and_chain(generate(seed=seed))
    assert by_chain > 4 * by_popularity


def test_a_hundred_thousand_items_keep_the_shape():
    log = generate(users=100_000, items=100_000, seed=2)
    count = counts(log)
    assert count.min() == 1
    assert len(log.item_ids) == 100_000
    assert 7.5 < log.lengths.mean() < 8.5
    assert np.sort(count)[: len(count) // 2].sum() < 0.15 * count.sum()


@pytest.mark.parametrize(
    ("arguments", "named"), [({"users": 0}, "users"), ({"items": -1}, "items"), ({"seed": -1}, "seed")]
)
def test_a_number_out_of_range_is_named(arguments, named):
    with pytest.raises(UserError, match=f"{named} .*got"):
        generate(**arguments)


@pytest.mark.parametrize(("users", "items"), [(1, 1), (1, 2), (3, 1), (2, 700)])
def test_the_smallest_sizes_work(users, items):
    log = generate(users=users, items=items)
    assert (log.n_users, log.n_items) == (users, items)
    assert log.lengths.min() >= 5
    assert set(log.items) <= set(range(1, items + 1))
