"""The paper's claims, judged from run directories alone: no log is read and nothing is ranked anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.measures.isotropy import average_cosine
from degen.analysis.measures.spectrum import sigma2_ratio
from degen.errors import UserError
from degen.evaluation.ranking import Ranks
from degen.evaluation.stored_ranks import known_ranks, other_ties
from degen.runs.best import best_epoch, common_epoch
from degen.runs.directory import RunDirectory
from degen.studies.claims import JUDGED, Claim, Geometry, Trained, check_claims
from degen.variant_names import variant_label


def judge(runs: Mapping[str, RunDirectory], notes: list[str], *, strict: bool = False) -> list[Claim]:
    """Test the paper's claims against one run of each variant; see `degen.studies.claims`.

    Parameters
    ----------
    runs
        of one dataset, by the names of their series, each with item embeddings and a finished epoch. A
        variant that its settings part into several series is not judged.
    notes
        gets what the user should know: ranks that are missing or old, variants that are not judged.
    strict
        whether damaged embeddings of an epoch are an error; else nothing is judged of their run alone.
    """
    parted = {run.variant for label, run in runs.items() if label != run.variant}
    if split := [variant for variant in JUDGED if variant in parted]:
        labels = ", ".join(map(variant_label, split))
        notes.append(f"no claim about {labels} is judged: its runs differ in more than the seed")
    judged = {variant: runs[variant] for variant in JUDGED if variant in runs}
    # A run that has just begun must not keep those that are done from being compared at an epoch of theirs.
    done = [run for run in judged.values() if run.state == "finished"]
    epoch = common_epoch(list(judged.values())) or common_epoch(done)
    results = {}
    for variant, run in judged.items():
        try:
            results[variant] = trained(run, epoch, known_ranks(run, notes))
        except UserError as error:
            if strict:
                raise
            notes.append(f"no claim about {variant_label(variant)} is judged: {error}")
    done = [run for run in done if run.variant in results]
    notes += other_ties(judged.values())
    claims = check_claims(results)
    without = [str(run.path) for run in done if results[run.variant].ranks is None]
    if without and len(results) > 1:
        notes.append(
            "claims about accuracy are not judged where the users' ranks are missing; `degen export RUN` "
            f"writes those of a run: {', '.join(without)}"
        )
    return claims


def trained(run: RunDirectory, common: int | None, ranks: Ranks | None) -> Trained:
    """Return what the claims look at of a run: at its best epoch, and at the `common` one if it kept that."""
    best = best_epoch(run)
    epochs = [row for row in run.metrics if best is None or row["epoch"] <= best]
    frequency = run.item_frequency
    kept = common is not None and common in run.kept_epochs
    return Trained(
        variant=run.variant,
        ranks=ranks,
        best=_geometry(run.item_embeddings, frequency, best or len(epochs)),
        common=_geometry(run.embeddings_of(common), frequency, common) if common and kept else None,
        epochs=epochs,
        finished=run.state == "finished",
    )


def _geometry(V: npt.NDArray[Any], frequency: npt.NDArray[np.int64], epoch: int) -> Geometry:
    rarer = np.argsort(frequency, kind="stable")[: len(frequency) // 2]
    return Geometry(epoch, sigma2_ratio(V), average_cosine(V[rarer]))
