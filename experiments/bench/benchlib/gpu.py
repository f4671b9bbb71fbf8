"""Checks and measurements of `gpu.py` on one device."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchlib.exactness import BOUNDS, errors_of
from benchlib.laboratory import measure_seconds, measures_agree, steps_agree, traces_agree
from benchlib.whole_runs import PLAN, train_plan
from degen.build import load_data
from degen.config.schema import Config
from degen.config.settle import merge, settle
from degen.data.sequences import item_frequency, leave_one_out
from degen.device import pick_device
from degen.evaluation.evaluate import split_ranks
from degen.model.precision import float32_products
from degen.model.variants import MITIGATIONS
from degen.training.epoch import Epoch
from degen.training.padded.batches import CHUNK
from degen.training.padded.stack import Stack, StackEpoch
from degen.training.plan import train_many
from degen.training.process_settings import torch_settings
from degen.training.trainer import Trainer

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
        """Return the device, versions and data of all measurements."""
        name = torch.cuda.get_device_name(self.device) if self.cuda else platform.machine() + " cpu"
        return {
            "device": name,
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "python": platform.python_version(),
            "dataset": self.dataset.name,
            "batch": self.config().training.batch_size,
        }

    def sections(self) -> list[Callable[[], Section]]:
        """All but the whole runs, in order."""
        checks = [self.exactness, self.repetition]
        return [*checks, self.steps, self.evaluation, self.epoch, self.stack, self.laboratory]

    def exactness(self) -> Section:
        """Float32 on the device, TF32 off, against the plain encoder in float64 on the CPU."""
        with float32_products("fp32", self.device):
            errors = [errors_of(n, self.device) for n in (50, 1, 2, 255, 256)]
            found: Section = {name: max(error[name] for error in errors) for name in errors[0]}
            exact = all(value <= BOUNDS[name.split()[1]] for name, value in found.items())
            found |= self._steps_agree()
        found["waits for the device"] = self._waits() if self.cuda else "never asked on the CPU"
        return found | {"exact": exact and found["steps agree"] and found["masks differ"]}

    def _waits(self) -> str:
        """Return where a step makes the host wait for the device, in PyTorch's words, or `none`."""
        epoch = Stack(self._trainers([0])).epoch(1, 2 * CHUNK)
        for _ in range(3):  # a step may be recorded, which waits
            epoch.step()
        torch.cuda.set_sync_debug_mode("error")
        try:
            for _ in range(CHUNK):
                epoch.step()
        except RuntimeError as error:
            return str(error).splitlines()[0]
        finally:
            torch.cuda.set_sync_debug_mode("default")
        return "none"

    def repetition(self) -> Section:
        """Return whether a seed gives the same weights twice under `--deterministic`, to the bit."""
        weights = []
        for _ in range(2):
            trainers = self._trainers([0], training={"deterministic": True})
            with torch_settings(trainers[0].config.training):
                stack = Stack(trainers)
                epoch = stack.epoch(1, 5)
                for _ in range(5):
                    epoch.step()
            weights.append(stack.weights.detach().clone())
        return {"same": torch.equal(*weights)}

    def _steps_agree(self) -> Section:
        """Return whether recorded steps, and those of a stack, give the losses of steps alone, and whether
        masks differ from replay to replay.
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
        """Milliseconds a step of the two variants, in every way that the device has: packed by length as on
        the CPU, or padded, and then step by step or recorded.
        """
        ways = [("eager", "fp32"), ("packed", "fp32")]
        if self.cuda:
            ways = [("packed", "tf32"), ("eager", "tf32")]
            ways += [("graph", precision) for precision in ("fp32", "tf32", "bf16")]
        found = {}
        for variant in ("duorec", "sasrec"):
            for how, precision in ways:
                training = {"precision": precision, "cuda_graph": how == "graph"}
                trainers = self._trainers([0], objective={"variant": variant}, training=training)
                found[f"{variant} {how} {precision}"] = self._time(trainers, packed=how == "packed")
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
                "losses": steps_agree(make, ["duorec", *MITIGATIONS]),
                "trace": traces_agree(make, item_frequency(self.dataset.sequences)),
            }

    def whole_runs(self, done: set[str]) -> Iterator[tuple[str, Section]]:
        """Runs to early stopping, as many as there is time for: `benchlib.whole_runs`."""
        asked = self.asked
        plan = [runs for runs in PLAN if asked.only is None or runs.dataset in asked.only]
        return train_plan(plan, done, self.config, asked.runs, asked.seeds, self.deadline)

    def _trainers(self, seeds: Sequence[int], **groups: dict[str, Any]) -> list[Trainer]:
        """A trainer of each seed, on the dataset of the bench."""
        configs = [self.config(**merge(groups, {"training": {"seed": seed}})) for seed in seeds]
        return [Trainer(config, self.dataset, self.device) for config in configs]

    def _time(self, trainers: list[Trainer], *, packed: bool = False) -> Section:
        """Milliseconds a step, median and spread of the windows, and the most memory that was allocated.

        `packed` is the way of the CPU, for a trainer alone.
        """
        if self.cuda:
            torch.cuda.reset_peak_memory_stats(self.device)
        with float32_products(trainers[0].precision, self.device):
            steps = trainers[0].steps_per_epoch
            begin = trainers[0].epoch if packed else partial(Stack(trainers).epoch, steps=steps)
            advance = _advance(begin, steps)
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


def _advance(begin: Callable[[int], Epoch | StackEpoch], steps: int) -> Iterator[Tensor]:
    """Steps without end, epoch after epoch; yields the sums of the losses."""
    for number in count(1):
        epoch = begin(number)
        for _ in range(steps):
            epoch.step()
            yield epoch.sums


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
