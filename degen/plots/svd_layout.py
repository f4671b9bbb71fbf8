"""Places of the clouds of an SVD figure and of its singular values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from degen.plots.layout import even_columns
from degen.plots.style import figure_ems
from degen.plots.svd import Limits, common_limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

Cloud = npt.NDArray[np.float64]

# In font sizes, because what fits beside what depends on the letters:
_WIDE = 46  # a figure that holds three clouds and the spectrum side by side
_PAIR = 24  # one that holds a cloud and the spectrum
_COLUMN = 10.5  # a column of clouds
_LOWEST = 9  # a spectrum's height, so that its numbers do not touch
_BAR = 0.06  # of a cloud's width: the colour bar's
_LABELS, _NAMES = 10, 9  # what labels and colour bar take, and names at the ends of lines


def common_boxes(clouds: list[Cloud], *, origin: bool) -> tuple[list[Limits], float]:
    """Return the limits of each panel, and the height over width that all of them have.

    The limits are the same for all. Without `origin` only their lengths are, around the middle of each cloud.
    """
    boxes = [np.stack([cloud.min(axis=0), cloud.max(axis=0)]) for cloud in clouds]
    middles = [np.zeros(2) if origin else (box[0] + box[1]) / 2 for box in boxes]
    (x0, x1), (y0, y1) = common_limits([box - at for box, at in zip(boxes, middles, strict=True)])
    return [((x + x0, x + x1), (y + y0, y + y1)) for x, y in middles], (y1 - y0) / (x1 - x0)


def own_boxes(clouds: list[Cloud]) -> tuple[list[Limits], float]:
    """Return limits in which each cloud fills its panel, and the height over width that all of them have."""
    boxes = np.array([common_limits([cloud]) for cloud in clouds])  # [panels, axes, ends]
    sides = boxes[:, :, 1] - boxes[:, :, 0]
    shape = float(np.exp(np.log(sides[:, 1] / sides[:, 0]).mean()))
    middles = boxes.mean(axis=2)
    across = np.maximum(sides[:, 0], sides[:, 1] / shape)
    half = np.stack([across, across * shape], axis=1) / 2
    low, high = middles - half, middles + half
    limits = [
        ((float(a[0]), float(b[0])), (float(a[1]), float(b[1]))) for a, b in zip(low, high, strict=True)
    ]
    return limits, shape


@dataclass(frozen=True)
class SvdLayout:
    """A grid of clouds, and the spectrum to its right, in a row of its own below, or in its blank cells.

    `own_axes` says that each cloud has limits of its own, and so ticks.
    """

    count: int
    columns: int
    spectrum: Literal["beside", "below", "blank"]
    width: float
    shape: float  # height over width of a cloud
    own_axes: bool = False

    @classmethod
    def of(cls, count: int, width: float, shape: float, *, own_axes: bool = False) -> SvdLayout:
        """Return the layout of `count` clouds in a figure `width` inches wide."""
        ems = figure_ems(width)
        columns = even_columns(count, min(3, max(1, int(ems / _COLUMN))))
        beside = ems >= (_WIDE if count > 1 else _PAIR)
        place: Literal["beside", "below", "blank"] = "beside" if beside else "below"
        return cls(count, columns, "blank" if count % columns else place, width, shape, own_axes)

    @property
    def rows(self) -> int:
        """Rows of clouds."""
        return -(-self.count // self.columns)

    @property
    def heights(self) -> float:
        """Sum of the grid's height ratios; a row of clouds has 1."""
        if self.spectrum != "below":
            return self.rows
        em = self.width / figure_ems(self.width)
        return self.rows + max(0.9 / min(self.shape, 1), _LOWEST * em / (self.shape * self.panel_width))

    @property
    def panel_width(self) -> float:
        """About how many inches a cloud has, labels and colour bar taken off."""
        em = self.width / figure_ems(self.width)
        labels = _LABELS + (_NAMES if self.spectrum == "beside" and self.count > 1 else 0)
        return max(self.width - labels * em, 4 * em) / sum(self._widths)

    @property
    def _widths(self) -> list[float]:
        """Relative widths of the columns: of clouds, and of a spectrum that stands beside them."""
        if self.spectrum != "beside":
            return [1.0] * self.columns
        return [1.3, 1.0] if self.count == 1 else [1.0] * self.columns + [1.15]

    @property
    def panel_ems(self) -> float:
        """The same in font sizes."""
        return figure_ems(self.panel_width)

    def figure(self, *, bar: bool) -> tuple[Figure, list[Axes], Axes | None, Axes]:
        """Return a figure with its clouds, the place of their colour bar if it has a `bar`, and the spectrum.

        Its height is an estimate, rather too high, until `fit_height` knows better.
        """
        em = self.width / figure_ems(self.width)
        high = 1.1 * self.heights * self.shape * self.panel_width + (4 + 3 * self.rows) * em
        if figure_ems(self.width) < _PAIR:  # little more than labels
            high = self.width * (1 + self.heights / self.columns)
        figure = Figure(figsize=(self.width, high), layout="constrained")
        heights = [1.0] * self.rows + ([self.heights - self.rows] if self.spectrum == "below" else [])
        clouds, *spectrum = (self._widths[: self.columns], *self._widths[self.columns :])
        # The bar has a column of its own: constrained layout would give it other room at each pass.
        widths = [*clouds, *([_BAR * max(clouds)] if bar else []), *spectrum]
        grid = figure.add_gridspec(len(heights), len(widths), height_ratios=heights, width_ratios=widths)
        places: dict[str, tuple[slice | int, slice | int]] = {
            "beside": (slice(None), -1),
            "below": (-1, slice(0, self.columns)),
            "blank": (-1, slice(self.count % self.columns, self.columns)),
        }
        cells = [grid[divmod(position, self.columns)] for position in range(self.count)]
        axes = [figure.add_subplot(cell) for cell in cells]
        at = figure.add_subplot(grid[: self.rows, self.columns]) if bar else None
        return figure, axes, at, figure.add_subplot(grid[places[self.spectrum]])

    def label_axes(self, grid: list[Axes], x: str, y: str, *, numbers: bool) -> None:
        """Label the left column and the lowest panel of each column only.

        Where axes have `numbers`, axes of their own have them all.
        """
        for position, axes in enumerate(grid):
            left, lowest = position % self.columns == 0, position + self.columns >= self.count
            # Labels stand side by side across and one above another upwards, where more of them fit.
            for axis, fewest, ems in ((axes.xaxis, 1, 5.0), (axes.yaxis, 2, 3.5)):
                count = max(fewest, int(self.panel_ems / ems))
                axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 5, 10]))
            axes.tick_params(
                labelleft=numbers and (left or self.own_axes),
                labelbottom=numbers and (lowest or self.own_axes),
                left=numbers,
                bottom=numbers,
            )
            axes.set_xlabel(x if lowest else "")
            axes.set_ylabel(y if left else "")


def head(axes: Axes, name: str, note: str, *, below: bool) -> Text:
    """Write the name on the left, the note in small letters on the right of it, or `below` it."""
    size = matplotlib.rcParams["xtick.labelsize"]
    pad = matplotlib.rcParams["axes.titlepad"]
    title = axes.set_title(name, loc="left", pad=pad + 1.25 * size if below and note else pad)
    axes.annotate(
        note,
        xy=(0 if below else 1, 1),
        xycoords="axes fraction",
        xytext=(0, pad),
        textcoords="offset points",
        fontsize=size,
        horizontalalignment="left" if below else "right",
    )
    return title
