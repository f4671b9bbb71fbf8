"""Adam in three variants (dense, lazy, by blocks of items), and two other optimisers of item embeddings V.

    Adam on a dense gradient   PyTorch's, for catalogues whose scores fit in memory
    by blocks of items         the same update, to rounding; the gradient of V exists a block at a time
    lazy                       another update: only rows with a gradient move (`training.item_updates`)
    SGD with momentum          PyTorch's, of V alone (`training.item_optimizer`)
    coupled Adam               Adam with one second moment for all rows of V (the same key)

**Lazy** updates follow `torch.optim.SparseAdam`. Moments decay and rows move only at steps that touch them,
as inputs, targets or negatives; the bias corrections count all steps. Dense Adam also moves an untouched row,
by its decaying first moment, while its second moment fades. So a rare item takes fewer but larger steps here,
and weight decay acts on touched rows only. Epsilon is added to the corrected root as in Adam; SparseAdam adds
it before the correction. The cost of a step depends on the batch, not on the catalogue.

**SGD and coupled Adam** show Adam's part in degeneration. Adam divides by the size of each row's gradient, so
that the small, steady push on a rare item (Eq. 4) becomes as large a step as a frequent item's. These two do
not. The encoder keeps Adam, so that contexts are trained alike and only the movement of V differs. Under SGD
V has another learning rate, because its gradients are far below 1, and its dimensions share one scale.

**Coupled Adam** (Stollenwerk and Stollenwerk, ACL 2025) changes Adam in one place. A row Vᵢ keeps a first
moment of its own, mᵢ; the second moment, whose root divides it, is the mean over the items, per dimension:

    mᵢ ← β₁ mᵢ + (1 - β₁) gᵢ      s ← β₂ s + (1 - β₂) mean over items of gᵢ²      Vᵢ ← Vᵢ - η m̂ᵢ / (√ŝ + ε)

Averaging and decaying commute, so only s, `[1, d]`, is kept. The learning rate is Adam's.

The moments have PyTorch's names and places, so that a checkpoint is the same file in all variants of Adam.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from degen.config.schema import Config, TrainingConfig
from degen.errors import UserError
from degen.model.encoders.interface import Encoder
from degen.model.losses.blocked_softmax import MOST_SCORES, BlockedSoftmax

BLOCK_SCORES = {"cpu": 2**20, "cuda": 2**26}
"""Scores of a block, where it is not configured: 4 MiB, so that it stays in cache; 256 MiB on a GPU."""


def item_block(settings: TrainingConfig, n_items: int, rows: int, device: torch.device) -> int | None:
    """Items of a block, or None for all of V: as configured, else by the scores of a batch of `rows`."""
    if settings.item_block is not None:
        return settings.item_block or None
    if rows * n_items <= MOST_SCORES[device.type]:
        return None
    return max(BLOCK_SCORES[device.type] // rows, 1)


def build_optimizer(
    encoder: Encoder, config: Config, block: int | None, softmax: BlockedSoftmax | None
) -> torch.optim.Adam:
    """Make the optimiser that a configuration describes, for `block` items at once (`item_block`).

    Where V is not updated as a whole, only Adam moves it, and the table's gradient becomes sparse. `softmax`
    forms the gradient of V by blocks; where it is None, automatic differentiation does.
    """
    settings, device = config.training, encoder.item_embeddings.device.type
    adam_settings: dict[str, Any] = {
        "lr": settings.learning_rate,
        "betas": (settings.adam_beta1, settings.adam_beta2),
        "eps": settings.adam_eps,
        "weight_decay": settings.weight_decay,
        "fused": device in ("cpu", "cuda"),
    }
    lazy = settings.item_updates == "lazy"
    if settings.item_optimizer != "adam" and (lazy or block is not None):
        raise UserError(
            f"`item_optimizer='{settings.item_optimizer}'` moves all item embeddings by one dense gradient, "
            "and here they are updated lazily or by blocks of items; add `item_updates='dense'` and "
            "`training.item_block=0`"
        )
    if settings.item_optimizer == "coupled-adam":
        return CoupledAdam(encoder, **adam_settings)
    if settings.item_optimizer == "sgd":
        return ItemSgd(encoder, settings.item_learning_rate, settings.item_momentum, **adam_settings)
    if not lazy and block is None:
        return torch.optim.Adam(encoder.parameters(), **adam_settings)
    encoder.sparse_items = True
    return ItemAdam(encoder, None if lazy else block, softmax, **adam_settings)


def adam_in_place(
    weights: Tensor, gradient: Tensor, first: Tensor, second: Tensor, step: Tensor, group: dict[str, Any]
) -> None:
    """Move weights and moments, all of one shape, and count the step, by PyTorch's own kernel.

    `group` is a parameter group of `torch.optim.Adam`: learning rate, betas, epsilon, weight decay, `fused`.
    """
    adam(
        [weights],
        [gradient],
        [first],
        [second],
        [],
        [step],
        foreach=False,
        fused=group["fused"],
        amsgrad=False,
        beta1=group["betas"][0],
        beta2=group["betas"][1],
        lr=group["lr"],
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        maximize=False,
    )


class ItemAdam(torch.optim.Adam):
    """Adam whose item embeddings have a sparse gradient; they move by blocks, lazily without `block`."""

    def __init__(self, encoder: Encoder, block: int | None, softmax: BlockedSoftmax | None, **settings: Any):
        super().__init__(encoder.parameters(), **settings)
        self.V, self.block, self.softmax = encoder.item_embeddings, block, softmax

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, those that the softmax keeps among them."""
        super().zero_grad(set_to_none)
        if self.softmax is not None:
            self.softmax.clear()

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move all weights once; the sparse gradient of V is used up."""
        sparse, self.V.grad = self.V.grad, None  # PyTorch's Adam passes over a weight without a gradient
        super().step(closure)
        rows, values = torch.empty(0, dtype=torch.int64, device=self.V.device), self.V[:0]
        if sparse is not None:
            sparse = sparse.coalesce()  # rows ascending, each once
            rows, values = sparse.indices()[0], sparse.values()
        if self.block is None:
            self._move_rows(rows, values)
        else:
            self._move_blocks(rows, values, self.block)
        self._moments()["step"] += 1

    def _move_blocks(self, rows: Tensor, values: Tensor, block: int) -> None:
        """Every row of V, block by block: form its gradient, move it, forget the gradient."""
        moments = self._moments()
        edges = torch.arange(0, len(self.V) + block, block, device=rows.device)
        bounds = torch.searchsorted(rows, edges).tolist()
        for start, begin, end in zip(range(0, len(self.V), block), bounds[:-1], bounds[1:], strict=True):
            here = slice(start, start + block)
            gradient = torch.zeros_like(self.V[here])
            if self.softmax is not None:
                self.softmax.add_gradient(start, gradient)
            gradient.index_add_(0, rows[begin:end] - start, values[begin:end])
            self._move(self.V[here], gradient, moments["exp_avg"][here], moments["exp_avg_sq"][here])

    def _move_rows(self, rows: Tensor, values: Tensor) -> None:
        """The rows with a gradient and no others."""
        tables = [self.V, self._moments()["exp_avg"], self._moments()["exp_avg_sq"]]
        weights, first, second = (table[rows] for table in tables)
        self._move(weights, values, first, second)
        for table, moved in zip(tables, (weights, first, second), strict=True):
            table[rows] = moved

    def _move(self, weights: Tensor, gradient: Tensor, first: Tensor, second: Tensor) -> None:
        """Adam's update of some rows, in place."""
        step = self._moments()["step"].clone()  # the kernel counts, but the blocks of a step count as one
        adam_in_place(weights, gradient, first, second, step, self.param_groups[0])

    def _moments(self) -> dict[str, Tensor]:
        """`exp_avg`, `exp_avg_sq` and `step` of V, as PyTorch keeps them."""
        moments: dict[str, Tensor] = self.state[self.V]
        if not moments:
            moments["step"] = torch.zeros((), dtype=torch.float32, device=self.V.device)
            moments["exp_avg"] = torch.zeros_like(self.V)
            moments["exp_avg_sq"] = torch.zeros_like(self.V)
        return moments


