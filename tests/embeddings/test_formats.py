"""word2vec's binary files, Parquet, RecBole's .itememb, TensorBoard's projector, and ids beside a matrix."""

from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from refusals import refused

from degen.embeddings import load_matrix

VALUES = np.array([[1.5, -2.0, 0.25], [0.0, 3.0, 1e-3], [7.0, 8.0, 9.0], [-1.0, 0.5, 2.0]], dtype=np.float32)
IDS = ["B0001", "0042", "é", "x"]


def check(matrix, ids, dtype="f4"):
    np.testing.assert_array_equal(matrix.values, VALUES.astype(dtype))
    assert matrix.values.dtype == np.dtype(dtype)
    assert matrix.ids == ids


# ------------------------------------------------------------------------------------------- word2vec, binary


def word2vec(ids, values, end=b""):
    rows = (
        name + b" " + struct.pack(f"<{len(row)}f", *row) + end for name, row in zip(ids, values, strict=True)
    )
    return f"{len(ids)} {values.shape[1]}\n".encode() + b"".join(rows)


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["gensim", "word2vec.c"])
def test_word2vec_binary(tmp_path, end):
    path = tmp_path / "m.bin"
    path.write_bytes(word2vec([name.encode() for name in IDS], VALUES, end))
    check(load_matrix(path), IDS)
    refused(path, "one matrix only", key="m")


def test_word2vec_binary_over_many_blocks_and_bytes_that_are_no_text(tmp_path, monkeypatch):
    # A block of 50 bytes cuts ids and numbers; numbers may hold the bytes of a blank and of a line feed.
    monkeypatch.setattr("degen.embeddings.formats.word2vec._CHUNK", 50)
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2**32, size=(40, 5), dtype=np.uint32).view("f4")
    values[~np.isfinite(values)] = 0
    values[3] = np.frombuffer(b" \n \n" * 5, dtype="<f4")
    ids = [f"item-{row}".encode() for row in range(40)]
    ids[7] = b"\xff\xfe"
    path = tmp_path / "m.bin"
    path.write_bytes(word2vec(ids, values, b"\n"))
    matrix = load_matrix(path)
    np.testing.assert_array_equal(matrix.values, values)
    assert matrix.ids[7] == r"\xff\xfe"
    assert matrix.ids[8:] == [f"item-{row}" for row in range(8, 40)]


def test_word2vec_binary_cut_short_or_with_a_size_that_is_not_there(tmp_path):
    path = tmp_path / "m.bin"
    whole = word2vec([name.encode() for name in IDS], VALUES)
    for content in (whole[:-1], whole[:20], b"999999999999 999999\n" + whole, b"9" + whole[1:]):
        path.write_bytes(content)
        refused(path, "promises", "rows")


# ---------------------------------------------------------------------------------------------------- Parquet


def written(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)
    return path


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float32()), pa.large_list(pa.float32()), pa.list_(pa.float32(), 3)]
)
def test_parquet_with_a_column_of_lists(tmp_path, kind):
    columns = {"item_id": IDS, "count": [1, 2, 3, 4], "vector": pa.array(VALUES.tolist(), kind)}
    check(load_matrix(written(tmp_path / "m.parquet", columns, row_group_size=3)), IDS)


def test_parquet_with_a_column_a_dimension(tmp_path):
    columns = {"x": VALUES[:, 0].astype("f8"), "item": IDS, "y": VALUES[:, 1].astype("f8"), "z": VALUES[:, 2]}
    check(load_matrix(written(tmp_path / "m.parquet", columns)), IDS, "f8")
    columns.pop("item")
    check(load_matrix(written(tmp_path / "m.parquet", columns)), None, "f8")


def test_parquet_ids_by_name_or_the_only_strings(tmp_path):
    vectors = pa.array(VALUES.tolist())
    path = tmp_path / "m.parquet"
    check(load_matrix(written(path, {"asin": IDS, "v": vectors})), IDS, "f8")
    check(
        load_matrix(written(path, {"title": ["a"] * 4, "id": [5, 6, 7, 8], "v": vectors})),
        ["5", "6", "7", "8"],
        "f8",
    )
    check(load_matrix(written(path, {"title": ["a"] * 4, "brand": ["b"] * 4, "v": vectors})), None, "f8")


def test_parquet_with_several_columns_of_lists(tmp_path):
    vectors = pa.array(VALUES.tolist(), pa.list_(pa.float32()))
    path = written(tmp_path / "m.parquet", {"a": vectors, "b": pa.array((VALUES + 1).tolist())})
    refused(path, "2 columns of lists", "`key`", "a, b")
    refused(path, "no column of lists 'c'", key="c")
    check(load_matrix(path, "a"), None)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"v": [[1.0, 2.0], [3.0]]}, ["several lengths", "'v'"]),
        ({"v": [[1.0, 2.0], None]}, ["empty cell in 'v'"]),
        ({"v": [[1.0, None], [1.0, 2.0]]}, ["empty cell in 'v'"]),
        ({"x": [1.0, None], "y": [1.0, 2.0]}, ["empty cell in 'x'"]),
        ({"name": ["a", "b"]}, ["no column of numbers", "name"]),
        ({"v": pa.array([], pa.list_(pa.float32()))}, ["0 rows"]),
        ({"v": [["a"], ["b"]]}, ["holds", "real numbers"]),
    ],
)
def test_parquet_that_is_no_matrix(tmp_path, columns, words):
    refused(written(tmp_path / "m.parquet", columns), *words)


