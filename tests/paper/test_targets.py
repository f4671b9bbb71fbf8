"""The paper's tables and figures as studies: they resolve, and share their cells."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import pytest

import degen.paper.targets as package
from degen.config.baseline import is_baseline
from degen.errors import UserError
from degen.paper.launch import choose_targets
from degen.paper.targets import ALIASES, NAMES, chosen_datasets, target, targets

DATASETS = ("beauty", "clothing", "sports", "ml-1m", "yelp", "synthetic")
LONG = {"bpr-mf": 300, "bert4rec": 600, "bert4rec-no-bias": 600}
"""Controls that train longer, with their epochs."""

GRIDS = ("fig6", "fig7", "fig8", "fig9-13", "fig14")


def named(data):
    """A log's name in place of its fingerprint, so that no log is read."""
    return data.dataset, data.dataset


@cache
def cells(name, dataset="beauty"):
    return target(name).study([dataset]).cells(named)


def test_every_file_is_a_target_and_the_reverse():
    files = {path.stem for path in Path(package.__file__).parent.glob("*.toml")}
    assert files == set(NAMES)
    assert set(ALIASES.values()) <= set(NAMES)
    assert len({found.priority for found in targets()}) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_all_cells_resolve_on_every_dataset_and_are_as_many_as_the_target_says(name):
    found = target(name)
    for dataset in DATASETS:
        resolved = cells(name, dataset)
        assert len(resolved) == len({cell.id for cell in resolved}) == found.cells
        assert {cell.dataset for cell in resolved} == {dataset}


def test_fig_6_to_9_and_14_want_38_duorec_cells_of_a_log():
    """25 of the heat map, among them Fig. 6; 4 more of λ, 4 of the batch size, 5 of τ."""
    ids = {
        name: {cell.id for cell in cells(name) if cell.config.objective.variant == "duorec"} for name in GRIDS
    }
    assert {name: len(found) for name, found in ids.items()} == {
        "fig6": 5,
        "fig7": 5,
        "fig8": 5,
        "fig9-13": 25,
        "fig14": 6,
    }
    assert ids["fig6"] < ids["fig9-13"]
    assert len(set.union(*ids.values())) == 38
    assert len(ids["fig7"] & ids["fig8"] & ids["fig14"] & ids["fig9-13"]) == 1


def test_methods_are_compared_by_one_rule_of_stopping_and_their_cells_are_shared():
    shared = {name: {cell.id for cell in cells(name)} for name in ("table2", "fig2", "fig3", "fig5")}
    assert shared["fig2"] == shared["fig3"]
    assert shared["fig5"] < shared["table2"] & shared["fig2"]
    assert shared["fig2"] < {cell.id for cell in cells("degeneration")}
    patience = {
        name: {cell.config.training.patience for cell in cells(name) if cell.control not in LONG}
        for name in NAMES
    }
    assert {name for name, found in patience.items() if found == {5}} == set(GRIDS)
    assert {name for name, found in patience.items() if found == {10}} == set(NAMES) - set(GRIDS)


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_those_of_the_study(name):
    for cell in cells(name):
        training = cell.config.training
        baseline = is_baseline(cell.config.objective.variant)
        # Low dropout peaks early, so that only the grids need a least number of epochs.
        least, most = (15, 60) if name in GRIDS else (1, 100)
        assert (training.stop_on, training.min_epochs) == ("NDCG@10", least)
        assert training.epochs == LONG.get(cell.control, most)
        assert cell.config.objective.recipe == ("fixed" if baseline else "official")
        assert training.keep_embeddings
        # The geometry at the common epoch is measured from embeddings that were kept.
        assert target(name).study(["beauty"]).common_epoch % training.keep_embeddings == 0


def test_axes_are_the_papers():
    def values(name, key):
        group, key = key.split(".")
        duorec = [cell for cell in cells(name) if cell.control is None]
        return sorted({getattr(getattr(cell.config, group), key) for cell in duorec})

    rates = [0.1, 0.2, 0.3, 0.4, 0.5]
    assert values("fig7", "objective.lambda") == rates
    assert values("fig8", "training.batch_size") == [128, 256, 512, 1024, 2048]
    assert values("fig14", "objective.temperature") == [0.1, 0.3, 0.6, 1, 3, 6]
    for kind in ("embedding", "hidden", "attention"):
        assert values("fig6", f"model.{kind}_dropout") == values("fig9-13", f"model.{kind}_dropout") == rates
    for cell in cells("fig9-13"):
        assert cell.config.model.hidden_dropout == cell.config.model.attention_dropout
    assert {
        cell.config.model.embedding_dropout == cell.config.model.hidden_dropout for cell in cells("fig6")
    } == {True}


def test_sasrec_stands_beside_duorec_on_every_axis_that_it_has():
    controls = {name: [cell for cell in cells(name) if cell.control == "sasrec"] for name in GRIDS}
    assert {name: len(found) for name, found in controls.items()} == {
        "fig6": 5,
        "fig7": 1,
        "fig8": 5,
        "fig9-13": 0,
        "fig14": 1,
    }


