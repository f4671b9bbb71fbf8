"""Tables of the result pages from what `degen paper collect` wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from degen.paper.comparison import comparison, mean_text
from degen.paper.degeneration import USE_COLUMNS, V_COLUMNS, decimals, degeneration_table
from degen.paper.judging.intervals import NOT_TRAINED
from degen.paper.published import METHODS
from degen.paper.targets import target
from degen.tables.markdown import markdown
from degen.tables.table import Cell, Column, Table
from degen.variant_names import VARIANT_LABELS, variant_label
from pageslib.rows import Rows, difference_cell, log_name

METRICS = ("HR@5", "HR@10", "NDCG@5", "NDCG@10")
MEASURED_BY = {**USE_COLUMNS, **V_COLUMNS}


class Collected:
    """Tables of a folder with `<target>.csv` and `<target>.json`. Templates call its public functions."""

    def __init__(self, folder: Path):
        self._rows = Rows(folder)

    def accuracy(self, dataset: str) -> str:
        """Table of the test metrics, the published values beside ours, ± half of the interval over seeds."""
        table = comparison(target("table2"), self._rows.measured("table2", dataset), list(METRICS))
        sections = table.sections or [dataset] * len(table.rows)
        rows = [row for section, row in zip(sections, table.rows, strict=True) if section == dataset]
        columns = list(table.columns)
        for place, column in enumerate(columns):
            if column.title == "ours":
                columns[place] = Column(columns[place - 1].title.removesuffix(" paper"))
        return markdown(Table(table.name, table.caption, columns, rows, "", (), table.footnotes))

    def accuracy_differences(self, datasets: Sequence[str], a: str, b: str) -> str:
        """Table of `a` - `b` for each metric, paired by seed."""
        columns = [Column("dataset", "text"), Column("n"), *(Column(metric) for metric in METRICS)]
        rows = []
        for dataset in datasets:
            margins = [self._rows.margins("table2", dataset, a, b, f"test_{metric}") for metric in METRICS]
            rows.append([Cell(log_name(dataset)), Cell(str(len(margins[0]))), *map(difference_cell, margins)])
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

    def measure_differences(self, datasets: Sequence[str], a: str, b: str, moment: str = "best") -> str:
        """Table of `a` - `b` for each measure at the best or the common epoch, paired by seed."""
        columns = [("degeneration", name, title, decimals(name)) for name, title in MEASURED_BY.items()]
        columns.append(("table2", "effective_rank", "effective rank", 1))
        counts = [len(self._rows.margins("table2", log, a, b, "best_average_cosine")) for log in datasets]
        titles = [f"{log_name(log)}, n = {count}" for log, count in zip(datasets, counts, strict=True)]
        rows = []
        for name, measure, title, digits in columns:
            margins = [self._rows.margins(name, log, a, b, f"{moment}_{measure}") for log in datasets]
            cells = [difference_cell(own, digits) for own in margins]
            if any(cell.text for cell in cells):
                rows.append([Cell(title), *cells])
        return markdown(Table("differences", "", [Column("measure", "text"), *map(Column, titles)], rows))

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
        below = f"Claims that are not shown, since these methods are not trained: {count} ({untrained})."
        return "\n\n".join([*([table] if rows else []), *([below] if open_ else [])] or ["Not run yet."])

    def trained(self, datasets: Sequence[str]) -> str:
        """Table of the number of finished seeds of each method, over all targets."""
        methods = [*METHODS, *(name for name in VARIANT_LABELS if name not in METHODS)]
        rows = [
            [Cell(variant_label(name)), *(Cell(str(self._rows.seeds(log, name))) for log in datasets)]
            for name in methods
        ]
        return markdown(
            Table("trained", "", [Column("method", "text"), *map(Column, map(log_name, datasets))], rows)
        )

    def headline(self, datasets: Sequence[str]) -> str:
        """Table of the README: SASRec and what DuoRec adds, over the seeds that both have."""
        shown = {"test_NDCG@10": "NDCG@10", "best_sigma2_ratio": "σ₂/σ₁"}
        titles = ["n"]
        for name in shown.values():
            titles += [f"{name}, SASRec", f"{name}, DuoRec - SASRec"]
        rows = []
        for dataset in datasets:
            cells = []
            for column in shown:
                values = self._rows.values("table2", dataset, column)
                both = [seed for method, seed in values if method == "duorec" and ("sasrec", seed) in values]
                cells.append(Cell(mean_text([values["sasrec", seed] for seed in both])))
                margins = self._rows.margins("table2", dataset, "duorec", "sasrec", column)
                cells.append(difference_cell(margins))
            rows.append([Cell(log_name(dataset)), Cell(str(len(both))), *cells])
        return markdown(Table("headline", "", [Column("", "text"), *map(Column, titles)], rows))


def _numbers(row: dict[str, str]) -> dict[str, Any]:
    """Return a row with its measures as numbers; what stands before them says which run it is."""
    measures = {key for key in row if key.startswith(("best_", "common_"))}
    return {key: text if key not in measures else float(text) if text else None for key, text in row.items()}
