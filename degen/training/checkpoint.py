"""Files that a run writes while it trains, and from which a stopped run goes on.

`last.safetensors` makes an epoch count; `best.safetensors` follows it. It is written as `next.safetensors`,
which takes its place when all runs that train together have theirs. So a kill leaves at most a line of
`metrics.jsonl` too many, which is dropped, or a best epoch not yet written, whose weights are in
`last.safetensors`. The draws of an epoch depend on the seed and the epoch's number alone: a resumed run
repeats the uninterrupted one to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from degen.config.decisive import run_identity
from degen.config.schema import Config
from degen.errors import UserError
from degen.files import writing
from degen.files.writing import atomic_path
from degen.model.encoders.interface import Encoder
from degen.model.weights import load_weights, reading
from degen.runs import directory
from degen.runs.directory import RunDirectory
from degen.runs.environment import environment
from degen.runs.extension import place_of_result
from degen.runs.lock import remove_run
from degen.runs.manifest import kept, refuse_strange
from degen.training.resumption import DAMAGED, check_files, epochs_done, refuse


def prepare(config: Config, out: Path, *, resume: bool, overwrite: bool) -> None:
    """Make `out` ready for a run, or refuse as `refuse` does; also where a file is damaged.

    Nothing but what `overwrite` and a killed process leave over is removed, and nothing is written.
    """
    refuse(config, out, resume=resume, overwrite=overwrite)
    manifest = kept(out)
    if overwrite:
        remove_run(out)
        manifest.config = ""
    identity = manifest.config or run_identity(config)
    if resume:
        check_files(manifest, identity)
    writing.remove_leftovers(out)
    manifest.config = identity


def even_out(outs: Sequence[Path]) -> None:
    """Bring the runs of a stack to the same epoch again, where a kill fell between them.

    All of them write `next.safetensors` before the first one makes it its `last.safetensors`. So where one
    run has done so, the others have that epoch too. Otherwise the epoch is trained again.
    """
    done = [epochs_done(out) for out in outs]
    for out, epochs in zip(outs, done, strict=True):
        path = out / directory.NEXT
        if not path.exists():
            continue
        whole = kept(out).fault(directory.NEXT) is None
        if whole and epoch_of(path) == epochs + 1 <= max(done):
            writing.move(path, out / directory.LAST)
        else:
            writing.remove(path)


def epoch_of(path: Path) -> int:
    """Return the epoch of a checkpoint, by its metadata."""
    with reading(path, DAMAGED) as stored:
        return int(stored.metadata["epoch"])


def describe(config: Config, out: Path, *, stacked: bool = False) -> None:
    """Write the configuration and the environment of a run that begins or goes on."""
    config.write(out / directory.CONFIG)
    now = {**environment(config), "stacked": stacked}
    before = RunDirectory(out).environment
    earlier = before.pop("earlier", [])
    if before and before != now and (epochs := epochs_done(out)):
        earlier.append({"epochs": epochs, **before})
    writing.write_json(out / directory.ENVIRONMENT, {**now, "earlier": earlier} if earlier else now)


def save_best(encoder: Encoder, out: Path, epoch: int) -> None:
    """Write `best.safetensors` and `item_embeddings.npy` of the best epoch so far.

    `item_bias.npy`, float32 `[n_items]`, stands beside them for a model that has a bias. A finished run that
    goes on has them in `extension/` (`degen.runs.extension`).
    """
    place = place_of_result(out)
    save_embeddings(encoder, place / directory.ITEM_EMBEDDINGS)
    if (bias := encoder.real_item_bias()) is not None:
        writing.write_array(place / directory.ITEM_BIAS, bias.detach().cpu().numpy().astype(np.float32))
    path = place / directory.BEST
    _save(dict(encoder.state_dict()), path, {"epoch": epoch, "config": kept(out).config})


def save_embeddings(encoder: Encoder, path: Path) -> None:
    """Write V, float32 `[n_items, d]`, without the padding and mask rows."""
    writing.write_array(
        path, encoder.real_item_embeddings().detach().cpu().numpy().astype(np.float32, copy=False)
    )


def save_last(
    encoder: Encoder,
    optimizer: torch.optim.Optimizer,
    out: Path,
    epoch: int,
    step: int,
    name: str = directory.LAST,
) -> None:
    """Write all that resuming needs: weights and Adam's moments, with their epoch and step."""
    tensors = {f"model.{name}": value for name, value in encoder.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    _save(tensors, out / name, {"epoch": epoch, "step": step, "config": kept(out).config})


def _save(tensors: dict[str, torch.Tensor], path: Path, about: dict[str, int | str]) -> None:
    """Write a safetensors file, from the tensors' own memory with safetensors 0.8; older ones copy first.

    Its metadata are those of `about` that are known.
    """
    with atomic_path(path) as temporary:
        try:
            save_file(
                {k: v.detach().cpu().contiguous() for k, v in tensors.items()},
                temporary,
                {name: str(value) for name, value in about.items() if value != ""},
            )
        except SafetensorError as error:
            raise OSError(str(error)) from error


def read_rows(out: Path, epochs: int, name: str = directory.METRICS) -> list[dict[str, Any]]:
    """Return the lines of the `epochs` that the checkpoint counts; killed epochs may leave some more."""
    counted_by = directory.PRETRAIN if name == directory.PRETRAIN_METRICS else directory.LAST
    rows = directory.read_metrics(out, name)[:epochs]
    if [row.get("epoch") for row in rows] != list(range(1, epochs + 1)):
        raise UserError(
            f"{out / name} lacks lines of epochs 1 to {epochs}, after which "
            f"{counted_by} goes on; train anew with `overwrite=True`"
        )
    return rows


def load_last(
    encoder: Encoder, optimizer: torch.optim.Optimizer, out: Path, name: str = directory.LAST
) -> tuple[int, int]:
    """Fill encoder and optimiser from `last.safetensors`; return its epoch and step, (0, 0) without one."""
    path = out / name
    if not path.exists():
        return 0, 0
    with reading(path, DAMAGED) as stored:
        refuse_strange(path, stored.metadata, kept(out).config)
        load_weights(encoder, stored, "model.")
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name in stored.shapes:
            if name.startswith("adam."):
                _, index, moment = name.split(".")
                state.setdefault(int(index), {})[moment] = stored.read(name)
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        return int(stored.metadata["epoch"]), int(stored.metadata["step"])
