"""Times of every kind, read as int64."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degen.data.reading.times import TimeColumn, UnreadableTime, is_time
from degen.errors import UserError


def read(*chunks: list[str]) -> list[int]:
    column = TimeColumn()
    for chunk in chunks:
        column.add(chunk)
    times = column.times()
    assert times.dtype == np.int64
    return times.tolist()


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_stay_what_they_are(numbers):
    assert read([str(number) for number in numbers]) == numbers


def test_stamps_that_float32_confuses_stay_apart():
    assert np.float32(1369699201) == np.float32(1369699200)
    assert read(["1369699201", "1369699200"]) == [1369699201, 1369699200]


def test_floats_that_are_whole_are_read_exactly():
    assert read(["978300760.0", "9.78300761E8"], ["978300762"]) == [978300760, 978300761, 978300762]


def test_one_fraction_puts_the_whole_log_into_millionths():
    assert read(["10", "11"], ["10.5", "10.2500001"]) == [10_000_000, 11_000_000, 10_500_000, 10_250_000]


def test_dates_are_seconds_in_utc():
    expected = int(datetime(2018, 3, 4, 5, 6, 7, tzinfo=UTC).timestamp())
    same = [
        "2018-03-04 05:06:07",
        "2018-03-04T05:06:07Z",
        "2018-03-04 07:06:07+02:00",
        "2018-03-04 05:06:07 UTC",
    ]
    assert read(same) == [expected] * 4
    assert read(["1970-01-02", "1969-12-31"]) == [86_400, -86_400]
    assert read(["1970-01-01 00:00:00.25"]) == [250_000]


@pytest.mark.parametrize(
    "text", ["yesterday", "", "nan", "inf", "1e400", "09 13, 2009", "2018-13-01", str(2**63)]
)
def test_what_is_no_time_is_named_with_its_place(text):
    assert not is_time(text)
    with pytest.raises(UnreadableTime) as caught:
        read(["5"], ["6", text, "nonsense"])
    assert (caught.value.index, caught.value.value) == (1, text)


@pytest.mark.parametrize(
    ("first", "second"), [("5", "2018-01-01"), ("2018-01-01", "5"), ("2018-01-01", "5.5")]
)
def test_dates_and_numbers_do_not_mix(first, second):
    with pytest.raises(UnreadableTime) as caught:
        read([first], [second])
    assert caught.value.value == second
    with pytest.raises(UnreadableTime):
        read([first, second])


def test_integers_read_elsewhere_do_not_mix_with_dates_either():
    column = TimeColumn()
    column.add(["2018-01-01"])
    with pytest.raises(UnreadableTime):
        column.add_integers(np.array([5]))


def test_fractions_beside_numbers_too_large_for_millionths():
    with pytest.raises(UserError, match="one unit"):
        read(["1.5"], ["1600000000000000000"])
    with pytest.raises(UnreadableTime):
        read(["1600000000000000000.5"])


def test_notes_say_what_was_inferred():
    column = TimeColumn()
    column.add(["2018-01-01 00:00:00.5"])
    assert [("seconds" in note, "millionth" in note) for note in column.notes] == [
        (True, False),
        (False, True),
    ]


def test_no_times_at_all():
    assert read() == []
