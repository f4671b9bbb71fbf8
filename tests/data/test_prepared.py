"""Processed logs that are written and read back."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degen.data.load import DataOptions, load_dataset
from degen.data.prepared import note_path, prepared_path, read_note, write_log
from degen.data.sequences import Sequences
from degen.errors import UserError

ID = st.text(st.characters(exclude_characters="\0\t\r\n", exclude_categories=["Cs"]), min_size=1, max_size=9)
LOG = st.dictionaries(ID, st.lists(st.integers(0, 5), min_size=3, max_size=6), min_size=1, max_size=5)


def sequences_of(log: dict[str, list[str]]) -> Sequences:
    """Items numbered as they appear, which is what degen's own logs are like."""
    flat = [item for items in log.values() for item in items]
    names = list(dict.fromkeys(flat))
    numbers = np.array([names.index(item) + 1 for item in flat])
    return Sequences(numbers, np.cumsum([0, *map(len, log.values())]), names, list(log))


@given(LOG, st.lists(ID, min_size=6, max_size=6, unique=True))
@settings(max_examples=40)
def test_what_is_written_is_read_back(tmp_path_factory, log, names):
    path = tmp_path_factory.mktemp("prepared") / "log.txt.gz"
    sequences = sequences_of({user: [names[item] for item in items] for user, items in log.items()})
    write_log(sequences, path, {})
    again = load_dataset(str(path), DataOptions(cache=False)).sequences
    assert (again.user_ids, again.item_ids) == (sequences.user_ids, sequences.item_ids)
    assert np.array_equal(again.items, sequences.items)
    assert np.array_equal(again.offsets, sequences.offsets)


def test_the_file_is_one_user_a_line_between_spaces_or_tabs(tmp_path):
    write_log(sequences_of({"u": ["a", "b", "a"], "v": ["b", "b", "c"]}), tmp_path / "x.txt.gz", {})
    assert gzip.decompress((tmp_path / "x.txt.gz").read_bytes()) == b"u a b a\nv b b c\n"
    write_log(sequences_of({"u v": ["a", "b", "a"]}), tmp_path / "y.txt.gz", {})
    assert gzip.decompress((tmp_path / "y.txt.gz").read_bytes()) == b"u v\ta\tb\ta\n"


def test_the_same_log_gives_the_same_bytes(tmp_path):
    log = sequences_of({"u": ["a", "b", "a"]})
    for name in ("one", "two"):
        write_log(log, tmp_path / name / "x.txt.gz", {})
    assert (tmp_path / "one/x.txt.gz").read_bytes() == (tmp_path / "two/x.txt.gz").read_bytes()


@pytest.mark.parametrize("identifier", ["a\tb", "a\nb", "a\rb"])
def test_ids_that_a_line_cannot_keep_are_refused_before_anything_is_written(tmp_path, identifier):
    with pytest.raises(UserError, match="tab or a line break"):
        write_log(sequences_of({"u": ["a", identifier, "a"]}), tmp_path / "x.txt.gz", {})
    assert list(tmp_path.iterdir()) == []


def test_a_prepared_log_is_not_filtered_again_unless_asked(tmp_path):
    source = tmp_path / "raw.txt"
    source.write_text("".join(f"u{u} " + " ".join(f"i{u}{n}" for n in range(4)) + "\n" for u in range(3)))
    free = load_dataset(str(source), DataOptions(min_user=0, min_item=0))
    path = tmp_path / "out" / "raw.txt.gz"
    write_log(free.sequences, path, {})
    assert load_dataset(str(path)).fingerprint == free.fingerprint
    with pytest.raises(UserError, match="nobody is left"):
        load_dataset(str(path), DataOptions(min_item=5))
    # Another content behind the same note, or no note: a file like any other.
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1))
    assert read_note(path) is None
    with pytest.raises(UserError, match="nobody is left"):
        load_dataset(str(path))


