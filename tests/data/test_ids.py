"""Numbering of ids, compared with a dictionary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degen.data.reading import ids
from degen.data.reading.ids import IdCoder, by_appearance, distinct, from_words, to_words
from degen.errors import UserError

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
LONG = st.builds(lambda text, n: text * n, TEXT, st.integers(1, 9))


def coded(chunks: list[list[str]]) -> tuple[list[int], list[str]]:
    coder = IdCoder()
    for chunk in chunks:
        coder.add(chunk)
    codes, names = coder.finish()
    return codes.tolist(), names


def by_dictionary(chunks: list[list[str]]) -> tuple[list[int], list[str]]:
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(identifier, len(numbers)) for chunk in chunks for identifier in chunk]
    return codes, list(numbers)


@given(st.lists(st.lists(st.one_of(LONG, st.sampled_from(["a", "b", "0", "00"])), max_size=12), max_size=6))
def test_ids_are_numbered_in_order_of_first_appearance(chunks):
    assert coded(chunks) == by_dictionary(chunks)


@given(st.lists(st.lists(LONG, max_size=12), max_size=6))
def test_folding_often_changes_nothing(chunks):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "_FOLD", 3)
        assert coded(chunks) == by_dictionary(chunks)


def test_ids_stay_exactly_what_they_are():
    odd = [
        "0000013714",
        "13714",
        "NA",
        "null",
        "1e5",
        "100000",
        "nan",
        "None",
        " a",
        "a ",
        "a",
        "Ünïcödé",
        "日本",
    ]
    assert coded([odd])[1] == odd


def test_long_ids_and_those_that_look_like_their_stand_ins_are_kept_apart():
    odd = ["x" * 65, "x" * 66, "\x010", "\x011", "é" * 40, "x" * 64, "x" * 65]
    assert coded([odd[:3], odd[3:]]) == ([0, 1, 2, 3, 4, 5, 0], odd[:6])


@given(st.lists(TEXT, min_size=1))
def test_words_hold_the_whole_id(identifiers):
    assert from_words(to_words(identifiers)) == identifiers


def test_equal_hashes_of_different_ids_are_told_apart(monkeypatch):
    monkeypatch.setattr(ids, "_mix", lambda words: np.zeros(len(words), dtype=np.uint64))
    words = to_words(["B000000001", "B000000002", "B000000001", "A00000000Z"])
    table, codes = distinct(words)
    assert from_words(table[codes]) == ["B000000001", "B000000002", "B000000001", "A00000000Z"]
    assert len(table) == 3


def test_no_ids_at_all():
    assert coded([]) == coded([[]]) == ([], [])


@pytest.mark.parametrize(("identifier", "what"), [("a\0b", "NUL"), ("a\0", "NUL"), ("\ud800", "Unicode")])
def test_ids_that_cannot_be_kept_are_refused(identifier, what):
    with pytest.raises(UserError, match=what):
        coded([["fine", identifier]])


def test_by_appearance():
    codes, seen = by_appearance(np.array([4, 1, 4, 0]), 6)
    assert codes.tolist() == [0, 1, 0, 2]
    assert seen.tolist() == [4, 1, 0]
