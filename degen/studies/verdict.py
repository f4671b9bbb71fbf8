"""The verdict on two sides: which one is more isotropic by the core measures, in one to three sentences.

The rule, measure by measure (`judged`):

unknown   a side has no finite value; or the measure has no more isotropic end (a narrow cone has hubs, but
          a collapse into two directions has none); or it depends on the number of dimensions, in which the
          sides differ
same      the difference is below a hundredth of the measure's scale (`degen.analysis.core.scale`), however
          certain it is; or it lies within the known noise
a, b      otherwise: the side that is more isotropic

The known noise is that of seeds where both sides have several (Holm's correction over the judged core
measures, level 0.05). Else it is that of items, from a paired jackknife: the interval of the difference
holds 0. Else nothing is known, and only the hundredth counts. The noise between trainings of a side with one
training is unknown; the verdict says so instead of guessing it.

The rule for all (`verdict`): measures that are a or b decide when they agree. When both occur the outcome is
`mixed`, and the text says which measure favours which side. When none does it is `same`, and without any
judged measure `unknown`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from degen.analysis.core import CORE, NEEDS_FREQUENCY, ON_DIMENSIONS, scale
from degen.analysis.registry import MEASURES
from degen.analysis.statistics.differences import Comparison
from degen.analysis.statistics.significance import holm
from degen.analysis.titles import title

Better = Literal["a", "b", "same", "unknown"]
Outcome = Literal["a", "b", "same", "mixed", "unknown"]

LEAST = 0.01
"""Smallest share of a measure's scale that counts as a difference."""

_LEVEL = 0.05
_EQUAL = 1e-9
_SAID = ("average_cosine", "effective_rank", "sigma2_ratio")
"""The measures that a verdict names first."""


@dataclass(frozen=True)
class Two:
    """The two sides of a verdict.

    Attributes
    ----------
    a, b
        their names.
    dimensions
        numbers of columns of their matrices.
    trainings
        numbers of matrices, each from a training of its own.
    """

    a: str
    b: str
    dimensions: tuple[int, int]
    trainings: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Judged:
    """A core measure on two sides.

    Attributes
    ----------
    comparison
        values, difference and interval.
    better
        the more isotropic side, `same` or `unknown`.
    reason
        explains `same` and `unknown`; empty for a side.
    """

    comparison: Comparison
    better: Better
    reason: str = ""

    @property
    def measure(self) -> str:
        """Name of the measure."""
        return self.comparison.measure


@dataclass(frozen=True)
class Verdict:
    """The verdict on two sides.

    Attributes
    ----------
    outcome
        `a` or `b`, the more isotropic side; `same`, `mixed` or `unknown`.
    headline
        the answer, without a full stop; to be set in bold.
    evidence
        what follows the headline after a colon, without a full stop; may be empty.
    remarks
        further sentences, such as that on the noise between trainings.
    measures
        each core measure that was compared, in the order of `CORE`.
    """

    outcome: Outcome
    headline: str
    evidence: str
    remarks: tuple[str, ...]
    measures: tuple[Judged, ...]

    @property
    def text(self) -> str:
        """Headline, evidence and remarks as plain text, one to three sentences."""
        return " ".join(
            [self.headline + (f": {self.evidence}" if self.evidence else "") + ".", *self.remarks]
        )

    def better(self, measure: str) -> Better:
        """Return the more isotropic side by a measure; `unknown` for one that was not judged."""
        return next((judged.better for judged in self.measures if judged.measure == measure), "unknown")


