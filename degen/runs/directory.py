"""The run directory: the only thing that training and analysis share.

    runs/<dataset>/<variant>-s<seed>/
      config.toml environment.json metrics.jsonl trace.jsonl best.safetensors last.safetensors
      item_embeddings.npy item_bias.npy item_frequency.npy items.txt
      test.json ranks.npy tied.npy users.txt
      embeddings/e###.npy figures/ tensorboard/ manifest.json

A run of two stages (s3rec-mip) has pretrain.safetensors, pretrain.jsonl, initial_embeddings.npy and
pretrain_embeddings.npy besides: V before the first stage and after it.

Every file appears whole or not at all (see `degen.files.writing`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from degen.errors import UserError, nearest, similar_file
from degen.files.outputs import MANIFEST
from degen.files.parse import Unreadable, read_array
from degen.files.writing import is_temporary, write_text
from degen.runs import reading
from degen.runs.reading import metric_lines, run_lines, run_object, run_text, test_metrics, trace_lines
from degen.runs.study import PLAN, is_study, study_runs

CONFIG = "config.toml"
ENVIRONMENT = "environment.json"
METRICS = "metrics.jsonl"
TRACE = "trace.jsonl"
BEST = "best.safetensors"
LAST = "last.safetensors"
NEXT = "next.safetensors"
PRETRAIN = "pretrain.safetensors"
PRETRAIN_METRICS = "pretrain.jsonl"
INITIAL_EMBEDDINGS = "initial_embeddings.npy"
PRETRAIN_EMBEDDINGS = "pretrain_embeddings.npy"
ITEM_EMBEDDINGS = "item_embeddings.npy"
ITEM_BIAS = "item_bias.npy"
ITEM_FREQUENCY = "item_frequency.npy"
ITEMS = "items.txt"
TEST = "test.json"
RANKS, TIED, USERS = "ranks.npy", "tied.npy", "users.txt"
EMBEDDINGS = "embeddings"
FIGURES = "figures"
EXPORT = "export"
TENSORBOARD = "tensorboard"
LOCK = ".training"
EXTENSION, BEGUN = "extension", "begun.json"

KNOWN = (
    *(TEST, LAST, NEXT, BEST, METRICS, TRACE, PRETRAIN, PRETRAIN_METRICS, PRETRAIN_EMBEDDINGS),
    *(INITIAL_EMBEDDINGS, ITEM_EMBEDDINGS, ITEM_BIAS, ENVIRONMENT, RANKS, TIED),
)
NUMBERED = (f"{EMBEDDINGS}/e[0-9]*.npy", f"{TENSORBOARD}/events.out.tfevents.*")
FOLDERS = (EMBEDDINGS, FIGURES, EXPORT, TENSORBOARD, EXTENSION)
"""Names of the files of a run and patterns of numbered ones; folders that degen makes in it."""

DEFINITIONS = ("paper", "official")

T = TypeVar("T")

State = Literal["finished", "unfinished"]


def write_metrics(folder: Path, rows: list[dict[str, Any]], name: str = METRICS) -> None:
    """Write `metrics.jsonl`, or a file like it, whole: a line per epoch. NaN and infinities are refused."""
    write_text(folder / name, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows))


def read_metrics(folder: Path, name: str = METRICS) -> list[dict[str, Any]]:
    """Return the lines of `metrics.jsonl`, or of a file like it, in epoch order; none without the file."""
    return run_lines(folder / name) if name == TRACE else metric_lines(folder / name)


@dataclass(frozen=True)
class RunDirectory:
    """A run on disk. Its files are read when they are asked for."""

    path: Path

    @cached_property
    def config(self) -> dict[str, dict[str, Any]]:
        """The resolved configuration, by groups; keys of earlier versions have their present names."""
        return reading.run_config(self.path / CONFIG)

    def _setting(self, group: str, key: str, kind: type[T]) -> T:
        value = self.config.get(group, {}).get(key)
        if type(value) is not kind:
            missing = f"has no {group}.{key}" if value is None else f"has {group}.{key} = {value!r}"
            raise UserError(f"{self.path / CONFIG} {missing}; it was not written by `degen train`")
        return value

    @property
    def variant(self) -> str:
        """Canonical name of the variant, such as `ucl+scl`."""
        return self._setting("objective", "variant", str)

    @property
    def dataset(self) -> str:
        """Name of the dataset (catalogue name or file stem)."""
        return self._setting("data", "name", str)

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self._setting("training", "seed", int)

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
        """True if `degen.Monitor` wrote it from a training loop that is not degen's: it has no weights."""
        return "monitor" in self.config

    @property
    def has_embeddings(self) -> bool:
        """True if an epoch has finished, so that `item_embeddings` is there."""
        return (self.path / ITEM_EMBEDDINGS).exists()

    @property
    def state(self) -> State:
        """`finished` once `test.json` is there."""
        return "finished" if (self.path / TEST).exists() else "unfinished"

    @property
    def extending(self) -> bool:
        """True if a finished run goes on to more epochs: until they are tested, its result is the old one."""
        return self.state == "finished" and (self.path / EXTENSION / BEGUN).is_file()

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
        return trace_lines(self.path / TRACE)

    @cached_property
    def test(self) -> dict[str, Any]:
        """Test metrics of the best epoch, with `epoch`, `split`, `users` and `ties`."""
        return test_metrics(self.existing(TEST))

    def tested(self, name: str) -> Any:
        """Return a number of `test.json`; a `UserError` says that it is not there."""
        if name not in self.test:
            raise UserError(f"{self.path / TEST} lacks '{name}'; train again with `overwrite=True`")
        return self.test[name]

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions, device and commit that the run was trained with; empty where they were not written."""
        path = self.path / ENVIRONMENT
        return run_object(path) if path.exists() else {}

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
        return run_text(self.existing(ITEMS)).split("\n")[:-1]


def is_run(path: Path) -> bool:
    """Return whether `path` is a run directory, be it damaged.

    It holds a `config.toml` that names a variant, a log and a seed, or one beside files that only runs have.
    """
    return (path / CONFIG).exists() and (_has_files_of_runs(path) or _names_a_run(path))


def is_own_run(path: Path) -> bool:
    """Return whether degen has written a run into `path`: a `config.toml` alone may be a user's."""
    return _has_files_of_runs(path) and _names_a_run(path)


