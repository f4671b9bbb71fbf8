"""Resolution of a study's cells: each its settings, with the log that they name."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

from degen.config.baseline import is_baseline, options_of_each
from degen.config.objective import KEYS_OF_LOSSES, unused_by_loss
from degen.config.schema import Config, DataConfig
from degen.config.settle import Values, by_group, merge, settle
from degen.errors import UserError
from degen.modules import IMPORTED
from degen.sweeps.cells import Cell

if TYPE_CHECKING:
    from degen.sweeps.study import Study

Identify = Callable[[DataConfig], tuple[str, str]]
"""Returns name and fingerprint of the log that a configuration names."""


def resolved(
    study: Study, dataset: str, combination: dict[str, Any], control: str | None, identify: Identify
) -> Cell:
    """Return the cell of a dataset, a value per axis, and a control or None.

    Settings that the variant has no use for are left at their defaults, so that they part no cells.
    """
    own = spread_dropout(study.controls[control]) if control else {}
    fixed = {key for keys in own.values() for key in keys}
    axes = {
        axis.name: (axis, combination[label]) for label, axis in study.axes.items() if not axis.sets & fixed
    }
    layers = [
        spread_dropout(study.base),
        {"data": {"dataset": dataset}},
        spread_dropout(study.per_dataset.get(dataset, {})),
        *(axis.at(value) for axis, value in axes.values()),
        own,
    ]
    values = reduce(merge, layers)
    variant = str(values.get("objective", {}).get("variant", Config().objective.variant))
    values = used_by(variant, used_by_loss(values, study), variants_of(study))
    config = _named(settle(options=values))
    name, fingerprint = identify(config.data)
    data = config.data.model_copy(update={"name": name, "fingerprint": fingerprint})
    used = {key for keys in values.values() for key in keys}
    told = {key: _settled(config, key, value) for key, (axis, value) in axes.items() if axis.sets & used}
    return Cell(name, told, control, config.model_copy(update={"data": data}))


def variants_of(study: Study) -> list[str]:
    """Return the variants that a study's cells may have, as they are named there."""
    default = Config().objective.variant
    named: list[Any] = [
        value for axis in study.axes.values() if "variant" in axis.sets for value in axis.values
    ]
    named = named or [study.base.get("objective", {}).get("variant", default)]
    controls: list[Any] = [keys.get("objective", {}) for keys in study.controls.values()]
    named += [keys["variant"] for keys in controls if "variant" in keys]
    return list(dict.fromkeys(map(str, named)))


def used_by(variant: str, values: Values, variants: list[str]) -> Values:
    """Return the settings that a variant has a use for, where other variants of the study use the rest.

    What no variant uses is refused, here or by `settle`.
    """
    from degen.build import CONTRAST  # brings PyTorch
    from degen.model.variants import REGISTERED, get_variant

    if variant.lower() in REGISTERED and not IMPORTED:
        raise UserError(
            f"variant '{variant}' is registered in this process alone, and workers are others; name the "
            "module that registers it by `modules`, or train it with `degen.train`"
        )
    if not is_baseline(variant) and not any(get_variant(name).pairs for name in variants):
        for key in (key for keys in values.values() for key in keys if key in CONTRAST):
            raise UserError(
                f"no variant of this study contrasts views, so `{key}` changes nothing; leave it out"
            )
    if len(variants) > 1 and variant in variants:
        values = options_of_each(variants, values)[variants.index(variant)]
    if get_variant(variant).pairs or is_baseline(variant):
        return values
    return {
        group: {key: value for key, value in keys.items() if key not in CONTRAST}
        for group, keys in values.items()
    }


def used_by_loss(values: Values, study: Study) -> Values:
    """Return the settings that a cell's loss has a use for, where the study has several losses.

    What none of its losses uses stays, so that `settle` refuses it.
    """
    losses = [value for axis in study.axes.values() if "rec_loss" in axis.sets for value in axis.values]
    objective = values.get("objective", {})
    if len(losses) < 2 or objective.get("rec_loss") not in losses:
        return values
    sampling = objective.get("sampling", "in-batch")
    unused = unused_by_loss(objective["rec_loss"], sampling)
    unused &= set().union(*(KEYS_OF_LOSSES - unused_by_loss(loss, sampling) for loss in losses))
    return {**values, "objective": {key: value for key, value in objective.items() if key not in unused}}


def _settled(config: Config, key: str, value: Any) -> Any:
    """Return a value as the configuration has it: a variant by its own name, a whole number as a fraction."""
    group, dot, bare = key.partition(".")
    return getattr(getattr(config, group), bare) if dot else value


def _named(config: Config) -> Config:
    from degen.build import settle_names  # brings PyTorch

    return settle_names(config)


def read_log(data: DataConfig) -> tuple[str, str]:
    """Return name and fingerprint of a log."""
    from degen.build import load_data  # brings PyTorch

    dataset = load_data(data)
    return dataset.name, dataset.fingerprint


def asked_once(identify: Identify) -> Identify:
    """Return a function that asks `identify` once for each log and way to read it."""
    known: dict[str, tuple[str, str]] = {}

    def asked(data: DataConfig) -> tuple[str, str]:
        key = data.model_dump_json()
        if key not in known:
            known[key] = identify(data)
        return known[key]

    return asked


def spread_dropout(values: Values) -> Values:
    """Put `model.dropout`, which sets three keys, into these keys."""
    model = dict(values.get("model", {}))
    if "dropout" not in model:
        return values
    return {**values, **by_group({"dropout": model.pop("dropout"), **model})}
