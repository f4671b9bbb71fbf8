"""Figures of the targets in the paper's layout, from the functions that draw them for any runs.

svd           Fig. 1, 3, 4      `degen.studies.svd`: clouds of the lowest seed of each variant, spectra of all
trajectory    Fig. 5            `degen.studies.over_epochs.uniformity`: means over seeds, each seed behind
table         degeneration      as svd, with every method that was run
              causes            the same panels, one for every cell, called as in the table without `sasrec-`
others        Fig. 2, 6 to 14   the figures of the study (`degen.sweeps.collect`)

Table 2 and the table of losses have no figure.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from degen.embeddings.item_matrix import ItemMatrix, open_run
from degen.files.outputs import output_path
from degen.paper.comparison import in_order, published
from degen.paper.measured import Measured, by_dataset
from degen.paper.targets import Target
from degen.plots.style import figure_style
from degen.plots.sweeps.bars import bars_figure
from degen.runs.directory import FIGURES
from degen.studies.figure_files import FigureFiles, FigureOptions
from degen.sweeps.results.summary import interval_over_seeds


def draw_target(target: Target, rows: Sequence[Measured], folder: Path, out: Path) -> FigureFiles:
    """Draw a target's figures into `out`, named after it and, where a figure is of one dataset, after that.

    Parameters
    ----------
    rows
        finished runs of the target.
    folder
        of its study, whose own figures are taken over.
    """
    if target.name in ("table2", "losses"):
        return FigureFiles()
    if target.figure == "bars":
        return _bars(target, rows, out)
    if target.figure in ("svd", "trajectory", "table"):
        return _of_runs(target, rows, out)
    datasets = [*sorted(by_dataset(rows), key=len, reverse=True), "all"]
    files = sorted(path for path in (folder / FIGURES).glob("[!.]*") if path.is_file())
    return FigureFiles([_copied(path, out / _name(target, path.name, datasets)) for path in files])


def _bars(target: Target, rows: Sequence[Measured], out: Path) -> FigureFiles:
    """Draw a bar for each variant and, hollow, the values that the paper's Table 2 has for it."""
    import pandas as pd

    columns = {f"test_{metric}": metric for metric in ("HR@5", "NDCG@5")}
    result, look = FigureFiles(), FigureOptions(out=out)
    for dataset, own in by_dataset(in_order(rows)).items():
        table = pd.DataFrame(
            [
                {"series": row.method, "seed": row.seed, **{column: row.value(column) for column in columns}}
                for row in own
            ]
        )
        printed = {
            method: {f"test_{metric}": value for metric, value in block.items()}
            for (name, method), block in published(target).items()
            if name == dataset
        }
        with figure_style(look.style):
            figure = bars_figure(
                table, columns, width=look.inches(2), interval=interval_over_seeds, published=printed
            )
            about = {"title": f"Variants: {dataset}", "caption": "Hollow: the paper's Table 2."}
            result.save(figure, out / f"{target.name}-{dataset}", look, **about)
    return result


def _name(target: Target, name: str, datasets: Sequence[str]) -> str:
    """Return what a figure of a study is called here: `curve-lambda-beauty.pdf` is `fig7-beauty.pdf`."""
    dataset = next((dataset for dataset in datasets if f"-{dataset}" in name), "")
    return (
        f"{target.name}-{dataset}{name.partition(f'-{dataset}')[2]}" if dataset else f"{target.name}-{name}"
    )


def _of_runs(target: Target, rows: Sequence[Measured], out: Path) -> FigureFiles:
    from degen.studies.over_epochs.uniformity import UniformityOptions, draw_uniformity
    from degen.studies.svd import draw_clouds, draw_svd

    result = FigureFiles()
    for own in by_dataset(rows).values():
        with tempfile.TemporaryDirectory() as folder:
            paths = [row.run.path for row in own if _is_method(row)]
            look = FigureOptions(out=Path(folder), plain_names=True)
            if target.name == "causes":
                drawn = draw_clouds(Path(folder) / f"svd-{own[0].dataset}", _by_cell(own), look)
            elif target.figure == "trajectory":
                several = len({row.seed for row in own}) > 1
                drawn = draw_uniformity(paths, UniformityOptions(aggregate="mean" if several else None), look)
            else:
                drawn = draw_svd(paths, look=look)
            result.notes += drawn.notes
            result.rows += drawn.rows
            for path in drawn.files:
                # svd-beauty.pdf is fig3-beauty.pdf, and uniformity-beauty-mean.pdf fig5-beauty.pdf
                name = re.sub(r"-mean(?=(-epochs)?\.)", "", path.name.partition("-")[2])
                result.files.append(_copied(path, out / f"{target.name}-{name}"))
    return result


def _by_cell(rows: Sequence[Measured]) -> dict[str, list[ItemMatrix]]:
    """Return the item embeddings of each cell, the lowest seed first."""
    found: dict[str, list[ItemMatrix]] = {}
    for row in sorted(rows, key=lambda row: row.seed):
        found.setdefault(row.method.removeprefix("sasrec-"), []).append(open_run(row.run))
    return found


def _is_method(row: Measured) -> bool:
    """Return whether a run is of a method as it is, not of a control that changes one."""
    return row.planned.control in (None, row.planned.variant)


def _copied(path: Path, place: Path) -> Path:
    with output_path(place) as temporary:
        shutil.copyfile(path, temporary)
    return place
