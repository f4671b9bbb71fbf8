"""What a recorded epoch measures besides its item embeddings: uniformity and alignment of representations."""

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
    """The same rows of the representations each epoch: `samples` of them, or all, drawn by `seed`."""

    samples: int
    seed: int
    n: int | None = field(default=None, init=False)
    """How many representations the first epoch had."""

    def measure(self, representations: Any, pairs: Mapping[str, Any]) -> dict[str, float]:
        """Return `uniformity` of the probe's rows, and the alignment of each pair that is given, by its key.

        Raises
        ------
        UserError
            if an array does not fit; if there are more or fewer representations than in the first epoch, so
            that the rows could not be the same.
        """
        measured = {} if representations is None else {"uniformity": self._uniformity(representations)}
        for key, pair in pairs.items():
            if pair is not None:
                measured[key] = _alignment(key, pair)
        return measured

    def _uniformity(self, representations: Any) -> float:
        rows = as_rows(representations, "representations")
        if self.n not in (None, len(rows)):
            raise UserError(
                f"representations has {len(rows)} rows, and had {self.n} before; give those of the same "
                "sequences, in one order, each epoch"
            )
        self.n = len(rows)
        drawn = np.random.default_rng(self.seed).choice(self.n, min(self.samples, self.n), replace=False)
        return uniformity(rows[np.sort(drawn)])


def _alignment(key: str, pair: Any) -> float:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise UserError(f"{key} takes two arrays [m, d], (x, y), whose rows i are a pair")
    x, y = (as_rows(view, f"{key}[{side}]") for side, view in enumerate(pair))
    if x.shape != y.shape:
        raise UserError(f"{key} has views of shape {list(x.shape)} and {list(y.shape)}; give a row a pair")
    return alignment(x, y)
