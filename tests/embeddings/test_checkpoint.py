"""Weights in PyTorch's files of today and before 1.6, and files that misstate their sizes."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from checkpoints import Called, Global, Storage, pickled, tensor, write_checkpoint
from refusals import refused

from degen.embeddings import FileRows, load_matrix
from degen.embeddings.formats import named_arrays
from degen.errors import UserError

VALUES = np.arange(12, dtype=np.float32).reshape(4, 3) / 8


def check(path, key=None):
    matrix = load_matrix(path, key)
    np.testing.assert_array_equal(matrix.values, VALUES)
    assert matrix.values.dtype == np.float32
    assert matrix.values.flags.writeable
    return matrix


# ----------------------------------------------------------------------------------------- as torch writes it


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".bin"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("new", [True, False])
def test_a_state_dict_of_every_protocol_new_and_old(tmp_path, suffix, protocol, new):
    path = tmp_path / f"weights{suffix}"
    state = OrderedDict(bias=torch.ones(3), items=torch.from_numpy(VALUES), other=torch.zeros(7))
    torch.save(state, path, pickle_protocol=protocol, _use_new_zipfile_serialization=new)
    check(path)
    check(path, "items")


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (torch.float64, "f8"),
        (torch.float32, "f4"),
        (torch.float16, "f4"),
        (torch.bfloat16, "f4"),
        (torch.int64, "f8"),
        (torch.int32, "f8"),
        (torch.int16, "f8"),
        (torch.int8, "f8"),
        (torch.uint8, "f8"),
    ],
)
def test_types(tmp_path, new, dtype, expected):
    values = torch.arange(12).reshape(4, 3).to(dtype)
    torch.save({"m": values}, tmp_path / "m.pt", _use_new_zipfile_serialization=new)
    matrix = load_matrix(tmp_path / "m.pt")
    assert matrix.values.dtype == np.dtype(expected)
    np.testing.assert_array_equal(matrix.values, np.arange(12).reshape(4, 3))


@pytest.mark.parametrize("new", [True, False])
def test_types_that_are_no_real_numbers_stand_beside_those_that_are(tmp_path, new):
    path = tmp_path / "m.pt"
    masks = {"a": torch.ones(5, 5, dtype=torch.bool), "b": torch.ones(2, dtype=torch.complex64)}
    torch.save({**masks, "m": torch.from_numpy(VALUES)}, path, _use_new_zipfile_serialization=new)
    check(path, "m")
    refused(path, "holds bool", "real numbers", key="a")


def test_a_type_that_numpy_lacks(tmp_path):
    described = Called(
        Global("torch._utils", "_rebuild_tensor_v2"),
        Storage("0", 12, "QInt8Storage"),
        0,
        (4, 3),
        (3, 1),
        False,
        None,
    )
    path = write_checkpoint(tmp_path / "m.pt", {"m": described}, {"0": VALUES})
    refused(path, "'m' holds torch.QInt8Storage", "float32")


def test_torchscript_packs_its_code_which_is_not_read(tmp_path):
    path = write_checkpoint(tmp_path / "m.pt", {"m": tensor("0", (4, 3))}, {"0": VALUES})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/code/__torch__.py", "def f(): ...\n" * 100)
    check(path)


@pytest.mark.parametrize("new", [True, False])
def test_views_of_a_larger_storage_are_read_where_they_lie(tmp_path, new):
    whole = torch.arange(60, dtype=torch.float32).reshape(6, 10)
    views = {
        "transposed": whole.T,
        "inside": whole[1:4, 2:8:2],
        "rows": whole[2:5],
        "column": whole[:, 3:4],
    }
    torch.save(views, tmp_path / "m.pt", _use_new_zipfile_serialization=new)
    for name, view in views.items():
        np.testing.assert_array_equal(load_matrix(tmp_path / "m.pt", name).values, view.numpy())


def test_parameters_whole_models_and_wrapped_ones(tmp_path):
    model = torch.nn.Sequential(torch.nn.Embedding(4, 3), torch.nn.LayerNorm(3))
    model[0].weight.data = torch.from_numpy(VALUES)
    torch.save(model, tmp_path / "whole.pt")
    check(tmp_path / "whole.pt", "0.weight")
    check(tmp_path / "whole.pt")
    torch.save({"net": {"deep": [model[0].weight]}}, tmp_path / "parameter.pt")
    check(tmp_path / "parameter.pt", "net.deep.0")
    torch.save({"state_dict": torch.nn.DataParallel(model).state_dict()}, tmp_path / "wrapped.pt")
    check(tmp_path / "wrapped.pt", "module.0.weight")
    check(tmp_path / "wrapped.pt", "0.weight")


def test_an_optimizers_copies_of_a_matrix_are_none(tmp_path):
    weight = torch.nn.Parameter(torch.from_numpy(VALUES.copy()))
    optimizer = torch.optim.Adam([weight])
    weight.sum().backward()
    optimizer.step()
    weights = {"w": torch.from_numpy(VALUES), "optimal.bias": torch.ones(3)}
    state = {"state_dict": weights, "optimizer": optimizer.state_dict()}
    torch.save({**state, "optimizer_states": [optimizer.state_dict()]}, tmp_path / "m.ckpt")
    check(tmp_path / "m.ckpt")
    assert load_matrix(tmp_path / "m.ckpt", "w").values.shape == (4, 3)
    refused(tmp_path / "m.ckpt", "known: optimal.bias, w", key="zzz")


def test_numpy_arrays_in_a_checkpoint(tmp_path):
    for protocol in (2, 4, 5):
        for order in ("C", "F"):
            array = np.array(VALUES, order=order)
            torch.save({"m": array}, tmp_path / "m.pt", pickle_protocol=protocol)
            check(tmp_path / "m.pt")


def test_what_is_inside_is_listed_the_largest_first(tmp_path):
    state = {
        "b": torch.ones(5),
        "small": torch.ones(2, 3),
        "items": torch.ones(9, 3),
        "users": torch.ones(7, 3),
    }
    torch.save(state, tmp_path / "m.pt")
    refused(tmp_path / "m.pt", "3 matrices", "`key`", "items [9, 3], users [7, 3], small [2, 3], b [5]")
    for key in ("itms", "tems"):
        refused(tmp_path / "m.pt", "did you mean 'items'?", key=key)
    torch.save({"a": {"w": torch.ones(2, 3)}, "b": {"w": torch.ones(2, 3)}}, tmp_path / "m.pt")
    refused(tmp_path / "m.pt", "several arrays 'w'", "a.w, b.w", key="w")


def test_a_large_matrix_stays_in_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr("degen.embeddings.formats.named_arrays.LARGE", 40)
    monkeypatch.setattr("degen.embeddings.formats.weights.tensors.LARGE", 40)
    matrix = torch.from_numpy(VALUES)
    above = torch.cat([torch.zeros(2, 3), matrix])
    state = {"before": torch.ones(5), "m": matrix, "t": matrix.T, "rows": above[2:]}
    for new in (True, False):
        torch.save(state, tmp_path / "m.pt", _use_new_zipfile_serialization=new)
        for name in ("m", "rows"):
            values = load_matrix(tmp_path / "m.pt", name).values
            assert isinstance(values, FileRows)
            np.testing.assert_array_equal(values[:], VALUES)
        np.testing.assert_array_equal(load_matrix(tmp_path / "m.pt", "t").values, VALUES.T)
    assert named_arrays.LARGE == 40
    (tmp_path / "m.pt").write_bytes((tmp_path / "m.pt").read_bytes()[:-4])
    refused(tmp_path / "m.pt", "cut short", key="m")


def test_big_endian_files(tmp_path):
    path = write_checkpoint(
        tmp_path / "m.pt", {"m": tensor("0", (4, 3))}, {"0": VALUES.astype(">f4")}, order="big"
    )
    check(path)
    old = write_checkpoint(tmp_path / "o.pt", {"m": tensor("0", (4, 3))}, {"0": VALUES}, order=None)
    check(old)


# ----------------------------------------------------------------------------- files that are not as they say


@pytest.mark.parametrize(
    "described",
    [
        tensor("0", (5, 3)),
        tensor("0", (4, 3), offset=1),
        tensor("0", (4, 3), offset=2**62),
        tensor("0", (4, 3), stride=(4, 1)),
        tensor("0", (10**9, 10**9), stride=(0, 0)),
        tensor("0", (10**9, 64), stride=(0, 1)),
        tensor("0", (2**40, 2**40)),
        tensor("0", (0, 3)),
        tensor("missing", (4, 3)),
        tensor("../../etc/passwd", (4, 3)),
    ],
    ids=[
        "more rows",
        "offset",
        "far offset",
        "stride",
        "expanded",
        "rows again and again",
        "huge",
        "no rows",
        "no storage",
        "a path",
    ],
)
def test_a_tensor_beyond_its_storage_is_damage(tmp_path, described):
    refused(write_checkpoint(tmp_path / "m.pt", {"m": described}, {"0": VALUES}), "damaged", key="m")


def test_a_storage_that_is_a_view_of_another_is_not_guessed_at(tmp_path):
    described = tensor("0", (4, 3))
    described.arguments[0].identifier += (("1", 3, 12),)
    refused(write_checkpoint(tmp_path / "m.pt", {"m": described}, {"0": VALUES}), "damaged", key="m")


@pytest.mark.parametrize(
    ("shape", "stride", "offset"),
    [
        ((-4, 3), (3, 1), 0),
        ((4, 3), (-3, 1), 9),
        ((4, 3), (3, 1), -1),
        ((4.0, 3), (3, 1), 0),
        ((True, 3), (3, 1), 0),
    ],
)
def test_what_is_no_shape_is_no_tensor(tmp_path, shape, stride, offset):
    described = Called(
        Global("torch._utils", "_rebuild_tensor_v2"), Storage("0", 12), offset, shape, stride, False, None
    )
    refused(write_checkpoint(tmp_path / "m.pt", {"m": described}, {"0": VALUES}), "nothing")


def test_other_files_under_the_name_of_a_checkpoint(tmp_path):
    path = tmp_path / "m.pth"
    good = write_checkpoint(tmp_path / "good.pt", {"m": tensor("0", (4, 3))}, {"0": VALUES}).read_bytes()
    torch.save({"m": torch.from_numpy(VALUES)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    old = (tmp_path / "old.pt").read_bytes()
    contents = [
        b"",
        b"text",
        pickle.dumps(VALUES),
        good[:-30],
        good[:200],
        old[:-8],
        old[:60],
        b"PK\x03\x04rest",
    ]
    for content in contents:
        path.write_bytes(content)
        refused(path, "not a .pth file of numbers", "never unpickled")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(path, "not a .pth file of numbers")


def test_a_checkpoint_of_which_any_byte_was_changed_is_read_or_refused(tmp_path):
    path = tmp_path / "m.pt"
    for new in (True, False):
        torch.save({"m": torch.from_numpy(VALUES)}, path, _use_new_zipfile_serialization=new)
        whole = path.read_bytes()
        for at in range(0, len(whole), 3):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
            try:
                load_matrix(path)
            except UserError:
                continue


def test_a_compressed_zip_is_refused_whatever_it_promises(tmp_path):
    bomb = b"\0" * (1 << 24)
    path = write_checkpoint(
        tmp_path / "m.pt",
        {"m": tensor("0", (1 << 16, 64))},
        {"0": bomb},
        compression=zipfile.ZIP_DEFLATED,
    )
    assert path.stat().st_size < 1 << 16
    refused(path, "compressed zip", "save it again")


# ----------------------------------------------------------------------------------------------------- gensim


def keyed_vectors(vectors, **more):
    """Return the pickle of KeyedVectors that gensim 4 writes, by protocol 4."""
    names = ["a", "b c", "d", "e"]
    state = {"vector_size": 3, "index_to_key": names, "key_to_index": dict(zip(names, range(4), strict=True))}
    made = Called(Global("gensim.models.keyedvectors", "KeyedVectors"), state={**state, **vectors, **more})
    return pickled(made, 4)


def test_gensims_own_file_with_its_vectors_inside_or_beside(tmp_path):
    path = tmp_path / "words.kv"
    path.write_bytes(keyed_vectors({"vectors": VALUES}, expandos={"count": np.arange(4)}))
    assert check(path).ids == ["a", "b c", "d", "e"]
    path.write_bytes(keyed_vectors({"__numpys": ["vectors"]}))
    refused(path, "words.kv.vectors.npy", "bring it along")
    np.save(tmp_path / "words.kv.vectors.npy", VALUES)
    assert check(path).ids == ["a", "b c", "d", "e"]
    path.write_bytes(keyed_vectors({"vectors": VALUES[:3]}))
    assert load_matrix(path).ids is None
    path.write_bytes(keyed_vectors({"vectors": np.array(1, dtype=np.float32)}))
    refused(path, "shape []", key="vectors")
    path.write_bytes(b"text")
    refused(path, "not a .kv file of numbers")
