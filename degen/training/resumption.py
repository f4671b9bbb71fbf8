"""Checks before a run goes on in its folder, and of whether anything is left to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from degen import tensorboard
from degen.build import idle_keys
from degen.config.decisive import FREE_TO_CHANGE
from degen.config.schema import Config, TrainingConfig
from degen.config.settle import NOTED, settle
from degen.errors import UserError
from degen.model.weights import reading
from degen.runs import directory
from degen.runs.best import best_row
from degen.runs.directory import RunDirectory
from degen.runs.extension import folder_of_best, is_under_way
from degen.runs.lock import refuse_occupied
from degen.runs.manifest import Manifest, refuse_damaged, refuse_edited, refuse_strange

DAMAGED = "is damaged; train anew with `overwrite=True`"
"""Message about a `last.safetensors` that cannot be read."""


def refuse(config: Config, out: Path, *, resume: bool, overwrite: bool) -> None:
    """Raise where a run cannot be put into `out`; change nothing.

    `out` may hold something that neither `resume` nor `overwrite` covers, or a run that had other settings or
    lacks a file; or TensorBoard's files may be asked for without tensorboardX.
    """
    if config.training.tensorboard:
        tensorboard.require()
    refuse_occupied(out, resume=resume, overwrite=overwrite)
    if resume and directory.is_run(out):
        if RunDirectory(out).recorded:
            raise UserError(
                f"{out} was recorded by degen.Monitor from another training loop; name another `out`"
            )
        refuse_edited(out)
        _check_same(config, settle(out / directory.CONFIG), out)
        if not is_complete(config, out):
            _check_whole(config.training, out)


def as_begun(config: Config, out: Path) -> Config:
    """Return a configuration that counts ties as the run in `out` does, if there is one.

    Keys that change nothing for the variant have the run's values too, so that its identity stays.
    """
    if not directory.is_run(out):
        return config
    old = settle(out / directory.CONFIG)
    idle = idle_keys(config.objective.variant)
    return config.model_copy(
        update={
            "evaluation": config.evaluation.model_copy(update={"ties": old.evaluation.ties}),
            "objective": config.objective.model_copy(
                update={key: getattr(old.objective, key) for key in idle}
            ),
        }
    )


def _check_same(new: Config, old: Config, out: Path) -> None:
    if new.data.fingerprint and old.data.fingerprint not in ("", new.data.fingerprint):
        raise UserError(f"the log has changed since {out} was started; train anew with `overwrite=True`")
    # Training notes name and fingerprint of the log only once it is loaded, which may be after this check.
    noted = {key: getattr(old.data, key) for key in NOTED}
    new = new.model_copy(update={"data": new.data.model_copy(update=noted)})
    free = FREE_TO_CHANGE | idle_keys(new.objective.variant)
    for group, keys in new.model_dump().items():
        before = getattr(old, group).model_dump()
        for key, value in keys.items():
            if key not in free and before[key] != value:
                raise UserError(
                    f"{out} was started with {group}.{key} = {before[key]!r}, not {value!r}; "
                    "resume with the same settings, or train anew with `overwrite=True`"
                )


def _check_whole(settings: TrainingConfig, out: Path) -> None:
    """Refuse to go on where a needed file is missing: the epochs would be trained again, and lost."""
    rows, last = directory.read_metrics(out), out / directory.LAST
    if not last.exists():
        # A kill in the first epoch leaves one line at most, and no best epoch.
        if len(rows) > 1 or (out / directory.BEST).exists():
            raise UserError(
                f"{last} is missing, and the {len(rows)} epochs in {out} cannot go on without it; put it "
                "back, or train anew with `overwrite=True`"
            )
        return
    done = epochs_done(out)
    if done > settings.epochs:
        raise UserError(
            f"{out} has {done} epochs already, and `epochs` is {settings.epochs}; give {done} to end it "
            "there, or more"
        )
    best = folder_of_best(out) / directory.BEST
    if (
        rows[:done]
        and not best.exists()
        and best_row(rows[:done], settings.stop_on, settings.stop_decimals)["epoch"] != done
    ):
        raise UserError(f"{best} is missing; put it back, or train anew with `overwrite=True`")


def epochs_done(out: Path) -> int:
    """Number of epochs that `last.safetensors` counts; 0 where there is none."""
    path = out / directory.LAST
    if not path.exists():
        return 0
    with reading(path, DAMAGED) as stored:
        return int(stored.metadata["epoch"])


def has_ended(settings: TrainingConfig, rows: list[dict[str, Any]], steps: int = 0) -> bool:
    """Return whether epochs, steps or patience have run out; patience counts from `min_epochs` on."""
    if not rows:
        return False
    out_of_steps = settings.max_steps is not None and steps >= settings.max_steps
    waited = len(rows) - best_row(rows, settings.stop_on, settings.stop_decimals)["epoch"]
    out_of_patience = waited >= settings.patience and len(rows) >= settings.min_epochs
    return out_of_steps or len(rows) >= settings.epochs or out_of_patience


def is_complete(config: Config, out: Path) -> bool:
    """Return whether `out` holds a finished run that `config` takes no further.

    More epochs, patience or `min_epochs` go on from its last epoch; not where `max_steps` may cut one short
    or did so.
    """
    if not directory.is_run(out) or RunDirectory(out).state != "finished":
        return False
    limits = [config.training.max_steps, settle(out / directory.CONFIG).training.max_steps]
    if is_under_way(out) and limits == [None, None]:
        return False
    return limits != [None, None] or has_ended(config.training, RunDirectory(out).metrics)


CHECKED = (
    *(directory.LAST, directory.BEST, directory.PRETRAIN, directory.METRICS, directory.TRACE),
    *(directory.PRETRAIN_METRICS, directory.ITEM_EMBEDDINGS, directory.ITEM_BIAS, directory.TEST),
)
"""Files whose checksums are compared before a run goes on."""


def check_files(manifest: Manifest, identity: str) -> None:
    """Refuse to go on from files that were damaged or edited since degen wrote them, or are another run's."""
    refuse_damaged(manifest, CHECKED)
    for path in (manifest.folder / name for name in CHECKED):
        if path.suffix == ".safetensors" and path.exists():
            with reading(path, DAMAGED) as stored:
                refuse_strange(path, stored.metadata, identity)
