"""Studies: axes, cells, their ids, and what is refused before anything is trained."""

from __future__ import annotations

import itertools
import json
from hashlib import sha256

import pytest
import tiny_runs

from degen.config.lists import parse_values
from degen.config.settle import by_group, settle
from degen.errors import UserError
from degen.sweeps.cells import Cell, cell_id
from degen.sweeps.plan import plan_lines, write_plan
from degen.sweeps.study import Study

LAMBDA = {"key": "objective.lambda", "values": [0.0, 0.1]}


def known(data):
    """Name and fingerprint of a log that nobody reads."""
    return data.dataset, f"fingerprint of {data.dataset}"


def cells(**fields) -> list[Cell]:
    return Study.of_values(fields).cells(known)


def config(**settings):
    found = settle(options=by_group(settings))
    return found.model_copy(update={"data": found.data.model_copy(update={"fingerprint": "f"})})


# Lists of values


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("lambda", "0,.02,.1", [0.0, 0.02, 0.1]),
        ("dropout", ".1:.5:.1", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("dropout", ".1:.5:.2", [0.1, 0.3, 0.5]),
        ("learning_rate", "1e-3:3e-3:1e-3", [1e-3, 2e-3, 3e-3]),
        ("lambda", "0.5:0:-0.25,3", [0.5, 0.25, 0.0, 3.0]),
        ("batch_size", "1:3", [1, 2, 3]),
        ("batch_size", "64,128:512:128", [64, 128, 256, 384, 512]),
        ("rec_loss", "ce, bce", ["ce", "bce"]),
        ("output_bias", "true,false", [True, False]),
    ],
)
def test_lists_and_ranges_are_read_in_decimal(key, text, values):
    found = parse_values(key, text)
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("lambda", "", "empty"),
        ("lambda", "0,,1", "empty"),
        ("lambda", "0:1:0", "never arrives"),
        ("lambda", "1:0:.1", "never arrives"),
        ("lambda", ".1:.5", "do not meet the stop"),
        ("lambda", ".3:.5:.3", "do not meet the stop"),
        ("lambda", "a", "no number"),
        ("lambda", "0:nan:1", "no number"),
        ("lambda", "0:1:1e-9", "10,000 at most"),
        ("lambda", ".1,0.10", "0.1 twice"),
        ("lambda", "0,0.0", "0.0 twice"),
        ("output_bias", "yes", "true or false"),
    ],
)
def test_lists_that_cannot_be_are_refused(key, text, said):
    with pytest.raises(UserError, match=said):
        parse_values(key, text)


# Cells


def test_cells_are_the_product_in_the_order_of_the_axes():
    found = cells(axes={"b": {"key": "batch_size", "values": [8, 16]}, "lambda": LAMBDA}, datasets=["x", "y"])
    order = [(cell.dataset, *cell.axes.values()) for cell in found]
    assert order == list(itertools.product("xy", [8, 16], [0.0, 0.1]))
    assert [cell.config.training.batch_size for cell in found] == [8, 8, 16, 16] * 2
    assert len({cell.id for cell in found}) == 8


def test_zip_takes_lists_in_step():
    found = cells(
        axes={
            "b": {"key": "batch_size", "values": [8, 16]},
            "rate": {"key": "learning_rate", "values": [1, 2]},
        },
        zip=True,
    )
    assert [(cell.config.training.batch_size, cell.config.training.learning_rate) for cell in found] == [
        (8, 1.0),
        (16, 2.0),
    ]


def test_random_draws_the_same_cells_of_the_product_each_time():
    axes = {
        "lambda": {"key": "lambda", "values": ".1:1:.1"},
        "t": {"key": "temperature", "values": "1:9:1"},
    }
    first, again, other = (
        Study.of_values({"axes": axes, "random": 7, "random_seed": seed}).combinations() for seed in (0, 0, 1)
    )
    assert first == again != other
    every = Study.of_values({"axes": axes}).combinations()
    assert len(first) == 7
    assert [every.index(drawn) for drawn in first] == sorted(every.index(drawn) for drawn in first)


def test_a_draw_of_more_combinations_than_can_be_listed():
    axes = {
        key: {"key": key, "values": list(range(1, 2001))}
        for key in ("dim", "batch_size", "max_length", "feed_forward")
    }
    drawn = Study.of_values({"axes": axes, "random": 5}).combinations()
    assert len({tuple(values.items()) for values in drawn}) == 5
    places = [tuple(values[key] for key in axes) for values in drawn]
    assert places == sorted(places)
    with pytest.raises(UserError, match="draw with `random`"):
        Study.of_values({"axes": axes}).combinations()


