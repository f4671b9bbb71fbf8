"""The paper's Fig. 1, 3 and 4: a panel per matrix, one colour bar, and the singular values of all.

Panels share their limits and have equal aspect, so that clouds can be compared. In Fig. 1 each cloud fills a
panel of its own scale, so that its shape is seen. Where the origin means nothing, as in t-SNE, they share the
scale only, and each is centred on its own cloud. On two columns the spectrum stands beside them; on one
column it lies below, unless there is only one cloud. It takes the blank cells of a last row that is not full.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection

from degen.plots.layout import fit_height
from degen.plots.marks.beyond import settle_words
from degen.plots.marks.labels import shorten_titles, spread_names
from degen.plots.marks.legends import name_lines
from degen.plots.marks.letters import lettered, write_note
from degen.plots.marks.widths import shortened, text_ems
from degen.plots.spectra import draw_singular_values
from degen.plots.svd import (
    Frequency,
    draw_frequency_bar,
    draw_projection,
    frequency_scale,
    point_size,
    setting_points,
)
from degen.plots.svd_layout import SvdLayout, common_boxes, head, own_boxes
from degen.variant_names import variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from degen.analysis.measures.spectrum import Projection

_NOTE = 8  # font sizes of the note beside a panel's name
_LETTER = 1.75  # of a panel's letter
_SPECTRUM = "spectrum"
_OWN_AXES = "Each cloud has axes of its own."
_COLOUR = "Frequency: occurrences in training."
_OTHER_SEEDS = "Thin lines: singular values of other seeds."

LAYOUTS = ("grid", "fig1")
"""Panels on common axes, or two side by side as in the paper's Fig. 1, each on axes of its own."""


@dataclass(frozen=True)
class View:
    """Words for the plane in which items are drawn: labels of both axes and of the singular values.

    `shares` says of what either axis has a share, or is empty where that means nothing. Without `origin` the
    place of a cloud means nothing, and it is drawn without zero lines and numbers. The note stands below
    everything.
    """

    x: str
    y: str
    spectrum: str = r"$\sigma_i\,/\,\sigma_1$"
    shares: str = "Σσ²"
    origin: bool = True
    note: str = ""


VIEWS: Mapping[str, View] = {
    "svd": View(r"$\sigma_1 u_1$", r"$\sigma_2 u_2$"),
    "pca": View(
        "component 1",
        "component 2",
        r"$\sigma_i\,/\,\sigma_1$, minus the mean",
        shares="the variance",
        note="PCA, minus the mean.",
    ),
    "tsne": View(
        "t-SNE 1",
        "t-SNE 2",
        shares="",
        origin=False,
        note="t-SNE: distances and sizes of groups mean little.",
    ),
}
"""Words for the results of `project`, `pca_projection` and `tsne_projection`."""


@dataclass(frozen=True)
class SvdPanel:
    """A matrix to draw: its variant or other name, its projection, and int64 `[n]` occurrences or None.

    `behind` has the projections of other seeds, of which the singular values are drawn.
    """

    name: str
    projection: Projection
    frequency: Frequency | None = None
    behind: Mapping[int, Projection] = field(default_factory=dict)


