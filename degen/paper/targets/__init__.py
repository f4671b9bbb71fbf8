"""Targets: the tables and figures of the paper as studies, one file each.

A target is a study (`degen.sweeps.study`) with a group `[paper]`:

    title, source   what it shows, and where the paper has it
    priority        targets with lower numbers are trained first
    claims          kinds of claims that it judges (`degen.paper.judging.verdicts`)
    measured        true where the tables have the measures of `degen.paper.degeneration`
    cells           number of cells per dataset, so that `degen paper list` need not resolve them
    common_epoch    the common epoch of logs that are trained briefly, to try things

On logs that are trained briefly, controls have no length of training of their own.
Nothing here imports PyTorch, except that cells are resolved by `Target.study(…).cells()`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

from degen.data.catalog import CATALOG, SYNTHETIC, find, here
from degen.errors import UserError, nearest
from degen.files.parse import read_toml

if TYPE_CHECKING:
    from degen.sweeps.study import Study

NAMES = (
    "table2",
    *("fig2", "fig3", "fig4", "fig5", "fig6", "fig7", "fig8", "fig9-13", "fig14"),
    *("degeneration", "causes", "losses"),
)
"""Targets in the order of the paper; the last three go beyond it."""

ALIASES = {"fig1": "fig3", **dict.fromkeys(("fig9", "fig10", "fig11", "fig12", "fig13"), "fig9-13")}
"""Figures that another target draws as well."""


@dataclass(frozen=True)
class Target:
    """A table or figure of the paper.

    Attributes
    ----------
    title, source
        content, and place in the paper.
    priority
        targets with lower numbers are trained first.
    claims
        kinds of claims that its runs decide.
    cells
        number of cells per dataset; a run is a cell with a seed.
    datasets, seeds
        those of the paper, and the seeds of the study.
    figure
        kind of its figure, as studies name it.
    brief
        common epochs of the datasets that are trained briefly.
    measured
        whether its tables have measures of V, of h and of use, in place of accuracy alone.
    """

    name: str
    title: str
    source: str
    priority: int
    claims: tuple[str, ...]
    cells: int
    datasets: tuple[str, ...]
    seeds: tuple[int, ...]
    figure: str
    brief: Mapping[str, int]
    measured: bool = False

    def study(self, datasets: Sequence[str] | None = None, seeds: Sequence[int] | None = None) -> Study:
        """Return the target's study, narrowed to datasets and seeds where these are given."""
        from degen.sweeps.study import Study

        with as_file(_file(self.name)) as path:
            study = Study.from_toml(path)
        chosen = tuple(datasets or self.datasets)
        changed: dict[str, Any] = {"datasets": chosen, "seeds": tuple(seeds or self.seeds)}
        if set(chosen) <= self.brief.keys():
            changed["common_epoch"] = min(self.brief[dataset] for dataset in chosen)
            changed["controls"] = {
                name: {group: kept for group, keys in control.items() if (kept := _without_length(keys))}
                for name, control in study.controls.items()
            }
        return study.model_copy(update=changed)

    def apart(self, datasets: Sequence[str]) -> list[list[str]]:
        """Return datasets that are trained briefly apart from others: one study does not suit both."""
        brief = [dataset for dataset in datasets if dataset in self.brief]
        long = [dataset for dataset in datasets if dataset not in self.brief]
        return [part for part in (brief, long) if part]


def targets() -> list[Target]:
    """Return all targets in the order of the paper."""
    return [target(name) for name in NAMES]


def target(name: str) -> Target:
    """Return a target by its name, such as `fig7`; `fig1` is in `fig3`, and `fig9` to `fig13` are one.

    Raises
    ------
    UserError
        if there is none of that name; the message names the nearest.
    """
    known = ALIASES.get(name.lower(), name.lower())
    if known not in NAMES:
        raise UserError(f"the paper has no target '{name}'{nearest(name, NAMES)}")
    groups = read_toml(_file(known))
    study, paper = groups["study"], groups["paper"]
    return Target(
        name=known,
        title=paper["title"],
        source=paper["source"],
        priority=paper["priority"],
        claims=tuple(paper["claims"]),
        cells=paper["cells"],
        datasets=tuple(study["datasets"]),
        seeds=_seeds(study["seeds"]),
        figure=study["figure"],
        brief=paper["common_epoch"],
        measured=paper.get("measured", False),
    )


def chosen_datasets(
    target: Target, datasets: Sequence[str] | None, notes: list[str], *, refuse: bool = True
) -> list[str]:
    """Return the datasets to run: those given, or those of the target whose logs are here.

    Parameters
    ----------
    datasets
        names of `degen data list` or paths of logs; None for the target's own.
    notes
        gets a sentence about the logs that are left out because they are not here.
    refuse
        refuse a target none of whose logs is here, in place of leaving it out.

    Raises
    ------
    UserError
        if a dataset that was given is unknown or not here, or none of the target's is here; the message says
        how to get it.
    """
    if datasets is not None:
        for name in datasets:
            find(name)
        return [name.lower() if name.lower() in CATALOG else name for name in datasets]
    present = [name for name in target.datasets if name == SYNTHETIC or here(CATALOG[name])]
    absent = [name for name in target.datasets if name not in present]
    if not present and refuse:
        find(absent[0])
    if absent:
        notes.append(f"{target.name}: without {', '.join(absent)}; `degen data list` says where to get it")
    return present


def _without_length(keys: Mapping[str, Any]) -> dict[str, Any]:
    from degen.config.decisive import LENGTH

    return {key: value for key, value in keys.items() if key not in LENGTH}


def _file(name: str) -> Any:
    return files(__name__).joinpath(f"{name}.toml")


def _seeds(text: str | int) -> tuple[int, ...]:
    from degen.config.lists import parse_seeds

    return tuple(parse_seeds(str(text)))