@pytest.mark.parametrize("zipped", [False, True])
def test_combinations_are_those_of_itertools(zipped):
    lists = [[8, 16, 32], [1, 2, 3], [4, 5, 6]]
    axes = {
        key: {"key": key, "values": values}
        for key, values in zip(("dim", "layers", "heads"), lists, strict=True)
    }
    found = Study.of_values({"axes": axes, "zip": zipped}).combinations()
    expected = zip(*lists, strict=True) if zipped else itertools.product(*lists)
    assert [tuple(values.values()) for values in found] == list(expected)


def test_a_setting_that_no_variant_has_a_use_for_is_refused():
    base = {"objective": {"variant": "sasrec", "lambda": 0.7}}
    with pytest.raises(UserError, match="no variant of this study contrasts views, so `lambda`"):
        cells(base=base)
    (plain, control) = cells(base=base, controls={"duorec": {"objective": {"variant": "duorec"}}})
    assert (plain.config.objective.lam, control.config.objective.lam) == (0.1, 0.7)


def test_an_axis_that_only_controls_could_use_is_refused():
    control = {"objective": {"variant": "duorec", "lambda": 0.3}}
    with pytest.raises(UserError, match="only controls have a use for `lambda`"):
        cells(
            base={"objective": {"variant": "sasrec"}}, axes={"lambda": LAMBDA}, controls={"duorec": control}
        )


def test_an_axis_that_a_variant_has_no_use_for_does_not_multiply_its_cells():
    variants = {"key": "variant", "values": ["sasrec", "duorec", "gru4rec"]}
    found = cells(axes={"variant": variants, "lambda": LAMBDA})
    assert [(cell.variant, dict(cell.axes)) for cell in found] == [
        ("sasrec", {"objective.variant": "sasrec"}),
        ("duorec", {"objective.variant": "duorec", "objective.lambda": 0.0}),
        ("duorec", {"objective.variant": "duorec", "objective.lambda": 0.1}),
        ("gru4rec", {"objective.variant": "gru4rec"}),
    ]


def test_a_control_is_trained_on_the_axes_that_it_has():
    dropout = {"key": "dropout", "values": [0.1, 0.2]}
    found = cells(
        axes={"dropout": dropout, "lambda": LAMBDA}, controls={"plain": {"objective": {"variant": "sasrec"}}}
    )
    assert [cell.control for cell in found] == [None] * 4 + ["plain"] * 2
    assert [cell.axes for cell in found[4:]] == [{"dropout": 0.1}, {"dropout": 0.2}]
    assert {cell.variant for cell in found[4:]} == {"sasrec"}


def test_datasets_have_settings_of_their_own_and_keys_are_set_together():
    found = cells(
        datasets=["x", "y"],
        axes={"hidden": {"key": ["model.hidden_dropout", "attention_dropout"], "values": [0.2]}},
        per_dataset={"y": {"model": {"dropout": 0.1}}},
    )
    rates = [
        (c.config.model.embedding_dropout, c.config.model.hidden_dropout, c.config.model.attention_dropout)
        for c in found
    ]
    assert rates == [(0.5, 0.2, 0.2), (0.1, 0.2, 0.2)]
    assert found[0].axes == {"model.hidden_dropout": 0.2}


# Ids


def test_an_id_depends_on_what_decides_the_result_and_on_nothing_else():
    plain = config(lam=0.2, epochs=5)
    same = [
        config(epochs=5, lam=0.2),
        config(lam=0.2, epochs=5, dim=64),  # a default, spelt out
        config(lam=0.2, epochs=5, seed=3, device="cpu", threads=2, cuda_graph=True),
        config(lam=0.2, epochs=5, keep_embeddings=1, tensorboard=True, score_block=7),
        config(lam=0.2, epochs=5, dataset="elsewhere.txt", name="x", min_user=5),
    ]
    assert {cell_id(other) for other in same} == {cell_id(plain)}
    others = [
        config(lam=0.2),
        config(lam=0.2, epochs=5, min_epochs=2),
        config(lam=0.2, epochs=5, patience=2),
        config(lam=0.2, epochs=5, max_steps=9),
        config(lam=0.2, epochs=5, precision="bf16"),
        config(lam=0.2, epochs=5, probe_seed=1),
        plain.model_copy(update={"data": plain.data.model_copy(update={"fingerprint": "g"})}),
    ]
    assert len({cell_id(plain), *map(cell_id, others)}) == 1 + len(others)


