"""The verdict on two sides: which one is more isotropic by the core measures, in one to three sentences.

Each core measure is judged by itself (`degen.studies.comparing.judged`). Those that favour a side, a or b,
decide when they agree. When both a and b occur the outcome is `mixed`, and the text says which measure
favours which side. When neither does it is `within noise`, or `same` where every judged measure is the
same. Without any judged measure it is `unknown`.

With seeds this is one test of all core measures. Some measure favours a side exactly where the smallest of
Holm's p-values is at most 0.05, which has a chance of at most 5 % where nothing differs. Measures within the
noise do not vote. The text says whether they point the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from degen.analysis.core import NEEDS_FREQUENCY
from degen.analysis.statistics.differences import Comparison
from degen.analysis.titles import title
from degen.studies.comparing.judged import LEAST, Better, Judged, Two, judged

Outcome = Literal["a", "b", "same", "within noise", "mixed", "unknown"]

_SAID = ("average_cosine", "effective_rank", "sigma2_ratio")
"""The measures that a verdict names first."""


@dataclass(frozen=True)
class Verdict:
    """The verdict on two sides.

    Attributes
    ----------
    outcome
        `a` or `b`, the more isotropic side; `same`, `within noise`, `mixed` or `unknown`.
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


def verdict(sides: Two, comparisons: Sequence[Comparison], reserve: str = "") -> Verdict:
    """Return the verdict on two sides from the comparisons of their measures; only core ones count.

    `reserve` is a sentence on the items that were compared, a remark of the verdict.
    """
    measures = judged(sides, comparisons)
    voting = [one for one in measures if one.better in ("a", "b")]
    known = [one for one in measures if one.better != "unknown"]
    ends = {one.better for one in voting}
    remarks = tuple(filter(None, (_not_judged(sides, measures), _noise(sides, known), reserve)))
    if len(ends) > 1:
        evidence = "; ".join(_favours(sides, voting, end) for end in ("a", "b"))
        return Verdict("mixed", "The core measures disagree", evidence, remarks, measures)
    if not known:
        reason = "no core measure was compared" if not measures else "no core measure can be judged"
        return Verdict("unknown", "No verdict", reason, remarks, measures)
    if not voting:
        return _undecided(sides, known, remarks, measures)
    outcome: Outcome = "b" if voting[0].better == "b" else "a"
    how = "more isotropic" if outcome == "b" else "more collapsed"
    evidence = f"{_changes(voting)}; {_count(voting, known)}"
    return Verdict(outcome, f"{sides.b} is {how} than {sides.a}", evidence, remarks, measures)


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
    """Return how many measures decide, and where the others point."""
    agree, every = len(voting), len(known)
    if agree == every:
        return f"{'both' if agree == 2 else f'all {agree}'} judged measures agree" if agree > 1 else _ONLY
    parts = [f"{agree} of {every} judged measures {'agree' if agree > 1 else 'decides'}"]
    noisy = [one for one in known if one.better == "within noise"]
    if noisy:
        against = sum(one.points_to != voting[0].better for one in noisy)
        others = f"the other {len(noisy)} are" if len(noisy) > 1 else "another is"
        rest = f"{against} of them {'points' if against == 1 else 'point'}" if len(noisy) > 1 else "points"
        way = (
            f", and {rest} the other way" if against else f" and point{'s' * (len(noisy) == 1)} the same way"
        )
        parts.append(f"{others} {_noise_of(noisy)}{way}")
    if same := every - agree - len(noisy):
        parts.append(f"{same} differ{'s' * (same == 1)} by less than a hundredth of {_its(same)} scale")
    return ", ".join(parts)


_ONLY = "the only judged measure"


def _noise_of(noisy: Sequence[Judged]) -> str:
    return " or ".join(dict.fromkeys(one.reason for one in noisy))


def _its(count: int) -> str:
    return "its" if count == 1 else "their"


def _undecided(
    sides: Two, known: Sequence[Judged], remarks: tuple[str, ...], measures: tuple[Judged, ...]
) -> Verdict:
    if all(one.reason == "equal" for one in known):
        by = f"all {len(known)} judged core measures" if len(known) > 1 else title(known[0].measure)
        headline = f"{sides.a} and {sides.b} are the same by {by}"
        certain = tuple(remark for remark in remarks if not remark.startswith(_UNKNOWN))
        return Verdict("same", headline, "", certain, measures)
    noisy = [one for one in known if one.better == "within noise"]
    limits = [one.reason.removeprefix("within ") for one in noisy]
    if len(noisy) < len(known):
        limits.append("a hundredth of its scale")
    evidence = f"every judged core measure differs by less than {' or '.join(dict.fromkeys(limits))}"
    ends = {one.points_to for one in noisy}
    if len(ends) == 1 and len(noisy) > 1 and all(one.comparison.noise == "seeds" for one in noisy):
        towards = sides.a if ends == {"a"} else sides.b
        all_of = "both" if len(noisy) == 2 else f"all {len(noisy)}"
        which = all_of if len(noisy) == len(known) else f"the {len(noisy)} within the noise"
        evidence += f"; {which} point to {towards} as the more isotropic one"
    headline = f"No difference between {sides.a} and {sides.b} can be told"
    return Verdict("within noise" if noisy else "same", headline, evidence, remarks, measures)


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
