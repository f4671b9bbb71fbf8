"""Fig. 1, 3 and 4 for runs, datasets and matrix files, with the numbers behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy.typing as npt

from degen.analysis.measures.spectrum import Projection, effective_rank_of, project
from degen.analysis.passes.rows import Rows
from degen.analysis.projections import pca_projection, tsne_projection
from degen.embeddings.file_options import FileOptions
from degen.embeddings.item_matrix import ItemMatrix
from degen.embeddings.select import Selection, Source, select
from degen.errors import UserError, one_of
from degen.files.writing import file_names
from degen.plots.style import figure_style, frequency_colors
from degen.plots.svd import drawn_step
from degen.plots.svd_figure import LAYOUTS, VIEWS, SvdPanel, svd_figure
from degen.runs.choose import one_seed
from degen.studies.figure_files import (
    FigureFiles,
    FigureOptions,
    each_bounded,
    joined,
    output_folder,
    selection_name,
)
from degen.tables.csv_file import write_columns, write_rows
from degen.variant_names import variant_label

_TITLES = {"svd": "SVD projection", "pca": "PCA projection", "tsne": "t-SNE"}
_TSNE_NOTE = "t-SNE shows which items are near; distances between groups and sizes of groups mean little"
_CAPTIONS = {
    "svd": "Each item's row of V = U diag(σ) Wᵀ (thin SVD, not centred) at x = σ₁u₁, y = σ₂u₂, signs such "
    "that each column's sum is at least 0; percentages are σᵢ²/Σσ² of the two axes.",
    "pca": "Each item's row of V minus the mean row on its first two principal components; percentages are "
    "their shares of the variance.",
    "tsne": f"Each item where t-SNE places its row of V. {_TSNE_NOTE}.",
}
_SPECTRUM = "σᵢ/σ₁ are the normalized singular values."
# Of a file with one panel, and with more.
_MOST_BYTES = (480_000, 950_000)
_BLOCK = 65_536
MOST_PANELS = 12
"""Files up to which all are panels of one figure."""
_LONGEST_PANEL = 60
"""Bytes of a panel's name in the names of files."""
_COLOUR = "Colour: occurrences in training, log scale; unseen: none."


@dataclass(frozen=True)
class SvdOptions:
    """The way to read files, and the seed (by default the lowest), colours and projection to draw.

    `cmap` is `viridis` or `cividis`; `projection` is `svd` as in the paper, `pca` or `tsne`. `layout` is
    `grid`, or `fig1` for two matrices side by side as in the paper's Fig. 1.
    """

    files: FileOptions = field(default_factory=FileOptions)
    seed: int | None = None
    cmap: str = "viridis"
    projection: str = "svd"
    layout: str = "grid"

    def __post_init__(self) -> None:
        frequency_colors(self.cmap)
        object.__setattr__(self, "projection", one_of("projection", self.projection, VIEWS))
        object.__setattr__(self, "layout", one_of("layout", self.layout, LAYOUTS))


@dataclass(frozen=True, kw_only=True)
class _Panel(SvdPanel):
    """A panel with the ids of the items shown, its row of the result, and the seed of a run."""

    ids: Sequence[str | int]
    row: dict[str, Any]
    seed: int | None


def draw_svd(
    paths: Sequence[Path], options: SvdOptions | None = None, look: FigureOptions | None = None
) -> FigureFiles:
    """Draw the projection and the singular values of every matrix and run at `paths`.

    Runs of a dataset are panels of one figure, and matrix files of another.
    """
    options, look = options or SvdOptions(), look or FigureOptions()
    selection = select(paths, options.files)
    result = FigureFiles(notes=list(selection.notes))
    figures = _figures_of(selection, paths, options, look, result.notes)
    folder = output_folder(paths, look.out)
    names = file_names(name for name, _ in figures)
    for name, (_, sources) in zip(names, figures, strict=True):
        panels = [
            _panel(label, map(Source.open, seeds), _about(seeds[0]), options.projection, result.notes)
            for label, seeds in zip(_labels([first for first, *_ in sources]), sources, strict=True)
        ]
        result.add(_figure(folder / name, panels, options, look))
    if options.projection == "tsne":
        result.notes.append(_TSNE_NOTE)
    result.notes = list(dict.fromkeys(result.notes))
    return result


