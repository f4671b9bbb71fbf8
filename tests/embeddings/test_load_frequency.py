"""Counts by row and by id, and the files that are refused."""

from __future__ import annotations

import numpy as np
import pytest

from degen.embeddings import load_frequency
from degen.errors import UserError

IDS = ["b", "a a", "0042"]


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def refused(path, *words, n=3, ids=None):
    with pytest.raises(UserError) as caught:
        load_frequency(path, n, ids)
    sentence = str(caught.value)
    assert str(path) in sentence
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
        ("1\n2\n", ["[2]", "3 rows"]),
        ("1\n2\n3\n4\n", ["[4]", "3 rows"]),
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
    refused(tmp_path / "counts.npy", "does not exist")
    refused(written(tmp_path / "counts.npz", ""), "'.npz'", "'.npy'")
    refused(written(tmp_path / "damaged.npy", "5\n"), "not a .npy file of numbers")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe5\n")
    refused(tmp_path / "binary.csv", "UTF-8")
