"""`degen train`: one variant, several, or all six, on any log."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from degen.cli.config_options import key_option, parse_assignments
from degen.cli.options import (
    ColumnsOption,
    CoreOption,
    InputFormatOption,
    MinItemOption,
    MinUserOption,
)
from degen.cli.output import JsonFlag, Output, QuietFlag
from degen.cli.seeds import over_seeds, parse_seeds, summary_rows
from degen.config.schema import Config
from degen.config.settle import Values, by_group, merge, settle
from degen.data.reading.columns import parse_columns
from degen.errors import UserError

if TYPE_CHECKING:
    from degen.runs.directory import RunDirectory
    from degen.training.distributed import World

NO_KEYS = {
    "variant",
    "config",
    "out",
    "columns",
    "assign",
    "seeds",
    "stack",
    "resume",
    "overwrite",
    "print_config",
    "as_json",
    "quiet",
}
"""Options of the command that are not keys of the configuration."""

MEASURES = ("HR@5", "NDCG@5", "HR@10", "NDCG@10")
"""Test metrics that are printed at the end."""


def train(
    variant: Annotated[
        list[str] | None,
        typer.Option(
            "--variant",
            "-v",
            help="sasrec, cl4srec, ucl, scl, ucl+scl, duorec, one of yours, or all of these; cosreg, "
            "spectrum, item-uniformity, directau, normalized, gating, adversarial, or cures; repeatable.",
        ),
    ] = None,
    dataset: Annotated[str | None, key_option("data.dataset")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration file (TOML); options win over it.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Run directory; with several variants or seeds the folder above them. "
            "\\[default: runs/DATASET/VARIANT-sSEED]"
        ),
    ] = None,
    recipe: Annotated[str | None, key_option("objective.recipe")] = None,
    seed: Annotated[int | None, key_option("training.seed")] = None,
    seeds: Annotated[
        str | None,
        typer.Option(help="Several seeds, such as 0-7 or 0,3,5: a run each.", rich_help_panel="Training"),
    ] = None,
    stack: Annotated[
        bool | None,
        typer.Option(
            "--stack/--no-stack",
            help="Train runs that differ in seed alone as one batched model, or one after another "
            "\\[default: as one on CUDA].",
            rich_help_panel="Training",
        ),
    ] = None,
    epochs: Annotated[int | None, key_option("training.epochs")] = None,
    patience: Annotated[int | None, key_option("training.patience")] = None,
    stop_on: Annotated[str | None, key_option("training.stop_on")] = None,
    max_steps: Annotated[int | None, key_option("training.max_steps")] = None,
    steps_per_epoch: Annotated[int | None, key_option("training.steps_per_epoch")] = None,
    batch_size: Annotated[int | None, key_option("training.batch_size")] = None,
    batch_by: Annotated[str | None, key_option("training.batch_by")] = None,
    learning_rate: Annotated[float | None, key_option("training.learning_rate")] = None,
    item_updates: Annotated[str | None, key_option("training.item_updates")] = None,
    item_optimizer: Annotated[str | None, key_option("training.item_optimizer")] = None,
    item_learning_rate: Annotated[float | None, key_option("training.item_learning_rate")] = None,
    item_momentum: Annotated[float | None, key_option("training.item_momentum")] = None,
    device: Annotated[str | None, key_option("training.device")] = None,
    precision: Annotated[str | None, key_option("training.precision")] = None,
    threads: Annotated[int | None, key_option("training.threads")] = None,
    deterministic: Annotated[bool | None, key_option("training.deterministic")] = None,
    keep_embeddings: Annotated[int | None, key_option("training.keep_embeddings")] = None,
    trace_gradients: Annotated[bool | None, key_option("training.trace_gradients")] = None,
    tensorboard: Annotated[bool | None, key_option("training.tensorboard")] = None,
    contrast_weight: Annotated[float | None, key_option("objective.contrast_weight")] = None,
    temperature: Annotated[float | None, key_option("objective.temperature")] = None,
    cure_weight: Annotated[float | None, key_option("objective.cure_weight")] = None,
    similarity: Annotated[str | None, key_option("objective.similarity")] = None,
    rec_loss: Annotated[str | None, key_option("objective.rec_loss")] = None,
    sampling: Annotated[str | None, key_option("objective.sampling")] = None,
    negatives: Annotated[int | None, key_option("objective.negatives")] = None,
    negatives_exclude: Annotated[str | None, key_option("objective.negatives_exclude")] = None,
    dropout: Annotated[
        float | None,
        typer.Option(help="Sets embedding, hidden and attention dropout together.", rich_help_panel="Model"),
    ] = None,
    embedding_dropout: Annotated[float | None, key_option("model.embedding_dropout")] = None,
    hidden_dropout: Annotated[float | None, key_option("model.hidden_dropout")] = None,
    attention_dropout: Annotated[float | None, key_option("model.attention_dropout")] = None,
    dim: Annotated[int | None, key_option("model.dim")] = None,
    layers: Annotated[int | None, key_option("model.layers")] = None,
    heads: Annotated[int | None, key_option("model.heads")] = None,
    max_length: Annotated[int | None, key_option("model.max_length")] = None,
    engine: Annotated[str | None, key_option("model.engine")] = None,
    columns: ColumnsOption = None,
    input_format: InputFormatOption = None,
    min_user: MinUserOption = None,
    min_item: MinItemOption = None,
    core: CoreOption = None,
    users: Annotated[int | None, key_option("data.users")] = None,
    items: Annotated[int | None, key_option("data.items")] = None,
    data_seed: Annotated[int | None, key_option("data.data_seed")] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="GROUP.KEY=VALUE", help="Any other key of the configuration; repeatable."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on after the last finished epoch, or start.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Remove an earlier run in the same place first.")
    ] = False,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the settled configuration and stop.")
    ] = False,
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Train a variant on a dataset, with early stopping, into a run directory.

    [bold]Examples[/bold]

      degen train --variant scl --dataset clothing
      degen train --variant all --dataset beauty --recipe official --epochs 20
      degen train --variant duorec --dataset beauty --seeds 0-7
      degen train --variant duorec --dataset my.csv --columns user=uid,item=sku,time=when --resume
    """
    typed = {key: value for key, value in locals().items() if key not in NO_KEYS and value is not None}
    if columns is not None:
        typed["columns"] = parse_columns(columns)
    options = merge(by_group(typed), parse_assignments(assign or []))
    configs = _settled(config, options, _variants(variant), _seeds(seed, seeds))
    output = Output(as_json, quiet)
    if print_config:
        _print(configs, output)
        return
    places = _places(configs, out)
    with _processes() as world:
        output = output if world.main else Output(quiet=True)
        runs = _train_all(
            configs, places, world, resume=resume, overwrite=overwrite, stack=stack, output=output
        )
        results = [_result(run) for run in runs]
    if world.main:
        _print_results(results, output, several_seeds=seeds is not None)


