"""One process of several that train a few steps together; run by test_distributed.py, once a rank.

    python ranks.py RANK SIZE FOLDER LOG

Meets the others through a file in FOLDER; rank 0 writes what came out of each case into FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tiny_runs
import torch
import torch.distributed as dist

from degen.evaluation.restore import load_data
from degen.training.distributed import World
from degen.training.trainer import Trainer

BATCH = 47  # the tiny log has 5 batches of it, the last one uneven

CASES = [
    *((variant, "samples", BATCH, "double") for variant in ("sasrec", "cl4srec", "ucl", "scl", "ucl+scl")),
    ("duorec", "samples", BATCH, "double"),
    ("duorec", "samples", BATCH, "float"),
    ("duorec", "samples", 2, "double"),  # fewer rows than three processes
    ("ucl+scl", "users", 7, "double"),
    ("duorec", "users", 2, "double"),
]
"""Variant, what a batch is of, its size, precision."""


def five_steps(log: Path, case: tuple[str, str, int, str], world: World) -> dict[str, np.ndarray]:
    """Losses after each of five steps, and the parameters after them."""
    variant, batch_by, batch_size, precision = case
    config = tiny_runs.tiny_config(
        log, variant=variant, batch_by=batch_by, batch_size=batch_size, dropout=0.0, adam_eps=1e-5
    )
    trainer = Trainer(config, load_data(config.data), torch.device("cpu"), world)
    getattr(trainer.encoder, precision)()
    epoch, losses = trainer.epoch(1), []
    for _ in range(5):
        epoch.step()
        losses.append(list(epoch.mean_losses().values()))
    parameters = torch.cat([p.detach().reshape(-1) for p in trainer.encoder.parameters()])
    return {"losses": np.array(losses), "parameters": parameters.numpy()}


if __name__ == "__main__":
    rank, size, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder / 'meet'}", rank=rank, world_size=size)
    for number, case in enumerate(CASES):
        found = five_steps(Path(sys.argv[4]), case, World(rank, size))
        if rank == 0:
            np.savez(folder / f"{number}.npz", **found)
    dist.destroy_process_group()
