"""The registry of measures of a matrix, of profiles by popularity and of comparisons of two matrices.

`degen analyze`, `degen compare`, the report, TensorBoard and `metrics.jsonl` all take their measures from it.

    @measure("spectrum", range=(1, math.inf), meaning="higher is more isotropic", source="…", cost="O(n d²)")
    def stable_rank(V: Rows, *, center: bool = False) -> float:          one number; MEASURES

    @profile(range=(0, math.inf), meaning="…", source="…", cost="O(n d)")
    def norm_mean(V: Rows, buckets: Buckets) -> Float:                    one number per bucket; PROFILES

    @comparison(range=(0, 1), meaning="…", source="…", cost="O(n d²)")
    def linear_cka(pair: Pair, *, center: bool = True) -> float:          one number; COMPARISONS

The facts of a function stand beside it and become part of its docstring. `measure` and `comparison` return a
function that takes plain arrays and tensors as well, so that `stable_rank(V)` works in a notebook. `also`
lists the same function with other settings: `also={"stable_rank_centered": {"center": True}}`.

A sampled value is an `Estimate`, a float with its standard error. A function that has no value for a matrix
raises `Undefined` with the reason. What is no matrix, or holds NaN or infinity, is refused as by `Rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Concatenate, Literal, NotRequired, ParamSpec, TypedDict, TypeVar, Unpack, cast

from degen.analysis.passes.arrays import Array, Float
from degen.analysis.passes.buckets import Buckets, Codes
from degen.analysis.passes.pair import Pair
from degen.analysis.passes.rows import Rows
from degen.analysis.values import NUMBER, PER_BUCKET, Undefined, Wanted
from degen.modules import Own, is_own

P = ParamSpec("P")
E = TypeVar("E", bound="Entry")

Range = tuple[float, float]
Settings = Mapping[str, Any]
"""Keyword arguments of a registered function."""

Without = Callable[[Rows, Codes, int], Float]
"""From the rows, each row's group and the number of groups to the values without each, float64 [groups]."""

Need = Literal["frequency", "representations"]


class Facts(TypedDict):
    """Facts that stand beside every registered function; see `Entry`."""

    range: Range
    meaning: str
    source: str
    cost: str
    undefined: NotRequired[str]


class MeasureFacts(Facts, total=False):
    """Further facts that stand beside a measure; see `Measure`."""

    needs: tuple[Need, ...]
    each_epoch: bool
    jackknife: bool | Without


_NEEDS = {"frequency": "how often each item occurs", "representations": "sequence representations"}
_ARROWS = {"higher is more isotropic": "↑", "lower is more isotropic": "↓"}


@dataclass(frozen=True)
class Entry:
    """A function of the registry with its facts.

    Attributes
    ----------
    name
        key in tables, JSON and `metrics.jsonl`.
    function
        the function itself.
    range
        lowest and highest possible value.
    meaning
        how to read high and low values. It begins with `higher is more isotropic` or `lower is more
        isotropic` where one of these holds.
    source
        where the definition comes from.
    cost
        for a matrix [n, d].
    undefined
        when there is no value and `Undefined` is raised, such as `if every row is zero`.
    options
        keyword arguments of `function` under this name.
    """

    name: str
    function: Callable[..., Any]
    range: Range
    meaning: str
    source: str
    cost: str
    undefined: str = ""
    options: Settings = field(default_factory=dict)

    @property
    def arrow(self) -> str:
        """`↑` where higher is more isotropic, `↓` where lower is, else empty."""
        return next((arrow for words, arrow in _ARROWS.items() if self.meaning.startswith(words)), "")

    @property
    def remark(self) -> str:
        """The meaning without what the arrow says."""
        remark = self.meaning
        for words in _ARROWS:
            remark = remark.removeprefix(words)
        return remark.lstrip(":; ")

    @property
    def formula(self) -> str:
        """First sentence of the function's docstring, with the settings of this name."""
        sentence = " ".join((self.function.__doc__ or "").partition("\n\n")[0].split())
        settings = ", ".join(f"{key}={value!r}" for key, value in self.options.items())
        return sentence.removeprefix("Return ").rstrip(".") + (f"; with {settings}" if settings else "")

    def _value(self, kind: str, wanted: Wanted, *given: Any) -> Any:
        if is_own(self.function):
            return Own(self.function, f"the {kind} '{self.name}'", *wanted)(*given, **self.options)
        return self.function(*given, **self.options)


@dataclass(frozen=True)
class Measure(Entry):
    """A measure of one matrix.

    Attributes
    ----------
    group
        heading under which tables list it.
    needs
        attributes of `Rows` without which it has no value.
    each_epoch
        whether training records it after every epoch. Reserved for measures that cost milliseconds.
    jackknife
        whether leaving out groups of items gives its standard error. That holds for measures that change
        smoothly with the items, not for counts, extremes and neighbours. A measure of all pairs of rows gives
        a function instead, which visits the pairs once (`degen.analysis.measures.pair_cosines`).
    """

    group: str = field(kw_only=True)
    needs: tuple[str, ...] = field(default=(), kw_only=True)
    each_epoch: bool = field(default=False, kw_only=True)
    jackknife: bool | Without = field(default=False, kw_only=True)

    def __call__(self, V: Rows | Array) -> float:
        """Return the value for `V` [n, d], an `Estimate` where it was sampled.

        Raises
        ------
        Undefined
            if there is no value, or `V` lacks what the measure needs.
        """
        rows = Rows.of(V)
        for need in self.needs:
            if getattr(rows, need) is None:
                raise Undefined(f"{self.name} needs {_NEEDS.get(need, need)}")
        return cast("float", self._value("measure", NUMBER, rows))


