"""Datasets loaded from files: filter, order, notes and cache."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from degen.data import load
from degen.data.cache import cache_folder
from degen.data.load import DataOptions, Dataset, load_dataset
from degen.data.reading.open_log import content_hash
from degen.errors import UserError

FREE = DataOptions(min_user=0, min_item=0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEGEN_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def log(folder: Path) -> Path:
    """Six users of six actions on six items, each in another rotation, all at two times only."""
    path = folder / "log.csv"
    rows = [f"u{u},i{(u + n) % 6},{n // 3}" for n in range(6) for u in range(6)]
    path.write_text("user,item,time\n" + "\n".join(rows) + "\n")
    return path


def named(dataset: Dataset) -> dict[str, list[str]]:
    sequences = dataset.sequences
    items = [sequences.item_ids[item - 1] for item in sequences.items]
    bounds = sequences.offsets.tolist()
    return {user: items[a:b] for user, a, b in zip(sequences.user_ids, bounds, bounds[1:], strict=False)}


def test_a_dataset_in_time_order_with_its_notes(log):
    dataset = load_dataset(str(log))
    assert (dataset.name, dataset.source) == ("log", str(log))
    assert named(dataset) == {f"u{u}": [f"i{(u + n) % 6}" for n in range(6)] for u in range(6)}
    assert dataset.tie_share == 1.0
    assert any("100.0%" in note and "file order" in note for note in dataset.notes)
    assert any("all 36 actions stay" in note for note in dataset.notes)
    assert any("user, item, time" in note for note in dataset.notes)


def test_the_share_of_ties_counts_actions_that_have_a_companion(folder):
    path = folder / "x.txt"
    # u: 5 5 6; v: 5 6 7 (the same times as u's do not matter); w: 1 1 1. So 2 + 0 + 3 of 9.
    times = {"u": [5, 6, 5], "v": [7, 6, 5], "w": [1, 1, 1]}
    path.write_text("".join(f"{u} i{n} {t}\n" for u, ts in times.items() for n, t in enumerate(ts)))
    dataset = load_dataset(str(path), FREE)
    assert dataset.tie_share == 5 / 9
    assert named(dataset) == {"u": ["i0", "i2", "i1"], "v": ["i2", "i1", "i0"], "w": ["i0", "i1", "i2"]}


def test_short_users_are_dropped_and_counted_and_their_items_go(folder):
    path = folder / "x.txt"
    path.write_text("u a\nu b\nu a\nv only\nv a\nw b\n")
    dataset = load_dataset(str(path), FREE)
    assert named(dataset) == {"u": ["a", "b", "a"]}
    assert dataset.sequences.item_ids == ["a", "b"]
    assert dataset.dropped_users == 2
    assert any("2 users with fewer than 3" in note for note in dataset.notes)
    assert dataset.tie_share is None


def test_the_core_iterated_once_and_off(folder):
    path = folder / "x.txt"
    # c occurs twice; without it v is down to 2 actions; without v, b is down to 2.
    path.write_text("u a\nu a\nu b\nu a\nv c\nv b\nv c\nv b\nu b\n")
    three = DataOptions(min_user=3, min_item=3)
    assert named(load_dataset(str(path), three)) == {"u": ["a", "a", "a"]}
    once = DataOptions(min_user=3, min_item=3, core="once")
    assert named(load_dataset(str(path), once)) == {"u": ["a", "a", "b", "a", "b"]}
    assert load_dataset(str(path), once).dropped_users == 1
    assert len(load_dataset(str(path), FREE).sequences.items) == 9
    with pytest.raises(UserError, match=r"9 actions of 2 users on 3 items, and nobody is left .* `min_user`"):
        load_dataset(str(path))


def test_nobody_long_enough(folder):
    path = folder / "x.txt"
    path.write_text("u a\nu a\nv a\nv b\n")
    with pytest.raises(UserError, match="nobody has the 3"):
        load_dataset(str(path), FREE)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"min_user": -1}, "`min_user` is -1"),
        ({"users": 0}, "`users` is 0; it must be 1 or more"),
        ({"items": 1}, "`items` is 1; it must be 2 or more"),
        ({"core": "onse"}, "`core` 'onse' is unknown; did you mean 'once'"),
        ({"input_format": "paris"}, "`input_format` 'paris' is unknown; did you mean 'pairs'"),
        ({"columns": {"user": "a"}}, "`columns` lacks item"),
        ({"columns": "user=a,what"}, "`columns` has the part 'what'; write it as `columns='user=NAME"),
    ],
)
def test_options_that_cannot_be(options, what):
    with pytest.raises(UserError, match=what):
        DataOptions(**options)


def test_options_are_taken_in_any_case_and_columns_as_a_string():
    assert DataOptions(core="ONCE").core == "once"
    assert DataOptions(columns="user=u, item=i").columns == {"user": "u", "item": "i"}
    assert DataOptions(columns={"user": 0, "item": 1}).columns == {"user": "0", "item": "1"}


def test_a_folder_is_no_log(folder):
    with pytest.raises(UserError, match="is a folder"):
        load_dataset(str(folder))


def test_equal_logs_have_equal_fingerprints(log, folder):
    copy = folder / "elsewhere.tsv.gz"
    copy.write_bytes(gzip.compress(log.read_bytes().replace(b",", b"\t")))
    assert load_dataset(str(copy)).fingerprint == load_dataset(str(log)).fingerprint
    other = folder / "other.csv"
    other.write_text(log.read_text().replace("i3", "j3"))
    assert load_dataset(str(other)).fingerprint != load_dataset(str(log)).fingerprint


def test_synthetic_is_generated_and_never_filtered_unless_asked():
    dataset = load_dataset("synthetic", DataOptions(users=60, items=200, seed=3))
    assert dataset.sequences.n_users == 60
    assert min(np.bincount(dataset.sequences.items)[1:]) < 5
    assert (
        dataset.fingerprint == load_dataset("Synthetic", DataOptions(users=60, items=200, seed=3)).fingerprint
    )
    assert (
        dataset.fingerprint != load_dataset("synthetic", DataOptions(users=60, items=200, seed=4)).fingerprint
    )
    filtered = load_dataset("synthetic", DataOptions(users=300, items=100, seed=3, min_item=9))
    assert min(np.bincount(filtered.sequences.items)[1:]) >= 9


@pytest.mark.parametrize(
    ("name", "value"), [("columns", {"user": "a", "item": "b"}), ("input_format", "pairs")]
)
def test_what_says_how_a_file_is_read_is_refused_for_synthetic(name, value):
    with pytest.raises(UserError, match=f"`{name}` is only for files; synthetic is generated"):
        load_dataset("synthetic", DataOptions(users=60, items=200, **{name: value}))


# The cache


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were really read, in order."""
    seen: list[Path] = []
    real = load.read_interactions

    def spy(path, told):
        seen.append(path)
        return real(path, told)

    monkeypatch.setattr(load, "read_interactions", spy)
    return seen


