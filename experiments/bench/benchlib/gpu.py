"""What `gpu.py` checks and measures on one device."""

from __future__ import annotations

import argparse
import json
import platform
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchlib.exactness import BOUNDS, errors_of
from benchlib.laboratory import measure_seconds, measures_agree, steps_agree, traces_agree
from degen.config import merge, settle
from degen.data.sequences import item_frequency, leave_one_out
from degen.errors import UserError
from degen.evaluation.build import load_data, pick_device
from degen.evaluation.evaluate import split_ranks
from degen.model.precision import float32_products
from degen.model.variants import CURES
from degen.rundir import RunDirectory
from degen.schema import Config
from degen.training.loop import Interrupted, Progress
from degen.training.many import train_many
from degen.training.stacked import Stack
from degen.training.trainer import Trainer

PLAN = [
    (dataset, variant)
    for variant in ("duorec", "sasrec", "scl", "ucl", "ucl+scl", "cl4srec")
    for dataset in ("beauty", "clothing", "sports", "yelp")
]
"""Whole runs in the order in which they are begun."""

SPARE = 15
"""Seconds left for writing when the time is up."""

Section = dict[str, Any]


class Bench:
    """The sections, each a method that returns what it found."""

    def __init__(self, asked: argparse.Namespace, deadline: float):
        self.asked, self.deadline = asked, deadline
        self.device = pick_device(asked.device)
        self.cuda = self.device.type == "cuda"
        self.graphs = self.cuda  # until a recorded step is found not to agree with an eager one
        self.dataset = load_data(self.config().data)

    def config(self, dataset: str | None = None, **groups: dict[str, Any]) -> Config:
        """A configuration of the bench; `--set` wins."""
        options = merge(
            {
                "data": {"dataset": dataset or self.asked.dataset},
                "training": {"device": self.asked.device, "cuda_graph": self.graphs},
            },
            groups,
        )
        for assignment in self.asked.set:
            path, _, value = assignment.partition("=")
            group, _, key = path.partition(".")
            options = merge(options, {group: {key: _value(value)}})
        return settle(options=options)

    def conditions(self) -> Section:
        """What all of it was measured on."""
        name = torch.cuda.get_device_name(self.device) if self.cuda else platform.machine() + " cpu"
        return {
            "device": name,
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "python": platform.python_version(),
            "dataset": self.dataset.name,
            "batch": self.config().training.batch_size,
        }

    def exactness(self) -> Section:
        """Float32 on the device, TF32 off, against the plain encoder in float64 on the CPU."""
        with float32_products("fp32", self.device):
            errors = [errors_of(n, self.device) for n in (50, 1, 2, 255, 256)]
            found: Section = {name: max(error[name] for error in errors) for name in errors[0]}
            exact = all(value <= BOUNDS[name.split()[1]] for name, value in found.items())
            found |= self._steps_agree()
        return found | {"exact": exact and found["steps agree"] and found["masks differ"]}

    def _steps_agree(self) -> Section:
        """Whether recorded steps, and those of a stack, give the losses of steps alone; and whether masks
        differ from replay to replay.
        """
        still = {f"{site}_dropout": 0.0 for site in ("embedding", "hidden", "attention")}
        losses = {}
        for name, seeds, graph in (("eager", [0], False), ("graph", [0], True), ("stack", [0, 1], True)):
            epoch = Stack(self._trainers(seeds, model=still, training={"cuda_graph": graph})).epoch(1, 5)
            for _ in range(5):
                epoch.step()
            losses[name] = np.array(epoch.epochs[0].mean_losses()["loss"])
        stack = Stack(self._trainers([0], training={"learning_rate": 1e-12}))
        epoch = stack.epoch(1, 1)
        batch = next(epoch._batches)
        first, second = (stack.move(batch, epoch.epochs).clone() for _ in range(2))
        agree = all(bool(np.allclose(value, losses["eager"], rtol=1e-4)) for value in losses.values())
        self.graphs = self.graphs and agree
        return {
            "recorded": bool(stack.records),
            "steps agree": agree,
            "masks differ": not torch.equal(first, second),
        }

    def steps(self) -> Section:
        """Milliseconds a step of the two variants, in every way that the device has."""
        ways = [("eager", "fp32")]
        if self.cuda:
            ways = [("eager", "tf32"), ("graph", "fp32"), ("graph", "tf32"), ("graph", "bf16")]
        found = {}
        for variant in ("duorec", "sasrec"):
            for how, precision in ways:
                training = {"precision": precision, "cuda_graph": how == "graph"}
                trainers = self._trainers([0], objective={"variant": variant}, training=training)
                found[f"{variant} {how} {precision}"] = self._time(trainers)
        return found

    def evaluation(self) -> Section:
        """Seconds of a full ranking of all test users."""
        (trainer,) = self._trainers([0])
        samples = leave_one_out(self.dataset.sequences, "test", trainer.config.model.max_length)
        block = trainer.config.evaluation.score_block
        seconds = []
        for _ in range(4):
            started = time.perf_counter()
            split_ranks(trainer.encoder, samples, block)  # ranks on the host: nothing is left to wait for
            seconds.append(time.perf_counter() - started)
        return {"seconds": statistics.median(seconds[1:]), "users": len(samples), "all": seconds}

    def epoch(self) -> Section:
        """Seconds of the third epoch of a run, as it writes them."""
        config = self.config(training={"epochs": 3, "patience": 9})
        with tempfile.TemporaryDirectory() as folder:
            (run,) = train_many([config], [Path(folder) / "run"])
            row = run.metrics[-1]
        return {key: row[key] for key in ("train_seconds", "eval_seconds", "samples_per_second")}

    def stack(self) -> Section:
        """A step of many runs beside that of one."""
        alone = self._time(self._trainers([0]))
        together = self._time(self._trainers(range(self.asked.stack)))
        share = together["ms"] / (self.asked.stack * alone["ms"])
        return {"runs": self.asked.stack, "alone_ms": alone["ms"], "share": share, **together}

    def laboratory(self) -> Section:
        """Measures, cures and traces on the device, beside NumPy and the CPU."""
        still = {f"{site}_dropout": 0.0 for site in ("embedding", "hidden", "attention")}

        def make(variant: str, place: str) -> Trainer:
            config = self.config(model=still, objective={"variant": variant, "recipe": "official"})
            return Trainer(config, self.dataset, torch.device("cpu") if place == "cpu" else self.device)

        with float32_products("fp32", self.device):
            return {
                "measures": measures_agree(self.device),
                "seconds": measure_seconds(self.device, self.asked.rows),
                "losses": steps_agree(make, ["duorec", *CURES]),
                "trace": traces_agree(make, item_frequency(self.dataset.sequences)),
            }

    def whole_runs(self, done: set[str]) -> Iterator[tuple[str, Section]]:
        """Stacks of seeds to early stopping, as many as there is time for."""
        for dataset, variant in PLAN:
            name = f"{dataset}/{variant}"
            if name in done or (self.asked.only is not None and dataset not in self.asked.only):
                continue
            if time.perf_counter() > self.deadline - SPARE:
                return
            seeds = range(self.asked.seeds)
            configs = [
                self.config(dataset, objective={"variant": variant}, training={"seed": seed})
                for seed in seeds
            ]
            outs = [self.asked.runs / dataset / f"{variant}-s{seed}" for seed in seeds]
            started = time.perf_counter()
            try:
                train_many(configs, outs, resume=True, progress=self._until_deadline)
            except Interrupted:
                print(f"gpu.py: the time is up; {name} is unfinished, and --runs goes on with it", flush=True)
                return
            except UserError as error:
                print(f"gpu.py: {name}: {error}", flush=True)
                continue
            yield name, _summary([RunDirectory(out) for out in outs], time.perf_counter() - started)

    def _until_deadline(self, configs: Sequence[Config]) -> AbstractContextManager[Sequence[Progress]]:
        return nullcontext([Until(self.deadline - SPARE) for _ in configs])

    def _trainers(self, seeds: Sequence[int], **groups: dict[str, Any]) -> list[Trainer]:
        """A trainer of each seed, on the dataset of the bench."""
        configs = [self.config(**merge(groups, {"training": {"seed": seed}})) for seed in seeds]
        return [Trainer(config, self.dataset, self.device) for config in configs]

    def _time(self, trainers: list[Trainer]) -> Section:
        """Milliseconds a step, median and spread of the windows, and the most memory that was allocated."""
        if self.cuda:
            torch.cuda.reset_peak_memory_stats(self.device)
        with float32_products(trainers[0].precision, self.device):
            stack = Stack(trainers)
            advance = _advance(stack)
            windows = [self._window(advance) for _ in range(self.asked.windows + 1)][1:]
        peak = torch.cuda.max_memory_allocated(self.device) / 1e6 if self.cuda else float("nan")
        return {
            "ms": statistics.median(windows),
            "ms_low": min(windows),
            "ms_high": max(windows),
            "mb": round(peak) if self.cuda else None,
        }

    def _window(self, advance: Iterator[Tensor]) -> float:
        started = time.perf_counter()
        for _ in range(self.asked.steps):
            sums = next(advance)
        sums.tolist()  # waits for the device
        return (time.perf_counter() - started) / self.asked.steps * 1e3


class Until(Progress):
    """Presses Ctrl-C when the time is up: training stops after the step, and can go on from its epoch."""

    def __init__(self, deadline: float):
        self.deadline = deadline

    def step(self, epoch: int, step: int, losses: dict[str, Any]) -> None:
        """Look at the clock."""
        if time.perf_counter() > self.deadline:
            signal.raise_signal(signal.SIGINT)


def _advance(stack: Stack) -> Iterator[Tensor]:
    """Steps without end, epoch after epoch; yields the sums of the losses."""
    number = 0
    while True:
        number += 1
        steps = stack.trainers[0].steps_per_epoch
        epoch = stack.epoch(number, steps)
        for _ in range(steps):
            epoch.step()
            yield epoch.sums


def _summary(runs: list[RunDirectory], seconds: float) -> Section:
    tests = [run.test for run in runs]
    mean = {name: round(statistics.fmean(test[name] for test in tests), 4) for name in ("HR@5", "NDCG@10")}
    return {
        "state": "whole",
        "seconds": round(seconds, 1),
        "seeds": [run.seed for run in runs],
        "mean": mean,
        "tests": tests,
        "rows": [run.metrics for run in runs],
    }


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
