"""Read which token each row of a language model's embedding belongs to, from the files of its tokenizer.

    tokenizer.json          the vocabulary of the library tokenizers, and the tokens added to it
    vocab.txt               a token per line, in the order of the rows
    vocab.json              tokens and their numbers; those of added_tokens.json come on top

The first of these that is there is read. Special tokens are those that `tokenizer.json`,
`tokenizer_config.json` or `special_tokens_map.json` call so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degen.errors import UserError
from degen.files.parse import Unreadable, read_json, read_text

_UNREAD = ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
"""Vocabularies of SentencePiece, which are not read."""


@dataclass(frozen=True)
class Tokens:
    """The tokens by their numbers, the numbers of the special ones, and the file that they come from."""

    by_number: Mapping[int, str]
    special: tuple[int, ...]
    file: str

    @property
    def count(self) -> int:
        """One more than the largest number."""
        return max(self.by_number) + 1

    def of_rows(self, n: int) -> list[str]:
        """Return the tokens of n rows; a row without one is named by its number."""
        return [self.by_number.get(row, f"[no token {row}]") for row in range(n)]


def read_tokens(folder: Path) -> tuple[Tokens | None, str]:
    """Return the tokens of the tokenizer in a folder, or None, and a note where one is there but unread.

    Raise a `UserError` where a file of the tokenizer is damaged.
    """
    special = set(_special_names(folder))
    for name, read in (("tokenizer.json", _fast), ("vocab.txt", _lines), ("vocab.json", _numbers)):
        if not (folder / name).is_file():
            continue
        try:
            found, more = read(folder, name)
        except (Unreadable, ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(
                f"{folder / name} is not a tokenizer's: {_clause(error)}; save the tokenizer again, or move "
                "the file away to go without ids"
            ) from error
        by_number = {number: token for token, number in reversed(found)}
        numbers = {number for token, number in found if token in special} | set(more)
        if by_number:
            return Tokens(by_number, tuple(sorted(numbers)), name), ""
    unread = next((name for name in _UNREAD if (folder / name).is_file()), None)
    note = f"{folder}: the ids in {unread} are not read; save the tokenizer as tokenizer.json to have them"
    return None, note if unread else ""


def _clause(error: Exception) -> str:
    return str(error) if isinstance(error, Unreadable) else "it lacks the vocabulary, or a token's number"


Found = tuple[list[tuple[str, int]], Iterable[int]]
"""Tokens with their numbers, those that count first; and the numbers of special ones."""


def _fast(folder: Path, name: str) -> Found:
    content = read_json(folder / name)
    vocabulary = content["model"]["vocab"]
    if isinstance(vocabulary, list):
        # A vocabulary with scores has its tokens in order.
        pairs = [(_text(entry[0]), number) for number, entry in enumerate(vocabulary)]
    else:
        pairs = _checked(vocabulary)
    added = content.get("added_tokens") or []
    special = [_number(each["id"]) for each in added if each.get("special") is True]
    return [*((_text(each["content"]), _number(each["id"])) for each in added), *pairs], special


def _lines(folder: Path, name: str) -> Found:
    tokens = read_text(folder / name).split("\n")
    tokens = tokens[:-1] if tokens[-1] == "" else tokens
    pairs = [(token.rstrip("\r"), number) for number, token in enumerate(tokens)]
    return [*_added(folder), *pairs], ()


def _numbers(folder: Path, name: str) -> Found:
    return [*_added(folder), *_checked(read_json(folder / name))], ()


def _added(folder: Path) -> list[tuple[str, int]]:
    file = folder / "added_tokens.json"
    return _checked(read_json(file)) if file.is_file() else []


def _checked(vocabulary: Any) -> list[tuple[str, int]]:
    return [(token, _number(number)) for token, number in vocabulary.items()]


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise ValueError("a token's number is none")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a token is no text")
    return value


def _special_names(folder: Path) -> Iterator[str]:
    """Yield the tokens that the settings of a tokenizer call special; damaged settings have none."""
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        try:
            settings = read_json(folder / name)
        except Unreadable:
            continue
        for key, value in settings.items() if isinstance(settings, dict) else ():
            for each in value if isinstance(value, list) else [value]:
                text = each.get("content") if isinstance(each, dict) else each
                if key.endswith(("_token", "special_tokens")) and isinstance(text, str):
                    yield text