def svd_figure(
    panels: Sequence[SvdPanel],
    *,
    width: float,
    colors: Colormap | None = None,
    view: View = VIEWS["svd"],
    layout: str = "grid",
) -> Figure:
    """Return a figure of at least one panel, whose height follows from the panels.

    `colors` is the map of the counts, by default `frequency_colors()`; `view` is of the panels' projection.
    `layout` is one of `LAYOUTS`.
    """
    own = layout == "fig1" and len(panels) > 1
    setting = [
        setting_points(panel.projection.coordinates, panel.frequency if view.origin else None)
        for panel in panels
    ]
    limits, shape = own_boxes(setting) if own else common_boxes(setting, origin=view.origin)
    place = SvdLayout.of(len(panels), width, shape, own_axes=own)
    figure, grid, bar, spectrum = place.figure(bar=_coloured(panels))
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
            size=point_size(len(panel.projection.coordinates), place.panel_width),
            zero_lines=view.origin,
        )
        clouds += [cloud] if cloud else []
    place.label_axes(grid, view.x, view.y, numbers=view.origin)
    titles = _name_panels(grid, spectrum, panels, place, view)
    if clouds:
        draw_frequency_bar(figure, grid, clouds[0], place=bar, level=place.spectrum == "beside")
    _draw_spectrum(spectrum, panels, place, view)
    write_note(
        figure,
        f"Percentages: share of {view.shares} along x\xa0and\xa0y." if view.shares else "",
        _OWN_AXES if own else "",
        _COLOUR if clouds else "",
        _OTHER_SEEDS if any(panel.behind for panel in panels) else "",
        view.note,
    )
    fit_height(figure, grid[0], shape, place.heights)
    if len(panels) > 1:
        # Below the clouds the names may use the room under the colour bar.
        beside = {"beside": True, "below": not clouds, "blank": None}[place.spectrum]
        if name_lines(figure, spectrum, spectrum.lines, beside=beside):
            fit_height(figure, grid[0], shape, place.heights)
            spread_names(spectrum)
    shorten_titles(titles)
    for axes, points in zip(grid, setting, strict=True):
        settle_words(axes, points)
    return figure


def _coloured(panels: Sequence[SvdPanel]) -> bool:
    """Return whether any item has a place on the scale of colours."""
    return any(panel.frequency is not None and (panel.frequency > 0).any() for panel in panels)


def _draw_spectrum(axes: Axes, panels: Sequence[SvdPanel], place: SvdLayout, view: View) -> None:
    curves = {panel.name: panel.projection.normalized_singular_values for panel in panels}
    lines = draw_singular_values(axes, curves)
    axes.set_ylabel(view.spectrum)
    for line, name, panel in zip(lines, _names(panels, place.panel_ems), panels, strict=True):
        line.set_label(name)
        others = [other.normalized_singular_values for other in panel.behind.values()]
        thin = [np.column_stack([np.arange(1, len(curve) + 1), curve]) for curve in others]
        # A collection, since each line of the axes has a name written at its end.
        if thin:
            axes.add_collection(LineCollection(thin, colors=[line.get_color()], linewidths=0.5))


def _name_panels(
    grid: Sequence[Axes], spectrum: Axes, panels: Sequence[SvdPanel], place: SvdLayout, view: View
) -> list[Text]:
    """Write above each panel its letter, its name and the shares of its axes; return the names.

    A panel alone has the shares at its axes, and above it the number of items.
    """
    room = 0.9375 * place.panel_ems - _LETTER  # titles have 8 points where labels have 7.5
    names = [shortened(name, room) for name in _names(panels, room)]
    *names, last = lettered([*names, _SPECTRUM])
    below = max(text_ems(name) for name in names) + _NOTE > place.panel_ems
    titles = []
    for axes, name, panel in zip(grid, names, panels, strict=True):
        shares = [share_text(share) for share in panel.projection.variance_share[:2]]
        if len(panels) == 1:
            if view.shares:
                axes.set_xlabel(f"{axes.get_xlabel()} ({shares[0]})")
                axes.set_ylabel(f"{axes.get_ylabel()} ({shares[1]})")
            titles.append(head(axes, name, f"{len(panel.projection.coordinates):,} items", below=True))
        else:
            note = ", ".join(shares) if view.shares else f"{len(panel.projection.coordinates):,} items"
            titles.append(head(axes, name, note if text_ems(note) <= place.panel_ems else "", below=below))
    return [*titles, spectrum.set_title(last, loc="left")]


def share_text(share: float) -> str:
    """Return a share in per cent, with a digit more where it is below 10."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{share:.0%}".replace("%", " %") if share >= 0.0995 else f"{share:.1%}".replace("%", " %")


def _names(panels: Sequence[SvdPanel], ems: float) -> list[str]:
    """Return the panels' names, without the variant that all share where they are too wide."""
    names = [variant_label(panel.name) for panel in panels]
    variants, _, settings = zip(*(name.partition(" ") for name in names), strict=True)
    if len(set(variants)) == 1 and all(settings) and max(map(text_ems, names)) > ems:
        names = list(settings)
    return names
