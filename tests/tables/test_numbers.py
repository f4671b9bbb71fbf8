from __future__ import annotations

import math

import pytest

from degen.tables.numbers import between, four_decimals, number, with_error


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (12101.0, "12,101"),
        (12101, "12,101"),
        (-3.0, "-3"),
        (0.123456, "0.1235"),
        (-3.87461, "-3.875"),
        (64.4691, "64.47"),
        (1234.5678, "1,235"),
        (2.5e-9, "2.5e-09"),
        (3.21987e7 + 0.5, "3.22e+07"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (None, "–"),
        (math.nan, "–"),
        (0.054321, "0.05432"),
        (123456.7, "123,457"),
        (-11.2049, "-11.20"),
        (1e-7, "1e-07"),
    ],
)
def test_numbers_have_four_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (-3.874612, 0.00031, "-3.87461 ± 0.00031"),
        (1234.5, 17.0, "1,234 ± 17"),
        (0.5, 0.0, "0.5000"),
        (math.inf, 0.1, "∞"),
    ],
)
def test_a_value_is_written_to_the_second_digit_of_its_error(value, error, text):
    assert with_error(value, error) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (-2.12, -2.0, "-2.120 to -2.000"),
        (-0.0004, 0.25, "0.00 to 0.25"),
        (1234.5, 5678.9, "1,234 to 5,679"),
        (0.5, 0.5, "0.5000 to 0.5000"),
        (-math.inf, 1.0, "-∞ to 1"),
    ],
)
def test_both_ends_of_an_interval_have_the_digits_of_its_width(low, high, text):
    assert between(low, high) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.04249, "0.0425"),
        (-1234.56, "-1,234.6"),
        (12101, "12,101"),
        (True, "True"),
        (None, "–"),
        ("beauty", "beauty"),
    ],
)
def test_values_of_a_command_have_four_decimals(value, text):
    assert four_decimals(value) == text
