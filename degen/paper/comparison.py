"""Tables in the paper's layout: the published value beside ours, ± half of the 95 % interval over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import product

from degen.paper.feasible import check_table2
from degen.paper.judging.intervals import LeftOut, interval
from degen.paper.measured import Measured, by_dataset
from degen.paper.published import METHODS, deviations, table2
from degen.paper.targets import Target
from degen.runs.choose import setting_text
from degen.tables.numbers import NOTHING, with_error
from degen.tables.table import Cell, Column, Table
from degen.variant_names import VARIANT_LABELS, variant_label

IMPOSSIBLE = "no ranking of one target per user has these numbers (`degen paper check-table2`)"
"""Footnote of published blocks that fail the arithmetical test."""

ORDER = (*METHODS[:-1], *(name for name in VARIANT_LABELS if name not in METHODS), METHODS[-1])
"""All methods of the paper: those of Table 2, with the other variants of Fig. 2 before DuoRec."""

NOTE = "± half of the 95 % interval over n seeds (Student's t); at the best validation epoch"

_SHAPE = {
    "best_sigma2_ratio": "σ₂/σ₁",
    "best_average_cosine": "average cosine",
    "common_sigma2_ratio": "σ₂/σ₁, common epoch",
    "common_average_cosine": "cosine, common epoch",
}
_COURSE = {"best_uniformity": "uniformity", "best_alignment": "alignment"}

Placed = tuple[str, str, list[Cell]]
"""Dataset, method and line of a table."""


def shown_columns(target: Target, metrics: Sequence[str]) -> dict[str, str]:
    """Return the columns of `results.csv` that a target's table shows, with their titles."""
    ranking = {f"test_{metric}": metric for metric in metrics}
    return {"svd": _SHAPE, "trajectory": {**_COURSE, **ranking}}.get(target.figure, ranking)


def caption(target: Target) -> str:
    """Return the caption of a target's tables."""
    return f"{target.source}: {target.title}"


def comparison(
    target: Target, rows: Sequence[Measured], metrics: Sequence[str], left_out: LeftOut | None = None
) -> Table:
    """Return a table with a row per cell, a section per dataset where there are several.

    Where Table 2 of the paper has a value for the cell's dataset, method and metric, it stands beside ours.
    Published numbers that are arithmetically impossible have a footnote. Table 2 has all of its methods and
    datasets; those without runs are "not trained", and those in `left_out` "left out".
    """
    cells: dict[tuple[str, str], list[Measured]] = {}
    for row in in_order(rows):
        cells.setdefault((row.dataset, cell_label(row)), []).append(row)
    columns = shown_columns(target, metrics)
    shown = any((row.dataset, row.method) in published(target) for row in rows)
    placed = [
        (dataset, members[0].method, _line(name, members, columns, target, shown))
        for (dataset, name), members in cells.items()
    ]
    if shown and target.name == "table2":
        placed = _with_untrained(placed, target, columns, left_out or {})
    lines = [line for _, _, line in placed]
    titles = [Column("method", "text"), Column("n")]
    for title in columns.values():
        titles += [Column(f"{title} paper"), Column("ours")] if shown else [Column(title)]
    datasets = [dataset for dataset, _, _ in placed]
    sections = datasets if len(set(datasets)) > 1 else ()
    footnotes = [IMPOSSIBLE] if any(cell.footnote for line in lines for cell in line) else []
    note = NOTE + _deviations(target, rows, list(columns.values()))
    return Table(target.name, caption(target), titles, lines, note, sections, footnotes)


def _with_untrained(
    placed: Sequence[Placed], target: Target, columns: Mapping[str, str], left_out: LeftOut
) -> list[Placed]:
    """Return the lines of a table with one for each published method and dataset that has no runs."""
    trained = {(dataset, method) for dataset, method, _ in placed}
    untrained = [
        (*own, _untrained_line(own, columns.values(), target, own in left_out))
        for own in product(target.datasets, METHODS)
        if own not in trained
    ]
    known = list(dict.fromkeys([*target.datasets, *(dataset for dataset, _, _ in placed)]))

    def place(line: Placed) -> tuple[int, int]:
        dataset, method, _ = line
        return known.index(dataset), METHODS.index(method) if method in METHODS else len(METHODS)

    return sorted([*placed, *untrained], key=place)


