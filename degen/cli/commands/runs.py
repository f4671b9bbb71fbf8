"""`degen runs` and `degen evaluate`: list runs, and rank with one of them again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from degen.cli.options import Device, Modules, default, takes
from degen.cli.output import Output
from degen.errors import UserError

if TYPE_CHECKING:
    from degen.data.sequences import Split
    from degen.runs.directory import RunDirectory

_MOST_SETTINGS = 4
"""Number of settings that have a column each in the list of runs; more of them name the series instead."""

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.", show_default=False)]
TiesOption = Annotated[
    str | None,
    typer.Option(
        "--ties",
        metavar="expected|half|optimistic|pessimistic",
        help="Rank of a target whose score other items share." + default("as the run counts ties"),
    ),
]
SplitOption = Annotated[str, typer.Option("--split", help="Split of the users: test or valid.")]


@takes()
def runs(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH…", help="Runs, or folders of runs.", show_default="runs"),
    ] = None,
    *,
    output: Output,
) -> None:
    """List runs: variant, dataset, seed, epochs, state, test HR@5 and NDCG@10.

    Runs of two stages (s3rec-mip) have the epochs of pre-training in a column of their own.

    Settings in which runs of a variant differ have a column each. The folder of a study stands for its runs.

    [bold]Examples[/bold]

      degen runs runs/clothing

      degen runs runs/lam
    """
    from degen.config.key_names import with_former
    from degen.runs.choose import settings_apart
    from degen.runs.course import told, warnings_of
    from degen.runs.directory import collect_runs

    found = collect_runs(paths or [Path("runs")])
    rows = [_describe(run, output) for run in found]
    if not any(row["pretrain_epochs"] for row in rows):  # a column for runs of two stages only
        rows = [{key: value for key, value in row.items() if key != "pretrain_epochs"} for row in rows]
    whole = [run for run, row in zip(found, rows, strict=True) if row["state"] != "damaged"]
    apart = settings_apart(whole)
    known = [{"settings": with_former(own)} if (own := apart.get(Path(row["run"]))) else {} for row in rows]
    warned = {str(run.path): warnings_of(run) for run in whole}
    about = [
        settings | {"warnings": warned.get(row["run"], [])} for row, settings in zip(rows, known, strict=True)
    ]
    if not output.result([row | more for row, more in zip(rows, about, strict=True)]):
        output.table(*_columns(rows, whole, apart))
        output.note(*told(warned))


def _columns(
    rows: list[dict[str, Any]], runs: list[RunDirectory], apart: dict[Path, dict[str, Any]]
) -> tuple[list[str], list[list[Any]]]:
    """Return titles and rows with a column per key that differs; with the names of series where many do."""
    from degen.runs.choose import select_runs, setting_title, setting_value

    keys = list(dict.fromkeys(key for settings in apart.values() for key in settings))
    names = {}
    if len(keys) > _MOST_SETTINGS:
        keys = []
        series = [pair for group in select_runs(runs).values() for pair in group.items()]
        names = {str(run.path): name for name, members in series for run in members}
    listed = []
    for row in rows:
        settings = apart.get(Path(row["run"]), {})
        path, variant, *others = (row | {"variant": names.get(row["run"], row["variant"])}).values()
        values = [setting_value(key, settings[key]) if key in settings else None for key in keys]
        listed.append([path, variant, *values, *others])
    path, variant, *others = rows[0]
    return [path, variant, *map(setting_title, keys), *others], listed


def _describe(run: RunDirectory, output: Output) -> dict[str, Any]:
    """Return a row of the list; a damaged run is noted as such and does not hide the others."""
    from degen.runs.directory import METRICS, TEST
    from degen.runs.manifest import refuse_changed, refuse_edited

    try:
        _ = run.definition
        row = {
            "run": str(run.path),
            "variant": run.variant,
            "dataset": run.dataset,
            "seed": run.seed,
            "epochs": len(run.metrics),
            "pretrain_epochs": len(run.pretraining) or None,
            "state": "extending" if run.extending else run.state,
            **{key: run.test.get(key) if run.state == "finished" else None for key in ("HR@5", "NDCG@10")},
        }
        refuse_changed(run.path, (METRICS, TEST))
        refuse_edited(run.path)
        return row
    except UserError as error:
        output.note(f"damaged: {error}")
        facts = ("variant", "dataset", "seed", "epochs", "pretrain_epochs", "state", "HR@5", "NDCG@10")
        unknown = dict.fromkeys(facts)
        return {"run": str(run.path), **unknown, "state": "damaged"}


@takes(writes=True)
def evaluate(
    run: Run,
    split: SplitOption = "test",
    post_process: Annotated[
        str | None,
        typer.Option(
            "--post-process",
            metavar="NAME",
            help="Score post-processed items: all-but-the-top or whitening. The encoder is unchanged.",
        ),
    ] = None,
    components: Annotated[
        int | None,
        typer.Option(
            help="Number of directions that all-but-the-top removes." + default("d / 100, at least 1")
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.npy", help="Write the post-processed items to this file."),
    ] = None,
    exclude_history: Annotated[
        bool,
        typer.Option("--exclude-history", help="Also rank without the items that the user has had before."),
    ] = False,
    ties: TiesOption = None,
    device: Device = "auto",
    modules: Modules = None,
    *,
    output: Output,
) -> None:
    """Rank all items for every user with the best checkpoint, and print HR, NDCG and MRR at 5, 10 and 20.

    [bold]Examples[/bold]

      degen evaluate runs/clothing/scl-s0 --exclude-history
      degen evaluate runs/sasrec-s0 --post-process whitening --out items.npy
    """
    from degen.analysis.postprocess import post_process as post_processed
    from degen.evaluation.restore import restore
    from degen.files.outputs import output_path, refuse_foreign
    from degen.files.writing import write_array
    from degen.modules import import_modules

    import_modules(modules or [])
    chosen = split_name(split)
    if post_process is None and (components is not None or out is not None):
        option = "--components" if components is not None else "--out"
        raise UserError(f"{option} needs --post-process; add --post-process all-but-the-top or whitening")
    if out is not None and out.suffix != ".npy":
        raise UserError(f"--out {out}: the items are written as .npy; name a file with this ending")
    refuse_foreign(*filter(None, [out]))
    restored, V = restore(_one_run(run), device).counting(ties), None
    if post_process is None:
        metrics = restored.metrics(chosen)
    else:
        V = post_processed(restored.encoder.real_item_embeddings(), post_process, components)
        metrics = {**restored.metrics(chosen, V), "post_process": post_process}
        if out is not None:
            write_array(out, V.cpu().numpy(), output_path)
            metrics["items"] = str(out)
        output.note(f"items are scored after {post_process}; the encoder reads them as trained")
    again = restored.metrics(chosen, V, exclude_history=True) if exclude_history else None
    _print_metrics(metrics, again, output)


def _print_metrics(metrics: dict[str, Any], without_history: dict[str, Any] | None, output: Output) -> None:
    """Print the metrics of a split, and where they were asked for, those of ranks without the history."""
    rows, columns = [list(pair) for pair in metrics.items()], ["metric", "value"]
    if without_history is not None:
        without = {name: value for name, value in without_history.items() if "@" in name}
        rows = [[name, value, without.get(name)] for name, value in rows]
        columns, metrics = [*columns, "without history"], {**metrics, "without_history": without}
    if not output.result(metrics):
        output.table(columns, rows)


def _one_run(path: Path) -> RunDirectory:
    from degen.runs.directory import find_runs

    found = find_runs(path)
    if len(found) > 1:
        raise UserError(f"{path} holds {len(found)} runs; name one of them, such as {found[0].path}")
    return found[0]


def split_name(name: str) -> Split:
    """Return the split of a name that was typed; an error names both splits."""
    if name == "test":
        return "test"
    if name == "valid":
        return "valid"
    raise UserError(f"--split takes test or valid, not '{name}'")
