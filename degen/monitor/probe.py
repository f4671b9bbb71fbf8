"""Uniformity and alignment of the sequence representations of a recorded epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from degen.analysis.measures.alignment import alignment, uniformity
from degen.errors import UserError
from degen.monitor.arrays import as_rows


@dataclass
class Probe:
    """The rows that are measured in each epoch: `samples` of them, or all if there are fewer, by `seed`."""

    samples: int
    seed: int
    n: int | None = field(default=None, init=False)
    """Number of representations in the first epoch."""

    def measure(self, representations: Any, pairs: Mapping[str, Any]) -> dict[str, float]:
        """Return the `uniformity` of the probe's rows, and the alignment of each pair, by its key."""
        measured = {} if representations is None else {"uniformity": self._uniformity(representations)}
        return measured | {key: _alignment(key, pair) for key, pair in pairs.items() if pair is not None}

    def _uniformity(self, representations: Any) -> float:
        rows = as_rows(representations, "representations")
        if self.n not in (None, len(rows)):
            raise UserError(
                f"representations has {len(rows)} rows, and had {self.n} before; give those of the "
                "same sequences, in the same order, in each epoch"
            )
        self.n = len(rows)
        drawn = np.random.default_rng(self.seed).choice(self.n, min(self.samples, self.n), replace=False)
        return uniformity(rows[np.sort(drawn)])


def _alignment(key: str, pair: Any) -> float:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise UserError(f"{key} takes two arrays (x, y), each [m, d]; rows i of both are a pair")
    x, y = (as_rows(view, f"{key}[{side}]") for side, view in enumerate(pair))
    if x.shape != y.shape:
        raise UserError(
            f"{key} has views of shape {list(x.shape)} and {list(y.shape)}; give one row per pair"
        )
    return alignment(x, y)
