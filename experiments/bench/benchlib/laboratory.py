"""Checks of the laboratory by `gpu.py` on one device: measures of tensors, steps of mitigations, traces."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from degen.analysis import MEASURES, PROFILES, Analysis, Rows, chosen_measures
from degen.analysis.passes.arrays import Array
from degen.training.padded.stack import Stack
from degen.training.recording.trace import Tracer
from degen.training.trainer import Trainer

ROWS = 2_000
"""Of the matrix of which everything is measured: few enough for all pairs."""

BOUND = 1e-9
"""Between the float64 measures of two devices, relative above 1."""

QUADRATIC = "spectrum,isotropy,health"
"""The groups that are O(n d²), which are timed."""

Section = dict[str, Any]


def measures_agree(device: torch.device, rows: int = ROWS) -> Section:
    """Every measure of a tensor on `device`, beside NumPy's of the same numbers."""
    rng = np.random.default_rng(0)
    V = rng.normal(size=(rows, 64)) / np.sqrt(np.arange(1, 65)) + 0.3 * rng.random(64)
    frequency, H = rng.geometric(0.05, size=rows) - 1, rng.normal(size=(500, 64))
    expected, found = (
        Analysis.of(
            Rows(move(V), frequency, move(H)), list(MEASURES.values()), list(PROFILES.values())
        ).values
        for move in (np.asarray, lambda values: torch.from_numpy(values).to(device))
    )
    errors = relative_errors(expected, found)
    worst = max(errors, key=errors.__getitem__)
    return {
        "compared": len(errors),
        "worst": worst,
        "error": errors[worst],
        "exact": expected.keys() == found.keys() and errors[worst] <= BOUND,
    }


def relative_errors(expected: Mapping[str, float], found: Mapping[str, float]) -> dict[str, float]:
    """Of the finite values that both have; of those below 1 the absolute error."""
    return {
        name: abs(found[name] - value) / max(1.0, abs(value))
        for name, value in expected.items()
        if name in found and np.isfinite(value)
    }


def measure_seconds(device: torch.device, rows: int) -> Section:
    """Seconds of the O(n d²) measures of `rows` × 64 float32, in NumPy and on `device`; medians of 3."""
    V = np.random.default_rng(1).normal(size=(rows, 64)).astype(np.float32)
    there = torch.from_numpy(V).to(device)
    return {"rows": rows, "numpy": _seconds(V), "device": _seconds(there)}


def _seconds(values: Array) -> float:
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        Analysis.of(Rows(values), chosen_measures(QUADRATIC))  # its numbers are the host's: nothing waits
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def steps_agree(make: Callable[[str, str], Trainer], variants: list[str]) -> Section:
    """The largest relative error of a mean loss after 3 steps on the device, alone and as a stack of one,
    against the CPU's, by variant.

    `make` gives a trainer without dropout of a variant on `cpu` or on the `device`.
    """
    found = {}
    for variant in variants:
        alone = [make(variant, place).epoch(1) for place in ("cpu", "device")]
        stacked = Stack([make(variant, "device")]).epoch(1, 3)
        for epoch in (*alone, stacked):
            for _ in range(3):
                epoch.step()
        expected, *losses = (
            np.array(list(epoch.mean_losses().values())) for epoch in (*alone, *stacked.epochs)
        )
        found[variant] = max(
            float(np.max(np.abs(own - expected) / np.maximum(1, np.abs(expected)))) for own in losses
        )
    return found


def traces_agree(make: Callable[[str, str], Trainer], frequency: npt.NDArray[np.int64]) -> Section:
    """DuoRec's first trace on the device beside the CPU's: largest error of a share, and its seconds."""
    rows = []
    for place in ("cpu", "device"):
        tracer = Tracer(make("duorec", place), frequency)
        tracer.begin([])
        tracer.measure(1)
        rows.append(tracer.rows[0])
    errors = [
        abs(there[key] - own[key])
        for own, there in zip(rows[0]["buckets"], rows[1]["buckets"], strict=True)
        for key in own
        if key.endswith("_share")
    ]
    return {"error": max(errors), "seconds": rows[1]["trace_seconds"]}
