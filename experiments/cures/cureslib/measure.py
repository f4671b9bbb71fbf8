"""Measurements of a run: accuracy by the target's popularity, and the geometry of the scored items."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cureslib.methods import CURED_AFTERWARDS, KIND_OF
from degen.analysis import average_cosine, effective_rank, sigma2_ratio
from degen.analysis.passes.buckets import Buckets
from degen.analysis.postprocess import POST_PROCESSES, post_process
from degen.analysis.statistics.differences import over_seeds as interval
from degen.errors import UserError
from degen.evaluation.ranking import Ranks, discounted_gain, ranking_metrics
from degen.evaluation.recommended import by_popularity
from degen.evaluation.restore import Restored, restore
from degen.runs.directory import RunDirectory, find_runs

METRICS = ("NDCG@10", "HR@10")
PARTS = ("all", "head", "mid", "tail", "cold")
GEOMETRY = ("average_cosine", "average_cosine_tail", "effective_rank", "sigma2_ratio")
VALUES = (*(f"{metric}_{part}" for metric in METRICS for part in PARTS), "difference", *GEOMETRY)
"""The columns of numbers; `difference` is that of NDCG@10 to the baseline of the same seed."""

Row = dict[str, Any]


def collect(folder: Path) -> list[Row]:
    """Return a row for every run below `folder`, and for the post-processed items of the baseline's.

    Raises
    ------
    UserError
        where there is no run, or one whose name is no method's.
    """
    rows: list[Row] = []
    baselines: dict[tuple[str, int], Ranks] = {}
    for run in sorted(find_runs(folder), key=_baseline_first):
        if _method(run) not in KIND_OF:
            raise UserError(f"{run.path} is of no method of this study; move it elsewhere")
        if not run.metrics:  # not an epoch is whole yet
            continue
        restored = restore(run, "cpu")
        for name, V in _scored(run, restored):
            ranks = restored.ranks("test", V)
            if name == CURED_AFTERWARDS:
                baselines[run.dataset, run.seed] = ranks
            baseline = baselines.get((run.dataset, run.seed))
            rows.append({"dataset": run.dataset, "method": name, **_row(restored, V, ranks, baseline)})
    if not rows:
        raise UserError(f"no run under {folder} has a whole epoch yet; wait for one")
    return rows


def _row(restored: Restored, V: Tensor, ranks: Ranks, baseline: Ranks | None) -> Row:
    """Return the measurements of one matrix of items, scored with the encoder of a run."""
    run = restored.run
    return {
        "seed": run.seed,
        "state": run.state,
        "epochs": len(run.metrics),
        "best_epoch": restored.epoch,
        **_accuracy(ranks, restored.samples("test").targets - 1, run.item_frequency),
        **_difference(ranks, baseline),
        **_geometry(V, run.item_frequency),
        "epoch_seconds": min(line["train_seconds"] for line in run.metrics),
    }


def _method(run: RunDirectory) -> str:
    return run.path.name.rsplit("-s", 1)[0]


def _baseline_first(run: RunDirectory) -> tuple[str, bool, str, int]:
    method = _method(run)
    return run.dataset, method != CURED_AFTERWARDS, method, run.seed


def _scored(run: RunDirectory, restored: Restored) -> Iterator[tuple[str, Tensor]]:
    """Yield the item embeddings that are scored: the run's own, and the baseline's post-processed."""
    V = restored.encoder.real_item_embeddings().detach()
    yield _method(run), V
    if _method(run) == CURED_AFTERWARDS:
        for name in POST_PROCESSES:
            yield name, post_process(V, name)


def _accuracy(ranks: Ranks, targets: npt.NDArray[np.int64], frequency: npt.NDArray[np.int64]) -> Row:
    parts = {"all": {**ranking_metrics(ranks)}, **by_popularity(ranks, targets, frequency)}
    return {f"{name}_{part}": parts.get(part, {}).get(name) for name in METRICS for part in PARTS}


def _difference(ranks: Ranks, baseline: Ranks | None) -> Row:
    """NDCG@10 less the baseline's, and the standard error over the users of both; None without a baseline."""
    if baseline is None:
        return {"difference": None, "difference_se": None}
    gains = discounted_gain(ranks, 10) - discounted_gain(baseline, 10)
    return {
        "difference": float(gains.mean()),
        "difference_se": float(gains.std(ddof=1) / math.sqrt(len(gains))),
    }


def _geometry(V: Tensor, frequency: npt.NDArray[np.int64]) -> Row:
    buckets = Buckets.cut(frequency)
    tail = V[torch.from_numpy(buckets.codes == buckets.names.index("tail"))]
    values = average_cosine(V), average_cosine(tail), effective_rank(V), sigma2_ratio(V)
    return dict(zip(GEOMETRY, map(float, values), strict=True))


def over_seeds(rows: Sequence[Row]) -> list[Row]:
    """Return one row a dataset and method: the mean of each value over its seeds, and `<value>_half`, half
    the width of its 95 % interval; None for a single seed.
    """
    summaries = []
    for dataset, method in dict.fromkeys((row["dataset"], row["method"]) for row in rows):
        own = [row for row in rows if (row["dataset"], row["method"]) == (dataset, method)]
        summary: Row = {"dataset": dataset, "method": method, "kind": KIND_OF[method], "seeds": len(own)}
        summary["best_epoch"] = statistics.median(row["best_epoch"] for row in own)
        summary["difference_se"] = own[0]["difference_se"] if len(own) == 1 else None
        summary["state"] = "finished" if all(row["state"] == "finished" for row in own) else "unfinished"
        for name in VALUES:
            values = [row[name] for row in own if row[name] is not None]
            summary[name] = statistics.fmean(values) if values else None
            several = interval(values) if len(values) > 1 else None
            summary[f"{name}_half"] = (several.high - several.low) / 2 if several else None
        summaries.append(summary)
    return summaries