def _untrained_line(own: tuple[str, str], columns: Iterable[str], target: Target, there: bool) -> list[Cell]:
    block, impossible = published(target)[own], own in _impossible()
    line = [Cell(variant_label(own[1])), Cell("0")]
    for title in columns:
        line += [_published(block.get(title), impossible), Cell("left out" if there else "not trained")]
    return line


def _deviations(target: Target, rows: Sequence[Measured], metrics: Sequence[str]) -> str:
    """Return lines with the standard deviations that the paper gives for DuoRec; empty for none."""
    lines = ""
    for place in dict.fromkeys((row.dataset, row.method) for row in rows if row.method == "duorec"):
        if place in published(target):
            told = ", ".join(f"{name} {deviations()[place[0]][name]:.4f}" for name in metrics)
            lines += f"\nthe paper's standard deviations of DuoRec on {place[0]}: {told}"
    return lines


def published(target: Target) -> Mapping[tuple[str, str], Mapping[str, float]]:
    """Return the published metrics of a target by dataset and method; Fig. 2 shows some of Table 2."""
    return table2() if target.name in ("table2", "fig2") else {}


def _line(
    name: str, members: Sequence[Measured], columns: Mapping[str, str], target: Target, shown: bool
) -> list[Cell]:
    place = members[0].dataset, members[0].method
    block = published(target).get(place, {})
    line = [Cell(name), Cell(str(len(members)))]
    for column, title in columns.items():
        if shown:
            line.append(_published(block.get(title), place in _impossible()))
        line.append(Cell(mean_text([row.value(column) for row in members])))
    return line


@cache
def _impossible() -> frozenset[tuple[str, str]]:
    """Return dataset and method of the blocks of Table 2 that no ranking has."""
    return frozenset((block.dataset, block.method) for block in check_table2() if not block.possible)


def in_order(rows: Sequence[Measured]) -> list[Measured]:
    """Return runs by dataset, then by the paper's order of methods, then by that of the plan."""
    datasets = list(by_dataset(rows))

    def place(row: Measured) -> tuple[int, int]:
        method = ORDER.index(row.method) if row.method in ORDER else len(ORDER)
        return datasets.index(row.dataset), method

    return sorted(rows, key=place)


def mean_text(values: Sequence[float | None], digits: int = 4, sign: str = "") -> str:
    """Return the mean with half of its interval; the value alone for one seed, a dash for none.

    With `sign` "+" numbers above zero have it. An interval that would read as zero has two digits.
    >>> mean_text([0.02, 0.03]), mean_text([0.000120, 0.000123]), mean_text([0.02]), mean_text([None])
    ('0.0250 ± 0.0635', '0.000121 ± 0.000019', '0.0200', '–')
    """
    known = [value for value in values if value is not None]
    if not known:
        return NOTHING
    if len(known) == 1:
        return f"{known[0]:{sign}.{digits}f}"
    mean, half = interval(known)
    if 0 < half < 0.5 * 10**-digits:
        return (sign if mean > 0 else "") + with_error(mean, half)
    return f"{mean:{sign}.{digits}f} ± {half:.{digits}f}"


def _published(value: float | None, impossible: bool) -> Cell:
    return Cell(NOTHING) if value is None else Cell(f"{value:.4f}", footnote=int(impossible))


def cell_label(row: Measured) -> str:
    """Return the name of a cell as tables show it: method, and its values on the axes."""
    settings = ", ".join(setting_text(key, value) for key, value in row.axes.items())
    return f"{variant_label(row.method)} {settings}".rstrip()
