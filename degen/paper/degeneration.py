"""Degeneration of every method side by side: measures of V, of h and of what is recommended.

One table has a row per method at each run's best epoch. Another has the measures of V where the methods have
had as many training targets as 20 epochs of training samples have (`degen.paper.counting`), or as near to it
as item embeddings were kept. Targets of pre-training are not counted for that. On logs that are trained
briefly all methods are compared at one epoch. Models of other epochs than the best are not kept, so that the
second table has no measures of use. Both say how many targets the methods have had, pre-training included.

Measures of a run are written to `measures/` in the study's folder and are taken once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from statistics import mean
from typing import Any

import numpy.typing as npt

from degen.config.schema import Config
from degen.config.settle import settle
from degen.embeddings.item_matrix import open_run
from degen.files.parse import read_json
from degen.files.writing import write_json
from degen.paper.comparison import caption, cell_label, mean_text
from degen.paper.counting import Targets, count_targets
from degen.paper.measured import Measured
from degen.paper.targets import Target
from degen.runs.directory import CONFIG, ITEM_EMBEDDINGS, PRETRAIN_EMBEDDINGS, RunDirectory
from degen.tables.table import Cell, Column, Table

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

MILLION = 1e6

_STAGE = "first_"
"""Before the names of measures of V after the first of two stages."""

TARGETS = {"targets": "targets, millions"}
"""Number of training targets until the epoch, pre-training included."""

_FIRST = ("NDCG@10", "sigma2_ratio", "average_cosine", "tail_average_cosine")
"""Measures that stand first, so that a narrow terminal shows them."""


def measure_runs(
    target: Target,
    rows: Sequence[Measured],
    folder: Path,
    common: int | None,
    notes: list[str] | None = None,
) -> list[dict[str, Any]]:
    """Return the measures of each run, flat, with `best_` and `common_` before their names.

    A run of two stages has a second row for V after the first stage.

    Parameters
    ----------
    folder
        of the study, where the measures are kept.
    common
        the study's common epoch, in epochs of training samples; None for none.
    notes
        gets a sentence about runs that have no item embeddings of the common epoch.
    """
    found: list[dict[str, Any]] = []
    lacking: list[str] = []
    count = counting()
    for row in rows:
        path = folder / MEASURES / f"{row.planned.name}.json"
        brief = target.brief.get(row.dataset)
        about = _about(row.run, common if brief is None else brief)
        values = _kept(path, about)
        if values is None:
            targets = count(settle(row.run.path / CONFIG))
            values = _measured(row.run, targets, epoch_compared(target, row, common, count))
            write_json(path, {**about, "values": values})
        if about["common"] is not None and not any(name.startswith("common_") for name in values):
            lacking.append(f"{row.dataset} {row.method} seed {row.seed}")
        found += _rows(row, values)
    if lacking and notes is not None:
        notes.append(
            f"no measures at the common epoch of {', '.join(lacking)}: they ended before it, or were trained "
            "without `keep_embeddings`"
        )
    return found


def counting() -> Callable[[Config], Targets]:
    """Return `count_targets`, which counts once for configurations that differ in the seed alone."""
    count = cache(lambda text: count_targets(Config.model_validate_json(text)))
    return lambda config: count(config.model_dump_json(exclude={"training": {"seed"}}))


def epoch_compared(
    target: Target, row: Measured, common: int | None, count: Callable[[Config], Targets]
) -> int | None:
    """Return the epoch at which tables compare a run with others; `common` is the study's common epoch."""
    if not target.measured:
        epoch = row.value("common_epoch")
        return None if epoch is None else int(epoch)
    if (brief := target.brief.get(row.dataset)) is not None or common is None:
        return brief
    config = settle(row.run.path / CONFIG)
    return count(config).epoch_of(common, config.training.keep_embeddings)