def draw_clouds(stem: Path, matrices: Mapping[str, Sequence[ItemMatrix]], look: FigureOptions) -> FigureFiles:
    """Draw the projections of matrices that are read already, as panels of one figure.

    The names are those of the panels. Of each the first matrix is drawn, and the singular values of all that
    are seeds of it. Above `MOST_PANELS` each has a figure of its own, called by both.
    """
    result = FigureFiles()
    panels = [_panel(name, iter(seeds), {}, "svd", result.notes) for name, seeds in matrices.items()]
    if len(panels) <= MOST_PANELS:
        result.add(_figure(stem, panels, SvdOptions(), look))
        return result
    result.notes.append(_a_figure_each(len(panels), "matrices"))
    for name, panel in zip(file_names(matrices), panels, strict=True):
        own = joined([stem.name.removeprefix("svd-"), name])
        result.add(_figure(stem.with_name(f"svd-{own}"), [panel], SvdOptions(), look))
    return result


def _a_figure_each(count: int, what: str) -> str:
    return f"{count} {what}, more than {MOST_PANELS}: a figure for each"


def _figures_of(
    selection: Selection, paths: Sequence[Path], options: SvdOptions, look: FigureOptions, notes: list[str]
) -> list[tuple[str, list[Sequence[Source]]]]:
    """Return what each figure is called, and by panel the seeds that it shows, the one of its cloud first."""
    figures: list[tuple[str, list[Sequence[Source]]]] = []
    if files := selection.files:
        together = [files] if len(files) <= MOST_PANELS else [[file] for file in files]
        if len(together) > 1:
            notes.append(_a_figure_each(len(files), "files"))
        figures += [(joined([file.name for file in some]), [[file] for file in some]) for some in together]
    extra = "" if options.seed is None else f"s{options.seed}"
    for group in selection.groups:
        chosen = one_seed(group.series, options.seed, notes)
        runs = {name: [source.run] for name, source in chosen.items() if source.run is not None}
        seeds = [[one] if options.seed is not None else group.series[name] for name, one in chosen.items()]
        figures.append((selection_name(group.name, runs, paths, look, extra), seeds))
    if options.layout == "fig1":
        both = [source for _, sources in figures for source in sources]
        if len(both) != 2:
            raise UserError(
                f"`layout='fig1'` shows two variants or matrices side by side and got {len(both)} (seeds of "
                "a variant are one); name two, such as runs/clothing/sasrec-s0 runs/clothing/duorec-s0"
            )
        return [(f"fig1-{joined([name for name, _ in figures])}", both)]
    return [(f"{options.projection}-{name}", sources) for name, sources in figures]


def _spectrum(matrix: ItemMatrix, projection: str) -> Projection:
    """Return the projection whose singular values stand beside those of another seed."""
    rows = Rows(matrix.projectable(), matrix.frequency)
    return pca_projection(rows) if projection == "pca" else project(rows)


def _labels(sources: Sequence[Source]) -> list[str]:
    """Return the names of panels: of series or files, with the dataset where two are the same."""
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        names = [
            f"{variant_label(name)} {source.dataset}".rstrip()
            for name, source in zip(names, sources, strict=True)
        ]
    seen: Counter[str] = Counter()
    for position, name in enumerate(names):
        seen[name] += 1
        names[position] = name if seen[name] == 1 else f"{name} {seen[name]}"
    return names


def _about(source: Source) -> dict[str, Any]:
    """Return what a row says of the origin of its numbers."""
    about: dict[str, Any] = {"dataset": None, "variant": None, "seed": None, "file": None}
    if source.run is None:
        return about | {"file": str(source.path)}
    return about | {"dataset": source.dataset, "variant": source.name, "seed": source.seed}


