"""`degen plot-svd` and `degen uniformity`: the paper's figures, with the numbers behind them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from degen.cli.matrix_options import Frequency, Key, SkipRows
from degen.cli.output import JsonFlag, Output, QuietFlag

if TYPE_CHECKING:
    from collections.abc import Callable

    from degen.studies.figure_files import Drawn

Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder for the files.  \\[default: figures/ under PATH]", show_default=False),
]
Width = Annotated[
    str | None,
    typer.Option(
        "--width",
        help="column (3.337 in), text (7.006 in) or inches.  \\[default: column for one or two panels]",
        show_default=False,
    ),
]
StyleOption = Annotated[str, typer.Option("--style", help="paper or slides.")]
Formats = Annotated[str, typer.Option("--format", help="pdf, png, svg, separated by commas.")]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Which seed.  \\[default: the lowest]", show_default=False)
]

Aggregate = Annotated[
    str | None,
    typer.Option("--aggregate", help="each or mean: all seeds, apart or averaged.", show_default=False),
]


def plot_svd(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH…", help="Runs, folders above runs, or matrix files.", show_default=False
        ),
    ],
    frequency: Frequency = None,
    key: Key = None,
    skip_rows: SkipRows = None,
    seed: Seed = None,
    cmap: Annotated[str, typer.Option("--cmap", help="viridis or cividis.")] = "viridis",
    out: Out = None,
    width: Width = None,
    style: StyleOption = "paper",
    formats: Formats = "pdf,png",
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Draw item embeddings on their first two singular directions, and their singular values (Fig. 1, 3, 4).

    A run gives Fig. 1, a folder of runs Fig. 3 for each dataset, a matrix file its own figure: .npy .npz
    .safetensors .csv .tsv .parquet, word2vec's, PyTorch's checkpoints, of which nothing is executed.
    Coordinates and singular values are written as CSV beside it.

    [bold]Examples[/bold]

      degen plot-svd runs/clothing

      degen plot-svd vectors.npy --frequency counts.txt --width 5

      degen plot-svd SASRec-Nov-24.pth --frequency Beauty.inter
    """
    from degen.studies.figure_files import FigureOptions
    from degen.studies.svd import SvdOptions, draw_svd

    look = FigureOptions(out, width, style, formats)
    drawn = draw_svd(paths, SvdOptions(frequency, key, seed, cmap, skip_rows), look)
    report_figures(drawn, _svd_row, Output(as_json, quiet))


def uniformity(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH…", help="Runs, or folders above runs.", show_default=False),
    ],
    alignment: Annotated[
        str,
        typer.Option("--alignment", help="alignment, alignment_same_target or alignment_dropout."),
    ] = "alignment",
    seed: Seed = None,
    aggregate: Aggregate = None,
    out: Out = None,
    width: Width = None,
    style: StyleOption = "paper",
    formats: Formats = "pdf,png",
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Draw alignment and uniformity over training, coloured by validation HR@5 (Fig. 5), for each dataset.

    Two figures a dataset: the trajectories, a panel a variant, and the same quantities over epochs.
    Unfinished runs are drawn as far as they are.

    [bold]Examples[/bold]

      degen uniformity runs/clothing

      degen uniformity runs --alignment alignment_same_target --aggregate mean
    """
    from degen.studies.figure_files import FigureOptions
    from degen.studies.uniformity import UniformityOptions, draw_uniformity

    look = FigureOptions(out, width, style, formats)
    drawn = draw_uniformity(paths, UniformityOptions(seed, aggregate, alignment), look)
    report_figures(drawn, _uniformity_row, Output(as_json, quiet))


def dynamics(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH…", help="Runs, or folders above runs.", show_default=False),
    ],
    measures: Annotated[
        str | None,
        typer.Option(
            "--measures",
            help="What to draw, separated by commas: keys of metrics.jsonl, or measures of `degen analyze "
            "--list`, which need the embeddings that --keep-embeddings kept.  \\[default: validation "
            "NDCG@10, average cosine, σ₂/σ₁, effective rank, uniformity, same-target alignment]",
            show_default=False,
        ),
    ] = None,
    seed: Seed = None,
    aggregate: Aggregate = None,
    out: Out = None,
    width: Width = None,
    style: StyleOption = "paper",
    formats: Formats = "pdf,png",
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Draw measures of degeneration against epochs, beside accuracy: when the cone forms, for each dataset.

    [bold]Examples[/bold]

      degen dynamics runs/clothing

      degen dynamics runs/clothing --measures average_cosine,stable_rank,valid_NDCG@10 --aggregate mean
    """
    from degen.studies.dynamics import DEFAULT, DynamicsOptions, draw_dynamics
    from degen.studies.figure_files import FigureOptions

    look = FigureOptions(out, width, style, formats)
    chosen = tuple(name.strip() for name in (measures or "").split(",") if name.strip()) or DEFAULT
    drawn = draw_dynamics(paths, DynamicsOptions(seed, aggregate, chosen), look)
    report_figures(drawn, _dynamics_row, Output(as_json, quiet))


def _svd_row(row: dict[str, Any]) -> dict[str, Any]:
    """What the terminal shows of a panel; `--json` has more."""
    return {
        **{key: row[key] for key in ("dataset", "variant", "seed", "file", "items")},
        "σ₂/σ₁": row["sigma2_ratio"],
        "eff. rank": row["effective_rank"],
        "two axes": row["share_of_two_axes"],
        "unseen": row["unseen_items"],
    }


def _uniformity_row(row: dict[str, Any]) -> dict[str, Any]:
    """What the terminal shows of a run: the first and the last epoch."""
    return {
        **{key: row[key] for key in ("dataset", "variant", "seed", "epochs")},
        "uniformity": _from_to(row["uniformity_first"], row["uniformity_last"]),
        "alignment": _from_to(row["alignment_first"], row["alignment_last"]),
        "HR@5": row["valid_HR@5_last"],
    }


def _dynamics_row(row: dict[str, Any]) -> dict[str, Any]:
    """What the terminal shows of a run: each measure at its first and last epoch."""
    about = {key: row[key] for key in ("dataset", "variant", "seed", "epochs")}
    keys = [key.removesuffix("_first") for key in row if key.endswith("_first")]
    return about | {key: _from_to(row[f"{key}_first"], row[f"{key}_last"], ".3g") for key in keys}


def _from_to(first: float | None, last: float | None, spec: str = ".2f") -> str | None:
    return None if first is None or last is None else f"{first:{spec}} → {last:{spec}}"


def report_figures(
    drawn: Drawn,
    shown: Callable[[dict[str, Any]], dict[str, Any]],
    output: Output,
    title: str | None = None,
) -> None:
    """Print the table and the paths of what was drawn, or all of it as JSON."""
    for note in drawn.notes:
        output.note(note)
    files = [str(path) for path in drawn.files]
    if output.result({"files": files, "panels": drawn.rows, "notes": drawn.notes}):
        return
    rows = [shown(row) for row in drawn.rows]
    # A column that is empty for all rows, such as the variant of matrix files, says nothing.
    columns = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    output.table(columns, [[row[name] for name in columns] for row in rows], title)
    for file in files:
        output.line(file)
