"""Interface of all models that represent histories: the shared Transformer, and baselines of another kind.

A model gives h of a history and has item embeddings V, and degen ranks items by h·v. One that has an item
bias b ranks by [h, 1]·[v, b]. Everything that measures item embeddings is given V alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional


class Encoder(nn.Module):
    """A model that represents histories.

    Its `forward` takes the arguments of `degen.model.encoders.encoder.SequenceEncoder.forward`. One that
    `needs_users` takes `users` too, int64 `[S]`: the user of each history, from 0.

    Attributes
    ----------
    n_items, max_length
        number of real items, and the longest history that it reads.
    engine
        `fast` if views can be encoded in one pass, else `plain`.
    item_embeddings
        `[rows, d]`, the table that scores items: row 0 is padding, rows 1 … n_items are the items, and row
        n_items + 1, where there is one, is the mask token.
    item_bias
        `[rows]`, or None: the items' part of the score that does not depend on h.
    sparse_items
        whether the gradient of the table from the inputs is to be sparse.
    causal
        whether h of a prefix is a position of a longer history's pass (`at`), so that prefixes share windows.
    needs_users
        whether h depends on the user.
    by_rows
        whether the table may be updated lazily or by blocks of items: every gradient of it comes from rows
        read as inputs and from the recommendation loss.
    """

    causal: ClassVar[bool] = True
    needs_users: ClassVar[bool] = False
    by_rows: ClassVar[bool] = True

    n_items: int
    n_users: int  # of models that need users
    max_length: int
    engine: str = "fast"
    item_embeddings: nn.Parameter
    item_bias: nn.Parameter | None
    sparse_items: bool

    @classmethod
    def from_settings(cls, n_items: int, n_users: int, seed: int, settings: Mapping[str, Any]) -> Self:
        """Make a model with initial weights, from those of the `settings` that its constructors name."""
        constructors = [vars(base)["__init__"] for base in cls.__mro__ if "__init__" in vars(base)]
        known = {name for constructor in constructors for name in signature(constructor).parameters}
        facts = {"n_users": n_users, **settings}
        return cls(n_items, seed=seed, **{name: value for name, value in facts.items() if name in known})

    @property
    def mask_token(self) -> int:
        """The row of the item embeddings that stands for a masked item, in models that have one."""
        return self.n_items + 1

    @property
    def nothing(self) -> Tensor:
        """Representations `[0, d]` of no history, whose gradient is dense and small."""
        return self.item_embeddings[:0]

    def real_item_embeddings(self) -> Tensor:
        """V `[n_items, d]`: without the padding and mask rows."""
        return self.item_embeddings[1 : self.n_items + 1]

    def real_item_bias(self) -> Tensor | None:
        """Return b `[n_items]`, without the padding and mask rows; None for a model without a bias."""
        return None if self.item_bias is None else self.item_bias[1 : self.n_items + 1]

    def scored_table(self) -> Tensor:
        """The whole table as it enters scores: `[rows, d]`, or `[rows, d + 1]` with the bias at the end."""
        if self.item_bias is None:
            return self.item_embeddings
        return torch.cat([self.item_embeddings, self.item_bias[:, None]], dim=1)

    def scored_rows(self, rows: Tensor) -> Tensor:
        """Return some rows of `scored_table`, int64 `[n]`, without making the others."""
        found = functional.embedding(rows, self.item_embeddings)
        if self.item_bias is None:
            return found
        return torch.cat([found, self.item_bias[rows, None]], dim=1)

    def scored_items(self, V: Tensor | None = None) -> Tensor:
        """Return rows of `scored_table` of the real items, `[n_items, d]` or `[n_items, d + 1]`.

        `V`, `[n_items, d]`, takes the place of the item embeddings; the bias stays.
        """
        bias, own = self.real_item_bias(), self.real_item_embeddings()
        rows = own if V is None else V.to(own)
        return rows if bias is None else torch.cat([rows, bias[:, None]], dim=1)

    def query(self, h: Tensor) -> Tensor:
        """Representations as they enter scores: h `[n, d]`, or `[h, 1]` for a model with an item bias."""
        return h if self.item_bias is None else torch.cat([h, h.new_ones(len(h), 1)], dim=1)

    def penalty(self, h: Tensor, targets: Tensor, negatives: Tensor | None) -> Tensor | None:
        """Regularisation of the model's own, a scalar that is added to a step's loss; None for none.

        Parameters
        ----------
        h, targets, negatives
            of the batch: `[P, d]`; int64 `[P]` and int64 `[P, k]`, rows of the table.
        """
        return None
