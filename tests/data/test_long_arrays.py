"""Operations on long arrays in blocks, compared with NumPy on the whole array."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degen.data import long_arrays
from degen.data.long_arrays import Column, blocks, count, keep, lookup

CODES = st.lists(st.integers(0, 6), max_size=30)


@pytest.fixture(autouse=True, scope="module")
def blocks_of_four():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_arrays, "BLOCK", 4)
        yield


@pytest.mark.parametrize(("n", "size"), [(0, None), (3, None), (4, None), (9, None), (9, 2)])
def test_blocks_cover_everything_once_and_in_order(n, size):
    parts = [list(range(n))[part] for part in blocks(n, size)]
    assert [index for part in parts for index in part] == list(range(n))
    assert all(len(part) == (size or 4) for part in parts[:-1])


@given(CODES)
def test_lookup_and_count_are_numpys(codes):
    column, table = np.array(codes, dtype=np.int32), np.array([3.5, -1, 0, 2, 8, 9, 7])
    assert lookup(table, column).tolist() == [table[code] for code in codes]
    assert count(column, 9).tolist() == [codes.count(code) for code in range(9)]


@given(st.lists(st.tuples(st.integers(0, 99), st.booleans()), max_size=30))
def test_what_is_kept_moves_to_the_front(rows):
    column = np.array([value for value, _ in rows], dtype=np.int32)
    kept = keep(column, np.array([stays for _, stays in rows], dtype=bool))
    assert kept.tolist() == [value for value, stays in rows if stays]
    assert np.shares_memory(kept, column) or not len(kept)


@given(st.lists(st.lists(st.integers(0, 99), max_size=9), max_size=9), st.integers(1, 5))
def test_a_column_is_its_parts_joined(parts, least):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_arrays, "_LEAST", least)
        patch.setattr(long_arrays, "_PIECE", 24)
        check_column(parts)


def check_column(parts):
    column = Column(np.int32)
    for part in parts:
        column.append(np.array(part, dtype=np.int64))
    whole = [value for part in parts for value in part]
    assert len(column) == len(whole)
    assert (array := column.finish()).tolist() == whole
    assert array.dtype == np.int32
    # It begins anew, and what it gave away stays as it is.
    column.append(np.array([5]))
    assert column.finish().tolist() == [5]
    assert array.tolist() == whole


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of resident memory from Linux")
def test_a_column_never_takes_twice_its_memory():
    # Resident memory, since the joined array exists before its pieces are gone, but is not there before it is
    # written. 480 MB in many pieces.
    script = """
import numpy as np
from degen.data.long_arrays import Column

def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))

n, part, before = 60_000_000, np.arange(100_000), peak()
column = Column(np.int64)
for _ in range(n // len(part)):
    column.append(part)
values = column.finish()
assert len(values) == n and (values[-100_000:] == part).all()
print((peak() - before) / (8 * n))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 1 <= float(done.stdout) < 1.35
