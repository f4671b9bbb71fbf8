"""Keys of the group `[baseline]`, the baselines' recipes, and the keys that each baseline has a use for.

A baseline has two recipes. `fixed`, the default, follows the original paper and later replications; `recbole`
has what the authors' library (RecBole 0.2.1, in their fork) and their `seq.yaml` configure. Every other
variant has the recipes `paper` and `official`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from degen.config.key import Group, key

Values = dict[str, dict[str, Any]]


class BaselineConfig(Group):
    """Settings of the baselines that the encoder of Eq. 8-9 does not have."""

    hidden_size: int = key(128, "GRU4Rec: width of the hidden state.", "--hidden-size", ge=1)
    gru_bias: bool = key(True, "GRU4Rec: give the gates biases.")
    vertical_filters: int = key(4, "Caser: number of vertical filters.", ge=1)
    horizontal_filters: int = key(16, "Caser: number of horizontal filters of each height.", ge=1)
    padding_side: Literal["left", "right"] = key(
        "left", "Caser: side on which histories shorter than the maximum length are padded."
    )
    final_relu: bool = key(False, "Caser: cut the representation at zero.", "--final-relu")
    l2: float = key(
        0.0, "Weight of the L2 penalty: of a batch's rows (bpr-mf), or of filters (caser).", "--l2", ge=0
    )
    norm_penalty: float = key(0.0, "Caser: weight of the lengths, not squared, of all weights.", ge=0)
    output_bias: bool = key(
        False, "Give each item a bias in its score (bpr-mf, gru4rec, caser, bert4rec).", "--output-bias"
    )
    output_head: bool = key(
        True, "BERT4Rec: map h through a linear layer, GELU and LayerNorm before it is scored."
    )
    mask_fraction: float = key(
        0.2, "bert4rec, s3rec-mip: probability that an item is masked.", "--mask-fraction", gt=0, lt=1
    )
    last_only: float = key(
        0.2, "BERT4Rec: fraction of the rows in which the last item alone is masked.", ge=0, le=1
    )
    pretrain_epochs: int = key(
        50,
        "s3rec-mip: number of epochs of pre-training, before `epochs` of fine-tuning.",
        "--pretrain-epochs",
        ge=1,
    )
    pretrain_every: int = key(
        1, "s3rec-mip: write pretrain.safetensors every this many epochs of pre-training.", ge=1
    )


LIBRARY_TRAINING: dict[str, Any] = {
    "epochs": 50,
    "stop_on": "MRR@10",
    "patience": 11,
    "stop_decimals": 4,
}
"""Keys of `[training]` that the authors' `seq.yaml` sets for every model."""

_DROPOUT_OF_BERT4REC = dict.fromkeys(("embedding_dropout", "hidden_dropout", "attention_dropout"), 0.2)

RECIPES: dict[str, dict[str, Values]] = {
    "bpr-mf": {
        "fixed": {
            "model": {"heads": 1},
            "objective": {"rec_loss": "bpr", "negatives_exclude": "history"},
            "baseline": {"output_bias": True, "l2": 0.0025},
        },
        "recbole": {
            "model": {"heads": 1},
            "objective": {"rec_loss": "bpr", "negatives_exclude": "history"},
            "training": LIBRARY_TRAINING,
        },
    },
    "gru4rec": {
        "fixed": {"model": {"layers": 1, "heads": 1, "embedding_dropout": 0.3}},
        "recbole": {
            "model": {"layers": 1, "heads": 1, "embedding_dropout": 0.3},
            "objective": {"padding_class": True},
            "training": LIBRARY_TRAINING,
            "baseline": {"gru_bias": False},
        },
    },
    "caser": {
        "fixed": {"model": {"heads": 1, "max_length": 5}, "baseline": {"l2": 1e-6}},
        "recbole": {
            "model": {"heads": 1, "hidden_dropout": 0.4},
            "objective": {"padding_class": True},
            "training": LIBRARY_TRAINING,
            "baseline": {
                "vertical_filters": 8,
                "padding_side": "right",
                "final_relu": True,
                "norm_penalty": 1e-4,
            },
        },
    },
    "bert4rec": {
        # An epoch has a sixth of SASRec's steps on Beauty, hence the long patience. It has a quarter of the
        # targets there and a twentieth on MovieLens-1M: 600 epochs have as many as 160 and 27 of SASRec's.
        "fixed": {
            "model": _DROPOUT_OF_BERT4REC,
            "training": {"epochs": 600, "patience": 120},
            "baseline": {"output_bias": True},
        },
        "recbole": {
            "objective": {"padding_class": True},
            "training": LIBRARY_TRAINING,
            "baseline": {"output_head": False, "output_bias": False},
        },
    },
    "s3rec-mip": {
        "fixed": {},
        "recbole": {
            "objective": {"padding_class": True},
            "training": LIBRARY_TRAINING,
            "baseline": {"pretrain_epochs": 500},
        },
    },
}
"""The recipes of each baseline: keys that differ from their defaults."""

