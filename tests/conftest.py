"""Fixtures of every test, and what a test process sets before NumPy and PyTorch are loaded."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

# Read when NumPy and PyTorch are loaded. On matrices as small as the tests' threads wait for one another, on
# a busy machine for seconds.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings

from degen.modules import IMPORTED

# A busy machine is no failure, and the same examples are drawn on every machine. Since they are the same each
# time, half of Hypothesis' usual number serves. `pytest --hypothesis-profile thorough` looks for new ones.
settings.register_profile("degen", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("degen")


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_interrupts() -> Iterator[None]:
    """Let Ctrl-C interrupt, however the tests were started: a background job of a shell has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def signals() -> Iterator[None]:
    """Give the signals that a worker handles back to the tests."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real logs; the test is skipped where there is none."""
    folder = os.environ.get("DEGEN_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs real logs: set DEGEN_DATA to the folder that holds beauty.txt.gz and the like")
    return Path(folder)


@pytest.fixture(autouse=True)
def no_width_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tables have the width of a pipe, whatever the shell that starts the tests has set."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep prepared logs of tests out of the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEGEN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(autouse=True)
def no_module_of_a_user(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Forget modules that a test imported by `--import`, their measures, and variants that a test registered.

    A module of the same name of another test would otherwise be taken for it, and the workers of a study
    would import both. A test may call what this returns, to be as a new process that knows none of them.
    """
    monkeypatch.setattr(sys, "path", list(sys.path))
    before, path = list(IMPORTED), list(sys.path)

    def forget() -> None:
        sys.path[:] = path
        own = set(IMPORTED) - set(before)
        IMPORTED[:] = before
        if own:
            _forget(own)
        if variants := sys.modules.get("degen.model.variants"):
            for name in variants.REGISTERED:
                variants.VARIANTS.pop(name, None)
            variants.REGISTERED.clear()

    yield forget
    forget()


def _forget(own: set[str]) -> None:
    """Forget modules, and the measures that they registered."""
    from degen.analysis.registry import COMPARISONS, MEASURES, PROFILES

    for registry in (MEASURES, PROFILES, COMPARISONS):
        for name in [name for name, entry in registry.items() if entry.function.__module__ in own]:
            del registry[name]
    for name in own:
        sys.modules.pop(name, None)
