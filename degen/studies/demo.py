"""`degen demo`: the embedded dataset, four variants trained on it, the paper's claims tested on them.

    run_demo ─► train sasrec, ucl, scl, duorec ─► Fig. 3 and 5 ─► Demo (rows, claims, figures)
                runs/demo/<variant>-s<seed>       runs/demo/figures   runs/demo/demo.json

The settings are the paper's (λ 0.1, τ 1) apart from dropout 0.4, batch size 64 and learning rate 0.002, since
12,000 samples would be only 47 batches of 256. Lowest and highest values over the seeds 0, 1, 2 and 4, which
seed both dataset and training:

                              sasrec           ucl              scl              duorec
    NDCG@10                   0.210 to 0.215   0.196 to 0.209   0.211 to 0.221   0.215 to 0.220
    σ₂/σ₁, best epoch         0.16 to 0.18     0.18 to 0.19     0.31 to 0.32     0.32 to 0.34
    σ₂/σ₁, epoch 8            0.20 to 0.23     0.25 to 0.26     0.31 to 0.32     0.32 to 0.34
    rarer half's cosine       0.71 to 0.74     0.65 to 0.67     0.42 to 0.43     0.41 to 0.43
    the same, epoch 8         0.52 to 0.55     0.43 to 0.46     0.42 to 0.43     0.41 to 0.43

Popularity has an NDCG@10 of 0.031 to 0.033, a chain from the last item 0.169 to 0.176. So sasrec's cone and
the spread of scl and duorec show with every seed, at the best and at a common epoch. duorec is above sasrec
by 0.004 to 0.006, each time within two standard errors (0.0034). ucl spreads the rare items a little and is
below sasrec by 0.006 to 0.015.

Other settings that were tried:

    learning rate 0.003, dropout 0.4 or 0.5      sasrec stays at popularity for epochs, with one seed in five
    dropout 0.3, batch 128, rate 0.002, λ 0.05   0.221 against sasrec's 0.216, which spreads too by epoch 8
    dropout 0.3, batch 64, rate 0.002, λ 0.03    0.221 against 0.209; σ₂/σ₁ only 0.07 apart
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from degen.build import run_place
from degen.config.schema import Config
from degen.config.settle import by_group, merge, settle
from degen.evaluation.export import export
from degen.evaluation.restore import restore
from degen.evaluation.stored_ranks import known_ranks
from degen.files.outputs import output_path
from degen.files.writing import write_json
from degen.runs.directory import EXPORT, FIGURES, RunDirectory
from degen.studies.claims import Claim
from degen.studies.claims_of_runs import judge
from degen.studies.figure_files import FigureOptions
from degen.studies.over_epochs.uniformity import draw_uniformity
from degen.studies.svd import draw_svd
from degen.training.children.server import calling
from degen.training.plan import Watch, train_many
from degen.training.resumption import refuse

VARIANTS = ("sasrec", "ucl", "scl", "duorec")

SETTINGS: dict[str, Any] = {
    "dataset": "synthetic",
    "recipe": "paper",
    "dropout": 0.4,
    "batch_size": 64,
    "learning_rate": 0.002,
    "lambda": 0.1,
    "epochs": 8,
    "probe_samples": 1024,
    "threads": 1,
}

SUMMARY = "demo.json"


@dataclass(frozen=True)
class Demo:
    """Result of the demo: a `summary_row` per variant, claims, figures, and the runs that were used again."""

    rows: list[dict[str, Any]]
    claims: list[Claim]
    figures: list[Path]
    reused: list[Path]

    def as_json(self) -> dict[str, Any]:
        """The same in lists and dictionaries."""
        return {
            "variants": self.rows,
            "claims": [asdict(claim) for claim in self.claims],
            "figures": [str(path) for path in self.figures],
            "reused": [str(path) for path in self.reused],
        }


def demo_configs(seed: int = 0, **settings: Any) -> list[Config]:
    """Return the configuration of each variant; `seed` is that of the dataset and of the training.

    `settings` go over the demo's own, by their keys without the group; those that are None change nothing.
    """
    given = {key: value for key, value in settings.items() if value is not None}
    flat = {**SETTINGS, "seed": seed, "data_seed": seed, **given}
    # The last epoch is kept for comparisons at an epoch that all runs have; patience must not cut one short.
    flat |= {"keep_embeddings": flat["epochs"], "patience": flat["epochs"]}
    return [settle(options=merge(by_group(flat), {"objective": {"variant": name}})) for name in VARIANTS]


def run_demo(
    out: Path, configs: list[Config], watch: Watch, *, workers: int = 1, overwrite: bool = False
) -> Demo:
    """Train the runs that are missing, measure, draw and write `demo.json`.

    A finished run of the same configuration below `out` is used again, and an unfinished one is continued.
    With `overwrite` both are trained anew. `watch` and `workers` are those of `train_many`.

    Raises
    ------
    UserError
        if a run of another configuration is in the way.
    Interrupted
        after Ctrl-C.
    """
    folders = [run_place(config, above=out) for config in configs]
    for config, folder in zip(configs, folders, strict=True):
        refuse(config, folder, resume=not overwrite, overwrite=overwrite)
    reused = [folder for folder in folders if not overwrite and RunDirectory(folder).state == "finished"]
    # Side by side the slowest variants, which are the last, start first, so that no core waits for one.
    order = slice(None, None, -1 if workers > 1 else 1)
    options: dict[str, Any] = {"resume": not overwrite, "overwrite": overwrite, "progress": watch}
    runs = train_many(configs[order], folders[order], stack=False, workers=workers, **options)[order]
    look = FigureOptions(out=out / FIGURES, plain_names=True)
    with calling(draw_svd, folders, look=look, beside=workers > 1) as clouds:
        claims = _claims(runs)
        trajectories = draw_uniformity(folders, look=look)
        figures = [*clouds().files, *trajectories.files]
    demo = Demo([summary_row(run) for run in runs], claims, figures, reused)
    write_json(out / SUMMARY, demo.as_json(), output_path)
    return demo


def _claims(runs: Sequence[RunDirectory]) -> list[Claim]:
    """Judge the claims as `degen report` does, from the files of the runs."""
    for run in runs:
        if known_ranks(run, []) is None:  # a reused run of an older version, which left no ranks
            export(restore(run), "test", run.path / EXPORT)
    return judge({run.variant: run for run in runs}, [], strict=True)


def summary_row(run: RunDirectory) -> dict[str, Any]:
    """Return a finished run's test metrics with the geometry of its best epoch, flat."""
    best = run.metrics[run.test["epoch"] - 1]
    geometry = ("sigma2_ratio", "effective_rank", "average_cosine", "uniformity")
    return {
        "variant": run.variant,
        **{name: run.test[name] for name in ("HR@5", "NDCG@5", "HR@10", "NDCG@10")},
        **{name: best[name] for name in geometry},
        "epoch": run.test["epoch"],
        "run": str(run.path),
    }
