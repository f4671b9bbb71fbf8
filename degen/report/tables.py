"""The report's tables, for HTML and LaTeX alike: what each cell says, and which are the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from degen.analysis import MEASURES, Estimate, Measure
from degen.report.data import Group, Report, Subject

Mark = Literal["", "best", "second", "holds", "fails", "open"]
Kind = Literal["number", "text", "sentence"]

NOTHING = "–"
"""What a cell without a value shows."""

_VERDICTS: Mapping[str, Mark] = {
    "holds": "holds",
    "does not hold": "fails",
    "within noise": "open",
    "not judged": "open",
}

_ACCURACY = tuple(f"{metric}@{k}" for k in (5, 10, 20) for metric in ("HR", "NDCG", "MRR"))


@dataclass(frozen=True)
class Cell:
    """Text, and how it is set off: the best or second of what it is compared with, or a verdict."""

    text: str
    mark: Mark = ""


@dataclass(frozen=True)
class Column:
    """A column's title, and what its cells hold."""

    title: str
    kind: Kind = "number"


@dataclass(frozen=True)
class Table:
    """Rows of as many cells as there are columns; the first cell of a row is its header."""

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


def number(value: Any) -> str:
    """Return a number with four significant digits, a sampled one with its standard error, a dash for none.

    >>> number(0.0543219), number(60.5489), number(12101), number(-11.2), number(None)
    ('0.05432', '60.55', '12101', '-11.2', '–')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING
    if isinstance(value, Estimate):
        return f"{number(float(value))} ± {value.standard_error:.2g}"
    if isinstance(value, float):
        return f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"
    return str(value)


def marked(values: Sequence[float | None], texts: Sequence[str], sign: int = 1) -> list[Cell]:
    """Return a cell each, the highest marked best and the next of three or more second.

    The lowest is best where `sign` is -1, none where it is 0. Values that read the same share a mark; nothing
    is marked where all do.
    """
    known = [(sign * value, text) for value, text in zip(values, texts, strict=True) if value is not None]
    order = list(dict.fromkeys(text for _, text in sorted(known, reverse=True)))
    marks: dict[str, Mark] = {}
    if sign and len(order) > 1:
        marks[order[0]] = "best"
        if len(known) > 2:
            marks[order[1]] = "second"
    return [
        Cell(text, "" if value is None else marks.get(text, ""))
        for value, text in zip(values, texts, strict=True)
    ]


def runs_table(report: Report) -> Table:
    """What was run: a row for each run and matrix file, without the columns that are empty for all."""
    subjects = [subject for group in report.groups for subject in group.subjects]
    titles = list(dict.fromkeys(title for subject in subjects for title in subject.about))
    shown = [title for title in titles if any(s.about.get(title) is not None for s in subjects)]
    rows = [
        [Cell(str(subject.place)), *(Cell(number(subject.about.get(title))) for title in shown)]
        for subject in subjects
    ]
    columns = [Column("run", "text"), *(Column(title, _kind(subjects, title)) for title in shown)]
    return Table("runs", "What was run", columns, rows)


def _kind(subjects: Sequence[Subject], title: str) -> Kind:
    numbers = all(isinstance(subject.about.get(title), int | float | None) for subject in subjects)
    return "number" if numbers else "text"


def accuracy_table(group: Group) -> Table | None:
    """HR, NDCG and MRR on the test split, a row a finished run; None where there is none."""
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


def claims_table(group: Group) -> Table | None:
    """The paper's claims with their verdicts; None where no claim could be looked at."""
    if not group.claims:
        return None
    rows = [
        [Cell(claim.claim), Cell(claim.verdict, _VERDICTS[claim.verdict]), Cell(claim.measured)]
        for claim in group.claims
    ]
    columns = [Column("claim", "sentence"), Column("verdict", "text"), Column("measured", "sentence")]
    return Table("claims", f"{group.name}: the paper's claims", columns, rows)


def measures_table(group: Group, *, explained: bool = True) -> Table | None:
    """Every measure of the registry, a row each, a column for each run that has embeddings.

    `explained` adds columns for what kind of measure it is and what it says. Where a measure says that
    higher, or lower, is more isotropic, the most isotropic run is marked best.
    """
    measured = [subject for subject in group.subjects if subject.measures]
    if not measured:
        return None
    rows = []
    for name, measure in MEASURES.items():
        values = [subject.measures.get(name) for subject in measured]
        if any(value is not None for value in values):
            cells = [Cell(name), *marked(values, [number(value) for value in values], _sign(measure))]
            rows.append([*cells, Cell(measure.group), Cell(measure.meaning)] if explained else cells)
    columns = [Column("measure", "text"), *(Column(subject.name) for subject in measured)]
    if explained:
        columns += [Column("kind", "text"), Column("meaning", "sentence")]
    return Table("measures", f"{group.name}: item embeddings at each run's best epoch", columns, rows)


def _sign(measure: Measure) -> int:
    """1 where higher is more isotropic, -1 where lower is, 0 where a measure says neither."""
    starts = {"higher is more isotropic": 1, "lower is more isotropic": -1}
    return next((sign for words, sign in starts.items() if measure.meaning.startswith(words)), 0)


def lines_table(name: str, caption: str, x: str, lines: Mapping[str, Mapping[float, float]]) -> Table:
    """The numbers behind lines: a row for each `x` that one of them has, a column a line."""
    xs = sorted({x for line in lines.values() for x in line})
    rows = [[Cell(number(x)), *(Cell(number(line.get(x))) for line in lines.values())] for x in xs]
    return Table(name, caption, [Column(x), *map(Column, lines)], rows)
