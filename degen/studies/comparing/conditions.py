"""Conditions on measures that a user sets, such as `average_cosine > 0.5`, for use in a pipeline.

    average_cosine > 0.5              a value
    average_cosine@tail >= 0.6        of a profile in a bucket: unseen (or cold), tail, mid, head, 1 to 10
    change(effective_rank) < -5       in comparisons: the second side minus the first

A condition is read by a pattern and never evaluated as code.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from degen.analysis.passes.buckets import COLD, DECILES, HEAD_MID_TAIL, UNSEEN
from degen.analysis.registry import MEASURES, PROFILES
from degen.errors import UserError, nearest
from degen.tables.numbers import number

_FORM = re.compile(
    r"\s*(?:(?P<change>change)\s*\(\s*(?P<inside>[\w@]+)\s*\)|(?P<name>[\w@]+))"
    r"\s*(?P<sign><=|>=|<|>)\s*(?P<limit>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*",
    re.ASCII,
)
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_EXAMPLE = "average_cosine > 0.5"


@dataclass(frozen=True)
class Condition:
    """A condition under which a command fails.

    Attributes
    ----------
    measure
        name of the measure, or of a profile in a bucket; that of unseen items is `cold`.
    sign, limit
        `>`, `>=`, `<` or `<=`, and the number behind it.
    change
        whether it is about the difference of two sides and not about a value.
    """

    measure: str
    sign: str
    limit: float
    change: bool = False

    def __str__(self) -> str:
        """Return the condition as it is typed; items that never occur are `unseen`."""
        what = f"change({self._shown})" if self.change else self._shown
        return f"{what} {self.sign} {self.limit:g}"

    @property
    def _shown(self) -> str:
        stem, at, bucket = self.measure.partition("@")
        return f"{stem}@{UNSEEN}" if at and bucket == COLD else self.measure

    @property
    def what(self) -> str:
        """The measure, or its change, in a sentence."""
        return f"the change of {self._shown}" if self.change else self._shown

    @property
    def needs_frequency(self) -> bool:
        """True if the measure has no value without the frequencies of the items."""
        if self.measure in MEASURES:
            return "frequency" in MEASURES[self.measure].needs
        return self.measure.partition("@")[0] in PROFILES


@dataclass
class Judgement:
    """Sentences on the conditions that hold, and on those whose measure has no value."""

    failed: list[str] = field(default_factory=list)
    undefined: list[str] = field(default_factory=list)

    def judge(
        self,
        conditions: Sequence[Condition],
        of: str,
        values: Mapping[str, float],
        changes: Mapping[str, float] | None = None,
        reasons: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Judge the values of one matrix, called `of`, and return the sentences on conditions that hold.

        `changes` has the differences from another matrix, `reasons` those why measures have no value.
        """
        failed = []
        for condition in conditions:
            value = ((changes or {}) if condition.change else values).get(condition.measure, math.nan)
            if math.isnan(value):
                why = (reasons or {}).get(condition.measure, "")
                if condition.needs_frequency:
                    why = "it needs the frequencies of the items, `frequency`"
                because = f": {why}" if why else ""
                self.undefined.append(
                    f"{of} has no value of {condition.what}, so that {condition} cannot be told{because}"
                )
            elif _SIGNS[condition.sign](value, condition.limit):
                failed.append(f"{of}: {condition.what} is {number(value)}, and `fail_if` says {condition}")
        self.failed += failed
        return failed


def parse_conditions(texts: Sequence[str], further: Sequence[str] = (), *, changes: bool) -> list[Condition]:
    """Return the conditions that texts state.

    Parameters
    ----------
    further
        names that are known besides those of measures and profiles.
    changes
        whether `change(…)` has a meaning, as in a comparison.

    Raises
    ------
    UserError
        for a text that is no condition, or an unknown measure, with the nearest known one.

    >>> [str(condition) for condition in parse_conditions(["change( average_cosine )>.1"], changes=True)]
    ['change(average_cosine) > 0.1']
    """
    return [_parsed(text, further, changes) for text in texts]


def _parsed(text: str, further: Sequence[str], changes: bool) -> Condition:
    form = _FORM.fullmatch(text)
    if form is None:
        raise UserError(
            f"`fail_if` '{text}' is no condition; write a measure, one of > >= < <= and a number, such as "
            f"'{_EXAMPLE}'"
        )
    change, limit = form["change"] is not None, float(form["limit"])
    if change and not changes:
        raise UserError(f"`fail_if` '{text}': change(…) is of two matrices; use it with `degen compare`")
    if not math.isfinite(limit):
        raise UserError(f"`fail_if` '{text}': the number is too large")
    name = form["inside"] or form["name"]
    known = {*MEASURES, *_in_buckets(UNSEEN), *_in_buckets(COLD), *further}
    if name not in known:
        advice = nearest(name, known, "`degen analyze --list` lists the measures")
        raise UserError(f"`fail_if` '{text}': there is no measure '{name}'{advice}")
    stem, at, bucket = name.partition("@")
    return Condition(f"{stem}@{COLD}" if at and bucket == UNSEEN else name, form["sign"], limit, change)


def _in_buckets(unseen: str) -> list[str]:
    return [f"{name}@{bucket}" for name in PROFILES for bucket in (unseen, *HEAD_MID_TAIL, *DECILES)]


def with_conditions(measures: str | None, conditions: Sequence[Condition]) -> str | None:
    """Return names of chosen measures with those that conditions need; None, for all, stays."""
    if measures is None:
        return None
    stems = [condition.measure.partition("@")[0] for condition in conditions]
    # A profile that shares its name with a measure is chosen by its group.
    needed = [
        "popularity" if "@" in condition.measure and stem in MEASURES else stem
        for condition, stem in zip(conditions, stems, strict=True)
        if stem in MEASURES or stem in PROFILES
    ]
    return ",".join(dict.fromkeys([measures, *needed]))