def _panel(
    name: str, seeds: Iterator[ItemMatrix], about: Mapping[str, Any], projection: str, notes: list[str]
) -> _Panel:
    """Return a panel of the first matrix, with the singular values of those that are seeds of it behind."""
    matrix = next(seeds)
    # Millions of numbers of rows are not written out before the table is.
    ids: Sequence[str | int] = range(len(matrix.values)) if matrix.ids is None else matrix.ids
    frequency = matrix.frequency
    if matrix.run is None:
        notes += matrix.notes
        if frequency is None:
            notes.append(
                f"{matrix.path}: drawn in one colour, because how often items occur is unknown; give "
                "`frequency='FILE'`"
            )
    rows = Rows(matrix.projectable(), frequency)
    whole = project(rows)
    shown = pca_projection(rows) if projection == "pca" else whole
    row = {**about, **_row(rows, whole, shown)}
    if projection != "svd":
        row["projection"] = projection
    if projection == "tsne":
        row["share_of_two_axes"] = None
        shown, kept = tsne_projection(rows)
        if len(kept) < len(rows):
            notes.append(f"{name}: t-SNE places {len(kept):,} of {len(rows):,} items, a sample by frequency")
        ids = [ids[item] for item in kept]
        frequency = None if frequency is None else frequency[kept]
    if (step := drawn_step(len(ids))) > 1:
        notes.append(f"{name}: one in {step} of its {len(ids):,} items is drawn; the table has all")
    behind = {other.run.seed: _spectrum(other, projection) for other in seeds if other.run is not None}
    seed = None if matrix.run is None else matrix.run.seed
    return _Panel(name, shown, frequency, behind, ids=ids, row=row, seed=seed)


def _figure(stem: Path, panels: Sequence[_Panel], options: SvdOptions, look: FigureOptions) -> FigureFiles:
    drawn = FigureFiles(rows=[panel.row for panel in panels])
    coloured = any(panel.frequency is not None for panel in panels)
    counts = "; ".join(f"{variant_label(panel.name)}: {len(panel.ids):,} items" for panel in panels)
    with figure_style(look.style):
        figure = svd_figure(
            panels,
            width=look.inches(3 if options.layout == "fig1" else len(panels)),
            colors=frequency_colors(options.cmap),
            view=VIEWS[options.projection],
            layout=options.layout,
        )
        drawn.save(
            figure,
            stem,
            look,
            title=f"{_TITLES[options.projection]} and singular values: {stem.name.partition('-')[2]}",
            caption=" ".join(
                [_CAPTIONS[options.projection], _COLOUR if coloured else "", _SPECTRUM, f"{counts}."]
            ),
            most_bytes=_MOST_BYTES[len(panels) > 1],
        )
    drawn.files += _tables(stem, panels)
    return drawn


def _tables(stem: Path, panels: Sequence[_Panel]) -> list[Path]:
    """Write the coordinates of each panel, one row an item, and the singular values of all."""
    written = []
    names = each_bounded(file_names(panel.name for panel in panels), _LONGEST_PANEL)
    for panel, name in zip(panels, names, strict=True):
        x, y = map(_numbers, panel.projection.coordinates.T)
        counts = repeat(None, len(panel.ids)) if panel.frequency is None else _numbers(panel.frequency)
        several = f"{stem.name}-{name}.csv"
        path = stem.with_name(f"{stem.name}.csv" if len(panels) == 1 else several)
        written.append(write_columns(path, {"item": panel.ids, "frequency": counts, "x": x, "y": y}))
    rows = [
        {"name": panel.name, "seed": seed, "index": index, "singular_value": value, "normalized": share}
        for panel in panels
        for seed, own in [(panel.seed, panel.projection), *panel.behind.items()]
        for index, (value, share) in enumerate(
            zip(own.singular_values.tolist(), own.normalized_singular_values.tolist(), strict=True), 1
        )
    ]
    return [*written, write_rows(stem.with_name(f"{stem.name}-singular-values.csv"), rows)]


def _numbers(column: npt.NDArray[Any]) -> Iterator[Any]:
    """Yield the numbers of a column as Python's, which take four times the memory, a block at a time."""
    for start in range(0, len(column), _BLOCK):
        yield from column[start : start + _BLOCK].tolist()


def _row(rows: Rows, whole: Projection, shown: Projection) -> dict[str, Any]:
    """Return the numbers of a matrix; the share of the two axes is that of the projection shown."""
    return {
        "items": len(rows),
        "dimensions": rows.d,
        "sigma2_ratio": float(whole.normalized_singular_values[1]),
        "effective_rank": effective_rank_of(whole.singular_values),
        "share_of_two_axes": float(shown.variance_share[:2].sum()),
        "unseen_items": None if rows.frequency is None else int((rows.frequency == 0).sum()),
    }