def refuse_run(folder: Path) -> None:
    """Raise where a folder for outputs is a run directory, whose files have the same names."""
    if is_own_run(folder):
        raise UserError(
            f"`out` {folder} is a run, whose own files an export would replace; name another folder"
        )


def _has_files_of_runs(path: Path) -> bool:
    """Return whether a manifest is there, or what runs of older versions have."""
    return any((path / name).is_file() for name in (MANIFEST, ENVIRONMENT, METRICS, LAST))


def _is_listed(path: Path) -> bool:  # a run that has lost its configuration is named as damaged
    return is_run(path) or all((path / name).is_file() for name in (MANIFEST, METRICS))


def _names_a_run(path: Path) -> bool:
    run = RunDirectory(path)
    try:
        return bool(run.variant and run.dataset and run.seed >= 0)
    except UserError:
        return False


def find_runs(path: str | Path) -> list[RunDirectory]:
    """Return the run at `path`, or every run below it in the order of their paths.

    The folder of a study stands for the runs of its plan, in the plan's order, wherever they lie.

    Raises
    ------
    UserError
        if `path` does not exist or holds no run.
    """
    path = Path(path)
    if not path.exists():
        mend = similar_file(path) or "; `degen train` makes runs, `degen runs` lists those in ./runs"
        raise UserError(f"{path} does not exist{mend}")
    if path.is_file():
        raise UserError(f"{path} is a file; give a run or a folder of runs")
    if (path / PLAN).is_file() and is_study(path):
        folders = [run for run in study_runs(path) if is_run(run)]
        if not folders:
            raise UserError(f"no run of the study {path} has begun; run the study again")
        return [RunDirectory(folder) for folder in folders]
    below = (found.parent for name in (CONFIG, MANIFEST) for found in path.rglob(name))
    folders = [path] if _is_listed(path) else sorted({folder for folder in below if _is_listed(folder)})
    if not folders:
        raise UserError(f"no run under {path}; `degen train` makes one")
    return [RunDirectory(folder) for folder in folders]


def collect_runs(paths: Iterable[Path]) -> list[RunDirectory]:
    """Return the runs that `find_runs` finds at and below `paths`, each once."""
    return list({run.path.resolve(): run for path in paths for run in find_runs(path)}.values())


def is_leftover(path: Path) -> bool:
    """Return whether `path` is a file that a run killed at its start left behind."""
    return is_temporary(path) or path.name in (LOCK, MANIFEST)
