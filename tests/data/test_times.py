"""Times of every kind, read as int64."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degen.data.reading.times import TimeColumn, UnreadableTime, is_time, parse_time
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


ZONES = st.timezones() | st.none()


@given(st.lists(st.datetimes(timezones=ZONES, allow_imaginary=False), min_size=1, max_size=5), st.booleans())
def test_dates_read_at_once_are_those_read_one_by_one(moments, spelled):
    texts = [moment.isoformat(sep=" " if spelled else "T") for moment in moments]
    exact = [parse_time(text)[1] * 1_000_000 for text in texts]
    unit = 1 if any(value % 1_000_000 for value in exact) else 1_000_000
    assert read(texts) == [int(value) // unit for value in exact]


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


def test_thousands_may_be_set_apart():
    assert read(["1,511,544,070", "1511544071"], ["-1,000.5"]) == [
        1511544070_000000,
        1511544071_000000,
        -1000_500000,
    ]
    assert not is_time("1,51")


def test_numbers_with_huge_exponents_are_no_times():
    for text in ("1e999999999", "-1e999999999", "1e-999999999", "9" * 400):
        assert not is_time(text)
    assert read(["0e999999999"]) == [0]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2017/07/28"], 1501200000),
        (["28.7.2017 10:15"], 1501236900),
        (["28 Jul 2017"], 1501200000),
        (["May 2, 2017", "Jul 28, 2017"], 1493683200),
        (["Wed Mar 22 09:25:14 -0700 2017"], 1490199914),
        (["11/9/2019 9:05:58 PM", "11/25/2019 9:05:58 AM"], 1573333558),
        (["2010-12-01 8:26"], 1291191960),
        (["01/02/2019", "02/02/2019", "31/01/2019"], 1548979200),
    ],
)
def test_dates_of_other_forms(texts, expected):
    assert read(texts)[0] == expected
    assert read(*[[text] for text in texts])[0] == expected


def test_dates_that_can_be_read_in_several_ways():
    with pytest.raises(UserError, match=r"`time_format='%d/%m/%Y'` or `time_format='%m/%d/%Y'`"):
        read(["01/02/2019"], ["03/04/2019"])
    # Whatever comes first in these, they are the same days.
    assert read(["01/01/2019", "02/02/2019"]) == [1546300800, 1549065600]


def test_dates_that_fit_no_pattern_together():
    with pytest.raises(UnreadableTime) as caught:
        read(["01/02/2019", "31/01/2019"], ["02/03/2019", "01/31/2019"])
    assert (caught.value.index, caught.value.value, caught.value.pattern) == (1, "01/31/2019", "%d/%m/%Y")


def test_notes_say_what_was_inferred():
    column = TimeColumn()
    column.add(["2018-01-01 00:00:00.5"])
    assert [("seconds" in note, "millionth" in note) for note in column.notes] == [
        (True, False),
        (False, True),
    ]


def test_no_times_at_all():
    assert read() == []
