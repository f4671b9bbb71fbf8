"""Answers of the result pages in words, from the numbers that `degen paper collect` wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from degen.paper.comparison import mean_text
from degen.paper.judging.intervals import interval
from degen.paper.targets import target
from pageslib.rows import Rows, difference_cell, log_name, seeds_text


class Sentences:
    """Parts of sentences, from `<target>.csv` and `<target>.json`. Templates call its public functions."""

    def __init__(self, folder: Path):
        self._rows = Rows(folder)

    def answer(self, name: str, claim: str, otherwise: str = "not run yet") -> str:
        """Verdicts on a claim by dataset: `holds on Beauty (n = 3 seeds); cannot be told on Yelp (one seed)`.

        `otherwise` is the answer where no run of the target is there.

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
        return "; ".join(
            f"{one['verdict']} on {log_name(one['dataset'])} "
            f"({seeds_text(one['seeds']) if one['seeds'] else one['measured']})"
            for one in found
        )

    def wider(self, datasets: Sequence[str], a: str, b: str) -> str:
        """Say whether items of `a` spread wider than those of `b`, by average cosine and σ₂/σ₁ together."""
        words = []
        for log in datasets:
            cosine = self._rows.margins("table2", log, a, b, "best_average_cosine")
            ratio = self._rows.margins("table2", log, a, b, "best_sigma2_ratio")
            if len(cosine) < 2:
                told = "cannot be told yet"
            else:
                (fall, half), (rise, other) = interval(cosine), interval(ratio)
                yes, no = (fall + half < 0 and rise - other > 0), (fall - half > 0 and rise + other < 0)
                told = "yes" if yes else "no" if no else "cannot be told"
            words.append(f"{told} on {log_name(log)} ({seeds_text(len(cosine))})")
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

    def mean(self, name: str, dataset: str, method: str, column: str) -> str:
        """Mean over the seeds of a method, ± half of its interval."""
        values = self._rows.values(name, dataset, column)
        return mean_text([value for (one, _), value in values.items() if one == method])

    def has(self, name: str) -> bool:
        """Return whether a target has a finished run."""
        return bool(self._rows.of(name))

    def state(self, name: str) -> str:
        """Return how many runs of a target are finished, or that none is."""
        runs = len(self._rows.of(name))
        return (
            f"{runs} runs are finished: [`paper/{name}.csv`](paper/{name}.csv)"
            if runs
            else f"not trained (`degen paper run {name}`)"
        )

    def untrained_logs(self) -> str:
        """Names of the paper's datasets that have no run in Table 2."""
        logs = [log for log in target("table2").datasets if not self._rows.of("table2", log)]
        return ", ".join(map(log_name, logs)) or "none"
