"""Logs in Parquet that are damaged, or hold more than their size lets expect."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from degen.data.reading import parquet
from degen.data.reading.read import read_interactions
from degen.errors import UserError
from degen.files import memory

pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
pq = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")


def write(path: Path, columns: dict[str, object], **how: object) -> bytes:
    pq.write_table(pa.table(columns), path, **how)
    return path.read_bytes()


COLUMNS = {
    "user": [f"user {n % 40}" for n in range(800)],
    "item": [f"Ünd {n % 90}" for n in range(800)],
    "time": list(range(800)),
}


@pytest.mark.parametrize("compression", ["snappy", "gzip", "none"])
def test_a_damaged_file_is_one_sentence_or_is_read(tmp_path, compression):
    path = tmp_path / "log.parquet"
    sound = write(path, COLUMNS, compression=compression)
    draw = random.Random(3)
    refused = []
    for _ in range(120):
        damaged = bytearray(sound)
        for _ in range(draw.randrange(1, 4)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path.write_bytes(bytes(damaged[: draw.choice([len(damaged), draw.randrange(20, len(damaged))])]))
        try:
            read_interactions(path)
        except UserError as error:
            refused.append(str(error))
    assert len(refused) > 60
    assert all(str(path) in sentence for sentence in refused)


def test_text_that_is_not_utf8_is_one_sentence(tmp_path):
    path = tmp_path / "log.parquet"
    items = pa.array([b"fine", b"\xff\xfe"]).cast(pa.binary()).view(pa.string())
    write(path, {"user": ["u", "v"], "item": items})
    with pytest.raises(UserError, match=r"cannot be read as Parquet .*(utf-8|UTF8)"):
        read_interactions(path)


def test_text_that_is_not_marked_as_text_is_read_as_text(tmp_path):
    path = tmp_path / "log.parquet"
    write(path, {"user": [b"u", b"v", None, b"w"], "item": [b"B001", "ü".encode(), b"x", b"y"]})
    log = read_interactions(path)
    assert (log.user_ids, log.item_ids) == (["u", "v", "w"], ["B001", "ü", "y"])


@pytest.mark.parametrize("dictionary", [True, False])
def test_distinct_values_and_plain_ones_are_read_alike(tmp_path, dictionary):
    path = tmp_path / "log.parquet"
    write(path, COLUMNS, use_dictionary=dictionary)
    log = read_interactions(path)
    assert [log.user_ids[user] for user in log.users] == COLUMNS["user"]
    assert [log.item_ids[item] for item in log.items] == COLUMNS["item"]
    assert log.times.tolist() == COLUMNS["time"]


def test_a_long_value_in_all_rows_is_held_once(tmp_path):
    tracemalloc = pytest.importorskip("tracemalloc")
    path = tmp_path / "log.parquet"
    long = "x" * 1_000_000
    rows = 300
    users = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([long]))
    items = [f"i{n}" for n in range(rows)]
    write(path, {"user": users, "item": items}, store_schema=False)
    assert path.stat().st_size < 500_000
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        log = read_interactions(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert log.user_ids == [long]
    assert peak < 60_000_000
    assert pa.total_allocated_bytes() - before < 60_000_000


def test_rows_that_cannot_be_held_are_refused_by_the_size_that_is_declared(tmp_path, monkeypatch):
    path = tmp_path / "log.parquet"
    rows = 5_000_000
    same = pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int32()).fill_null(0), pa.array(["a"]))
    write(path, {"user": same, "item": same})
    assert path.stat().st_size < 50_000
    monkeypatch.setattr(memory, "available", lambda: 70_000_000)
    with pytest.raises(UserError, match=r"declares 5,000,000 rows, needs about 80 MB"):
        read_interactions(path)


def test_a_packed_table_is_held_only_if_it_fits(tmp_path, monkeypatch):
    import gzip

    path = tmp_path / "log.parquet.gz"
    path.write_bytes(gzip.compress(write(tmp_path / "plain", COLUMNS)))
    assert len(read_interactions(path).users) == 800
    monkeypatch.setattr(parquet, "_STEP", 64)
    monkeypatch.setattr(memory, "ALWAYS_FITS", 100)
    monkeypatch.setattr(memory, "available", lambda: 1_500)
    with pytest.raises(UserError, match=r"unpacked needs about .* unpack it to a file"):
        read_interactions(path)