def verdict(sides: Two, comparisons: Sequence[Comparison]) -> Verdict:
    """Return the verdict on two sides from the comparisons of their measures; only core ones count."""
    measures = judged(sides, comparisons)
    voting = [one for one in measures if one.better in ("a", "b")]
    known = [one for one in measures if one.better != "unknown"]
    ends = {one.better for one in voting}
    remarks = tuple(filter(None, (_not_judged(sides, measures), _noise(sides, known))))
    if len(ends) > 1:
        evidence = "; ".join(_favours(sides, voting, end) for end in ("a", "b"))
        return Verdict("mixed", "The core measures disagree", evidence, remarks, measures)
    if not known:
        reason = "no core measure was compared" if not measures else "no core measure can be judged"
        return Verdict("unknown", "No verdict", reason, remarks, measures)
    if not voting:
        return _the_same(sides, known, remarks, measures)
    outcome: Outcome = "b" if voting[0].better == "b" else "a"
    how = "more isotropic" if outcome == "b" else "more collapsed"
    evidence = f"{_changes(voting)}; {_count(voting, known)}"
    return Verdict(outcome, f"{sides.b} is {how} than {sides.a}", evidence, remarks, measures)


def judged(sides: Two, comparisons: Sequence[Comparison]) -> tuple[Judged, ...]:
    """Return the core measures among `comparisons`, in the order of `CORE`, each with its better side.

    The measure of rare items is left out where no side has it: then frequencies are not known.
    """
    found = {one.measure: one for one in comparisons if one.measure in CORE}
    rare = found.get(NEEDS_FREQUENCY)
    if rare is not None and not (math.isfinite(rare.a) or math.isfinite(rare.b)):
        del found[NEEDS_FREQUENCY]
    core = [found[name] for name in CORE if name in found]
    open_ = [one for one in core if not _not_comparable(sides, one)]
    tested = [one for one in open_ if one.p is not None]
    p = dict(zip((one.measure for one in tested), holm([one.p or 0.0 for one in tested]), strict=True))
    return tuple(_judged(sides, one, p.get(one.measure)) for one in core)


def more_isotropic(sides: Two, one: Comparison) -> Better:
    """Return the more isotropic side by any measure, by the rule for core ones and its own `adjusted_p`.

    A hundredth of the larger value counts where the measure is not a core one, and those are not compared
    between matrices of different numbers of dimensions.
    """
    return _judged(sides, one, one.adjusted_p).better


def _judged(sides: Two, one: Comparison, p: float | None) -> Judged:
    if reason := _not_comparable(sides, one):
        return Judged(one, "unknown", reason)
    if abs(one.difference) <= _EQUAL * max(abs(one.a), abs(one.b)):
        return Judged(one, "same", "equal")
    if abs(one.difference) < LEAST * scale(one.measure, one.a, one.b):
        return Judged(one, "same", "the difference is below a hundredth of its scale")
    noise = one.noise.partition(";")[0]
    if p is not None and p > _LEVEL:
        return Judged(one, "same", f"within the noise of {noise}")
    if p is None and one.interval is not None and one.interval[0] <= 0 <= one.interval[1]:
        return Judged(one, "same", f"within the noise of {noise}")
    rises = one.difference > 0
    return Judged(one, "b" if rises == (MEASURES[one.measure].arrow == "↑") else "a")


def _not_comparable(sides: Two, one: Comparison) -> str:
    """Return the reason why a measure cannot favour a side; empty if it can."""
    missing = [name for name, value in ((sides.a, one.a), (sides.b, one.b)) if not math.isfinite(value)]
    if missing:
        return f"no value for {' and '.join(missing)}"
    if one.measure not in MEASURES or not MEASURES[one.measure].arrow:
        return "neither end is more isotropic"
    depends = one.measure in ON_DIMENSIONS or one.measure not in CORE
    if depends and sides.dimensions[0] != sides.dimensions[1]:
        return f"depends on the number of dimensions, {sides.dimensions[0]} and {sides.dimensions[1]}"
    return ""


def _changes(voting: Sequence[Judged]) -> str:
    """Return the changes of up to three measures in words, and of the rare half where they are larger."""
    by_name = {one.measure: one for one in voting}
    first = [by_name[name] for name in _SAID if name in by_name]
    rest = [one for one in voting if one not in first and one.measure != NEEDS_FREQUENCY]
    said = (first + rest)[:3]
    texts = [f"{title(one.measure)} {_change(one)}" for one in said]
    rare, every = by_name.get(NEEDS_FREQUENCY), by_name.get("average_cosine")
    if rare is not None and every is None:
        texts.append(f"{title(NEEDS_FREQUENCY)} {_change(rare)}")
    elif rare is not None and every is not None and _larger(rare, every):
        texts.append(f"the rare half more so ({_change(rare)})")
    return ", ".join(texts)


