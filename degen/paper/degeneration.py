"""Degeneration of every method side by side: measures of V, of h and of what is recommended.

One table has a row per method at each run's best epoch. Another has the measures of V at the common epoch, if
the runs kept their item embeddings then: 20 epochs, and of a method with fewer targets per epoch the number
with as many targets. Models of other epochs than the best are not kept, so that table has no measures of use.

Measures of a run are written to `measures/` in the study's folder and are taken once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from degen.embeddings.item_matrix import open_run
from degen.files import write_json
from degen.paper.comparison import caption, mean_text
from degen.paper.measured import Measured
from degen.paper.targets import Target
from degen.runs.directory import PRETRAIN_EMBEDDINGS, RunDirectory
from degen.tables.table import Cell, Column, Table
from degen.variant_names import variant_label

MEASURES = "measures"

V_COLUMNS = {
    "sigma2_ratio": "σ₂/σ₁",
    "participation_ratio": "participation ratio",
    "participation_ratio_centered": "the same minus the mean row",
    "mean_energy_share": "share of the mean row",
    "average_cosine": "cosine, all",
    "tail_average_cosine": "cosine, tail",
    "head_average_cosine": "cosine, head",
    "spearman_norm": "Spearman(frequency, norm)",
}
"""Measures of V by their names in `degen analyze`, with the titles of their columns."""

USE_COLUMNS = {
    "bias_frequency_spearman": "Spearman(frequency, bias)",
    "bias_variance_share": "bias's share of the scores' variance",
    "uniformity_h": "uniformity of h (Eq. 7)",
    "catalogue_coverage@10": "coverage@10",
    "NDCG@10": "NDCG@10",
    "NDCG@10@head": "NDCG@10, head",
    "NDCG@10@tail": "NDCG@10, tail",
}
"""Measures that need the model or an item bias, at the best epoch alone."""

_FIRST = ("NDCG@10", "sigma2_ratio", "average_cosine", "tail_average_cosine")
"""Measures that stand first, so that a narrow terminal shows them."""


def measure_runs(
    target: Target, rows: Sequence[Measured], folder: Path, common: int | None
) -> list[dict[str, Any]]:
    """Return the measures of each run, flat, with `best_` and `common_` before their names.

    A run of two stages has a second row for V after the first stage.

    Parameters
    ----------
    folder
        of the study, where the measures are kept.
    common
        the study's common epoch; None for none.
    """
    found = []
    for row in rows:
        epoch = target.common_epoch(row.dataset, row.method, common)
        path = folder / MEASURES / f"{row.planned.name}.json"
        values = _kept(path, row.run, epoch)
        if values is None:
            values = _measured(row.run, epoch)
            write_json(path, {"epoch": row.run.test["epoch"], "common": epoch, "values": values})
        about = {"dataset": row.dataset, "method": row.method, "cell": row.planned.id, "seed": row.seed}
        found.append({**about, **values})
        if (row.run.path / PRETRAIN_EMBEDDINGS).exists():
            first = _of_matrix(row.run.array(PRETRAIN_EMBEDDINGS), row.run)
            about["method"] = f"{row.method} pre-trained"
            found.append({**about, **{f"best_{name}": value for name, value in first.items()}})
    return found


def degeneration_table(target: Target, measures: Sequence[Mapping[str, Any]], moment: str = "best") -> Table:
    """Return the means over seeds, ± half of their 95 % intervals, at the `best` or the `common` epoch."""
    columns = {**(USE_COLUMNS if moment == "best" else {}), **V_COLUMNS}
    columns = {name: columns[name] for name in sorted(columns, key=lambda name: name not in _FIRST)}
    known = {
        name: title
        for name, title in columns.items()
        if any(values.get(f"{moment}_{name}") is not None for values in measures)
    }
    cells: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for values in measures:
        if any(values.get(f"{moment}_{name}") is not None for name in known):
            cells.setdefault((values["dataset"], values["method"]), []).append(values)
    lines = [
        [
            Cell(variant_label(method)),
            Cell(str(len(members))),
            *(Cell(mean_text([values.get(f"{moment}_{name}") for values in members])) for name in known),
        ]
        for (_, method), members in cells.items()
    ]
    datasets = [dataset for dataset, _ in cells]
    titles = [Column("method", "text"), Column("n"), *map(Column, known.values())]
    when = "each run's best epoch" if moment == "best" else "a common number of training targets"
    note = f"at {when}; ± half of the 95 % interval over n seeds (Student's t)"
    sections = datasets if len(set(datasets)) > 1 else ()
    return Table(f"{target.name}-{moment}", f"{caption(target)}, at {when}", titles, lines, note, sections)


def _kept(path: Path, run: RunDirectory, common: int | None) -> dict[str, float | None] | None:
    """Return the measures that were written for this best and this common epoch, if they were."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        fits = (found["epoch"], found["common"]) == (run.test["epoch"], common)
        return dict(found["values"]) if fits else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _measured(run: RunDirectory, common: int | None) -> dict[str, float | None]:
    best: dict[str, float | None] = {**_of_matrix(run.item_embeddings, run), **_of_use(run)}
    values = {f"best_{name}": value for name, value in best.items()}
    if common is not None and common in run.kept_epochs:
        later = _of_matrix(run.embeddings_of(common), run)
        values |= {f"common_{name}": value for name, value in later.items()}
    return values


def _of_matrix(V: npt.NDArray[Any], run: RunDirectory) -> dict[str, float | None]:
    from degen.studies.analyze import analyze

    found = analyze(V, frequency=run.item_frequency, measures=list(V_COLUMNS)).values
    return {name: _finite(found.get(name)) for name in V_COLUMNS}


def _of_use(run: RunDirectory) -> dict[str, float | None]:
    """Return what the model of the best epoch makes of its test users."""
    from degen.analysis.measures.alignment import uniformity
    from degen.analysis.passes.rows import Rows
    from degen.evaluation.evaluate import representations
    from degen.evaluation.recommended import recommend
    from degen.evaluation.restore import restore
    from degen.studies.item_bias import bias_values

    restored = restore(run)
    h = representations(restored.encoder, restored.samples("test")).detach().cpu().numpy()
    shown = recommend(restored).measures(run.item_frequency)
    values = {name: _finite(shown.get(name)) for name in USE_COLUMNS if name in shown}
    of_bias = bias_values(open_run(run), None, h)
    return {
        **values,
        **{name: _finite(value) for name, value in of_bias.items()},
        "uniformity_h": _finite(uniformity(Rows(h))),
        "NDCG@10": _finite(run.test["NDCG@10"]),
    }


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
