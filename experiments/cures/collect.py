"""Measure the runs of `run.py`, and write the table, its rows and the figure.

    python experiments/cures/collect.py runs/cures

writes `experiments/results/cures.csv` (one row per run and per post-processing), `cures.md` and
`figures/cures.*`. `--again` writes page and figure from `cures.csv`, and measures nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from cureslib.figure import ACROSS, write_figure
from cureslib.measure import collect, over_seeds
from cureslib.page import page

from degen.errors import one_sentence
from degen.files.outputs import replacing
from degen.files.writing import write_text
from degen.tables.csv_file import read_rows, write_columns

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Parse, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="?", default=Path("runs/cures"))
    parser.add_argument("--out", type=Path, default=ROOT / "experiments" / "results", help="of the table")
    parser.add_argument("--figures", type=Path, default=ROOT / "figures", help="of the figure")
    parser.add_argument("--across", choices=ACROSS, default="average_cosine", help="isotropy in the figure")
    parser.add_argument("--again", action="store_true", help="write page and figure from the table's rows")
    given = parser.parse_args()
    rows = read_rows(given.out / "cures.csv") if given.again else collect(given.runs)
    summaries = over_seeds(rows)
    with replacing(force=given.again):
        if not given.again:
            write_columns(given.out / "cures.csv", {name: [row[name] for row in rows] for name in rows[0]})
        write_text(given.out / "cures.md", page(summaries, rows))
        write_figure(summaries, given.figures / "cures", given.across)
    print(page(summaries, rows))


if __name__ == "__main__":
    with one_sentence("collect.py"):
        main()
