"""`degen plot-svd`, `uniformity`, `dynamics` and `mechanism`: figures, with the numbers behind them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from degen.cli.options import FILES, LOOK, Aggregate, Runs, RunsOrFiles, Seed, Typed, default, takes
from degen.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from degen.studies.figure_files import FigureFiles, FigureOptions


@takes(writes=True, files=FILES, look=LOOK)
def plot_svd(
    paths: RunsOrFiles,
    seed: Seed = None,
    cmap: Annotated[str, typer.Option("--cmap", help="Colour map: viridis or cividis.")] = "viridis",
    projection: Annotated[
        str, typer.Option("--projection", help="svd (the paper's), pca (minus the mean) or tsne.")
    ] = "svd",
    layout: Annotated[
        str,
        typer.Option(
            "--layout",
            help="grid (on common axes), or fig1 (two side by side as in the paper's Fig. 1).",
        ),
    ] = "grid",
    *,
    files: Typed,
    look: Typed,
    output: Output,
) -> None:
    """Draw item embeddings on their first two singular directions, and their singular values (Fig. 1, 3, 4).

    A folder of runs gives Fig. 3 for each dataset. Several matrix files are panels of one figure. With
    --layout fig1 two runs or files stand side by side, each on axes of its own, as in the paper's Fig. 1.
    Matrix files are .npy, .npz, .safetensors, .csv, .tsv, .parquet, word2vec and fastText files, folders of
    Hugging Face, and checkpoints of PyTorch, Keras and gensim; nothing in them is executed. Coordinates and
    singular values are written as CSV beside the figure. t-SNE shows which items are near to each other;
    distances between groups and sizes of groups mean little there.

    [bold]Examples[/bold]

      degen plot-svd runs/clothing

      degen plot-svd runs/beauty/sasrec-s0 runs/beauty/duorec-s0 --layout fig1

      degen plot-svd vectors.npy --frequency counts.txt --width 5

      degen plot-svd runs/clothing --projection pca

      degen plot-svd SASRec-Nov-24.pth --frequency Beauty.inter
    """
    from degen.embeddings.file_options import FileOptions
    from degen.studies.svd import SvdOptions, draw_svd

    options = SvdOptions(FileOptions(**files), seed, cmap, projection, layout)
    _report(partial(draw_svd, paths, options), look, _svd_row, output)


@takes(writes=True, look=LOOK)
def uniformity(
    paths: Runs,
    alignment: Annotated[
        str,
        typer.Option(
            "--alignment",
            help="Alignment on the axis: alignment, alignment_same_target or alignment_dropout.",
        ),
    ] = "alignment",
    seed: Seed = None,
    aggregate: Aggregate = None,
    *,
    look: Typed,
    output: Output,
) -> None:
    """Draw alignment and uniformity over training, coloured by validation HR@5 (Fig. 5), for each dataset.

    Each dataset gets two figures: the trajectories, with a panel per variant, and the same quantities over
    epochs. Unfinished runs are drawn up to their last epoch.

    [bold]Examples[/bold]

      degen uniformity runs/clothing

      degen uniformity runs --alignment alignment_same_target --aggregate mean
    """
    from degen.studies.over_epochs.uniformity import UniformityOptions, draw_uniformity

    options = UniformityOptions(seed, aggregate, alignment)
    _report(partial(draw_uniformity, paths, options), look, _uniformity_row, output)


@takes(writes=True, look=LOOK)
def dynamics(
    paths: Runs,
    measures: Annotated[
        str | None,
        typer.Option(
            "--measures",
            help="Quantities to draw, separated by commas: keys of metrics.jsonl, or measures of `degen "
            "analyze --list`, which need runs trained with --keep-embeddings."
            + default(
                "validation NDCG@10, average cosine, σ₂/σ₁, effective rank, uniformity, same-target alignment"
            ),
            show_default=False,
        ),
    ] = None,
    seed: Seed = None,
    aggregate: Aggregate = None,
    *,
    look: Typed,
    output: Output,
) -> None:
    """Draw measures of degeneration and accuracy over epochs, to show when the cone forms, for each dataset.

    [bold]Examples[/bold]

      degen dynamics runs/clothing

      degen dynamics runs/clothing --measures average_cosine,stable_rank
    """
    from degen.config.lists import names_in
    from degen.studies.over_epochs.dynamics import DEFAULT, DynamicsOptions, draw_dynamics

    chosen = tuple(names_in(measures)) or DEFAULT
    options = DynamicsOptions(seed, aggregate, chosen)
    _report(partial(draw_dynamics, paths, options), look, _dynamics_row, output)


@takes(writes=True, look=LOOK)
def mechanism(
    paths: Runs,
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", help="Epoch to draw." + default("the last that all runs have")),
    ] = None,
    seed: Seed = None,
    *,
    look: Typed,
    output: Output,
) -> None:
    """Draw what moves the items during training, by how often they occur (Eq. 4), for each dataset.

    Needs runs that were trained with --trace-gradients. Each dataset gets two figures: one epoch by item
    frequency, and the rarest and most frequent items over epochs. All numbers are written as CSV beside them.

    [bold]Examples[/bold]

      degen train --variant sasrec,duorec --trace-gradients --out runs/traced

      degen mechanism runs/traced
    """
    from degen.studies.mechanism import MechanismOptions, draw_mechanism

    ends = "Rarest items that occur in training | most frequent ones"
    draw = partial(draw_mechanism, paths, MechanismOptions(epoch, seed))
    _report(draw, look, _mechanism_row, output, ends)


def _svd_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a panel on the terminal; `--json` has more."""
    return {
        **{key: row[key] for key in ("dataset", "variant", "seed", "file", "items")},
        "σ₂/σ₁": row["sigma2_ratio"],
        "eff. rank": row["effective_rank"],
        "two axes": row["share_of_two_axes"],
        "unseen": row["unseen_items"],
    }


