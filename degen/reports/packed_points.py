"""Clouds of items for the page's script, as 16-bit numbers in base64 within a budget of bytes.

Where all items would not fit, a sample is drawn in which rare and frequent items keep their shares.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.passes.buckets import Int, sample_rows
from degen.plots.style import UNSEEN_LABEL
from degen.plots.svd import Limits, common_limits, setting_points
from degen.reports.contents import Cloud, Group

_HIGHEST = 65_535
_BYTES = 8  # of an item in a cloud: three 16-bit numbers in base64


@dataclass(frozen=True, eq=False)
class _Catalogue:
    """Items with their frequencies, and the clouds of exactly these items."""

    ids: Sequence[str]
    frequency: npt.NDArray[np.int64] | None
    clouds: list[tuple[str, Cloud]]

    def matches(self, cloud: Cloud) -> bool:
        one, other = self.frequency, cloud.frequency
        counted = one is not None and other is not None and np.array_equal(one, other)
        return list(self.ids) == list(cloud.ids) and (counted or one is other)

    @property
    def bytes_needed(self) -> int:
        return len(json.dumps(list(self.ids))) + _BYTES * len(self.ids) * len(self.clouds)


def pack(groups: Sequence[Group], budget: int) -> list[dict[str, Any]]:
    """Return the data of each group for the script, in about `budget` bytes of JSON.

    They are `limits` `[x0, x1, y0, y1]`, `catalogues` and `panels`. A catalogue has the `ids` by rising
    frequency, and `[frequency, items]` pairs as `counts`. The `x`, `y` and `norm` of a panel are unsigned
    little-endian 16-bit numbers in base64: 0 to 65,535 across the limits, or from 0 to `longest`.
    """
    catalogues = [_catalogues(group) for group in groups]
    needed = sum(catalogue.bytes_needed for several in catalogues for catalogue in several)
    share = min(1.0, budget / needed) if needed else 1.0
    return [_group(several, share) for several in catalogues]


def limits_of(clouds: Sequence[Cloud]) -> Limits:
    """Return the limits that panels share; items that never occur in training do not set them."""
    return common_limits([setting_points(cloud.coordinates, cloud.frequency) for cloud in clouds])


def beyond(cloud: Cloud, limits: Limits) -> str:
    """Return how many items lie beyond the limits, where they are drawn at the edge; empty for none.

    Only items that never occur in training can.
    """
    low, high = (np.array(ends) for ends in zip(*limits, strict=True))
    outside = ((cloud.coordinates < low) | (cloud.coordinates > high)).any(axis=1)
    if not outside.any():
        return ""
    x, y = (f"{value:z.2f}" for value in cloud.coordinates[outside].mean(axis=0).tolist())
    count = int(outside.sum())
    items = "item lies" if count == 1 else "items lie"
    return f"{count:,} {UNSEEN_LABEL} {items} beyond the edge, around ({x}, {y})"


def _catalogues(group: Group) -> list[_Catalogue]:
    found: list[_Catalogue] = []
    for name, cloud in ((subject.name, subject.cloud) for subject in group.subjects if subject.cloud):
        place = next((catalogue for catalogue in found if catalogue.matches(cloud)), None)
        if place is None:
            place = _Catalogue(cloud.ids, cloud.frequency, [])
            found.append(place)
        place.clouds.append((name, cloud))
    return found


def _group(catalogues: Sequence[_Catalogue], share: float) -> dict[str, Any]:
    clouds = [cloud for catalogue in catalogues for _, cloud in catalogue.clouds]
    if not clouds:
        return {"limits": [0, 1, 0, 1], "catalogues": [], "panels": []}
    (x0, x1), (y0, y1) = limits_of(clouds)
    limits = np.array([[x0, y0], [x1, y1]])
    packed, panels = [], []
    for position, catalogue in enumerate(catalogues):
        n = len(catalogue.ids)
        rows = sample_rows(catalogue.frequency, n, max(1, int(share * n)))
        packed.append(_items(catalogue, rows))
        panels += [_panel(name, position, cloud, rows, limits) for name, cloud in catalogue.clouds]
    return {"limits": [x0, x1, y0, y1], "catalogues": packed, "panels": panels}


def _items(catalogue: _Catalogue, rows: Int) -> dict[str, Any]:
    counts = None
    if catalogue.frequency is not None:
        values, items = np.unique(catalogue.frequency[rows], return_counts=True)
        counts = np.column_stack([values, items]).tolist()
    return {"ids": [catalogue.ids[row] for row in rows], "counts": counts, "of": len(catalogue.ids)}


def _panel(name: str, position: int, cloud: Cloud, rows: Int, limits: Any) -> dict[str, Any]:
    across = ((cloud.coordinates[rows] - limits[0]) / (limits[1] - limits[0])).clip(0, 1)
    longest = float(cloud.norms.max()) or 1.0
    return {
        "name": name,
        "catalogue": position,
        "longest": longest,
        "x": _sixteen_bits(across[:, 0]),
        "y": _sixteen_bits(across[:, 1]),
        "norm": _sixteen_bits(cloud.norms[rows] / longest),
    }


def _sixteen_bits(values: npt.NDArray[np.float64]) -> str:
    """Return values in [0, 1] as 16-bit numbers in base64."""
    return base64.b64encode(np.rint(values * _HIGHEST).astype("<u2").tobytes()).decode("ascii")
