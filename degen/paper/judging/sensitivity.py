"""Claims about settings: what accuracy depends on, and what it does not.

    falls     accuracy falls with dropout on MovieLens-1M: slope over the rates, with its interval over seeds
    hidden    hidden dropout matters more than embedding dropout: permutation test over the cells
    flat      accuracy does not depend on λ, τ or the batch size: bounds of the range against `MARGIN`

Each takes the finished runs of one dataset and the metrics to judge by, and returns claims with verdicts.
The weakest verdict of the metrics counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from degen.analysis.passes.arrays import Float
from degen.paper.judging.intervals import Claims, Found, over_seeds
from degen.paper.measured import Measured
from degen.studies.claims import Verdict, weakest

if TYPE_CHECKING:
    from degen.sweeps.asked.axes import Axis

PERMUTATIONS = 9999
"""Number of random arrangements of the cells of a heat map."""

_AXES = {
    "objective.lambda": "λ",
    "objective.temperature": "τ",
    "training.batch_size": "the batch size",
}

MARGIN = 0.05
"""Range over an axis, as a fraction of the mean over it, below which accuracy counts as the same."""

LEVEL = 0.05
"""Largest p-value at which a permutation test decides."""


def falls(rows: Sequence[Measured], metrics: Sequence[str], rates: Sequence[float]) -> Claims:
    """Judge the slope of accuracy over all rates on MovieLens-1M, of which alone the paper says it."""
    if not rows or rows[0].dataset != "ml-1m":
        return []
    margins = {name: [-slope / 10 for slope in _slopes(rows, f"test_{name}", rates)] for name in metrics}
    lacking = Found("not judged", f"no seed has all {len(rates)} rates of dropout", 0)
    found = over_seeds(margins, " lost per 0.1 of dropout") if all(margins.values()) else lacking
    return [("duorec's accuracy falls with dropout on ml-1m", found)]


def _slopes(rows: Sequence[Measured], column: str, rates: Sequence[float]) -> list[float]:
    """Return the least-squares slope of a column over dropout, for every seed with all of the rates."""
    points: dict[int, dict[float, float]] = {}
    for row in rows:
        rate, value = row.axis("dropout"), row.value(column)
        if row.planned.control is None and rate in rates and rate is not None and value is not None:
            points.setdefault(row.seed, {})[rate] = value
    curves = [curve for curve in points.values() if len(curve) == len(rates)]
    return [float(np.polyfit(list(curve), list(curve.values()), 1)[0]) for curve in curves]


def flat(rows: Sequence[Measured], metrics: Sequence[str], axes: Mapping[str, Axis]) -> Claims:
    """Judge whether accuracy is the same over all values of the only axis."""
    cells = [row for row in rows if row.planned.control is None]
    axis, values = next((one.key, one.values) for one in axes.values() if one.key in _AXES)
    claim = f"duorec's accuracy does not depend on {_AXES[axis]}"
    curves: dict[str, list[list[float]]] = {}
    for metric in metrics:
        by_value: dict[Any, list[float]] = {}
        for row in cells:
            if (value := row.value(f"test_{metric}")) is not None:
                by_value.setdefault(row.axis(axis), []).append(value)
        if lacking := set(values) - by_value.keys():
            done = f"{len(values) - len(lacking)} of {len(values)} values are done"
            return [(claim, Found("not judged", done, 0))]
        curves[metric] = list(by_value.values())
    return [(claim, flat_curves(curves))]


def flat_curves(curves: Mapping[str, Sequence[Sequence[float]]]) -> Found:
    """Judge whether every curve is flat; the weakest verdict counts.

    A curve is flat where the upper 95 % bound of its range lies below `MARGIN`, and not flat where the lower
    one lies above it. Otherwise it cannot be told.

    Parameters
    ----------
    curves
        by metric: for each value of an axis the results of all seeds.
    """
    from degen.analysis.statistics.flatness import flatness

    values = min(map(len, curves.values()), default=0)
    if values < 2:
        return Found("not judged", "fewer than two values are done", 0)
    seeds = min(len(sample) for curve in curves.values() for sample in curve)
    ranges = {metric: max(map(np.mean, curve)) - min(map(np.mean, curve)) for metric, curve in curves.items()}
    if seeds < 2:
        words = ", ".join(f"range of {metric} {value:.4f}" for metric, value in ranges.items())
        return Found("not judged", f"one seed: not judged; {words}", seeds)
    verdicts: list[Verdict] = []
    told = []
    for metric, curve in curves.items():
        found, margin = flatness(curve), MARGIN * abs(np.mean([np.mean(sample) for sample in curve]))
        wide: Verdict = "does not hold" if found.lower > margin else "within noise"
        verdicts.append("holds" if found.upper < margin else wide)
        told.append(
            f"range of {metric} {found.range:.4f}, without noise {found.lower:.4f} to {found.upper:.4f}, "
            f"against {margin:.4f}"
        )
    about = f"{MARGIN:.0%} of the mean (95 % bounds, n = {seeds} seeds, {values} values)"
    return Found(weakest(verdicts), f"{'; '.join(told)}, {about}", seeds)


def hidden(rows: Sequence[Measured], metrics: Sequence[str]) -> Claims:
    """Judge whether hidden and attention dropout set cells apart more than embedding dropout does."""
    found = [hidden_against_embedding(*_grid(rows, f"test_{metric}")) for metric in metrics]
    known = [f"{metric}: {one.measured}" for metric, one in zip(metrics, found, strict=True)]
    seeds = min(one.seeds for one in found)
    open_ = any(one.verdict == "not judged" for one in found)
    verdict: Verdict = "not judged" if open_ else weakest(one.verdict for one in found)
    return [("hidden dropout matters more than embedding dropout", Found(verdict, "; ".join(known), seeds))]


def _grid(rows: Sequence[Measured], column: str) -> tuple[Float, int]:
    """Return the means over seeds by embedding (rows) and hidden dropout, and the fewest seeds of a cell."""
    cells: dict[tuple[float, float], list[float]] = {}
    for row in rows:
        place = row.axis("embedding_dropout"), row.axis("hidden_dropout")
        value = row.value(column)
        if None not in place and value is not None:
            cells.setdefault(place, []).append(value)  # type: ignore[arg-type]
    first, second = (sorted({place[side] for place in cells}) for side in (0, 1))
    means = [[np.mean(cells.get((a, b), [np.nan])) for b in second] for a in first]
    fewest = min((len(cells.get((a, b), [])) for a in first for b in second), default=0)
    return np.array(means, dtype=np.float64).reshape(len(first), len(second)), fewest


def hidden_against_embedding(grid: Float, seeds: int) -> Found:
    """Judge whether columns (hidden dropout) set cells apart more than rows (embedding dropout) do.

    The statistic is the variance of the column means minus that of the row means. Its distribution is taken
    over random arrangements of the cells, under which neither axis matters.

    Parameters
    ----------
    grid
        float64 `[embedding rates, hidden rates]`, NaN where a cell is missing.
    seeds
        number of seeds behind each cell.
    """
    if np.isnan(grid).any() or min(grid.shape) < 2:
        return Found("not judged", f"{np.isfinite(grid).sum()} of {grid.size} cells are done", 0)
    rng = np.random.default_rng(0)
    observed = _contrast(grid)
    drawn = rng.permuted(np.tile(grid.ravel(), (PERMUTATIONS, 1)), axis=1).reshape(-1, *grid.shape)
    null = _contrast(drawn)
    more = (1 + int((null >= observed).sum())) / (1 + PERMUTATIONS)
    less = (1 + int((null <= observed).sum())) / (1 + PERMUTATIONS)
    words = (
        f"standard deviation of means {grid.mean(axis=0).std(ddof=1):.4f} over hidden, "
        f"{grid.mean(axis=1).std(ddof=1):.4f} over embedding dropout, permutation p = {more:.4f}"
    )
    if seeds < 2:
        return Found("not judged", f"one seed: not judged; {words}", seeds)
    verdict: Verdict = "holds" if more <= LEVEL else "does not hold" if less <= LEVEL else "within noise"
    return Found(verdict, f"{words} (n = {seeds} seeds per cell)", seeds)


def _contrast(grids: Float) -> Any:
    """Return variance of column means minus that of row means, of one grid or of several."""
    return grids.mean(axis=-2).var(axis=-1, ddof=1) - grids.mean(axis=-1).var(axis=-1, ddof=1)
