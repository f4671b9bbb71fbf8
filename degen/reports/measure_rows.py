"""Tables of measures for HTML and LaTeX, the most isotropic finished run marked in each row.

core_table        the core measures, in words
measures_table    all of them by group, the core first on the page
glossary_table    how each is read, and its source
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from degen.analysis import MEASURES, PROFILES, Measure, Profile
from degen.analysis.core import CORE
from degen.analysis.listing import Line, in_order
from degen.analysis.result import Analysis
from degen.analysis.titles import title
from degen.reports.contents import Group, Report
from degen.studies.measure_tables import CORE_HEADING, heading
from degen.tables.numbers import NOTHING, number, with_error
from degen.tables.table import Cell, Column, Kind, Table, marked

_DIRECTIONS: Mapping[str, tuple[str, int]] = {"↑": ("higher", 1), "↓": ("lower", -1), "": (NOTHING, 0)}
"""By a measure's arrow: the more isotropic end, as a word and as a sign."""

REASON = "what it says"
"""Title of the column of reasons, which a narrow page leaves out."""


def core_table(group: Group, *, with_reasons: bool = False) -> Table | None:
    """Return one row per core measure and one column per run; None where none was measured.

    With `with_reasons`, a last column says why each measure is in the core.
    """
    found = measures_table(group)
    if found is None:
        return None
    by_name = {row[1].text: row for row in found.rows}
    reasons = {name: [Cell(reason)] if with_reasons else [] for name, reason in CORE.items()}
    rows = [[row[0], *row[2:], *reasons[name]] for name in CORE if (row := by_name.get(name))]
    columns = [found.columns[0], *found.columns[2:], *([Column(REASON, "sentence")] if with_reasons else [])]
    caption = f"{group.name}: core measures of the item embeddings"
    core = replace(found, name="core", caption=caption, columns=columns, rows=rows, sections=())
    return core if rows else None


def measures_table(group: Group) -> Table | None:
    """Return one row per measure and profile, without those of single deciles, and one column per run.

    Rows have the measure in words, its name, a value for each run and its more isotropic end. Sections are
    the groups of measures. Where a measure has a more isotropic end, the most isotropic finished run is
    marked as the best.
    """
    measured = [(subject, subject.analysis) for subject in group.subjects if subject.analysis]
    if not measured:
        return None
    analyses = [analysis for _, analysis in measured]
    lines = in_order(name for analysis in analyses for name in analysis.values)
    lines = [line for line in lines if not line.detail]
    rows = []
    for line in lines:
        values = [analysis.values.get(line.name) if run.finished else None for run, analysis in measured]
        texts = [_value(analysis, line.name) for analysis in analyses]
        words, sign = _DIRECTIONS[line.arrow]
        rows.append([Cell(title(line.name)), Cell(line.name), *marked(values, texts, sign), Cell(words)])
    runs = [Column(run.name) for run, _ in measured]
    columns = [Column("measure", "text"), Column("name", "key"), *runs, Column("isotropic is", "text")]
    caption = f"{group.name}: item embeddings at each run's best epoch"
    unfinished = [run.name for run, _ in measured if not run.finished]
    note = f"Unfinished and so not compared: {', '.join(unfinished)}." if unfinished else ""
    return Table("measures", caption, columns, rows, note, [heading(line.group) for line in lines])


def core_first(table: Table) -> Table:
    """Return a table of measures whose first section is the core, in its order."""
    parts = list(zip(table.rows, table.sections, strict=True))
    rank = {name: place for place, name in enumerate(CORE)}
    core = sorted((row for row, _ in parts if row[1].text in rank), key=lambda row: rank[row[1].text])
    rest = [(row, section) for row, section in parts if row[1].text not in rank]
    sections = [CORE_HEADING] * len(core) + [section for _, section in rest]
    return replace(table, rows=[*core, *(row for row, _ in rest)], sections=sections)


def _value(analysis: Analysis, name: str) -> str:
    """Return a measure's value as text, a sampled one with its standard error."""
    value = analysis.values.get(name)
    error = analysis.standard_errors.get(name)
    return number(value) if value is None or error is None else with_error(value, error)


def glossary_table(report: Report) -> Table | None:
    """Return how to read each measure and profile that the report shows; None where it shows none."""
    subjects = [subject for group in report.groups for subject in group.subjects]
    analyses = [subject.analysis for subject in subjects if subject.analysis]
    shown = {name.split("@")[0] for analysis in analyses for name in analysis.values}
    known: dict[str, Measure | Profile] = {**PROFILES, **MEASURES}
    lines = in_order(name for name in known if name in shown)
    kinds: dict[str, Kind] = {
        "measure": "text",
        "name": "key",
        "meaning": "sentence",
        "range": "text",
        "source": "sentence",
        "cost": "text",
    }
    columns = [Column(title, kind) for title, kind in kinds.items()]
    rows = [_explained(line, known[line.name]) for line in lines]
    sections = [heading(line.group) for line in lines]
    return Table("glossary", "How to read the measures", columns, rows, sections=sections) if rows else None


def _explained(line: Line, function: Measure | Profile) -> list[Cell]:
    low, high = (number(float(bound)) for bound in function.range)
    texts = (
        title(line.name),
        line.name,
        function.meaning,
        f"{low} to {high}",
        function.source,
        function.cost,
    )
    return [Cell(text) for text in texts]
