"""fastText's vectors of words: the mean of a word's own row and the rows of its character n-grams.

The n-grams of `<word>` are hashed into buckets (FNV-1a over signed bytes, 32 bits). Rows of buckets are read
once, in the order of the file, and added to the words that have them, so that a file larger than memory is
never loaded. See `Dictionary::computeSubwords` in fastText's source, and gensim's `ft_ngram_hashes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from degen.embeddings.file_rows import Index, Values
from degen.files.memory import check_fits

_OFFSET, _PRIME = np.uint32(2166136261), np.uint32(16777619)
_WORDS, _ROWS = 1 << 16, 1 << 15
"""Words that are hashed at once, and rows of buckets that are read at once."""

Hashes = npt.NDArray[np.uint32]


def mean_vectors(
    words: Sequence[bytes],
    own: Values,
    bucket_rows: Callable[[int, int], Values],
    bucket: int,
    lengths: tuple[int, int],
    what: str,
) -> Values:
    """Return the vectors of words, float32 [n, d].

    Parameters
    ----------
    words
        n words as bytes; an empty one has no n-grams.
    own
        the words' own rows [n, d].
    bucket_rows
        returns the rows of some buckets, given the first and the one after the last.
    bucket
        the number of buckets.
    lengths
        the minimum and maximum number of characters of an n-gram.
    what
        the subject of the error where memory is too small.
    """
    n, d = own.shape
    letters = sum(len(word) + 2 for word in words)
    pairs = letters * max(lengths[1] - max(lengths[0], 1) + 1, 0)
    check_fits(own.nbytes + 24 * pairs + 8 * _ROWS * d, what)
    total = own.astype(np.float32)
    of_words, of_buckets = _pairs(words, bucket, lengths)
    counts = 1 + np.bincount(of_words, minlength=n)
    order = np.argsort(of_buckets, kind="stable")
    of_words, of_buckets = of_words[order], of_buckets[order]
    for start in range(0, bucket, _ROWS):
        stop = min(start + _ROWS, bucket)
        first, last = np.searchsorted(of_buckets, (start, stop))
        if first < last:
            rows = bucket_rows(start, stop)
            _add(total, of_words[first:last], rows, of_buckets[first:last] - start)
    return np.divide(total, counts[:, None], out=total, casting="unsafe")


def _add(total: Values, words: Index, rows: Values, numbers: Index) -> None:
    """Add `rows[numbers]` to `total[words]`, where words repeat."""
    order = np.argsort(words, kind="stable")
    words, numbers = words[order], numbers[order]
    # NaN and infinity are refused later, by the row.
    with np.errstate(invalid="ignore", over="ignore"):
        for part in range(0, len(words), _ROWS):
            some = words[part : part + _ROWS]
            starts = np.flatnonzero(np.diff(some, prepend=-1))
            total[some[starts]] += np.add.reduceat(rows[numbers[part : part + _ROWS]], starts, axis=0)


def _pairs(words: Sequence[bytes], bucket: int, lengths: tuple[int, int]) -> tuple[Index, Index]:
    """Return a pair of numbers of a word and a bucket for each n-gram of each word."""
    found = [
        (block_words + start, hashes % np.uint32(bucket))
        for start in range(0, len(words), _WORDS)
        for block_words, hashes in ngram_hashes(words[start : start + _WORDS], lengths)
    ]
    if not found:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    of_words, of_buckets = zip(*found, strict=True)
    return np.concatenate(of_words), np.concatenate(of_buckets).astype(np.int64)


def ngram_hashes(words: Sequence[bytes], lengths: tuple[int, int]) -> Iterator[tuple[Index, Hashes]]:
    """Yield for each length of n-grams the numbers of words and the hashes, one for each n-gram."""
    shortest, longest = lengths
    marked = [b"<" + word + b">" for word in words if word]
    numbers = np.flatnonzero([len(word) > 0 for word in words])
    raw = np.frombuffer(b"".join(marked), dtype=np.uint8)
    # A character begins at each byte that does not continue another one in UTF-8.
    begins = np.flatnonzero((raw & 0xC0) != 0x80)
    sizes = np.diff(begins, append=len(raw))
    of_word = np.searchsorted(np.cumsum([len(word) for word in marked]), begins, side="right")
    ends = np.searchsorted(of_word, of_word, side="right")
    here = np.arange(len(begins))
    hashes = np.full(len(begins), _OFFSET, dtype=np.uint32)
    # fastText treats bytes as signed, so that those above 127 fill the upper bits of the hash's input.
    signed = raw.view(np.int8).astype(np.int32).view(np.uint32)
    for length in range(1, longest + 1):
        fits = here + length <= ends[here]
        here, hashes = here[fits], hashes[fits]
        if not len(here):
            return
        last = here + length - 1
        for step in range(int(sizes[last].max())):
            inside = np.flatnonzero(sizes[last] > step)
            hashes[inside] = (hashes[inside] ^ signed[begins[last[inside]] + step]) * _PRIME
        if length >= shortest:
            # A mark of the word's begin or end alone is no n-gram.
            edge = (here == np.searchsorted(of_word, of_word[here])) | (last + 1 == ends[here])
            mark = (length == 1) & edge
            yield numbers[of_word[here[~mark]]], hashes[~mark]
