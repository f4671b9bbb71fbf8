"""Which charts a group has, each with the table of the numbers behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from degen.analysis import MEASURES, PROFILES
from degen.analysis.passes.buckets import COLD
from degen.plots.style import UNSEEN_LABEL
from degen.plots.trajectories import ALIGNMENTS, LABELS, UNIFORMITY
from degen.report.contents import Group, Subject
from degen.report.svg import Chart, Line, line_chart, path_chart, styles
from degen.report.tables import lines_table
from degen.tables.numbers import number
from degen.tables.table import Cell, Column, Table

# Shown first of what an epoch's line holds, in this order; then whatever else it holds.
_FIRST = ("valid_NDCG@10", "valid_HR@5", UNIFORMITY, *ALIGNMENTS)
_NO_MEASURES = ("epoch", "best_epoch", "samples_per_second")
_SECONDS = "_seconds"
_VALIDATION = "valid_"
_UNSEEN = {0.0: UNSEEN_LABEL}
_LABELS = {**LABELS, "sigma2_ratio": "σ₂/σ₁"}


@dataclass(frozen=True)
class Figure:
    """A chart, the numbers behind it, and what they say."""

    chart: Chart
    table: Table
    note: str = ""


def legend(group: Group) -> list[tuple[str, int]]:
    """Return each line's name and style, in the order of the runs."""
    style = _styles(group)
    return [(subject.name, style[_key(subject)]) for subject in group.subjects]


def spectra(group: Group) -> Figure | None:
    """Normalized singular values of every run that has embeddings."""
    found = {s.name: s.singular_values for s in group.subjects if s.singular_values is not None}
    points = {
        name: [(float(i), value) for i, value in enumerate(values.tolist(), start=1)]
        for name, values in found.items()
    }
    return _figure(group, "Singular values", "index i", "σᵢ/σ₁", points, zero=True)


def over_epochs(group: Group) -> Iterator[Figure]:
    """Yield a chart for each quantity that the lines of `metrics.jsonl` hold."""
    for key in _quantities(group):
        points = {subject.name: _series(subject.epochs, key) for subject in group.subjects}
        label = _LABELS.get(key, key.replace(_VALIDATION, "validation ").replace("_", " "))
        figure = _figure(group, label, "epoch", label, points)
        if figure is not None:
            yield replace(figure, note=MEASURES[key].meaning) if key in MEASURES else figure


def by_popularity(group: Group) -> Iterator[Figure]:
    """Yield a chart for each profile of the registry: its value against the decile of frequency."""
    for name, profile in PROFILES.items():
        points = {subject.name: _profile(subject, name) for subject in group.subjects}
        label = name.replace("_", " ")
        figure = _figure(group, label, "decile of items, rarest first", label, points, names=_UNSEEN)
        if figure is not None:
            yield replace(figure, note=profile.meaning)


def _profile(subject: Subject, name: str) -> list[tuple[float, float]]:
    """Return a profile's values by decile; items that never occur stand left of the first."""
    if subject.analysis is None or subject.deciles is None:
        return []
    values = {at: subject.analysis.values.get(f"{name}@{at}") for at in subject.deciles.names}
    return [(0.0 if at == COLD else float(at), value) for at, value in values.items() if value is not None]


def trajectories(group: Group) -> Iterator[Figure]:
    """Yield the ways through the plane of each kind of alignment and uniformity (Fig. 5)."""
    style = _styles(group)
    for key in ALIGNMENTS:
        ways = {subject: _way(subject.epochs, key) for subject in group.subjects}
        ways = {subject: way for subject, way in ways.items() if way}
        lines = [Line(subject.name, style[_key(subject)], way) for subject, way in ways.items()]
        chart = path_chart(f"{LABELS[key]} and uniformity", LABELS[key], LABELS[UNIFORMITY], lines)
        if chart is not None:
            yield Figure(chart, _ends(chart.title, LABELS[key], ways))


def _figure(
    group: Group,
    title: str,
    x_label: str,
    y_label: str,
    points: dict[str, list[tuple[float, float]]],
    *,
    zero: bool = False,
    names: Mapping[float, str] | None = None,
) -> Figure | None:
    style = _styles(group)
    of = {subject.name: style[_key(subject)] for subject in group.subjects}
    kept = {name: several for name, several in points.items() if several}
    lines = [Line(name, of[name], several) for name, several in kept.items()]
    chart = line_chart(title, x_label, y_label, lines, zero=zero, names=names)
    if chart is None:
        return None
    numbers = {name: dict(several) for name, several in kept.items()}
    return Figure(chart, lines_table(title, x_label, numbers, names))


def _key(subject: Subject) -> str:
    return subject.variant or subject.name


def _styles(group: Group) -> dict[str, int]:
    return styles(_key(subject) for subject in group.subjects)


def _quantities(group: Group) -> list[str]:
    keys = dict.fromkeys(key for s in group.subjects for row in s.epochs for key in row)
    first = [key for key in _FIRST if key in keys]
    others = [key for key in keys if key not in _FIRST + _NO_MEASURES]
    others = [key for key in others if not key.startswith(_VALIDATION) and not key.endswith(_SECONDS)]
    return first + others


def _series(rows: Sequence[Any], key: str) -> list[tuple[float, float]]:
    return [(float(row["epoch"]), float(row[key])) for row in rows if _is_number(row.get(key))]


def _way(rows: Sequence[Any], key: str) -> list[tuple[float, float]]:
    both = [row for row in rows if _is_number(row.get(key)) and _is_number(row.get(UNIFORMITY))]
    return [(float(row[key]), float(row[UNIFORMITY])) for row in both]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < float("inf")


def _ends(title: str, label: str, ways: dict[Subject, list[tuple[float, float]]]) -> Table:
    """First and last epoch of each way; every epoch stands under the charts over epochs."""
    rows = []
    for subject, way in ways.items():
        values = (way[0][0], way[-1][0], way[0][1], way[-1][1])
        rows.append([Cell(subject.name), *(Cell(number(value)) for value in values)])
    titles = [f"{what}, {when}" for what in (label, LABELS[UNIFORMITY]) for when in ("first", "last")]
    return Table(title, title, [Column("run", "text"), *map(Column, titles)], rows)
