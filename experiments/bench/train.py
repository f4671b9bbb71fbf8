"""Training samples per second of one variant: the median of several windows after a warm-up.

    python experiments/bench/train.py --dataset beauty --variant duorec --device cpu --json

Everything of a step counts: drawing the batch and its views, the forward and backward pass, the optimiser.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

import torch

from degen.build import load_data
from degen.config.settle import settle
from degen.data.load import Dataset
from degen.device import pick_device
from degen.errors import one_sentence
from degen.training.trainer import Trainer


class Steps:
    """A trainer's steps, one a call, epoch after epoch."""

    def __init__(self, trainer: Trainer):
        self.trainer, self.number = trainer, 1
        self.epoch, self.left = trainer.epoch(1), trainer.steps_per_epoch

    def __call__(self) -> int:
        """Do the next step and return its number of samples."""
        if self.left == 0:
            self.number += 1
            self.epoch, self.left = self.trainer.epoch(self.number), self.trainer.steps_per_epoch
        before = self.epoch.samples
        self.epoch.step()
        self.left -= 1
        return self.epoch.samples - before

    def wait(self) -> None:
        """Wait until the device has done what it was given."""
        self.epoch.mean_losses()


def make_trainer(options: dict[str, dict[str, Any]]) -> tuple[Trainer, Dataset]:
    """The trainer of a configuration, and its log."""
    config = settle(options=options)
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    dataset = load_data(config.data)
    return Trainer(config, dataset, pick_device(config.training.device)), dataset


def windows(steps: Steps, n_windows: int, n_steps: int, warm_up: int) -> list[float]:
    """Samples a second of each of `n_windows` windows of `n_steps` steps."""
    rates = []
    for count in [warm_up] + [n_steps] * n_windows:
        started = time.perf_counter()
        samples = sum(steps() for _ in range(count))
        steps.wait()
        rates.append(samples / (time.perf_counter() - started))
    return rates[1:]


def measure(trainer: Trainer, arguments: argparse.Namespace) -> dict[str, object]:
    """Train for the windows asked for and describe what came out."""
    config, device = trainer.config, trainer.device
    rates = windows(Steps(trainer), arguments.windows, arguments.steps, arguments.warm_up)
    return {
        "samples_per_second": round(statistics.median(rates), 1),
        "lowest": round(min(rates), 1),
        "highest": round(max(rates), 1),
        "windows": len(rates),
        "steps_per_window": arguments.steps,
        "dataset": config.data.dataset,
        "variant": trainer.variant.name,
        "batch_size": config.training.batch_size,
        "recipe": config.objective.recipe,
        "engine": config.model.engine,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", default="synthetic")
    parser.add_argument("--variant", default="duorec")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--recipe", default="paper")
    parser.add_argument("--engine", default="fast")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--windows", type=int, default=7, help="at least 5")
    parser.add_argument("--steps", type=int, default=30, help="steps in a window")
    parser.add_argument("--warm-up", type=int, default=20, help="steps before the first window")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    trainer, _ = make_trainer(
        {
            "data": {"dataset": arguments.dataset},
            "model": {"engine": arguments.engine},
            "objective": {"variant": arguments.variant, "recipe": arguments.recipe},
            "training": {
                "device": arguments.device,
                "batch_size": arguments.batch_size,
                **({"threads": arguments.threads} if arguments.threads else {}),
            },
        }
    )
    result = measure(trainer, arguments)
    if arguments.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:20} {value}" for name, value in result.items()))


if __name__ == "__main__":
    with one_sentence("train"):
        main()
