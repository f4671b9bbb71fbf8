"""What was measured of a matrix: values, how uncertain the sampled ones are, and why others are missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from degen.analysis.listing import in_order, line
from degen.analysis.passes.buckets import BucketContent
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import Estimate, Measure, Profile, Undefined, popularity_profile

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Interval:
    """A value with its uncertainty.

    Attributes
    ----------
    value, low, high
        the estimate, and the ends of its interval.
    standard_error
        of the estimate.
    noise
        what it is of: `seeds` or `items`.
    method
        how it was found.
    """

    value: float
    low: float
    high: float
    standard_error: float
    noise: str
    method: str


@dataclass(frozen=True)
class Analysis:
    """The measures of a matrix.

    Attributes
    ----------
    name
        what the matrix is called.
    rows, dimensions
        n and d.
    values
        by measure; a condition number may be ∞. A profile has one for each bucket, as `norm_mean@tail`.
    standard_errors, samples
        of those that were sampled: the standard error, and what it was computed from, such as `1,000,000 of
        73,210,050 pairs`. Where `intervals` have the measure, what these are of.
    reasons
        why a measure has no value here.
    intervals
        lowest and highest value, of those that were taken over seeds or judged by a jackknife.
    not_judged
        where a jackknife was asked for, why others have no interval.
    buckets
        where profiles were asked for: what each bucket by popularity holds, deciles among them.
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
            for cut in filter(None, (rows.head_mid_tail, rows.deciles)):
                buckets |= cut.contents(rows.frequency)
        empty = {key for key, value in values.items() if math.isnan(value)}
        reasons |= dict.fromkeys(empty, "no item of the bucket has a value")
        values = {key: value for key, value in values.items() if key not in empty}
        sampled = {key: value for key, value in values.items() if isinstance(value, Estimate)}
        return cls(
            name,
            len(rows),
            rows.d,
            {key: float(value) for key, value in values.items()},
            {key: value.standard_error for key, value in sampled.items()},
            {key: value.sample for key, value in sampled.items()},
            reasons,
            buckets=buckets,
        )

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
        """What was asked for, with and without value, in the order of tables."""
        return [own.name for own in in_order([*self.values, *self.reasons])]

    def with_values(self, more: Mapping[str, float]) -> Analysis:
        """Return the same with further values, or others in place of those that it has; NaN is no value."""
        empty = {key: "no item of the bucket has a value" for key, value in more.items() if math.isnan(value)}
        values = {key: value for key, value in {**self.values, **more}.items() if key not in empty}
        return replace(self, values=values, reasons={**self.reasons, **empty})

    def with_intervals(self, intervals: Mapping[str, Interval]) -> Analysis:
        """Return the same with the intervals of some measures, which are no samples' any more."""
        return replace(
            self,
            standard_errors={
                **self.standard_errors,
                **{name: one.standard_error for name, one in intervals.items()},
            },
            samples={**self.samples, **{name: one.method for name, one in intervals.items()}},
            intervals={**self.intervals, **{name: (one.low, one.high) for name, one in intervals.items()}},
        )

    def flat(self) -> dict[str, Any]:
        """Return one flat dictionary for JSON: `<measure>`, and of what is not exact
        `<measure>_standard_error`, `<measure>_sample`, `<measure>_low` and `<measure>_high`.

        A measure without a finite value is None, and `<measure>_reason` says why; one that a jackknife was
        to judge and could not has `<measure>_not_judged`. A bucket by popularity has `items@tail`,
        `actions@tail`, `frequency_low@tail` and `frequency_high@tail`, and so on.
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
        """Return a dictionary a measure: its name, group and value, and what else there is of it or None."""
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
        """Return `records` as a pandas DataFrame whose index is the measure."""
        import pandas as pd

        return pd.DataFrame.from_records(self.records(), index="measure")
