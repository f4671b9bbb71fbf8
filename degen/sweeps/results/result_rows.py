"""Rows of `results.csv`: a row per finished cell and seed, from its run directory and its file in `done/`.

    keys         study, dataset, variant, control, cell, seed, and a column per axis
    course       epochs, best_epoch, capped, common_epoch
    accuracy     valid_… and test_… at the best epoch, common_valid_… at the common epoch
    geometry     best_… and common_…, measures of the user's own that each epoch records among them
    environment  differs, ties, device, cpu, threads, torch, version, commit, seconds

Test metrics exist at the best epoch only. No other column than `seconds` is a time, and it stands last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from degen.analysis.registry import MEASURES, own_measures
from degen.config.facts import OPTIONS
from degen.config.schema import TrainingConfig
from degen.errors import UserError
from degen.files.parse import Unreadable, read_json
from degen.runs.best import best_row
from degen.runs.directory import RunDirectory
from degen.runs.study import DONE, PlannedRun

RANKING = ("HR@5", "NDCG@5", "HR@10", "NDCG@10", "HR@20", "NDCG@20")
GEOMETRY = ("sigma2_ratio", "effective_rank", "average_cosine", "uniformity", "alignment")

_COURSE = ("epochs", "best_epoch", "capped", "common_epoch")
_ENVIRONMENT = ("device", "cpu", "threads", "torch", "version", "commit", "seconds")
_KEYS = ("study", "dataset", "variant", "control", "cell", "seed")
_TAKEN = {*_KEYS, *_COURSE, "differs", "ties", *_ENVIRONMENT}


def axis_columns(plan: Sequence[PlannedRun]) -> dict[str, str]:
    """Return the columns of the axes, in the plan's order, each with the key of the configuration.

    A column is called as the key's option (`lambda` for `objective.lambda`), or as the key. The
    variant has its own column.
    """
    keys = dict.fromkeys(key for planned in plan for key in planned.axes if key != "objective.variant")
    columns = {}
    for key in keys:
        name = key.rpartition(".")[2]
        short = OPTIONS.get(name, name).lstrip("-").replace("-", "_")
        columns[key if short in _TAKEN or short in columns else short] = key
    return columns


def recorded_measures(runs: Iterable[Path]) -> list[str]:
    """Return the measures of the user's own that the runs have recorded each epoch."""
    names = [name for name in own_measures() if MEASURES[name].each_epoch]
    rows = [row for run in runs for row in RunDirectory(run).metrics[:1]] if names else []
    return [name for name in names if any(name in row for row in rows)]


def metric_columns(ranking: Iterable[str] = RANKING, geometry: Iterable[str] = GEOMETRY) -> list[str]:
    """Return the columns of `results.csv` that hold measured values, in order."""
    ranking, geometry = list(ranking), list(geometry)
    parts = [("valid", ranking), ("test", ranking), ("common_valid", ranking)]
    parts += [("best", geometry), ("common", geometry)]
    return [f"{prefix}_{name}" for prefix, names in parts for name in names]


def result_row(
    planned: PlannedRun,
    study: str,
    axes: Mapping[str, str],
    common: int | None,
    done: Mapping[str, Any],
    ranking: Sequence[str] = RANKING,
    geometry: Sequence[str] = GEOMETRY,
) -> dict[str, Any]:
    """Return the row of a finished run; a value that it lacks is None.

    `axes` is as `axis_columns` returns it, `common` the common epoch, `done` the run's file in `done/`.
    """
    run = RunDirectory(planned.run)
    epochs, test = run.metrics, run.test
    by_epoch = {row["epoch"]: row for row in epochs}
    best, at_common = by_epoch.get(test.get("epoch"), {}), by_epoch.get(common, {})
    row: dict[str, Any] = {
        "study": study,
        "dataset": planned.dataset,
        "variant": planned.variant,
        "control": planned.control or "",
        "cell": planned.id,
        "seed": planned.seed,
        **{column: planned.axes.get(key) for column, key in axes.items()},
        "epochs": len(epochs),
        "best_epoch": test.get("epoch"),
        "capped": _capped(run, epochs),
        "common_epoch": common,
    }
    row |= {f"valid_{name}": best.get(f"valid_{name}") for name in ranking}
    row |= {f"test_{name}": test.get(name) for name in ranking}
    row |= {f"common_valid_{name}": at_common.get(f"valid_{name}") for name in ranking}
    row |= {f"best_{name}": best.get(name) for name in geometry}
    row |= {f"common_{name}": at_common.get(name) for name in geometry}
    known = {**run.environment, "version": run.environment.get("degen")}
    row |= {"differs": "", "ties": run.ties}
    return row | {key: done.get(key, known.get(key)) for key in _ENVIRONMENT}


