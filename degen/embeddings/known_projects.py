"""Recognize the project that wrote a checkpoint, and so the rows of its item matrix that are not items.

Rows of padding and mask tokens are trained too, or left at their initial values, and would be one more point
of every measure. A project is recognized by the names of its weights and by the rest of its checkpoint. Rows
are left out only if everything that is known of the file agrees. The note says which rows, whether there may
be others (*), and how to keep them.

    project                       item matrix                 rows that are no items      recognized by
    RecBole, the authors' DuoRec  item_embedding.weight       0; last of three models     config's model
    the same without config       item_embedding.weight       0 *; last of BERT4Rec       output_bias
    WarpRec                       item_embedding.weight       from n_items on             info.n_items
    RecTools                      …ids_emb.weight             the first ones              item_extra_tokens
    pmixer/SASRec.pytorch         item_emb.weight             0                           pos_emb.weight
    SELFRec                       item_emb                    0 *                         pos_emb
    S3Rec                         item_embeddings.weight      0, last                     mip_norm.weight
    CoSeRec ICLRec BSARec FMLP    item_embeddings.weight      0 *                         item_encoder.
    gSASRec-pytorch               item_ or output_embedding   0, last                     transformer_blocks.
    SSLRec                        emb_layer.token_emb.weight  0, last                     its encoder only
    SSLRec's DCRec, MAERec        emb_layer.token_emb.weight  0 *                         further layers

The table follows the sources of these projects. Of any other file all rows are kept, and the note names a
first or last row of zeros.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degen.embeddings.formats.inert_pickle import Call
from degen.embeddings.formats.named_arrays import ArrayFile
from degen.embeddings.formats.pickled_arrays import plain_list
from degen.errors import UserError

_RECBOLE_MASKED = {"BERT4Rec", "CL4SRec", "S3Rec"}
"""RecBole's models whose last row is a mask token."""

_ENDS = {"first": 0, "last": -1}

_LEAST = re.compile(r"\[(\d{1,6}), *inf\)")
"""RecBole's notation for a minimum number of actions."""

FIRST = (0,)
BOTH = (0, -1)

Cores = tuple[tuple[int, int], ...]
"""Filters of a log: the minimum number of actions per user and per item of each."""

_USUAL: Cores = ((0, 0), (5, 5))


@dataclass(frozen=True)
class KnownMatrix:
    """An item matrix that a known project wrote, by its name in the file.

    `rows` are the numbers of the rows that are not items; negative ones count from the end. `doubt` is a
    clause on which other row may not be an item. `cores` are the filters that may have been applied to the
    log where the project numbers items by their first appearance in it. `ids` are those of all rows.
    """

    key: str
    project: str
    rows: tuple[int, ...]
    doubt: str = ""
    cores: Cores = ()
    ids: list[str] | None = None


_MASK_DOUBT = "if its last row is a mask token, as in some of its models: `skip_rows='first,last'`"


def known_matrices(file: ArrayFile) -> list[KnownMatrix]:
    """Return the item matrices of known projects in a file, mostly one or none."""
    projects = (_recbole, _warprec, _rectools, _sslrec, _others)
    return [known for recognize in projects for known in recognize(file)]


def _recbole(file: ArrayFile) -> Iterable[KnownMatrix]:
    settings = file.about.get("config")
    state = settings.state if isinstance(settings, Call) else None
    config = state.get("final_config_dict") if isinstance(state, Mapping) else None
    for key in _ending(file, "item_embedding.weight"):
        if isinstance(config, Mapping) and "state_dict" in file.about:
            model = config.get("model") if isinstance(config.get("model"), str) else "model"
            rows = BOTH if model in _RECBOLE_MASKED else FIRST
            yield KnownMatrix(key, f"RecBole's {model}", rows, cores=_recbole_cores(config))
        elif _has(file, "trm_encoder."):
            masked = _has(file, "output_bias")
            doubt = "" if masked else _MASK_DOUBT
            yield KnownMatrix(key, "RecBole", BOTH if masked else FIRST, doubt, cores=_USUAL)


def _recbole_cores(config: Mapping[Any, Any]) -> Cores:
    """Return the filter in RecBole's configuration, or the usual filters where it is of another kind."""
    intervals = (config.get(f"{side}_inter_num_interval") for side in ("user", "item"))
    matches = [_LEAST.fullmatch(text) if isinstance(text, str) else None for text in intervals]
    minimums = [int(match[1]) for match in matches if match is not None]
    return ((minimums[0], minimums[1]),) if len(minimums) == 2 else _USUAL


