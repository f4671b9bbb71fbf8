"""Write study folders file by file: plan, cells and the files of finished cells, with or without training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from degen.config.schema import Config
from degen.config.settle import by_group, settle

GEOMETRY = ("sigma2_ratio", "effective_rank", "average_cosine", "uniformity", "alignment")
RANKING = [f"{name}@{k}" for k in (5, 10, 20) for name in ("HR", "NDCG", "MRR")]


@dataclass(frozen=True)
class PlannedCell:
    """A cell of a study that a test writes, for each of its seeds."""

    axes: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    control: str | None = None
    seeds: Sequence[int] = (0,)
    dataset: str = "toy"

    @property
    def id(self) -> str:
        text = json.dumps([self.dataset, dict(self.axes), dict(self.settings)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    def config(self, seed: int) -> Config:
        flat = {key.rpartition(".")[2]: value for key, value in self.axes.items()}
        return settle(options=by_group({"dataset": "synthetic", **self.settings, **flat, "seed": seed}))


def product(axes: Mapping[str, Sequence[Any]], **about: Any) -> list[PlannedCell]:
    """The cells of all combinations of the axes' values."""
    cells: list[dict[str, Any]] = [{}]
    for key, values in axes.items():
        cells = [{**cell, key: value} for cell in cells for value in values]
    return [PlannedCell(cell, **about) for cell in cells]


def write_study(
    out: Path,
    cells: Iterable[PlannedCell],
    write: Callable[[Path, PlannedCell, Config], None],
    study: Mapping[str, Any] | None = None,
    done: Mapping[str, Any] | None = None,
) -> Path:
    """Write a study folder whose runs `write` makes, in `cells` beside it, each with its file in `done/`."""
    (out / "done").mkdir(parents=True)
    (out / "failed").mkdir()
    (out / "study.toml").write_text(tomli_w.dumps({"study": dict(study or {})}), encoding="utf-8")
    lines = []
    for cell in cells:
        for seed in cell.seeds:
            config = cell.config(seed)
            name = f"{cell.id}-s{seed}"
            run = Path("..") / "cells" / cell.dataset / config.objective.variant / name
            row = {"id": cell.id, "dataset": cell.dataset, "seed": seed, "run": str(run)}
            row |= {"axes": dict(cell.axes), "control": cell.control, "config": config.model_dump()}
            lines.append(json.dumps(row))
            folder = out.parent / "cells" / cell.dataset / config.objective.variant / name
            if not folder.exists():
                write(folder, cell, config)
            (out / "done" / name).write_text(
                json.dumps({"seconds": 1.5, "cpu": "a processor", **(done or {})})
            )
    (out / "plan.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return out


def pretend(
    epochs: int = 4,
    best: int = 3,
    value: Callable[[PlannedCell, int], float] = lambda cell, seed: 0.1 + 0.01 * seed,
    **environment: Any,
) -> Callable[[Path, PlannedCell, Config], None]:
    """A writer of runs whose test HR@5 is `value`, and whose other numbers follow from it.

    In an epoch e the validation metrics are `value · e / best` up to the best one, and half of that after it.
    Other ranking metrics are HR@5 times 1, 2, 3 … in the order of `RANKING`; geometry is HR@5 times -1, -2 ….
    """

    def write(folder: Path, cell: PlannedCell, config: Config) -> None:
        folder.mkdir(parents=True)
        seed = config.training.seed
        base = value(cell, seed)
        data = config.data.model_copy(update={"name": cell.dataset, "fingerprint": "f" * 64})
        config.model_copy(update={"data": data}).write(folder / "config.toml")
        rows = []
        for epoch in range(1, epochs + 1):
            size = base * epoch / best * (1 if epoch <= best else 0.5)
            row = {"epoch": epoch}
            row |= {f"valid_{name}": size * (place + 1) for place, name in enumerate(RANKING)}
            row |= {name: -size * (place + 1) for place, name in enumerate(GEOMETRY)}
            rows.append(row)
        (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        test = {name: base * (place + 1) for place, name in enumerate(RANKING)}
        test |= {"epoch": best, "split": "test", "users": 100}
        (folder / "test.json").write_text(json.dumps(test))
        known = {"degen": "0.1.0", "torch": "2.4", "device": "cpu", "threads": 1, "commit": "c0ffee"}
        (folder / "environment.json").write_text(json.dumps(known | environment))
        np.save(folder / "item_embeddings.npy", np.random.default_rng(seed).normal(size=(30, 4)).astype("f4"))
        np.save(folder / "item_frequency.npy", np.arange(30))
        (folder / "items.txt").write_text("".join(f"i{item}\n" for item in range(30)))

    return write
