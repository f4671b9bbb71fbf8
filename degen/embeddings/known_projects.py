"""Recognize the project that wrote a checkpoint, and so the rows of its item matrix that are not items.

Rows of padding and mask tokens are trained too, or left at their initial values, and would be one more point
of every measure. A project is recognized by the names of its weights and by the rest of its checkpoint. Rows
are left out only if everything that is known of the file agrees. The note says which rows, whether there may
be others (*), and how to keep them.

    project                       item matrix                 rows that are no items      recognized by
    RecBole, the authors' DuoRec  see `recbole_models`        0; last of three models     config's model
    the same without config       item_embedding.weight       0 *; last of BERT4Rec       output_bias
                                  of NeuMF, FPMC, RepeatNet   0                           their names
    WarpRec                       item_embedding.weight       from n_items on             info.n_items
    RecTools                      …ids_emb.weight             the first ones              item_extra_tokens
    pmixer/SASRec.pytorch         item_emb.weight             0                           pos_emb.weight
    SELFRec                       item_emb                    0 *                         pos_emb
    S3Rec                         item_embeddings.weight      0, last                     mip_norm.weight
    CoSeRec ICLRec BSARec FMLP    item_embeddings.weight      0 *                         item_encoder.
    gSASRec-pytorch               item_ or output_embedding   0, last                     transformer_blocks.
    SSLRec                        emb_layer.token_emb.weight  0, last                     its encoder only
    SSLRec's DCRec, MAERec        emb_layer.token_emb.weight  0 *                         further layers

The table follows the sources of these projects. Of any other checkpoint, `formats.weights.padding` looks at
the rows themselves. Of other files all rows are kept, and the note names a first or last row of zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from degen.embeddings.formats.named_arrays import ArrayFile
from degen.embeddings.formats.pickled_arrays import plain_list
from degen.embeddings.formats.weights.known_matrix import BOTH, FIRST, KnownMatrix, ending, has
from degen.embeddings.formats.weights.recbole_models import MASK_DOUBT, recbole_matrices
from degen.errors import UserError

_ENDS = {"first": 0, "last": -1}


def known_matrices(file: ArrayFile) -> list[KnownMatrix]:
    """Return the item matrices of known projects in a file, mostly one or none."""
    projects = (recbole_matrices, _warprec, _rectools, _sslrec, _others)
    return [known for recognize in projects for known in recognize(file)]


def _warprec(file: ArrayFile) -> Iterable[KnownMatrix]:
    info = file.about.get("info")
    n_items = info.get("n_items") if isinstance(info, Mapping) else None
    for key in ending(file, "item_embedding.weight"):
        n = file.arrays[key].shape[0]
        if type(n_items) is int and 0 < n_items <= n and {"name", "params"} <= set(file.about):
            yield KnownMatrix(key, "WarpRec", tuple(range(n_items, n)))


def _rectools(file: ArrayFile) -> Iterable[KnownMatrix]:
    settings = file.about.get("hyper_parameters")
    tokens = settings.get("item_extra_tokens") if isinstance(settings, Mapping) else None
    for key in ending(file, "ids_emb.weight"):
        if isinstance(settings, Mapping) and isinstance(tokens, list | tuple):
            ids = plain_list(settings.get("item_external_ids"))
            yield KnownMatrix(key, "RecTools", tuple(range(len(tokens))), ids=ids)


def _others(file: ArrayFile) -> Iterable[KnownMatrix]:
    """Yield the matrices of projects that the names of weights are enough to recognize."""
    for rule in _RULES:
        keys = ending(file, rule.key)
        if keys and all(has(file, name) for name in rule.beside) and not has(file, rule.without):
            yield from (KnownMatrix(key, rule.project, rule.rows, rule.doubt) for key in keys)


def _sslrec(file: ArrayFile) -> Iterable[KnownMatrix]:
    """Yield SSLRec's matrix; only its models of an encoder alone are sure to end with a mask token."""
    for key in ending(file, "emb_layer.token_emb.weight"):
        before = key.removesuffix("emb_layer.token_emb.weight")
        encoder = tuple(f"{before}{name}." for name in ("emb_layer", "transformer_layers", "out_fc"))
        plain = all(name.startswith(encoder) for name in file.arrays)
        yield KnownMatrix(key, "SSLRec", BOTH if plain else FIRST, "" if plain else MASK_DOUBT)


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
    _Rule("SELFRec", "item_emb", ("pos_emb",), FIRST, MASK_DOUBT),
    _Rule("S3Rec", "item_embeddings.weight", ("mip_norm.weight", "item_encoder."), BOTH),
    _Rule(
        "a descendant of S3Rec",
        "item_embeddings.weight",
        ("item_encoder.",),
        FIRST,
        MASK_DOUBT,
        "mip_norm.weight",
    ),
    _Rule("gSASRec-pytorch", "item_embedding.weight", ("seq_norm.weight", "transformer_blocks."), BOTH),
    _Rule("gSASRec-pytorch", "output_embedding.weight", ("seq_norm.weight", "transformer_blocks."), BOTH),
)


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
