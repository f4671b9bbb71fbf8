"""Settings of the whole process while a run lasts: PyTorch's threads and determinism, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from degen.config.schema import TrainingConfig


@contextmanager
def torch_settings(config: TrainingConfig) -> Iterator[None]:
    """Apply `threads` and `deterministic`, which PyTorch keeps for the whole process, for one run only.

    NumPy's BLAS has threads of its own: training leaves its large products and factors to PyTorch.
    """
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else PyTorch refuses products on CUDA
    try:
        torch.set_num_threads(config.threads or threads)
        if config.deterministic:
            torch.use_deterministic_algorithms(True)
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)


@contextmanager
def deferred_interrupt() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, so that no step is cut in half; a second interrupts at once."""
    interrupted = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    # Python sets handlers in its main thread only, a handler set in C cannot be restored, and a Ctrl-C that
    # is ignored stays ignored.
    if threading.current_thread() is not threading.main_thread() or before in (None, signal.SIG_IGN):
        yield interrupted
        return

    def note(_signal: int, _frame: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
