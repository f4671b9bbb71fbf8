"""Arguments in messages, as options on the command line."""

from __future__ import annotations

import pytest
from commands import mistake

from degen.cli.output import Output
from degen.cli.wording import as_typed
from degen.config.facts import KEYS, OPTIONS
from degen.config.settle import settle
from degen.errors import UserError, one_of
from degen.tables.table import Cell, Column, Table


@pytest.mark.parametrize(
    ("argument", "option"),
    [
        ("`out`", "--out"),
        ("`resume=True`", "--resume"),
        ("`stack=True`", "--stack"),
        ("`stack=False`", "--no-stack"),
        ("`resume=False`", "no --resume"),
        ("`device='cpu'`", "--device cpu"),
        ('`device="cpu"`', "--device cpu"),
        ("`lam`", "--lambda"),
        ("`lambda=0.2`", "--lambda 0.2"),
        ("`objective.lambda=0.2`", "--lambda 0.2"),
        ("`contrast_weight`", "--lambda"),
        ("`gamma=0.1`", "--gamma 0.1"),
        ("`cure_weight=0.1`", "--gamma 0.1"),
        ("`training.epochs=5`", "--epochs 5"),
        ("`item_block`", "--set training.item_block=…"),
        ("`item_block=0`", "--set training.item_block=0"),
        ("`training.item_block=0`", "--set training.item_block=0"),
        ("`reduction='mean'`", "--set objective.reduction=mean"),
        ("`padding_class=False`", "--set objective.padding_class=false"),
        ("`columns={'user': 0, 'item': 'sku'}`", "--columns user=0,item=sku"),
        ("`columns='user=…,item=…'`", "--columns user=…,item=…"),
        ("`measures=['spectrum', 'isotropy']`", "--measures spectrum,isotropy"),
        ("`key='my vectors'`", "--key 'my vectors'"),
        ("`skip_rows=…`", "--skip-rows …"),
        ("`formats`", "--format"),
        ("`modules`", "--import"),
        ("`list_measures=True`", "--list"),
        ("`degen.analysis.MEASURES`", "--list"),
        ("`modules=MODULE`", "--import MODULE"),
        ("`import MODULE`", "--import MODULE"),
    ],
)
def test_an_argument_is_the_option_of_the_same_meaning(argument, option):
    assert as_typed(f"add {argument}, or not") == f"add {option}, or not"


@pytest.mark.parametrize(
    "words",
    [
        "`test.json`",
        "`best.safetensors`",
        "`degen export RUN`",
        "`cold`",
        "`best`",
        "`data.epochs=3`",  # a key of another group
        "out and resume=True",
        "`weight[1:]`",
        "`` ` ``",
        "",
    ],
)
def test_other_words_stay_as_they_are(words):
    assert as_typed(words) == words


def test_several_arguments_of_a_message():
    message = "train on with `resume=True`, or anew with `overwrite=True`; `test.json` stays"
    assert as_typed(message) == "train on with --resume, or anew with --overwrite; `test.json` stays"


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_something_to_type(key):
    group = KEYS[key][0]
    # `degen evaluate` has an option of this name, the commands that train have none.
    expected = {**OPTIONS, "ties": "--ties"}.get(key, f"--set {group}.{key}=…")
    assert as_typed(f"`{key}`") == as_typed(f"`{group}.{key}`") == expected


def test_an_error_speaks_of_arguments_in_python_and_of_options_in_a_terminal(capfd):
    with pytest.raises(UserError, match=r"^training\.epochs \(`epochs`\) should be .*; got 0$"):
        settle(options={"training": {"epochs": 0}})
    assert mistake(capfd, "train", "--epochs", 0).startswith("training.epochs (--epochs) should be ")
    with pytest.raises(UserError, match=r"^`style` 'papr' is unknown; did you mean 'paper'\?$"):
        one_of("style", "papr", ["paper", "slides"])
    said = mistake(capfd, "plot-svd", "x", "--style", "papr")
    assert said == "--style 'papr' is unknown; did you mean 'paper'?"


def test_footnotes_of_tables_and_reasons_in_json_name_options(capsys):
    reason = "it needs all pairs of rows; leave out `exact_rows=9`"
    table = Table("t", "t", [Column("measure")], [[Cell("–", footnote=1)]], footnotes=[reason])
    Output().show(table)
    Output(as_json=True).result([{"mean_reason": reason}])
    printed = capsys.readouterr().out
    assert printed.count("leave out --exact-rows 9") == 2
    assert "exact_rows" not in printed


def test_conditions_and_runs_that_failed_speak_of_options_in_json_too(capsys):
    said = "it is 1, and `fail_if` says mean > 0; train anew with `overwrite=True`"
    Output(as_json=True).result({"failed": [said], "runs": {"failed": {"run": said}}, "path": "`fail_if`"})
    printed = capsys.readouterr().out
    assert printed.count("--fail-if says mean > 0; train anew with --overwrite") == 2
    assert printed.count("fail_if") == 1  # what is no sentence stays as it is
