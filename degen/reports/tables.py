"""Tables of the report apart from those of measures, for HTML and LaTeX, with the best values marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from degen.analysis.statistics.differences import over_seeds
from degen.plots.style import bucket_label
from degen.reports.contents import Group, Report, Subject
from degen.tables.numbers import NOTHING, number, with_error
from degen.tables.table import Cell, Column, Mark, Table, marked
from degen.variant_names import variant_label, with_labels

_VERDICTS: Mapping[str, Mark] = {
    "holds": "holds",
    "does not hold": "fails",
    "within noise": "open",
    "not judged": "open",
}

_OVER_SEEDS = ("HR@5", "NDCG@5", "HR@10", "NDCG@10", "sigma2_ratio", "average_cosine", "effective_rank")
_ACCURACY = tuple(f"{metric}@{k}" for k in (5, 10, 20) for metric in ("HR", "NDCG", "MRR"))


def runs_table(report: Report) -> Table:
    """Return one row per run and matrix file with its configuration and state."""
    return _settings_table("runs", "Runs and their settings", report, "about")


def versions_table(report: Report) -> Table | None:
    """Return one row per run with its versions and device; None where no run has any."""
    subjects = [subject for group in report.groups for subject in group.subjects]
    runs = [subject for subject in subjects if any(subject.environment.values())]
    if not runs:
        return None
    only_runs = replace(report, groups=[Group("", None, runs)])
    return _settings_table("versions", "Versions and devices", only_runs, "environment")


def _settings_table(name: str, caption: str, report: Report, facts: str) -> Table:
    """Return one row per subject: columns that are empty for all are left out, equal ones go to the note.

    Where all subjects are equal there is one row for them all.
    """
    subjects = [subject for group in report.groups for subject in group.subjects]
    rows: list[Mapping[str, Any]] = [getattr(subject, facts) for subject in subjects]
    titles = list(dict.fromkeys(title for row in rows for title in row))
    values = {title: [row.get(title) for row in rows] for title in titles}
    values = {title: several for title, several in values.items() if any(v is not None for v in several)}
    same = {title: several[0] for title, several in values.items() if len(several) > 1 and _equal(several)}
    if len(same) == len(values) and len(subjects) > 1:
        subjects, rows, same = [replace(subjects[0], place=f"all {len(subjects)}")], rows[:1], {}
    shown = [title for title in values if title not in same]
    columns = [Column("run", "text")]
    for title in shown:
        numbers = all(isinstance(value, int | float | None) for value in values[title])
        columns.append(Column(title, "number" if numbers else "text"))
    cells = [
        [Cell(subject.place), *(Cell(_setting(row.get(title))) for title in shown)]
        for subject, row in zip(subjects, rows, strict=True)
    ]
    equal = ", ".join(f"{title} {_setting(value)}" for title, value in same.items())
    return Table(name, caption, columns, cells, f"The same for all: {equal}." if equal else "")


def _setting(value: Any) -> str:
    """Return a setting as it was typed."""
    return NOTHING if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _equal(values: Sequence[Any]) -> bool:
    return all(value == values[0] for value in values)


def accuracy_table(group: Group) -> Table | None:
    """Return HR, NDCG and MRR on the test split, one row per finished run; None without such runs."""
    tested = [subject for subject in group.subjects if subject.test]
    keys = [key for key in _ACCURACY if any(key in subject.test for subject in tested)]
    if not keys:
        return None
    columns = []
    for key in keys:
        values = [subject.test.get(key) for subject in tested]
        columns.append(marked(values, [NOTHING if v is None else f"{v:.4f}" for v in values]))
    rows = [
        [Cell(subject.name), *cells]
        for subject, cells in zip(tested, zip(*columns, strict=True), strict=True)
    ]
    caption = f"{group.name}: accuracy on the test split, best epochs, all items ranked"
    return Table("accuracy", caption, [Column("run", "text"), *map(Column, keys)], rows)


def seeds_table(group: Group) -> Table | None:
    """Return means over seeds with half of their 95 % intervals, one row per series; None without seeds.

    Unfinished runs do not count. A series with one finished run has its values and no interval.
    """
    series: dict[str, list[Subject]] = {}
    for subject in group.subjects:
        if subject.finished and subject.analysis and subject.variant:
            series.setdefault(subject.variant, []).append(subject)
    if max(map(len, series.values()), default=0) < 2:
        return None
    rows = []
    for name, members in series.items():
        known = [{**(run.analysis.values if run.analysis else {}), **run.test} for run in members]
        cells = [_over_seeds([values.get(key) for values in known]) for key in _OVER_SEEDS]
        rows.append([Cell(variant_label(name)), Cell(str(len(members))), *cells])
    columns = [Column("variant", "text"), Column("seeds"), *map(Column, _OVER_SEEDS)]
    note = "± is half of the 95 % interval of the mean over seeds."
    return Table("seeds", f"{group.name}: means over seeds", columns, rows, note)


def _over_seeds(values: list[float | None]) -> Cell:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return Cell(NOTHING)
    if len(known) == 1:
        return Cell(number(known[0]))
    interval = over_seeds(known)
    return Cell(with_error(interval.value, (interval.high - interval.low) / 2))


def claims_table(group: Group) -> Table | None:
    """Return the paper's claims with their verdicts; None where no claim could be tested."""
    if not group.claims:
        return None
    rows = []
    for claim in group.claims:
        sentence, measured = with_labels(claim.claim), with_labels(claim.measured)
        rows.append([Cell(sentence), Cell(claim.verdict, _VERDICTS[claim.verdict]), Cell(measured)])
    columns = [Column("claim", "sentence"), Column("verdict", "text"), Column("measured", "sentence")]
    return Table("claims", f"{group.name}: the paper's claims", columns, rows)


def deciles_table(group: Group) -> Table | None:
    """Return the deciles of the first run with known frequencies; None where no run has them."""
    deciles = next((subject.deciles for subject in group.subjects if subject.deciles is not None), None)
    if deciles is None:
        return None
    parts = zip(deciles.names, deciles.low, deciles.high, deciles.sizes.tolist(), strict=True)
    rows = [[Cell(bucket_label(name)), *(Cell(str(count)) for count in counts)] for name, *counts in parts]
    columns = [Column("decile", "text"), Column("lowest frequency"), Column("highest"), Column("items")]
    return Table("deciles", f"{group.name}: deciles of the items by frequency", columns, rows)


def lines_table(
    title: str,
    x_label: str,
    lines: Mapping[str, Mapping[float, float]],
    names: Mapping[float, str] | None = None,
) -> Table:
    """Return the numbers behind lines: one row per x of any line, by its name, and one column per line."""
    xs = sorted({x for line in lines.values() for x in line})
    rows = [
        [Cell((names or {}).get(x, number(x))), *(Cell(number(line.get(x))) for line in lines.values())]
        for x in xs
    ]
    return Table(title, title, [Column(x_label), *map(Column, lines)], rows)
