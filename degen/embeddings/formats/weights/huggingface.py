"""Read the embedding of a model in a folder of Hugging Face, with its tokens as ids.

    model.safetensors                   the weights, or in parts (shards) that the index names
    model.safetensors.index.json
    pytorch_model.bin                   the same as PyTorch's checkpoints
    pytorch_model.bin.index.json
    tokenizer.json, vocab.txt, …        see `token_ids`

The first of these files of weights that is there is read. Nothing is executed, and no file outside the folder
is read: the parts must lie in it, or where the library's cache keeps them for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from degen.embeddings.archives import read_archive
from degen.embeddings.content import Asked, Content
from degen.embeddings.formats.checkpoint import open_checkpoint
from degen.embeddings.formats.named_arrays import ArrayFile, choose
from degen.embeddings.formats.safetensors import open_safetensors
from degen.embeddings.formats.weights.padding import Padding
from degen.embeddings.formats.weights.token_ids import Tokens, read_tokens
from degen.errors import UserError
from degen.files.parse import Unreadable, parse_json, read_text

_INDEX = ".index.json"
_READERS: dict[str, Callable[[Path], ArrayFile]] = {
    "model.safetensors": open_safetensors,
    "pytorch_model.bin": open_checkpoint,
}
_FILES = tuple(name for weights in _READERS for name in (weights, f"{weights}{_INDEX}"))

_INPUT = re.compile(
    r"(?:.*\.)?(?:word_embeddings?|embed_tokens|wte|tok_embeddings|embed_in|backbone\.embeddings"
    r"|item_embeddings?|item_emb)\.weight"
)
"""Usual names of the matrix that has a row per token."""

_SHARED = "shared.weight"
"""The same where an encoder and a decoder share it, which repeat it under other names."""

_OUTPUT = re.compile(r"(?:.*\.)?(?:lm_head|embed_out|predictions\.decoder)\.weight")
_LONGEST_INDEX, _MOST_PARTS = 1 << 26, 4096
_NAMED = 12
"""Maximum number of special tokens that a note names."""


def is_huggingface(folder: Path) -> bool:
    """Return whether a folder has a model's configuration and its weights."""
    return (folder / "config.json").is_file() and any((folder / name).is_file() for name in _FILES)


def read_huggingface(folder: Path, asked: Asked) -> Content:
    """Return a matrix of the model, by default the one that has a row per token.

    Raise a `UserError` where the folder lacks a part, a part lies outside, or a file is damaged.
    """
    file = _opened(folder)
    inputs = [name for name, each in file.arrays.items() if _INPUT.fullmatch(name) and len(each.shape) == 2]
    usual = _SHARED if _SHARED in file.arrays else inputs[0] if len(inputs) == 1 else None
    name = choose(folder, file, asked.key, usual)
    _refuse_scaled(folder, file, name)
    of_tokens = name == _SHARED or _INPUT.fullmatch(name) or _OUTPUT.fullmatch(name)
    tokens, unread = read_tokens(folder) if of_tokens else (None, "")
    n = file.arrays[name].shape[0] if file.arrays[name].shape else 0
    if tokens is not None:
        file = replace(file, ids={name: tokens.of_rows(n)})
    content = read_archive(folder, file, replace(asked, key=name))
    if content.values.dtype.kind in "iu":
        raise UserError(
            f"{folder}: '{name}' holds whole numbers, as quantised weights do; give the model as float"
        )
    notes = (f"{folder}: {name} [{', '.join(map(str, file.arrays[name].shape))}]",) if not asked.key else ()
    if tokens is None or content.known is not None:
        return replace(content, notes=(*content.notes, *notes, *([unread] if unread else [])))
    more = _notes(folder, tokens, n)
    return replace(content, notes=(*content.notes, *notes, *more), padding=_without_token(tokens, n))


def _opened(folder: Path) -> ArrayFile:
    """Return the weights in the first file of weights that is there, or in the parts that it names."""
    name = next(name for name in _FILES if (folder / name).is_file())
    open_part = _READERS[name.removesuffix(_INDEX)]
    if not name.endswith(_INDEX):
        return replace(open_part(_inside(folder, name)), trained=True)
    index = folder / name
    try:
        content = parse_json(read_text(_inside(folder, name), _LONGEST_INDEX))
        places = content.get("weight_map") if isinstance(content, dict) else None
        if not isinstance(places, dict) or not all(isinstance(part, str) for part in places.values()):
            raise Unreadable("it does not say which part each weight is in")
    except Unreadable as error:
        raise UserError(f"{index} is no index of weights: {error}; save the model again") from error
    names = sorted(set(places.values()))
    if len(names) > _MOST_PARTS:
        raise UserError(f"{index} names {len(names):,} parts, over {_MOST_PARTS:,}; save the model again")
    parts = {part: open_part(_inside(folder, part, index)) for part in names}
    lacking = [weight for weight, part in places.items() if weight not in parts[part].arrays]
    if lacking:
        raise UserError(
            f"{index} says that {places[lacking[0]]} holds {lacking[0]}, which it does not; bring along the "
            "parts of one model"
        )
    return ArrayFile({weight: parts[part].arrays[weight] for weight, part in places.items()}, trained=True)


def _inside(folder: Path, name: str, index: Path | None = None) -> Path:
    """Return the file of that name in the folder; raise a `UserError` where it is none, or lies outside."""
    said = f"{index} names {name!r}" if index else f"{folder / name}"
    plain = name not in ("", ".", "..") and not set(name) & set("/\\\0:")
    if not plain:
        raise UserError(f"{said}, which is not a file of its folder; save the model again")
    path = folder / name
    if not path.is_file():
        raise UserError(f"{said}, which is not there; bring it along")
    # The library's cache has links from snapshots/<revision>/ to blobs/.
    places = [folder.resolve()]
    if folder.resolve().parent.name == "snapshots":
        places.append(folder.resolve().parent.parent / "blobs")
    if path.resolve().parent not in places:
        raise UserError(f"{said}, which is a link to a file outside the folder; copy the file itself")
    return path


def _refuse_scaled(folder: Path, file: ArrayFile, name: str) -> None:
    """Raise a `UserError` for a matrix whose numbers are to be multiplied by scales beside it."""
    scales = (f"{name}_scale_inv", f"{name}_scale", f"{name.removesuffix('.weight')}.weight_scale")
    if beside := next((scale for scale in scales if scale in file.arrays), None):
        raise UserError(
            f"{folder}: '{name}' is quantised, with its scales in '{beside}'; give the model as float"
        )


def _without_token(tokens: Tokens, n: int) -> Padding | None:
    """Return the rows after those of the tokens, which models have to round their number up."""
    if n <= tokens.count:
        return None
    return Padding(tuple(range(tokens.count, n)), f"{tokens.file} has no tokens for them")


def _notes(folder: Path, tokens: Tokens, n: int) -> list[str]:
    notes = []
    if tokens.count > n:
        notes.append(f"{folder}: {tokens.file} has {tokens.count} tokens, but the matrix has {n} rows")
    special = [row for row in tokens.special if row < n]
    if special:
        named = ", ".join(f"{tokens.by_number[row]} ({row})" for row in special[:_NAMED])
        rows, more = ",".join(map(str, special[:_NAMED])), "…" if len(special) > _NAMED else ""
        notes.append(
            f"{folder}: special tokens have rows too: {named}{more and ', …'}; `skip_rows='{rows}{more}'` "
            "leaves them out"
        )
    return notes