def test_an_id_stays_the_same_from_version_to_version():
    # Runs of earlier versions are found by it: a new key must have a default that means the old behaviour.
    text = '{"log":"f","settings":{"objective.variant":"sasrec","training.epochs":60}}'
    assert (
        cell_id(config(variant="sasrec", epochs=60)) == sha256(text.encode()).hexdigest()[:10] == "d5859cc7b1"
    )
    assert cell_id(config()) == sha256(b'{"log":"f","settings":{}}').hexdigest()[:10] == "645d6b0552"


# Files


def test_a_study_file_is_what_it_says_and_can_be_written_again(tmp_path):
    file = tmp_path / "fig7.toml"
    file.write_text(
        """
        [study]
        figure = "curve"
        metrics = ["HR@5"]
        datasets = ["beauty", "ml-1m"]
        seeds = "0-2"
        common_epoch = 20
        [base]
        objective = {variant = "duorec", recipe = "official"}
        training = {stop_on = "NDCG@10", patience = 5, epochs = 60, min_epochs = 15}
        [axis.lambda]
        key = "objective.lambda"
        values = ".1:.5:.1"
        [per_dataset.ml-1m]
        model = {embedding_dropout = 0.1, hidden_dropout = 0.1, attention_dropout = 0.1}
        [control.sasrec]
        objective = {variant = "sasrec"}
        """
    )
    study = Study.from_toml(file)
    assert study.seeds == (0, 1, 2)
    assert study.axes["lambda"].values == (0.1, 0.2, 0.3, 0.4, 0.5)
    found = study.cells(known)
    assert len(found) == 12
    assert (found[0].config.training.epochs, found[0].config.objective.reduction) == (60, "mean")
    copy = tmp_path / "copy.toml"
    copy.write_text(study.toml())
    assert Study.from_toml(copy) == study


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[study]\nseed = 1", "unknown key 'seed'; did you mean 'seeds'"),
        ("[axes.x]\nkey = 'dim'\nvalues = [1]", "unknown group .axes.; did you mean 'axis'"),
        ("[base]\ntraining = {seed = 3}", "a study has 'seeds', a list.*; write 'seeds=.3.'"),
        ("[axis.x]\nkey = 'training.seed'\nvalues = [0, 1]", "write 'seeds=.0, 1.'"),
        ("[control.sasrec]\ntraining = {seed = 3}", "write 'seeds=.3.'"),
        ("[base]\nobjective = {lamda = 1}", "unknown key objective.lamda"),
        ("[base]\nobjektive = {temperature = 1}", "unknown group 'objektive'; did you mean 'objective'"),
        ("[axis.x]\nkey = 'contrast_wait'\nvalues = [1]", "did you mean 'contrast_weight'"),
        ("[axis.x]\nkey = 'dim'\nvalues = []", "empty list"),
        ("[axis.x]\nkey = 'dim'", "'axis.x' lacks 'values'; it has key"),
        ("[axis.x]\nkey = 'dim'\nvalues = 5", "'axis.x.values' should be a list, such as"),
        ("[axis]\nx = [0, 1]", "'axis.x' should be a group of keys"),
        ("[base]\nepochs = 3", "'epochs' is a key of the group training; write training = {epochs = …}"),
        ("datasets = 'beauty'", "'datasets' is outside a group; put it under"),
        (
            "[axis.x]\nkey = 'dim'\nvalues = [8]\n[axis.y]\nkey = 'model.dim'\nvalues = [4]",
            "two axes set 'dim'",
        ),
        (
            "[axis.x]\nkey = 'dropout'\nvalues = [0]\n[axis.y]\nkey = 'hidden_dropout'\nvalues = [0]",
            "two axes set 'hidden_dropout'",
        ),
        ("[study]\nfigure = 'pie'", "'curve', 'heatmap'"),
        ("[study]\nrandom = 0", "greater than or equal to 1"),
        ("[study", "cannot be read: it is not TOML"),
    ],
)
def test_files_that_cannot_be_are_refused_by_name(tmp_path, text, said):
    file = tmp_path / "study.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=said) as refused:
        Study.from_toml(file)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


