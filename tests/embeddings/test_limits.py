"""Files that claim more than they hold, or that grow when they are read: refused at once, in one sentence."""

from __future__ import annotations

import io
import json
import lzma
import pickle
import struct
import tracemalloc
import warnings
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from checkpoints import Called, Global, Storage, pickled, tensor, write_checkpoint
from refusals import refused

from degen.embeddings import load_matrix
from degen.embeddings.formats import inert_pickle
from degen.embeddings.formats.inert_pickle import NotAPickle, read_pickle
from degen.embeddings.formats.numpy_files import open_npz
from degen.errors import UserError

VALUES = np.arange(12, dtype=np.float32).reshape(4, 3)


def npy(header, data=b""):
    """A `.npy` with any header."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + data


def described(descr="'<f4'", shape="(4, 3)"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


def saved(values):
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


# ------------------------------------------------------------------------------------------------------ NumPy


@pytest.mark.parametrize(
    "header",
    [
        described(shape="(9223372036854775808, 1)"),
        described(shape="(0, 4611686018427387904)"),
        described(shape="(-1, 3)"),
        described(shape="(True, 3)"),
        described(shape="(1,) * 99"),
        described(descr="()"),
        described(descr="('<f4', (3,))"),
        described(descr="'|O'"),
        described(shape="(" * 3000),
        "-" * 9000 + "1",
        "{" * 200,
    ],
)
@pytest.mark.parametrize("name", ["m.npy", "m.npz"])
def test_headers_that_no_array_has(tmp_path, header, name):
    path, content = tmp_path / name, npy(header, b"\0" * 48)
    if name == "m.npy":
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("m.npy", content)
    refused(path, f"not a .{name[-3:]} file of numbers")


def test_a_long_header_in_a_packed_archive_is_not_unpacked(tmp_path):
    content = b"\x93NUMPY\x02\0" + struct.pack("<I", 1 << 24) + b" " * (1 << 24)
    with zipfile.ZipFile(tmp_path / "m.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m.npy", content)
    tracemalloc.start()
    refused(tmp_path / "m.npz", "not a .npz file of numbers")
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


def test_archives_packed_by_other_methods_and_damaged(tmp_path):
    path = tmp_path / "m.npz"
    for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("m.npy", saved(np.random.default_rng(0).normal(size=(40, 6))))
        assert load_matrix(path).values.shape == (40, 6)
        content = bytearray(path.read_bytes())
        for at in range(40, 300, 7):
            content[at] ^= 255
        path.write_bytes(bytes(content))
        refused(path, "not a .npz file of numbers")
    assert issubclass(lzma.LZMAError, Exception)


def test_an_archive_is_opened_once_however_many_arrays_it_has(tmp_path, monkeypatch):
    path = tmp_path / "m.npz"
    np.savez(path, **{f"a{number}": VALUES for number in range(300)})
    opened = []
    real = zipfile.ZipFile.__init__
    monkeypatch.setattr(
        zipfile.ZipFile,
        "__init__",
        lambda self, *given, **more: opened.append(1) or real(self, *given, **more),
    )
    assert len(open_npz(path).arrays) == 300
    assert len(opened) == 1


def test_an_array_that_cannot_have_been_packed_into_so_few_bytes(tmp_path):
    path, huge = tmp_path / "m.npz", 1 << 40
    content = npy(described(shape=f"({huge // 4}, 1)"), b"\0" * 48)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m.npy", content)
    whole = path.read_bytes()
    # The size that the central directory states, of 32 bits, is at byte 24 of its entry.
    at = whole.rindex(b"PK\x01\x02") + 24
    for claimed in (1 << 31, (1 << 32) - 2):
        path.write_bytes(whole[:at] + struct.pack("<I", claimed) + whole[at + 4 :])
        refused(path, "not a .npz file of numbers")


# ------------------------------------------------------------------------------------------------ safetensors


def entry(first, last, shape=(2, 2), kind="F32"):
    return {"dtype": kind, "shape": shape, "data_offsets": [first, last]}


@pytest.mark.parametrize(
    "header",
    [
        {"m": entry(0, 0, (0, 2**62))},
        {"m": entry(0, 0, (2**62, 4))},
        {"m": entry(0, 16, (2, 2.0))},
        {"m": entry(0, 16, (2, True, 2))},
        {"m": entry(0, 16), "n": entry(8, 24)},
        {"m": entry(0, 16), "n": entry(0, 16)},
        {"m": entry(8, 24)},
        {"m": entry(0, 16, kind=["F32"])},
        {"m": entry(0, 16, (1,) * 40)},
        {"m": 5},
        {"m": {"dtype": "F32"}},
        [1],
        '{"m": %s, "m": %s}' % ((json.dumps(entry(0, 16)),) * 2),
        "[" * 100_000,
        '{"m": {"dtype": "F32", "shape": [%s, 2], "data_offsets": [0, 16]}}' % ("9" * 5000),
    ],
)
def test_headers_of_safetensors_that_no_library_writes(tmp_path, header):
    text = header if isinstance(header, str) else json.dumps(header)
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text.encode() + b"\0" * 16)
    refused(path, "not a .safetensors file of numbers")


def test_a_header_of_safetensors_longer_than_any_models(tmp_path):
    path = tmp_path / "m.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 1 << 26))
        file.truncate((1 << 26) + 8)
    refused(path, "not a .safetensors file of numbers")


# ----------------------------------------------------------------------------------------------------- pickle


def read(content):
    return read_pickle(io.BytesIO(content))


def test_one_list_in_many_calls_is_not_copied_each_time(monkeypatch):
    monkeypatch.setattr(inert_pickle, "MOST_OBJECTS", 100_000)
    ordered = b"ccollections\nOrderedDict\nq\x00"
    pairs = b"](" + b"K\x01K\x02\x86" * 1000 + b"e\x85q\x01"
    with pytest.raises(NotAPickle, match="objects"):
        read(b"\x80\x02]" + ordered + pairs + b"00" + b"h\x00h\x01R0" * 1000 + b".")


def test_an_ordered_dictionary_is_made_of_pairs():
    # A list that holds one long list many times would be flattened to all of them.
    ordered = b"ccollections\nOrderedDict\n"
    nested = b"](](" + b"K\x01" * 1000 + b"eq\x01" + b"h\x01" * 1000 + b"e\x85R."
    with pytest.raises(NotAPickle, match="pairs"):
        read(b"\x80\x02" + ordered + nested)
    assert read(pickle.dumps(OrderedDict(a=1, b=2), 2)) == {"a": 1, "b": 2}


def test_a_huge_integer_is_no_key_and_no_id(tmp_path):
    huge = 1 << 200_000
    assert read(pickle.dumps({huge: 1, 7: 2}, 4)) == {7: 2}
    state = {"vectors": VALUES, "index_to_key": ["a", "b", "c", huge], "__numpys": 5}
    made = Called(Global("gensim.models.keyedvectors", "KeyedVectors"), state={**state, huge: 1})
    (tmp_path / "m.kv").write_bytes(pickled(made, 4))
    assert load_matrix(tmp_path / "m.kv").ids is None


def doubled(depth=60):
    """A tuple that holds the one before it twice, and so on: written out, it has 2^depth parts."""
    nested = ()
    for _ in range(depth):
        nested = (nested, nested)
    return nested


@pytest.mark.parametrize("protocol", [2, 4])
def test_what_is_no_name_is_never_written_out(tmp_path, protocol):
    storage = Storage("0", 12)
    storage.identifier = ("storage", Global("torch", "FloatStorage"), doubled(), "cpu", 12)
    bad = Called(Global("torch._utils", "_rebuild_tensor_v2"), storage, 0, (4, 3), (3, 1), False, None)
    array = Called(
        Global("numpy.core.multiarray", "_reconstruct"),
        state=(1, (4, 3), Called(Global("numpy", "dtype"), doubled()), False, b"\0" * 48),
    )
    config = Called(Global("a", "Config"), state={"final_config_dict": {"model": doubled()}})
    weights = {"item_embedding.weight": tensor("0", (4, 3)), "bad": bad, "array": array}
    root = {"state_dict": weights, "config": config}
    path = write_checkpoint(tmp_path / "m.pt", root, {"0": VALUES}, protocol=protocol)
    assert load_matrix(path).values.shape[1] == 3
    refused(path, "damaged", key="bad")
    # A name that is no string.
    module = pickled(doubled(), protocol)[:-1] + b"\x8c\x01x\x93."
    assert read(module).name == ""


def test_a_long_key_in_many_places_is_not_copied(tmp_path):
    long = "k" * (1 << 20)
    root = {"items": tensor("0", (4, 3)), "many": [{long: [number]} for number in range(2000)]}
    path = write_checkpoint(tmp_path / "m.pt", root, {"0": VALUES}, protocol=4)
    tracemalloc.start()
    assert load_matrix(path).values.shape == (4, 3)
    assert tracemalloc.get_traced_memory()[1] < 1 << 26
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["f1", "u3", "U", "f16", "O8", "", "V4"])
def test_an_array_of_a_type_that_numpy_lacks_is_none(tmp_path, kind):
    dtype = Called(Global("numpy", "dtype"), kind, state=(3, "<", None, None, None, -1, -1, 0))
    array = Called(
        Global("numpy.core.multiarray", "_reconstruct"), state=(1, (4, 3), dtype, False, b"\0" * 12)
    )
    (tmp_path / "m.kv").write_bytes(pickled(array, 2))
    refused(tmp_path / "m.kv", "nothing")


@pytest.mark.parametrize("content", [b"]" * 5000 + b"a" * 4999 + b".", b"N" + b"\x85" * 100_000 + b"."])
def test_depth_takes_no_stack(tmp_path, content):
    path = tmp_path / "m.kv"
    path.write_bytes(b"\x80\x02" + content)
    refused(path, "no array of two dimensions")


def test_a_length_that_a_file_does_not_have_is_not_reserved(tmp_path):
    path = tmp_path / "m.kv"
    path.write_bytes(b"\x80\x04\x8e" + struct.pack("<Q", 1 << 45) + b"x.")
    refused(path, "not a .kv file of numbers")


# ------------------------------------------------------------------------------- tensors of other layouts


def test_tensors_that_are_no_plain_numbers_are_named_with_the_mend(tmp_path):
    path = tmp_path / "m.pt"
    dense = torch.arange(12.0).reshape(4, 3)
    with warnings.catch_warnings():
        # PyTorch says once per process that it may change these.
        warnings.simplefilter("ignore")
        quantised = torch.quantize_per_tensor(dense, 0.1, 0, torch.qint8)
        compressed = dense.to_sparse_csr()
    state = {
        "plain": dense,
        "sparse": dense.to_sparse(),
        "rows": compressed,
        "quantised": quantised,
        "meta": torch.empty(4, 3, device="meta"),
    }
    if hasattr(torch.nn, "Buffer"):  # PyTorch 2.5, which can write unsigned numbers too
        state |= {"buffer": torch.nn.Buffer(dense)}
        state |= {"unsigned": torch.arange(12).reshape(4, 3).to(torch.uint16)}
    torch.save(state, path)
    for key in state.keys() & {"plain", "buffer", "unsigned"}:
        np.testing.assert_array_equal(load_matrix(path, key).values, dense.numpy())
    for key in ("sparse", "rows"):
        refused(path, f"'{key}' is a sparse tensor", "to_dense()", key=key)
    refused(path, "'quantised' is a quantised tensor", "dequantize()", key="quantised")
    refused(path, "without numbers", key="meta")
    # They are listed with the others.
    with pytest.raises(UserError, match=rf"{len(state)} matrices.*sparse \[4, 3\]"):
        load_matrix(path)


def test_a_part_of_a_distributed_tensor_is_not_taken_for_the_whole(tmp_path):
    kind = Global("torch.distributed.tensor", "DTensor")
    layout = Called(Global("torch.serialization", "_get_layout"), "torch.strided")
    wrapped = (kind, Global("torch", "float32"), (8, 3), (3, 1), 0, layout, "cpu", False)
    local = {"_local_tensor": tensor("0", (4, 3))}
    made = Called(
        Global("torch._tensor", "_rebuild_from_type_v2"),
        Global("torch._utils", "_rebuild_wrapper_subclass"),
        kind,
        wrapped,
        (None, local),
    )
    path = write_checkpoint(tmp_path / "m.pt", {"m": made}, {"0": VALUES})
    refused(path, "'m' is a DTensor", "full_tensor()")
    other = Global("torchao.dtypes", "AffineQuantizedTensor")
    made.arguments = (made.arguments[0], other, (other, *wrapped[1:]), (None, local))
    refused(write_checkpoint(tmp_path / "m.pt", {"m": made}, {"0": VALUES}), "AffineQuantizedTensor")