def _larger(rare: Judged, every: Judged) -> bool:
    return abs(rare.comparison.difference) - abs(every.comparison.difference) >= LEAST


def _favours(sides: Two, voting: Sequence[Judged], end: str) -> str:
    ours = [one for one in voting if one.better == end]
    shown = ", ".join(f"{title(one.measure)} ({_change(one)})" for one in ours[:3])
    more = f" and {len(ours) - 3} more" if len(ours) > 3 else ""
    return f"{sides.a if end == 'a' else sides.b} is more isotropic by {shown}{more}"


def _change(one: Judged) -> str:
    """Return both values, with as many decimals as tell them apart: `0.70 → 0.88`, `51 → 23`."""
    a, b = one.comparison.a, one.comparison.b
    digits = 0 if min(abs(a), abs(b)) >= 10 else 2
    while digits < 6 and f"{a:.{digits}f}" == f"{b:.{digits}f}":
        digits += 1
    return f"{a:z.{digits}f} → {b:z.{digits}f}"


def _count(voting: Sequence[Judged], known: Sequence[Judged]) -> str:
    agree, rest = len(voting), len(known) - len(voting)
    if not rest:
        every = "both" if agree == 2 else f"all {agree}"
        return f"{every} judged measures agree" if agree > 1 else "the only judged measure"
    return (
        f"{agree} of {agree + rest} judged measures agree, the other{'s are' if rest > 1 else ' is'} the same"
    )


def _the_same(
    sides: Two, known: Sequence[Judged], remarks: tuple[str, ...], measures: tuple[Judged, ...]
) -> Verdict:
    if all(one.reason == "equal" for one in known):
        by = f"all {len(known)} judged core measures" if len(known) > 1 else title(known[0].measure)
        headline = f"{sides.a} and {sides.b} are the same by {by}"
        certain = tuple(remark for remark in remarks if not remark.startswith(_UNKNOWN))
        return Verdict("same", headline, "", certain, measures)
    limits = [one.reason.removeprefix("within ") for one in known if "noise" in one.reason]
    if len(limits) < len(known):
        limits.append("a hundredth of its scale")
    evidence = f"every judged core measure differs by less than {' or '.join(dict.fromkeys(limits))}"
    headline = f"No difference between {sides.a} and {sides.b} can be told"
    return Verdict("same", headline, evidence, remarks, measures)


_UNKNOWN = "The noise between trainings is unknown"


def _noise(sides: Two, known: Sequence[Judged]) -> str:
    """Return the sentence on the noise that is known and on that which is not."""
    if not known:
        return ""
    a, b = sides.trainings
    if min(a, b) > 1:
        return f"Noise is that between trainings: {a} of {sides.a}, {b} of {sides.b}."
    if a == b:
        return f"{_UNKNOWN}: each side is one matrix."
    return f"{_UNKNOWN}: {sides.a if a == 1 else sides.b} is one matrix."


def _not_judged(sides: Two, measures: Sequence[Judged]) -> str:
    """Return a sentence on the core measures that depend on the number of dimensions or lack a value."""
    a, b = sides.dimensions
    other = [title(one.measure) for one in measures if one.reason.startswith("depends")]
    missing = [title(one.measure) for one in measures if one.reason.startswith("no value")]
    parts = []
    if other:
        parts.append(f"{_listed(other)} depend on the number of dimensions ({a} and {b})")
    if missing:
        parts.append(f"{_listed(missing)} {'has' if len(missing) == 1 else 'have'} no value on both sides")
    return f"Not judged: {'; '.join(parts)}." if parts else ""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
