"""Columns by their usual names, and by the user's choice."""

from __future__ import annotations

import pytest

from degen.data.reading.columns import Columns, check_roles, chosen_columns, named_columns, parse_columns
from degen.errors import UserError


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("user_id:token item_id:token rating:float timestamp:float", Columns(0, 1, 3)),
        (
            "review_id:token user_id:token business_id:token stars:float useful:float date:float",
            Columns(1, 2, 5),
        ),
        ("userId movieId rating timestamp", Columns(0, 1, 3)),
        ("rating title asin parent_asin user_id timestamp", Columns(4, 3, 5)),
        ("reviewerID asin overall unixReviewTime reviewTime", Columns(0, 1, 3)),
        ("user_id item_id weight datetime", Columns(0, 1, 3)),
        ("USER-ID Item-Id", Columns(0, 1, None)),
        ("user_id artist_id weight", Columns(0, 1, None)),
    ],
)
def test_names_that_the_field_uses(names, expected):
    assert named_columns(names.split()) == expected


@pytest.mark.parametrize("names", ["a b c", "user_id when", "item_id timestamp", "1 2 3"])
def test_names_that_say_nothing(names):
    assert named_columns(names.split()) is None


def test_columns_as_typed():
    assert parse_columns("user=who, item=what ,time=2") == {"user": "who", "item": "what", "time": "2"}
    assert parse_columns("item=b,user=a") == {"item": "b", "user": "a"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("user=a", "lacks item"),
        ("time=a", "lacks user and item"),
        ("user=a,item", "write it as"),
        ("user=a,item=", "write it as"),
        ("usr=a,item=b", "did you mean 'user'"),
        ("", "write it as"),
    ],
)
def test_columns_typed_wrongly(text, what):
    with pytest.raises(UserError, match=what):
        parse_columns(text)


def test_roles_from_a_configuration_are_checked_too():
    check_roles({"user": "a", "item": "b"})
    with pytest.raises(UserError, match="'tiem'"):
        check_roles({"user": "a", "item": "b", "tiem": "c"})


def test_a_name_comes_before_a_number_and_time_may_be_missing():
    names = ["x:token", "1", "y"]
    assert chosen_columns({"user": "x", "item": "1"}, names, "f") == Columns(0, 1, None)
    assert chosen_columns({"user": "2", "item": "0", "time": "1"}, names, "f") == Columns(2, 0, 1)


def test_one_column_is_counted_in_the_singular():
    with pytest.raises(UserError, match="f has 1 column, so no column 1"):
        chosen_columns({"user": "0", "item": "1"}, ["a b"], "f")


@pytest.mark.parametrize(
    ("choice", "numbers_only", "what"),
    [
        ({"user": "usr", "item": "item"}, False, "no column 'usr'; did you mean 'user'"),
        ({"user": "user", "item": "9"}, False, "3 columns, so no column 9"),
        ({"user": "user", "item": "item"}, True, "no line of column names"),
    ],
)
def test_columns_that_are_not_there(choice, numbers_only, what):
    with pytest.raises(UserError, match=what):
        chosen_columns(choice, ["user", "item", "when"], "f.csv", numbers_only=numbers_only)
