"""Fig. 1, 3 and 4 for runs, datasets and matrix files, with the numbers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from degen.analysis.measures.spectrum import Projection, effective_rank_of, project
from degen.embeddings.item_matrix import ItemMatrix
from degen.embeddings.select import FileOptions, Source, select
from degen.files import file_names
from degen.plots.style import figure_style, frequency_colors
from degen.plots.svd_figure import SvdPanel, svd_figure
from degen.runs.choose import one_seed
from degen.studies.figure_files import FigureFiles, FigureOptions, output_folder
from degen.tables.csv_file import write_columns
from degen.variant_names import variant_label

if TYPE_CHECKING:
    from degen.plots.svd import Frequency

_CAPTION = (
    "Each item's row of V = U diag(σ) Wᵀ (thin SVD, not centred) at x = σ₁u₁, y = σ₂u₂, signs such that "
    "each column's sum is at least 0; percentages are σᵢ²/Σσ² of the two axes. {colour} "
    "σᵢ/σ₁ are the normalized singular values. {counts}."
)
# Of a file with one panel, and with more.
_MOST_BYTES = (480_000, 950_000)
_COLOUR = "Colour: occurrences in training, log scale; unseen: none."


@dataclass(frozen=True)
class SvdOptions:
    """How files are read, which seed is drawn (by default the lowest), and the map of colours.

    `cmap` is `viridis` or `cividis`.
    """

    files: FileOptions = field(default_factory=FileOptions)
    seed: int | None = None
    cmap: str = "viridis"

    def __post_init__(self) -> None:
        frequency_colors(self.cmap)


@dataclass(frozen=True)
class _Panel:
    """A projected matrix: what it is called, and what its table and its row of the result say."""

    name: str
    ids: list[str]
    projection: Projection
    frequency: Frequency | None
    about: dict[str, Any]


def draw_svd(
    paths: Sequence[Path], options: SvdOptions | None = None, look: FigureOptions | None = None
) -> FigureFiles:
    """Draw the projection and the singular values of every matrix and run at `paths`.

    Parameters
    ----------
    paths
        runs, folders above runs, matrix files. Runs of a dataset share a figure; a matrix file has one of
        its own.
    options, look
        by default as `degen plot-svd PATH` does.

    Raises
    ------
    UserError
        for whatever can be mended in paths, files and options.
    """
    options, look = options or SvdOptions(), look or FigureOptions()
    selection = select(paths, options.files)
    result = FigureFiles(notes=list(selection.notes))
    figures = [(file.name, [_file_panel(file, result.notes)]) for file in selection.files]
    for group in selection.groups:
        chosen = one_seed(group.series, options.seed, result.notes)
        figures.append((group.figure_name, [_run_panel(source) for source in chosen.values()]))
    folder = output_folder(paths, look.out)
    for name, (_, panels) in zip(file_names(name for name, _ in figures), figures, strict=True):
        result.add(_figure(folder / f"svd-{name}", panels, options, look))
    return result


def _run_panel(source: Source) -> _Panel:
    about = {"dataset": source.dataset, "variant": source.name, "seed": source.seed, "file": None}
    return _panel(source, source.open(), about)


def _file_panel(source: Source, notes: list[str]) -> _Panel:
    """Return the panel of a matrix file; one inside a run has the run's ids and counts."""
    about = {"dataset": None, "variant": None, "seed": None, "file": str(source.path)}
    matrix = source.open()
    notes += matrix.notes
    if matrix.frequency is None:
        notes.append(
            f"{source.path}: drawn in one colour, because how often items occur is unknown; give "
            "--frequency FILE"
        )
    return _panel(source, matrix, about)


def _panel(source: Source, matrix: ItemMatrix, about: dict[str, Any]) -> _Panel:
    return _Panel(source.name, matrix.names, project(matrix.projectable()), matrix.frequency, about)


def _figure(stem: Path, panels: Sequence[_Panel], options: SvdOptions, look: FigureOptions) -> FigureFiles:
    drawn = FigureFiles(rows=[_row(panel) for panel in panels])
    shown = [SvdPanel(panel.name, panel.projection, panel.frequency) for panel in panels]
    coloured = any(panel.frequency is not None for panel in panels)
    counts = "; ".join(f"{variant_label(panel.name)}: {len(panel.ids):,} items" for panel in panels)
    with figure_style(look.style):
        figure = svd_figure(shown, width=look.inches(len(panels)), colors=frequency_colors(options.cmap))
        drawn.save(
            figure,
            stem,
            look,
            title=f"SVD projection and singular values: {stem.name.removeprefix('svd-')}",
            caption=_CAPTION.format(colour=_COLOUR if coloured else "", counts=counts),
            most_bytes=_MOST_BYTES[len(panels) > 1],
        )
    drawn.files += _tables(stem, panels)
    return drawn


def _tables(stem: Path, panels: Sequence[_Panel]) -> list[Path]:
    """Write the coordinates of each panel, one row an item, and the singular values of all."""
    written = []
    for panel, name in zip(panels, file_names(panel.name for panel in panels), strict=True):
        x, y = panel.projection.coordinates.T.tolist()
        counts = panel.frequency.tolist() if panel.frequency is not None else [None] * len(x)
        path = stem.with_name(f"{stem.name}.csv" if len(panels) == 1 else f"{stem.name}-{name}.csv")
        written.append(write_columns(path, {"item": panel.ids, "frequency": counts, "x": x, "y": y}))
    sizes = [len(panel.projection.singular_values) for panel in panels]
    columns = {
        "name": np.repeat([panel.name for panel in panels], sizes).tolist(),
        "index": np.concatenate([np.arange(1, size + 1) for size in sizes]).tolist(),
        "singular_value": np.concatenate([p.projection.singular_values for p in panels]).tolist(),
        "normalized": np.concatenate([p.projection.normalized_singular_values for p in panels]).tolist(),
    }
    return [*written, write_columns(stem.with_name(f"{stem.name}-singular-values.csv"), columns)]


def _row(panel: _Panel) -> dict[str, Any]:
    projection = panel.projection
    return {
        **panel.about,
        "items": len(panel.ids),
        "dimensions": len(projection.singular_values),
        "sigma2_ratio": float(projection.normalized_singular_values[1]),
        "effective_rank": effective_rank_of(projection.singular_values),
        "share_of_two_axes": float(projection.variance_share[:2].sum()),
        "unseen_items": None if panel.frequency is None else int((panel.frequency == 0).sum()),
    }
