"""`degen export`: sequence representations, targets and ranks of runs, or item embeddings for other tools."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from degen.cli.commands.runs import SplitOption, split_name
from degen.cli.options import Device, Modules, default, takes
from degen.cli.output import Output
from degen.cli.wording import as_typed
from degen.errors import UserError

if TYPE_CHECKING:
    from degen.runs.directory import RunDirectory

FILES = (
    *(".bin", ".csv", ".gz", ".h5", ".hdf5", ".html", ".json", ".jsonl", ".npy", ".npz", ".parquet", ".pdf"),
    *(".pkl", ".pt", ".pth", ".safetensors", ".tsv", ".txt", ".vec", ".xls", ".xlsx", ".zip"),
)
"""Endings of files, which no folder of an export should have."""


@takes(writes=True)
def export(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN…", help="Runs, or folders of runs.", show_default=False)
    ],
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="Export the item embeddings instead, as npy, safetensors, word2vec, projector, parquet or "
            "recbole.",
        ),
    ] = None,
    split: SplitOption = "test",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for the files; of several runs, the folder above one for each."
            + default("RUN/export, with --to RUN/export/TO"),
        ),
    ] = None,
    device: Device = "auto",
    modules: Modules = None,
    *,
    output: Output,
) -> None:
    """Write sequence representations, targets and ranks of a split, a row per user; or the item embeddings.

    With --to, write the item embeddings of the best epoch for other tools, with ids and frequencies. Of
    several runs each has a folder of its own. A run that cannot be exported is named at the end, with exit
    code 2, and the others are written.

    [bold]Examples[/bold]

      degen export runs/clothing/scl-s0 --out scl-vectors

      degen export runs/clothing --to word2vec
    """
    from degen.modules import import_modules
    from degen.runs.directory import EXPORT, collect_runs

    import_modules(modules or [])
    found, split_ = collect_runs(runs), split_name(split)
    if to is not None and (split, device) != ("test", "auto"):
        raise UserError("--split and --device are about sequence representations; leave them out with --to")
    _refuse_file(out)
    places = {run.path: run.path / EXPORT / (to or "") for run in found}
    if out is not None:
        places = _below(out, found) if len(found) > 1 else {found[0].path: out}
    write = partial(_items, to=to, output=output) if to else partial(_users, split=split_, device=device)
    written: dict[str, list[str]] = {}
    failed: dict[str, str] = {}
    for run in found:
        try:
            written[str(run.path)] = [str(path) for path in write(run, places[run.path])]
        except UserError as error:
            if len(found) == 1:
                raise
            failed[str(run.path)] = as_typed(str(error))
    _print(written, failed, output)


def _refuse_file(out: Path | None) -> None:
    """Refuse the name of a file, for which a folder of this name would be taken by mistake."""
    if out is not None and out.suffix.lower() in FILES and not out.is_dir():
        raise UserError(f"--out {out} is the name of a file, and export writes a folder; name it {out.stem}")


def _print(written: dict[str, list[str]], failed: dict[str, str], output: Output) -> None:
    """Print what was written; name the runs that were not exported, and exit with code 2 for them."""
    files = [path for paths in written.values() for path in paths]
    several: dict[str, Any] = {"runs": written, "failed": failed} if len(written) + len(failed) > 1 else {}
    if not output.result({"written": files, **several}):
        output.line(*files)
    for path, sentence in failed.items():
        typer.echo(f"degen: {path} is not exported: {sentence}", err=True)
    if failed:
        raise typer.Exit(2)


def _below(out: Path, runs: list[RunDirectory]) -> dict[Path, Path]:
    """Return a folder below `out` for each run, by its dataset and the name of its folder."""
    from degen.files.writing import file_names

    datasets = [_dataset(run) for run in runs]
    above = datasets if len(set(datasets)) > 1 else [""] * len(runs)
    names = file_names(f"{name}-{run.path.name}".lstrip("-") for name, run in zip(above, runs, strict=True))
    return {run.path: out / name for name, run in zip(names, runs, strict=True)}


def _dataset(run: RunDirectory) -> str:
    with suppress(UserError):  # its configuration is damaged, which is said when it is exported
        return run.dataset
    return ""


def _items(run: RunDirectory, folder: Path, *, to: str, output: Output) -> list[Path]:
    from degen.embeddings.export import Items, export_items
    from degen.embeddings.item_matrix import open_run

    items = Items(open_run(run).values, run.items, run.item_frequency)
    written, notes = export_items(items, to, folder)
    output.note(*notes)
    return list(written)


def _users(run: RunDirectory, folder: Path, *, split: Any, device: str) -> list[Path]:
    from degen.evaluation.export import export as write
    from degen.evaluation.restore import restore

    return write(restore(run, device), split, folder)
