"""`degen train`: one variant, several, or all six, on any interaction log."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from degen.cli.options import Group, Modules, Typed, default, key_option, option, parse_assignments, takes
from degen.cli.output import Output
from degen.cli.train_results import MEASURES, print_results
from degen.cli.wording import as_typed
from degen.config.facts import OPTIONS
from degen.config.key_names import with_former
from degen.config.lists import parse_seeds
from degen.config.schema import Config
from degen.config.settle import by_group, merge, settle
from degen.errors import UserError

if TYPE_CHECKING:
    from degen.runs.directory import RunDirectory
    from degen.training.distributed import World

Variants = Annotated[
    list[str] | None,
    typer.Option(
        "--variant",
        "-v",
        help="Variants, separated by commas or repeated. Of the paper: sasrec, cl4srec, ucl, scl, ucl+scl, "
        "duorec, or all. Mitigations: cosreg, spectrum, item-uniformity, directau, normalized, gating, "
        "adversarial, or mitigations for all of them. Other methods: bpr-mf, gru4rec, caser, bert4rec, "
        "s3rec-mip, or baselines for all of them; table2 for those of the paper's table." + default("duorec"),
        show_default=False,
    ),
]
Seeds = Annotated[
    str | None, typer.Option(help="Several seeds, such as 0-7 or 0,3,5; each is a run of its own.")
]
ConfigFile = Annotated[Path | None, typer.Option(help="Configuration file (TOML); options override it.")]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Run directory, or the folder above the runs of several variants or seeds."
        + default("runs/DATASET/VARIANT-sSEED")
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="GROUP.KEY=VALUE", help="Set any key of the configuration; repeatable."),
]
PrintConfigFlag = Annotated[
    bool, typer.Option("--print-config", help="Print the resolved configuration and stop.")
]

SETTINGS: Group = {
    **{key: key_option(key) for key in OPTIONS if key != "variant"},
    "dropout": option(
        float | None,
        "--dropout",
        "Embedding, hidden and attention dropout together.",
        rich_help_panel="Model",
    ),
}
"""Options of keys of the configuration."""

PLAN: Group = {
    "stack": option(
        bool | None,
        "--stack/--no-stack",
        "Train runs that differ only in their seed as one batched model, or one after another."
        + default("batched on CUDA"),
        rich_help_panel="Training",
    ),
    "workers": option(
        int,
        "--workers",
        "Number of runs that train side by side on the CPU, each in a process of its own with --threads "
        "threads (default 1).",
        1,
        rich_help_panel="Training",
    ),
    "resume": option(bool, "--resume", "Continue after the last finished epoch, or start.", False),
    "overwrite": option(bool, "--overwrite", "First remove an earlier run in the same place.", False),
}
"""Options of `degen.training.plan.train_many`."""


@takes(keys=SETTINGS, plan=PLAN)
def train(
    variant: Variants = None,
    seeds: Seeds = None,
    *,
    keys: Typed,
    config: ConfigFile = None,
    out: Out = None,
    assign: Assignments = None,
    plan: Typed,
    modules: Modules = None,
    print_config: PrintConfigFlag = False,
    output: Output,
) -> None:
    """Train variants on a dataset, with early stopping, each into a run directory.

    [bold]Examples[/bold]

      degen train --variant scl --dataset clothing

      degen train --variant all --dataset beauty --recipe official --epochs 20

      degen train --variant duorec --dataset beauty --seeds 0-7 --workers 4

      degen train --dataset my.csv --columns user=uid,item=sku,time=when
    """
    from degen.training.children.server import start_server

    if plan["workers"] > 1:
        start_server()  # it imports PyTorch while this process does
    from degen.modules import import_modules
    from degen.training.distributed import joined

    import_modules(modules or [])
    configs, idle = _resolved(keys, assign or [], config, _variants(variant), seeds)
    if print_config:
        output.note(*idle)
        values = [_printed(config) for config in configs]
        if not output.result(values if len(values) > 1 else values[0]):
            output.line("\n".join(_document(config, alone=len(configs) == 1) for config in configs))
        return
    run_dirs = _run_dirs(configs, out)
    with joined() as world:
        output = output if world.main else Output(quiet=True)
        output.note(*idle)
        runs = _train_all(configs, run_dirs, world, plan, output)
        elsewhere = config is not None or any("objective.variant" in text for text in assign or [])
        if variant is None and not elsewhere:  # after the training: a mistake is answered in one sentence
            output.note(f"no --variant is given: {configs[0].objective.variant} is trained, the default")
        results = [
            {"run": str(run.path), "variant": run.variant, "dataset": run.dataset, "seed": run.seed}
            | {name: run.tested(name) for name in ("epoch", *MEASURES)}
            for run in runs
        ]
    if world.main:
        print_results(results, output, several_seeds=seeds is not None)


def _printed(config: Config) -> Typed:
    """Return a configuration for JSON, which has the former names of keys besides."""
    groups: Typed = config.model_dump(exclude_none=True)
    return {**groups, "objective": with_former(groups["objective"])}


def _document(config: Config, *, alone: bool) -> str:
    """Return a configuration as TOML, under a comment that says which of several it is."""
    heading = "" if alone else f"# {config.objective.variant}, seed {config.training.seed}\n"
    return heading + config.toml()


def _variants(names: list[str] | None) -> list[Typed]:
    """Return the keys of `[objective]` for each variant asked for; no key if none is named."""
    from degen.model.variants import named_variants

    typed = [name.strip().lower() for text in names or [] for name in text.split(",")]
    return [{"variant": name} for name in named_variants(typed)] or [{}]


def _resolved(
    keys: Typed, assign: list[str], file: Path | None, variants: list[Typed], seeds: str | None
) -> tuple[list[Config], list[str]]:
    """Resolve the configuration of each variant and seed, and say which options change nothing for any."""
    from degen.build import options_with_use, settle_names, without_effect
    from degen.data.reading.columns import parse_columns

    typed = {key: value for key, value in keys.items() if value is not None}
    if "columns" in typed:
        typed["columns"] = parse_columns(typed["columns"])
    options = merge(by_group(typed), parse_assignments(assign))
    if seeds is not None and "seed" in typed:
        raise UserError("--seed gives one seed and --seeds several; give one of the two")
    seeded: list[Typed] = [{}] if seeds is None else [{"seed": seed} for seed in parse_seeds(seeds)]
    of_each = [options]
    if len(variants) > 1:
        of_each = options_with_use([chosen["variant"] for chosen in variants], options)
    configs = [
        settle_names(settle(file, merge(own, {"objective": chosen, "training": training})))
        for chosen, own in zip(variants, of_each, strict=True)
        for training in seeded
    ]
    return configs, without_effect([config.objective.variant for config in configs], options)


def _run_dirs(configs: list[Config], out: Path | None) -> list[Path]:
    """Return the run directory of each configuration."""
    from degen.build import run_place
    from degen.runs.directory import is_run

    if out is not None and len(configs) == 1:
        return [out]
    if out is not None and is_run(out):
        raise UserError(
            f"--out {out} is a run; with several variants or seeds, give the folder above their runs"
        )
    return [run_place(config, above=out) for config in configs]


def _train_all(
    configs: list[Config], run_dirs: list[Path], world: World, plan: Typed, output: Output
) -> list[RunDirectory]:
    from degen.bars import Showing, bars, reading_bar
    from degen.build import check_data
    from degen.files.outputs import MANIFEST
    from degen.runs.directory import is_own_run
    from degen.runs.lock import outputs_to_stay
    from degen.training.plan import train_many
    from degen.training.resumption import as_begun, is_complete, refuse
    from degen.training.run import Interrupted

    # All are checked before the first has trained for hours; a mistake in the log before one in the folder.
    with world.together():
        if not plan["resume"]:
            check_data(configs[0].data)
        for config, run_dir in zip(configs, run_dirs, strict=True):
            refuse(config, run_dir, resume=plan["resume"], overwrite=plan["overwrite"])
            if plan["overwrite"] and (staying := outputs_to_stay(run_dir)):
                names = ", ".join(path.relative_to(run_dir).as_posix() for path in staying)
                output.note(f"{run_dir} keeps {names}, which no list names and which are not of the new run")
            if plan["resume"] and is_own_run(run_dir) and not (run_dir / MANIFEST).exists():
                output.note(
                    f"{run_dir} was begun by an older version: its files have no checksums to compare"
                )
            if plan["resume"] and is_complete(config, run_dir):
                output.note(
                    f"{run_dir} is finished and left as it is; a larger --epochs continues it, --overwrite "
                    "trains it again"
                )
            elif (
                plan["resume"]
                and (kept := as_begun(config, run_dir).evaluation.ties) != config.evaluation.ties
            ):
                output.note(f"{run_dir} goes on counting ties by evaluation.ties = {kept!r}, as it was begun")
    try:
        return train_many(
            configs,
            run_dirs,
            **plan,
            progress=partial(bars, showing=Showing.of(configs, quiet=output.quiet, worded=as_typed)),
            note=output.note,
            reading=partial(reading_bar, output.quiet),
            world=world,
        )
    except Interrupted as stop:
        done = {0: "; no epoch was finished yet", 1: f"; 1 finished epoch is in {stop.out}"}.get(
            stop.epochs, f"; {stop.epochs} finished epochs are in {stop.out}"
        )
    except KeyboardInterrupt:  # while the log was read or the test targets were ranked
        done = ""
    if world.main:
        typer.echo(f"degen: stopped{done}; continue with the same command and --resume", err=True)
    raise typer.Exit(130)
