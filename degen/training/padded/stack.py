"""Many small models as one: a step of R runs at once (Eq. 15 for each of them).

    weights [R, P]      every run's parameters in a row, the leaf that one backward pass differentiates
    one run's losses    a pure function of its row, its batch and its masks; `vmap` makes it that of R runs
    Adam                PyTorch's own kernel on each row, with the run's own learning rate

A run's `Trainer` still owns its encoder and optimiser, whose tensors become views of the rows. So evaluation,
the probe and checkpoints do not know of the stack, and a run leaves it by being left out of the next one. The
runs share the log and all shapes; each has its own seed, dropout rates, λ, τ and learning rate. A single run
trains on a GPU as a stack of one.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import ClassVar, cast

import torch
from torch import Tensor

from degen.errors import UserError
from degen.model.encoders.dropout import RandomDropout
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.encoders.padded import Architecture, Tensors, draw_masks, encode_padded
from degen.model.losses.objective import objective
from degen.model.losses.recommendation import softmax_cross_entropy
from degen.model.precision import encoder_products
from degen.training import losses
from degen.training.epoch import Epoch
from degen.training.optimizer import adam_in_place
from degen.training.padded.batches import Batch, DeviceLog, batches
from degen.training.padded.cuda_graph import RecordedStep
from degen.training.rules import refuse_stack
from degen.training.trainer import Trainer


class Stack:
    """R runs at the same step, trained as one; their trainers share the data.

    `weights`, `first` and `second`, `[R, P]`, are all parameters of each run and Adam's moments.
    """

    stacked: ClassVar[bool] = True
    refuse = staticmethod(refuse_stack)

    def __init__(self, trainers: Sequence[Trainer]):
        self.trainers = list(trainers)
        example = self.trainers[0]
        self.device, self.variant, self.config = example.device, example.variant, example.config
        self.shapes = {name: value.shape for name, value in example.encoder.named_parameters()}
        self.architectures = [
            Architecture.of(cast(SequenceEncoder, trainer.encoder)) for trainer in self.trainers
        ]
        settings = [trainer.config.objective for trainer in self.trainers]
        self.lam = self._of_runs([objective.lam for objective in settings])
        self.temperature = self._of_runs([objective.temperature for objective in settings])
        self.log = DeviceLog.of(example.source.samples, self.device)
        self.records = self.device.type == "cuda" and self.config.training.cuda_graph
        self._recorded: RecordedStep | None = None
        self._dropouts: list[RandomDropout] = []
        self._gather_state()

    def _of_runs(self, values: list[float]) -> Tensor:
        return torch.tensor(values, device=self.device, dtype=self.trainers[0].encoder.item_embeddings.dtype)

    @torch.no_grad()
    def _gather_state(self) -> None:
        """Copy the runs' state into rows, and make the runs' own tensors views of these."""
        encoders = [list(trainer.encoder.parameters()) for trainer in self.trainers]
        moments = [
            [_moments(t.optimizer, p) for p in parameters]
            for t, parameters in zip(self.trainers, encoders, strict=True)
        ]
        self.weights = _rows(encoders).requires_grad_()
        self.first = _rows([[state["exp_avg"] for state in states] for states in moments])
        self.second = _rows([[state["exp_avg_sq"] for state in states] for states in moments])
        # PyTorch counts the steps of each parameter by itself: [R, parameters], all the same within a row.
        self.steps = torch.stack([torch.stack([state["step"] for state in states]) for states in moments])
        for run, parameters in enumerate(encoders):
            first, second = self._named(self.first[run]), self._named(self.second[run])
            weights = self._named(self.weights.detach()[run])
            for parameter, name, step in zip(parameters, weights, self.steps[run], strict=True):
                parameter.data = weights[name]
                state = {"step": step, "exp_avg": first[name], "exp_avg_sq": second[name]}
                self.trainers[run].optimizer.state[parameter] = state

    def _named(self, row: Tensor) -> dict[str, Tensor]:
        """A row `[P]` as the parameters by name."""
        pieces = torch.split(row, [shape.numel() for shape in self.shapes.values()])
        return {
            name: piece.view(shape) for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }

    def epoch(self, number: int, steps: int) -> StackEpoch:
        """Begin epoch `number`, from 1, of `steps` steps."""
        epochs = [trainer.epoch(number) for trainer in self.trainers]
        if self.records:  # a recorded step knows the first epoch's generators: seed these anew
            drawn = [epoch.dropout for epoch in epochs]
            self._dropouts = self._dropouts or drawn
            for epoch, kept, fresh in zip(epochs, self._dropouts, drawn, strict=True):
                if kept.generator is not None and fresh.generator is not None:
                    kept.generator.manual_seed(fresh.generator.initial_seed())
                epoch.dropout = kept
        return StackEpoch(self, epochs, steps)

    def move(self, batch: Batch, epochs: Sequence[Epoch]) -> Tensor:
        """`step` under fresh masks: replayed, where steps are recorded and the batch is a full one."""
        if not self.records or batch["targets"].shape[1] != self.config.training.batch_size:
            return self._move_now(batch, epochs)
        self._recorded = self._recorded or self._record(batch, epochs)
        return self._recorded(batch) if self._recorded else self._move_now(batch, epochs)

    def _move_now(self, batch: Batch, epochs: Sequence[Epoch]) -> Tensor:
        return self.step(batch, self.masks(epochs, batch["lengths"]))

    def _record(self, batch: Batch, epochs: Sequence[Epoch]) -> RecordedStep | None:
        """Record a step; where that fails say so, and record none."""
        generators = [kept.generator for kept in self._dropouts if kept.generator is not None]
        state = [self.weights, self.first, self.second, self.steps]
        try:
            return RecordedStep(lambda given: self._move_now(given, epochs), batch, generators, state)
        except (RuntimeError, UserError) as error:  # of a user's function; its fault comes again below
            self.records = False
            for kept in self._dropouts:
                kept.start_anew()
            reason = str(error).splitlines()[0]
            warnings.warn(f"steps are not recorded as a CUDA graph, which is slower: {reason}", stacklevel=2)
            return None

    def step(self, batch: Batch, masks: Tensors) -> Tensor:
        """Move every run once; return the losses before, `[R, 2 or 3]`, as `losses` does."""
        found = self.losses(batch, masks)
        weight = self.trainers[0].losses.item_weight
        total = objective(found[:, 0], found[:, 1], self.lam, found.T[2:].unbind(), weight)
        # No run's loss depends on another's weights, so that the gradient of the sum holds each run's own.
        (gradient,) = torch.autograd.grad(total.sum(), self.weights)
        self._adam(gradient)
        return found.detach()

    def losses(self, batch: Batch, masks: Tensors) -> Tensor:
        """Compute each run's recommendation, contrastive and, where it has one, item loss: `[R, 2 or 3]`."""
        if len(self.trainers) > 1:
            return torch.func.vmap(self._losses)(self.weights, batch, masks, self.temperature)
        batch, masks = ({name: value[0] for name, value in given.items()} for given in (batch, masks))
        return self._losses(self.weights[0], batch, masks, self.temperature[0])[None]

    def _losses(self, row: Tensor, batch: Batch, masks: Tensors, temperature: Tensor) -> Tensor:
        parameters = self._named(row)
        with encoder_products(self.trainers[0].precision, self.device):
            encoded = encode_padded(
                parameters, batch["items"], batch["lengths"], masks, self.architectures[0]
            )
        views = dict(
            zip(["h", *self.variant.view_names], torch.split(encoded, len(batch["targets"])), strict=True)
        )
        settings, targets = self.trainers[0].losses, batch["targets"]
        table = parameters["item_embeddings"]
        contrastive = losses.contrastive(settings, views, targets, temperature)
        recommendation = losses.recommendation(
            settings, views["h"], table, targets, batch.get("negatives"), softmax=softmax_cross_entropy
        )
        V = table[1 : settings.n_items + 1]
        items = losses.item_losses(settings, V, batch.get("items_drawn"))
        return torch.stack([recommendation, contrastive, *items])

    @torch.no_grad()
    def _adam(self, gradient: Tensor) -> None:
        """Adam on every run's row, each with its own learning rate."""
        for run, trainer in enumerate(self.trainers):
            row = (self.weights[run], gradient[run], self.first[run], self.second[run], self.steps[run, 0])
            adam_in_place(*row, trainer.optimizer.param_groups[0])
        self.steps[:, 1:] = self.steps[:, :1]

    def masks(self, epochs: Sequence[Epoch], lengths: Tensor) -> dict[str, Tensor]:
        """Draw every run's dropout masks for histories of `lengths` `[R, S]`: `[R, …]` by site."""
        width = self.config.model.max_length
        drawn = [
            draw_masks(architecture, epoch.dropout, run_lengths, width, self.weights)
            for architecture, epoch, run_lengths in zip(self.architectures, epochs, lengths, strict=True)
        ]
        shapes = {site: mask.shape for masks in drawn for site, mask in masks.items()}
        if len(drawn) == 1:
            return {site: mask[None] for site, mask in drawn[0].items()}
        return {  # a run that drops nothing at a site beside one that does keeps all
            site: torch.stack(
                [masks[site] if site in masks else self.weights.new_ones(shape) for masks in drawn]
            )
            for site, shape in shapes.items()
        }


