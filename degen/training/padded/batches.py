"""Batches put together on the device, which holds the log. The host sends row numbers only.

    host      draws the permutation, partners, augmentations and negatives from the generators of `Epoch`, in
              the order of training without a device, and sends them ahead, a chunk of steps at a time
    device    gathers the histories of those rows from the log into `[K, R, S, T]`

A batch of R runs is a dictionary:

    items         int64 `[R, S, T]`: the views of the batch one after another, padded on the right
    lengths       int64 `[R, S]`
    targets       int64 `[R, B]`
    negatives     int64 `[R, B, k]`, where the loss samples some
    items_drawn   int64 `[R, k]`: rows of V, where the variant draws items
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from degen.data.sampling.histories import Histories, Int
from degen.data.sampling.source import SampleHistories
from degen.data.sequences import PAD, Samples
from degen.model.encoders.plain import pad
from degen.training.epoch import Epoch

Batch = dict[str, Tensor]

CHUNK = 16
"""Steps that are drawn and sent at once: while a GPU works on them the host draws the next."""


@dataclass(frozen=True)
class DeviceLog:
    """The samples on a device, as `degen.data.sequences.Samples` holds them on the host."""

    items: Tensor
    end: Tensor
    length: Tensor

    @classmethod
    def of(cls, samples: Samples, device: torch.device) -> DeviceLog:
        """Copy the samples there, once."""
        arrays = samples.items, samples.end, samples.length
        return cls(*(torch.from_numpy(array).to(device, torch.int64) for array in arrays))

    def histories(self, rows: Tensor, width: int) -> tuple[Tensor, Tensor]:
        """Gather the histories of samples `rows`, int64 `[…]`: items `[…, width]`, padded, and lengths."""
        lengths = self.length[rows]
        offset = torch.arange(width, device=rows.device)
        position = (self.end[rows] - lengths)[..., None] + offset
        real = offset < lengths[..., None]
        return self.items[position.clamp(max=len(self.items) - 1)].where(real, PAD), lengths


@dataclass(frozen=True)
class _Drawn:
    """The draws of the host for a step of one run."""

    views: dict[str, Histories]
    targets: Int
    negatives: Tensor | None
    items_drawn: Tensor | None


def batches(epochs: Sequence[Epoch], log: DeviceLog, steps: int) -> Iterator[Batch]:
    """Yield the first `steps` batches of an epoch of R runs, which agree in their sizes."""
    waiting: list[list[_Drawn]] = []
    for _ in range(steps):
        drawn = [_draw(epoch) for epoch in epochs]
        uneven = bool(waiting) and len(waiting[0][0].targets) != len(drawn[0].targets)
        if uneven or len(waiting) == CHUNK:
            yield from _send(waiting, log, epochs[0].trainer.config.model.max_length)
            waiting = []
        waiting.append(drawn)
    yield from _send(waiting, log, epochs[0].trainer.config.model.max_length)


def _draw(epoch: Epoch) -> _Drawn:
    """Draw a step in the order of `Epoch.losses`: the views, then the negatives."""
    trainer, rows = epoch.trainer, next(epoch.batches)
    samples = trainer.source.samples
    views = trainer.variant.draw(trainer.source, rows, epoch.rng)
    targets = samples.items[samples.end[rows]].astype(np.int64)
    negatives = epoch.draw_negatives(rows)
    sampled = None if negatives is None else torch.from_numpy(negatives.items)
    return _Drawn(views, targets, sampled, epoch.draw_items())


def _send(chunk: list[list[_Drawn]], log: DeviceLog, width: int) -> Iterator[Batch]:
    """Send K steps of R runs to the device of the log, and yield them one by one."""
    views = [
        _view([[run.views[name] for run in step] for step in chunk], log, width) for name in chunk[0][0].views
    ]
    batches = {
        "items": torch.cat([items for items, _ in views], dim=2),
        "lengths": torch.cat([lengths for _, lengths in views], dim=2),
        "targets": _upload(_stack([[torch.from_numpy(run.targets) for run in step] for step in chunk]), log),
    }
    for name in ("negatives", "items_drawn"):
        grid = [[value for run in step if (value := getattr(run, name)) is not None] for step in chunk]
        if grid[0]:
            batches[name] = _upload(_stack(grid), log)
    for step in range(len(chunk)):
        yield {name: tensor[step] for name, tensor in batches.items()}


def _view(grid: list[list[Histories]], log: DeviceLog, width: int) -> tuple[Tensor, Tensor]:
    """One view of K steps of R runs on the device: items `[K, R, B, width]` and lengths `[K, R, B]`."""
    rows = [[run.rows for run in step if isinstance(run, SampleHistories)] for step in grid]
    if all(len(numbers) == len(step) for numbers, step in zip(rows, grid, strict=True)):
        return log.histories(_upload(torch.from_numpy(np.array(rows, dtype=np.int64)), log), width)
    lengths = [[torch.from_numpy(run.length).long() for run in step] for step in grid]
    items = [
        [pad(torch.from_numpy(run.items), torch.from_numpy(run.length), width) for run in step]
        for step in grid
    ]
    return _upload(_stack(items), log), _upload(_stack(lengths), log)


def _stack(grid: list[list[Tensor]]) -> Tensor:
    return torch.stack([torch.stack(step) for step in grid])


def _upload(tensor: Tensor, log: DeviceLog) -> Tensor:
    """Send without waiting for the device; page-locked memory is what lets the copy run beside its work."""
    device = log.items.device
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor
