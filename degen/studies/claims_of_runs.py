"""What the paper's claims look at, from run directories alone: no log is read and nothing is ranked anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.measures.isotropy import average_cosine
from degen.analysis.measures.spectrum import sigma2_ratio
from degen.embeddings.formats.numpy_files import read_npy
from degen.runs.best import best_row
from degen.runs.directory import EMBEDDINGS, RunDirectory
from degen.studies.claims import Claim, Geometry, Trained, check_claims
from degen.studies.user_ranks import known_ranks

_VARIANTS = ("sasrec", "ucl", "scl", "duorec")


def judge(runs: Mapping[str, RunDirectory], notes: list[str]) -> list[Claim]:
    """Hold the paper's claims against one run of each variant; see `degen.studies.claims`.

    Parameters
    ----------
    runs
        of one dataset, by variant, each with item embeddings and a finished epoch. Variants that no claim
        speaks of are passed over.
    notes
        gets what the user should know: ranks that are missing or old.
    """
    judged = {variant: runs[variant] for variant in _VARIANTS if variant in runs}
    # A run that has just begun must not keep those that are done from being compared at an epoch of theirs.
    done = [run for run in judged.values() if run.state == "finished"]
    epoch = common_epoch(list(judged.values())) or common_epoch(done)
    results = {variant: _trained(run, epoch, notes) for variant, run in judged.items()}
    claims = check_claims(results)
    without = [str(run.path) for run in done if results[run.variant].ranks is None]
    if without and len(results) > 1:
        notes.append(f"accuracy needs the users' ranks; `degen export RUN` writes them: {', '.join(without)}")
    return claims


def common_epoch(runs: Sequence[RunDirectory]) -> int | None:
    """Return the last epoch whose item embeddings all of the runs kept, or None."""
    kept = [set(_kept(run)) for run in runs]
    return max(set.intersection(*kept), default=None) if kept else None


def _kept(run: RunDirectory) -> dict[int, Path]:
    """The files `embeddings/e###.npy` of a run by their epochs."""
    files = (run.path / EMBEDDINGS).glob("e*.npy")
    return {int(file.stem[1:]): file for file in files if file.stem[1:].isdecimal()}


def best_epoch(run: RunDirectory) -> int | None:
    """Return the epoch that `item_embeddings.npy` is of: the best one so far, by what the run stops on.

    None where neither `test.json` nor the lines of `metrics.jsonl` tell; those of `degen.Monitor` name it.
    """
    if run.state == "finished" and isinstance(run.test.get("epoch"), int):
        return int(run.test["epoch"])
    if run.metrics and isinstance(run.metrics[-1].get("best_epoch"), int):
        return int(run.metrics[-1]["best_epoch"])
    settings = run.config.get("training", {})
    stop_on = settings.get("stop_on", "NDCG@10")
    scored = [row for row in run.metrics if isinstance(row.get(f"valid_{stop_on}"), int | float)]
    return int(best_row(scored, stop_on, settings.get("stop_decimals"))["epoch"]) if scored else None


def _trained(run: RunDirectory, common: int | None, notes: list[str]) -> Trained:
    best = best_epoch(run)
    epochs = [row for row in run.metrics if best is None or row["epoch"] <= best]
    frequency = run.item_frequency
    kept = None if common is None else _kept(run).get(common)
    return Trained(
        variant=run.variant,
        ranks=known_ranks(run, notes),
        best=_geometry(run.item_embeddings, frequency, best or len(epochs)),
        common=None if kept is None or common is None else _geometry(read_npy(kept)[:], frequency, common),
        epochs=epochs,
        finished=run.state == "finished",
    )


def _geometry(V: npt.NDArray[Any], frequency: npt.NDArray[np.int64], epoch: int) -> Geometry:
    rarer = np.argsort(frequency, kind="stable")[: len(frequency) // 2]
    return Geometry(epoch, sigma2_ratio(V), average_cosine(V[rarer]))
