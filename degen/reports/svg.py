"""Places of ticks, lines and marks in line charts, which a template turns into SVG.

    line_chart(lines)    values against epochs, indices or deciles, a line per run
    path_chart(lines)    paths through a plane: dots, a ring at the start, a square at the end

A chart has a fixed size in its own units and is scaled to the page. Colours and dashes are classes of the
style sheet (`looks.py`), so that they change with the theme.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from degen.plots.profiles import beyond_text
from degen.reports.looks import Look

_LEFT, _TOP, _RIGHT, _BOTTOM = 54, 12, 348, 208

_BESIDE = 9
"""Distance of marks side by side at an edge."""

_MARKED = 10
"""Number of points of a line above which its marker stands on one in several."""


@dataclass(frozen=True)
class Line:
    """A run's line and its look: points by rising x, or those of a path in order of time."""

    name: str
    look: Look
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Tick:
    """A position on an axis in the chart's units, with its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Word:
    """A text that starts at a place in the chart's units."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A dot of a path, a point that stands alone, a ring, a square, or the marker of a line's look."""

    kind: str
    look: Look
    x: float
    y: float


@dataclass(frozen=True)
class Chart:
    """Everything that the template draws."""

    title: str
    x_label: str
    y_label: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: Sequence[tuple[Look, str, str]]
    """Look, `d` of the path, name."""
    marks: Sequence[Mark] = field(default_factory=list)
    words: Sequence[Word] = ()

    @property
    def is_way(self) -> bool:
        """True if the lines are paths through a plane, whose dots say more than their lines."""
        return any(mark.kind == "dot" for mark in self.marks)

    @property
    def label(self) -> str:
        """Text that a screen reader says in place of the picture."""
        names = ", ".join(dict.fromkeys(name for _, _, name in self.lines))
        return (
            f"{self.title}: {self.y_label} against {self.x_label} for {names}. The table holds the numbers."
        )


@dataclass(frozen=True)
class Axis:
    """Ends and ticks of an axis in the units of the values."""

    low: float
    high: float
    ticks: Sequence[float]

    @classmethod
    def over(cls, values: Iterable[float], *, whole: bool = False) -> Axis:
        """Return an axis that holds all values, with less room beyond them if they are whole numbers."""
        every = list(values)
        low, high = min(every), max(every)
        room = (high - low) * (0.02 if whole else 0.06) or (1.0 if whole else 0.05 * abs(low) or 1.0)
        low, high = low - room, high + room
        return cls(low, high, ticks(low, high, whole=whole))

    def across(self, x: float) -> float:
        """Return where `x` stands on a horizontal axis, in the chart's units."""
        return round(_LEFT + (x - self.low) / (self.high - self.low) * (_RIGHT - _LEFT), 1)

    def up(self, y: float) -> float:
        """Return where `y` stands on a vertical axis, in the chart's units."""
        return round(_BOTTOM - (y - self.low) / (self.high - self.low) * (_BOTTOM - _TOP), 1)


def line_chart(
    title: str,
    x_label: str,
    y_label: str,
    lines: Sequence[Line],
    *,
    x_axis: Axis | None = None,
    y_axis: Axis | None = None,
    names: Mapping[float, str] | None = None,
) -> Chart | None:
    """Return a chart of lines over whole numbers; None where no line has a point.

    The axes hold all points by default. An x in `names` shows its name, and its points stand apart: no line
    joins them with others. Those beyond `y_axis` stand at its edge, side by side, with their numbers.
    """
    drawn, xs, ys = _drawn(lines)
    if not drawn:
        return None
    x_axis, y_axis = x_axis or Axis.over(xs, whole=True), y_axis or Axis.over(ys)
    apart, marks, joined = names or {}, [], []
    for line in drawn:
        own = [point for point in line.points if point[0] not in apart]
        alone = [(x, y) for x, y in line.points if x in apart and y_axis.low <= y <= y_axis.high]
        alone += own if len(line.points) == 1 else []
        joined.append(replace(line, points=own))
        marked = own[:: math.ceil(len(own) / _MARKED) or 1] if line.look.marker else []
        places = {"mark": [*marked, *alone]} if line.look.marker else {"point": alone}
        marks += [
            Mark(kind, line.look, x_axis.across(x), y_axis.up(y))
            for kind, points in places.items()
            for x, y in dict.fromkeys(points)
        ]
    at_edges, words = _beyond(drawn, apart, x_axis, y_axis)
    chart = _chart(title, x_label, y_label, joined, x_axis, y_axis, [*marks, *at_edges], apart)
    return replace(chart, words=words)