@dataclass(frozen=True)
class Profile(Entry):
    """A measure per bucket of items by popularity; tables and JSON call it `norm_mean@tail`."""

    def __call__(self, V: Rows | Array, buckets: Buckets) -> Float:
        """Return the value for the rows of `V` in each bucket, float64 [len(buckets.names)]; NaN for none."""
        return cast("Float", self._value("profile", PER_BUCKET, Rows.of(V), buckets))


@dataclass(frozen=True)
class PairMeasure(Entry):
    """A comparison of two matrices over the same items."""

    def __call__(self, pair: Pair) -> float:
        """Return the value, an `Estimate` where it was sampled; raise `Undefined` if there is none."""
        return cast("float", self._value("comparison", NUMBER, pair))


MEASURES: dict[str, Measure] = {}
"""Every measure by name, in the order of tables."""

PROFILES: dict[str, Profile] = {}
"""Every profile by name, in the order of tables."""

COMPARISONS: dict[str, PairMeasure] = {}
"""Every comparison of two matrices by name, in the order of tables."""


def measure(
    group: str,
    *,
    name: str | None = None,
    also: Mapping[str, Settings] | None = None,
    **facts: Unpack[MeasureFacts],
) -> Callable[[Callable[Concatenate[Rows, P], float]], Callable[Concatenate[Rows | Array, P], float]]:
    """Register a function of `Rows` as a measure.

    Parameters
    ----------
    group, **facts
        as in `Measure`.
    name
        by default the function's; `ValueError` if it is taken.
    also
        further names, each with the keyword arguments that it stands for. They are not recorded each epoch.
    """

    def register(
        function: Callable[Concatenate[Rows, P], float],
    ) -> Callable[Concatenate[Rows | Array, P], float]:
        for key, options in _names(function, name, also):
            entry = Measure(key, function, **facts, options=options, group=group)
            _enter(MEASURES, replace(entry, each_epoch=entry.each_epoch and not options))

        @wraps(function)
        def measured(V: Rows | Array, *args: P.args, **kwargs: P.kwargs) -> float:
            return function(Rows.of(V), *args, **kwargs)

        measured.__doc__ = _documented(function, facts)
        return cast("Callable[Concatenate[Rows | Array, P], float]", measured)

    return register


def profile(
    *, name: str | None = None, **facts: Unpack[Facts]
) -> Callable[[Callable[[Rows, Buckets], Float]], Profile]:
    """Register a function of `Rows` and `Buckets` as a profile; errors as of `measure`."""

    def register(function: Callable[[Rows, Buckets], Float]) -> Profile:
        entry = Profile(name or function.__name__, function, **facts)
        _enter(PROFILES, entry)
        function.__doc__ = _documented(function, facts)
        return entry

    return register


def comparison(
    *, name: str | None = None, also: Mapping[str, Settings] | None = None, **facts: Unpack[Facts]
) -> Callable[
    [Callable[Concatenate[Pair, P], float]], Callable[Concatenate[Rows | Array, Rows | Array, P], float]
]:
    """Register a function of `Pair` as a comparison; parameters and errors as of `measure`."""

    def register(
        function: Callable[Concatenate[Pair, P], float],
    ) -> Callable[Concatenate[Rows | Array, Rows | Array, P], float]:
        for key, options in _names(function, name, also):
            _enter(COMPARISONS, PairMeasure(key, function, **facts, options=options))

        @wraps(function)
        def compared(A: Rows | Array, B: Rows | Array, *args: P.args, **kwargs: P.kwargs) -> float:
            return function(Pair(Rows.of(A), Rows.of(B)), *args, **kwargs)

        compared.__doc__ = _documented(function, facts)
        return cast("Callable[Concatenate[Rows | Array, Rows | Array, P], float]", compared)

    return register


def own_measures() -> list[str]:
    """Return the names of measures that a module of the user's has registered."""
    return [name for name, entry in MEASURES.items() if is_own(entry.function)]


def _names(
    function: Callable[..., Any], name: str | None, also: Mapping[str, Settings] | None
) -> list[tuple[str, Settings]]:
    return [(name or function.__name__, {}), *(also or {}).items()]


def _enter(table: dict[str, E], entry: E) -> None:
    if entry.name in table:
        kind = {"Measure": "measure", "Profile": "profile"}.get(type(entry).__name__, "comparison")
        raise ValueError(f"there is a {kind} {entry.name!r} already; give yours another name")
    table[entry.name] = entry


def _documented(function: Callable[..., Any], facts: Facts) -> str:
    """Return the docstring of a function with its facts as a section of errors and notes."""
    low, high = facts["range"]
    undefined = facts.get("undefined")
    return (
        f"{(function.__doc__ or '').rstrip()}\n"
        + (f"\n    Raises\n    ------\n    Undefined\n        {undefined}.\n" if undefined else "")
        + "\n    Notes\n    -----\n"
        f"    Range: {low:g} to {high:g}; {facts['meaning']}.\n"
        f"    Cost: {facts['cost']}.\n"
        f"    Source: {facts['source']}.\n"
    )
