"""Training samples a second of one variant: the median of several windows after a warm-up.

    python experiments/bench/train.py --dataset beauty --variant duorec --device cpu --json

Everything of a step counts: drawing the batch and its views, the forward and backward pass, the optimiser.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import torch

from degen.config import settle
from degen.evaluation.restore import load_data, pick_device
from degen.schema import Config
from degen.training.trainer import Epoch, Trainer


def windows(trainer: Trainer, n_windows: int, steps: int, warm_up: int) -> list[float]:
    """Samples a second of each of `n_windows` windows of `steps` steps, all within one epoch where it is
    long enough.
    """
    epoch = trainer.epoch(1)
    if warm_up + n_windows * steps > trainer.steps_per_epoch:
        raise SystemExit(
            f"the epoch has {trainer.steps_per_epoch} steps; ask for fewer windows or shorter ones"
        )
    run(epoch, warm_up)
    return [steps * trainer.config.training.batch_size / run(epoch, steps) for _ in range(n_windows)]


def run(epoch: Epoch, steps: int) -> float:
    """Seconds for `steps` steps, the device's work included."""
    started = time.perf_counter()
    for _ in range(steps):
        epoch.step()
    epoch.mean_losses()  # waits for the device
    return time.perf_counter() - started


def measure(config: Config, arguments: argparse.Namespace) -> dict[str, object]:
    """Train for the windows asked for and describe what came out."""
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    trainer = Trainer(config, load_data(config.data), pick_device(config.training.device))
    rates = windows(trainer, arguments.windows, arguments.steps, arguments.warm_up)
    device = trainer.device
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
    config = settle(
        options={
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
    result = measure(config, arguments)
    if arguments.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:20} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
