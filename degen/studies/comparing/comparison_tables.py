"""Tables of a comparison for the terminal: core measures, all measures by group, accuracy, similarity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from degen.analysis.core import CORE
from degen.analysis.listing import in_order, line
from degen.analysis.statistics.differences import Comparison
from degen.analysis.titles import title
from degen.studies.compare import DatasetComparison, SideComparison
from degen.studies.comparing.comparison_rows import better
from degen.studies.comparing.judged import Better
from degen.studies.measure_tables import CORE_HEADING, LEGEND, heading
from degen.tables.numbers import NOTHING, number, with_error
from degen.tables.shorten import shortened
from degen.tables.table import Cell, Column, Table

_SHOWN_ACCURACY = ("HR@10", "NDCG@10")
_LONGEST = 10
"""Characters of a name above a column and in a cell; longer ones are shortened in the middle."""

_LONGEST_OF_MANY = 9
"""The same in the table of all measures, whose keys leave less room."""


def core_table(side: SideComparison) -> Table:
    """Return the core measures in words: both values, the change, and the more isotropic side."""
    footnotes: dict[str, int] = {}
    rows = []
    for judged in side.verdict.measures:
        mark = footnotes.setdefault(judged.reason, len(footnotes) + 1) if judged.reason else 0
        favoured = Cell(_favoured(side, judged.better), footnote=mark)
        rows.append([Cell(title(judged.measure)), *_values(judged.comparison), favoured])
    columns = [Column("measure", "text"), *_columns(side), Column("more isotropic", "text")]
    note = _note([judged.comparison for judged in side.verdict.measures], side.shared)
    return Table("core", "", columns, rows, note, footnotes=list(footnotes))


def all_table(side: SideComparison) -> Table:
    """Return every measure that was compared, core ones first, then by group; keys instead of words.

    Half of the interval stands last, so that a narrow terminal shows the rest side by side.
    """
    measures = {row.measure: row for row in side.measures}
    rows, sections = [], []
    for section, name in _by_section(measures):
        row = measures[name]
        key = Cell(f"{name} *" if row.marked else name, arrow=line(name).arrow)
        half = _half(row)
        a, b, change = _values(row, error=False)
        # The words "within noise" would push this column of a narrow terminal into a second table.
        favoured = _favoured(side, better(side, row), _LONGEST_OF_MANY).replace("within noise", "noise")
        p, spread = Cell(number(row.adjusted_p)), Cell(NOTHING if half is None else f"{half:.2g}")
        rows.append([key, a, b, change, Cell(favoured), spread, p])
        sections.append(section)
    columns = [
        Column("", "key"),
        *_columns(side, _LONGEST_OF_MANY),
        Column("more", subtitle="isotropic"),
        Column("±"),
        Column("p (Holm)"),
    ]
    if all(row.adjusted_p is None for row in side.measures):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    marked = any(row.marked for row in side.measures)
    noisy = any(better(side, row) == "within noise" for row in side.measures)
    legend = LEGEND + ("; * difference exceeds the noise of seeds" if marked else "")
    legend += "; noise: within the known noise" if noisy else ""
    notes = [legend, *_note(side.measures, side.shared).splitlines()]
    return Table("all", "", columns, rows, "\n".join(notes), sections)


def sides_table(dataset: DatasetComparison) -> Table:
    """Return the core measures of several sides, means over all seeds, marked beside the first side."""
    base = dataset.sides[0]
    core = {one.measure for side in dataset.comparisons for one in side.verdict.measures}
    rows = []
    for name in (name for name in CORE if name in core):
        values = [dataset.means[side.name].get(name) for side in dataset.sides]
        found = ["", *(_MARKS.get(side.verdict.better(name), "") for side in dataset.comparisons)]
        cells = [Cell(f"{number(value)} {mark or ' '}") for value, mark in zip(values, found, strict=True)]
        rows.append([Cell(f"{title(name)} {line(name).arrow}".rstrip()), *cells])
    columns = [Column("measure", "text"), *(Column(side.name) for side in dataset.sides)]
    marks = f"▲ more isotropic than {base.name}, ▼ more collapsed, ≈ within noise"
    seeds = {side.name: len(side.matrices) for side in dataset.sides}
    several = ", ".join(f"{count} of {name}" for name, count in seeds.items())
    means = f"means over seeds: {several}" if max(seeds.values()) > 1 else ""
    return Table("sides", "", columns, rows, "\n".join(filter(None, [LEGEND, marks, means])))


_MARKS = {"a": "▼", "b": "▲", "within noise": "≈"}


def _by_section(measures: Mapping[str, Comparison]) -> list[tuple[str, str]]:
    """Return each measure with its heading: core ones first, then by group."""
    core = [(CORE_HEADING, name) for name in CORE if name in measures]
    return core + [(heading(one.group), one.name) for one in in_order(measures) if one.name not in CORE]


def accuracy_table(side: SideComparison, *, every: bool = False) -> Table | None:
    """Return HR@10 and NDCG@10 over the users of both sides, or every metric; None without ranks."""
    rows = [row for row in side.users if every or row.measure in _SHOWN_ACCURACY]
    if not rows:
        return None
    columns = [Column("accuracy", "text"), *_columns(side)]
    return Table("users", "", columns, [[Cell(row.measure), *_values(row)] for row in rows], _note(rows))


def similarity_table(side: SideComparison) -> Table | None:
    """Return how alike the two matrices are; None where their items are not the same."""
    rows = [[Cell(title(name)), Cell(number(value))] for name, value in side.alike.items()]
    return Table("alike", "", [Column("similarity", "text"), Column("value")], rows) if rows else None


def _columns(side: SideComparison, longest: int = _LONGEST) -> list[Column]:
    return [*map(Column, _names(side, longest)), Column("change")]


def _favoured(side: SideComparison, found: Better, longest: int = _LONGEST) -> str:
    if found == "unknown":
        return NOTHING
    a, b = _names(side, longest)
    return {"a": a, "b": b}.get(found, found)


def _names(side: SideComparison, longest: int) -> list[str]:
    """Return the names of the sides, shortened; A and B where that leaves no difference."""
    names = [side.base, side.other]
    verdicts = {"same", NOTHING} & set(names)
    return (None if verdicts else shortened(names, longest)) or [f"A: {names[0]}", f"B: {names[1]}"]


def _values(row: Comparison, *, error: bool = True) -> list[Cell]:
    """Return both values and their difference, with half of its interval where that is known."""
    half = _half(row) if error else None
    change = number(row.difference) if half is None else with_error(row.difference, half)
    sign = "+" if row.difference > 0 else ""
    return [Cell(number(row.a)), Cell(number(row.b)), Cell(sign + change)]


def _half(row: Comparison) -> float | None:
    """Return half of the interval of a difference; None where it is not known."""
    return None if row.interval is None else (row.interval[1] - row.interval[0]) / 2


def _note(rows: Sequence[Comparison], shared: int = 0) -> str:
    """Return the sentences that say what ± is, and of which items the values are where not of all."""
    noise = {row.noise.partition(";")[0] for row in rows if row.interval is not None}
    of = f"all values are of the {shared:,} items that both hold" if shared else ""
    half = f"± half of the 95 % interval over {' or '.join(sorted(noise))}" if noise else ""
    return "\n".join(filter(None, (of, half)))
