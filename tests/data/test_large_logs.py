"""A log read in many small blocks, compared with pandas; and its memory in bytes per action."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from degen.data import long_arrays, prepared
from degen.data.core_filter import filter_and_order
from degen.data.interactions import Interactions
from degen.data.load import DataOptions, load_dataset
from degen.data.reading import ids, table
from degen.data.reading.read import read_interactions
from degen.data.sampling.source import PartnerIndex
from degen.data.sequences import Sequences, item_frequency, leave_one_out, training_samples
from degen.data.statistics import count_repeats

N = 300_000


def drawn(rng: np.random.Generator, actions: int, users: int, items: int) -> pd.DataFrame:
    """A log with a heavy tail of users and items, some rare enough to fall out of a core, and many ties."""
    return pd.DataFrame(
        {
            "user": (users * rng.random(actions) ** 3).astype(int),
            "item": (items * rng.random(actions) ** 3).astype(int),
            "time": rng.integers(0, actions // 3, actions),
        }
    )


def by_pandas(log: pd.DataFrame, core: int) -> tuple[list[str], list[str], list[list[str]]]:
    """Users, items and each user's items, as the data frame's own operations have them."""
    every_user = list(dict.fromkeys(log["user"]))
    while True:
        users, items = (
            log["user"].map(log["user"].value_counts()),
            log["item"].map(log["item"].value_counts()),
        )
        stays = (users >= core) & (items >= core)
        if stays.all():
            break
        log = log[stays]
    log = log[log.groupby("user")["item"].transform("size") >= 3]
    log = log.sort_values("time", kind="stable")
    actions = {user: group["item"].tolist() for user, group in log.groupby("user", sort=False)}
    users = [user for user in every_user if user in actions]
    rows = [actions[user] for user in users]
    return users, list(dict.fromkeys(item for row in rows for item in row)), rows


def named(sequences: Sequences) -> list[list[str]]:
    bounds = sequences.offsets.tolist()
    return [
        [sequences.item_ids[item - 1] for item in sequences.items[first:last]]
        for first, last in pairwise(bounds)
    ]


@pytest.mark.parametrize("core", [0, 3, 5])
@pytest.mark.parametrize("form", ["{}", "A0000{}XYZ", "a,{}", "é{}"])
def test_a_log_in_small_blocks_is_what_pandas_makes_of_it(tmp_path, monkeypatch, rng, core, form):
    monkeypatch.setattr(table, "_BLOCK", 5_000)
    monkeypatch.setattr(ids, "_FOLD", 300)
    monkeypatch.setattr(long_arrays, "BLOCK", 700)
    log = drawn(rng, 6_000, 500, 300)
    for key in ("user", "item"):
        log[key] = log[key].map(form.format)
    path = tmp_path / "log.csv"
    log.to_csv(path, index=False)
    sequences = load_dataset(str(path), DataOptions(min_user=core, min_item=core, cache=False)).sequences
    assert (sequences.user_ids, sequences.item_ids, named(sequences)) == by_pandas(log, core)


def test_repeats_in_small_blocks_are_those_of_a_loop(monkeypatch, rng):
    monkeypatch.setattr(long_arrays, "BLOCK", 7)
    lengths = [30, 1, 2, 0, 9, 7, 14, 3]
    items = rng.integers(1, 9, sum(lengths))
    offsets = np.cumsum([0, *lengths])
    sequences = Sequences(items, offsets, list("abcdefgh"), list("12345678"))
    rows = [items[first:last].tolist() for first, last in pairwise(offsets)]
    assert count_repeats(sequences) == sum(len(row) - len(set(row)) for row in rows)


def peak_of(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of `work`, and the peak of its additional memory in bytes per action."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = work()
        return result, (tracemalloc.get_traced_memory()[1] - before) / N
    finally:
        tracemalloc.stop()


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_arrays, "BLOCK", 10_000)


@pytest.mark.usefixtures("small_blocks")
def test_a_log_is_ordered_in_16_bytes_an_action_besides_its_own(rng):
    users, items = 5_000, 1_000
    log = Interactions(
        rng.integers(0, users, N, dtype=np.int32),
        [str(user) for user in range(users)],
        rng.integers(0, items, N, dtype=np.int32),
        [str(item) for item in range(items)],
        rng.integers(0, 10**9, N),
        ("drawn",),
    )
    settings = {"min_user": 5, "min_item": 5, "core": "iterated"}
    (sequences, _), peak = peak_of(lambda: filter_and_order(log, settings, "here"))
    assert len(sequences.items) == N
    # Items by 4 bytes, numbered by 4 more, and the 8 of the result; the mask of the core by 1, and the ids.
    assert peak < 20


@pytest.mark.usefixtures("small_blocks")
def test_reading_takes_16_bytes_an_action_and_not_twice_that(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(table, "_BLOCK", 50_000)
    monkeypatch.setattr(ids, "_FOLD", 10_000)
    path = tmp_path / "log.csv"
    drawn(rng, N, 3_000, 500).to_csv(path, index=False)
    log, peak = peak_of(lambda: read_interactions(path))
    assert len(log.users) == N
    # A quarter in store at the end of each column, and some blocks of text.
    assert peak < 1.25 * 16 + 12


@pytest.mark.usefixtures("small_blocks")
def test_samples_and_partners_take_8_bytes_each(rng):
    lengths = np.full(N // 10, 10)
    items = rng.integers(1, 1001, N)
    sequences = Sequences(items, np.cumsum([0, *lengths]), ["i"] * 1000, ["u"] * len(lengths))
    samples, peak = peak_of(lambda: training_samples(sequences))
    assert samples.end.dtype == samples.length.dtype == np.int32
    assert peak < 16
    index, peak = peak_of(lambda: PartnerIndex.build(samples.targets))
    assert index.order.nbytes + index.place.nbytes == 8 * len(samples)
    assert peak < 24
    _, peak = peak_of(lambda: (item_frequency(sequences), leave_one_out(sequences, "test")))
    assert peak < 8


def test_a_prepared_log_of_many_blocks_is_read_back(tmp_path: Path, monkeypatch, rng):
    monkeypatch.setattr(prepared, "_USERS", 7)
    path = tmp_path / "log.csv"
    drawn(rng, 3_000, 200, 100).to_csv(path, index=False)
    dataset = load_dataset(str(path), DataOptions(cache=False))
    prepared.write_log(dataset.sequences, tmp_path / "again.txt.gz", {})
    again = load_dataset(str(tmp_path / "again.txt.gz"), DataOptions(cache=False))
    assert named(again.sequences) == named(dataset.sequences)
    assert again.fingerprint == dataset.fingerprint