@pytest.mark.parametrize(
    ("name", "expected"), [("fig7", {0.1}), ("fig2", {0.1}), ("fig6", {0.1, 0.2, 0.3, 0.4, 0.5})]
)
def test_ml_1m_has_its_own_dropout_where_dropout_is_no_axis(name, expected):
    assert {cell.config.model.hidden_dropout for cell in cells(name, "ml-1m")} == expected


def test_the_generated_log_is_trained_briefly_and_compared_at_an_epoch_that_it_has():
    for name in NAMES:
        epochs = {cell.config.training.epochs for cell in cells(name, "synthetic")}
        study = target(name).study(["synthetic"])
        assert epochs == {3}
        assert study.common_epoch == 2
        assert target(name).study(["beauty"]).common_epoch == 20


def test_logs_of_brief_training_are_a_study_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("DEGEN_DATA", str(tmp_path))
    (tmp_path / "beauty.txt").write_text("1 2 3 4 5\n", encoding="utf-8")
    chosen = choose_targets(["table2"], ["beauty", "synthetic"], None, [])
    found = {study.datasets: (study.common_epoch, study.controls["bert4rec"]) for _, study in chosen}
    bert4rec = {"objective": {"variant": "bert4rec"}}
    longer = {**bert4rec, "training": {"epochs": 600, "patience": 120}}
    assert found == {("synthetic",): (2, bert4rec), ("beauty",): (20, longer)}


@pytest.mark.parametrize(
    ("name", "methods", "expected"),
    [
        ("table2", ["sasrec", "duorec"], {"sasrec", "duorec"}),
        ("table2", ["SASRec", "bpr-mf"], {"sasrec", "bpr-mf"}),
        ("causes", ["sasrec", "sasrec-sgd"], {"sasrec", "sasrec-sgd"}),
        ("table2", ["gru4rec"], {"gru4rec"}),
        ("fig7", ["duorec"], {"duorec"}),
        ("losses", ["cl4srec"], {"cl4srec"}),
    ],
)
def test_methods_narrow_a_target_to_cells_that_it_has(name, methods, expected):
    ((_, study),) = choose_targets([name], ["synthetic"], None, [], methods)
    narrow, whole = study.cells(named), cells(name, "synthetic")
    assert {cell.control or cell.config.objective.variant for cell in narrow} == expected
    assert {cell.id for cell in narrow} < {cell.id for cell in whole}


def test_targets_without_the_methods_are_left_out():
    notes = []
    ((found, _),) = choose_targets(["table2", "fig7"], ["synthetic"], None, notes, ["sasrec"])
    assert (found.name, notes) == (
        "table2",
        ["fig7: left out, since all of its cells but controls are duorec"],
    )
    with pytest.raises(UserError, match="no method 'saserc'; did you mean 'sasrec'"):
        choose_targets(["table2"], ["synthetic"], None, [], ["saserc"])
    with pytest.raises(UserError, match="`methods` leaves out all of these targets: fig7: left out"):
        choose_targets(["fig7"], ["synthetic"], None, [], ["sasrec"])
    with pytest.raises(UserError, match="`methods` is empty"):
        choose_targets(["fig7"], ["synthetic"], None, [], [])


def test_targets_are_found_by_the_papers_numbers():
    assert target("FIG7").name == "fig7"
    assert target("fig1").name == "fig3"
    assert {target(f"fig{number}").name for number in range(9, 14)} == {"fig9-13"}
    with pytest.raises(UserError, match=r"no target 'fgi7'; did you mean 'fig7'\?"):
        target("fgi7")


def test_logs_that_are_not_here_are_left_out_unless_they_were_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DEGEN_DATA", str(tmp_path))
    (tmp_path / "beauty.txt").write_text("1 2 3 4 5\n", encoding="utf-8")
    notes = []
    assert chosen_datasets(target("fig7"), None, notes) == ["beauty"]
    assert notes == ["fig7: without clothing, sports, ml-1m, yelp; `degen data list` says where to get it"]
    assert chosen_datasets(target("fig4"), None, notes, refuse=False) == []
    with pytest.raises(UserError, match="sports is not here; download"):
        chosen_datasets(target("fig4"), None, notes)
    with pytest.raises(UserError, match="yelp is not here; download"):
        chosen_datasets(target("fig7"), ["beauty", "yelp"], notes)
    with pytest.raises(UserError, match=r"unknown dataset 'beuty'; did you mean 'beauty'\?"):
        chosen_datasets(target("fig7"), ["beuty"], notes)


def test_every_file_is_read_by_degen_sweep_as_it_is():
    from degen.sweeps.study import Study

    for name in NAMES:
        path = Path(package.__file__).parent / f"{name}.toml"
        assert set(tomllib.loads(path.read_text(encoding="utf-8"))["paper"]) >= {"title", "source", "claims"}
        assert Study.from_toml(path).datasets == target(name).datasets
