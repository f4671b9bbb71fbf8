"""Answers of the result pages in words, from the numbers that `degen paper collect` wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from degen.analysis.statistics.significance import holm
from degen.paper.comparison import mean_text
from degen.paper.judging.intervals import LEVEL, NOT_TRAINED, interval, p_of
from degen.paper.published import table2
from degen.paper.targets import NAMES, target
from degen.variant_names import variant_label
from pageslib.rows import VARIANTS, Rows, difference_cell, log_name, seeds_text

ABOVE, BELOW, UNTOLD, UNMEASURED = "above zero", "below zero", "cannot be told", "cannot be told yet"


class Sentences:
    """Parts of sentences, from `<target>.csv` and `<target>.json`. Templates call its public functions."""

    def __init__(self, folder: Path):
        self._rows = Rows(folder)

    def answer(
        self, name: str, claim: str, otherwise: str = "not run yet", datasets: Sequence[str] | None = None
    ) -> str:
        """Verdicts on a claim by dataset: `holds on Beauty (n = 3 seeds); cannot be told on Yelp (one seed)`.

        `otherwise` is the answer where no run of the target is there. `datasets` are those to name, or None
        for all.

        Raises
        ------
        KeyError
            if the target has runs and no such claim.
        """
        if not self.has(name):
            return otherwise
        found = [one for one in self._rows.judged(name) if one["claim"] == claim]
        if not found:
            raise KeyError(f"no claim of {name} reads {claim!r}")
        found = [one for one in found if one["dataset"] in (datasets or [one["dataset"]])]
        told = "; ".join(
            f"{one['verdict']} on {log_name(one['dataset'])} "
            f"({seeds_text(one['seeds']) if one['seeds'] else _labelled(one['measured'])})"
            for one in found
        )
        return told or otherwise

    def alone(self, name: str, claim: str) -> str:
        """p-value of a claim alone, not corrected for the others: `p = 0.035`."""
        (found,) = (one for one in self._rows.judged(name) if one["claim"] == claim)
        return "not tested" if found["p_alone"] is None else f"p = {found['p_alone']:.2g}"

    def wider(self, datasets: Sequence[str], a: str, b: str, moment: str = "best") -> str:
        """Say whether items of `a` spread wider than those of `b`, by average cosine and σ₂/σ₁ together."""
        words = []
        for log in datasets:
            cosine = self._rows.margins(VARIANTS, log, a, b, f"{moment}_average_cosine")
            ratio = self._rows.margins(VARIANTS, log, a, b, f"{moment}_sigma2_ratio")
            sides = _side(cosine), _side(ratio)
            told = {(BELOW, ABOVE): "yes", (ABOVE, BELOW): "no", (UNMEASURED, UNMEASURED): UNMEASURED}
            words.append(f"{told.get(sides, UNTOLD)} on {log_name(log)} ({seeds_text(len(cosine))})")
        return "; ".join(words)

    def difference(self, name: str, datasets: Sequence[str], a: str, b: str, column: str) -> str:
        """Mean of `a` - `b` by dataset: `-0.1100 ± 0.0300 on Beauty (n = 3 seeds)`."""
        words = []
        for log in datasets:
            margins = self._rows.margins(name, log, a, b, column)
            if margins:
                words.append(
                    f"{difference_cell(margins).text} on {log_name(log)} ({seeds_text(len(margins))})"
                )
        return " and ".join(words) or "not measured"

    def gap(self, name: str, dataset: str, a: str, b: str, column: str) -> str:
        """Mean of `a` - `b`, methods named with their losses, ± half of its interval for two or more seeds.

        Raises
        ------
        KeyError
            if no seed has both.
        """
        if text := difference_cell(self._rows.margins(name, dataset, a, b, column)).text:
            return text
        raise KeyError(f"no seed has {a} and {b} on {dataset}")

    def sign(self, name: str, datasets: Sequence[str], a: str, b: str, column: str) -> str:
        """Say where the interval of `a` - `b` lies: `above zero on Beauty; cannot be told on Clothing`."""
        words = []
        for log in datasets:
            told = _side(self._rows.margins(name, log, a, b, column))
            words.append(f"{told} on {log_name(log)}")
        return "; ".join(words)

    def corrected(
        self, name: str, dataset: str, methods: Sequence[str], other: str, columns: Sequence[str]
    ) -> dict[tuple[str, str], str]:
        """p-values of methods minus `other` in columns, corrected for their number, by method and column."""
        tests = [(method, column) for method in methods for column in columns]
        alone = [p_of(self._rows.margins(name, dataset, method, other, column)) for method, column in tests]
        return {test: f"{p:.2g}" for test, p in zip(tests, holm(alone), strict=True)}

    def published_gap(self, dataset: str, a: str, b: str, metric: str) -> str:
        """`a` - `b` in the paper's Table 2."""
        return f"{table2()[dataset, a][metric] - table2()[dataset, b][metric]:.4f}"

    def mean(self, name: str, dataset: str, method: str, column: str, digits: int = 4) -> str:
        """Mean over the seeds of a method, ± half of its interval."""
        values = self._rows.values(name, dataset, column)
        return mean_text([value for (one, _), value in values.items() if one == method], digits)

    def has(self, name: str) -> bool:
        """Return whether a target has a finished run."""
        return bool(self._rows.of(name))

    def states(self, names: Mapping[str, str]) -> str:
        """Say of targets, by name and title, which have finished runs, and how the others are trained."""
        done = [
            f"{title}: [`paper/{name}.csv`](paper/{name}.csv)"
            for name, title in names.items()
            if self.has(name)
        ]
        left = [name for name in names if not self.has(name)]
        titles = ", ".join(names[name] for name in left)
        missing = [f"not trained: {titles} (`degen paper run {' '.join(left)}`)"] if left else []
        return "; ".join([*done, *missing])

    def family(self, datasets: Sequence[str], level: float = LEVEL) -> str:
        """Say which claims still hold after a correction over all that are tested on a log, in any table."""
        words = []
        for log in datasets:
            tested = self._overall(log)
            held = {claim: p for claim, (verdict, p) in tested.items() if verdict == "holds"}
            kept = [f'"{claim}" (p = {p:.2g})' for claim, p in held.items() if p <= level]
            lost = [f'"{claim}" (p = {p:.2g})' for claim, p in held.items() if p > level]
            told = f"on {log_name(log)}, of {len(tested)} tests, {', '.join(kept) or 'none'}"
            words.append(told + (f", and no longer {', '.join(lost)}" if lost else ""))
        return "; ".join(words)

    def overall(self, claim: str, dataset: str, level: float = LEVEL) -> str:
        """Say whether a claim that holds in its table does after a correction over all: `still holds ...`."""
        verdict, p = self._overall(dataset)[claim]
        if verdict != "holds":
            return "cannot be told over all claims either"
        return (
            f"{'still' if p <= level else 'no longer'} holds after a correction over all claims (p = {p:.2g})"
        )

    def overall_p(self, claim: str, dataset: str) -> str:
        """p-value of a claim after a correction over all that are tested on a log: `0.021`."""
        found = self._overall(dataset).get(claim)
        return f"{found[1]:.2g}" if found else "not tested"

    def _overall(self, log: str) -> dict[str, tuple[str, float]]:
        """Return verdict and p by claim, corrected for all on a log; a claim counts once, as judged first."""
        tested: dict[str, dict[str, Any]] = {}
        for one in (one for name in NAMES for one in self._rows.judged(name) if one["dataset"] == log):
            if one["p_alone"] is not None:
                tested.setdefault(one["claim"], one)
        adjusted = holm([one["p_alone"] for one in tested.values()])
        return {
            claim: (one["verdict"], float(p))
            for (claim, one), p in zip(tested.items(), adjusted, strict=True)
        }

    def untrained_logs(self) -> str:
        """Names of the paper's datasets that have no run in Table 2."""
        logs = [log for log in target("table2").datasets if not self._rows.of("table2", log)]
        return ", ".join(map(log_name, logs)) or "none"


def _side(margins: Sequence[float]) -> str:
    """Say on which side of zero the interval of differences lies."""
    if len(margins) < 2:
        return UNMEASURED
    mean, half = interval(margins)
    return UNTOLD if abs(mean) <= half else ABOVE if mean > 0 else BELOW


def _labelled(measured: str) -> str:
    """Return a finding with the methods that it lacks as the paper spells them."""
    start, found, names = measured.partition(NOT_TRAINED)
    return start + found + ", ".join(map(variant_label, names.split(", ")))
