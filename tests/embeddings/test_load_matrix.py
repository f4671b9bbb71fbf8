"""Matrices of every format, written by NumPy, pandas, safetensors or by hand, and files that are refused."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from degen.embeddings import load_matrix
from degen.errors import UserError

VALUES = np.array([[1.5, -2.0, 0.25], [0.0, 3.0, 1e-3], [7.0, 8.0, 9.0], [-1.0, 0.5, 2.0]])
IDS = ["B0001", "0042", "a b", "x"]


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def check(matrix, ids=None):
    np.testing.assert_array_equal(matrix.values, VALUES)
    assert matrix.values.flags.writeable
    assert matrix.ids == ids


# ---------------------------------------------------------------------------------------------------- binary


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("f4", "f4"), ("f2", "f4"), (">f4", "f4"), ("f8", "f8"), (">f8", "f8"), ("i4", "f8"), ("u1", "f8")],
)
def test_npy_keeps_its_precision_in_the_byte_order_of_this_machine(tmp_path, dtype, expected):
    path = tmp_path / "matrix.npy"
    values = np.arange(12).reshape(4, 3).astype(dtype)
    np.save(path, np.asfortranarray(values))
    matrix = load_matrix(path)
    assert matrix.values.dtype == np.dtype(expected)
    np.testing.assert_array_equal(matrix.values, np.arange(12).reshape(4, 3))
    assert matrix.ids is None


def test_path_may_be_a_string_and_its_suffix_in_capitals(tmp_path):
    with (tmp_path / "M.NPY").open("wb") as file:
        np.save(file, VALUES)
    check(load_matrix(str(tmp_path / "M.NPY")))


def test_npz_gives_its_only_matrix_or_the_one_named(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, items=VALUES, counts=np.arange(4))
    check(load_matrix(path))
    np.savez_compressed(path, items=VALUES, users=VALUES + 1)
    check(load_matrix(path, "items"))
    refused(path, "2 matrices", "`key`", "items [4, 3]", "users [4, 3]")
    refused(path, "no array 'item'", "did you mean 'items'?", key="item")
    np.savez(path, counts=np.arange(4))
    refused(path, "two dimensions", "counts [4]")
    np.savez(path)
    refused(path, "nothing")


def test_npz_with_objects_is_never_unpickled(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, items=VALUES, names=np.array([{}], dtype=object))
    check(load_matrix(path, "items"))
    refused(path, "never unpickled", key="names")


def test_safetensors_gives_its_only_matrix_or_the_one_named(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"items": VALUES.astype("f4"), "bias": np.zeros(3)}, path)
    matrix = load_matrix(path)
    assert matrix.values.dtype == np.float32
    np.testing.assert_array_equal(matrix.values, VALUES.astype("f4"))
    save_file({"items": VALUES, "users": VALUES + 1}, path)
    check(load_matrix(path, "items"))
    refused(path, "2 matrices", "`key`", "items [4, 3]")
    refused(path, "did you mean 'items'?", key="itms")


def test_safetensors_of_a_type_that_numpy_lacks(tmp_path):
    path = tmp_path / "weights.safetensors"
    saved({"items": torch.ones(4, 3, dtype=torch.complex64)}, path)
    refused(path, "'items' holds C64", "float32")


def saved(tensors, path):
    """Write a safetensors file; skip where the library is too old for the type."""
    try:
        save_tensors(tensors, path)
    except KeyError as error:
        pytest.skip(f"this version of safetensors cannot write {error.args[0]}")


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu"])
def test_floats_of_8_bits_are_widened(tmp_path, suffix, kind):
    if not hasattr(torch, kind):
        pytest.skip(f"PyTorch {torch.__version__} has no {kind}")
    path = tmp_path / f"weights{suffix}"
    tensor = torch.arange(256, dtype=torch.uint8).reshape(64, 4).view(getattr(torch, kind))
    save = saved if suffix == ".safetensors" else torch.save
    save({"items": tensor}, path)
    matrix = load_matrix(path, finite=False)
    assert matrix.values.dtype == np.float32
    np.testing.assert_array_equal(matrix.values, tensor.float().numpy())


def test_safetensors_of_bfloat16_are_widened(tmp_path):
    path = tmp_path / "weights.safetensors"
    # Exact in bfloat16's 8 bits of precision, the smallest and the largest of its powers among them.
    values = [[1.5, -2.0, 2.0**-133], [0.0, 3.0, 2.0**127]]
    save_tensors({"items": torch.tensor(values, dtype=torch.bfloat16)}, path)
    matrix = load_matrix(path)
    assert matrix.values.dtype == np.float32
    assert matrix.values.tolist() == values


@pytest.mark.parametrize("dtype", ["float64", "float16", "int64", "int32", "int16", "int8", "uint8"])
def test_safetensors_of_every_other_type(tmp_path, dtype):
    path = tmp_path / "weights.safetensors"
    values = np.arange(12).reshape(4, 3).astype(dtype)
    save_file({"bias": np.zeros(5, dtype=dtype), "items": values}, path)
    np.testing.assert_array_equal(load_matrix(path).values, values)


def test_a_safetensors_header_that_lies_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    save_file({"m": VALUES}, path)
    whole = path.read_bytes()
    for old, new in (
        (b"[4,3]", b"[5,3]"),
        (b"[0,96]", b"[8,96]"),
        (b"[0,96]", b"[0,99]"),
        (b"[4,3]", b"[-4]"),
    ):
        assert old in whole
        path.write_bytes(whole.replace(old, new.ljust(len(old))))
        refused(path, "not a .safetensors file of numbers")
    path.write_bytes((1 << 40).to_bytes(8, "little") + whole[8:])
    refused(path, "not a .safetensors file of numbers")


def test_many_arrays_are_not_all_listed(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({f"layer{i:02}": VALUES for i in range(30)}, path)
    refused(path, "30 matrices", "layer11", "…")
    with pytest.raises(UserError) as caught:
        load_matrix(path)
    assert "layer12" not in str(caught.value)


# ------------------------------------------------------------------------------------------------------ text


def rows_of_text(separator, ids=None):
    lines = [separator.join(map(repr, row)) for row in VALUES.tolist()]
    return [f"{name}{separator}{line}" for name, line in zip(ids, lines, strict=True)] if ids else lines


@pytest.mark.parametrize(
    ("suffix", "separator"),
    [(".csv", ","), (".csv", ";"), (".tsv", "\t"), (".txt", " "), (".vec", "  ")],
)
@pytest.mark.parametrize("ids", [None, ["B0001", "0042", "ä-b", "x"]])
@pytest.mark.parametrize("header", [False, True])
def test_delimited_text(tmp_path, suffix, separator, ids, header):
    names = ["item", "x", "y", "z"] if ids else ["x", "y", "z"]
    lines = [separator.join(names)] * header + rows_of_text(separator, ids)
    check(load_matrix(written(tmp_path / f"matrix{suffix}", "\n".join(lines) + "\n")), ids)


def test_blank_lines_a_byte_order_mark_and_dos_line_ends_do_no_harm(tmp_path):
    lines = rows_of_text(",", IDS)
    check(load_matrix(written(tmp_path / "matrix.csv", "\ufeff" + "\r\n\r\n".join(lines))), IDS)


def test_csv_knows_quotes_and_tsv_does_not(tmp_path):
    ids = ["a, b", 'say ""x""', "c", "d"]
    lines = [f'"{name}",{row}' for name, row in zip(ids, rows_of_text(","), strict=True)]
    check(load_matrix(written(tmp_path / "m.csv", "\n".join(lines))), ["a, b", 'say "x"', "c", "d"])
    ids = ['"Quoted', "b", "c", "d"]
    check(load_matrix(written(tmp_path / "m.tsv", "\n".join(rows_of_text("\t", ids)))), ids)


def test_what_pandas_writes(tmp_path):
    path = tmp_path / "matrix.csv"
    frame = pd.DataFrame(VALUES)
    frame.to_csv(path)  # ",0,1,2", then 0,1.5,…: the first column is the index, not a dimension
    check(load_matrix(path), ["0", "1", "2", "3"])
    frame.to_csv(path, index=False)  # "0,1,2": names, not a row
    check(load_matrix(path))
    frame.index = pd.Index(IDS, name="asin")
    frame.to_csv(path)
    check(load_matrix(path), IDS)
    frame.index = pd.Index([11, 12, 13, 14], name="item_id")
    frame.to_csv(path)
    check(load_matrix(path), ["11", "12", "13", "14"])
    frame.to_csv(path, header=False, index=False)
    check(load_matrix(path))


def test_what_numpy_writes(tmp_path):
    path = tmp_path / "matrix.txt"
    np.savetxt(path, VALUES)
    check(load_matrix(path))


def test_integer_ids_of_few_rows_need_a_header_that_says_so(tmp_path):
    text = "\n".join(rows_of_text(",", ["11", "12", "13", "14"]))
    refused(written(tmp_path / "m.csv", text), "column 0", "`ids='0'` or `ids='none'`")
    assert load_matrix(tmp_path / "m.csv", ids="none").values.shape == (4, 4)
    check(load_matrix(tmp_path / "m.csv", ids=0), ["11", "12", "13", "14"])
    check(load_matrix(written(tmp_path / "m.csv", "Item_ID,a,b,c\n" + text)), ["11", "12", "13", "14"])


def test_word2vec_text(tmp_path):
    # The first line says n and d; lines end with a blank; a token may hold blanks, or be a number.
    ids = ["</s>", "new york", "2020", "…"]
    text = "4 3\n" + "".join(f"{row} \n" for row in rows_of_text(" ", ids))
    check(load_matrix(written(tmp_path / "m.vec", text)), ids)
    check(load_matrix(written(tmp_path / "m.txt", text)), ids)
    refused(written(tmp_path / "short.vec", "9" + text[1:]), "line 1 promises 9 rows", "4 follow")


def test_two_integers_in_a_first_row_are_not_a_word2vec_header(tmp_path):
    matrix = load_matrix(written(tmp_path / "m.txt", "3 1\n1 2\n5 6\n"))
    np.testing.assert_array_equal(matrix.values, [[3, 1], [1, 2], [5, 6]])
    assert matrix.ids is None


def test_two_columns_named_0_and_1_are_taken_for_a_row(tmp_path):
    # Three or more are a header; two numbers could be anything.
    assert load_matrix(written(tmp_path / "m.csv", "0,1\n5,6\n7,8\n")).values.shape == (3, 2)
    assert load_matrix(written(tmp_path / "m.csv", "0,1,2\n5,6,1\n7,8,1\n1,1,1\n")).values.shape == (3, 3)
    refused(written(tmp_path / "m.csv", "1,2,3\n5,6,1\n7,8,1\n1,1,1\n"), "line 1 is 1, 2, 3")


def test_a_first_line_that_only_counts_is_told_or_refused(tmp_path):
    path = tmp_path / "m.csv"
    for text in ("1,2,3\n4,5,6\n7,8,9\n", "0,1,2\n3,4,5\n6,7,8\n", "1,2,3\n3,1,2\n2,3,1\n"):
        path.write_text(text)
        refused(path, "line 1 is", "may be a row or the numbers of the columns")
        path.write_text("a,b,c\n" + text)
        assert load_matrix(path).values.shape == (3, 3)
    for text in ("0,1,2\n0.5,3,4\n", "1,2,3\n0.5,3,4\n", "0,1,2\n5,6,1\n7,8,1\n"):
        path.write_text(text)
        matrix = load_matrix(path)
        assert len(matrix.values) == text.count("\n") - 1
        assert any("line 1" in note and "numbers of the columns" in note for note in matrix.notes)
    path.write_text(",0,1,2\na,0.5,3,4\n")
    assert load_matrix(path).notes == ()


@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2), min_size=2, max_size=6))
def test_text_gives_back_every_float(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("floats") / "m.csv"
    path.write_text("".join(f"i,{a!r},{b!r}\n" for a, b in rows))
    np.testing.assert_array_equal(load_matrix(path).values, rows)


# ------------------------------------------------------------------------------------------------- bad files


def test_no_such_file_folder_or_format(tmp_path):
    refused(tmp_path / "none.npy", "does not exist")
    (tmp_path / "folder.npy").mkdir()
    refused(tmp_path / "folder.npy", "is a folder")
    refused(written(tmp_path / "m.npyy", ""), "'.npyy'", "did you mean '.npy'?")
    refused(written(tmp_path / "m.doc", ""), "'.doc'", "numpy.save")
    refused(written(tmp_path / "m", ""), "''", "numpy.save")


def test_key_for_a_file_with_one_matrix(tmp_path):
    np.save(tmp_path / "m.npy", VALUES)
    refused(tmp_path / "m.npy", "`key='items'`", key="items")


@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (1, 4), (3, 4)])
def test_fewer_rows_than_columns_one_row_and_one_column_are_matrices(tmp_path, shape):
    values = np.arange(0.5, 0.5 + np.prod(shape)).reshape(shape)  # a text of whole numbers would be counts
    np.save(tmp_path / "m.npy", values)
    np.testing.assert_array_equal(load_matrix(tmp_path / "m.npy").values, values)
    np.savetxt(tmp_path / "m.csv", values, delimiter=",")
    np.testing.assert_array_equal(load_matrix(tmp_path / "m.csv").values, values)


def test_rows_that_are_not_finite_are_kept_where_that_is_asked_for(tmp_path):
    values = np.array([[1, 2], [np.nan, 1], [np.inf, 2]])
    np.save(tmp_path / "m.npy", values)
    np.testing.assert_array_equal(load_matrix(tmp_path / "m.npy", finite=False).values, values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.arange(5.0), ["shape [5]", "two dimensions"]),
        (np.float64(3), ["shape []"]),
        (np.zeros((2, 3, 4)), ["shape [2, 3, 4]"]),
        (np.zeros((0, 4)), ["0 rows of 4 numbers"]),
        (np.zeros((5, 0)), ["5 rows of 0 numbers"]),
        (VALUES.astype(complex), ["complex128", "real numbers"]),
        (VALUES.astype(str), ["<U", "real numbers"]),
        (VALUES > 0, ["bool"]),
        (np.array([[1, 2], [3, 4], [np.nan, 1], [np.inf, 2]]), ["row 2", "counted from 0", "1 more"]),
        (np.array([[1, 2], [3, 4], [-np.inf, 1]], dtype="f4"), ["row 2", "only"]),
    ],
)
def test_arrays_that_are_no_matrix(tmp_path, values, words):
    np.save(tmp_path / "m.npy", values)
    refused(tmp_path / "m.npy", *words)
    np.savez(tmp_path / "m.npz", m=values)
    refused(tmp_path / "m.npz", *words, key="m")


def npy(values):
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"item,1,2\n",
        npy(VALUES)[:-1],
        npy(VALUES)[:40],
        npy(np.array([[{}, 1]], dtype=object)),
        pickle.dumps(VALUES),
        npy(VALUES).replace(b"'<f8'", b"import"),
        npy(VALUES).replace(b"(4, 3)", b"(4, {"),
        npy(VALUES).replace(b" 'shape'", b"b'shape'"),
        npy(VALUES).replace(b"'<f8'", b"'f,('"),
    ],
    ids=[
        "empty",
        "text",
        "cut in the data",
        "cut in the header",
        "objects",
        "pickle",
        "header",
        "unbalanced",
        "bytes",
        "type",
    ],
)
def test_damaged_npy(tmp_path, content):
    (tmp_path / "m.npy").write_bytes(content)
    refused(tmp_path / "m.npy", "not a .npy file of numbers", "numpy.save")


def npz(values):
    buffer = io.BytesIO()
    np.savez(buffer, m=values)
    return buffer.getvalue()


def flipped(content, at):
    return content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :]


def zipped(name, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"text", npz(VALUES)[:-30], flipped(npz(VALUES), 200), pickle.dumps(VALUES)],
    ids=["empty", "text", "cut", "flipped bit", "pickle"],
)
def test_damaged_npz(tmp_path, content):
    path = tmp_path / "m.npz"
    path.write_bytes(content)
    refused(path, "not a .npz file of numbers", "numpy.savez")


def test_npz_of_which_any_byte_was_changed_is_read_or_refused(tmp_path):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, m=VALUES)
    whole, path = buffer.getvalue(), tmp_path / "m.npz"
    refusals = 0
    for at in range(len(whole)):
        path.write_bytes(flipped(whole, at))
        try:
            check(load_matrix(path))
        except UserError:
            refusals += 1
    assert refusals > len(whole) / 2


def test_archives_of_something_else(tmp_path):
    path = tmp_path / "m.npz"
    path.write_bytes(zipped("readme.txt", b"hello"))
    refused(path, "two dimensions", "nothing")
    path.write_bytes(zipped("m.npy", b""))
    refused(path, "not a .npz file of numbers")
    path.write_bytes(npy(VALUES))
    refused(path, "is a NumPy file; rename it to m.npy")


def test_damaged_safetensors(tmp_path):
    path = tmp_path / "m.safetensors"
    save_file({"m": VALUES}, path)
    whole = path.read_bytes()
    for content in (b"", b"text" * 9, whole[:-1], whole[:20]):
        path.write_bytes(content)
        refused(path, "not a .safetensors file of numbers")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("m.csv", "", ["empty"]),
        ("m.csv", "\n\n", ["empty"]),
        ("m.csv", "a,b,c\n", ["header only"]),
        ("m.csv", "1,2\n3,4\n5\n", ["line 3 has 1 columns", "2 are expected"]),
        ("m.csv", "1,2\n\n3,4,5\n", ["line 3 has 3 columns"]),
        ("m.csv", "x,1,2\ny,3,4\nz,5\n", ["line 3 has 2 columns", "3 are expected"]),
        ("m.csv", "id,a,b\n1,2,3\n4,5\n", ["line 3 has 2 columns"]),
        ("m.csv", "a,b\n1,2,3\n", ["line 2 has 3 columns"]),
        ("m.csv", "1,2\n3,four\n", ["line 2: 'four' is not a number"]),
        ("m.csv", "x,1,2\ny,,4\n", ["line 2: '' is not a number"]),
        ("m.csv", "x,title,2\ny,3,4\n", ["line 1: 'title'"]),
        ("m.csv", "x,1,2\ny,3,nan\n", ["row 1 (id 'y')"]),
        ("m.csv", "x\ny\nz\n", ["no column of numbers"]),
        ("m.txt", "a 1 2\nb 3\n", ["line 2 has 2 columns"]),
        ("m.txt", "new york 1 2\n", ["line 1: 'york'"]),
        ("m.vec", "2 3\na 1 2 3\nb 1 2\n", ["line 3 has 3 columns", "4 are expected"]),
    ],
)
def test_text_that_is_no_matrix(tmp_path, name, text, words):
    refused(written(tmp_path / name, text), *words)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".vec"])
def test_binary_under_the_name_of_text(tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    path.write_bytes(npy(VALUES))
    refused(path, "is a NumPy file; rename it to m.npy")
    path.write_bytes(zipped("m.npy", npy(VALUES)))
    refused(path, "UTF-8")


def test_a_field_without_end(tmp_path):
    # A lone quote makes the rest of the file one field, line ends included.
    refused(written(tmp_path / "m.csv", 'x,1,"2\ny,3,4\n'), "line 2", r"'2\ny,3,4\n' is not a number")
    refused(written(tmp_path / "m.csv", 'x,1,"2\n' + "y,3,4\n" * 50_000), "field larger than field limit")
