"""What was measured of a matrix: values, how uncertain the sampled ones are, and why others are missing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from degen.analysis.measure import MEASURES, Estimate, Measure, Undefined
from degen.analysis.rows import Rows
from degen.errors import UserError, nearest

if TYPE_CHECKING:
    import pandas as pd

GROUPS: Mapping[str, str] = {
    "spectrum": "Spectrum",
    "isotropy": "Isotropy",
    "sphere": "Sphere",
    "neighbours": "Neighbours",
    "health": "Health",
    "popularity": "By popularity",
    "recommendations": "Recommendations",
}
"""The groups of measures in the order of tables, with their headings; other groups follow."""


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
        by measure, in the order of tables; a condition number may be ∞.
    standard_errors, samples
        of those that were sampled: the standard error, and what it was computed from, such as `1,000,000 of
        73,210,050 pairs`.
    reasons
        why a measure has no value here.
    """

    name: str
    rows: int
    dimensions: int
    values: Mapping[str, float]
    standard_errors: Mapping[str, float]
    samples: Mapping[str, str]
    reasons: Mapping[str, str]

    @classmethod
    def of(cls, rows: Rows, measures: Sequence[Measure] | None = None, name: str = "") -> Analysis:
        """Take the measures, by default all, of a matrix.

        Raises
        ------
        UserError
            where the matrix holds NaN or infinity and a measure is asked for that cannot pass over them.
        """
        values: dict[str, float] = {}
        reasons: dict[str, str] = {}
        for measure in chosen_measures() if measures is None else measures:
            try:
                values[measure.name] = measure(rows)
            except Undefined as undefined:
                reasons[measure.name] = str(undefined).removeprefix(f"{measure.name} ")
        sampled = {key: value for key, value in values.items() if isinstance(value, Estimate)}
        return cls(
            name,
            len(rows),
            rows.d,
            {key: float(value) for key, value in values.items()},
            {key: value.standard_error for key, value in sampled.items()},
            {key: value.sample for key, value in sampled.items()},
            reasons,
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
        return [measure.name for measure in in_order([*self.values, *self.reasons])]

    def with_value(self, measure: str, value: float) -> Analysis:
        """Return the same with another value of a measure that was asked for."""
        return replace(self, values={**self.values, measure: value})

    def flat(self) -> dict[str, Any]:
        """Return one flat dictionary for JSON: `<measure>`, `<measure>_standard_error`, `<measure>_sample`.

        A measure without a finite value is None, and `<measure>_reason` says why.
        """
        found: dict[str, Any] = {"name": self.name, "rows": self.rows, "dimensions": self.dimensions}
        for measure in self.measures:
            value = self.values.get(measure)
            found[measure] = value if value is not None and math.isfinite(value) else None
            if measure in self.standard_errors:
                found[f"{measure}_standard_error"] = self.standard_errors[measure]
                found[f"{measure}_sample"] = self.samples[measure]
            if found[measure] is None:
                found[f"{measure}_reason"] = self.reasons.get(measure, "infinite")
        return found

    def records(self) -> list[dict[str, Any]]:
        """Return a dictionary a measure: name, group, measure, value, standard_error, sample, reason."""
        return [
            {
                "name": self.name,
                "group": MEASURES[measure].group,
                "measure": measure,
                "value": self.values.get(measure),
                "standard_error": self.standard_errors.get(measure),
                "sample": self.samples.get(measure),
                "reason": self.reasons.get(measure),
            }
            for measure in self.measures
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return `records` as a pandas DataFrame whose index is the measure."""
        import pandas as pd

        return pd.DataFrame.from_records(self.records(), index="measure")


def chosen_measures(names: str | Sequence[str] | None = None) -> list[Measure]:
    """Return measures in the order of tables: all, or those that names of measures and of groups choose.

    Parameters
    ----------
    names
        a list, or text with commas.

    Raises
    ------
    UserError
        for a name that is neither, with the nearest that is.
    """
    if names is None:
        return in_order(MEASURES)
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    groups = {measure.group for measure in MEASURES.values()}
    for name in wanted:
        if name not in groups and name not in MEASURES:
            raise UserError(
                f"there is no measure or group '{name}'{nearest(name, [*groups, *MEASURES])}"
                if name
                else "a name of a measure is empty; `degen analyze --list` shows all"
            )
    return in_order(key for key, measure in MEASURES.items() if key in wanted or measure.group in wanted)


def in_order(names: Iterable[str]) -> list[Measure]:
    """Return measures by group in the order of tables, within one as they were registered."""
    known, wanted = [*GROUPS], set(names)
    own = dict.fromkeys(measure.group for measure in MEASURES.values())
    order = {group: place for place, group in enumerate([*known, *(g for g in own if g not in known)])}
    return sorted(
        (measure for key, measure in MEASURES.items() if key in wanted), key=lambda m: order[m.group]
    )
