"""`degen paper`: the paper's tables and figures as studies, with the published values and verdicts."""

from __future__ import annotations

from typing import Any

import typer

from degen.cli.options import takes
from degen.cli.output import Output

app = typer.Typer(
    no_args_is_help=True,
    help="Repeat the tables and figures of the paper, and test its published numbers.",
)

EXPLANATION = """\
With one target per user, a hit at rank r adds 1 to HR and 1 / log₂(r + 1) to
NDCG. So a hit at ranks 6 to 10 adds 0.289 to 0.356 to NDCG@10 − NDCG@5, and a
hit within rank K adds at least 1 / log₂(K + 1) to NDCG@K:
    (HR@10 − HR@5) / log₂ 11  ≤  NDCG@10 − NDCG@5  ≤  (HR@10 − HR@5) / log₂ 7
    HR@K / log₂(K + 1)        ≤  NDCG@K            ≤  HR@K
Means over seeds obey the same. Rounding (± 0.00005 per number) is allowed for.
"""


@app.command("check-table2")
@takes()
def check_table2(output: Output) -> None:
    """Test whether the numbers of the paper's Table 2 can be the metrics of any ranking.

    [bold]Example[/bold]

      degen paper check-table2
    """
    from degen.paper import feasible
    from degen.paper.published import TITLES

    blocks = feasible.check_table2()
    impossible = [block for block in blocks if not block.possible]
    result = {
        "blocks": [_block(block) for block in blocks],
        "impossible": len(impossible),
        "of": len(blocks),
        "rounding": feasible.ROUNDING,
    }
    if output.result(result):
        return
    output.line(EXPLANATION)
    output.table(
        ["dataset", "method", "quantity", "published", "possible"],
        [
            [
                block.dataset,
                TITLES[block.method],
                bound.quantity,
                bound.published,
                f"{max(bound.low, 0):.4f} to {bound.high:.4f}",
            ]
            for block in impossible
            for bound in block.violated
        ],
        right=("possible",),
    )
    output.line(
        f"{len(impossible)} of {len(blocks)} blocks (dataset and method) of Table 2 are impossible.",
        *(f"{b.dataset}, {TITLES[b.method]}: possible with {b.misprint}" for b in impossible if b.misprint),
    )


def _block(block: Any) -> dict[str, Any]:
    """Return a block of Table 2 in dictionaries and lists."""
    return {
        "dataset": block.dataset,
        "method": block.method,
        **block.metrics,
        "possible": block.possible,
        "misprint": block.misprint,
        "violated": [
            {"quantity": b.quantity, "published": b.published, "low": b.low, "high": b.high}
            for b in block.violated
        ],
    }
