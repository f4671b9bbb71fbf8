"""The paper's Fig. 1, 3 and 4: a panel per matrix, one colour bar, and the singular values of all.

Panels share their limits and have equal aspect, so that clouds can be compared. Where the origin means
nothing, as in t-SNE, they share the scale only, and each is centred on its own cloud. On two columns the
spectrum stands beside them; on one column it lies below, unless there is only one cloud.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from degen.plots.labels import drop_names_outside, name_ends, shorten_titles, spread_names
from degen.plots.layout import fit_height
from degen.plots.spectra import draw_singular_values
from degen.plots.style import figure_ems, shortened, text_ems
from degen.plots.svd import (
    Frequency,
    Limits,
    common_limits,
    draw_frequency_bar,
    draw_projection,
    frequency_scale,
    point_size,
)
from degen.variant_names import variant_label

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.text import Text

    from degen.analysis.measures.spectrum import Projection

# In font sizes, because what fits beside what depends on the letters:
_WIDE = 46  # a figure that holds three clouds and the spectrum side by side
_PAIR = 24  # one that holds a cloud and the spectrum
_COLUMN = 10.5  # a column of clouds
_NOTE = 6  # the note beside a panel's name


@dataclass(frozen=True)
class View:
    """Words for the plane in which items are drawn: labels of both axes and of the singular values.

    With `shares` either axis has a share of the squared length of all rows. Without `origin` the place of a
    cloud means nothing, and it is drawn without zero lines and numbers. The note stands below everything.
    """

    x: str
    y: str
    spectrum: str = r"$\sigma_i\,/\,\sigma_1$"
    shares: bool = True
    origin: bool = True
    note: str = ""


_TSNE = "t-SNE: distances and sizes of groups mean little"

VIEWS: Mapping[str, View] = {
    "svd": View(r"$\sigma_1 u_1$", r"$\sigma_2 u_2$"),
    "pca": View(
        "component 1", "component 2", r"$\sigma_i\,/\,\sigma_1$, minus the mean", note="PCA, minus the mean"
    ),
    "tsne": View("t-SNE 1", "t-SNE 2", shares=False, origin=False, note=_TSNE),
}
"""Words for the results of `project`, `pca_projection` and `tsne_projection`."""


@dataclass(frozen=True)
class SvdPanel:
    """A matrix to draw: its variant or other name, its projection, and int64 `[n]` occurrences or None."""

    name: str
    projection: Projection
    frequency: Frequency | None = None


def svd_figure(
    panels: Sequence[SvdPanel], *, width: float, colors: Colormap | None = None, view: View = VIEWS["svd"]
) -> Figure:
    """Return a figure of at least one panel, whose height follows from the panels.

    `colors` is the map of the counts, by default `frequency_colors()`; `view` is of the panels' projection.
    """
    limits, shape = _limits([panel.projection.coordinates for panel in panels], view)
    layout = _Layout.of(len(panels), width, shape)
    # High enough for any labels, until `fit_height` knows what is needed.
    figure = Figure(figsize=(width, width * (1 + layout.heights / layout.columns)), layout="constrained")
    grid, spectrum = layout.axes(figure)
    norm = frequency_scale([panel.frequency for panel in panels if panel.frequency is not None])
    clouds = []
    for axes, panel, box in zip(grid, panels, limits, strict=True):
        cloud = draw_projection(
            axes,
            panel.projection,
            panel.frequency,
            norm=norm,
            colors=colors,
            limits=box,
            size=point_size(len(panel.projection.coordinates), layout.panel_width),
            zero_lines=view.origin,
        )
        clouds += [cloud] if cloud else []
    layout.label_axes(grid, view)
    titles = _name_panels(grid, panels, layout, view)
    if clouds:
        draw_frequency_bar(figure, grid, clouds[0])
    curves = {panel.name: panel.projection.normalized_singular_values for panel in panels}
    lines = draw_singular_values(spectrum, curves)
    spectrum.set_ylabel(view.spectrum)
    if view.note:
        figure.supxlabel(view.note, fontsize=matplotlib.rcParams["xtick.labelsize"])
    if len(panels) > 1:
        for line, name in zip(lines, _names(panels, layout.panel_ems), strict=True):
            line.set_label(name)
        # Below the clouds the names may use the room under the colour bar.
        name_ends(spectrum, lines, in_layout=layout.beside or not clouds)
    fit_height(figure, grid[0], shape, layout.heights)
    if drop_names_outside(spectrum):
        figure.legend(handles=lines, loc="outside lower center", ncols=2)
        fit_height(figure, grid[0], shape, layout.heights)
    spread_names(spectrum)
    shorten_titles(titles)
    return figure


def _limits(clouds: Sequence[npt.NDArray[np.float64]], view: View) -> tuple[list[Limits], float]:
    """Return the limits of each panel, and the height over width that all of them have."""
    boxes = [np.stack([cloud.min(axis=0), cloud.max(axis=0)]) for cloud in clouds]
    middles = [np.zeros(2) if view.origin else (box[0] + box[1]) / 2 for box in boxes]
    (x0, x1), (y0, y1) = common_limits([box - at for box, at in zip(boxes, middles, strict=True)])
    return [((x + x0, x + x1), (y + y0, y + y1)) for x, y in middles], (y1 - y0) / (x1 - x0)


@dataclass(frozen=True)
class _Layout:
    """A grid of clouds, and the spectrum to its right (`beside`) or in a row of its own below."""

    count: int
    columns: int
    beside: bool
    width: float
    shape: float  # height over width of a cloud

    @classmethod
    def of(cls, count: int, width: float, shape: float) -> _Layout:
        ems = figure_ems(width)
        columns = min(count, 3, max(1, int(ems / _COLUMN)))
        return cls(count, columns, ems >= (_WIDE if count > 1 else _PAIR), width, shape)

    @property
    def rows(self) -> int:
        return -(-self.count // self.columns)

    @property
    def heights(self) -> float:
        """Sum of the grid's height ratios; a row of clouds has 1."""
        return self.rows if self.beside else self.rows + 0.9 / min(self.shape, 1)

    @property
    def panel_width(self) -> float:
        """About how many inches a cloud has, axes and colour bar taken off."""
        return self.width / (self.columns + (2 if self.beside else 1))

    @property
    def panel_ems(self) -> float:
        """The same in font sizes."""
        return figure_ems(self.panel_width)

    def axes(self, figure: Figure) -> tuple[list[Axes], Axes]:
        if self.beside:
            widths = [1.0] * self.columns + [1.15]
            grid = figure.add_gridspec(self.rows, self.columns + 1, width_ratios=widths)
            spectrum = figure.add_subplot(grid[:, -1])
        else:
            heights = [1.0] * self.rows + [self.heights - self.rows]
            grid = figure.add_gridspec(self.rows + 1, self.columns, height_ratios=heights)
            spectrum = figure.add_subplot(grid[-1, :])
        cells = [grid[divmod(position, self.columns)] for position in range(self.count)]
        return [figure.add_subplot(cell) for cell in cells], spectrum

    def label_axes(self, grid: list[Axes], view: View) -> None:
        """Label the left column and the lowest panel of each column only."""
        for position, axes in enumerate(grid):
            left, lowest = position % self.columns == 0, position + self.columns >= self.count
            # Labels stand side by side across and one above another upwards, where more of them fit.
            for axis, fewest, ems in ((axes.xaxis, 1, 5.0), (axes.yaxis, 2, 3.5)):
                count = max(fewest, int(self.panel_ems / ems))
                axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 5, 10]))
            axes.tick_params(labelleft=left and view.origin, labelbottom=lowest and view.origin)
            axes.tick_params(left=view.origin, bottom=view.origin)
            axes.set_xlabel(view.x if lowest else "")
            axes.set_ylabel(view.y if left else "")


