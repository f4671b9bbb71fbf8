"""Stacks that a disk stops which is full for one write, or from it on, and that go on with room again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from written import Stack

from degen.errors import UserError
from degen.runs.manifest import Manifest

TINY = {"epochs": 2, "steps_per_epoch": 2, "patience": 99}
ONE, ALL = 1, 10**6
"""Numbers of writes that fail: one, as where another process frees space at once, or all that follow."""


@pytest.fixture
def full_at(monkeypatch) -> Callable[[int, int, Callable[[], object]], bool]:
    """Call a function whose writes from number `k`, from 0, fail, `n` of them; return whether one did."""
    replace = Path.replace

    def call(k, n, function):
        seen, said = 0, ""

        def counted(self, target):
            nonlocal seen
            seen += 1
            if k < seen <= k + n:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return replace(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", counted)
            try:
                function()
            except UserError as error:
                said = str(error)
        assert not said or (seen > k and "No space left on device" in said)
        return seen > k

    return call


# The manifest is written before each file: even writes, from 0, are its own, and odd ones the files'.
SOME = [3, 41, 53, 71]
"""Moments of three runs. Of two all are tried: the work grows with the square of their number."""


@pytest.mark.parametrize("n", [ONE, ALL])
@pytest.mark.parametrize(
    ("moments", "seeds"), [(SOME, 3), pytest.param(range(200), 2, marks=pytest.mark.slow)]
)
def test_a_stack_goes_on_to_the_same_bits_wherever_the_disk_is_full(
    log, tmp_path, full_at, n, moments, seeds
):
    stack = Stack(log, tmp_path, seeds, **TINY)
    stack.train("whole")
    expected = stack.results("whole")
    stopped = list[int]()
    for k in moments:
        if not full_at(k, n, lambda k=k: stack.train(k)):
            break
        stopped.append(k)
        stack.train(k, resume=True)
        assert stack.results(k) == expected, f"full at write {k}"
        for out in stack.outs(k):
            manifest = Manifest.read(out)
            assert [name for name in manifest.names if manifest.fault(name)] == []
            assert manifest.under_way == {}
    assert len(stopped) >= min(50, len(moments))
