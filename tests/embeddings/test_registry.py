"""Formats that are not read, folders, suggestions that help, and the memory that a table takes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from refusals import refused

from degen.embeddings import load_matrix
from degen.embeddings.registry import FORMATS
from degen.embeddings.select import select_one
from degen.errors import UserError


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("m.joblib", "never unpickled"),
        ("m.xlsx", "as .csv"),
        ("m.sqlite", "as .csv"),
        ("m.onnx", "take the item matrix out of it"),
        ("m.faiss", "an index for searching"),
        ("m.rds", "write.csv"),
        ("m.zip", "unpack it"),
        ("m.npy.gz", "unpack it"),
        ("m.parquet.xz", "unpack it"),
    ],
)
def test_a_known_format_that_is_not_read_has_a_sentence_of_its_own(tmp_path, name, words):
    (tmp_path / name).write_bytes(b"x")
    refused(tmp_path / name, words)
    with pytest.raises(UserError) as caught:
        load_matrix(tmp_path / name)
    assert "did you mean" not in str(caught.value)


def test_a_suffix_is_suggested_only_where_it_is_a_slip(tmp_path):
    for slip, meant in ((".npyy", ".npy"), (".parqet", ".parquet"), (".safetensor", ".safetensors")):
        (tmp_path / f"m{slip}").write_bytes(b"x")
        refused(tmp_path / f"m{slip}", f"did you mean '{meant}'?")
    for other in (".dat", ".doc", ".h5py", ".matrix", ".bak"):
        (tmp_path / f"m{other}").write_bytes(b"x")
        with pytest.raises(UserError) as caught:
            load_matrix(tmp_path / f"m{other}")
        assert "did you mean" not in str(caught.value)


def test_no_suffix_is_both_read_and_refused():
    from degen.embeddings import registry

    assert not set(registry._REFUSED) & {suffix for each in FORMATS for suffix in each.suffixes}


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        (".zarray", "zarr.open"),
        ("zarr.json", "zarr.open"),
        (".metadata", "dcp_to_torch"),
        ("saved_model.pb", "TensorFlow"),
        ("dataset_info.json", ".arrow"),
        ("part-0.parquet", "one of its .parquet files"),
        ("epoch3.ckpt", "the file of weights inside"),
    ],
)
def test_a_folder_of_another_library(tmp_path, inside, words):
    (tmp_path / inside).write_bytes(b"x")
    for read in (load_matrix, select_one):
        with pytest.raises(UserError) as caught:
            read(tmp_path)
        assert words in str(caught.value)


def test_a_folder_of_nothing_known(tmp_path):
    refused(tmp_path, "is a folder", "give the path of a file")
    with pytest.raises(UserError, match="no run under"):
        select_one(tmp_path)


def test_a_table_takes_the_memory_of_its_matrix(tmp_path):
    # 96 MB of float64 in a file of some kB. Read at once and joined, it took three times as much.
    path, n, d = tmp_path / "m.parquet", 40_000, 300
    zeros = pa.array(np.ones(n))
    pq.write_table(pa.table({f"c{at}": zeros for at in range(d)}), path, compression="zstd")
    assert path.stat().st_size < 1_000_000
    code = f"""
import resource, sys
import numpy as np, pyarrow.parquet
from degen.embeddings import load_matrix
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
values = load_matrix({str(path)!r}).values
print(values.shape, float(values.sum()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *shape, total, grown = done.stdout.split()
    assert ("".join(shape), float(total)) == (f"({n},{d})", n * d)
    unit = 1024 if sys.platform != "darwin" else 1
    assert int(grown) * unit < 1.9 * 8 * n * d


def test_a_table_that_does_not_fit_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "m.parquet"
    pq.write_table(pa.table({f"c{at}": pa.array(np.ones(70_000)) for at in range(200)}), path)
    monkeypatch.setattr("degen.files.memory.available", lambda: 50_000_000)
    refused(path, "112 MB of memory", "50 MB are available")
