"""`degen verify`: check that runs on disk are whole, unmixed and give the result that they state."""

from __future__ import annotations

from typing import Annotated

import typer

from degen.cli.options import Modules, Runs, takes
from degen.cli.output import Output
from degen.cli.wording import as_typed


@takes()
def verify(
    paths: Runs,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the log and the result, which take most of the time.")
    ] = False,
    modules: Modules = None,
    *,
    output: Output,
) -> None:
    """Check files, checksums, shapes and epochs of runs, and compute test.json again.

    Exit code 2 says that something is off. Nothing is changed.

    [bold]Examples[/bold]

      degen verify runs

      degen verify runs/clothing/scl-s0 --quick --json
    """
    from degen.evaluation.verify import verify as verify_runs
    from degen.modules import import_modules

    import_modules(modules or [])
    found = verify_runs(*paths, quick=quick)
    if not output.result([one.as_json() for one in found]):
        rows = [
            [
                one.run,
                one.state,
                one.epochs,
                one.files or None,
                "yes" if one.whole else f"{len(one.faults)} off",
            ]
            for one in found
        ]
        output.table(["run", "state", "epochs", "files", "whole"], rows)
        output.line(*(f"off: {as_typed(fault)}" for one in found for fault in one.faults))
        output.note(*(f"{one.run}: {note}" for one in found for note in one.notes))
    if not all(one.whole for one in found):
        raise typer.Exit(2)
