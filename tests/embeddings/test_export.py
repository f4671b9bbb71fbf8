"""Exported item embeddings: every file restores the ids, the counts and each float32."""

from __future__ import annotations

from urllib.parse import unquote

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from degen.embeddings import load_frequency, load_matrix
from degen.embeddings.export import FORMATS, Items, export_items, write_projector
from degen.embeddings.item_matrix import open_file
from degen.errors import UserError

RNG = np.random.default_rng(0)
VALUES = (RNG.normal(size=(20, 3)) * 10.0 ** RNG.integers(-30, 30, (20, 3))).astype(np.float32)
IDS = [f"B00{row}" for row in range(19)] + ["é"]
COUNTS = RNG.integers(0, 2**40, 20)
MAIN = {
    "npy": "item_embeddings.npy",
    "safetensors": "item_embeddings.safetensors",
    "word2vec": "item_embeddings.vec",
    "projector": "tensors.tsv",
    "parquet": "item_embeddings.parquet",
    "recbole": "item_embeddings.itememb",
}
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
COLUMN = {"projector": "metadata.tsv:frequency", "parquet": f"{MAIN['parquet']}:frequency"}


def written(folder, to, ids=IDS, values=VALUES, counts=COUNTS):
    return export_items(Items(values, ids, counts), to, folder)


@pytest.mark.parametrize("to", FORMATS)
def test_every_format_comes_back(tmp_path, to, monkeypatch):
    monkeypatch.setattr("degen.embeddings.export._BLOCK", 7)
    files, notes = written(tmp_path, to)
    assert notes == []
    assert files[0] == tmp_path / MAIN[to]
    assert sorted(tmp_path.glob("[!.]*")) == sorted(files)
    matrix = load_matrix(files[0])
    np.testing.assert_array_equal(matrix.values.astype(np.float32), VALUES)
    assert matrix.ids == IDS
    found = open_file(files[0])
    assert found.ids == IDS
    assert found.frequency.tolist() == COUNTS.tolist()
    if to in COLUMN:
        assert load_frequency(f"{tmp_path}/{COLUMN[to]}", 20, IDS).tolist() == COUNTS.tolist()


@pytest.mark.parametrize("to", FORMATS)
@given(rows=st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=4))
def test_every_float32_comes_back(tmp_path_factory, to, rows):
    folder = tmp_path_factory.mktemp("floats")
    values = np.array(rows, dtype=np.float32)
    ids, counts = [f"i{row}" for row in range(len(rows))], np.zeros(len(rows), dtype=np.int64)
    files, _ = written(folder, to, ids, values, counts)
    np.testing.assert_array_equal(load_matrix(files[0]).values.astype(np.float32), values)


def test_values_that_stay_in_their_file_are_written_as_well(tmp_path, monkeypatch):
    np.save(tmp_path / "m.npy", VALUES)
    monkeypatch.setattr("degen.embeddings.formats.named_arrays.LARGE", 1)
    rows = load_matrix(tmp_path / "m.npy").values
    assert not isinstance(rows, np.ndarray)
    monkeypatch.undo()
    for to in FORMATS:
        files, _ = written(tmp_path / to, to, values=rows)
        np.testing.assert_array_equal(load_matrix(files[0]).values.astype(np.float32), VALUES)


def test_what_others_read(tmp_path):
    # By NumPy, pyarrow, safetensors and hand, not by us.
    written(tmp_path, "npy")
    array = np.load(tmp_path / MAIN["npy"])
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, VALUES)
    written(tmp_path, "safetensors")
    arrays = load_file(tmp_path / MAIN["safetensors"])
    np.testing.assert_array_equal(arrays["item_embeddings"], VALUES)
    assert arrays["item_frequency"].tolist() == COUNTS.tolist()
    written(tmp_path, "parquet")
    table = pq.read_table(tmp_path / MAIN["parquet"]).to_pydict()
    assert (table["item"], table["frequency"]) == (IDS, COUNTS.tolist())
    np.testing.assert_array_equal(np.array(table["embedding"], dtype=np.float32), VALUES)
    written(tmp_path, "word2vec")
    lines = (tmp_path / MAIN["word2vec"]).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "20 3"
    assert [line.split(" ")[0] for line in lines[1:]] == IDS
    np.testing.assert_array_equal(np.float32([line.split(" ")[1:] for line in lines[1:]]), VALUES)
    written(tmp_path, "recbole")
    lines = (tmp_path / MAIN["recbole"]).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "iid:token\titem_emb:float_seq"
    assert [line.split("\t")[0] for line in lines[1:]] == IDS
    written(tmp_path, "projector")
    lines = (tmp_path / "metadata.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["item\tfrequency", f"{IDS[0]}\t{COUNTS[0]}"]


@pytest.mark.parametrize(("to", "mark"), [("word2vec", " "), ("recbole", "\t")])
def test_ids_with_blanks_are_escaped_with_a_note_and_items_has_them_as_they_are(tmp_path, to, mark):
    ids = [f"new{mark}york", "100%", f"a{mark}{mark}b\u2003c", *IDS[3:]]
    files, [note] = written(tmp_path, to, ids)
    assert note.startswith("2 ids hold")
    found = load_matrix(files[0])
    assert [unquote(name) for name in found.ids] == ids
    assert len(set(found.ids)) == 20
    assert not any(mark in name for name in found.ids)
    assert found.ids[1] == "100%25"
    assert found.ids[3:] == ids[3:]
    np.testing.assert_array_equal(found.values.astype(np.float32), VALUES)
    assert (tmp_path / "items.txt").read_text(encoding="utf-8").split("\n")[0] == ids[0]
    # A per cent sign alone needs nothing.
    assert load_matrix(written(tmp_path, to, ["100%", *IDS[1:]])[0][0]).ids[0] == "100%"


def test_an_unknown_format_is_named_and_nothing_is_written(tmp_path):
    with pytest.raises(UserError, match=r"`to` 'word2vecs' is unknown; did you mean 'word2vec'\?"):
        written(tmp_path / "there", "word2vecs")
    assert not (tmp_path / "there").exists()


def test_the_projectors_files_hold_every_float_to_the_bit(tmp_path, rng):
    values = rng.normal(size=(7, 3)).astype(np.float32)
    columns = {"item": [f"i{row}" for row in range(7)], "frequency": range(7)}
    tensors, metadata = write_projector(tmp_path / "projector", values, columns)
    np.testing.assert_array_equal(np.loadtxt(tensors, delimiter="\t", dtype=np.float32), values)
    lines = metadata.read_text(encoding="utf-8").split("\n")
    assert lines == ["item\tfrequency", *(f"i{row}\t{row}" for row in range(7)), ""]


def test_a_single_column_has_no_name_and_a_label_no_tab_or_line_break(tmp_path):
    _, metadata = write_projector(tmp_path, np.zeros((2, 2)), {"item": ["a\tb \n c", "é"]})
    assert metadata.read_text(encoding="utf-8") == "a b c\né\n"
