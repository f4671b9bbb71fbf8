"""Normalized singular values of one or more matrices (Fig. 1, 3 and 4, right).

A degenerated matrix falls steeply from 1; one that spreads over its dimensions falls slowly. Values are of the
matrix as it is, not centred: the cone's mean is what the first of them shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import MaxNLocator

from degen.plots.style import variant_label, variant_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_singular_values(
    axes: Axes, values: Mapping[str, npt.NDArray[np.float64]], *, legend: bool = True
) -> None:
    """Draw σᵢ/σ₁ against i = 1…d, a line a name; variants keep their colours, dashes and spelling.

    Parameters
    ----------
    axes
        where to draw.
    values
        normalized singular values `[d]`, descending from 1, for each variant or other name.
    legend
        whether to name the lines in a legend inside the axes; lines carry their labels either way.
    """
    for position, (name, curve) in enumerate(values.items()):
        index = np.arange(1, len(curve) + 1)
        mark = "o" if len(curve) == 1 else ""
        axes.plot(index, curve, label=variant_label(name), marker=mark, **variant_line(name, position))
    longest = max(len(curve) for curve in values.values())
    axes.set_xlim(1 - 0.02 * longest, longest * 1.02)
    axes.set_ylim(0, 1.03)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel("$i$")
    axes.set_ylabel(r"$\sigma_i\,/\,\sigma_1$")
    axes.spines[["top", "right"]].set_visible(False)
    if legend and len(values) > 1:
        axes.legend(loc="upper right", borderaxespad=0.1)
