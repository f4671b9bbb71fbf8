"""One process of several that train a few steps together; run by test_distributed.py, once a rank.

    python ranks.py RANK SIZE FOLDER LOG

Meets the others at a port that rank 0 takes and writes into FOLDER, with what came out of each case.
"""

from __future__ import annotations

import faulthandler
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import tiny_runs
import torch
import torch.distributed as dist

from degen.build import load_data
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
    *((cure, "samples", BATCH, "double") for cure in ("cosreg", "item-uniformity", "normalized", "gating")),
    *(
        (variant, batch_by, size, "double", *more)
        for variant, batch_by, size in (
            ("duorec", "samples", BATCH),
            ("sasrec", "samples", 2),
            ("ucl", "users", 7),
        )
        for more in (
            ("item_block=5",),
            ("rec_loss=bce", "negatives=3"),
            ("rec_loss=sampled",),
            ("rec_loss=sampled", "sampling=uniform", "negatives=9", "item_updates=lazy"),
            ("rec_loss=bpr", "item_updates=lazy"),
            ("rec_loss=bce", "item_block=5"),
        )
    ),
    ("normalized", "samples", BATCH, "double", "rec_loss=sampled"),
    ("duorec", "samples", BATCH, "float", "item_block=5"),
]
"""Variant, what a batch is of, its size, precision, other keys."""


WITH_DROPOUT, DROPOUT = ("duorec", "samples", BATCH, "double"), 0.3
"""A case that is run twice with dropout, whose masks every process draws for itself."""


def trainer_of(log: Path, case: tuple[Any, ...], world: World, dropout: float = 0.0) -> Trainer:
    """What trains a case."""
    variant, batch_by, batch_size, precision, *more = case
    config = tiny_runs.tiny_config(
        log,
        variant=variant,
        batch_by=batch_by,
        batch_size=batch_size,
        dropout=dropout,
        adam_eps=1e-5,
        **dict(each.split("=") for each in more),
    )
    trainer = Trainer(config, load_data(config.data), torch.device("cpu"), world)
    getattr(trainer.encoder, precision)()
    return trainer


def five_steps(log: Path, case: tuple[Any, ...], world: World, dropout: float = 0.0) -> dict[str, np.ndarray]:
    """Losses after each of five steps, and the parameters after them."""
    trainer = trainer_of(log, case, world, dropout)
    epoch, losses = trainer.epoch(1), []
    for _ in range(5):
        epoch.step()
        losses.append(list(epoch.mean_losses().values()))
    parameters = torch.cat([p.detach().reshape(-1) for p in trainer.encoder.parameters()])
    return {"losses": np.array(losses), "parameters": parameters.numpy()}


def meeting_point(rank: int, size: int, folder: Path) -> dist.TCPStore:
    """Where the processes find one another."""
    note, limit = folder / "port", timedelta(minutes=2)
    if rank == 0:
        store = dist.TCPStore("127.0.0.1", 0, size, is_master=True, timeout=limit, wait_for_workers=False)
        (folder / "port.new").write_text(str(store.port))
        (folder / "port.new").rename(note)
        return store
    until = time.monotonic() + limit.total_seconds()
    while not note.exists():
        assert time.monotonic() < until, "rank 0 never opened a port"
        time.sleep(0.05)
    return dist.TCPStore("127.0.0.1", int(note.read_text()), size, is_master=False, timeout=limit)


if __name__ == "__main__":
    faulthandler.enable()
    rank, size, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", store=meeting_point(rank, size, folder), rank=rank, world_size=size)
    for number, case in enumerate(CASES):
        found = five_steps(Path(sys.argv[4]), case, World(rank, size))
        if rank == 0:
            np.savez(folder / f"{number}.npz", **found)
    for repeat in range(2):
        found = five_steps(Path(sys.argv[4]), WITH_DROPOUT, World(rank, size), DROPOUT)
        if rank == 0:
            np.savez(folder / f"dropout-{repeat}.npz", **found)
    dist.barrier()  # nobody leaves while another still talks
    dist.destroy_process_group()
    tasks = Path("/proc/self/task").glob("*/comm")  # none where there is no /proc
    (folder / f"threads-{rank}.txt").write_text("".join(task.read_text() for task in tasks))