def _print_results(results: list[dict[str, Any]], output: Output, *, several_seeds: bool) -> None:
    summaries = over_seeds(results, MEASURES) if several_seeds else []
    whole: Any = results if len(results) > 1 else results[0]
    if output.result({"runs": results, "over_seeds": summaries} if several_seeds else whole):
        return
    output.table(list(results[0]), [list(result.values()) for result in results])
    if several_seeds:
        output.table(["variant", "seeds", *MEASURES], summary_rows(summaries, MEASURES), "mean ± deviation")


def _processes() -> AbstractContextManager[World]:
    """Those that train together: one, or as many as `torchrun` started."""
    from degen.training.distributed import joined

    return joined()


def _variants(names: list[str] | None) -> list[dict[str, Any]]:
    """What to put into `[objective]` for each variant asked for; the file's own or the default's where none
    is named.
    """
    from degen.model.variants import MITIGATIONS, VARIANTS, get_variant

    sets = {"all": VARIANTS, "cures": MITIGATIONS, "mitigations": MITIGATIONS}
    typed = [name.strip().lower() for text in names or [] for name in text.split(",")]
    wanted = [name for word in typed for name in sets.get(word, [word])]
    canonical = dict.fromkeys(get_variant(name).name for name in wanted)
    return [{"variant": name} for name in canonical] or [{}]