def _name_panels(grid: Sequence[Axes], panels: Sequence[SvdPanel], layout: _Layout, view: View) -> list[Text]:
    """Write above each panel its name and the share of Σσ² on each axis; return the names.

    A panel alone has the shares at its axes, and above it the number of items.
    """
    names = _names(panels, layout.panel_ems)
    if len(names) > 1:  # a title that is much wider than its panel would leave the others no room
        names = [shortened(name, layout.panel_ems) for name in names]
    below = max(text_ems(name) for name in names) + _NOTE > layout.panel_ems
    titles = []
    for axes, name, panel in zip(grid, names, panels, strict=True):
        first, second = (f"{share:.0%}" for share in panel.projection.variance_share[:2])
        if len(panels) == 1 or not view.shares:
            if view.shares:
                axes.set_xlabel(f"{axes.get_xlabel()} ({first})")
                axes.set_ylabel(f"{axes.get_ylabel()} ({second})")
            titles.append(_head(axes, name, f"{len(panel.projection.coordinates):,} items", below=True))
        else:
            titles.append(_head(axes, name, f"{first}, {second}", below=below))
    return titles


def _names(panels: Sequence[SvdPanel], ems: float) -> list[str]:
    """Return the panels' names, without the variant that all share where they are too wide."""
    names = [variant_label(panel.name) for panel in panels]
    variants, _, settings = zip(*(name.partition(" ") for name in names), strict=True)
    if len(set(variants)) == 1 and all(settings) and max(map(text_ems, names)) > ems:
        names = list(settings)
    return names


def _head(axes: Axes, name: str, note: str, *, below: bool) -> Text:
    """Write the name on the left, the note in small letters on the right of it, or `below` it."""
    size = matplotlib.rcParams["xtick.labelsize"]
    pad = matplotlib.rcParams["axes.titlepad"]
    title = axes.set_title(name, loc="left", pad=pad + 1.25 * size if below else pad)
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
