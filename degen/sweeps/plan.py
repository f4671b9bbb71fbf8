"""The plan of a study: a folder with a line for every run to train, and what has become of each.

    OUT/
      study.toml              the resolved study
      plan.jsonl              a line per run: id, dataset, seed, run, axes, control, config
      done/ID-sSEED           seconds, device and versions of a finished run
      failed/ID-sSEED         sentence, end of stderr and tries of a run that failed
    OUT/../cells/DATASET/VARIANT/
      ID-sSEED/               the run directories, which studies share
      ID-sSEED.claim          who trains the run now (`degen.sweeps.claims`)

Seeds come last in the order: every cell has one run before any has two.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from degen.errors import UserError
from degen.files.parse import read_json_lines
from degen.files.writing import refuse_file, writable, write_text
from degen.runs.study import CELLS, DONE, FAILED, PLAN, STUDY, PlannedRun, read_plan
from degen.sweeps.cells import Cell
from degen.sweeps.study import Study


def cells_folder(out: Path) -> Path:
    """Return the default folder of run directories, beside the study's."""
    return out.absolute().parent / CELLS


def write_plan(
    study: Study,
    out: Path,
    cells: Path | None = None,
    *,
    extend: bool = False,
    found: Sequence[Cell] | None = None,
) -> list[PlannedRun]:
    """Write `study.toml` and `plan.jsonl`, or check that the folder holds this study already.

    Parameters
    ----------
    out
        folder of the study; made if it does not exist.
    cells
        folder of the run directories; by default `cells` beside `out`.
    extend
        whether runs may be added to a study that is there. The earlier ones stay.
    found
        the study's cells, where they are known; to find them reads every log.

    Raises
    ------
    UserError
        if `out` holds something else, a study of other cells, or one of a log that has changed; nothing is
        written then.
    """
    lines = plan_lines(study, out, cells, extend=extend, found=found)
    if not lines:
        return read_plan(out)
    writable(out)
    for name in (DONE, FAILED):
        (out / name).mkdir(exist_ok=True)
    write_text(out / STUDY, study.toml())
    write_text(out / PLAN, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))
    return read_plan(out)


def plan_lines(
    study: Study,
    out: Path,
    cells: Path | None = None,
    *,
    extend: bool = False,
    found: Sequence[Cell] | None = None,
) -> list[dict[str, Any]]:
    """Return the lines that `write_plan` would write; none where `out` holds them. Nothing is written."""
    refuse_file("out", out)
    if out.is_dir() and not (out / STUDY).exists() and any(out.iterdir()):
        raise UserError(f"`out` {out} is not empty and is no study; name another folder")
    folder = cells or cells_folder(out)
    refuse_file("cells", folder)
    found = study.cells() if found is None else found
    lines = [_line(cell, seed, folder, out) for seed in study.seeds for cell in found]
    if (out / PLAN).exists():
        before = read_plan(out)
        _check_logs(before, lines, out)
        names = {entry.name for entry in before}
        more = [line for line in lines if _name(line) not in names]
        missing = names - {_name(line) for line in lines}
        if not more and (extend or not missing):
            return []
        if not extend:
            raise UserError(
                f"{out} holds a study of other cells ({_difference(study, out)}); name another `out`, which "
                "trains no run twice because studies share their runs"
            )
        kept = read_json_lines(out / PLAN)
        lines = [*kept, *more]
    return lines


def _line(cell: Cell, seed: int, cells: Path, out: Path) -> dict[str, Any]:
    return {
        "id": cell.id,
        "dataset": cell.dataset,
        "seed": seed,
        "run": os.path.relpath(cell.run(cells, seed).absolute(), out.absolute()),
        "axes": cell.axes,
        "control": cell.control,
        "config": cell.seeded(seed).model_dump(mode="json", exclude_none=True),
    }


def _name(line: dict[str, Any]) -> str:
    return f"{line['id']}-s{line['seed']}"


def _check_logs(before: Sequence[PlannedRun], lines: Sequence[dict[str, Any]], out: Path) -> None:
    """Refuse a log that is another one than when the study was planned."""
    known = {_log(entry.config["data"]): entry.config["data"]["fingerprint"] for entry in before}
    for line in lines:
        data = line["config"]["data"]
        if known.get(_log(data), data["fingerprint"]) != data["fingerprint"]:
            raise UserError(
                f"the log of {line['dataset']} has changed since the study in {out} was planned; restore the "
                "old log, or name another `out`"
            )


def _log(data: Mapping[str, Any]) -> str:
    """Return what names a log and the way to read it."""
    return json.dumps({key: value for key, value in data.items() if key != "fingerprint"}, sort_keys=True)


def _difference(study: Study, out: Path) -> str:
    """Return the keys in which a study and the one in `out` differ, with both values."""
    new, old = _flat(study), _flat(Study.from_toml(out / STUDY))
    told = [
        f"{key}: {old.get(key, 'none')} there, {new.get(key, 'none')} now"
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]
    return "; ".join(told) or "the defaults of the configuration have changed"


def _flat(study: Study) -> dict[str, str]:
    """Return what decides the cells of a study, in words."""
    values = study.model_dump(mode="json")
    axes = {axis.name: list(axis.values) for axis in study.axes.values()}
    fixed = {f"{group}.{key}": value for group, keys in study.base.items() for key, value in keys.items()}
    named = {key: values[key] for key in ("datasets", "seeds", "zip", "random", "random_seed")}
    apart = {key: values[key] for key in ("per_dataset", "controls")}
    return {key: _words(value) for key, value in {**named, **fixed, **axes, **apart}.items()}


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