_SOFTMAX = {"rec_loss", "sampling", "negatives", "negatives_exclude", "gbce_t", "log_q", "padding_class"}
_ENCODER = {"dim", "layers", "heads", "feed_forward", "max_length", "engine"} | {
    *("embedding_dropout", "hidden_dropout", "attention_dropout", "initializer_range", "layer_norm_eps")
}
USED: dict[str, frozenset[str]] = {
    "bpr-mf": frozenset({"dim", "output_bias", "l2", "negatives", "negatives_exclude"}),
    "bert4rec": frozenset(
        _ENCODER | {"padding_class", "output_bias", "output_head", "mask_fraction", "last_only"}
    ),
    "s3rec-mip": frozenset(
        _ENCODER | _SOFTMAX | {"batch_by", "mask_fraction", "pretrain_epochs", "pretrain_every"}
    ),
    "gru4rec": frozenset(
        {"dim", "layers", "max_length", "embedding_dropout", "batch_by"}
        | {"hidden_size", "gru_bias", "output_bias"}
        | _SOFTMAX
    ),
    "caser": frozenset(
        {"dim", "max_length", "hidden_dropout", "vertical_filters", "horizontal_filters"}
        | {"padding_side", "final_relu", "output_bias", "l2", "norm_penalty"}
        | _SOFTMAX
    ),
}
"""Keys of `[model]`, `[objective]` and `[baseline]`, and `batch_by`, that each baseline has a use for."""

NAMING = {"variant", "recipe"}
"""Keys of `[objective]` that every variant has a use for."""


def is_baseline(variant: str) -> bool:
    """Return whether a variant, in any case, is one of the baselines."""
    return variant.strip().lower() in RECIPES


def recipes_of(variant: str) -> tuple[str, ...]:
    """Return the recipes of a variant, its default first."""
    return ("fixed", "recbole") if is_baseline(variant) else ("paper", "official")


def has_use_for(variant: str, group: str, name: str) -> bool:
    """Return whether a variant uses a key; `batch_by` is the only one of `[training]` that not all use."""
    if name in NAMING or (group not in ("model", "objective", "baseline") and name != "batch_by"):
        return True
    used = USED.get(variant.strip().lower())
    return group != "baseline" if used is None else name in used


def options_of_each(variants: Sequence[str], options: Values) -> list[Values]:
    """Return the options of each of several variants: those that it has no use for are left out of its own.

    What none of them has a use for stays, so that `degen.config.settle.settle` refuses it.
    """
    every = {f"{group}.{name}" for group, keys in options.items() for name in keys}
    kept = [without_unused(variant, options)[0] for variant in variants]
    unused = [every - {f"{group}.{name}" for group, keys in own.items() for name in keys} for own in kept]
    by_some = {name for name in every if not all(name in names for names in unused)}
    recipe = options.get("objective", {}).get("recipe")
    some_recipe = any(recipe in recipes_of(variant) for variant in variants)
    found = []
    for variant, names in zip(variants, unused, strict=True):
        left_out = names & by_some
        if some_recipe and recipe not in recipes_of(variant):
            left_out.add("objective.recipe")
        found.append(
            {
                group: {name: value for name, value in keys.items() if f"{group}.{name}" not in left_out}
                for group, keys in options.items()
            }
        )
    return found


def without_unused(variant: str, values: Values) -> tuple[Values, list[str]]:
    """Return the values that a variant has a use for, and the keys of the others, as `group.key`.

    The three dropouts count as one setting: a baseline that has one of them takes it from all three.
    """
    kept: Values = {}
    unused = []
    for group, keys in values.items():
        here = {name: value for name, value in keys.items() if has_use_for(variant, group, name)}
        some_dropout = any(name.endswith("_dropout") for name in here)
        unused += [
            f"{group}.{name}"
            for name in keys
            if name not in here and not (some_dropout and name.endswith("_dropout"))
        ]
        kept[group] = here
    return kept, unused