@pytest.mark.parametrize("user", ["#", "%", "# user", "#user"])
def test_a_user_named_like_a_comment_stays(tmp_path, user):
    path = tmp_path / "x.txt.gz"
    write_log(sequences_of({user: ["a", "b", "a"], "v": ["b", "b", "a"]}), path, {})
    assert load_dataset(str(path)).sequences.user_ids == [user, "v"]


def test_the_note_says_what_the_log_is(tmp_path):
    path = tmp_path / "x.txt.gz"
    write_log(sequences_of({"u": ["a", "b", "a"]}), path, {"source": "raw.csv"})
    note = json.loads(note_path(path).read_text())
    assert (note["users"], note["items"], note["actions"], note["source"]) == (1, 2, 3, "raw.csv")
    assert read_note(path) == note
    for damaged in ("no json", "[" * 100_000 + "]" * 100_000, '{"users": NaN}', "1"):
        note_path(path).write_text(damaged)
        assert read_note(path) is None


def test_a_file_of_another_origin_is_never_replaced(tmp_path):
    path = tmp_path / "x.txt.gz"
    path.write_bytes(b"precious")
    log = sequences_of({"u": ["a", "b", "a"]})
    with pytest.raises(UserError, match="was not written by `degen data prepare`"):
        write_log(log, path, {})
    assert path.read_bytes() == b"precious"
    path.unlink()
    write_log(log, path, {})
    write_log(sequences_of({"v": ["a", "b", "a"]}), path, {})
    assert gzip.decompress(path.read_bytes()) == b"v a b a\n"


def test_where_a_prepared_log_goes(tmp_path, monkeypatch):
    monkeypatch.setenv("DEGEN_CACHE", "cache")
    assert prepared_path("x", None) == Path("cache/prepared/x.txt.gz")
    assert prepared_path("x", tmp_path / "new") == tmp_path / "new" / "x.txt.gz"
    assert prepared_path("x", tmp_path / "y.txt.gz") == tmp_path / "y.txt.gz"
    with pytest.raises(UserError, match=r"`out` is .*y\.csv, which is neither"):
        prepared_path("x", tmp_path / "y.csv")


def test_synthetic_is_read_back_as_the_same(tmp_path):
    # Far more items than actions: those without any are dropped on both ways.
    made = load_dataset("synthetic", DataOptions(users=50, items=5000, seed=1))
    write_log(made.sequences, tmp_path / "synthetic.txt.gz", {})
    assert load_dataset(str(tmp_path / "synthetic.txt.gz")).fingerprint == made.fingerprint


def test_a_json_file_of_the_users_is_never_replaced(tmp_path):
    reviews = tmp_path / "reviews.json"
    reviews.write_text('{"user": "a"}\n', encoding="utf-8")
    write_log(sequences_of({"u": ["a", "b", "c"]}), tmp_path / "reviews.txt.gz", {})
    assert reviews.read_text(encoding="utf-8") == '{"user": "a"}\n'
    taken = note_path(tmp_path / "other.txt.gz")
    taken.write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match="choose another place with `out`"):
        write_log(sequences_of({"u": ["a", "b", "c"]}), tmp_path / "other.txt.gz", {})
    assert taken.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("earlier", [False, True])
def test_a_kill_between_a_log_and_its_note_is_no_hindrance(tmp_path, monkeypatch, earlier):
    log = sequences_of({"u": ["a", "b"], "v": ["b", "a"]})
    path = tmp_path / "x.txt.gz"
    if earlier:
        write_log(sequences_of({"w": ["c", "d"]}), path, {})
    replace = Path.replace

    def kill(temporary: Path, target: Path) -> Path:
        if target == path:
            raise KeyboardInterrupt
        return replace(temporary, target)

    monkeypatch.setattr(Path, "replace", kill)
    with pytest.raises(KeyboardInterrupt):
        write_log(log, path, {})
    assert path.exists() == earlier
    monkeypatch.undo()
    note = write_log(log, path, {})
    assert read_note(path)["sha256"] == note["sha256"]