def finished(planned: PlannedRun, folder: Path) -> dict[str, Any] | None:
    """Return what `done/` says of a run, or None where it is not done or its run is not finished."""
    file = folder / DONE / planned.name
    if not file.is_file() or RunDirectory(planned.run).state != "finished":
        return None
    try:
        found = read_json(file)
    except Unreadable:
        return {}
    return found if isinstance(found, dict) else {}


def common_epoch(runs: Iterable[Path], given: int | None = None) -> int | None:
    """Return the epoch that a study names, if any run has it, else the last that all have; None without."""
    lengths = [len(RunDirectory(run).metrics) for run in runs]
    return given if given and given <= max(lengths, default=0) else min(lengths, default=None)


def mark_differing(rows: Sequence[dict[str, Any]], fingerprints: Sequence[str], *, ties: bool = True) -> None:
    """Note in `differs` of each row in what it is not as most others: version or commit of degen, log, ties.

    `fingerprints` are those of the rows' logs. Logs are compared within a dataset, and so is the convention
    of ties, unless `ties` is False because it is an axis of the study. Runs of an installed package know no
    commit.
    """
    version = _usual(row["version"] for row in rows)
    commit = _usual(row["commit"] for row in rows if row["commit"])
    for dataset in {row["dataset"] for row in rows}:
        of_dataset = [pair for pair in zip(rows, fingerprints, strict=True) if pair[0]["dataset"] == dataset]
        usual_log = _usual(log for _, log in of_dataset)
        usual_ties = _usual(row["ties"] for row, _ in of_dataset)
        for row, log in of_dataset:
            odd = {
                "version": row["version"] != version,
                "commit": row["commit"] not in (None, "", commit),
                "log": log != usual_log,
                "ties": ties and row["ties"] != usual_ties,
            }
            row["differs"] = ", ".join(what for what, differs in odd.items() if differs)


def machines_note(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence about rows that were trained on several kinds of machine; empty for one kind."""
    kinds = Counter(row["cpu"] if row["device"] == "cpu" else row["device"] for row in rows)
    told = [f"{count} on {kind}" for kind, count in kinds.items() if kind]
    if len(told) < 2:
        return ""
    return f"runs of several kinds of machine are compared, which round otherwise: {', '.join(told)}"


def _usual(values: Iterable[Any]) -> Any:
    """Return the most frequent value, the first of equally frequent ones."""
    return max(Counter(values).items(), key=lambda pair: pair[1], default=(None, 0))[0]


def _capped(run: RunDirectory, epochs: Sequence[dict[str, Any]]) -> bool:
    """Return whether a run ended at its limit of epochs or steps, before patience ran out."""
    known = run.config.get("training", {})
    deciding = ("stop_on", "stop_decimals", "patience", "min_epochs")
    try:
        settings = TrainingConfig(**{key: known[key] for key in deciding if key in known})
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{run.path}: training.{first['loc'][0]} is {first['input']!r}") from None
    waited = len(epochs) - best_row(epochs, settings.stop_on, settings.stop_decimals)["epoch"]
    return bool(waited < settings.patience or len(epochs) < settings.min_epochs)
