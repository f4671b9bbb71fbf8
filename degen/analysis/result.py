"""The result of measuring a matrix: values, their uncertainty, and reasons for missing ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from degen.analysis.listing import in_order, line
from degen.analysis.passes.arrays import Array
from degen.analysis.passes.buckets import BucketContent
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import MEASURES, PROFILES, Measure, Profile
from degen.analysis.values import Estimate, Interval, Undefined

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Analysis:
    """The measures of a matrix.

    Attributes
    ----------
    name
        name of the matrix.
    rows, dimensions
        n and d.
    values
        by measure; a condition number may be ∞. A profile has one per bucket, such as `norm_mean@tail`.
    standard_errors, samples
        of sampled values: the standard error, and the sample, such as `1,000,000 of 73,210,050 pairs`. Of
        measures in `intervals`: those of the interval, and its method.
    reasons
        reasons why measures have no value here.
    intervals
        lowest and highest value, of measures over seeds or judged by a jackknife.
    not_judged
        reasons why a jackknife that was asked for gave other measures no interval.
    buckets
        content of each bucket by popularity, deciles among them, where profiles were asked for.
    """

    name: str
    rows: int
    dimensions: int
    values: Mapping[str, float]
    standard_errors: Mapping[str, float]
    samples: Mapping[str, str]
    reasons: Mapping[str, str]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    not_judged: Mapping[str, str] = field(default_factory=dict)
    buckets: Mapping[str, BucketContent] = field(default_factory=dict)

    @classmethod
    def of(
        cls, rows: Rows, measures: Sequence[Measure], profiles: Sequence[Profile] = (), name: str = ""
    ) -> Analysis:
        """Take measures of a matrix, and profiles where it is known how often each item occurs.

        Raises
        ------
        UserError
            where the matrix holds NaN or infinity and a measure is asked for that cannot pass over them.
        """
        values: dict[str, float] = {}
        reasons: dict[str, str] = {}
        for measure in measures:
            try:
                values[measure.name] = measure(rows)
            except Undefined as undefined:
                reasons[measure.name] = str(undefined).removeprefix(f"{measure.name} ")
        buckets: dict[str, BucketContent] = {}
        if profiles and rows.frequency is not None:
            values |= popularity_profile(rows, profiles)
        if rows.frequency is not None and (profiles or any("frequency" in one.needs for one in measures)):
            for cut in filter(None, (rows.head_mid_tail, rows.deciles)):
                buckets |= cut.contents(rows.frequency)
        sampled = {key: value for key, value in values.items() if isinstance(value, Estimate)}
        errors = {key: value.standard_error for key, value in sampled.items()}
        samples = {key: value.sample for key, value in sampled.items()}
        found = cls(name, len(rows), rows.d, {}, errors, samples, reasons, buckets=buckets)
        return found.with_values({key: float(value) for key, value in values.items()})

    def __getitem__(self, measure: str) -> float:
        """Return a value.

        Raises
        ------
        Undefined
            with the reason, where the measure has none here.
        KeyError
            where it was not asked for.
        """
        if measure in self.reasons:
            raise Undefined(f"{measure}: {self.reasons[measure]}")
        return self.values[measure]

    @property
    def measures(self) -> list[str]:
        """The measures that were asked for, with and without value, in the order of tables."""
        return [line.name for line in in_order([*self.values, *self.reasons])]

    def with_values(self, more: Mapping[str, float]) -> Analysis:
        """Return a copy with further or replaced values; NaN means no value."""
        empty = {key: "no item of the bucket has a value" for key, value in more.items() if math.isnan(value)}
        values = {key: value for key, value in {**self.values, **more}.items() if key not in empty}
        return replace(self, values=values, reasons={**self.reasons, **empty})

    def with_intervals(self, intervals: Mapping[str, Interval]) -> Analysis:
        """Return a copy with the intervals of some measures, which take the place of errors of samples."""
        found = intervals.items()
        return replace(
            self,
            standard_errors={**self.standard_errors, **{name: x.standard_error for name, x in found}},
            samples={**self.samples, **{name: x.method for name, x in found}},
            intervals={**self.intervals, **{name: (x.low, x.high) for name, x in found}},
        )

    def flat(self) -> dict[str, Any]:
        """Return one flat dictionary for JSON.

        Every measure has its value under its name, and where it is not exact `<measure>_standard_error`,
        `<measure>_sample`, `<measure>_low` and `<measure>_high`. A measure without a finite value is None,
        with the reason in `<measure>_reason`. `<measure>_not_judged` says why a jackknife gave no interval.
        Buckets by popularity have `items@tail`, `actions@tail`, `frequency_low@tail`, `frequency_high@tail`,
        and so on.
        """
        found: dict[str, Any] = {"name": self.name, "rows": self.rows, "dimensions": self.dimensions}
        for measure in self.measures:
            value = self.values.get(measure)
            found[measure] = value if value is not None and math.isfinite(value) else None
            if measure in self.standard_errors:
                found[f"{measure}_standard_error"] = self.standard_errors[measure]
                found[f"{measure}_sample"] = self.samples[measure]
            if measure in self.intervals:
                found[f"{measure}_low"], found[f"{measure}_high"] = self.intervals[measure]
            if measure in self.not_judged:
                found[f"{measure}_not_judged"] = self.not_judged[measure]
            if found[measure] is None:
                found[f"{measure}_reason"] = self.reasons.get(measure, "infinite")
        for name, bucket in self.buckets.items():
            found |= {f"items@{name}": bucket.items, f"actions@{name}": bucket.actions}
            found |= {f"frequency_low@{name}": bucket.low, f"frequency_high@{name}": bucket.high}
        return found

    def records(self) -> list[dict[str, Any]]:
        """Return one dictionary per measure; what a measure lacks is None."""
        return [
            {
                "name": self.name,
                "group": line(measure).group,
                "measure": measure,
                "value": self.values.get(measure),
                "standard_error": self.standard_errors.get(measure),
                "sample": self.samples.get(measure),
                "low": self.intervals.get(measure, (None, None))[0],
                "high": self.intervals.get(measure, (None, None))[1],
                "reason": self.reasons.get(measure),
            }
            for measure in self.measures
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return `records` as a pandas DataFrame whose index is the measure, the value first."""
        import pandas as pd

        frame = pd.DataFrame.from_records(self.records(), index="measure")
        return frame[["value", *frame.columns.drop("value")]]

    def __str__(self) -> str:
        """Return a line per measure with its value, or with the reason why it has none."""
        head = f"{self.name or 'matrix'}: {self.rows:,} × {self.dimensions:,}"
        values = {name: f"{value:.4g}" for name, value in self.values.items()}
        width = max(map(len, self.measures), default=0)
        lines = [f"{name:{width}}  {values.get(name) or self.reasons[name]}" for name in self.measures]
        return "\n".join([head, *lines])


def summarize(V: Rows | Array) -> dict[str, float]:
    """Return the measures of `V` [n, d] that `metrics.jsonl` records every epoch, by name."""
    rows = Rows.of(V)
    return {name: float(measure(rows)) for name, measure in MEASURES.items() if measure.each_epoch}


def popularity_profile(V: Rows, profiles: Iterable[Profile] | None = None) -> dict[str, float]:
    """Return `profiles`, by default all, over head, middle, tail and deciles.

    Keys are `norm_mean@tail`, `norm_mean@10` and so on. The value is NaN where a bucket has none. Buckets
    without items have no key.

    Raises
    ------
    Undefined
        without frequencies.
    """
    if V.head_mid_tail is None or V.deciles is None:
        raise Undefined("a profile by popularity needs how often each item occurs")
    found: dict[str, float] = {}
    for entry in PROFILES.values() if profiles is None else profiles:
        for buckets in (V.head_mid_tail, V.deciles):
            try:
                values = entry(V, buckets)
            except Undefined:
                values = np.full(len(buckets.names), np.nan)
            found |= {f"{entry.name}@{name}": float(x) for name, x in zip(buckets.names, values, strict=True)}
    return found
