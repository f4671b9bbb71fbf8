"""Tables of the report, for HTML and LaTeX alike, with the best values marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from degen.analysis import MEASURES, PROFILES, Measure, Profile
from degen.analysis.listing import in_order
from degen.analysis.passes.buckets import COLD
from degen.analysis.result import Analysis
from degen.analysis.statistics.differences import over_seeds
from degen.plots.style import UNSEEN_LABEL
from degen.report.contents import Group, Report, Subject
from degen.tables.numbers import NOTHING, number, with_error
from degen.tables.table import Cell, Column, Kind, Mark, Table, marked
from degen.variant_names import variant_label

_VERDICTS: Mapping[str, Mark] = {
    "holds": "holds",
    "does not hold": "fails",
    "within noise": "open",
    "not judged": "open",
}

_DIRECTIONS: Mapping[str, tuple[str, int]] = {"↑": ("higher", 1), "↓": ("lower", -1), "": (NOTHING, 0)}
"""By a measure's arrow: the more isotropic end, as a word and as a sign."""

_OVER_SEEDS = ("HR@5", "NDCG@5", "HR@10", "NDCG@10", "sigma2_ratio", "average_cosine", "effective_rank")
_ACCURACY = tuple(f"{metric}@{k}" for k in (5, 10, 20) for metric in ("HR", "NDCG", "MRR"))


def runs_table(report: Report) -> Table:
    """Return one row per run and matrix file, without the columns that are empty for all."""
    subjects = [subject for group in report.groups for subject in group.subjects]
    titles = list(dict.fromkeys(title for subject in subjects for title in subject.about))
    shown = [title for title in titles if any(s.about.get(title) is not None for s in subjects)]
    rows = [
        [Cell(subject.place), *(Cell(_setting(subject.about.get(title))) for title in shown)]
        for subject in subjects
    ]
    columns = [Column("run", "text")]
    for title in shown:
        numbers = all(isinstance(subject.about.get(title), int | float | None) for subject in subjects)
        columns.append(Column(title, "number" if numbers else "text"))
    return Table("runs", "What was run", columns, rows)


def _setting(value: Any) -> str:
    """Return a setting as it was typed."""
    return NOTHING if value is None else f"{value:g}" if isinstance(value, float) else str(value)


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
    rows = [
        [Cell(claim.claim), Cell(claim.verdict, _VERDICTS[claim.verdict]), Cell(claim.measured)]
        for claim in group.claims
    ]
    columns = [Column("claim", "sentence"), Column("verdict", "text"), Column("measured", "sentence")]
    return Table("claims", f"{group.name}: the paper's claims", columns, rows)


def measures_table(group: Group) -> Table | None:
    """Return one row per measure and profile, without those of single deciles, and one column per run.

    Where a measure has a more isotropic end, the most isotropic finished run is marked as the best.
    """
    measured = [(subject, subject.analysis) for subject in group.subjects if subject.analysis]
    if not measured:
        return None
    analyses = [analysis for _, analysis in measured]
    rows = []
    for line in in_order(name for analysis in analyses for name in analysis.values):
        if line.detail:
            continue
        values = [analysis.values.get(line.name) if run.finished else None for run, analysis in measured]
        texts = [_value(analysis, line.name) for analysis in analyses]
        words, sign = _DIRECTIONS[line.arrow]
        rows.append([Cell(line.name), *marked(values, texts, sign), Cell(words), Cell(line.group)])
    runs = [Column(run.name) for run, _ in measured]
    columns = [Column("measure", "key"), *runs, Column("isotropic is", "text"), Column("kind", "text")]
    caption = f"{group.name}: item embeddings at each run's best epoch"
    unfinished = [run.name for run, _ in measured if not run.finished]
    note = f"Unfinished and so not compared: {', '.join(unfinished)}." if unfinished else ""
    return Table("measures", caption, columns, rows, note)


def _value(analysis: Analysis, name: str) -> str:
    """Return a measure's value as text, a sampled one with its standard error."""
    value = analysis.values.get(name)
    error = analysis.standard_errors.get(name)
    return number(value) if value is None or error is None else with_error(value, error)


def glossary_table(report: Report) -> Table | None:
    """Return the meaning of each measure and profile that the report shows; None where it shows none."""
    subjects = [subject for group in report.groups for subject in group.subjects]
    analyses = [subject.analysis for subject in subjects if subject.analysis]
    shown = {name.split("@")[0] for analysis in analyses for name in analysis.values}
    known: dict[str, Measure | Profile] = {**PROFILES, **MEASURES}
    rows = []
    for line in in_order(name for name in known if name in shown):
        function = known[line.name]
        low, high = (number(float(bound)) for bound in function.range)
        texts = (line.name, line.group, function.meaning, f"{low} to {high}", function.source, function.cost)
        rows.append([Cell(text) for text in texts])
    kinds: dict[str, Kind] = {
        "measure": "key",
        "kind": "text",
        "meaning": "sentence",
        "range": "text",
        "source": "sentence",
        "cost": "text",
    }
    columns = [Column(title, kind) for title, kind in kinds.items()]
    return Table("glossary", "What the measures say", columns, rows) if rows else None


def deciles_table(group: Group) -> Table | None:
    """Return the deciles of the first run with known frequencies; None where no run has them."""
    deciles = next((subject.deciles for subject in group.subjects if subject.deciles is not None), None)
    if deciles is None:
        return None
    parts = zip(deciles.names, deciles.low, deciles.high, deciles.sizes.tolist(), strict=True)
    rows = [
        [Cell(UNSEEN_LABEL if name == COLD else name), *(Cell(str(count)) for count in counts)]
        for name, *counts in parts
    ]
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
