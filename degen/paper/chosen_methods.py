"""Studies of targets narrowed to some of their methods, by the names that tables give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from degen.config.settle import Values
    from degen.sweeps.study import Study

_AXIS = "objective.variant"


def axis_methods(study: Study) -> list[str]:
    """Return the variants on the axis of a study, or the one that all of its cells have."""
    variants = [str(value) for axis in study.axes.values() if axis.key == _AXIS for value in axis.values]
    return variants or [study.base["objective"]["variant"]]


def methods_of(study: Study) -> list[str]:
    """Return the methods of a study: those of its axes, then its controls."""
    return [*axis_methods(study), *study.controls]


def only_methods(study: Study, methods: Sequence[str]) -> Study | None:
    """Return a study of some methods alone, or None where that leaves no cell on its axes.

    A control is chosen by its own name, such as `sasrec-sgd`, and not by the variant that it changes.
    """
    if not (kept := [name for name in axis_methods(study) if name in methods]):
        return None
    axes = {
        label: axis.model_copy(update={"values": tuple(kept)}) if axis.key == _AXIS else axis
        for label, axis in study.axes.items()
    }
    controls = {name: groups for name, groups in study.controls.items() if name in methods}
    variants = [*kept, *(groups["objective"].get("variant", kept[0]) for groups in controls.values())]
    changed = {
        "axes": axes,
        "controls": controls,
        "base": _used(study.base, variants),
        "per_dataset": {name: _used(values, variants) for name, values in study.per_dataset.items()},
    }
    return study.model_copy(update=changed)


def _used(values: Values, variants: Sequence[str]) -> Values:
    """Return settings without those that no variant has a use for, since they were for other methods."""
    from degen.config.baseline import has_use_for, recipes_of
    from degen.config.settle import DROPOUTS

    def used(variant: str, group: str, name: str, value: Any) -> bool:
        if name == "recipe":
            return value in recipes_of(variant)
        return any(has_use_for(variant, group, key) for key in (DROPOUTS if name == "dropout" else (name,)))

    return {
        group: {
            name: value
            for name, value in keys.items()
            if any(used(variant, group, name, value) for variant in variants)
        }
        for group, keys in values.items()
    }
