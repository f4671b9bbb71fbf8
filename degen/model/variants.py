"""The variants as declarations: which views are encoded, which pairs are contrasted, with what loss.

    variant    views besides h                                   contrasted pairs
    sasrec     none                                              none
    cl4srec    a1, a2: two augmentations                         (a1, a2)
    ucl        h': the same sequence, fresh dropout (Eq. 12)     (h, h')
    scl        hs': a sequence with the same target (Eq. 13)     (h, hs')
    ucl+scl    h', hs'                                           (h, h') and (h, hs')
    duorec     h', hs'                                           (h', hs')

`register` adds one of your own; nothing else in the package names a variant.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch import Tensor

from degen.data.batches import Source
from degen.data.histories import Histories
from degen.data.partners import Int
from degen.errors import UserError, nearest
from degen.model.objectives import contrastive_loss

MakeViews = Callable[[Source, Int, np.random.Generator], "Histories | tuple[Histories, ...]"]
"""From the source, a batch's rows and a generator to the histories of one view, or of several drawn
together.
"""


class PairLoss(Protocol):
    """A loss of two views `[B, d]` of the same samples; the settings are those of `contrastive_loss`."""

    def __call__(self, first: Tensor, second: Tensor, targets: Tensor, /, **settings: object) -> Tensor:
        """Return a scalar."""
        ...


@dataclass(frozen=True)
class Variant:
    """One way to train: what `degen train --variant` names.

    Attributes
    ----------
    name
        what users type, in lower case.
    views
        names of the views besides `h`, and what makes their histories; a key of several names, separated by
        commas, stands for views drawn together.
    pairs
        pairs of view names to contrast; `h` is the sequence as the recommendation loss encodes it.
    loss
        what to compute on each pair.
    same_target_negatives
        whether views of samples with the same target stay among the negatives (§4.3.3: they do not).
    """

    name: str
    views: dict[str, MakeViews] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()
    loss: PairLoss = contrastive_loss  # type: ignore[assignment]
    same_target_negatives: bool = False

    def __post_init__(self) -> None:
        known = {"h", *self.view_names}
        for name in (name for pair in self.pairs for name in pair):
            if name not in known:
                raise ValueError(
                    f"variant {self.name} contrasts {name!r}, which is none of its views {sorted(known)}"
                )

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
        return {"h": source.own(rows), **dict(zip(self.view_names, drawn, strict=True))}


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("sasrec"),
        Variant("cl4srec", {"a1, a2": Source.two_augmentations}, (("a1", "a2"),)),
        Variant("ucl", {"h'": Source.own}, (("h", "h'"),)),
        Variant("scl", {"hs'": Source.partner}, (("h", "hs'"),)),
        Variant("ucl+scl", {"h'": Source.own, "hs'": Source.partner}, (("h", "h'"), ("h", "hs'"))),
        Variant("duorec", {"h'": Source.own, "hs'": Source.partner}, (("h'", "hs'"),)),
    )
}
"""The variants by name, in the paper's order."""

ALIASES = {
    "un": "ucl",
    "su": "scl",
    "us": "ucl+scl",
    "us_x": "duorec",
    "ucl-scl": "ucl+scl",
    "ucl_scl": "ucl+scl",
}
"""Other spellings; the first four are the authors' names."""


def register(variant: Variant) -> Variant:
    """Make a variant known by its name, in any case.

    Raises
    ------
    ValueError
        for a name that is taken, or that cannot stand in the name of a folder.
    """
    lower = variant.name.lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9+._-]*", lower):
        raise ValueError(f"{variant.name!r} cannot name a variant: use letters, digits, + . _ and -")
    if lower in VARIANTS or lower in ALIASES:
        raise ValueError(f"there is a variant {variant.name!r} already; give yours another name")
    VARIANTS[lower] = variant
    return variant


def get_variant(name: str) -> Variant:
    """Find a variant by its name or alias, in any case.

    Raises
    ------
    UserError
        naming the nearest known variant.
    """
    lower = name.strip().lower()
    try:
        return VARIANTS[ALIASES.get(lower, lower)]
    except KeyError:
        raise UserError(f"unknown variant '{name}'{nearest(name, [*VARIANTS, *ALIASES])}") from None
