"""Charts of a group, each with a table of its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.figure import Figure

from degen.analysis import MEASURES, PROFILES
from degen.analysis.passes.buckets import COLD
from degen.analysis.titles import title
from degen.plots.profiles import reach
from degen.plots.spectra import draw_singular_values
from degen.plots.style import UNSEEN_LABEL
from degen.plots.trajectories import ALIGNMENTS, LABELS, UNIFORMITY
from degen.reports.contents import Group, Subject
from degen.reports.looks import Look
from degen.reports.svg import Axis, Chart, Line, line_chart, path_chart, ticks
from degen.reports.tables import lines_table
from degen.tables.numbers import number
from degen.tables.table import Cell, Column, Table

# Drawn first, in this order; then whatever else the lines of `metrics.jsonl` hold.
_FIRST = ("valid_NDCG@10", "valid_HR@5", UNIFORMITY, *ALIGNMENTS)

_NO_MEASURES = ("epoch", "best_epoch", "samples_per_second")
_SECONDS = "_seconds"
_VALIDATION = "valid_"
_UNSEEN = {-1.0: UNSEEN_LABEL}
"""Place of items that never occur in training, with room for the word before the first decile."""


@dataclass(frozen=True)
class Numbered:
    """A chart, the table of its numbers, and the meaning of its quantity."""

    chart: Chart
    table: Table
    note: str = ""


def legend(group: Group) -> list[tuple[str, Look]]:
    """Return each line's name and look, in the order of the runs."""
    return list(_looks(group).items())


def spectra(group: Group) -> Numbered | None:
    """Return the normalized singular values of every run that has embeddings."""
    found = {s.name: s.singular_values for s in group.subjects if s.singular_values is not None}
    if not found:
        return None
    points = {
        name: [(float(i), value) for i, value in enumerate(values.tolist(), start=1)]
        for name, values in found.items()
    }
    axes = Figure().subplots()
    draw_singular_values(axes, found)
    x_axis = _axis(axes.get_xlim(), axes.get_xticks())
    y_axis = _axis(axes.get_ylim(), axes.get_yticks())
    return _figure(group, "singular values", "index i", "σᵢ/σ₁", points, x_axis=x_axis, y_axis=y_axis)


def _axis(limits: tuple[float, float], ticks: Iterable[float]) -> Axis:
    """Return an axis as matplotlib has it."""
    low, high = map(float, limits)
    return Axis(low, high, [round(float(tick), 9) for tick in ticks if low <= tick <= high])


def over_epochs(group: Group) -> Iterator[Numbered]:
    """Yield a chart for each quantity in the lines of `metrics.jsonl`."""
    for key in _quantities(group):
        points = {subject.name: _points(subject.epochs, "epoch", key) for subject in group.subjects}
        label = LABELS.get(key) or _quantity(key)
        figure = _figure(group, label, "epoch", label, points)
        if figure is not None:
            yield replace(figure, note=MEASURES[key].meaning) if key in MEASURES else figure


def _quantity(key: str) -> str:
    """Return a quantity of `metrics.jsonl` in words; the 10 of `valid_NDCG@10` is no decile."""
    metric = key.removeprefix(_VALIDATION)
    return title(key) if metric == key else f"validation {metric.replace('_', ' ')}"


def by_popularity(group: Group) -> Iterator[Numbered]:
    """Yield a chart for each profile of the registry, against the decile of frequency."""
    for name, profile in PROFILES.items():
        points = {subject.name: _profile(subject, name) for subject in group.subjects}
        label = title(name)
        places = sorted({x for several in points.values() for x, _ in several})
        axis = Axis(places[0] - 0.3, places[-1] + 0.3, places) if places else None
        figure = _figure(
            group,
            label,
            "decile by frequency, rarest first",
            label,
            points,
            names=_UNSEEN,
            x_axis=axis,
            y_axis=_by_deciles(points),
        )
        if figure is not None:
            yield replace(figure, note=profile.meaning)


