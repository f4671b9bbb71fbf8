"""The report's tables, for HTML and LaTeX alike: what each cell says, and which are the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from degen.analysis import MEASURES, PROFILES, Estimate, Measure, Profile
from degen.analysis.buckets import COLD
from degen.report.data import Group, Report, Subject

Mark = Literal["", "best", "second", "holds", "fails", "open"]
Kind = Literal["number", "text", "sentence"]

UNSEEN = "unseen"
"""What a decile of items that never occur in training is called."""

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


def measures_table(group: Group) -> Table | None:
    """Every measure of the registry, a row each, a column for each run that has embeddings.

    Where a measure says that higher, or lower, is more isotropic, the most isotropic run is marked best.
    """
    measured = [subject for subject in group.subjects if subject.measures]
    if not measured:
        return None
    rows = []
    for name, measure in MEASURES.items():
        values = [subject.measures.get(name) for subject in measured]
        if any(value is not None for value in values):
            sign = _sign(measure)
            cells = marked(values, [number(value) for value in values], sign)
            rows.append([Cell(name), *cells, Cell({1: "higher", -1: "lower", 0: NOTHING}[sign])])
    runs = [Column(subject.name) for subject in measured]
    columns = [Column("measure", "text"), *runs, Column("isotropic is", "text")]
    return Table("measures", f"{group.name}: item embeddings at each run's best epoch", columns, rows)


def glossary_table(report: Report) -> Table | None:
    """What each measure and profile says that the report shows; None where it shows none."""
    subjects = [subject for group in report.groups for subject in group.subjects]
    shown = {name for subject in subjects for name in (*subject.measures, *subject.profiles)}
    lines: list[tuple[Measure | Profile, str]] = [(one, one.group) for one in MEASURES.values()]
    lines += [(one, "profile") for one in PROFILES.values() if one.name not in MEASURES]
    rows = [
        [
            Cell(one.name),
            Cell(kind),
            Cell(one.meaning),
            Cell(f"{one.range[0]:g} to {one.range[1]:g}".replace("inf", "∞")),
            Cell(one.source),
            Cell(one.cost),
        ]
        for one, kind in lines
        if one.name in shown
    ]
    columns = [
        Column("measure", "text"),
        Column("kind", "text"),
        Column("meaning", "sentence"),
        Column("range", "text"),
        Column("source", "sentence"),
        Column("cost", "text"),
    ]
    return Table("glossary", "What the measures say", columns, rows) if rows else None


def deciles_table(group: Group) -> Table | None:
    """How the items of a group's first run with known frequencies are parted; None where none has them."""
    deciles = next((subject.deciles for subject in group.subjects if subject.deciles is not None), None)
    if deciles is None:
        return None
    parts = zip(deciles.names, deciles.low, deciles.high, deciles.sizes.tolist(), strict=True)
    rows = [
        [Cell(UNSEEN if name == COLD else name), *(Cell(str(count)) for count in counts)]
        for name, *counts in parts
    ]
    columns = [Column("decile", "text"), Column("lowest frequency"), Column("highest"), Column("items")]
    return Table("deciles", f"{group.name}: deciles of the items by frequency", columns, rows)


def _sign(measure: Measure) -> int:
    """1 where higher is more isotropic, -1 where lower is, 0 where a measure says neither."""
    starts = {"higher is more isotropic": 1, "lower is more isotropic": -1}
    return next((sign for words, sign in starts.items() if measure.meaning.startswith(words)), 0)


def lines_table(
    title: str,
    x_label: str,
    lines: Mapping[str, Mapping[float, float]],
    names: Mapping[float, str] | None = None,
) -> Table:
    """The numbers behind lines: a row for each x that one of them has, by its name, a column a line."""
    xs = sorted({x for line in lines.values() for x in line})
    rows = [
        [Cell((names or {}).get(x, number(x))), *(Cell(number(line.get(x))) for line in lines.values())]
        for x in xs
    ]
    return Table(title, title, [Column(x_label), *map(Column, lines)], rows)
