"""Trace of the forces and steps that move the items (`--trace-gradients`): a line of `trace.jsonl` per epoch.

    forces   on 30 batches at the end of the epoch, with a separate seed and with dropout, as in training:
             Eq. 4's push, the pull on targets, the gradient through histories, the contrast and a
             mitigation's regularizer, each for every item
    steps    ΔV = V_e - V_{e-1}: the movement that the optimiser makes of the gradients

V is tied, so an item is moved from two sides: as a class of the softmax (push and pull, from the
probabilities and h) and as an input of the encoder (the total of automatic differentiation less these two).
Nothing here touches the draws or the weights of training, whose result is the same to the bit. The batches
are the same for every method and seed, so that values differ only where the models do.

Under another loss than the full softmax of dot products, such as `--rec-loss sampled` or a mitigation's,
there is no Eq. 4 to measure. The steps are recorded all the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from degen.analysis.mechanism.gradient import context_concentration, pull_push
from degen.analysis.mechanism.updates import (
    CONTRAST,
    INPUT,
    PULL,
    PUSH,
    REGULARIZER,
    Force,
    describe_forces,
    describe_steps,
)
from degen.analysis.passes.arrays import Float, to_numpy
from degen.analysis.passes.buckets import DECILES, Buckets
from degen.data.sampling.histories import Int
from degen.training.batching.batch_by import EncodedBatch
from degen.training.epoch import Epoch
from degen.training.trainer import Trainer

Row = dict[str, Any]

BATCHES = 30
"""Batches of an epoch on which the forces are measured, or all where there are fewer."""

STREAM = 4
"""Keeps the draws of traces apart from all others that `evaluation.probe_seed` seeds."""


class Tracer:
    """The lines of a run's `trace.jsonl`, with items in deciles by `frequency`, int `[n_items]`."""

    def __init__(self, trainer: Trainer, frequency: npt.NDArray[np.int64]):
        self.trainer, self.buckets = trainer, Buckets.cut(frequency, DECILES)
        self.rows: list[Row] = []
        self.before: Float = np.empty((0, 0))

    def begin(self, rows: list[Row]) -> None:
        """Start, or go on after the epochs of `rows`, from the weights that the encoder has now."""
        self.rows, self.before = list(rows), self._embeddings()

    def measure(self, number: int) -> None:
        """Add the line of epoch `number`, which has just been trained."""
        started = time.perf_counter()
        after = self._embeddings()
        contexts, forces = self._forces(number)
        context = to_numpy(contexts.double().mean(0))
        summary, steps = describe_steps(self.before, after, context, self.buckets)
        moved = describe_forces(forces, context, self.buckets) if forces else [{} for _ in steps]
        cut = self.buckets
        facts = zip(cut.names, cut.low, cut.high, cut.sizes.tolist(), strict=True)
        buckets = [dict(zip(("name", "low", "high", "items"), fact, strict=True)) for fact in facts]
        parts = zip(buckets, moved, steps, strict=True)
        self.rows.append(
            {
                "epoch": number,
                "contexts": len(contexts),
                "context_concentration": context_concentration(contexts),
                **summary,
                "buckets": [{**bucket, **force, **step} for bucket, force, step in parts],
                "trace_seconds": round(time.perf_counter() - started, 3),
            }
        )
        self.before = after

    def _embeddings(self) -> Float:
        """Copy V `[n_items, d]`."""
        V = self.trainer.encoder.real_item_embeddings().detach().cpu().numpy()
        return np.array(V, dtype=np.float64)

    def _forces(self, number: int) -> tuple[Tensor, dict[str, Force]]:
        """Return the contexts h of the batches, `[P, d]`, and the summed forces, empty without Eq. 4."""
        if not self.trainer.losses.is_eq_11:
            with torch.no_grad():
                return torch.cat([batch.h for _, _, batch in self._batches(number)]), {}
        contexts, vectors, lengths = list[Tensor](), dict[str, Tensor](), dict[str, Tensor]()
        for epoch, rows, batch in self._batches(number):
            contexts.append(batch.h.detach())
            for name, part in self._parts(epoch, rows, batch).items():
                length = part.norm(dim=1)
                if name not in vectors:
                    vectors[name] = torch.zeros_like(part, dtype=torch.float64)
                    lengths[name] = torch.zeros_like(length, dtype=torch.float64)
                vectors[name] += part
                lengths[name] += length
        forces = {name: Force(to_numpy(vectors[name]), to_numpy(lengths[name])) for name in vectors}
        return torch.cat(contexts), forces

    def _batches(self, number: int) -> Iterator[tuple[Epoch, Int, EncodedBatch]]:
        """Yield the batches on which epoch `number` is traced, each with the epoch that draws it."""
        seeds = np.random.SeedSequence([self.trainer.config.evaluation.probe_seed, number, STREAM])
        epoch = Epoch(self.trainer, seeds)
        for rows in islice(epoch.batches, BATCHES):
            yield epoch, rows, epoch.encode(rows)

    def _parts(self, epoch: Epoch, rows: Int, batch: EncodedBatch) -> dict[str, Tensor]:
        """Compute the forces of a batch on real items, `[n_items, d]`; they sum to minus the gradient."""
        trainer = self.trainer
        V, classes = trainer.encoder.item_embeddings, trainer.losses.classes
        real = slice(1, trainer.n_items + 1)
        recommendation, contrastive = epoch.losses_of(rows, batch)
        contrasted = contrastive.requires_grad
        (gradient,) = torch.autograd.grad(recommendation, V, retain_graph=contrasted)
        sides = pull_push(batch.h.detach(), V.detach()[classes], batch.targets - classes.start)
        pull, push = (side[1 - classes.start :] for side in sides)
        parts = {PUSH: -push, PULL: pull, INPUT: push - pull - gradient[real]}
        for loss in epoch.item_losses():
            (gradient,) = torch.autograd.grad(trainer.losses.item_weight * loss, V)
            parts[REGULARIZER] = -gradient[real]
        if contrasted:
            weight = trainer.config.objective.lam
            (gradient,) = torch.autograd.grad(weight * contrastive, V)
            parts[CONTRAST] = -gradient[real]
        return parts
