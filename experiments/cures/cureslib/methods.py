"""Methods that are trained, with their names and kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from degen.analysis.postprocess import POST_PROCESSES
from degen.config.schema import Config
from degen.config.settle import Values, by_group, merge, settle
from degen.errors import UserError, nearest
from degen.model.variants import MITIGATIONS

BUDGET = Path(__file__).parents[1] / "cures.toml"
BASELINE, CONTRAST, PENALTY, LOSS, OPTIMISER, AFTERWARDS = KINDS = (
    "no mitigation",
    "contrast",
    "penalty on items",
    "another loss",
    "another optimiser",
    "after training",
)


@dataclass(frozen=True)
class Method:
    """A way to train: its kind, and what it sets."""

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)


METHODS: dict[str, Method] = {
    "sasrec": Method(BASELINE),
    "duorec": Method(CONTRAST, {"variant": "duorec"}),
    **{
        name: Method(PENALTY if cure.item_regularizer else LOSS, {"variant": name})
        for name, cure in MITIGATIONS.items()
    },
    "sgd": Method(OPTIMISER, {"item_optimizer": "sgd"}),
    "eps-1e-4": Method(OPTIMISER, {"adam_eps": 1e-4}),
}
"""By the names that run directories carry; `sgd` moves the items by SGD with momentum, all else by Adam, and
`eps-1e-4` moves everything by an Adam that lets the size of a gradient count.
"""

CURED_AFTERWARDS = "sasrec"
"""The method whose items are also post-processed."""

KIND_OF = {name: method.kind for name, method in METHODS.items()} | dict.fromkeys(POST_PROCESSES, AFTERWARDS)
"""The kind of everything that is measured."""


def planned(
    dataset: str, methods: Sequence[str], seeds: Sequence[int], out: Path, settings: Values
) -> Iterator[tuple[Config, Path]]:
    """Yield the configuration and the run directory of every run on a log; a whole seed after another.

    `settings` go over the budget's file, by group.

    Raises
    ------
    UserError
        for an unknown method or setting.
    """
    for seed in seeds:
        for name in methods:
            if name not in METHODS:
                raise UserError(f"--methods: '{name}' is unknown{nearest(name, METHODS)}")
            own = by_group({"variant": "sasrec", **METHODS[name].settings, "dataset": dataset, "seed": seed})
            yield settle(BUDGET, merge(settings, own)), out / Path(dataset).name / f"{name}-s{seed}"
