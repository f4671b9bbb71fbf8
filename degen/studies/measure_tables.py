"""Tables of measures for the terminal, CSV and LaTeX, and the page of all measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from degen.analysis.core import CORE, NEEDS_FREQUENCY
from degen.analysis.listing import GROUPS, Line, in_order
from degen.analysis.listing import line as line_of
from degen.analysis.passes.buckets import COLD, DECILES, UNSEEN, BucketContent
from degen.analysis.registry import Measure, Profile, own_measures
from degen.analysis.result import Analysis
from degen.analysis.titles import title
from degen.files.outputs import output_path
from degen.files.writing import write_text
from degen.tables.csv_file import write_rows
from degen.tables.latex import tabular
from degen.tables.markdown import markdown
from degen.tables.numbers import NOTHING, number, with_error
from degen.tables.table import Cell, Column, Table

LEGEND = "↑ higher, ↓ lower is more isotropic"
"""The meaning of the arrows of a table."""

CORE_HEADING = "Core"
"""Heading of the core measures."""

_LATEX_HEAD = "% Needs \\usepackage{booktabs}. Arrows point to where a matrix is more isotropic.\n"


def measures_table(analyses: Sequence[Analysis], *, remarks: bool = False) -> Table:
    """Return a table with one row per measure and one column per matrix, without the single deciles.

    With `remarks`, a last column says what each measure means.
    """
    lines = [line for line in in_order(_names(analyses)) if not line.detail]
    return _table(analyses, lines, [heading(line.group) for line in lines], remarks)


def core_first_table(analyses: Sequence[Analysis], *, remarks: bool = False) -> Table:
    """Return `measures_table` with the core measures in a section before the groups."""
    lines = [line for line in in_order(_names(analyses)) if not line.detail]
    core = {line.name: line for line in lines if line.name in CORE}
    rest = [line for line in lines if line.name not in CORE]
    first = [core[name] for name in CORE if name in core]
    sections = [*[CORE_HEADING] * len(first), *(heading(line.group) for line in rest)]
    return _table(analyses, [*first, *rest], sections, remarks)


def core_table(analyses: Sequence[Analysis], *, remarks: bool = False) -> Table:
    """Return the core measures in words, and measures of the user's own; a matrix without any has no row.

    The measure of rare items is left out where no matrix has frequencies.
    """
    taken = [name for name in CORE if any(name in analysis.measures for analysis in analyses)]
    if not any(NEEDS_FREQUENCY in analysis.values for analysis in analyses):
        taken = [name for name in taken if name != NEEDS_FREQUENCY]
    known = own_measures()
    own = [line for line in in_order(_names(analyses)) if line.name in known]
    lines = [*map(line_of, taken), *own]
    sections = [*[CORE_HEADING] * len(taken), *(heading(one.group) for one in own)]
    return _table(analyses, lines, sections, remarks, words=True)


def _names(analyses: Sequence[Analysis]) -> list[str]:
    return [name for analysis in analyses for name in analysis.measures]


def _table(
    analyses: Sequence[Analysis],
    lines: Sequence[Line],
    sections: Sequence[str],
    remarks: bool,
    *,
    words: bool = False,
) -> Table:
    footnotes: dict[str, int] = {}
    rows = []
    for line in lines:
        values = [_cell(analysis, line.name, footnotes) for analysis in analyses]
        remark = [Cell(line.remark)] if remarks else []
        name = title(line.name) if words else line.name
        rows.append([Cell(name, arrow=line.arrow), *values, *remark])
    columns = [
        Column("", "key"),
        *(Column(a.name, subtitle=f"{a.rows:,} × {a.dimensions:,}") for a in analyses),
        *([Column("", "sentence")] if remarks else []),
    ]
    note = "\n".join([LEGEND, *bucket_lines(analyses, {"tail": "rare half"} if words else None)])
    return Table("measures", "measures", columns, rows, note, sections, list(footnotes))


def bucket_lines(analyses: Sequence[Analysis], names: Mapping[str, str] | None = None) -> list[str]:
    """Return a sentence on the size and frequencies of head, middle and tail; matrices cut alike share it.

    With `names`, only of the buckets that it has, by these names.
    """
    alike: dict[str, list[str]] = {}
    for analysis in analyses:
        all_actions = sum(bucket.actions for name, bucket in analysis.buckets.items() if name in DECILES)
        shown = names or {name: name for name in analysis.buckets if name not in DECILES}
        rest = {shown[name]: bucket for name, bucket in analysis.buckets.items() if name in shown}
        parts = [_bucket(name, bucket, all_actions) for name, bucket in rest.items()]
        if parts:
            alike.setdefault("; ".join(parts), []).append(analysis.name)
    several = len(alike) > 1
    return [f"{', '.join(called)}: {text}" if several else text for text, called in alike.items()]


def _bucket(name: str, bucket: BucketContent, all_actions: int) -> str:
    noun, verb = ("item", "occurs") if bucket.items == 1 else ("items", "occur")
    items = f"{UNSEEN if name == COLD else name}: {bucket.items:,} {noun} that"
    if name == COLD:
        return f"{items} never {verb}"
    low, high = f"{bucket.low:,}", f"{bucket.high:,}"
    times = f"{low} times" if low == high else f"{low} to {high} times"
    often = "once" if bucket.high == 1 else times
    return f"{items} {verb} {often}, {bucket.actions / all_actions:.0%} of all actions"


def heading(group: str) -> str:
    """Return the heading of a group."""
    return GROUPS.get(group, group.capitalize())


def _cell(analysis: Analysis, name: str, footnotes: dict[str, int]) -> Cell:
    """Return a value, and number the footnote on its error or on the reason why it is missing."""

    def noted(text: str, footnote: str) -> Cell:
        return Cell(text, footnote=footnotes.setdefault(footnote, len(footnotes) + 1))

    if name in analysis.reasons:
        return noted(NOTHING, analysis.reasons[name])
    if name not in analysis.values:
        return Cell("")
    value = analysis.values[name]
    if name in analysis.intervals:
        low, high = analysis.intervals[name]
        half = f"± half of the 95 % interval; {analysis.samples[name]}"
        return noted(with_error(value, (high - low) / 2), half)
    if name in analysis.standard_errors:
        text = with_error(value, analysis.standard_errors[name])
        return noted(text, f"± standard error; {analysis.samples[name]}")
    if name in analysis.not_judged:
        return noted(number(value), f"no interval: {analysis.not_judged[name]}")
    return Cell(number(value))


def write_csv(path: Path, analyses: Sequence[Analysis]) -> Path:
    """Write one row per matrix and measure, numbers in full."""
    rows = [
        {"name": row["name"], "rows": analysis.rows, "dimensions": analysis.dimensions, **row}
        for analysis in analyses
        for row in analysis.records()
    ]
    return write_rows(path, rows, digits=None)


def write_latex(path: Path, analyses: Sequence[Analysis]) -> Path:
    r"""Write a `tabular` in the style of booktabs, with its footnotes below, for `\input`."""
    write_text(path, _LATEX_HEAD + tabular(measures_table(analyses)), output_path)
    return path


FACTS = ("value", "range", "meaning", "cost", "source")
"""Titles of what `facts` returns."""


def facts(function: Measure | Profile) -> list[str]:
    """Return what `FACTS` names of a measure, in words; its arrow says the rest of its meaning."""
    low, high = (number(end) for end in function.range)
    needs = "".join(f"; needs {what}" for what in getattr(function, "needs", ("frequency",)))
    meaning = function.remark + needs
    return [function.formula, f"{low} to {high}", meaning.lstrip("; "), function.cost, function.source]


def sections(measures: Sequence[Measure], profiles: Sequence[Profile]) -> dict[str, list[Measure | Profile]]:
    """Return measures by the heading of their group, profiles last."""
    found: dict[str, list[Measure | Profile]] = {}
    for measure in measures:
        found.setdefault(heading(measure.group), []).append(measure)
    if profiles:
        found["In each bucket of items by popularity"] = list(profiles)
    return found


def core_rows(measures: Sequence[Measure]) -> list[list[str]]:
    """Return name, name in words and reason of the core measures among `measures`."""
    names = {measure.name for measure in measures}
    return [[name, title(name), reason] for name, reason in CORE.items() if name in names]


CORE_TITLES = ("measure", "in words", "reason: the measure …")
"""Titles of what `core_rows` returns."""


def page(measures: Sequence[Measure], profiles: Sequence[Profile]) -> str:
    """Return the page of measures in Markdown: the core set, and a table per group, one row per function."""
    core = [[f"`{name}`", words, reason] for name, words, reason in core_rows(measures)]
    parts = [f"### {CORE_HEADING}\n\n{markdown(Table.of_values(CORE_TITLES, core))}\n"] if core else []
    for group, members in sections(measures, profiles).items():
        same: dict[Any, list[Measure | Profile]] = {}
        for member in members:
            same.setdefault(member.function, []).append(member)
        rows = []
        for first, *others in same.values():  # names after the first stand with their settings
            further = [f"`{other.name}`: {other.formula.rpartition('; with ')[2]}" for other in others]
            names = "<br>".join([f"`{first.name}` {first.arrow}".strip(), *further])
            rows.append([names, *facts(first)])
        parts.append(f"### {group}\n\n{markdown(Table.of_values(['measure', *FACTS], rows))}\n")
    return "\n".join(parts)
