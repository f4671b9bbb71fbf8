"""Freed memory goes back to the system now and then.

Batches of ragged histories ask for blocks of ever new sizes. glibc keeps what is freed for later requests
that seldom fit, so that a run of DuoRec on Beauty, which needs 0.4 GB, grows past 2 GB within an hour.
`malloc_trim` hands the free pages back; every 50 steps that costs about 2 % of the time.
"""

from __future__ import annotations

import ctypes
import sys

STEPS_BETWEEN = 50


def trim_heap() -> None:
    """Hand freed pages of the C heap back to the system, where the C library can (glibc); elsewhere do
    nothing.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
