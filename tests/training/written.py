"""All that a run wrote, for comparisons to the bit."""

from __future__ import annotations

from pathlib import Path

import tiny_runs
from safetensors import safe_open

from degen.runs.directory import RunDirectory
from degen.training.plan import train_many

TIMES = {"train_seconds", "eval_seconds", "samples_per_second"}


def result(out: Path) -> dict[str, object]:
    """All that a run wrote, to the bit, but for times, versions and settings that may change.

    The hash of the settings in the metadata of checkpoints is left out too.
    """
    rows = [
        {key: value for key, value in row.items() if key not in TIMES} for row in RunDirectory(out).metrics
    ]
    skipped = ("metrics.jsonl", "config.toml", "environment.json", "manifest.json")
    files = {
        str(path.relative_to(out)): contents(path)
        for path in out.rglob("*")
        if path.is_file() and path.name not in skipped
    }
    return {"rows": rows, **files}


def contents(path: Path) -> object:
    if path.suffix != ".safetensors":
        return path.read_bytes()
    with safe_open(path, framework="np") as file:  # the order of metadata in the file is not fixed
        about = {key: value for key, value in file.metadata().items() if key != "config"}
        return about, {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118


class Stack:
    """Seeds of SCL that train together, in a folder per name, as often as they are wanted."""

    def __init__(self, log: Path, folder: Path, seeds: int, **settings: object):
        self.folder, self.seeds = folder, range(seeds)
        self.configs = [
            tiny_runs.tiny_config(log, seed=seed, variant="scl", **settings) for seed in self.seeds
        ]

    def outs(self, name: object) -> list[Path]:
        return [self.folder / str(name) / f"s{seed}" for seed in self.seeds]

    def train(self, name: object, **flags: bool) -> None:
        train_many(self.configs, self.outs(name), stack=True, **flags)

    def results(self, name: object) -> list[dict[str, object]]:
        return [result(out) for out in self.outs(name)]
