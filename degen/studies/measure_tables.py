"""Measures of matrices as a table, for a terminal, CSV, LaTeX; and the page of all measures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degen.analysis.listing import GROUPS, Line, in_order
from degen.analysis.passes.buckets import COLD, DECILES, BucketContent
from degen.analysis.registry import Measure, Profile
from degen.analysis.result import Analysis
from degen.files import write_text
from degen.plots.save import write_columns
from degen.tables.latex_text import code, escape

LEGEND = "↑ higher, ↓ lower is more isotropic"
"""What the arrows of a table say."""


@dataclass(frozen=True)
class Cell:
    """A number as people read it, and the footnote that it bears, from 1, or 0."""

    text: str
    note: int = 0


@dataclass(frozen=True)
class MeasureTable:
    """A table with a line a measure and a column a matrix.

    Attributes
    ----------
    names
        of the matrices.
    groups
        for each group its heading, and its lines with the cells of the matrices.
    notes
        the footnotes, of which the first is 1.
    """

    names: list[str]
    groups: dict[str, list[tuple[Line, list[Cell]]]]
    notes: list[str]

    @classmethod
    def of(cls, analyses: Sequence[Analysis]) -> MeasureTable:
        """Put the measures of matrices side by side, but for those of each tenth of the items."""
        notes: dict[str, int] = {}
        groups: dict[str, list[tuple[Line, list[Cell]]]] = {}
        for line in in_order(name for analysis in analyses for name in analysis.measures):
            if not line.detail:
                cells = [_cell(analysis, line.name, notes) for analysis in analyses]
                groups.setdefault(heading(line.group), []).append((line, cells))
        return cls([analysis.name for analysis in analyses], groups, list(notes))


def bucket_lines(analyses: Sequence[Analysis]) -> list[str]:
    """Return what head, middle and tail are in a sentence, once for matrices that are cut alike."""
    alike: dict[str, list[str]] = {}
    for analysis in analyses:
        all_actions = sum(bucket.actions for name, bucket in analysis.buckets.items() if name in DECILES)
        parts = [
            _bucket(name, bucket, all_actions)
            for name, bucket in analysis.buckets.items()
            if name not in DECILES
        ]
        if parts:
            alike.setdefault("; ".join(parts), []).append(analysis.name)
    several = len(alike) > 1
    return [f"{', '.join(names)}: {text}" if several else text for text, names in alike.items()]


def _bucket(name: str, bucket: BucketContent, all_actions: int) -> str:
    noun, verb = ("item", "occurs") if bucket.items == 1 else ("items", "occur")
    items = f"{name}: {bucket.items:,} {noun} that"
    if name == COLD:
        return f"{items} never {verb}"
    low, high = f"{bucket.low:,}", f"{bucket.high:,}"
    times = f"{low} times" if low == high else f"{low} to {high} times"
    often = "once" if bucket.high == 1 else times
    return f"{items} {verb} {often}, {bucket.actions / all_actions:.0%} of all actions"


def heading(group: str) -> str:
    """Return what stands above a group."""
    return GROUPS.get(group, group.capitalize())


def _cell(analysis: Analysis, name: str, notes: dict[str, int]) -> Cell:
    if name in analysis.reasons:
        reason = analysis.reasons[name]
        return Cell("–", notes.setdefault(reason, len(notes) + 1))
    if name not in analysis.values:
        return Cell("")
    value = analysis.values[name]
    if name not in analysis.standard_errors:
        if name not in analysis.not_judged:
            return Cell(number(value))
        note = f"no interval: {analysis.not_judged[name]}"
        return Cell(number(value), notes.setdefault(note, len(notes) + 1))
    error, note = analysis.standard_errors[name], f"± standard error; {analysis.samples[name]}"
    if name in analysis.intervals:
        low, high = analysis.intervals[name]
        error, note = (high - low) / 2, f"± half of the 95 % interval; {analysis.samples[name]}"
    return Cell(with_error(value, error), notes.setdefault(note, len(notes) + 1))


def number(value: float) -> str:
    """Return four significant digits; whole numbers whole.

    >>> number(0.123456), number(-3.0), number(12101.0), number(2.5e-9), number(math.inf)
    ('0.1235', '-3', '12,101', '2.5e-09', '∞')
    """
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == round(value) and abs(value) < 1e12:
        return f"{value:z,.0f}"
    size = abs(value)
    if size < 1e-4 or size >= 1e6:
        return f"{value:.4g}"
    return f"{value:,.{max(0, 3 - math.floor(math.log10(size)))}f}"


def with_error(value: float, error: float) -> str:
    """Return a value and its error, both to the second digit of the error.

    >>> with_error(-3.874612, 0.00031)
    '-3.87461 ± 0.00031'
    """
    if not (math.isfinite(value) and 0 < error < math.inf):
        return number(value)
    digits = _digits(error)
    return f"{value:z,.{digits}f} ± {error:,.{digits}f}"


def between(low: float, high: float) -> str:
    """Return an interval, both ends to the second digit of half its width.

    >>> between(-2.1234, -2.0021), between(-0.0001, 0.25)
    ('-2.123 to -2.002', '0.00 to 0.25')
    """
    half = (high - low) / 2
    if not 0 < half < math.inf:
        return f"{number(low)} to {number(high)}"
    return " to ".join(f"{end:z,.{_digits(half)}f}" for end in (low, high))


def _digits(error: float) -> int:
    """The decimals with which an error, > 0, has two digits."""
    return min(max(0, 1 - math.floor(math.log10(error))), 12)


# ---------------------------------------------------------------------------------------------- files


def write_csv(path: Path, analyses: Sequence[Analysis]) -> Path:
    """Write a line for each matrix and measure, numbers in full.

    Raises
    ------
    UserError
        if the file cannot be written.
    """
    rows = [
        {"name": row["name"], "rows": analysis.rows, "dimensions": analysis.dimensions, **row}
        for analysis in analyses
        for row in analysis.records()
    ]
    return write_columns(path, {key: [_full(row[key]) for row in rows] for key in rows[0]})


def _full(value: Any) -> Any:
    return repr(value) if isinstance(value, float) else value


def write_latex(path: Path, analyses: Sequence[Analysis]) -> Path:
    r"""Write a `tabular` in the style of booktabs, with its footnotes below, for `\input`.

    Raises
    ------
    UserError
        if the file cannot be written.
    """
    table = MeasureTable.of(analyses)
    columns = 1 + len(table.names)
    lines = [" & ".join(["", *map(escape, table.names)]) + r" \\"]
    for title, measures in table.groups.items():
        lines += [r"\midrule", rf"\multicolumn{{{columns}}}{{l}}{{\emph{{{escape(title)}}}}} \\"]
        for line, cells in measures:
            arrow = {"↑": r" $\uparrow$", "↓": r" $\downarrow$", "": ""}[line.arrow]
            first = code(line.name) + arrow
            lines.append(" & ".join([first, *map(_latex_cell, cells)]) + r" \\")
    inner = [r"\toprule", *lines, r"\bottomrule"]
    notes = [rf"\par\footnotesize $^{{{place}}}$ {escape(note)}" for place, note in enumerate(table.notes, 1)]
    head = r"% Needs \usepackage{booktabs}. Arrows point to where a matrix is more isotropic."
    text = [head, rf"\begin{{tabular}}{{l{'r' * len(table.names)}}}", *inner, r"\end{tabular}", *notes, ""]
    write_text(path, "\n".join(text))
    return path


def _latex_cell(cell: Cell) -> str:
    text = escape(cell.text)
    if text.startswith("-") and not text.startswith("--"):
        text = f"$-${text[1:]}"
    return text + (f"$^{{{cell.note}}}$" if cell.note else "")


# ------------------------------------------------------------------------------- the page of measures

FACTS = ("value", "range", "meaning", "cost", "source")
"""What is said of a measure."""


def facts(own: Measure | Profile) -> list[str]:
    """Return what `FACTS` names, in words; the meaning less what the arrow says."""
    low, high = (number(end) for end in own.range)
    needs = "".join(f"; needs {what}" for what in getattr(own, "needs", ("frequency",)))
    said = own.remark + needs
    return [own.formula, f"{low} to {high}", said.lstrip("; "), own.cost, own.source]


def sections(measures: Sequence[Measure], profiles: Sequence[Profile]) -> dict[str, list[Measure | Profile]]:
    """Return measures by the heading of their group, profiles last."""
    found: dict[str, list[Measure | Profile]] = {}
    for measure in measures:
        found.setdefault(heading(measure.group), []).append(measure)
    if profiles:
        found["In each bucket of items by popularity"] = list(profiles)
    return found


def page(measures: Sequence[Measure], profiles: Sequence[Profile]) -> str:
    """Return the page of measures in Markdown, a table a group, a line a function."""
    parts = []
    for title, members in sections(measures, profiles).items():
        same: dict[Any, list[Measure | Profile]] = {}
        for own in members:
            same.setdefault(own.function, []).append(own)
        rows = [[_names(first, others), *facts(first)] for first, *others in same.values()]
        lines = [["measure", *FACTS], ["---"] * (1 + len(FACTS)), *rows]
        table = "\n".join(f"| {' | '.join(map(_markdown, line))} |" for line in lines)
        parts.append(f"### {title}\n\n{table}\n")
    return "\n".join(parts)


def _names(first: Measure | Profile, others: Sequence[Measure | Profile]) -> str:
    """Return the names of one function, those after the first with their settings."""
    further = [f"`{own.name}`: {own.formula.rpartition('; with ')[2]}" for own in others]
    return "<br>".join([f"`{first.name}` {first.arrow}".strip(), *further])


def _markdown(text: str) -> str:
    return text.replace("|", "\\|")
