"""Pickles of DataFrames, Series, arrays and dictionaries, read as data; JSON and MATLAB's files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import older_frames
import pandas as pd
import pytest
from refusals import refused
from scipy.io import loadmat, savemat
from scipy.sparse import eye_array

from degen.embeddings import load_matrix
from degen.embeddings.formats.matlab import open_mat
from degen.errors import UserError

VALUES = np.array(
    [
        *([0.346, 0.822, 0.33], [-1.303, 0.905, 0.446], [-0.537, 0.581, 0.365]),
        *([0.294, 0.028, 0.547], [-0.736, -0.163, -0.482], [0.599, 0.04, -0.292]),
    ]
)
IDS = [f"B{row}" for row in range(6)]
NUMBERS = [5, 3, 9, 1, 7, 2]


def pickled(value, path, protocol=5):
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


def check(matrix, ids, values=VALUES, dtype="f8"):
    np.testing.assert_array_equal(matrix.values, values)
    assert matrix.values.dtype == np.dtype(dtype)
    assert matrix.ids == ids


def plain(**columns):
    return pd.DataFrame(columns | dict(zip("abc", VALUES.T, strict=True)))


# ------------------------------------------------------------------------------------------------- DataFrames


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_frames_of_this_pandas(tmp_path, protocol):
    path = tmp_path / "m.pkl"
    frame = plain(asin=IDS, count=np.arange(6))
    matrix = load_matrix(pickled(frame, path, protocol))
    check(matrix, IDS)
    assert matrix.frequency is not None
    assert matrix.frequency.tolist() == list(range(6))
    frame = plain().astype("f4").set_index(pd.Index(NUMBERS, name="movieId"))
    check(load_matrix(pickled(frame, path, protocol)), list(map(str, NUMBERS)), VALUES.astype("f4"), "f4")
    check(load_matrix(pickled(pd.DataFrame(VALUES), path, protocol)), None)
    check(load_matrix(pickled(pd.DataFrame(VALUES, index=IDS), path, protocol)), IDS)
    frame = pd.DataFrame({"item_id": NUMBERS, "vector": list(VALUES)})
    check(load_matrix(pickled(frame, path, protocol)), list(map(str, NUMBERS)))
    frame = pd.DataFrame({"item_id": NUMBERS, "vector": VALUES.tolist()})
    check(load_matrix(pickled(frame, path, protocol)), list(map(str, NUMBERS)))
    series = pd.Series(list(VALUES), index=IDS, name="vector")
    check(load_matrix(pickled(series, path, protocol)), IDS)


@pytest.mark.parametrize("protocol", [2, 5])
def test_frames_of_pandas_own_types(tmp_path, protocol):
    path = tmp_path / "m.pkl"
    for kind in ("string[python]", "string[pyarrow]", "category", object, "str"):
        frame = plain(asin=pd.Series(IDS).astype(kind), day=pd.date_range("2020-01-01", periods=6))
        matrix = load_matrix(pickled(frame, path, protocol))
        check(matrix, IDS)
        assert any("left out" in note and "'day'" in note for note in matrix.notes)
    frame = plain(asin=pd.array(NUMBERS, dtype="Int64"), group=pd.array([1, None, 1, 2, 2, 1], dtype="Int8"))
    matrix = load_matrix(pickled(frame.rename(columns={"group": "group_id"}), path, protocol))
    check(matrix, list(map(str, NUMBERS)))
    assert any("left out" in note and "'group_id'" in note for note in matrix.notes)
    sliced = plain(asin=pd.Series(IDS * 2, dtype="string[pyarrow]")[3:9].reset_index(drop=True))
    check(load_matrix(pickled(sliced, path, protocol)), [*IDS[3:], *IDS[:3]])


def test_an_empty_cell_among_the_dimensions_is_refused(tmp_path):
    frame = plain(asin=IDS)
    frame.loc[4, "b"] = np.nan
    refused(pickled(frame, tmp_path / "m.pkl"), "NaN or infinity in row 4 (id 'B4')")
    refused(pickled(frame.astype({"b": "Float64"}), tmp_path / "m.pkl"), "NaN or infinity in row 4")


@pytest.mark.parametrize(
    ("text", "ids", "shape"),
    [
        (older_frames.COUNTS_1_2, IDS, (6, 3)),
        (older_frames.COUNTS_1_5, IDS, (6, 3)),
        (older_frames.STRINGS_1_5, IDS, (6, 2)),
        (older_frames.INDEX_2_2, list(map(str, NUMBERS)), (6, 3)),
        (older_frames.VECTORS_2_2, list(map(str, NUMBERS)), (6, 3)),
    ],
)
def test_frames_of_older_versions(tmp_path, text, ids, shape):
    path = tmp_path / "m.pkl"
    path.write_bytes(older_frames.pickled(text))
    matrix = load_matrix(path)
    assert matrix.values.shape == shape
    np.testing.assert_array_equal(matrix.values[:, 0], VALUES[:, 0])
    assert matrix.ids == ids


def test_frames_that_are_no_matrix(tmp_path):
    path = tmp_path / "m.pkl"
    refused(pickled(pd.DataFrame({"title": IDS}), path), "no column of numbers")
    refused(pickled(pd.DataFrame(), path), "no column of numbers")
    refused(pickled(plain(year=np.arange(6) + 2000), path), "'year'", "`ids='none'`")
    refused(pickled({"a": 1}, path), "no array of two dimensions")
    refused(pickled(IDS, path), "no array of two dimensions")
    path.write_bytes(b"not a pickle")
    refused(path, "not a .pkl file of numbers")


class Hostile:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def test_nothing_in_a_pickle_is_executed(tmp_path):
    marker = tmp_path / "executed"
    frame = pd.DataFrame({"asin": IDS, "bad": [Hostile(marker)] * 6, "a": VALUES[:, 0]})
    matrix = load_matrix(pickled(frame, tmp_path / "m.pkl"))
    assert matrix.values.shape == (6, 1)
    for value in (Hostile(marker), {"m": VALUES, "bad": Hostile(marker)}, [Hostile(marker), VALUES]):
        try:
            load_matrix(pickled(value, tmp_path / "m.pkl"))
        except UserError:
            continue
    assert not marker.exists()
    pickle.loads((tmp_path / "m.pkl").read_bytes())
    assert marker.exists()


# ------------------------------------------------------------------------------------ arrays and dictionaries


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_arrays_and_dictionaries(tmp_path, protocol):
    path = tmp_path / "m.pickle"
    check(load_matrix(pickled(VALUES, path, protocol)), None)
    check(
        load_matrix(pickled(np.asfortranarray(VALUES.astype(">f4")), path, protocol)),
        None,
        VALUES.astype("f4"),
        "f4",
    )
    check(load_matrix(pickled(dict(zip(IDS, VALUES, strict=True)), path, protocol)), IDS)
    check(
        load_matrix(pickled(dict(zip(NUMBERS, VALUES.tolist(), strict=True)), path, protocol)),
        list(map(str, NUMBERS)),
    )
    check(load_matrix(pickled({"users": VALUES + 1, "items": VALUES}, path, protocol), "items"), None)
    with pytest.raises(UserError, match="2 matrices"):
        load_matrix(path)


# ------------------------------------------------------------------------------------------------------- JSON


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        (VALUES.tolist(), None),
        (dict(zip(IDS, VALUES.tolist(), strict=True)), IDS),
        ([{"asin": name, "vector": row} for name, row in zip(IDS, VALUES.tolist(), strict=True)], IDS),
        ({"asin": IDS, "vector": VALUES.tolist()}, IDS),
        ({"movieId": NUMBERS, **dict(zip("abc", VALUES.T.tolist(), strict=True))}, list(map(str, NUMBERS))),
        ([[name, *row] for name, row in zip(IDS, VALUES.tolist(), strict=True)], IDS),
    ],
    ids=["rows", "by id", "records", "columns of vectors", "columns", "rows with ids"],
)
def test_json(tmp_path, value, ids):
    path = tmp_path / "m.json"
    path.write_text(json.dumps(value))
    check(load_matrix(path), ids)
    if isinstance(value, list):
        (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in value))
        check(load_matrix(tmp_path / "m.jsonl"), ids)


def test_a_line_of_json_holds_what_else_parts_lines(tmp_path):
    (tmp_path / "m.jsonl").write_text(
        '{"asin": "a\u2028b", "v": [1, 2]}\r\n{"asin": "c", "v": [3, 4]}\n', "utf-8"
    )
    assert load_matrix(tmp_path / "m.jsonl").ids == ["a\u2028b", "c"]


def test_json_that_says_one_key_twice_is_refused(tmp_path):
    path = tmp_path / "m.json"
    for text in ('{"a7": [1, 2], "b": [3, 4], "a7": [5, 6]}', '[{"v": [1, 2], "a7": "x", "a7": "y"}]'):
        path.write_text(text)
        refused(path, "the key 'a7' stands twice")
    (tmp_path / "m.jsonl").write_text('{"a7": "x", "v": [1, 2], "a7": "y"}\n')
    refused(tmp_path / "m.jsonl", "the key 'a7' stands twice")


def test_json_of_pandas(tmp_path):
    path = tmp_path / "m.json"
    plain(asin=IDS).to_json(path, orient="records")
    check(load_matrix(path), IDS)
    plain(asin=IDS).to_json(tmp_path / "m.jsonl", orient="records", lines=True)
    check(load_matrix(tmp_path / "m.jsonl"), IDS)
    plain(asin=IDS).to_json(path)
    refused(path, "holds no matrix", "a list of records")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["JSON"]),
        ("[[1, 2], [3", ["JSON"]),
        ("[[1.5, 2], [3]]", ["row 1 has 1 numbers where 2"]),
        ('[{"a": 1.5, "b": 2}, {"a": 1}]', ["record 1 has no 'b'"]),
        ("{}", ["holds no matrix"]),
        ("[]", ["holds no matrix"]),
        ("3", ["holds no matrix"]),
        ('[1, "x"]', ["holds no matrix"]),
        ('{"B1": [1.5, 2.5], "B2": [1.5]}', ["as many numbers for each"]),
        ('{"asin": ["x", "y"], "a": [1.5]}', ["1 cells in 'a' and 2 in 'asin'"]),
        ("[[1.5, null], [2.5, 3.5]]", ["NaN"]),
        ("[" * 5000 + "]" * 5000, ["nested deeper"]),
        ("[[1e999, 2.5], [1.5, 2]]", ["infinity"]),
    ],
)
def test_json_that_is_no_matrix(tmp_path, text, words):
    path = tmp_path / "m.json"
    path.write_text(text)
    refused(path, *words)


# ----------------------------------------------------------------------------------- ids beside a named array


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_an_array_of_ids_beside_the_matrix(tmp_path, suffix):
    path = tmp_path / f"m{suffix}"

    def save(**arrays):
        np.savez(path, **arrays) if suffix == ".npz" else savemat(path, arrays)

    save(items=VALUES, item_ids=np.array(NUMBERS), count=np.arange(6))
    matrix = load_matrix(path, "items")
    check(matrix, list(map(str, NUMBERS)))
    assert matrix.frequency is not None
    assert matrix.frequency.tolist() == list(range(6))
    assert any("'item_ids'" in note for note in matrix.notes)
    assert load_matrix(path, "items", ids="none").ids is None
    assert load_matrix(path, "items", skip_rows="first").ids == list(map(str, NUMBERS[1:]))
    save(items=VALUES, order=np.array(NUMBERS))
    assert load_matrix(path, "items").ids is None
    assert load_matrix(path, "items", ids="order").ids == list(map(str, NUMBERS))
    with pytest.raises(UserError, match="did you mean 'order'"):
        load_matrix(path, "items", ids="orders")
    with pytest.raises(UserError, match="holds no ids for 6 rows"):
        load_matrix(path, "items", ids="items")


def test_ids_that_are_text_in_an_archive(tmp_path):
    for words in (np.array(IDS), np.array(IDS, dtype="S")):
        np.savez(tmp_path / "m.npz", items=VALUES, asin=words)
        check(load_matrix(tmp_path / "m.npz"), IDS)
    np.savez(tmp_path / "m.npz", items=VALUES, asin=np.array(IDS, dtype=object))
    check(load_matrix(tmp_path / "m.npz"), None)


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_matlabs_numbers_of_every_type_are_those_that_scipy_reads(tmp_path, dtype, compressed):
    values = (np.random.default_rng(0).normal(size=(37, 5)) * 50).astype(dtype)
    others = {
        "s": "text",
        "c": np.array([[1, "a"]], dtype=object),
        "z": values * 1j,
        "st": {"a": 1},
        "flag": values > 0,
    }
    savemat(
        tmp_path / "m.mat",
        {**others, "longer_name": values, "T": np.ones((2, 3, 4))},
        do_compression=compressed,
    )
    file = open_mat(tmp_path / "m.mat")
    assert sorted(file.arrays) == ["T", "longer_name"]
    found, expected = file.arrays["longer_name"].read(), loadmat(tmp_path / "m.mat")["longer_name"]
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_matlab(tmp_path):
    path = tmp_path / "m.mat"
    for compressed in (True, False):
        savemat(
            path,
            {"E": VALUES.astype("f4"), "name": "x", "cells": np.array([[1, "a"]], dtype=object)},
            do_compression=compressed,
        )
        check(load_matrix(path), None, VALUES.astype("f4"), "f4")
    savemat(path, {"E": VALUES, "F": VALUES})
    refused(path, "2 matrices", "E [6, 3]")
    savemat(path, {"E": eye_array(6, format="csc")})
    refused(path, "no array of two dimensions")
    path.write_bytes(
        b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: x".ljust(124) + b"\x00\x02IM" + bytes(400)
    )
    refused(path, "7.3", "-v7")


# ---------------------------------------------------------------------------------------------- damaged files


def write_pickle(path):
    plain(asin=IDS).to_pickle(path)


def write_json(path):
    plain(asin=IDS).to_json(path, orient="records")


def write_mat(path):
    savemat(path, {"E": VALUES})


def write_feather(path):
    plain(asin=IDS).to_feather(path)


def write_parquet(path):
    plain(asin=IDS).to_parquet(path)


WRITERS = {
    "m.pkl": write_pickle,
    "m.json": write_json,
    "m.mat": write_mat,
    "m.feather": write_feather,
    "m.parquet": write_parquet,
}


def outcome(path):
    """Return the matrix, or the sentence with which it is refused."""
    try:
        return load_matrix(path)
    except UserError as error:
        return str(error)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # an escape in a damaged pickle
@pytest.mark.parametrize("name", sorted(WRITERS))
def test_damage_is_refused_in_a_sentence_or_harmless(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path)
    whole = path.read_bytes()
    for end in range(0, len(whole) - 1, 10):
        path.write_bytes(whole[:end])
        found = outcome(path)
        # The last bytes may be padding.
        if isinstance(found, str) or end < len(whole) - 20:
            assert "\n" not in found
        else:
            check(found, None if name == "m.mat" else IDS)
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        found = outcome(path)
        assert not isinstance(found, str) or "\n" not in found
