"""The study of lists of values: keys with several are axes, keys with one are common to all cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from degen.config.key_names import argument
from degen.config.settle import DROPOUTS, by_group, merge
from degen.errors import UserError
from degen.runs.study import STUDY
from degen.sweeps.resolve import spread_dropout
from degen.sweeps.study import Study


def study_of_lists(
    values: Mapping[str, Sequence[Any]],
    *,
    file: Path | None = None,
    datasets: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    choice: Mapping[str, Any] | None = None,
) -> Study:
    """Return the study of the values given for each key, which override those of a study file.

    Parameters
    ----------
    values
        one or several values by key of the configuration, `dropout` among them.
    file
        study file or folder of a study, whose base, datasets and axes are overridden. Its controls stay.
    datasets, seeds
        of the study; None leaves those of the file, or the defaults.
    choice
        `zip`, `random` and `random_seed` of `Study`; None and False leave those of the file.

    Raises
    ------
    UserError
        if a value sets some of the keys that an axis of the file sets together, and as `Study.of_values`.
    """
    given: dict[str, Any] = {}
    if file is not None:
        in_file = Study.from_toml(file / STUDY if file.is_dir() else file)
        given = in_file.model_dump(exclude_defaults=True)
    axes = {key: {"key": key, "values": several} for key, several in values.items() if len(several) > 1}
    base = {key: several[0] for key, several in values.items() if len(several) == 1}
    if empty := [key for key, several in values.items() if not several]:
        raise UserError(f"`{argument(empty[0])}` is an empty list; give a value")
    _refuse_both(axes, base)
    if file is not None:
        _override(given, in_file, {*axes, *base})
    given["axes"] = {**given.get("axes", {}), **axes}
    given["base"] = merge(given.get("base", {}), by_group(base))
    given |= {} if datasets is None else {"datasets": list(datasets)}
    given |= {} if seeds is None else {"seeds": list(seeds)}
    given |= {key: value for key, value in (choice or {}).items() if value is not None and value is not False}
    return Study.of_values(given)


def nothing_swept(study: Study) -> str | None:
    """Return the sentence about a study of one run; None where something has several values."""
    if study.axes or study.controls or len(study.datasets) > 1 or len(study.seeds) > 1:
        return None
    return (
        "nothing is swept: no setting has several values, so that this is one run; give one a list, such as "
        "`lam=[0, 0.1]`, with another `out`"
    )


def study_folder(file: Path | None, out: Path | None) -> Path:
    """Return the folder of a study: `out`, that of the file, or `runs/` and the file's name.

    Raises
    ------
    UserError
        if neither is given.
    """
    if out is not None:
        return out
    if file is None:
        raise UserError("name the folder of the study by `out`, for instance `out='runs/sweep'`")
    return file if file.is_dir() else Path("runs") / file.stem


def _override(given: dict[str, Any], in_file: Study, typed: set[str]) -> None:
    """Take keys that were typed out of the base, the datasets and the axes of a file's study, `given`."""
    keys = typed - {"dropout"} | (set(DROPOUTS) if "dropout" in typed else set())

    def others(values: Any) -> dict[str, dict[str, Any]]:
        groups = spread_dropout(values).items()
        return {group: {key: value for key, value in own.items() if key not in keys} for group, own in groups}

    kept = {}
    for label, axis in in_file.axes.items():
        if some := axis.sets & keys:
            if rest := axis.sets - keys:
                raise UserError(
                    f"`{min(some)}` and `{min(rest)}` are set together by the axis {label} of the file; "
                    + ("give `dropout`" if axis.sets == set(DROPOUTS) else "change the axis there")
                )
        else:
            kept[label] = given["axes"][label]
    given["axes"], given["base"] = kept, others(given.get("base", {}))
    given["per_dataset"] = {name: others(values) for name, values in given.get("per_dataset", {}).items()}


def _refuse_both(axes: dict[str, Any], base: dict[str, Any]) -> None:
    """Refuse `dropout` beside one of the three that it sets, where one of them has several values."""
    for key in DROPOUTS:
        typed = {key, "dropout"}
        if typed <= {*axes, *base} and typed & {*axes}:
            raise UserError(f"`dropout` sets `{key}` too; give one of the two")