class StackEpoch:
    """The steps of one epoch of a stack; of each run's own `Epoch` only draws and sums are used."""

    def __init__(self, stack: Stack, epochs: Sequence[Epoch], steps: int):
        self.stack, self.epochs = stack, list(epochs)
        n_losses = stack.trainers[0].losses.n_losses
        self.sums = torch.zeros(len(self.epochs), n_losses, device=stack.device, dtype=torch.float64)
        for run, epoch in enumerate(self.epochs):
            epoch.sums = self.sums[run]
        self._batches = batches(self.epochs, stack.log, steps)

    def step(self) -> None:
        """Train every run on its next batch."""
        batch = next(self._batches)
        n = batch["targets"].shape[1]
        self.sums += self.stack.move(batch, self.epochs).double() * n
        for epoch in self.epochs:
            epoch.samples, epoch.pairs = epoch.samples + n, epoch.pairs + n


def _moments(optimizer: torch.optim.Adam, parameter: Tensor) -> dict[str, Tensor]:
    """Adam's state of one parameter, as PyTorch keeps it; fresh where it has not moved yet."""
    state: dict[str, Tensor] = optimizer.state[parameter]
    return state or {
        "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
        "exp_avg": torch.zeros_like(parameter),
        "exp_avg_sq": torch.zeros_like(parameter),
    }


def _rows(runs: Sequence[Sequence[Tensor]]) -> Tensor:
    """Each run's tensors one after another in a row, `[R, P]`."""
    return torch.stack([torch.cat([tensor.reshape(-1) for tensor in tensors]) for tensors in runs])
