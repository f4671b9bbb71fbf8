"""Weights in HDF5, written by h5py under the names that Keras gives them."""

from __future__ import annotations

import io
import json
import sys
import zipfile

import numpy as np
import pytest
from refusals import refused

from degen.embeddings import FileRows, load_matrix
from degen.errors import UserError

h5py = pytest.importorskip("h5py", reason="needs h5py: pip install 'degen[hdf5]'")

VALUES = np.arange(1, 22, dtype=np.float32).reshape(7, 3)


def written(path, arrays, **more):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values, **more)
    return path


LEGACY = {
    "model_weights/item_embedding/item_embedding/embeddings:0": VALUES,
    "model_weights/dense/dense/kernel:0": np.ones((3, 3), "f4"),
    "optimizer_weights/Adam/item_embedding/embeddings/m:0": VALUES * 0,
}
KERAS3 = {
    "layers/embedding/vars/0": VALUES,
    "layers/dense/vars/0": np.ones((3, 3), "f4"),
    "layers/dense/vars/1": np.ones(3, "f4"),
    "optimizer/vars/2": VALUES * 0,
}


@pytest.mark.parametrize("arrays", [LEGACY, KERAS3])
@pytest.mark.parametrize("name", ["m.h5", "m.hdf5", "m.weights.h5", "m.keras"])
def test_keras_embeddings_by_their_usual_names(tmp_path, arrays, name):
    path = tmp_path / name
    if name == "m.keras":
        buffer = io.BytesIO()
        written(buffer, arrays)
        config = {"class_name": "Lambda", "config": {"function": "__import__('os').system('touch x')"}}
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", "{}")
            archive.writestr("config.json", json.dumps(config))
            archive.writestr("model.weights.h5", buffer.getvalue())
    else:
        written(path, arrays)
    matrix = load_matrix(path)
    np.testing.assert_array_equal(matrix.values, VALUES)
    assert matrix.values.dtype == np.float32
    assert f"the matrix is {next(iter(arrays))}; `key` chooses another of 2" in matrix.notes[0]
    dense = next(key for key in arrays if "dense" in key)
    assert load_matrix(path, dense).values.shape == (3, 3)
    refused(path, "no array 'optimizer", key=next(key for key in arrays if "optimizer" in key))


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f2", "<f8", "<i4", "u1"])
@pytest.mark.parametrize("more", [{}, {"compression": "gzip"}, {"chunks": (2, 2)}, {"compression": "lzf"}])
def test_types_and_ways_of_storing(tmp_path, kind, more):
    path = written(tmp_path / "m.h5", {"a/b": VALUES.astype(kind)}, **more)
    for key in (None, "a/b", "b"):
        matrix = load_matrix(path, key)
        np.testing.assert_array_equal(matrix.values, VALUES)


def test_several_matrices_are_listed(tmp_path):
    path = written(tmp_path / "m.h5", {"users": VALUES, "items": VALUES, "text": [b"x"] * 3, "number": 3.0})
    refused(path, "2 matrices", "`key`", "items [7, 3]")
    refused(path, "did you mean 'items'?", key="itmes")


def test_a_large_matrix_stays_in_its_file(tmp_path, monkeypatch):
    for module in ("named_arrays", "weights.hdf5"):
        monkeypatch.setattr(f"degen.embeddings.formats.{module}.LARGE", 40)
    path = written(tmp_path / "m.h5", {"other": np.ones(9), "m": VALUES})
    values = load_matrix(path, "m").values
    assert isinstance(values, FileRows)
    np.testing.assert_array_equal(values[:], VALUES)
    with h5py.File(tmp_path / "u.h5", "w", userblock_size=1024) as file:
        file["m"] = VALUES
    np.testing.assert_array_equal(load_matrix(tmp_path / "u.h5").values[:], VALUES)


def test_nothing_outside_the_file_is_read(tmp_path):
    secret = written(tmp_path / "secret.h5", {"s": VALUES})
    VALUES.tofile(tmp_path / "secret.bin")
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["plain"] = np.ones((2, 2))
        file["external"] = h5py.ExternalLink(str(secret), "s")
        file["soft"] = h5py.SoftLink("/plain")
        file["loop"] = file["/"]
        layout = h5py.VirtualLayout(shape=(7, 3), dtype="f4")
        layout[:] = h5py.VirtualSource(str(secret), "s", shape=(7, 3))
        file.create_virtual_dataset("virtual", layout)
        outside = [(str(tmp_path / "secret.bin"), 0, 84)]
        file.create_dataset("outside", shape=(7, 3), dtype="f4", external=outside)
        file["reference"] = np.array([file["plain"].ref], dtype=h5py.ref_dtype)
    for key in ("virtual", "outside"):
        refused(path, f"'{key}' has its numbers in other files", key=key)
    for key in ("external", "soft", "reference"):
        refused(path, f"no array '{key}'", key=key)
    assert load_matrix(path, "plain").values.shape == (2, 2)


def test_a_dataset_that_claims_more_than_it_holds(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("m", shape=(10**9, 64), dtype="f8", chunks=(1000, 64), compression="gzip")
    refused(tmp_path / "m.h5", "not a .h5 file of numbers")


def test_damaged_files(tmp_path):
    whole = written(tmp_path / "good.h5", LEGACY).read_bytes()
    path = tmp_path / "m.h5"
    for content in (b"", b"text", whole[:1000], whole[:100]):
        path.write_bytes(content)
        refused(path, "not a .h5 file of numbers")
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    refused(path, "not a .keras file of numbers")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", b"\0" * (1 << 24))
    refused(path, "not a .keras file of numbers")


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    path = written(tmp_path / "m.h5", {"m": VALUES})
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UserError, match=r"pip install 'degen\[hdf5\]'"):
        load_matrix(path)