def _epochs_row(row: dict[str, Any], keys: Iterable[str], spec: str) -> dict[str, Any]:
    """Return the columns of a run on the terminal: each of `keys` at its first and its last epoch."""
    ends = {key: _pair(row[f"{key}_first"], " → ", row[f"{key}_last"], spec) for key in keys}
    return {key: row[key] for key in ("dataset", "variant", "seed", "epochs")} | ends


def _uniformity_row(row: dict[str, Any]) -> dict[str, Any]:
    found = _epochs_row(row, ("uniformity", "alignment"), ".2f")
    return found | {"HR@5": row["valid_HR@5_last"]}


def _dynamics_row(row: dict[str, Any]) -> dict[str, Any]:
    return _epochs_row(row, [key.removesuffix("_first") for key in row if key.endswith("_first")], ".3g")


def _mechanism_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a run on the terminal: the rarest items | the most frequent ones."""
    shown = {
        "non-target's share": "push_share",
        "cos(Δv, -h̄)": "step_cosine",
        "cos(Δvᵢ, Δvⱼ)": "step_pairwise_cosine",
        "‖Δv‖": "step_length",
        "cos(vᵢ, vⱼ)": "pairwise_cosine",
    }
    return {
        **{key: row[key] for key in ("dataset", "variant", "seed", "epoch")},
        **{
            name: _pair(row[f"{key}_rarest"], " | ", row[f"{key}_most_frequent"], ".2f")
            for name, key in shown.items()
        },
    }


def _pair(first: float | None, sign: str, last: float | None, spec: str) -> str | None:
    return None if first is None or last is None else f"{first:{spec}}{sign}{last:{spec}}"


def _report(
    draw: Callable[[FigureOptions], FigureFiles],
    look: Typed,
    shown: Callable[[dict[str, Any]], dict[str, Any]],
    output: Output,
    title: str | None = None,
) -> None:
    """Draw, and print a table of what was drawn and the paths of the files, or all of it as JSON."""
    from degen.studies.figure_files import FigureOptions

    drawn = draw(FigureOptions(**look))
    output.note(*drawn.notes)
    files = [str(path) for path in drawn.files]
    if output.result({"files": files, "panels": drawn.rows, "notes": drawn.notes}):
        return
    rows = [shown(row) for row in drawn.rows]
    # A column without values, such as the variant of matrix files, is left out.
    columns = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    output.table(columns, [[row[name] for name in columns] for row in rows], title)
    output.line(*files)
