"""Declaration of a variant: its model, its views and pairs, and its losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch import Tensor

from degen.data.sampling.histories import Histories, Int
from degen.data.sampling.source import Source
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.encoders.interface import Encoder
from degen.model.losses.contrastive import contrastive_loss
from degen.model.scores import Scores

MakeViews = Callable[[Source, Int, np.random.Generator], "Histories | tuple[Histories, ...]"]
"""Makes the histories of one view, or of several drawn together, for a batch's rows of the source."""


class PairLoss(Protocol):
    """A loss of two views `[B, d]` of the same samples; the settings are those of `contrastive_loss`."""

    def __call__(self, first: Tensor, second: Tensor, targets: Tensor, /, **settings: object) -> Tensor:
        """Return a scalar."""
        ...


RecommendationLoss = Callable[..., Tensor]
"""Replacement of Eq. 11: from h `[B, d]`, V `[n, d]` and targets int64 `[B]`, rows of V, to a scalar.

Its keywords are `gamma`, `epsilon` and `rare_rate` as configured, and `per_step`, a tensor `[n]`: how often
each row of V is a target per training step, on average (infinite for the padding row).
"""


@dataclass(frozen=True)
class ItemRegularizer:
    """A loss of item embeddings `[n, d]` alone, added to the objective with weight γ.

    `drawn`: whether each step takes items drawn uniformly from the catalogue, instead of all items.
    """

    loss: Callable[[Tensor], Tensor]
    drawn: bool = False


@dataclass(frozen=True)
class Variant:
    """One way to train, as `degen train --variant` names it.

    Attributes
    ----------
    name
        name that users type, in lower case.
    views
        makers of histories by the names of the views besides `h`; a key of several names, separated by
        commas, stands for views that are drawn together.
    pairs
        pairs of view names to contrast; `h` is the sequence as the recommendation loss encodes it.
    loss
        loss of each pair.
    same_target_negatives
        whether views of samples with the same target stay among the negatives (§4.3.3: they do not).
    scores
        score that ranks items in training and evaluation: the dot product (Eq. 10), or the cosine, which
        training multiplies by `objective.scale`.
    recommendation
        replacement of the recommendation loss; None for the configured one.
    of_whole_batch
        whether `recommendation` is no mean over samples, so that processes cannot divide it among them.
    item_regularizer
        loss of item embeddings that is added with weight γ; None for none.
    gamma
        default of γ; None for a variant without one.
    architecture
        model that represents histories; another than `SequenceEncoder` makes the variant a baseline.
    batching
        name of its way to batch (`degen.training.batching.ways`), where `training.batch_by` has no say;
        None for the configured one.
    of_negatives
        replacement of a loss with sampled negatives, as `bpr_loss`; None for the configured one.
    stages
        declaration of pre-training, by recipe, which trains the same model first; empty for none.
    """

    name: str
    views: dict[str, MakeViews] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()
    loss: PairLoss = contrastive_loss  # type: ignore[assignment]
    same_target_negatives: bool = False
    scores: Scores = "dot"
    recommendation: RecommendationLoss | None = None
    of_whole_batch: bool = False
    item_regularizer: ItemRegularizer | None = None
    gamma: float | None = None
    architecture: type[Encoder] = SequenceEncoder
    batching: str | None = None
    of_negatives: RecommendationLoss | None = None
    stages: dict[str, Variant] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {"h", *self.view_names}
        for name in (name for pair in self.pairs for name in pair):
            if name not in known:
                raise ValueError(
                    f"variant {self.name} contrasts {name!r}, which is none of its views {sorted(known)}"
                )

        if self.item_regularizer is not None and self.gamma is None:
            raise ValueError(f"variant {self.name} has a loss of items, whose weight gamma is missing")

    @property
    def is_baseline(self) -> bool:
        """True if its model is of another kind than the encoder of Eq. 8-9."""
        return self.architecture is not SequenceEncoder

    @property
    def view_names(self) -> tuple[str, ...]:
        """Names of the views besides `h`, in the order in which `draw` returns them."""
        return tuple(name.strip() for key in self.views for name in key.split(","))

    def draw(self, source: Source, rows: Int, rng: np.random.Generator) -> dict[str, Histories]:
        """Draw the histories of every view of a batch, `h` first."""
        drawn: list[Histories] = []
        for make in self.views.values():
            made = make(source, rows, rng)
            drawn.extend([made] if isinstance(made, Histories) else made)
        return {"h": source.history(rows), **dict(zip(self.view_names, drawn, strict=True))}