def same(one: Dataset, other: Dataset) -> bool:
    arrays = all(
        np.array_equal(getattr(one.sequences, name), getattr(other.sequences, name))
        for name in ("items", "offsets")
    )
    ids = (
        one.sequences.item_ids == other.sequences.item_ids
        and one.sequences.user_ids == other.sequences.user_ids
    )
    facts = [(d.name, d.notes, d.source, d.fingerprint, d.tie_share, d.dropped_users) for d in (one, other)]
    return arrays and ids and facts[0] == facts[1]


def entries() -> list[Path]:
    return sorted((cache_folder() / "processed").glob("*"))


def test_a_log_is_read_once(log, readings):
    first, second = load_dataset(str(log)), load_dataset(str(log))
    assert readings == [log]
    assert same(first, second)
    assert second.sequences.items.dtype == second.sequences.offsets.dtype == np.int64
    assert [path.suffix for path in entries()] == [".json", ".npz"]


def test_other_settings_and_other_content_are_read_again(log, readings):
    load_dataset(str(log))
    load_dataset(str(log), FREE)
    load_dataset(str(log), DataOptions(core="once"))
    assert len(readings) == 3
    stamp = log.stat()
    log.write_text(log.read_text().replace("u5,", "w5,"))
    os.utime(log, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert "w5" in load_dataset(str(log)).sequences.user_ids
    assert len(readings) == 4
    # Stale entries are replaced, not gathered.
    assert len(entries()) == 6


def test_two_files_of_one_name_do_not_answer_for_each_other(log, folder, readings):
    other = folder / "below" / "log.csv"
    other.parent.mkdir()
    other.write_text(log.read_text().replace("u5,", "w5,"))
    for _ in range(2):
        assert "w5" not in load_dataset(str(log)).sequences.user_ids
        assert "w5" in load_dataset(str(other)).sequences.user_ids
    assert readings == [log, other]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "flipped": lambda npz, note: flip(npz),
    "cut": lambda npz, note: npz.write_bytes(npz.read_bytes()[:-30]),
    "empty": lambda npz, note: npz.write_bytes(b""),
    "gone": lambda npz, note: npz.unlink(),
    "note gone": lambda npz, note: note.unlink(),
    "note cut": lambda npz, note: note.write_text(note.read_text()[:-30]),
    "note binary": lambda npz, note: note.write_bytes(b"\xff\xfe\x00"),
    "note of another kind": lambda npz, note: note.write_text("[1, 2]"),
    "note of an older version": lambda npz, note: note.write_text(
        note.read_text().replace('"format": 2', '"format": 1')
    ),
    "note with another fact": lambda npz, note: note.write_text(
        note.read_text().replace('"tie_share": 1.0', '"tie_share": 0.0')
    ),
    "note with a flipped bit": lambda npz, note: note.write_text(
        note.read_text().replace("its first action", "its firsu action")
    ),
    "note nested deeply": lambda npz, note: note.write_text("[" * 100_000 + "]" * 100_000),
    "note of another source": lambda npz, note: note.write_text(
        json.dumps(json.loads(note.read_text()) | {"fingerprint": {}})
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_rebuilt(log, readings, damage):
    first = load_dataset(str(log))
    note, npz = entries()
    DAMAGE[damage](npz, note)
    assert same(load_dataset(str(log)), first)
    assert len(readings) == 2
    assert same(load_dataset(str(log)), first)
    assert len(readings) == 2


class Hostile:
    """Unpickling this makes a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


def test_a_pickle_in_the_place_of_an_entry_is_never_loaded(log, folder, readings):
    load_dataset(str(log))
    note, npz = entries()
    trace = folder / "trace"
    with npz.open("wb") as file:
        np.savez(
            file,
            **{name: np.array([Hostile(trace)]) for name in ("items", "offsets", "item_ids", "user_ids")},
        )
    note.write_text(json.dumps(json.loads(note.read_text()) | {"sha256": content_hash(npz)}))
    assert load_dataset(str(log)).sequences.n_users == 6
    assert len(readings) == 2
    assert not trace.exists()


def test_odd_ids_survive_the_cache(folder):
    path = folder / "odd.json"
    ids = ["NA", "007", "日本", "tab\there", "a b", "é" * 100]
    path.write_text("".join(json.dumps({"user": "ü", "item": item}) + "\n" for item in ids))
    for _ in range(2):
        assert load_dataset(str(path), FREE).sequences.item_ids == ids


def test_no_cache_leaves_nothing(log, readings):
    for _ in range(2):
        load_dataset(str(log), DataOptions(cache=False))
    assert len(readings) == 2
    assert entries() == []


def test_a_cache_folder_that_cannot_be_written_does_not_stop_the_work(log, folder, monkeypatch):
    (folder / "file").write_text("")
    monkeypatch.setenv("DEGEN_CACHE", str(folder / "file" / "below"))
    dataset = load_dataset(str(log))
    assert dataset.sequences.n_users == 6
    assert "cannot be written" in dataset.notes[-1]
