"""The run directory: the only thing that training and analysis share.

    runs/<dataset>/<variant>-s<seed>/
      config.toml environment.json metrics.jsonl trace.jsonl best.safetensors last.safetensors
      item_embeddings.npy item_bias.npy item_frequency.npy items.txt test.json
      embeddings/e###.npy figures/ tensorboard/

A run of two stages (s3rec-mip) has pretrain.safetensors, pretrain.jsonl, initial_embeddings.npy and
pretrain_embeddings.npy besides: V before the first stage and after it.

Every file appears whole or not at all (see `degen.files.writing`).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from degen.errors import UserError, nearest
from degen.files.parse import Unreadable, read_array
from degen.files.writing import is_temporary, write_text
from degen.runs.study import PLAN, is_study, study_runs

CONFIG = "config.toml"
ENVIRONMENT = "environment.json"
METRICS = "metrics.jsonl"
TRACE = "trace.jsonl"
BEST = "best.safetensors"
LAST = "last.safetensors"
PRETRAIN = "pretrain.safetensors"
PRETRAIN_METRICS = "pretrain.jsonl"
INITIAL_EMBEDDINGS = "initial_embeddings.npy"
PRETRAIN_EMBEDDINGS = "pretrain_embeddings.npy"
ITEM_EMBEDDINGS = "item_embeddings.npy"
ITEM_BIAS = "item_bias.npy"
ITEM_FREQUENCY = "item_frequency.npy"
ITEMS = "items.txt"
TEST = "test.json"
EMBEDDINGS = "embeddings"
FIGURES = "figures"
EXPORT = "export"
TENSORBOARD = "tensorboard"
LOCK = ".training"

DEFINITIONS = ("paper", "official")

State = Literal["finished", "unfinished"]


def write_metrics(folder: Path, rows: list[dict[str, Any]], name: str = METRICS) -> None:
    """Write `metrics.jsonl`, or a file like it, whole: a line per epoch. NaN and infinities are refused."""
    write_text(folder / name, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows))


def read_metrics(folder: Path, name: str = METRICS) -> list[dict[str, Any]]:
    """Return the lines of `metrics.jsonl`, or of a file like it, in epoch order; none without the file."""
    path = folder / name
    if not path.exists():
        return []
    rows = []
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise UserError(
                f"{path} line {number} is not a JSON object; remove it, or train again with `overwrite=True`"
            )
        rows.append(row)
    return rows


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} cannot be read as text ({error}); train again with `overwrite=True`"
        ) from error


@dataclass(frozen=True)
class RunDirectory:
    """A run on disk. Its files are read when they are asked for."""

    path: Path

    @cached_property
    def config(self) -> dict[str, dict[str, Any]]:
        """The resolved configuration, by groups."""
        path = self.path / CONFIG
        try:
            groups = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UserError(f"{path} cannot be read as TOML: {error}") from error
        return {group: keys for group, keys in groups.items() if isinstance(keys, dict)}

    def _setting(self, group: str, key: str) -> Any:
        try:
            return self.config[group][key]
        except KeyError as error:
            raise UserError(
                f"{self.path / CONFIG} has no {group}.{key}; it was not written by `degen train`"
            ) from error

    @property
    def variant(self) -> str:
        """Canonical name of the variant, such as `ucl+scl`."""
        return str(self._setting("objective", "variant"))

    @property
    def dataset(self) -> str:
        """Name of the dataset (catalogue name or file stem)."""
        return str(self._setting("data", "name"))

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return int(self._setting("training", "seed"))

    @property
    def definition(self) -> str:
        """Definition of alignment and uniformity that the run measures by, `paper` or `official`."""
        name = str(self.config.get("evaluation", {}).get("definition", DEFINITIONS[0]))
        if name not in DEFINITIONS:
            raise UserError(
                f"{self.path / CONFIG}: unknown evaluation.definition '{name}'{nearest(name, DEFINITIONS)}"
            )
        return name

    @property
    def ties(self) -> str:
        """The convention by which its metrics count ties; `half` where an older version of degen wrote it."""
        return str(self.config.get("evaluation", {}).get("ties", "half"))

    @property
    def recorded(self) -> bool:
        """Whether `degen.Monitor` wrote it from a training loop that is not degen's: it has no weights."""
        return "monitor" in self.config

    @property
    def has_embeddings(self) -> bool:
        """Whether an epoch has finished, so that `item_embeddings` is there."""
        return (self.path / ITEM_EMBEDDINGS).exists()

    @property
    def state(self) -> State:
        """`finished` once `test.json` is there."""
        return "finished" if (self.path / TEST).exists() else "unfinished"

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of `metrics.jsonl`, one dictionary per epoch."""
        return read_metrics(self.path)

    @property
    def pretraining(self) -> list[dict[str, Any]]:
        """The lines of `pretrain.jsonl`, one dictionary per epoch of pre-training; empty for one stage."""
        return read_metrics(self.path, PRETRAIN_METRICS)

    @property
    def trace(self) -> list[dict[str, Any]]:
        """The lines of `trace.jsonl`, one dictionary per epoch; empty where gradients were not traced."""
        return read_metrics(self.path, TRACE)

    @cached_property
    def test(self) -> dict[str, Any]:
        """Test metrics of the best epoch, with `epoch`, `split`, `users` and `ties`."""
        return dict(self._json(TEST))

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions, device and commit that the run was trained with; empty where they were not written."""
        return dict(self._json(ENVIRONMENT)) if (self.path / ENVIRONMENT).exists() else {}

    def _json(self, name: str) -> Any:
        try:
            return json.loads(self.existing(name).read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(f"{self.path / name} is not JSON; train again with `overwrite=True`") from error

    def existing(self, name: str) -> Path:
        """Return the path of a file of the run; where it is missing, `UserError` says what mends that."""
        path = self.path / name
        if not path.exists():
            if self.state == "finished":
                raise UserError(f"{path} is missing; put it back, or train again with `overwrite=True`")
            raise UserError(f"{path} does not exist yet; train on with `resume=True`")
        return path

    def array(self, name: str) -> npt.NDArray[Any]:
        """Return the `.npy` array of a file of the run; a pickled one is refused."""
        path = self.existing(name)
        try:
            return read_array(path)
        except Unreadable as error:
            raise UserError(f"{path} is not a readable .npy array: {error}") from error

    @property
    def item_embeddings(self) -> npt.NDArray[np.float32]:
        """float32 `[n_items, d]` of the best epoch so far; row i belongs to line i of `items.txt`."""
        return self.array(ITEM_EMBEDDINGS)

    @property
    def kept_epochs(self) -> list[int]:
        """The epochs whose item embeddings were kept (`keep_embeddings`), rising."""
        names = [path.stem[1:] for path in (self.path / EMBEDDINGS).glob("e*.npy")]
        return sorted(int(name) for name in names if name.isdecimal())

    def embeddings_of(self, epoch: int) -> npt.NDArray[np.float32]:
        """Return the item embeddings of one of `kept_epochs`, float32 `[n_items, d]`."""
        return self.array(f"{EMBEDDINGS}/e{epoch:03d}.npy")

    @property
    def item_frequency(self) -> npt.NDArray[np.int64]:
        """int64 `[n_items]`: occurrences of each item in the training part."""
        return self.array(ITEM_FREQUENCY)

    @property
    def items(self) -> list[str]:
        """Original item ids, in the order of the rows."""
        return _read_text(self.existing(ITEMS)).split("\n")[:-1]


def is_run(path: Path) -> bool:
    """Return whether `path` is a run directory: it holds a `config.toml` with the group `[objective]`."""
    try:
        return "objective" in tomllib.loads((path / CONFIG).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False


def find_runs(path: Path) -> list[RunDirectory]:
    """Return the run at `path`, or every run below it in the order of their paths.

    The folder of a study stands for the runs of its plan, in the plan's order, wherever they lie.

    Raises
    ------
    UserError
        if `path` does not exist or holds no run.
    """
    if not path.exists():
        raise UserError(
            f"{path} does not exist; `degen train` makes runs, `degen runs` lists those in ./runs"
        )
    if (path / PLAN).is_file() and is_study(path):
        folders = [run for run in study_runs(path) if is_run(run)]
        if not folders:
            raise UserError(f"no run of the study {path} has begun; run the study again")
        return [RunDirectory(folder) for folder in folders]
    folders = [path] if is_run(path) else sorted(p.parent for p in path.rglob(CONFIG) if is_run(p.parent))
    if not folders:
        raise UserError(f"no run under {path}; `degen train` makes one")
    return [RunDirectory(folder) for folder in folders]


def collect_runs(paths: Iterable[Path]) -> list[RunDirectory]:
    """Return the runs that `find_runs` finds at and below `paths`, each once."""
    return list({run.path.resolve(): run for path in paths for run in find_runs(path)}.values())


def is_leftover(path: Path) -> bool:
    """Return whether `path` is a file that a killed run left behind, temporary or its lock."""
    return is_temporary(path) or path.name == LOCK