def test_parquet_with_lists_of_other_lengths_in_a_later_batch(tmp_path, monkeypatch):
    monkeypatch.setattr("degen.embeddings.formats.tabular.arrow_table.BATCH", 2)
    refused(written(tmp_path / "m.parquet", {"v": [[1.0, 2.0]] * 2 + [[1.0]] * 2}), "several lengths")


@pytest.mark.parametrize("packed", ["zstd", "lz4", None])
@pytest.mark.parametrize("new", [pa.ipc.new_file, pa.ipc.new_stream], ids=["file", "stream"])
def test_arrows_own_files(tmp_path, new, packed):
    lists = pa.array(VALUES.tolist(), pa.list_(pa.float32()))
    words = pa.array(IDS).dictionary_encode()
    table = pa.table({"asin": words, "vector": lists, "sold": pa.array([1, 2, 3, 4]), "new": [True] * 4})
    for suffix in (".arrow", ".ipc", ".feather"):
        path = tmp_path / f"m{suffix}"
        options = pa.ipc.IpcWriteOptions(compression=packed)
        with pa.OSFile(str(path), "wb") as sink, new(sink, table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=3)
        check(load_matrix(path), IDS)


def test_feather_of_version_1_and_tables_with_one_name_twice(tmp_path):
    (tmp_path / "m.feather").write_bytes(b"FEA1" + bytes(60) + b"FEA1")
    refused(tmp_path / "m.feather", "Feather of version 1")
    twice = pa.table([pa.array([1.5, 2.5]), pa.array([1.5, 2.5])], names=["x", "x"])
    pq.write_table(twice, tmp_path / "m.parquet")
    refused(tmp_path / "m.parquet", "2 columns 'x'")


def test_damaged_parquet(tmp_path):
    path = written(tmp_path / "m.parquet", {"v": VALUES.tolist()})
    whole = path.read_bytes()
    for content in (b"", b"PAR1", whole[:-9], whole[:8] + bytes(60) + whole[68:]):
        path.write_bytes(content)
        refused(path, "Parquet")


# ------------------------------------------------------------------------------------- RecBole, the projector


def itememb(rows, header="iid:token\titem_emb:float_seq"):
    return "\n".join([header, *rows]) + "\n"


def test_recboles_itememb(tmp_path):
    path = tmp_path / "beauty.itememb"
    rows = [f"{name}\t{' '.join(map(repr, row))}" for name, row in zip(IDS, VALUES.tolist(), strict=True)]
    path.write_text(itememb(rows), encoding="utf-8")
    check(load_matrix(path), IDS, "f8")
    turned = ["title\t" + "\t".join(row.split("\t")[::-1]) for row in rows]
    path.write_text(itememb(turned, "name:token_seq\titem_emb:float_seq\tiid:token"), encoding="utf-8")
    check(load_matrix(path), IDS, "f8")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["line 1 must name"]),
        ("iid:token\titem_emb:float\na\t1\n", ["line 1 must name"]),
        (itememb(["a\t1 2", "b\t1"]), ["line 3", "1 numbers", "2 are expected"]),
        (itememb(["a\t1 2", "b"]), ["line 3 has 1 fields"]),
        (itememb(["a\t1 x"]), ["line 2", "'x' is not a number"]),
        (itememb([]), ["0 rows"]),
    ],
)
def test_itememb_that_is_no_matrix(tmp_path, text, words):
    path = tmp_path / "m.itememb"
    path.write_text(text)
    refused(path, *words)


@pytest.mark.parametrize(
    ("tensors", "metadata"),
    [
        ("tensors.tsv", "metadata.tsv"),
        ("words_tensor.tsv", "words_metadata.tsv"),
        ("x-tensors.tsv", "x-metadata.tsv"),
    ],
)
def test_the_projectors_metadata_lies_beside_its_tensors(tmp_path, tensors, metadata):
    path = tmp_path / tensors
    np.savetxt(path, VALUES, delimiter="\t")
    check(load_matrix(path), None, "f8")
    (tmp_path / metadata).write_text("\n".join(IDS) + "\n", encoding="utf-8")
    check(load_matrix(path), IDS, "f8")
    lines = ["count\titem", *(f"{count}\t{name}" for count, name in enumerate(IDS))]
    (tmp_path / metadata).write_text("\n".join(lines) + "\n", encoding="utf-8")
    check(load_matrix(path), IDS, "f8")
    (tmp_path / metadata).write_text("a|b\nc;d\ne,f\ng h\n")
    check(load_matrix(path), ["a|b", "c;d", "e,f", "g h"], "f8")
    (tmp_path / metadata).write_text("a\nb\n")
    refused(path, f"{metadata} lists 2 items", "belong together")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_items_beside_a_runs_embeddings_are_its_ids_and_beside_other_files_are_not(tmp_path, suffix):
    (tmp_path / "items.txt").write_text("\n".join(IDS) + "\n", encoding="utf-8")
    save = np.save if suffix == ".npy" else np.savez
    save(tmp_path / f"item_embeddings{suffix}", VALUES)
    save(tmp_path / f"other{suffix}", VALUES)
    check(load_matrix(tmp_path / f"item_embeddings{suffix}"), IDS)
    check(load_matrix(tmp_path / f"other{suffix}"), None)
    assert load_matrix(tmp_path / f"item_embeddings{suffix}", skip_rows="1").ids == ["B0001", "é", "x"]