class _ItemsApart(torch.optim.Adam):
    """Adam on all weights but the item embeddings, which `_move_items` moves by their dense gradient."""

    def __init__(self, encoder: Encoder, **settings: Any):
        super().__init__(encoder.parameters(), **settings)
        self.V = encoder.item_embeddings

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move all weights once; the gradient of V is used up."""
        gradient, self.V.grad = self.V.grad, None  # PyTorch's Adam passes over a weight without a gradient
        super().step(closure)
        if gradient is None:
            return
        state: dict[str, Tensor] = self.state[self.V]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)  # Adam's `load_state_dict` asks for it
        state["step"] += 1
        self._move_items(gradient, state, self.param_groups[0])

    def _move_items(self, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        raise NotImplementedError


class ItemSgd(_ItemsApart):
    """SGD on the item embeddings; weight decay is the same as Adam's for all else."""

    def __init__(self, encoder: Encoder, learning_rate: float, momentum: float, **settings: Any):
        super().__init__(encoder, **settings)
        self.learning_rate, self.momentum = learning_rate, momentum

    def _move_items(self, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(self.V)
        sgd(
            [self.V],
            [gradient],
            [state["momentum_buffer"]],
            lr=self.learning_rate,
            momentum=self.momentum,
            weight_decay=group["weight_decay"],
            dampening=0,
            nesterov=False,
            maximize=False,
        )


class CoupledAdam(_ItemsApart):
    """Adam whose second moment of the item embeddings is the mean over the items, one row for all."""

    def __init__(self, encoder: Encoder, **settings: Any):
        super().__init__(encoder, **settings)
        self.real = slice(1, encoder.n_items + 1)

    def _move_items(self, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        (beta1, beta2), decay = group["betas"], group["weight_decay"]
        if "exp_avg" not in state:
            state["exp_avg"] = torch.zeros_like(self.V)
            state["exp_avg_sq"] = torch.zeros_like(self.V[:1])
        if decay:
            gradient = gradient.add(self.V, alpha=decay)
        steps = state["step"].double()  # a tensor still, since a number would make the host wait for a GPU
        state["exp_avg"].lerp_(gradient, 1 - beta1)
        # Padding and the mask token are no items.
        state["exp_avg_sq"].lerp_(gradient[self.real].square().mean(0, keepdim=True), 1 - beta2)
        root = (state["exp_avg_sq"] / (1 - beta2**steps)).sqrt_().add_(group["eps"])
        self.V.sub_(state["exp_avg"] / root * (group["lr"] / (1 - beta1**steps)))
