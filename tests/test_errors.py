from __future__ import annotations

import pytest

from degen.errors import UserError, nearest

VARIANTS = ["sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("sasrek", "sasrec"), ("DUOREC", "duorec"), ("cl4rec", "cl4srec"), ("ucl-scl", "ucl+scl")],
)
def test_the_nearest_name_is_named(typed, meant):
    assert nearest(typed, VARIANTS) == f"; did you mean '{meant}'?"


@pytest.mark.parametrize("typed", ["", "zzzz", "transformer4"])
def test_where_none_is_near_all_are_named(typed):
    assert nearest(typed, VARIANTS) == "; known: cl4srec, duorec, sasrec, scl, ucl, ucl+scl"


def test_case_does_not_matter_and_the_known_spelling_is_named():
    assert nearest("ndcg@1O", ["NDCG@10", "HR@10"]) == "; did you mean 'NDCG@10'?"


def test_a_user_error_is_its_sentence():
    assert str(UserError("--epochs takes 1 or more; got 0")) == "--epochs takes 1 or more; got 0"
