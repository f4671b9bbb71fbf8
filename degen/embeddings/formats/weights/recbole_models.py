"""Recognize the matrices of RecBole's models, in all of which row 0 is the padding token.

A checkpoint of RecBole holds its configuration, which names the model. Row 0 is then padding of

    items    matrices named item…embedding, item_matrix and the like; IU_emb, LI_emb, IL_emb (FPMC)
    output   the last layer of an auto-encoder, with a row for each column of the first one (MultiVAE, CDAE)
    users    matrices named user…embedding and the like; UI_emb (FPMC)
    others   matrices with as many rows as one of items

Without a configuration, models are recognized by names of weights that no other project has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from degen.embeddings.formats.inert_pickle import Call
from degen.embeddings.formats.named_arrays import ArrayFile
from degen.embeddings.formats.weights.known_matrix import (
    BOTH,
    FIRST,
    Cores,
    KnownMatrix,
    ending,
    has,
    matrices,
)

MASK_DOUBT = "if its last row is a mask token, as in some of its models: `skip_rows='first,last'`"

_MASKED = {"BERT4Rec", "CL4SRec", "S3Rec"}
"""Models whose last row is a mask token."""

_EMBEDDING = "item_embedding.weight"
_TABLES = {"emb", "embed", "embedding", "embeddings", "matrix", "lookup"}
_ITEMS = {"item", "items", "entity", "entities"}
_NOT_ITEMS = {"user", "users", "position", "pos", "feature", "features", "feat"}
"""Words of the names of matrices."""

_OF_FPMC = {"UI_emb": "users", "IU_emb": "items", "LI_emb": "items", "IL_emb": "items"}
_FIRST_LAYER = re.compile(r"(?:.*\.)?(?:encoder\..*|h_item\.)weight")
_LAST_LAYER = re.compile(r"(?:.*\.)?(?:decoder\.(?:\d+\.)?|out_layer\.)weight")

_LEAST = re.compile(r"\[(\d{1,6}), *inf\)")
"""RecBole's notation for a minimum number of actions."""

_USUAL: Cores = ((0, 0), (5, 5))

_BY_NAMES = (
    ("NeuMF", ("item_mf_embedding.weight", "item_mlp_embedding.weight"), ("mlp_layers.", "predict_layer.")),
    ("FPMC", ("IU_emb.weight", "LI_emb.weight", "IL_emb.weight"), ("UI_emb.weight",)),
    ("RepeatNet", ("item_matrix.weight",), ("repeat_explore_mechanism.",)),
)
"""Models whose weights have names of their own: the model, its matrices of items, and weights beside."""


def recbole_matrices(file: ArrayFile) -> Iterable[KnownMatrix]:
    """Yield the matrices of a model of RecBole."""
    settings = file.about.get("config")
    state = settings.state if isinstance(settings, Call) else None
    config = state.get("final_config_dict") if isinstance(state, Mapping) else None
    if isinstance(config, Mapping) and "state_dict" in file.about:
        yield from _configured(file, config)
        return
    for key in ending(file, _EMBEDDING):
        if has(file, "trm_encoder."):
            masked = has(file, "output_bias")
            doubt = "" if masked else MASK_DOUBT
            yield KnownMatrix(key, "RecBole", BOTH if masked else FIRST, doubt, cores=_USUAL)
    for model, items, beside in _BY_NAMES:
        keys = [key for name in items for key in ending(file, name)]
        if len(keys) == len(items) and all(has(file, name) for name in beside):
            yield from (KnownMatrix(key, f"RecBole's {model}", FIRST, cores=_USUAL) for key in keys)


def _configured(file: ArrayFile, config: Mapping[Any, Any]) -> Iterator[KnownMatrix]:
    # Nested values, hashed or put into words, could take time without end.
    named = config["model"] if isinstance(config.get("model"), str) else ""
    project = f"RecBole's {named}" if named else "RecBole"
    cores, usual = _cores(config), set(ending(file, _EMBEDDING))
    items = _items(file)
    for key in items:
        rows = BOTH if named in _MASKED and key in usual else FIRST
        yield KnownMatrix(key, project, rows, cores=cores, usual=not usual or key in usual)
    users = [key for key in matrices(file) if _of(key) == "users"]
    yield from (KnownMatrix(key, f"{project}, a matrix of users", FIRST, usual=False) for key in users)
    sizes = {file.arrays[key].shape[0] for key in items}
    for key in matrices(file):
        if key not in (*items, *users):
            yield from _other(file, key, project, sizes)


def _items(file: ArrayFile) -> list[str]:
    """Return the matrices of items by their names, or else the last layer of an auto-encoder."""
    items = [key for key in matrices(file) if _of(key) == "items"]
    inputs = {file.arrays[key].shape[1] for key in matrices(file) if _FIRST_LAYER.fullmatch(key)}
    outputs = [key for key in matrices(file) if _LAST_LAYER.fullmatch(key)]
    return items or [key for key in outputs if file.arrays[key].shape[0] in inputs][-1:]


def _of(key: str) -> str:
    """Return `items` or `users` where the name of a matrix says that it has their rows, else nothing."""
    if (name := _module(key)) in _OF_FPMC:
        return _OF_FPMC[name]
    words = _words(key)
    if not words & _TABLES:
        return ""
    if words & {"user", "users"}:
        return "users"
    return "items" if words & _ITEMS and not words & _NOT_ITEMS else ""


def _module(key: str) -> str:
    """Return the last part of a weight's name, such as `item_embedding` of `module.item_embedding.weight`."""
    return key.removesuffix(".weight").rpartition(".")[2]


def _words(key: str) -> set[str]:
    return set(_module(key).lower().split("_"))


def _other(file: ArrayFile, key: str, project: str, sizes: set[int]) -> Iterator[KnownMatrix]:
    """Yield a matrix of another name; row 0 stays where it cannot be told that it is padding."""
    rows, columns = file.arrays[key].shape
    if rows in sizes and rows != columns and not _words(key) & _NOT_ITEMS:
        doubt = f"it is taken for a matrix of items since it has as many rows, {rows}"
        yield KnownMatrix(key, project, FIRST, doubt, usual=False)
    elif not sizes:
        doubt = "none of its matrices is known to be of items; if row 0 is padding: `skip_rows='first'`"
        yield KnownMatrix(key, project, (), doubt, usual=False)


def _cores(config: Mapping[Any, Any]) -> Cores:
    """Return the filter in RecBole's configuration, or the usual filters where it is of another kind."""
    intervals = (config.get(f"{side}_inter_num_interval") for side in ("user", "item"))
    matches = [_LEAST.fullmatch(text) if isinstance(text, str) else None for text in intervals]
    minimums = [int(match[1]) for match in matches if match is not None]
    return ((minimums[0], minimums[1]),) if len(minimums) == 2 else _USUAL