def _beyond(
    lines: Sequence[Line], apart: Container[float], x_axis: Axis, y_axis: Axis
) -> tuple[list[Mark], list[Word]]:
    """Return marks at the edges of `y_axis` for the points that stand apart beyond it, and their numbers."""
    marks, words = [], []
    for sign, edge, way in (("↑", y_axis.high, 1), ("↓", y_axis.low, -1)):
        far = [(line.look, x, y) for line in lines for x, y in line.points if x in apart]
        far = [(look, x, y) for look, x, y in far if way * y > way * edge]
        up = y_axis.up(edge)
        for place, (look, x, _) in enumerate(far):
            kind = "mark" if look.marker else "point"
            marks.append(Mark(kind, look, x_axis.across(x) + _BESIDE * place, up))
        if far:
            words.append(
                Word(
                    marks[-1].x + _BESIDE,
                    up + (4 if way > 0 else -6),
                    beyond_text([y for *_, y in far], sign),
                )
            )
    return marks, words


def path_chart(title: str, x_label: str, y_label: str, lines: Sequence[Line]) -> Chart | None:
    """Return a chart of paths through a plane; None where no line has a point."""
    drawn, xs, ys = _drawn(lines)
    if not drawn:
        return None
    x_axis, y_axis = Axis.over(xs), Axis.over(ys)
    marks = []
    for line in drawn:
        dots = [(x_axis.across(x), y_axis.up(y)) for x, y in line.points]
        marks += [Mark("dot", line.look, *dot) for dot in dots]
        marks += [Mark("ring", line.look, *dots[0]), Mark("square", line.look, *dots[-1])]
    return _chart(title, x_label, y_label, drawn, x_axis, y_axis, marks, {})


def ticks(low: float, high: float, *, whole: bool = False, most: int = 6) -> list[float]:
    """Return up to `most` round numbers between `low` and `high`, evenly spaced.

    >>> ticks(0.03, 0.92), ticks(0.5, 40.5, whole=True)
    ([0.2, 0.4, 0.6, 0.8], [10.0, 20.0, 30.0, 40.0])
    """
    power = math.floor(math.log10((high - low) / most))
    for step in (base * 10.0**exponent for exponent in range(power, power + 3) for base in (1, 2, 5)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most and (step >= 1 or not whole):
            return [float(f"{k * step:.12g}") for k in range(first, last + 1)]
    return [low]


def _drawn(lines: Sequence[Line]) -> tuple[list[Line], list[float], list[float]]:
    """Return the lines that have points, with every x and y."""
    drawn = [line for line in lines if line.points]
    points = [point for line in drawn for point in line.points]
    return drawn, [x for x, _ in points], [y for _, y in points]


def _chart(
    title: str,
    x_label: str,
    y_label: str,
    lines: Sequence[Line],
    x_axis: Axis,
    y_axis: Axis,
    marks: Sequence[Mark],
    names: Mapping[float, str],
) -> Chart:
    paths = []
    for line in lines:
        places = [f"{x_axis.across(x):g} {y_axis.up(y):g}" for x, y in line.points]
        paths.append((line.look, "M" + "L".join(places), line.name))
    return Chart(
        title,
        x_label,
        y_label,
        [Tick(x_axis.across(x), names.get(x, f"{x:g}")) for x in x_axis.ticks],
        [Tick(y_axis.up(y), f"{y:g}") for y in y_axis.ticks],
        paths,
        marks,
    )
