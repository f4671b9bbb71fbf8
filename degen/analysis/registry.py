"""The registry of measures: the one list that `degen analyze`, the report, TensorBoard and `metrics.jsonl`
share.

    @measure("spectrum", range=(1, math.inf), meaning="higher is more isotropic", source="…", cost="O(n d²)")
    def stable_rank(V: Rows, *, center: bool = False) -> float:
        \"\"\"Return ‖V‖_F² / σ₁² …\"\"\"

A measure is a function of `Rows`, which computes what measures share once. What the decorator returns takes a
plain array or tensor as well, so that `stable_rank(V)` works in a notebook. `also` lists the same measure
with other settings under names of their own: `also={"stable_rank_centered": {"center": True}}`.

A value that was sampled is an `Estimate`, a float that carries its standard error; a measure without a value
for a matrix raises `Undefined` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, cast

from degen.analysis.passes.arrays import Array, Float
from degen.analysis.passes.buckets import Codes
from degen.analysis.passes.rows import Rows
from degen.errors import UserError

P = ParamSpec("P")

Without = Callable[[Rows, Codes, int], Float]
"""Of rows, the group of each and how many groups there are: values without each group, float64 [groups]."""

Need = Literal["frequency", "representations"]


class Undefined(UserError):
    """A measure has no value for a matrix; the message says why."""


class Estimate(float):
    """A sampled value.

    Attributes
    ----------
    standard_error
        its standard error, > 0.
    sample
        what it was computed from, such as `1,000,000 of 73,210,050 pairs`.
    """

    standard_error: float
    sample: str

    def __new__(cls, value: float, standard_error: float, sample: str) -> Estimate:
        """Make a float that says how uncertain it is."""
        estimate = super().__new__(cls, value)
        estimate.standard_error, estimate.sample = standard_error, sample
        return estimate


@dataclass(frozen=True)
class Measure:
    """A line of the registry.

    Attributes
    ----------
    name
        its key in tables, JSON and `metrics.jsonl`.
    group
        what it is listed with.
    function
        of `Rows`, and of the settings in `options`.
    range
        lowest and highest value.
    meaning
        what high or low values say; it begins with `higher is more isotropic` or `lower is more isotropic`
        where one of them is.
    source
        where it is defined.
    cost
        for a matrix [n, d].
    needs
        attributes of `Rows` without which it has no value.
    each_epoch
        whether training records it after every epoch: only what costs milliseconds.
    jackknife
        whether leaving out groups of items tells its standard error: of what changes smoothly with the
        items, not of counts, extremes and what depends on neighbours. For a measure of all pairs, the
        function that has its values without each group in one visit (`degen.analysis.pairs.pair_groups`).
    options
        keyword arguments of `function` under this name.
    """

    name: str
    group: str
    function: Callable[..., float]
    range: tuple[float, float]
    meaning: str
    source: str
    cost: str
    needs: tuple[str, ...] = ()
    each_epoch: bool = False
    jackknife: bool | Without = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def arrow(self) -> str:
        """`↑` where higher is more isotropic, `↓` where lower is, else empty."""
        return arrow_of(self.meaning)

    @property
    def formula(self) -> str:
        """What the function returns: the first sentence of its docstring, with the settings of this name."""
        settings = ", ".join(f"{key}={value!r}" for key, value in self.options.items())
        return formula_of(self.function) + (f"; with {settings}" if settings else "")

    def __call__(self, V: Rows | Array) -> float:
        """Return the value for `V`, an `Estimate` where it was sampled.

        Raises
        ------
        Undefined
            if it has none, or `V` lacks what the measure needs.
        """
        rows = Rows.of(V)
        for need in self.needs:
            if getattr(rows, need) is None:
                raise Undefined(f"{self.name} needs {_NEEDS.get(need, need)}")
        return self.function(rows, **self.options)


_ARROWS = {"higher is more isotropic": "↑", "lower is more isotropic": "↓"}


def formula_of(function: Callable[..., Any]) -> str:
    """Return the first paragraph of a docstring, less its `Return` and its full stop."""
    said = " ".join((function.__doc__ or "").partition("\n\n")[0].split())
    return said.removeprefix("Return ").rstrip(".")


def arrow_of(meaning: str) -> str:
    """Return `↑` where a meaning says that higher is more isotropic, `↓` for lower, else the empty string."""
    return next((arrow for words, arrow in _ARROWS.items() if meaning.startswith(words)), "")


def without_arrow(meaning: str) -> str:
    """Return what a meaning says besides which way is more isotropic."""
    for words in _ARROWS:
        meaning = meaning.removeprefix(words)
    return meaning.lstrip(":; ")


_NEEDS = {
    "frequency": "how often each item occurs",
    "representations": "sequence representations",
}

MEASURES: dict[str, Measure] = {}
"""Every measure by its name, in the order of tables."""


def measure(
    group: str,
    *,
    range: tuple[float, float],
    meaning: str,
    source: str,
    cost: str,
    needs: Sequence[Need] = (),
    each_epoch: bool = False,
    jackknife: bool | Without = False,
    name: str | None = None,
    also: Mapping[str, Mapping[str, Any]] | None = None,
) -> Callable[[Callable[Concatenate[Rows, P], float]], Callable[Concatenate[Rows | Array, P], float]]:
    """Register a function of `Rows` as a measure; its facts are added to its docstring.

    Parameters
    ----------
    group, range, meaning, source, cost, needs, each_epoch, jackknife
        as in `Measure`.
    name
        by default the function's.
    also
        further names with the keyword arguments that they stand for.

    Raises
    ------
    ValueError
        if a name is taken.
    """

    def register(
        function: Callable[Concatenate[Rows, P], float],
    ) -> Callable[Concatenate[Rows | Array, P], float]:
        own = name or function.__name__
        for key, options in {own: {}, **(also or {})}.items():
            if key in MEASURES:
                raise ValueError(f"there is a measure {key!r} already; give yours another name")
            MEASURES[key] = Measure(
                key,
                group,
                function,
                range,
                meaning,
                source,
                cost,
                tuple(needs),
                each_epoch and key == own,
                jackknife,
                options,
            )

        @wraps(function)
        def measured(V: Rows | Array, *args: P.args, **kwargs: P.kwargs) -> float:
            return function(Rows.of(V), *args, **kwargs)

        measured.__doc__ = f"{(function.__doc__ or '').rstrip()}\n{facts(range, meaning, source, cost)}"
        return cast("Callable[Concatenate[Rows | Array, P], float]", measured)

    return register


def facts(range: tuple[float, float], meaning: str, source: str, cost: str) -> str:
    """Return what a registry says of a function as the notes of its docstring."""
    return (
        "\n    Notes\n    -----\n"
        f"    Range: {range[0]:g} to {range[1]:g}; {meaning}.\n"
        f"    Cost: {cost}.\n"
        f"    Source: {source}.\n"
    )
