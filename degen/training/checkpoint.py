"""What is written to a run directory while it trains, and how a stopped run goes on.

`last.safetensors` makes an epoch count; `best.safetensors` follows it. So a kill leaves at most a line of
`metrics.jsonl` too many, which is dropped, or a best epoch not yet written, whose weights `last.safetensors`
then holds. The draws of an epoch depend on the seed and the epoch's number alone: a resumed run repeats the
uninterrupted one to the bit.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from degen import files, rundir, tensorboard
from degen.config import NOTED, settle
from degen.errors import UserError
from degen.evaluation.build import pick_device
from degen.files import atomic_path
from degen.model.encoder import SequenceEncoder
from degen.model.weights import StoredTensors, load_weights
from degen.rundir import RunDirectory
from degen.runplace import refuse_occupied, remove_run
from degen.schema import Config, TrainingConfig
from degen.version import __version__

FREE_TO_CHANGE = {
    "epochs",
    "patience",
    "max_steps",
    "device",
    "threads",
    "cuda_graph",
    "keep_embeddings",
    "tensorboard",
    "score_block",
}
"""Keys that may differ between a stopped run and the command that resumes it."""


def refuse(config: Config, out: Path, *, resume: bool, overwrite: bool) -> None:
    """Raise where a run cannot be put into `out`; touches nothing.

    Raises
    ------
    UserError
        if there is something in `out` that neither `resume` nor `overwrite` covers, the resumed run had
        other settings, or TensorBoard's files are asked for without tensorboardX.
    """
    if config.training.tensorboard:
        tensorboard.require()
    refuse_occupied(out, resume=resume, overwrite=overwrite)
    if resume and rundir.is_run(out):
        if RunDirectory(out).recorded:
            raise UserError(
                f"{out} was recorded by degen.Monitor from another training loop; name another --out"
            )
        _check_same(config, settle(out / rundir.CONFIG), out)


def prepare(config: Config, out: Path, *, resume: bool, overwrite: bool) -> None:
    """Make `out` ready for a run, or refuse as `refuse` does."""
    refuse(config, out, resume=resume, overwrite=overwrite)
    files.remove_leftovers(out)
    if overwrite:
        remove_run(out)
    config.write(out / rundir.CONFIG)
    files.write_json(out / rundir.ENVIRONMENT, environment(config))


def _check_same(new: Config, old: Config, out: Path) -> None:
    if new.data.fingerprint and old.data.fingerprint not in ("", new.data.fingerprint):
        raise UserError(f"the log has changed since {out} was started; train anew with --overwrite")
    # What training notes of the log is known only once that is loaded, which may be after this.
    noted = {key: getattr(old.data, key) for key in NOTED}
    new = new.model_copy(update={"data": new.data.model_copy(update=noted)})
    for group, keys in new.model_dump().items():
        before = getattr(old, group).model_dump()
        for key, value in keys.items():
            if key not in FREE_TO_CHANGE and before[key] != value:
                raise UserError(
                    f"{out} was started with {group}.{key} = {before[key]!r}, not {value!r}; "
                    "resume with the same settings, or train anew with --overwrite"
                )


def best_row(rows: list[dict[str, Any]], stop_on: str) -> dict[str, Any]:
    """The line of the best epoch, the earliest of equals."""
    return max(rows, key=lambda row: row[f"valid_{stop_on}"])


def has_ended(settings: TrainingConfig, rows: list[dict[str, Any]], steps: int = 0) -> bool:
    """Whether epochs, steps or patience have run out."""
    if not rows:
        return False
    out_of_steps = settings.max_steps is not None and steps >= settings.max_steps
    waited = len(rows) - best_row(rows, settings.stop_on)["epoch"]
    return out_of_steps or len(rows) >= settings.epochs or waited >= settings.patience


def is_complete(config: Config, out: Path) -> bool:
    """Whether `out` holds a finished run that `config` takes no further.

    More epochs or more patience go on from its last epoch; not where `max_steps` may cut one short or did so,
    or `last.safetensors` is gone.
    """
    if not rundir.is_run(out) or RunDirectory(out).state != "finished":
        return False
    limits = [config.training.max_steps, settle(out / rundir.CONFIG).training.max_steps]
    if limits != [None, None] or not (out / rundir.LAST).exists():
        return True
    return has_ended(config.training, RunDirectory(out).metrics)


def environment(config: Config) -> dict[str, Any]:
    """Versions, device, threads and the commit of the source: what a result depends on besides the
    configuration.
    """
    device = pick_device(config.training.device)
    return {
        "degen": __version__,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": config.training.threads or torch.get_num_threads(),
        "commit": _commit(),
    }


def _commit() -> str | None:
    """Commit of the source tree that degen runs from; None for an installed package."""
    source = Path(__file__).parents[2]
    if not (source / ".git").exists():
        return None
    git = ["git", "-C", str(source), "rev-parse", "HEAD"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def save_best(encoder: SequenceEncoder, out: Path, epoch: int) -> None:
    """Write `best.safetensors` and `item_embeddings.npy` of the best epoch so far."""
    save_embeddings(encoder, out / rundir.ITEM_EMBEDDINGS)
    _save(dict(encoder.state_dict()), out / rundir.BEST, {"epoch": epoch})


def save_embeddings(encoder: SequenceEncoder, path: Path) -> None:
    """Write V, float32 `[n_items, d]`, without the padding and mask rows."""
    files.write_array(
        path, encoder.real_item_embeddings().detach().cpu().numpy().astype(np.float32, copy=False)
    )


def save_last(
    encoder: SequenceEncoder, optimizer: torch.optim.Optimizer, out: Path, epoch: int, step: int
) -> None:
    """Write all that going on needs: weights and Adam's moments, with the epoch and step they are of."""
    tensors = {f"model.{name}": value for name, value in encoder.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    _save(tensors, out / rundir.LAST, {"epoch": epoch, "step": step})


def _save(tensors: dict[str, torch.Tensor], path: Path, numbers: dict[str, int]) -> None:
    """Write a safetensors file, from the tensors' own memory with safetensors 0.8; older ones copy first."""
    with atomic_path(path) as temporary:
        try:
            save_file(
                {k: v.detach().cpu().contiguous() for k, v in tensors.items()},
                temporary,
                {name: str(number) for name, number in numbers.items()},
            )
        except SafetensorError as error:
            raise OSError(str(error)) from error


def read_rows(out: Path, epochs: int, name: str = rundir.METRICS) -> list[dict[str, Any]]:
    """Return the lines of the `epochs` that `last.safetensors` counts; a line more is of a killed epoch."""
    rows = rundir.read_metrics(out, name)[:epochs]
    if [row.get("epoch") for row in rows] != list(range(1, epochs + 1)):
        raise UserError(
            f"{out / name} has not the lines of epochs 1 to {epochs}, which "
            f"{rundir.LAST} goes on from; train anew with --overwrite"
        )
    return rows


def load_last(encoder: SequenceEncoder, optimizer: torch.optim.Optimizer, out: Path) -> tuple[int, int]:
    """Fill encoder and optimiser from `last.safetensors`; return its epoch and step, (0, 0) where there is
    none yet.
    """
    path = out / rundir.LAST
    if not path.exists():
        return 0, 0
    try:
        stored = StoredTensors(path)
        load_weights(encoder, stored, "model.")
        optimizer.load_state_dict(
            {"state": _adam_state(stored), "param_groups": optimizer.state_dict()["param_groups"]}
        )
        return int(stored.metadata["epoch"]), int(stored.metadata["step"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged; train anew with --overwrite") from error


def _adam_state(stored: StoredTensors) -> dict[int, dict[str, torch.Tensor]]:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name in stored.shapes:
        if name.startswith("adam."):
            _, index, moment = name.split(".")
            state.setdefault(int(index), {})[moment] = stored.read(name)
    return state
