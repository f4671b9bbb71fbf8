"""Functions of a user's that return the wrong thing or raise: one sentence, which names function and line."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import tiny_fixtures
import tiny_runs
import torch
from commands import ended, mistake

import degen
from degen.analysis import Rows
from degen.analysis.passes.buckets import Buckets
from degen.analysis.passes.pair import Pair
from degen.analysis.registry import Measure, PairMeasure, Profile
from degen.errors import UserError
from degen.model.own_functions import with_own_checked
from degen.model.variants import MITIGATIONS, VARIANTS
from degen.modules import Own

log = tiny_fixtures.log

VARIANT = """
from degen import Variant, register
from degen.model.variants import ItemRegularizer

def mine(*given, **settings):
    return {result}

register(Variant("vv", {declared}))
"""
PENALTY = "item_regularizer=ItemRegularizer(mine), gamma=1.0"
LOSS = "views={'b': lambda source, rows, rng: source.history(rows)}, pairs=(('h', 'b'),), loss=mine"
VIEW = "views={'b': mine}, pairs=(('h', 'b'),)"
TWO_VIEWS = "views={'a, b': mine}, pairs=(('a', 'b'),)"
ONE, VIEWS = "one number as a tensor", "`Histories` with one sequence per row"
RETURNED = {
    "penalty": [(PENALTY, "given[0].sum(1)", "a tensor of shape [20]", ONE), (PENALTY, "3.0", "3.0", ONE)],
    "loss of views": [(LOSS, "None", "None", ONE)],
    "recommendation loss": [("recommendation=mine", "given[2][:3]", "a tensor of shape [3]", ONE)],
    "view": [
        (VIEW, "[[1], [2]]", "a value of type list and length 2", VIEWS),
        (VIEW, "given[0].history(given[1][:2])", "a value of type SampleHistories and length 2", VIEWS),
        (TWO_VIEWS, "(1, 2, 3)", "a value of type tuple and length 3", f"a tuple of 2 {VIEWS}"),
    ],
}
RAISED = {
    "given[0].nothing()": "AttributeError: 'Tensor' object has no attribute 'nothing'",
    "nothing": "NameError: name 'nothing' is not defined",
}
PLACE = "bad_ideas.py, line 6"
CASES = [
    (declared, result, f"the {kind} `mine()` of variant 'vv' returned {returned}; it must return {wanted}")
    for kind, cases in RETURNED.items()
    for declared, result, returned, wanted in cases
] + [
    (PENALTY, result, f"the penalty `mine()` of variant 'vv' failed: {PLACE}: {raised}; mend the file")
    for result, raised in RAISED.items()
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("declared", "result", "told"), CASES)
def test_a_variant_that_fails_is_one_sentence(here, log, capfd, declared, result, told):
    (here / "bad_ideas.py").write_text(VARIANT.format(result=result, declared=declared))
    typed = [*tiny_runs.options(log, epochs=1), "--variant", "vv", "--out", here / "run"]
    code, _, said = ended(capfd, "train", "--import", "bad_ideas", *typed)
    assert (code, said.splitlines()[-1].endswith(told)) == (2, True), said
    assert "Traceback" not in said


def test_functions_of_degen_are_called_as_they_are():
    for variant in (*VARIANTS.values(), *MITIGATIONS.values()):
        assert with_own_checked(variant) == variant
    assert not isinstance(with_own_checked(MITIGATIONS["cosreg"]).item_regularizer.loss, Own)


FACTS = {"range": (0, math.inf), "meaning": "none", "source": "none", "cost": "O(1)"}


HERE = Path(__file__).name


def nothing(*_):
    return None.ndim


def no_arguments():
    return 1.0


def line_of(function):
    return function.__code__.co_firstlineno


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda *_: None, "returned None; it must return one number"),
        (lambda *_: "high", "returned 'high'; it must return one number"),
        (lambda *_: np.ones(2), "returned an array of shape [2]; it must return one number"),
        (nothing, f"failed: {HERE}, line {line_of(nothing) + 1}: AttributeError: "),
        (no_arguments, f"failed: {HERE}, line {line_of(no_arguments)}: TypeError: no_arguments() takes 0 "),
    ],
    ids=["None", "text", "vector", "raises", "wrong arguments"],
)
def test_a_measure_that_fails_is_one_sentence(function, told):
    V, frequency = np.eye(20, 3) + 0.1, np.arange(20)
    rows = Rows.of(V)
    taken = Buckets.cut(frequency)
    calls = {
        "measure": lambda: Measure("gap", function, **FACTS, group="mine")(rows),
        "profile": lambda: Profile("gap", function, **FACTS)(rows, taken),
        "comparison": lambda: PairMeasure("gap", function, **FACTS)(Pair(rows, rows)),
    }
    for kind, call in calls.items():
        with pytest.raises(UserError) as failed:
            call()
        assert f"the {kind} 'gap' {told}" in str(failed.value)
        assert (failed.value.__cause__ is None) == ("returned" in told)


def test_numbers_of_every_library_are_taken():
    for value in (1, 2.5, np.float32(0.5), np.array(3), torch.tensor(0.25), math.nan):
        found = Measure("gap", lambda *_, value=value: value, **FACTS, group="mine")(np.eye(3))
        assert found is value


def test_analyze_ends_in_one_sentence(here, capfd):
    np.save("V.npy", np.eye(5))
    Path("bad_ideas.py").write_text(MEASURE)
    said = mistake(capfd, "analyze", "V.npy", "--import", "bad_ideas", "--measures", "mine")
    assert said == f"V.npy: the measure 'gap' failed: {PLACE}: {RAISED['nothing']}; mend the file"


MEASURE = """
from degen.analysis import measure

@measure("mine", range=(0, 9), meaning="higher is more isotropic", source="none", cost="O(1)")
def gap(V):
    return nothing
"""


def test_a_variant_in_the_place_of_a_study_is_told():
    with pytest.raises(UserError, match=r"first argument is a study file .* `variant='older-part'`"):
        degen.sweep("older-part", lam=[0, 1])
    with pytest.raises(UserError, match=r"nowhere.toml: there is no such file"):
        degen.sweep("nowhere.toml")
