"""The registry of profiles: a measure for each bucket of items by popularity, beside `MEASURES`.

    @profile(range=(0, math.inf), meaning="…", source="…", cost="O(n d)")
    def norm_mean(V: Rows, buckets: Buckets) -> Float:
        \"\"\"Return the mean norm of each bucket …\"\"\"

A profile gives one number a bucket, NaN where a bucket has none. `popularity_profile` takes all of them over
head, middle, tail and deciles at once, under keys such as `norm_mean@tail` and `norm_mean@10`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from degen.analysis.passes.arrays import Array, Float
from degen.analysis.passes.buckets import Buckets
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import Undefined, arrow_of, facts, formula_of


@dataclass(frozen=True)
class Profile:
    """A line of the registry.

    Attributes
    ----------
    name
        its key, before `@` and the name of a bucket.
    function
        of `Rows` and `Buckets`: float64 [buckets], NaN where a bucket has no value.
    range, meaning, source, cost
        as in `Measure`.
    """

    name: str
    function: Callable[[Rows, Buckets], Float]
    range: tuple[float, float]
    meaning: str
    source: str
    cost: str

    @property
    def arrow(self) -> str:
        """`↑` where higher is more isotropic, `↓` where lower is, else empty."""
        return arrow_of(self.meaning)

    @property
    def formula(self) -> str:
        """What the function returns: the first sentence of its docstring."""
        return formula_of(self.function)

    def __call__(self, V: Rows | Array, buckets: Buckets) -> Float:
        """Return the value for the rows of `V` in each bucket, float64 [len(buckets.names)]."""
        return self.function(Rows.of(V), buckets)


PROFILES: dict[str, Profile] = {}
"""Every profile by its name, in the order of tables."""


def profile(
    *, range: tuple[float, float], meaning: str, source: str, cost: str, name: str | None = None
) -> Callable[[Callable[[Rows, Buckets], Float]], Profile]:
    """Register a function of `Rows` and `Buckets` as a profile; its facts are added to its docstring.

    Raises
    ------
    ValueError
        if a name is taken.
    """

    def register(function: Callable[[Rows, Buckets], Float]) -> Profile:
        own = name or function.__name__
        if own in PROFILES:
            raise ValueError(f"there is a profile {own!r} already; give yours another name")
        PROFILES[own] = Profile(own, function, range, meaning, source, cost)
        function.__doc__ = f"{(function.__doc__ or '').rstrip()}\n{facts(range, meaning, source, cost)}"
        return PROFILES[own]

    return register


def popularity_profile(V: Rows, profiles: Iterable[Profile] | None = None) -> dict[str, float]:
    """Return `profiles`, by default all, over head, mid, tail and deciles, as `norm_mean@tail` and the like.

    A bucket without a value is NaN. Buckets that hold no item (`cold` where each item occurs) have no key.

    Raises
    ------
    Undefined
        without frequencies.
    """
    if V.head_mid_tail is None or V.deciles is None:
        raise Undefined("a profile by popularity needs how often each item occurs")
    found: dict[str, float] = {}
    for one in PROFILES.values() if profiles is None else profiles:
        for buckets in (V.head_mid_tail, V.deciles):
            values = _values(one, V, buckets)
            found |= {f"{one.name}@{at}": float(x) for at, x in zip(buckets.names, values, strict=True)}
    return found


def _values(one: Profile, V: Rows, buckets: Buckets) -> Float:
    try:
        return one(V, buckets)
    except Undefined:
        return np.full(len(buckets.names), np.nan)