# Plans


@pytest.fixture
def study(tmp_path):
    log = tiny_runs.write_log(tmp_path / "toy.txt")
    base = by_group({"input_format": "sequences", "min_user": 0, "min_item": 0})
    return Study.of_values({"base": base, "axes": {"lambda": LAMBDA}, "datasets": [str(log)], "seeds": "0-1"})


def test_a_plan_has_a_line_for_each_run_and_every_cell_before_a_second_seed(study, tmp_path):
    out = tmp_path / "runs" / "lam"
    planned = write_plan(study, out)
    assert [(run.seed, run.axes["objective.lambda"]) for run in planned] == [
        (0, 0.0),
        (0, 0.1),
        (1, 0.0),
        (1, 0.1),
    ]
    line = json.loads((out / "plan.jsonl").read_text().splitlines()[0])
    assert line["run"] == f"../cells/toy/duorec/{line['id']}-s0"
    assert planned[0].run == tmp_path / "runs" / "cells" / "toy" / "duorec" / planned[0].name
    assert write_plan(study, out) == planned
    assert plan_lines(study, out) == []


def test_another_study_of_the_same_folder_is_refused_unless_it_only_adds(study, tmp_path):
    out = tmp_path / "lam"
    before = write_plan(study, out)
    more = study.model_copy(update={"seeds": (0, 1, 2)})
    text = (out / "plan.jsonl").read_text()
    with pytest.raises(UserError, match=r"seeds: 0, 1 there, 0, 1, 2 now.*another `out`"):
        write_plan(more, out)
    fewer = Study.of_values(study.model_dump() | {"axes": {"lambda": {**LAMBDA, "values": [0.1]}}})
    with pytest.raises(UserError, match=r"objective.lambda: 0.0, 0.1 there, 0.1 now"):
        write_plan(fewer, out)
    assert (out / "plan.jsonl").read_text() == text
    extended = write_plan(more, out, extend=True)
    assert extended[:4] == before
    assert [run.seed for run in extended[4:]] == [2, 2]


def test_a_log_that_has_changed_is_refused(study, tmp_path):
    out = tmp_path / "lam"
    write_plan(study, out)
    tiny_runs.write_log(tmp_path / "toy.txt", seed=1)
    with pytest.raises(UserError, match="the log of toy has changed since"):
        write_plan(study, out)


def test_folders_of_something_else_stay_as_they_are(study, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="is not empty and is no study"):
        write_plan(study, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    with pytest.raises(UserError, match="is a file"):
        write_plan(study, tmp_path / "mine" / "letter.txt")


def test_nothing_is_written_where_a_value_is_out_of_range(study, tmp_path):
    bad = study.model_copy(update={"base": {**study.base, "model": {"dim": 0}}})
    with pytest.raises(UserError, match="`dim`"):
        write_plan(bad, tmp_path / "lam")
    assert not (tmp_path / "lam").exists()


def losses(**axes):
    named = {key: {"key": key, "values": values} for key, values in axes.items()}
    study = Study.of_values({"base": {"objective": {"variant": "sasrec"}}, "axes": named})
    cells = study.cells(lambda data: ("made", "f" * 64))
    return [{key.rpartition(".")[2]: value for key, value in cell.axes.items()} for cell in cells]


def test_an_axis_without_use_for_a_loss_does_not_multiply_its_cells():
    assert losses(rec_loss=["ce", "gbce"], negatives=[1, 3]) == [
        {"rec_loss": "ce"},
        {"rec_loss": "gbce", "negatives": 1},
        {"rec_loss": "gbce", "negatives": 3},
    ]
    assert losses(rec_loss=["bce", "gbce"], gbce_t=[0.5, 1.0]) == [
        {"rec_loss": "bce"},
        {"rec_loss": "gbce", "gbce_t": 0.5},
        {"rec_loss": "gbce", "gbce_t": 1.0},
    ]


def test_what_no_loss_of_a_study_uses_is_refused():
    with pytest.raises(UserError, match=r"objective\.negatives = 3, but the full softmax takes all items"):
        losses(rec_loss=["ce"], negatives=[1, 3])
    with pytest.raises(UserError, match=r"gbce_t = 0\.5 is for the loss gbce"):
        losses(rec_loss=["bce", "ce"], gbce_t=[0.5, 1.0])
