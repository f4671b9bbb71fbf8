"""Frequencies by row, by id and from a log, and files that are refused."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from degen.embeddings import load_frequency
from degen.embeddings.frequency import read_frequency
from degen.errors import UserError

IDS = ["b", "a a", "0042"]


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def refused(path, *words, n=3, ids=None):
    with pytest.raises(UserError) as caught:
        load_frequency(path, n, ids)
    sentence = str(caught.value)
    assert str(path).partition(":")[0] in sentence
    assert "\n" not in sentence
    for word in words:
        assert word in sentence


def check(counts, expected=(5, 0, 7)):
    assert counts.dtype == np.int64
    assert counts.tolist() == list(expected)


@pytest.mark.parametrize("dtype", ["i8", "u2", ">i4", "f4"])
def test_npy(tmp_path, dtype):
    np.save(tmp_path / "counts.npy", np.array([5, 0, 7], dtype=dtype))
    check(load_frequency(tmp_path / "counts.npy", 3))


@pytest.mark.parametrize("ids", [None, IDS])
@pytest.mark.parametrize("text", ["5\n0\n7\n", "count\n5\n0.0\n7\n", "\n5\n\n0\n7e0"])
@pytest.mark.parametrize("suffix", [".txt", ".csv", ".tsv"])
def test_a_count_a_line_goes_by_the_order_of_rows(tmp_path, suffix, text, ids):
    check(load_frequency(str(written(tmp_path / f"counts{suffix}", text)), 3, ids))


@pytest.mark.parametrize("header", ["", "item,count\n"])
def test_an_id_and_a_count_a_line_go_by_id(tmp_path, header):
    text = header + "0042,7\nnot in the matrix,9\nb,5\na a,0\n"
    check(load_frequency(written(tmp_path / "counts.csv", text), 3, IDS))
    check(load_frequency(written(tmp_path / "counts.tsv", text.replace(",", "\t")), 3, IDS))
    check(load_frequency(written(tmp_path / "counts.txt", text.replace(",", " ")), 3, IDS))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["no counts"]),
        ("count\n", ["no counts"]),
        ("1\n2\n", ["2 counts", "3 rows"]),
        ("1\n2\n3\n4\n", ["4 counts", "3 rows"]),
        ("1\n-2\n3\n", ["-2.0", "0 or more"]),
        ("1\n2.5\n3\n", ["2.5", "whole number"]),
        ("1\nnan\n3\n", ["nan"]),
        ("1\n1e30\n3\n", ["1e+30"]),
        ("1\nmany\n3\n", ["line 2: 'many'"]),
        ("b,1\na,2\nc,3\n", ["no ids", "row order"]),
    ],
)
def test_text_that_does_not_fit(tmp_path, text, words):
    refused(written(tmp_path / "counts.csv", text), *words)


def test_ids_that_do_not_fit(tmp_path):
    refused(written(tmp_path / "c.csv", "b,1\na a,2\n"), "1 of the 3 ids", "'0042'", ids=IDS)
    refused(written(tmp_path / "c.csv", "b,1\na a,2\nb,1\n0042,3\n"), "'b' more than once", ids=IDS)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((3, 1), dtype=int), ["[3, 1]"]),
        (np.int64(3), ["[]"]),
        (np.array(["a", "b", "c"]), ["<U1", "whole numbers"]),
        (np.array([1, 2, np.inf]), ["inf"]),
        (np.array([1, 2, -3]), ["-3"]),
    ],
)
def test_npy_that_does_not_fit(tmp_path, values, words):
    np.save(tmp_path / "counts.npy", values)
    refused(tmp_path / "counts.npy", *words)


def test_files_that_are_none(tmp_path):
    for name in ("counts.npy", "log.inter", "counts.csv", "counts"):
        refused(tmp_path / name, "does not exist")
    refused(tmp_path, "is a folder")
    refused(written(tmp_path / "counts.npz", ""), "name the one of counts", "counts.npz:NAME")
    refused(written(tmp_path / "damaged.npy", "5\n"), "not a .npy file of numbers")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe5\n")
    refused(tmp_path / "binary.csv", "UTF-8")


# ---------------------------------------------------------------------------------------- a column of a table


def test_a_column_of_a_table_goes_by_id_or_by_row(tmp_path):
    text = "item_id,price,sold\n0042,1,7\nnew,9,9\nb,1,5\na a,3,0\n"
    path = written(tmp_path / "shop.csv", text)
    check(load_frequency(f"{path}:sold", 3, IDS))
    path = written(tmp_path / "shop.tsv", text.replace(",", "\t"))
    check(load_frequency(f"{path}:sold", 3, IDS))
    written(path, "price\tsold\n1\t5\n2\t0\n3\t7\n")
    check(load_frequency(f"{path}:sold", 3, IDS))


def test_a_column_of_parquet(tmp_path):
    path = tmp_path / "shop.parquet"
    frame = pd.DataFrame({"asin": ["0042", "b", "a a", "x"], "sold": [7, 5, 0, 1], "price": [1.5] * 4})
    frame.to_parquet(path)
    check(load_frequency(f"{path}:sold", 3, IDS))
    frame[["sold"]].iloc[[1, 2, 0]].to_parquet(path)
    check(load_frequency(f"{path}:sold", 3))
    refused(f"{path}:sole", "no column 'sole'", "did you mean 'sold'?")
    refused(path, "name the one of counts", f"{path}:NAME")


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_an_array_of_an_archive(tmp_path, suffix):
    path = tmp_path / f"all{suffix}"
    arrays = {"items": np.ones((3, 2)), "sold": np.array([5, 0, 7])}
    if suffix == ".npz":
        np.savez(path, **arrays)
    else:
        save_file(arrays, path)
    check(load_frequency(f"{path}:sold", 3))
    refused(f"{path}:items", "shape [3, 2]")


def test_columns_that_do_not_fit(tmp_path):
    path = written(tmp_path / "shop.csv", "item,sold\nb,1\na a,2,3\n")
    refused(f"{path}:sole", "no column 'sole'", "did you mean 'sold'?")
    refused(f"{path}:sold", "line 3 has 3 columns", ids=IDS)
    written(path, "item,sold\nb,1\n")
    refused(f"{path}:sold", "2 of the 3 ids", ids=IDS)
    np.save(tmp_path / "c.npy", np.arange(3))
    refused(f"{tmp_path / 'c.npy'}:sold", "has no columns", "leave out :sold")


def test_the_column_of_counts_is_told_by_its_name_wherever_it_stands(tmp_path):
    path = written(tmp_path / "c.csv", "count,item_id\n7,0042\n5,b\n0,a a\n")
    check(load_frequency(path, 3, IDS))
    written(path, "7,0042x\n5,b\n0,a a\n")
    check(load_frequency(path, 3, ["b", "a a", "0042x"]))
    written(path, "title,item_id,count,price\nx,0042,7,1\ny,b,5,1\nz,a a,0,1\n")
    check(load_frequency(path, 3, IDS))
    check(load_frequency(f"{path}:2", 3, IDS))
    written(path, "title,asin,sold,price\nx,0042,7,1\ny,b,5,1\nz,a a,0,1\n")
    refused(path, "4 columns", f"{path}:COLUMN", ids=IDS)
    check(load_frequency(f"{path}:sold", 3, IDS))
    refused(f"{path}:title", "no numbers in column 'title'", ids=IDS)
    written(path, "1,2,3\n4,5,6\n")
    refused(path, "3 columns", f"{path}:COLUMN", ids=IDS)


@pytest.mark.parametrize("name", ["counts.csv.gz", "counts.txt.gz"])
def test_packed_counts_are_told_from_a_packed_log(tmp_path, name):
    path, sign = tmp_path / name, "," if ".csv" in name else " "
    path.write_bytes(gzip.compress("b,5\n0042,7\naa,0\n".replace(",", sign).encode()))
    check(load_frequency(path, 3, ["b", "aa", "0042"]))
    path.write_bytes(gzip.compress(b"5\n0\n7\n"))
    check(load_frequency(path, 3))
    path.write_bytes(gzip.compress("1,11\n1,13\n2,13\n3,11\n3,13\n3,99\n".replace(",", sign).encode()))
    check(load_frequency(path, 3, ["11", "12", "13"]), LOGGED)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_counts_of_a_table_by_ids_that_are_numbers(tmp_path, suffix):
    path = tmp_path / f"c{suffix}"
    frame = pd.DataFrame({"movieId": [30, 10, 20, 40], "count": [7, 5, 0, 1], "year": [1999] * 4})
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_feather(path)
    check(load_frequency(path, 3, ["10", "20", "30"]))
    check(load_frequency(f"{path}:count", 3, ["10", "20", "30"]))


def test_numbers_wider_than_64_bits_and_objects_are_refused(tmp_path):
    np.save(tmp_path / "c.npy", np.array([5, 0, 7], dtype=np.longdouble))
    refused(tmp_path / "c.npy", "holds float128" if np.longdouble(0).itemsize == 16 else "holds", "int64")
    np.save(tmp_path / "c.npy", np.array([5, None, 7], dtype=object))
    refused(tmp_path / "c.npy", "never unpickled")


def test_a_file_may_have_a_colon_in_its_name(tmp_path):
    check(load_frequency(written(tmp_path / "a:b.txt", "5\n0\n7\n"), 3))
    path = written(tmp_path / "a:b.csv", "x,y\n5,1\n0,1\n7,1\n")
    check(load_frequency(f"{path}:x", 3))


# ------------------------------------------------------------------------------------------------------ a log

INTERACTIONS = ["u1 b", "u1 0042", "u2 0042", "u3 b", "u3 0042", "u3 other"]
LOGGED = (2, 0, 3)


def inter(rows):
    lines = ("\t".join([*row.split(), str(time)]) for time, row in enumerate(rows))
    return "\n".join(["user_id:token\titem_id:token\ttimestamp:float", *lines]) + "\n"


def test_a_log_is_counted_by_id(tmp_path):
    check(load_frequency(written(tmp_path / "log.inter", inter(INTERACTIONS)), 3, IDS), LOGGED)
    table = ["userId,movieId,rating", *(f"{row.replace(' ', ',')},4" for row in INTERACTIONS)]
    check(load_frequency(written(tmp_path / "ratings.csv", "\n".join(table)), 3, IDS), LOGGED)
    packed = tmp_path / "log.inter.gz"
    packed.write_bytes(gzip.compress(inter(INTERACTIONS).encode()))
    counts, _, notes = read_frequency(packed, 3, IDS)
    check(counts, LOGGED)
    assert "every action" in notes[0]
    frame = pd.DataFrame([row.split() for row in INTERACTIONS], columns=["user_id", "item_id"])
    frame.to_parquet(tmp_path / "log.parquet")
    check(load_frequency(tmp_path / "log.parquet", 3, IDS), LOGGED)


def test_a_log_of_other_items_or_for_a_matrix_without_ids(tmp_path):
    path = written(tmp_path / "log.inter", inter(INTERACTIONS))
    refused(path, "none of the ids", "'x'", "'b'", n=2, ids=["x", "y"])
    refused(path, "the matrix has no ids", "row order")


def test_recboles_numbers_are_rebuilt_from_the_log_after_its_filter(tmp_path):
    # Items in the order of the file: b, 0042, other. With two actions each: users 1 and 3, items b and 0042.
    path = written(tmp_path / "log.inter", inter(INTERACTIONS))
    counts, ids, _ = read_frequency(path, 3, None, ((0, 0),))
    assert (counts.tolist(), ids) == ([2, 3, 1], ["b", "0042", "other"])
    counts, ids, notes = read_frequency(path, 2, None, ((9, 9), (2, 2)))
    assert (counts.tolist(), ids) == ([2, 2], ["b", "0042"])
    assert "2 actions per user and 2 per item" in notes[0]
    with pytest.raises(UserError, match=r"3 items with at least 0 actions.*the matrix has 5 rows"):
        read_frequency(path, 5, None, ((0, 0), (2, 2)))


def test_rows_are_numbered_as_factorize_does_over_any_filter(tmp_path, rng):
    rows = [f"u{user} i{item}" for user, item in rng.zipf(1.6, (400, 2)) % 30]
    path = written(tmp_path / "log.inter", inter(rows))
    frame = pd.DataFrame([row.split() for row in rows], columns=["user", "item"])
    while True:
        sizes = {name: frame.groupby(name)[name].transform("size") for name in ("user", "item")}
        enough = (sizes["user"] >= 3) & (sizes["item"] >= 4)
        if enough.all():
            break
        frame = frame[enough]
    codes, names = pd.factorize(frame["item"])
    counts, ids, _ = read_frequency(path, len(names), None, ((3, 4),))
    assert ids == names.tolist()
    assert counts.tolist() == np.bincount(codes).tolist()