def _warprec(file: ArrayFile) -> Iterable[KnownMatrix]:
    info = file.about.get("info")
    n_items = info.get("n_items") if isinstance(info, Mapping) else None
    for key in _ending(file, "item_embedding.weight"):
        n = file.arrays[key].shape[0]
        if type(n_items) is int and 0 < n_items <= n and {"name", "params"} <= set(file.about):
            yield KnownMatrix(key, "WarpRec", tuple(range(n_items, n)))


def _rectools(file: ArrayFile) -> Iterable[KnownMatrix]:
    settings = file.about.get("hyper_parameters")
    tokens = settings.get("item_extra_tokens") if isinstance(settings, Mapping) else None
    for key in _ending(file, "ids_emb.weight"):
        if isinstance(settings, Mapping) and isinstance(tokens, list | tuple):
            ids = plain_list(settings.get("item_external_ids"))
            yield KnownMatrix(key, "RecTools", tuple(range(len(tokens))), ids=ids)


def _others(file: ArrayFile) -> Iterable[KnownMatrix]:
    """Yield the matrices of projects that the names of weights are enough to recognize."""
    for rule in _RULES:
        keys = _ending(file, rule.key)
        if keys and all(_has(file, name) for name in rule.beside) and not _has(file, rule.without):
            yield from (KnownMatrix(key, rule.project, rule.rows, rule.doubt) for key in keys)


def _sslrec(file: ArrayFile) -> Iterable[KnownMatrix]:
    """Yield SSLRec's matrix; only its models of an encoder alone are sure to end with a mask token."""
    for key in _ending(file, "emb_layer.token_emb.weight"):
        before = key.removesuffix("emb_layer.token_emb.weight")
        encoder = tuple(f"{before}{name}." for name in ("emb_layer", "transformer_layers", "out_fc"))
        plain = all(name.startswith(encoder) for name in file.arrays)
        yield KnownMatrix(key, "SSLRec", BOTH if plain else FIRST, "" if plain else _MASK_DOUBT)


@dataclass(frozen=True)
class _Rule:
    """A project that is recognized by the weights `beside` its item matrix, and by the lack of `without`."""

    project: str
    key: str
    beside: tuple[str, ...]
    rows: tuple[int, ...]
    doubt: str = ""
    without: str = ""


_RULES = (
    _Rule("SASRec.pytorch", "item_emb.weight", ("pos_emb.weight",), FIRST),
    _Rule("SELFRec", "item_emb", ("pos_emb",), FIRST, _MASK_DOUBT),
    _Rule("S3Rec", "item_embeddings.weight", ("mip_norm.weight", "item_encoder."), BOTH),
    _Rule(
        "a descendant of S3Rec",
        "item_embeddings.weight",
        ("item_encoder.",),
        FIRST,
        _MASK_DOUBT,
        "mip_norm.weight",
    ),
    _Rule("gSASRec-pytorch", "item_embedding.weight", ("seq_norm.weight", "transformer_blocks."), BOTH),
    _Rule("gSASRec-pytorch", "output_embedding.weight", ("seq_norm.weight", "transformer_blocks."), BOTH),
)


def _ending(file: ArrayFile, name: str) -> list[str]:
    """Return the matrices named `name`, or `….name` as in a wrapped model."""
    matrices = (key for key, stored in file.arrays.items() if len(stored.shape) == 2)
    return [key for key in matrices if key == name or key.endswith(f".{name}")]


def _has(file: ArrayFile, name: str) -> bool:
    """Return whether a weight is named `name`, or begins with it if it ends in a dot; wrapped or not."""
    if not name:
        return False
    pattern = re.compile(rf"(.*\.)?{re.escape(name)}{'.*' if name.endswith('.') else ''}")
    return any(pattern.fullmatch(key) for key in file.arrays)


def parse_rows(text: str) -> tuple[int, ...]:
    """Return row numbers from `first`, `last`, `none` or numbers, separated by commas."""
    words = [word.strip().lower() for word in text.split(",")]
    if words == ["none"]:
        return ()
    try:
        return tuple(_ENDS[word] if word in _ENDS else int(word) for word in words)
    except ValueError:
        raise UserError(
            f"`skip_rows` takes first, last, none, or row numbers such as 0,-1, not '{text}'"
        ) from None


def rows_of(path: Path, rows: Iterable[int], n: int) -> list[int]:
    """Return row numbers of a matrix of `n` rows, counted from 0, increasing and without repetition.

    Raise a `UserError` where a row does not exist, or no row would be left.
    """
    given = list(rows)
    outside = [row for row in given if not -n <= row < n]
    if outside:
        raise UserError(
            f"{path} has {n} rows, so no row {outside[0]}; `skip_rows` counts from 0, and -1 is the last"
        )
    left_out = sorted({row % n for row in given})
    if len(left_out) == n:
        raise UserError(f"{path} has {n} rows, all of which `skip_rows` leaves out; keep at least one")
    return left_out
