"""Tables in the paper's layout: the published value beside ours, ± half of the 95 % interval over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from degen.paper.feasible import check_table2
from degen.paper.intervals import interval
from degen.paper.measured import Measured, by_dataset
from degen.paper.published import TITLES, table2
from degen.paper.targets import Target
from degen.runs.choose import setting_text
from degen.tables.numbers import NOTHING
from degen.tables.table import Cell, Column, Table
from degen.variant_names import variant_label

IMPOSSIBLE = "no ranking of one target per user has these numbers (`degen paper check-table2`)"
"""Footnote of published blocks that fail the arithmetical test."""


def comparison(target: Target, rows: Sequence[Measured], metrics: Sequence[str]) -> Table:
    """Return a table of test metrics with a row per cell, a section per dataset where there are several.

    Where Table 2 of the paper has a value for the cell's dataset, method and metric, it stands beside ours.
    Published numbers that are arithmetically impossible have a footnote.
    """
    cells: dict[tuple[str, str], list[Measured]] = {}
    for row in in_order(target, rows):
        cells.setdefault((row.dataset, _name(row)), []).append(row)
    published = table2() if target.name in ("table2", "fig2") else {}
    shown = any((row.dataset, row.method) in published for row in rows)
    impossible = {(block.dataset, block.method) for block in check_table2() if not block.possible}
    lines = []
    for (_, name), members in cells.items():
        place = members[0].dataset, members[0].method
        line = [Cell(name), Cell(str(len(members)))]
        for metric in metrics:
            if shown:
                line.append(_published(published.get(place, {}), metric, place in impossible))
            line.append(Cell(mean_text([row.value(f"test_{metric}") for row in members])))
        lines.append(line)
    columns = [Column("method", "text"), Column("seeds")]
    for metric in metrics:
        columns += [Column(f"{metric}, paper"), Column("ours")] if shown else [Column(metric)]
    datasets = [dataset for dataset, _ in cells]
    several = len(by_dataset(rows)) > 1
    footnotes = [IMPOSSIBLE] if any(cell.footnote for line in lines for cell in line) else []
    note = "± half of the 95 % interval over seeds (Student's t); test metrics at the best validation epoch"
    return Table(target.name, target.title, columns, lines, note, datasets if several else (), footnotes)


def in_order(target: Target, rows: Sequence[Measured]) -> list[Measured]:
    """Return runs by dataset; in tables of methods, by the order of Table 2, then by that of the plan."""
    datasets, methods = list(by_dataset(rows)), list(TITLES)
    if target.figure != "table":
        return sorted(rows, key=lambda row: datasets.index(row.dataset))

    def place(row: Measured) -> tuple[int, int]:
        method = methods.index(row.method) if row.method in methods else len(methods)
        return datasets.index(row.dataset), method

    return sorted(rows, key=place)


def mean_text(values: Sequence[float | None]) -> str:
    """Return the mean with half of its interval; the value alone for one seed, a dash for none.

    >>> mean_text([0.02, 0.03]), mean_text([0.02]), mean_text([None])
    ('0.0250 ± 0.0635', '0.0200', '–')
    """
    known = [value for value in values if value is not None]
    if not known:
        return NOTHING
    if len(known) == 1:
        return f"{known[0]:.4f}"
    mean, half = interval(known)
    return f"{mean:.4f} ± {half:.4f}"


def method_title(name: str) -> str:
    """Return the name that the paper gives to a method; another one stays as it is."""
    return TITLES.get(name) or variant_label(name)


def _published(block: Mapping[str, float], metric: str, impossible: bool) -> Cell:
    value = block.get(metric)
    return Cell(NOTHING) if value is None else Cell(f"{value:.4f}", footnote=int(impossible))


def _name(row: Measured) -> str:
    """Return the name of a cell as tables show it: method, and its values on the axes."""
    axes = {key.rpartition(".")[2]: value for key, value in row.planned.axes.items()}
    axes.pop("variant", None)
    settings = ", ".join(setting_text(key, value) for key, value in axes.items())
    return f"{method_title(row.method)} {settings}".rstrip()
