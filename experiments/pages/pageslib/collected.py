"""Tables of the result pages from what `degen paper collect` wrote."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from degen.paper.comparison import ORDER, comparison, mean_text
from degen.paper.degeneration import USE_COLUMNS, V_COLUMNS, decimals, degeneration_table
from degen.paper.judging.intervals import NOT_TRAINED
from degen.paper.targets import target
from degen.tables.markdown import markdown
from degen.tables.table import Cell, Column, Table
from degen.variant_names import variant_label
from pageslib.rows import CONTRASTIVE, VARIANTS, Rows, difference_cell, log_name

METRICS = ("HR@5", "HR@10", "NDCG@5", "NDCG@10")
MEASURED_BY = {**USE_COLUMNS, **V_COLUMNS}

HEADLINE = {
    "best_NDCG@10": "NDCG@10",
    "best_sigma2_ratio": "σ₂/σ₁",
    "best_uniformity_h": "uniformity of h",
}
"""Measures of the README's table, with their titles."""


class Collected:
    """Tables of a folder with `<target>.csv` and `<target>.json`. Templates call its public functions."""

    def __init__(self, folder: Path):
        self._rows = Rows(folder)

    def accuracy(self, dataset: str, name: str = "table2") -> str:
        """Table of the test metrics, the published values beside ours, ± half of the interval over seeds."""
        table = comparison(target(name), self._rows.measured(name, dataset), list(METRICS))
        sections = table.sections or [dataset] * len(table.rows)
        rows = [row for section, row in zip(sections, table.rows, strict=True) if section == dataset]
        columns = list(table.columns)
        for place, column in enumerate(columns):
            if column.title == "ours":
                columns[place] = Column(columns[place - 1].title.removesuffix(" paper"))
        return markdown(Table(table.name, table.caption, columns, rows, "", (), table.footnotes))

    def accuracy_differences(self, datasets: Sequence[str], methods: Sequence[str], other: str) -> str:
        """Table of each method minus `other` for each metric, paired by seed."""
        titles = ("method", "dataset")
        columns = [*(Column(title, "text") for title in titles), Column("n"), *map(Column, METRICS)]
        rows = []
        for log, method in product(datasets, methods):
            pairs = [self._rows.margins(VARIANTS, log, method, other, f"test_{metric}") for metric in METRICS]
            if pairs[0]:
                about = (variant_label(method), log_name(log), str(len(pairs[0])))
                rows.append([*map(Cell, about), *map(difference_cell, pairs)])
        return markdown(Table("differences", "", columns, rows))

    def measures(self, dataset: str, moment: str = "best", name: str = "degeneration") -> str:
        """Table of the measures at the `best` or the `common` epoch, a column per method."""
        rows = [_numbers(row) for row in self._rows.of(name, dataset)]
        table = degeneration_table(target(name), rows, moment)
        titles = [column.title for column in table.columns[1:]]
        columns = [Column("measure", "text"), *(Column(line[0].text) for line in table.rows)]
        turned = [
            [Cell(title), *(line[place] for line in table.rows)] for place, title in enumerate(titles, 1)
        ]
        return markdown(Table(table.name, table.caption, columns, turned))

    def measure_differences(
        self, dataset: str, methods: Sequence[str], other: str, moment: str = "best"
    ) -> str:
        """Table of each method minus `other` for each measure at the best or the common epoch, by seed."""
        measures = [("degeneration", name, title, decimals(name)) for name, title in MEASURED_BY.items()]
        measures.append((VARIANTS, "effective_rank", "effective rank", 1))
        counts = {
            method: len(self._rows.margins("degeneration", dataset, method, other, "best_average_cosine"))
            for method in methods
        }
        compared = {method: count for method, count in counts.items() if count}
        columns = [Column(f"{variant_label(method)}, n = {count}") for method, count in compared.items()]
        rows = []
        for name, measure, title, digits in measures:
            margins = [
                self._rows.margins(name, dataset, method, other, f"{moment}_{measure}") for method in compared
            ]
            cells = [difference_cell(own, digits) for own in margins]
            if any(cell.text for cell in cells):
                rows.append([Cell(title), *cells])
        return markdown(Table("differences", "", [Column("measure", "text"), *columns], rows))

    def verdicts(self, *names: str) -> str:
        """Table of the claims of targets, with verdicts; claims about untrained methods are counted below."""
        judged = [one for name in names for one in self._rows.judged(name)]
        open_ = [one for one in judged if one["measured"].startswith(NOT_TRAINED)]
        rows = [
            [one["claim"], one["source"], log_name(one["dataset"]), one["verdict"], one["measured"]]
            for one in judged
            if one not in open_
        ]
        lacking = {name for one in open_ for name in one["measured"].removeprefix(NOT_TRAINED).split(", ")}
        columns = [Column(title, "text") for title in ("claim", "source", "dataset", "verdict", "measured")]
        table = markdown(Table("verdicts", "", columns, [list(map(Cell, row)) for row in rows]))
        count = len({(one["claim"], one["dataset"]) for one in open_})
        untrained = ", ".join(map(variant_label, sorted(lacking)))
        below = f"Claims without a row, because a method is not trained on the log: {count} ({untrained})."
        return "\n\n".join([*([table] if rows else []), *([below] if open_ else [])] or ["Not run yet."])

    def trained(self, datasets: Sequence[str]) -> str:
        """Table of the number of finished seeds of each method, over all targets."""
        rows = [
            [Cell(variant_label(name)), *(Cell(str(self._rows.seeds(log, name))) for log in datasets)]
            for name in ORDER
        ]
        return markdown(
            Table("trained", "", [Column("method", "text"), *map(Column, map(log_name, datasets))], rows)
        )

    def headline(self, datasets: Sequence[str]) -> str:
        """Table of the README: SASRec, and what each contrastive method adds, paired by seed."""
        of = partial(self._rows.margins, "degeneration")
        columns = [Column("", "text"), Column("", "text"), Column("n"), *map(Column, HEADLINE.values())]
        rows = []
        for dataset in datasets:
            found = [self._rows.values("degeneration", dataset, column) for column in HEADLINE]
            own = [[value for (method, _), value in values.items() if method == "sasrec"] for values in found]
            lines = [["SASRec", str(len(own[0])), *map(mean_text, own)]]
            for method in CONTRASTIVE:
                pairs = [of(dataset, method, "sasrec", column) for column in HEADLINE]
                if pairs[0]:
                    differences = [difference_cell(pair).text for pair in pairs]
                    lines.append([f"{variant_label(method)} - SASRec", str(len(pairs[0])), *differences])
            rows += [[Cell(log_name(dataset)), *map(Cell, line)] for line in lines]
        return markdown(Table("headline", "", columns, rows))


def _numbers(row: dict[str, str]) -> dict[str, Any]:
    """Return a row with its measures as numbers; what stands before them says which run it is."""
    measures = {key for key in row if key.startswith(("best_", "common_"))}
    return {key: text if key not in measures else float(text) if text else None for key, text in row.items()}