def _by_deciles(points: Mapping[str, Sequence[tuple[float, float]]]) -> Axis | None:
    """Return the axis of a profile: the deciles set it, and unseen items only where they lie near."""
    every = [point for several in points.values() for point in several]
    deciles = [y for x, y in every if x not in _UNSEEN]
    if not deciles:
        return None
    around = Axis.over(deciles)
    held = reach((y for x, y in every if x in _UNSEEN), around.low, around.high)
    return Axis(*held.ends, ticks(held.low, held.high))


def _profile(subject: Subject, name: str) -> list[tuple[float, float]]:
    """Return a profile's values by decile; the place of unseen items is left of the first."""
    if subject.analysis is None or subject.deciles is None:
        return []
    values = {bucket: subject.analysis.values.get(f"{name}@{bucket}") for bucket in subject.deciles.names}
    return [
        (-1.0 if bucket == COLD else float(bucket), value)
        for bucket, value in values.items()
        if value is not None
    ]


def trajectories(group: Group) -> Iterator[Numbered]:
    """Yield the paths through the plane of each kind of alignment and uniformity (Fig. 5)."""
    looks = _looks(group)
    for key in ALIGNMENTS:
        ways = {subject.name: _points(subject.epochs, key, UNIFORMITY) for subject in group.subjects}
        ways = {name: way for name, way in ways.items() if way}
        lines = [Line(name, looks[name], way) for name, way in ways.items()]
        chart = path_chart(f"{LABELS[key]} and uniformity", LABELS[key], LABELS[UNIFORMITY], lines)
        if chart is not None:
            yield Numbered(chart, _ends(chart.title, LABELS[key], ways))


def _figure(
    group: Group,
    title: str,
    x_label: str,
    y_label: str,
    points: dict[str, list[tuple[float, float]]],
    *,
    names: Mapping[float, str] | None = None,
    **axes: Axis | None,
) -> Numbered | None:
    looks = _looks(group)
    kept = {name: several for name, several in points.items() if several}
    lines = [Line(name, looks[name], several) for name, several in kept.items()]
    chart = line_chart(title, x_label, y_label, lines, names=names, **axes)
    if chart is None:
        return None
    numbers = {name: dict(several) for name, several in kept.items()}
    return Numbered(chart, lines_table(title, x_label, numbers, names))


def _looks(group: Group) -> dict[str, Look]:
    """Return the look of each line by its name; the seeds of a variant share one."""
    variants = {subject.name: subject.variant or subject.name for subject in group.subjects}
    places = {variant: place for place, variant in enumerate(dict.fromkeys(variants.values()))}
    return {name: Look.of(variant, places[variant]) for name, variant in variants.items()}


def _quantities(group: Group) -> list[str]:
    keys = dict.fromkeys(key for s in group.subjects for row in s.epochs for key in row)
    first = [key for key in _FIRST if key in keys]
    others = [key for key in keys if key not in _FIRST + _NO_MEASURES]
    others = [key for key in others if not key.startswith(_VALIDATION) and not key.endswith(_SECONDS)]
    return first + others


def _points(rows: Sequence[Any], across: str, up: str) -> list[tuple[float, float]]:
    """Return the values of two keys in the rows that have a number for both."""
    both = [(row.get(across), row.get(up)) for row in rows]
    return [(float(x), float(y)) for x, y in both if _is_number(x) and _is_number(y)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < float("inf")


def _ends(title: str, label: str, ways: dict[str, list[tuple[float, float]]]) -> Table:
    """Return the first and last epoch of each path; all epochs stand under the charts over epochs."""
    rows = []
    for name, way in ways.items():
        values = (way[0][0], way[-1][0], way[0][1], way[-1][1])
        rows.append([Cell(name), *(Cell(number(value)) for value in values)])
    titles = [f"{axis}, {epoch}" for axis in (label, LABELS[UNIFORMITY]) for epoch in ("first", "last")]
    return Table(title, title, [Column("run", "text"), *map(Column, titles)], rows)
