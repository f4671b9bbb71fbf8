"""Normalized singular values of one or more matrices (Fig. 1, 3 and 4, right).

The curve of a degenerated matrix falls steeply from 1; that of a matrix that spreads over its dimensions
falls slowly. The matrix is not centred, because the first value shows the mean of the cone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import FixedLocator, MaxNLocator

from degen.plots.style import variant_line
from degen.variant_names import variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


def draw_singular_values(axes: Axes, values: Mapping[str, npt.NDArray[np.float64]]) -> list[Line2D]:
    """Draw σᵢ/σ₁ against i = 1…d and return the lines, one for each name.

    Parameters
    ----------
    axes
        where to draw.
    values
        normalized singular values `[d]`, descending from 1, for each variant or other name, at least one.
        Variants keep their colours, dashes and spelling; the lines carry labels for `axes.legend()` or
        `labels.name_ends`.
    """
    lines = []
    for position, (name, curve) in enumerate(values.items()):
        index = np.arange(1, len(curve) + 1)
        # A line through a single point is invisible.
        marker = "o" if len(curve) == 1 else "None"
        style = variant_line(name, position) | ({} if len(values) > 1 else {"linestyle": "-"})
        lines += axes.plot(index, curve, label=variant_label(name), marker=marker, **style)
    longest = max(len(curve) for curve in values.values())
    axes.set_xlim(1 - 0.02 * longest, longest * 1.02)
    axes.set_ylim(0, 1.03)
    quarters = (max(1, round(longest * part / 4)) for part in range(1, 5))
    axes.xaxis.set_major_locator(FixedLocator(sorted({1, *quarters})))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_xlabel("index $i$")
    axes.set_ylabel(r"$\sigma_i\,/\,\sigma_1$")
    axes.spines[["top", "right"]].set_visible(False)
    return lines
