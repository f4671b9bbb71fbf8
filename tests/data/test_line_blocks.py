"""Blocks of lines split by NumPy, compared with `str.split`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from degen.data.reading.ids import from_words
from degen.data.reading.line_blocks import Block

FIELD = st.text(st.sampled_from('ab0123456789:,; \t|-."é\x1c'), max_size=22)
SEPARATOR = st.sampled_from([None, "\t", ",", ";", "|", "::"])


@given(
    st.lists(st.lists(FIELD, min_size=1, max_size=4), min_size=1, max_size=6), SEPARATOR, st.integers(1, 4)
)
def test_a_block_is_split_as_its_lines_are_or_not_at_all(rows, separator, width):
    text = "".join((separator or " ").join(row) + "\n" for row in rows)
    block = Block.split(text, separator, width, before=7)
    split = [line.split(separator) for line in text.split("\n")[:-1]]
    if block is None:
        plain = all(c == "\t" or " " <= c <= "~" for c in text.replace("\n", ""))
        tight = separator is not None or all(
            " ".join(s) == line for s, line in zip(split, text.split("\n"), strict=False)
        )
        colons = separator != "::" or (":" not in text.replace("::", "") and ":::" not in text)
        assert not (plain and tight and colons and all(len(row) == width for row in split))
        return
    assert len(block) == len(rows)
    for place in range(width):
        column = [row[place] for row in split]
        assert block.texts(place) == column
        assert from_words(block.words(place)) == column
        assert block.empty(place) == (column.index("") if "" in column else None)
    assert block.line(0) == 8


@given(st.lists(st.one_of(st.integers(0, 10**20), st.integers(0, 99)), min_size=1))
def test_digits_are_read_as_integers(numbers):
    block = Block.split("".join(f"{number}\n" for number in numbers), "\t", 1, 0)
    values = block.integers(0)
    assert values is None if max(numbers) >= 10**18 else values.tolist() == numbers


@pytest.mark.parametrize("text", ["-1", "1.5", "1e5", "+3", "1_0", "", "2018-01-01", "/", ":"])
def test_anything_but_digits_is_left_to_the_slow_way(text):
    assert Block.split(f"12,3\n{text},3\n", ",", 2, 0).integers(0) is None


def test_leading_zeros_do_not_matter_to_a_time():
    assert Block.split("007\n10\n", "\t", 1, 0).integers(0).tolist() == [7, 10]


@pytest.mark.parametrize(
    "text",
    [
        "a b\n\nc d\n",
        "a b\nc\nd e f\n",
        "a b\nc d e\n",
        "ä b\n",
        "a\0 b\n",
        f"a {'b' * 65}\n",
        " a b\n",
        "a b \n",
        "a  b\n",
    ],
)
def test_blocks_that_are_not_plain_are_left_to_the_slow_way(text):
    assert Block.split(text, None, 2, 0) is None


@pytest.mark.parametrize("text", ["a:b:c\n", "a::b:\n", "a:::b\n", "a::b::c\n"])
def test_single_colons_are_no_double_ones(text):
    assert Block.split(text, "::", 2, 0) is None


def test_a_field_of_the_greatest_width_at_the_very_end():
    block = Block.split(f"a\t{'z' * 64}\n", "\t", 2, 0)
    assert from_words(block.words(1)) == ["z" * 64]
