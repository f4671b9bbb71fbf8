"""Calls of the functions that a variant of the user's declares; what is wrong with one is one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from torch import Tensor

from degen.data.sampling.histories import Histories, Int
from degen.data.sampling.source import Source
from degen.model.declaration import Variant
from degen.modules import Own, is_own


def with_own_checked(variant: Variant) -> Variant:
    """Return a variant whose functions of the user's are checked when they are called; degen's stay as is."""

    def own(function: Any, kind: str, wanted: str, fits: Callable[..., bool]) -> Any:
        if function is None or not is_own(function):
            return function
        name = getattr(function, "__name__", type(function).__name__)
        return Own(function, f"the {kind} `{name}()` of variant '{variant.name}'", wanted, fits)

    def loss(function: Any, kind: str) -> Any:
        return own(function, kind, "one number as a tensor", _is_scalar)

    def view(key: str, make: Any) -> Any:
        n = len(key.split(","))
        several = f"a tuple of {n} " if n > 1 else ""
        return own(make, "view", f"{several}`Histories` with one sequence per row", partial(_are_views, n))

    items = variant.item_regularizer
    return replace(
        variant,
        views={key: view(key, make) for key, make in variant.views.items()},
        loss=loss(variant.loss, "loss of views"),
        recommendation=loss(variant.recommendation, "recommendation loss"),
        of_negatives=loss(variant.of_negatives, "loss of negatives"),
        item_regularizer=items and replace(items, loss=loss(items.loss, "penalty")),
    )


def _is_scalar(found: Any, *_: Any) -> bool:
    return isinstance(found, Tensor) and found.ndim == 0


def _are_views(n: int, found: Any, _source: Source, rows: Int, *_: Any) -> bool:
    made = [found] if isinstance(found, Histories) else found
    if not isinstance(made, list | tuple) or len(made) != n:
        return False
    return all(isinstance(one, Histories) and len(one) == len(rows) for one in made)
