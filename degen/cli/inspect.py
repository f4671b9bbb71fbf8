"""`degen runs`, `degen evaluate`, `degen export`: what is on disk, measured again, and handed on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from degen.cli.output import JsonFlag, Output, QuietFlag
from degen.errors import UserError

if TYPE_CHECKING:
    from degen.data.sequences import Split
    from degen.rundir import RunDirectory

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.", show_default=False)]
SplitOption = Annotated[str, typer.Option("--split", help="test or valid.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]


def runs(
    path: Annotated[Path, typer.Argument(help="A run, or any folder above runs.")] = Path("runs"),
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """List the runs under a folder: variant, dataset, seed, epochs, state, test HR@5 and NDCG@10.

    [bold]Example[/bold]

      degen runs runs/clothing
    """
    from degen.rundir import find_runs

    output = Output(as_json, quiet)
    rows = [_describe(run, output) for run in find_runs(path)]
    if not output.result(rows):
        output.table(list(rows[0]), [list(row.values()) for row in rows])


def _describe(run: RunDirectory, output: Output) -> dict[str, Any]:
    """A line of the list; one damaged run is said to be so and does not hide the others."""
    try:
        return _line(run)
    except UserError as error:
        output.note(str(error))
        unknown = dict.fromkeys(("variant", "dataset", "seed", "epochs", "state", "HR@5", "NDCG@10"))
        return {"run": str(run.path), **unknown, "state": "damaged"}


def _line(run: RunDirectory) -> dict[str, Any]:
    finished = run.state == "finished"
    return {
        "run": str(run.path),
        "variant": run.variant,
        "dataset": run.dataset,
        "seed": run.seed,
        "epochs": len(run.metrics),
        "state": run.state,
        "HR@5": run.test.get("HR@5") if finished else None,
        "NDCG@10": run.test.get("NDCG@10") if finished else None,
    }


def evaluate(
    run: Run,
    split: SplitOption = "test",
    device: Device = "auto",
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Rank all items for every user again with the best checkpoint, and print HR, NDCG and MRR at 5, 10, 20.

    [bold]Example[/bold]

      degen evaluate runs/clothing/scl-s0
    """
    from degen.evaluation.restore import restore

    wanted = _split(split)
    metrics = restore(_one_run(run), device).metrics(wanted)
    output = Output(as_json, quiet)
    if not output.result(metrics):
        output.table(["metric", "value"], list(metrics.items()))


def export(
    run: Run,
    split: SplitOption = "test",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to.  \\[default: RUN/export]")
    ] = None,
    device: Device = "auto",
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Write a split's sequence representations, targets and ranks, a row a user.

    [bold]Example[/bold]

      degen export runs/clothing/scl-s0 --out scl-vectors
    """
    from degen.evaluation.restore import export as write
    from degen.evaluation.restore import restore
    from degen.rundir import EXPORT

    wanted, found = _split(split), _one_run(run)
    written = write(restore(found, device), wanted, out or found.path / EXPORT)
    output = Output(as_json, quiet)
    if not output.result({"written": [str(path) for path in written]}):
        for path in written:
            output.line(str(path))


def _one_run(path: Path) -> RunDirectory:
    from degen.rundir import find_runs

    found = find_runs(path)
    if len(found) > 1:
        raise UserError(f"{path} holds {len(found)} runs; name one of them, such as {found[0].path}")
    return found[0]


def _split(name: str) -> Split:
    if name == "test":
        return "test"
    if name == "valid":
        return "valid"
    raise UserError(f"--split takes test or valid, not '{name}'")
