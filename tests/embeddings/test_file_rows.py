"""Rows that stay in their file: they equal the array in memory, and take little memory."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from degen.analysis import MEASURES, Analysis, Rows
from degen.embeddings import FileRows, load_matrix
from degen.embeddings.file_rows import numbers_of
from degen.errors import UserError


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Let large matrices begin at a kilobyte."""
    for module in ("named_arrays", "numpy_files", "weights.tensors"):
        monkeypatch.setattr(f"degen.embeddings.formats.{module}.LARGE", 1000)


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(0).normal(size=(700, 5)).astype(np.float32)


def check(rows, values):
    assert isinstance(rows, FileRows)
    assert (rows.shape, rows.ndim, rows.dtype, len(rows)) == (values.shape, 2, np.float32, len(values))
    np.testing.assert_array_equal(rows[:], values)
    np.testing.assert_array_equal(rows[3:9], values[3:9])


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_in_both_orders(tmp_path, values, order):
    np.save(tmp_path / "m.npy", np.array(values, order=order))
    check(load_matrix(tmp_path / "m.npy").values, values)


@pytest.mark.parametrize("dtype", [">f4", "<f2", "<f8", "<i4"])
def test_other_types_are_returned_as_floats(tmp_path, dtype):
    numbers = np.arange(3000).reshape(600, 5).astype(dtype)
    np.save(tmp_path / "m.npy", numbers)
    rows = load_matrix(tmp_path / "m.npy").values
    assert rows.dtype == (np.float32 if np.dtype(dtype).kind == "f" and dtype[-1] != "8" else np.float64)
    assert rows[:].dtype == rows.dtype
    np.testing.assert_array_equal(rows[:], numbers)


def test_members_of_an_archive_unless_they_are_packed(tmp_path, values):
    np.savez(tmp_path / "m.npz", a=np.arange(3), m=values)
    check(load_matrix(tmp_path / "m.npz").values, values)
    np.savez_compressed(tmp_path / "m.npz", a=np.arange(3), m=values)
    read = load_matrix(tmp_path / "m.npz").values
    assert isinstance(read, np.ndarray)
    np.testing.assert_array_equal(read, values)


def test_a_member_that_is_shorter_than_its_header_says(tmp_path, values):
    np.save(tmp_path / "m.npy", values)
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr("m.npy", (tmp_path / "m.npy").read_bytes()[:-20])
    with pytest.raises(UserError, match=r"not a .npz file of numbers"):
        load_matrix(tmp_path / "m.npz", "m")


def test_safetensors(tmp_path, values):
    save_file({"a": np.arange(3), "m": values, "z": values + 1}, tmp_path / "m.safetensors")
    check(load_matrix(tmp_path / "m.safetensors", "m").values, values)


@given(data=st.data())
def test_any_slice_and_any_rising_list_with_any_rows_left_out(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    n = 600
    whole = np.arange(n * 2, dtype=np.float32).reshape(n, 2)
    path = folder / "any.npy"
    if not path.exists():
        np.save(path, whole)
    out = data.draw(st.lists(st.integers(0, n - 1), max_size=5, unique=True))
    kept = np.delete(whole, out, axis=0)
    rows = load_matrix(path, skip_rows=",".join(map(str, out)) if out else "none").values
    ends = st.none() | st.integers(-n - 5, n + 5)
    part = slice(data.draw(ends), data.draw(ends), data.draw(st.none() | st.integers(1, 300)))
    np.testing.assert_array_equal(rows[part], kept[part])
    some = sorted(data.draw(st.lists(st.integers(0, len(kept) - 1), max_size=20)))
    np.testing.assert_array_equal(rows[np.array(some, dtype=np.int64)], kept[some])
    assert rows.shape == kept.shape


def test_what_is_no_rising_list_of_rows(tmp_path, values):
    np.save(tmp_path / "m.npy", values)
    rows = load_matrix(tmp_path / "m.npy").values
    for wrong in ([3, 2], [-1, 2], [0, 700], [[1]], [0.5]):
        with pytest.raises(IndexError):
            rows[np.array(wrong)]
    assert rows[np.array([], dtype=np.int64)].shape == (0, 5)
    assert rows[5:3].shape == (0, 5)


def test_a_file_cut_short_afterwards(tmp_path, values):
    path = tmp_path / "m.npy"
    np.save(path, values)
    rows = load_matrix(path).values
    path.write_bytes(path.read_bytes()[:-4])
    assert rows[:10].shape == (10, 5)
    with pytest.raises(OSError, match="cut short"):
        rows[690:]


def test_bfloat16_is_the_upper_half_of_float32():
    halves = np.array([0x3F80, 0xC000, 0x7F80, 0x0001], dtype="<u2")
    expected = np.array([1.0, -2.0, np.inf, 2.0**-133], dtype=np.float32)
    np.testing.assert_array_equal(numbers_of(halves, "bfloat16"), expected)


def test_a_pass_over_a_large_file_needs_the_memory_of_a_block(tmp_path):
    # 320 MB on disk without its blocks; a process of its own, whose peak is asked for.
    path = tmp_path / "large.npy"
    shape = (1_250_000, 64)
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape).flush()
    code = f"""
import resource, sys
import numpy as np
from degen.analysis import MEASURES, Analysis, Rows
from degen.embeddings import FileRows, load_matrix
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = load_matrix({str(path)!r}).values
assert isinstance(rows, FileRows)
total = sum(float(rows[start : start + 8192].sum()) for start in range(0, len(rows), 8192))
picked = rows[np.arange(0, len(rows), 1000)]
print(total, len(picked), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    total, picked, grown = done.stdout.split()
    assert (float(total), int(picked)) == (0, 1250)
    unit = 1024 if sys.platform != "darwin" else 1
    assert int(grown) * unit < 40_000_000


def test_every_measure_of_a_file_is_that_of_the_matrix_in_memory(tmp_path, values):
    np.save(tmp_path / "m.npy", np.vstack([np.zeros((1, 5), "f4"), values]))
    counts = np.arange(700) % 90
    rows = Rows(load_matrix(tmp_path / "m.npy", skip_rows="first").values, frequency=counts)
    assert isinstance(rows.values, FileRows)
    measures = list(MEASURES.values())
    in_file = Analysis.of(rows, measures).values
    assert len(in_file) > 10
    assert in_file == Analysis.of(Rows(values, frequency=counts), measures).values