def _rows(row: Measured, values: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """Return the measures of a run as one row, or two for a run of two stages."""
    about = {"dataset": row.dataset, "method": row.method, "label": cell_label(row)}
    place = {**about, "cell": row.planned.id, "seed": row.seed, **row.axes}
    first = {
        f"best_{name.removeprefix(_STAGE)}": value
        for name, value in values.items()
        if name.startswith(_STAGE)
    }
    rows: list[dict[str, Any]] = [
        {**place, **{name: value for name, value in values.items() if not name.startswith(_STAGE)}}
    ]
    stage = {name: f"{about[name]} pre-trained" for name in ("method", "label")}
    return [*rows, {**place, **stage, **first}] if first else rows


def degeneration_table(target: Target, measures: Sequence[Mapping[str, Any]], moment: str = "best") -> Table:
    """Return the means over seeds, ± half of their 95 % intervals, at the `best` or the `common` epoch."""
    columns = {**(USE_COLUMNS if moment == "best" else {}), **V_COLUMNS, **TARGETS}
    first = _FIRST if moment == "best" else (*TARGETS, *_FIRST)
    columns = {name: columns[name] for name in dict.fromkeys([*first, *columns]) if name in columns}
    known = {
        name: title
        for name, title in columns.items()
        if any(values.get(f"{moment}_{name}") is not None for values in measures)
    }
    cells: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for values in measures:
        if any(values.get(f"{moment}_{name}") is not None for name in known):
            cells.setdefault((values["dataset"], values["label"]), []).append(values)
    lines = [
        [
            Cell(label),
            Cell(str(len(members))),
            *(Cell(_text(name, [values.get(f"{moment}_{name}") for values in members])) for name in known),
        ]
        for (_, label), members in cells.items()
    ]
    datasets = [dataset for dataset, _ in cells]
    titles = [Column("method", "text"), Column("n"), *map(Column, known.values())]
    when = "each run's best epoch" if moment == "best" else "about equally many training targets"
    note = f"at {when}; ± half of the 95 % interval over n seeds (Student's t)"
    if moment != "best":
        note += "\nequally many without pre-training, and as near as item embeddings were kept"
    sections = datasets if len(set(datasets)) > 1 else ()
    return Table(f"{target.name}-{moment}", f"{caption(target)}, at {when}", titles, lines, note, sections)


def _text(name: str, values: Sequence[float | None]) -> str:
    """Return a cell of the table; a count has no interval, and ratios of around 20 have one decimal."""
    if name in TARGETS and (known := [value for value in values if value is not None]):
        return f"{mean(known):.2f}"
    return mean_text(values, decimals(name))


def decimals(name: str) -> int:
    """Return the number of decimals of a measure in tables: ratios of around 20 have one."""
    return 1 if name.startswith("participation") else 4


def _about(run: RunDirectory, common: int | None) -> dict[str, Any]:
    """Return what the measures of a run depend on: its weights, and the best and the common epoch."""
    weights = sha256((run.path / ITEM_EMBEDDINGS).read_bytes()).hexdigest()
    return {"epoch": run.test["epoch"], "common": common, "item_embeddings": weights}


def _kept(path: Path, about: Mapping[str, Any]) -> dict[str, float | None] | None:
    """Return the measures that were written of these weights and epochs, if they were."""
    try:
        found = read_json(path)
        return dict(found["values"]) if all(found[key] == about[key] for key in about) else None
    except (ValueError, KeyError, TypeError):
        return None


def _measured(run: RunDirectory, targets: Targets, common: int | None) -> dict[str, float | None]:
    """Measure V and its use at the best epoch, V at the epoch `common`, and V after a first stage."""
    moments: dict[str, dict[str, float | None]] = {
        "best_": {**_of_matrix(run.item_embeddings, run), **_of_use(run)}
    }
    moments["best_"]["targets"] = targets.by(run.test["epoch"]) / MILLION
    if common is not None and common in run.kept_epochs:
        moments["common_"] = _of_matrix(run.embeddings_of(common), run)
        moments["common_"]["targets"] = targets.by(common) / MILLION
    if (run.path / PRETRAIN_EMBEDDINGS).exists():
        moments[_STAGE] = _of_matrix(run.array(PRETRAIN_EMBEDDINGS), run)
        moments[_STAGE]["targets"] = targets.pretraining / MILLION
    return {f"{moment}{name}": value for moment, values in moments.items() for name, value in values.items()}


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
