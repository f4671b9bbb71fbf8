"""Declarations of the variants: the views to encode, the pairs of views to contrast, and the losses.

    variant    views besides h                                   contrasted pairs
    sasrec     none                                              none
    cl4srec    a1, a2: two augmentations                         (a1, a2)
    ucl        h': the same sequence, fresh dropout (Eq. 12)     (h, h')
    scl        hs': a sequence with the same target (Eq. 13)     (h, hs')
    ucl+scl    h', hs'                                           (h, h') and (h, hs')
    duorec     h', hs'                                           (h', hs')

Two conventions follow from these declarations. The `alignment` that each epoch measures for ucl+scl is the
mean over two kinds of pairs, (h, h') and (h, hs'), so that it is not comparable to that of ucl or scl. Under
recipe `paper` views of samples with the same target are no negatives in any variant, though §4.3.3 describes
that for DuoRec only; recipe `official` keeps them in all.

Mitigations of degeneration from other papers, each on `sasrec` (formulas: `degen.model.losses.mitigations`):

    mitigation       change                                                           weight
    cosreg           + γ · mean cosine of item pairs (Gao et al. 2019)                γ 1
    spectrum         + γ / participation ratio of V (ours, after Wang et al. 2020)    γ 10
    item-uniformity  + γ · uniformity of items drawn uniformly (after DirectAU)       γ 0.1, 2,000 items
    directau         alignment and uniformity replace Eq. 11 (Wang et al. 2022)       γ 0.5
    normalized       cosine scores times a scale (NISER, Gupta et al. 2019)           scale 16
    gating           Eq. 4's push on rare items scaled down (Yu et al. 2022)          α 0.03
    adversarial      a margin at the target (Wang et al. 2019)                        ε 0.005

`register` adds a variant. The spelling of names in tables and figures is in `degen.variant_names`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch import Tensor

from degen.data.sampling.histories import Histories, Int
from degen.data.sampling.source import Source
from degen.errors import UserError, nearest
from degen.model.losses.contrastive import contrastive_loss
from degen.model.losses.mitigations import (
    adversarial_loss,
    cosine_regularization,
    direct_au_loss,
    gated_loss,
    spectrum_concentration,
    uniform,
)
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


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("sasrec"),
        Variant("cl4srec", {"a1, a2": Source.two_augmentations}, (("a1", "a2"),)),
        Variant("ucl", {"h'": Source.history}, (("h", "h'"),)),
        Variant("scl", {"hs'": Source.partner}, (("h", "hs'"),)),
        Variant("ucl+scl", {"h'": Source.history, "hs'": Source.partner}, (("h", "h'"), ("h", "hs'"))),
        Variant("duorec", {"h'": Source.history, "hs'": Source.partner}, (("h'", "hs'"),)),
    )
}
"""The variants by name, in the paper's order."""

MITIGATIONS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("cosreg", item_regularizer=ItemRegularizer(cosine_regularization), gamma=1.0),
        Variant("spectrum", item_regularizer=ItemRegularizer(spectrum_concentration), gamma=10.0),
        Variant("item-uniformity", item_regularizer=ItemRegularizer(uniform, drawn=True), gamma=0.1),
        Variant("directau", scores="cosine", recommendation=direct_au_loss, of_whole_batch=True, gamma=0.5),
        Variant("normalized", scores="cosine"),
        Variant("gating", recommendation=gated_loss),
        Variant("adversarial", recommendation=adversarial_loss),
    )
}
"""The mitigations of degeneration by name, each on plain `sasrec`."""

ALIASES = {
    "un": "ucl",
    "su": "scl",
    "us": "ucl+scl",
    "us_x": "duorec",
    "ucl-scl": "ucl+scl",
    "ucl_scl": "ucl+scl",
    "niser": "normalized",
    "agg": "gating",
}
"""Other spellings; the first four are the authors' names, the last two come from the mitigations' papers."""


def register(variant: Variant) -> Variant:
    """Make a variant known by its name, in upper or lower case.

    Raises
    ------
    ValueError
        for a name that is taken, or that cannot stand in the name of a folder.
    """
    lower = variant.name.lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9+._-]*", lower):
        raise ValueError(f"{variant.name!r} cannot name a variant: use letters, digits, + . _ and -")
    if lower in VARIANTS or lower in MITIGATIONS or lower in ALIASES:
        raise ValueError(f"there is a variant {variant.name!r} already; give yours another name")
    VARIANTS[lower] = variant
    return variant


def get_variant(name: str) -> Variant:
    """Find a variant by its name or alias, in upper or lower case; an error names the nearest known one."""
    lower = name.strip().lower()
    try:
        return (VARIANTS | MITIGATIONS)[ALIASES.get(lower, lower)]
    except KeyError:
        known = [*VARIANTS, *MITIGATIONS, *ALIASES]
        raise UserError(f"unknown variant '{name}'{nearest(name, known)}") from None