def _seeds(seed: int | None, seeds: str | None) -> list[dict[str, Any]]:
    """What to put into `[training]` for each seed of `--seeds`; nothing where there is none."""
    if seeds is None:
        return [{}]
    if seed is not None:
        raise UserError("--seed names one seed and --seeds several; give one of the two")
    return [{"seed": each} for each in parse_seeds(seeds)]


def _settled(
    file: Path | None, options: Values, variants: list[dict[str, Any]], seeds: list[dict[str, Any]]
) -> list[Config]:
    from degen.build import settle_names

    return [
        settle_names(settle(file, merge(options, {"objective": chosen, "training": seeded})))
        for chosen in variants
        for seeded in seeds
    ]


def _print(configs: list[Config], output: Output) -> None:
    if not output.result(
        [c.model_dump(exclude_none=True) for c in configs]
        if len(configs) > 1
        else configs[0].model_dump(exclude_none=True)
    ):
        output.line("\n".join(config.toml() for config in configs))


def _places(configs: list[Config], out: Path | None) -> list[Path]:
    """The run directory of each configuration."""
    from degen.build import run_place
    from degen.runs.directory import is_run

    if out is not None and len(configs) == 1:
        return [out]
    if out is not None and is_run(out):
        raise UserError(
            f"--out {out} is a run; for several variants or seeds name the folder above their runs"
        )
    return [run_place(config, above=out) for config in configs]


def _train_all(
    configs: list[Config],
    places: list[Path],
    world: World,
    *,
    resume: bool,
    overwrite: bool,
    stack: bool | None,
    output: Output,
) -> list[RunDirectory]:
    from degen.cli.progress import bars
    from degen.cli.reading import reading_bar
    from degen.training.plan import train_many
    from degen.training.resumption import is_complete, refuse
    from degen.training.run import Interrupted

    # All are checked before the first has trained for hours.
    with world.together():
        for config, place in zip(configs, places, strict=True):
            refuse(config, place, resume=resume, overwrite=overwrite)
            if resume and is_complete(config, place):
                output.note(
                    f"{place} is finished and stays as it is; --epochs with a larger number goes on with it, "
                    "--overwrite trains it again"
                )
    try:
        return train_many(
            configs,
            places,
            resume=resume,
            overwrite=overwrite,
            stack=stack,
            progress=partial(bars, quiet=output.quiet),
            note=output.note,
            reading=partial(reading_bar, output.quiet),
            world=world,
        )
    except Interrupted as stop:
        done = {0: "no epoch was whole yet", 1: f"1 whole epoch is in {stop.out}"}.get(
            stop.epochs, f"{stop.epochs} whole epochs are in {stop.out}"
        )
        _say_stopped(f"; {done}", world)
        raise typer.Exit(130) from None
    except KeyboardInterrupt:  # while the log was read or the test targets were ranked
        _say_stopped("", world)
        raise typer.Exit(130) from None


def _say_stopped(done: str, world: World) -> None:
    if world.main:
        typer.echo(f"degen: stopped{done}; the same command with --resume goes on", err=True)


def _result(run: RunDirectory) -> dict[str, Any]:
    place = {"run": str(run.path), "variant": run.variant, "dataset": run.dataset, "seed": run.seed}
    return {**place, "epoch": run.test["epoch"], **{name: run.test[name] for name in MEASURES}}
