"""Real logs, where they are installed, compared with Table 1 and with published facts."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from degen.data.load import DataOptions, load_dataset
from degen.data.sequences import k_core
from degen.data.statistics import compare_with_table1, statistics

# users, items, actions, training samples, repeats, items never trained on (None: not known from elsewhere)
KNOWN = {
    "beauty": (22363, 12101, 198502, 131413, 0, 33),
    "sports": (35598, 18357, 296337, 189543, 0, 73),
    "clothing": (39387, 23033, 278677, 160516, 0, 82),
    "yelp": (30431, 20033, 316354, 225061, 11830, None),
}


def existing(folder: Path, name: str) -> str:
    if not (folder / name).exists():
        pytest.skip(f"{name} is not in {folder}")
    return name


def lines_of(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


@pytest.mark.parametrize("name", KNOWN)
def test_counts(real_data, name):
    existing(real_data, f"{name}.txt.gz")
    found = statistics(load_dataset(name))
    users, items, actions, samples, repeats, zero = KNOWN[name]
    assert (found.users, found.items, found.actions) == (users, items, actions)
    assert (found.training_samples, found.repeats) == (samples, repeats)
    assert zero is None or found.zero_frequency_items == zero


@pytest.mark.parametrize("name", ["beauty", "sports", "clothing"])
def test_table_1_is_met_exactly(real_data, name):
    existing(real_data, f"{name}.txt.gz")
    assert compare_with_table1(load_dataset(name)) == "users, items and actions are equal to Table 1's"


@pytest.mark.parametrize("name", KNOWN)
def test_a_five_core_is_left_unchanged(real_data, name):
    existing(real_data, f"{name}.txt.gz")
    sequences = load_dataset(name, DataOptions(min_user=0, min_item=0)).sequences
    users = np.repeat(np.arange(sequences.n_users), sequences.lengths)
    assert k_core(users, sequences.items, 5, 5).all()


@pytest.mark.parametrize("name", ["beauty", "clothing"])
def test_every_sequence_is_that_of_its_line(real_data, name):
    sequences = load_dataset(existing(real_data, f"{name}.txt.gz").removesuffix(".txt.gz")).sequences
    lines = lines_of(real_data / f"{name}.txt.gz")
    assert sequences.user_ids == [line.split()[0] for line in lines]
    for user in range(0, len(lines), 997):
        items = sequences.items[sequences.offsets[user] : sequences.offsets[user + 1]]
        assert [sequences.item_ids[item - 1] for item in items] == lines[user].split()[1:]


def test_ml_1m_partial_never_answers_for_ml_1m(real_data):
    existing(real_data, "ml-1m-partial.txt.gz")
    options = DataOptions(min_user=0, min_item=0)
    found = statistics(load_dataset("ml-1m-partial", options))
    assert (found.users, found.items, found.actions, found.training_samples) == (6040, 3416, 994083, 975963)


def test_ml_100k_by_a_naive_reading(real_data):
    path = real_data / existing(real_data, "ml-100k.inter.gz")
    rows = [line.split("\t") for line in lines_of(path)[1:]]
    dataset = load_dataset("ml-100k", DataOptions(min_user=0, min_item=0))
    assert statistics(dataset).actions == len(rows) == 100_000
    assert (dataset.sequences.n_users, dataset.sequences.n_items) == (943, 1682)
    expected: dict[str, list[tuple[int, str]]] = {}
    for user, item, _, time in rows:
        expected.setdefault(user, []).append((int(float(time)), item))
    sequences = dataset.sequences
    bounds = sequences.offsets.tolist()
    for user, first, last in zip(sequences.user_ids, bounds, bounds[1:], strict=False):
        ordered = [item for _, item in sorted(expected[user], key=lambda row: row[0])]
        assert [sequences.item_ids[i - 1] for i in sequences.items[first:last]] == ordered
    tied = sum(len(times) for times in map(tied_times, expected.values()))
    assert dataset.tie_share == pytest.approx(tied / 100_000)


def tied_times(actions: list[tuple[int, str]]) -> list[int]:
    times = [time for time, _ in actions]
    return [time for time in times if times.count(time) > 1]
