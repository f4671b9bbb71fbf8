"""How much more degenerate one matrix is than another, and how surely: numbers of `degen compare`.

several seeds a side     Welch's t over seeds, Holm's correction over the measures (`compare_seeds`)
one seed on a side       a paired jackknife over items; the noise of seeds is unknown, nothing is marked
the same items           also how alike the two are: CKA, Procrustes, neighbours (`COMPARISONS`)
exported ranks           also accuracy, paired over users (`compare_users`)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from degen.analysis.passes.pair import Pair, matched
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import COMPARISONS, MEASURES, Measure, Undefined, popularity_profile
from degen.analysis.result import Analysis
from degen.analysis.statistics.differences import Comparison, compare_matrices, compare_seeds, compare_users
from degen.analysis.statistics.jackknife import Jackknife, jackknife
from degen.embeddings.item_matrix import ItemMatrix
from degen.errors import UserError
from degen.runs.directory import EXPORT
from degen.studies.sides import Side

Said = Callable[[str], None]
"""Called with what is being done."""


@dataclass(frozen=True)
class Against:
    """A side beside the one that all are compared against.

    Attributes
    ----------
    base, other
        names of the two.
    measures
        of the item embeddings, in the order of tables.
    users
        accuracy paired over users; empty where ranks are missing.
    alike
        by comparison (`COMPARISONS`), between the lowest seeds; empty where the items are not the same.
    """

    base: str
    other: str
    measures: list[Comparison]
    users: list[Comparison]
    alike: dict[str, float]


@dataclass(frozen=True)
class Compared:
    """The sides of a dataset, the one to compare against first.

    Attributes
    ----------
    name
        of the dataset.
    sides
        what is compared.
    against
        the first beside each of the others.
    profiles
        by side, for each seed: measures by popularity (`norm_mean@1`, …); empty without frequencies.
    notes
        what the user should know.
    """

    name: str
    sides: Sequence[Side]
    against: list[Against]
    profiles: dict[str, list[dict[str, float]]]
    notes: list[str] = field(default_factory=list)


def compare_sides(
    name: str, sides: Sequence[Side], measures: Sequence[Measure], said: Said = lambda _: None
) -> Compared:
    """Compare the first of `sides` with each of the others.

    Raises
    ------
    UserError
        where a matrix holds NaN or infinity.
    """
    base, *others = sides
    notes: list[str] = []
    analyses = {}
    for side in sides:
        said(f"{name}: measuring {side.name}")
        analyses[side.name] = [Analysis.of(rows, measures, name=side.name) for rows in side.rows]
    against = []
    for other in others:
        said(f"{name}: {base.name} beside {other.name}")
        pair = _pair(base.matrices[0], other.matrices[0], notes)
        seeds = analyses[base.name], analyses[other.name]
        found = _over_seeds(*seeds) if min(map(len, seeds)) > 1 else _over_items(*seeds, pair)
        alike = {} if pair is None else _alike(pair)
        against.append(Against(base.name, other.name, found, _users(base, other, notes), alike))
    if any(len(side.matrices) == 1 for side in sides):
        notes.append("seed noise unknown where a side has one seed: no difference is marked there")
    return Compared(name, sides, against, _profiles(sides), notes)


def _over_seeds(a: Sequence[Analysis], b: Sequence[Analysis]) -> list[Comparison]:
    def by_measure(side: Sequence[Analysis]) -> dict[str, list[float | None]]:
        return {name: [one.values.get(name) for one in side] for name in side[0].measures}

    return compare_seeds(by_measure(a), by_measure(b))


def _over_items(a: Sequence[Analysis], b: Sequence[Analysis], pair: Pair | None) -> list[Comparison]:
    """Compare the lowest seeds: with the noise of items where the two have the same."""
    if pair is not None:
        with suppress(Undefined):  # too few rows to leave any out
            found = compare_matrices(_jackknife(pair.a, a[0]), _jackknife(pair.b, b[0]))
            return [one for one in found if one.measure in a[0].measures]
    return _over_seeds(a[:1], b[:1])


def _jackknife(rows: Rows, analysis: Analysis) -> Jackknife:
    """Judge what was measured; anew where the items that both sides have are not all of the matrix."""
    if len(rows) < analysis.rows:
        analysis = Analysis.of(rows, [MEASURES[name] for name in analysis.measures])
    return jackknife(rows, analysis)


def _pair(a: ItemMatrix, b: ItemMatrix, notes: list[str]) -> Pair | None:
    """The two matrices over the items that both have, or None where these are not known."""
    first, second = (Rows(matrix.values, matrix.frequency) for matrix in (a, b))
    if a.ids is None or b.ids is None:
        if len(first) == len(second):
            notes.append(f"{b.path} is taken to have the items of {a.path}, row by row: one has no ids")
            return Pair(first, second)
        notes.append(f"{a.path} and {b.path} have no ids and not as many rows: not compared item by item")
        return None
    if a.ids == b.ids:
        return Pair(first, second)
    try:
        rows_a, rows_b = matched(a.ids, b.ids)
    except UserError as error:
        notes.append(f"{a.path} and {b.path} are not compared item by item: {error}")
        return None
    notes.append(f"{a.path} and {b.path} share {len(rows_a):,} items; differences over items are of these")
    order = np.argsort(rows_b)
    shared = first.take(rows_a), second.take(rows_b[order])
    back = np.argsort(order)
    frequency = None if shared[1].frequency is None else shared[1].frequency[back]
    return Pair(shared[0], Rows(shared[1].values[back], frequency))


def _alike(pair: Pair) -> dict[str, float]:
    found = {}
    for name, comparison in COMPARISONS.items():
        with suppress(Undefined):
            found[name] = float(comparison(pair))
    return found


def _users(a: Side, b: Side, notes: list[str]) -> list[Comparison]:
    """Accuracy of the lowest seeds, paired over users, where both have exported the ranks of the same
    users.
    """
    if not (a.runs and b.runs):
        return []
    runs = (a.runs[0], b.runs[0])
    if missing := [run for run in runs if not (run.path / EXPORT / "ranks.npy").exists()]:
        notes += [f"accuracy over users needs ranks: `degen export {run.path}`" for run in missing]
        return []
    from degen.studies.user_ranks import exported_users, known_ranks, user_accuracy  # brings PyTorch

    first, second = (known_ranks(run, notes) for run in runs)
    if first is None or second is None:
        return []
    if exported_users(runs[0]) != exported_users(runs[1]):
        notes.append(f"{runs[0].path} and {runs[1].path} rank other users: accuracy is not compared")
        return []
    return compare_users(user_accuracy(first), user_accuracy(second))


def _profiles(sides: Sequence[Side]) -> dict[str, list[dict[str, float]]]:
    return {
        side.name: [popularity_profile(rows) for rows in side.rows]
        for side in sides
        if all(rows.frequency is not None for rows in side.rows)
    }


def comparison_rows(compared: Compared) -> list[dict[str, Any]]:
    """Return a flat row for every measure, accuracy and likeness of every side, for CSV and JSON."""
    rows = []
    for one in compared.against:
        about = {"dataset": compared.name, "against": one.base, "side": one.other}
        for kind, found in (("embeddings", one.measures), ("users", one.users)):
            rows += [about | {"kind": kind} | _flat(comparison) for comparison in found]
        rows += [
            about | {"kind": "alike", "measure": name, "value": value} for name, value in one.alike.items()
        ]
    return rows


def _flat(one: Comparison) -> dict[str, Any]:
    low, high = one.interval or (None, None)
    return {
        "measure": one.measure,
        "against_value": _finite(one.a),
        "value": _finite(one.b),
        "difference": _finite(one.difference),
        "low": low,
        "high": high,
        "noise": one.noise,
        "method": one.method,
        "p": one.p,
        "adjusted_p": one.adjusted_p,
        "marked": one.marked,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
