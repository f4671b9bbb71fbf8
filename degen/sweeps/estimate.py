"""Estimate of the hours and the disk space that a study needs.

Hours come from what was measured: the epochs of finished runs of the same variant on the same log, or else a
trial of a few steps. Without a finished run the number of epochs is not known either, and the maximum counts.
One pace stands for all runs of a variant on a log. Disk space is that of the Transformer encoder.
"""

from __future__ import annotations

import platform
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from degen.config.facts import KEYS
from degen.config.schema import Config
from degen.data.load import Dataset
from degen.errors import DegenWarning, counted
from degen.runs.directory import RunDirectory, is_run

TRIAL_STEPS = 6
"""Steps of each of the two epochs of a trial; the second counts."""

SIZES = ("dim", "layers", "feed_forward", "max_length", "batch_size")
"""Keys on which the seconds of an epoch depend."""

FLOAT = 4
"""Bytes of a weight."""


@dataclass(frozen=True)
class Pace:
    """Expected course of a run.

    Attributes
    ----------
    seconds
        of an epoch, validation included.
    epochs
        number of epochs.
    at_most
        whether `epochs` is the maximum, because no run has shown when training stops early.
    basis
        sentence that says what was measured.
    """

    seconds: float
    epochs: float
    at_most: bool
    basis: str


def pace(config: Config, cells: Path, threads: int) -> Pace:
    """Return the expected course of the runs of a configuration's variant on its log.

    Parameters
    ----------
    config
        a resolved configuration with name and fingerprint of its log.
    cells
        folder of the run directories in which finished runs are looked for.
    threads
        CPU threads of a worker.
    """
    name = f"{config.objective.variant} on {config.data.name}"
    runs = [run for run in _finished(config, cells, threads) if run.metrics]
    if runs:
        rows = [row for run in runs for row in run.metrics]
        seconds = median(row["train_seconds"] + row["eval_seconds"] for row in rows)
        epochs = median(len(run.metrics) + len(run.pretraining) for run in runs)
        several = "epoch" if epochs == 1 else "epochs"
        told = f"{counted(len(runs), 'finished run')} of this machine, {seconds:.3g} s per epoch"
        return Pace(seconds, epochs, False, f"{name}: {told} and {epochs:g} {several}")
    seconds, speed = _trial(config, threads)
    basis = f"{name}: a trial of {TRIAL_STEPS} steps, {speed:,.0f} samples/s, {seconds:.3g} s per epoch"
    return Pace(seconds, config.training.epochs + _pretraining(config), True, basis)


def _pretraining(config: Config) -> int:
    """Return the number of epochs of pre-training, each about as long as one of fine-tuning."""
    from degen.model.variants import get_variant

    return config.baseline.pretrain_epochs if get_variant(config.objective.variant).stages else 0


def _finished(config: Config, cells: Path, threads: int) -> list[RunDirectory]:
    folder = cells / config.data.name / config.objective.variant
    runs = [RunDirectory(path) for path in sorted(folder.glob("*")) if is_run(path)]
    return [
        run
        for run in runs
        if run.state == "finished"
        and run.config["data"].get("fingerprint") == config.data.fingerprint
        and run.config["training"].get("epochs") == config.training.epochs
        and run.environment.get("platform") == platform.platform()
        and run.environment.get("threads") == threads
    ]


def _trial(config: Config, threads: int) -> tuple[float, float]:
    """Train a few steps; return the seconds of a whole epoch, validation included, and samples per second."""
    from degen.build import load_data
    from degen.training.loop import train

    dataset = load_data(config.data)
    limits = {"epochs": 2, "steps_per_epoch": TRIAL_STEPS, "max_steps": None, "threads": threads}
    training = config.training.model_copy(update={**limits, "keep_embeddings": None, "tensorboard": False})
    with tempfile.TemporaryDirectory(prefix="degen-trial-") as folder:
        baseline = config.baseline.model_copy(update={"pretrain_epochs": 1})
        trial = config.model_copy(update={"training": training, "baseline": baseline})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenWarning)  # a trial is too short to judge
            row = train(trial, Path(folder) / "run", dataset=dataset).metrics[-1]
    samples = _targets(trial, dataset)
    most = config.training.steps_per_epoch
    samples = min(samples, most * config.training.batch_size) if most else samples
    return samples / row["samples_per_second"] + row["eval_seconds"], row["samples_per_second"]


def _targets(config: Config, dataset: Dataset) -> int:
    """Return the number of targets of an epoch: training samples, or masks for a model that draws them."""
    import torch

    from degen.training.trainer import Trainer

    return Trainer(config, dataset, torch.device("cpu")).batching.n_targets


def disk(config: Config, n_items: int, epochs: float) -> int:
    """Return the bytes of a run: best and last weights, Adam's two moments, and item embeddings."""
    model, every = config.model, config.training.keep_embeddings
    block = 4 * model.dim**2 + 2 * model.dim * model.feed_forward + 9 * model.dim + model.feed_forward
    items = (n_items + 2) * model.dim
    weights = items + (model.max_length + 2) * model.dim + model.layers * block
    kept = int(epochs) // every if every else 0
    return FLOAT * (4 * weights + (1 + kept) * items)


@dataclass(frozen=True)
class Estimate:
    """Needs of a study.

    Attributes
    ----------
    hours
        of all workers together, at the pace of each run.
    at_most
        whether it counts the maximum number of epochs of some runs.
    bytes
        disk space of the runs.
    basis
        sentences that say what was measured.
    """

    hours: float
    at_most: bool
    bytes: int
    basis: list[str]


def estimate(configs: Sequence[Config], cells: Path, workers: int, threads: int) -> Estimate:
    """Return what runs that are still to be trained need."""
    from degen.build import load_data

    paces: dict[tuple[str, str], Pace] = {}
    sizes: dict[str, int] = {}
    seconds, size, basis = 0.0, 0, list[str]()
    for config in configs:
        log, variant = config.data.fingerprint, config.objective.variant
        if (log, variant) not in paces:
            paces[log, variant] = pace(config, cells, threads)
        if log not in sizes:
            sizes[log] = load_data(config.data).sequences.n_items
        found = paces[log, variant]
        seconds += found.seconds * found.epochs
        size += disk(config, sizes[log], found.epochs)
    if sized := _several_sizes(configs):
        basis.append(
            f"runs of different {', '.join(sized)} count alike, at the pace of the first of a variant"
        )
    used = max(1, min(workers, len(configs)))
    at_most = any(found.at_most for found in paces.values())
    return Estimate(seconds / used / 3600, at_most, size, [found.basis for found in paces.values()] + basis)


def _several_sizes(configs: Sequence[Config]) -> list[str]:
    """Return the keys in which runs of a variant and log differ that make an epoch longer or shorter."""
    found = dict[str, set[tuple[str, str, Any]]]()
    runs = {(config.data.fingerprint, config.objective.variant) for config in configs}
    for config in configs:
        about = config.data.fingerprint, config.objective.variant
        for key in SIZES:
            found.setdefault(key, set()).add((*about, getattr(getattr(config, KEYS[key][0]), key)))
    return [key for key, values in found.items() if len(values) > len(runs)]
