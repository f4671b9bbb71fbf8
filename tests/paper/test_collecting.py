"""Results in the paper's layout from runs that are only written: tables, verdicts, lists."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from commands import result_of, run
from study_files import PlannedCell, pretend, product, write_study

from degen.build import load_data
from degen.config.settle import by_group, settle
from degen.errors import UserError
from degen.paper import degeneration, drawing
from degen.paper.collecting import collect_targets
from degen.paper.comparison import comparison
from degen.paper.counting import Targets, count_targets
from degen.paper.degeneration import degeneration_table, measure_runs
from degen.paper.judging.intervals import interval
from degen.paper.launch import also_trained
from degen.paper.measured import measured
from degen.paper.standing import standings
from degen.paper.targets import target
from degen.sweeps.collect import collect

SEEDS = (0, 1, 2)
METRICS = ["HR@5", "NDCG@5", "HR@10", "NDCG@10"]
LEVEL = {"sasrec": 0.030, "cl4srec": 0.020, "duorec": 0.034, "gru4rec": 0.010}


def by_method(cell, seed):
    """Test HR@5 of a run: methods lie apart, seeds move all by the same."""
    return LEVEL[cell.axes["objective.variant"]] + 0.001 * seed


def methods(dataset="beauty", names=("sasrec", "cl4srec", "duorec"), seeds=SEEDS):
    return product({"objective.variant": names}, dataset=dataset, seeds=seeds)


def study(out, name, cells, value=by_method, metrics=METRICS, **about):
    write = pretend(value=value)
    return write_study(out / name, cells, write, {"metrics": metrics, "datasets": ["beauty"], **about})


def texts(table, title):
    place = [column.title for column in table.columns].index(title)
    return {row[0].text: row[place] for row in table.rows}


def test_table2_has_the_published_value_beside_ours_and_marks_what_is_impossible(tmp_path):
    study(tmp_path, "table2", methods())
    collect(tmp_path / "table2", figures=False)
    table = comparison(target("table2"), measured(tmp_path / "table2"), ["HR@5", "NDCG@10"], {})
    beauty = [row for row, dataset in zip(table.rows, table.sections, strict=True) if dataset == "beauty"]
    assert [row[0].text for row in beauty if row[1].text == "3"] == ["SASRec", "CL4SRec", "DuoRec"]
    published = {row[0].text: row[2] for row in beauty if row[1].text == "3"}
    assert {name: (cell.text, cell.footnote) for name, cell in published.items()} == {
        "SASRec": ("0.0365", 1),  # impossible
        "CL4SRec": ("0.0401", 0),
        "DuoRec": ("0.0546", 0),
    }
    assert "no ranking of one target per user" in table.footnotes[0]
    assert "standard deviations of DuoRec on beauty: HR@5 0.0013, NDCG@10 0.0006" in table.note
    mean, half = interval([0.034, 0.035, 0.036])
    assert beauty[-1][3].text == f"{mean:.4f} ± {half:.4f}" == "0.0350 ± 0.0025"


def test_table2_shows_what_is_not_trained(tmp_path):
    study(tmp_path, "table2", methods())
    collect(tmp_path / "table2", figures=False)
    table = comparison(target("table2"), measured(tmp_path / "table2"), ["HR@5"], {})
    rows = {
        (place, row[0].text): [cell.text for cell in row[1:]]
        for place, row in zip(table.sections, table.rows, strict=True)
    }
    assert len(rows) == 5 * 8
    assert rows["beauty", "GRU4Rec"] == ["0", "0.0164", "not trained"]
    assert rows["yelp", "DuoRec"] == ["0", "0.0441", "not trained"]
    assert [name for _, name in rows][:8] == [name for _, name in rows][8:16]
    # Without published values there is nothing to show of what is not trained.
    study(tmp_path / "own", "table2", methods("synthetic"))
    collect(tmp_path / "own" / "table2", figures=False)
    assert len(comparison(target("table2"), measured(tmp_path / "own" / "table2"), ["HR@5"], {}).rows) == 3


def test_accuracy_is_judged_on_differences_of_the_same_seed(tmp_path):
    def paired(cell, seed):
        return by_method(cell, seed) + LEVEL[cell.axes["objective.variant"]] * 0.001 * seed

    study(tmp_path, "table2", methods(), paired)
    found = collect_targets(tmp_path, ["table2"])
    verdicts = {one.claim: one for one in found.judgements}
    better = verdicts["duorec recommends better than sasrec"]
    # Seeds move both methods nearly alike, so their difference has less spread than each method has.
    assert (better.verdict, better.seeds, better.dataset) == ("holds", 3, "beauty")
    assert better.measured.startswith("HR@5 +0.0040")
    stored = json.loads((tmp_path / "results" / "table2.json").read_text(encoding="utf-8"))
    assert stored[0]["claim"] == better.claim
    assert stored[0]["margins"]["HR@5"] == pytest.approx([0.004, 0.004 * 1.001, 0.004 * 1.002])
    assert verdicts["cl4srec recommends better than sasrec"].verdict == "does not hold"
    lacking = verdicts["duorec recommends better than bpr-mf"]
    assert (lacking.verdict, lacking.measured, lacking.seeds) == ("cannot be told", "not trained: bpr-mf", 0)


def test_runs_that_were_left_out_are_told_from_what_is_not_trained(tmp_path):
    cells = [*methods(names=("sasrec", "cl4srec")), *methods(names=("duorec",), seeds=(0, 1))]
    older = {cell.axes["objective.variant"]: pretend(value=by_method, degen="0.0.9") for cell in cells[2:]}
    others = pretend(value=by_method)

    def write(folder, cell, config):
        older.get(cell.axes["objective.variant"], others)(folder, cell, config)

    write_study(tmp_path / "table2", cells, write, {"metrics": METRICS, "datasets": ["beauty"]})
    found = collect_targets(tmp_path, ["table2"])
    told = {one.claim: one.measured for one in found.judgements}
    left_out = "left out: duorec (differs from most runs in version)"
    assert told["duorec recommends better than sasrec"] == left_out
    assert told["duorec recommends better than bpr-mf"] == f"{left_out}; not trained: bpr-mf"
    assert "duorec" not in told["cl4srec recommends better than sasrec"]
    (table,) = found.tables
    beauty = [row for row, dataset in zip(table.rows, table.sections, strict=True) if dataset == "beauty"]
    ours = {row[0].text: row[3].text for row in beauty}
    assert (ours["DuoRec"], ours["GRU4Rec"]) == ("left out", "not trained")
    kept = collect_targets(tmp_path, ["table2"], accept_versions=True).judgements
    assert not any("left out" in one.measured for one in kept)


def test_the_common_epoch_is_told_beside_the_verdict(tmp_path):
    study(tmp_path, "table2", methods())
    verdicts = {one.claim: one.measured for one in collect_targets(tmp_path, ["table2"]).judgements}
    rows = measured(tmp_path / "table2")
    valid = {(row.method, row.seed): row.value("common_valid_NDCG@10") for row in rows}
    mean, half = interval([valid["duorec", seed] - valid["cl4srec", seed] for seed in SEEDS])
    epoch = rows[0].value("common_epoch")
    told = f"; at epoch {epoch:.0f}, validation NDCG@10 {mean:+.4f} ± {half:.4f}"
    assert verdicts["duorec recommends better than cl4srec"].endswith(told)


def test_verdicts_on_a_log_that_is_trained_briefly_are_no_evidence(tmp_path):
    study(tmp_path, "table2", [*methods("beauty"), *methods("synthetic")])
    found = collect_targets(tmp_path, ["table2"]).judgements
    words = {one.dataset: one.measured for one in found if one.seeds}
    assert words["synthetic"].endswith("no evidence about the paper")
    assert "evidence" not in words["beauty"]


def test_a_seed_that_one_method_lacks_is_left_out(tmp_path):
    cells = [*methods(names=("sasrec",), seeds=(0, 1)), *methods(names=("duorec",), seeds=(1, 2))]
    study(tmp_path, "table2", cells)
    one = collect_targets(tmp_path, ["table2"]).judgements[0]
    assert (one.claim, one.verdict, one.seeds) == (
        "duorec recommends better than sasrec",
        "cannot be told",
        1,
    )
    assert one.measured.startswith("one seed: not judged; HR@5 +0.0040")


def test_files_are_those_of_the_paper_and_verdicts_of_all_targets_stand_together(tmp_path):
    study(tmp_path, "table2", methods())
    cells = product({"objective.lambda": [0.1, 0.2, 0.3, 0.4, 0.5]}, dataset="beauty", seeds=SEEDS)
    study(tmp_path, "fig7", cells, value=lambda cell, seed: 0.03 + 0.0001 * seed, figure="curve")
    collect_targets(tmp_path, ["table2"])
    found = collect_targets(tmp_path, ["fig7"])
    text = (tmp_path / "verdicts.md").read_text(encoding="utf-8")
    assert "## Table 2: accuracy of all methods" in text
    assert "## Fig. 7: accuracy by λ" in text
    assert [(one.claim, one.verdict) for one in found.judgements] == [
        ("duorec's accuracy does not depend on λ", "holds")
    ]
    assert {"fig7.csv", "fig7.tex", "fig7-beauty.pdf"} <= {path.name for path in found.files}
    latex = (tmp_path / "results" / "table2.tex").read_text(encoding="utf-8")
    assert "0.0365$^{1}$" in latex
    with (tmp_path / "results" / "table2.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 9


def test_fig5_reads_the_course_of_training(tmp_path):
    study(tmp_path, "fig5", methods(names=("cl4srec", "duorec")), figure="trajectory")
    collected = collect_targets(tmp_path, ["fig5"])
    found = {one.claim: one for one in collected.judgements}
    # `pretend` lets every measure of geometry fall while HR@5 rises.
    assert found["duorec's uniformity falls while its HR@5 rises"].verdict == "holds"
    assert found["cl4srec's uniformity rises"].verdict == "does not hold"
    assert found["duorec's alignment rises meanwhile"].verdict == "does not hold"
    drawn = {path.name: path for path in collected.files if path.parent.name == "figures"}
    assert {"fig5-beauty.png", "fig5-beauty-epochs.png"} <= drawn.keys()
    with drawn["fig5-beauty.csv"].open(encoding="utf-8") as file:
        assert {row["seed"] for row in csv.DictReader(file)} == {"0", "1", "2", "mean"}


def test_the_list_counts_runs_and_hours_and_what_other_targets_have_trained(tmp_path):
    study(tmp_path, "table2", methods())
    (tmp_path / "table2" / "done").joinpath("elsewhere").write_text("{}")
    (run_of_seed_2,) = [p for p in (tmp_path / "table2" / "done").glob("*-s2")][:1]
    run_of_seed_2.unlink()
    rows = {(one.target, one.dataset): one for one in standings(tmp_path)}
    table2 = rows["table2", "beauty"]
    assert (table2.runs, table2.done, table2.missing) == (9, 8, 1)
    assert table2.hours == pytest.approx(1.5 / 3600)
    assert (rows["table2", "yelp"].done, rows["table2", "yelp"].hours) == (0, None)
    assert rows["fig7", "beauty"].done == 0


def test_degeneration_measures_each_run_once(tmp_path, monkeypatch):
    study(tmp_path, "degeneration", methods(names=("sasrec", "duorec"), seeds=(0, 1)), common_epoch=2)
    collect(tmp_path / "degeneration", figures=False)
    asked = []
    monkeypatch.setattr(degeneration, "count_targets", lambda config: Targets(120, 120))
    monkeypatch.setattr(degeneration, "_of_use", lambda run: asked.append(run.path) or {"NDCG@10": 0.5})
    rows = measured(tmp_path / "degeneration")
    found = target("degeneration")
    values = measure_runs(found, rows, tmp_path / "degeneration", 2)
    assert measure_runs(found, rows, tmp_path / "degeneration", 2) == values
    assert len(asked) == 4
    V = rows[0].run.item_embeddings.astype(np.float64)
    s = np.linalg.svd(V, compute_uv=False)
    assert values[0]["best_sigma2_ratio"] == pytest.approx(s[1] / s[0])
    mean = V.mean(axis=0)
    assert values[0]["best_mean_energy_share"] == pytest.approx(len(V) * mean @ mean / (V**2).sum())
    table = degeneration_table(found, values)
    assert [row[0].text for row in table.rows] == ["SASRec", "DuoRec"]
    assert texts(table, "NDCG@10")["SASRec"].text == "0.5000 ± 0.0000"
    # A count has no interval, and ratios have one decimal; the values keep their digits.
    assert texts(table, "targets, millions")["SASRec"].text == "0.00"
    own = [one["best_participation_ratio"] for one in values if one["method"] == "sasrec"]
    assert texts(table, "participation ratio")["SASRec"].text == "{:.1f} ± {:.1f}".format(*interval(own))
    assert len(degeneration_table(found, values, "common").columns) == 2  # none kept


def test_rows_of_measures_name_values_on_axes_and_controls(tmp_path, monkeypatch):
    monkeypatch.setattr(degeneration, "count_targets", lambda config: Targets(120, 120))
    monkeypatch.setattr(degeneration, "_of_use", lambda run: {})
    axes = {"objective.variant": ("sasrec", "duorec"), "objective.rec_loss": ("ce", "bpr")}
    cells = product(axes, dataset="beauty")
    other = PlannedCell(
        {}, {"variant": "sasrec", "rec_loss": "gbce", "negatives": 256}, "sasrec-gbce", dataset="beauty"
    )
    study(tmp_path, "losses", [*cells, other], lambda cell, seed: 0.1)
    collect_targets(tmp_path, ["losses"])
    with (tmp_path / "results" / "losses.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = sorted((row["method"], row["rec_loss"], row["label"]) for row in rows)
    assert found == [
        ("duorec", "bpr", "DuoRec rec_loss=bpr"),
        ("duorec", "ce", "DuoRec rec_loss=ce"),
        ("sasrec", "bpr", "SASRec rec_loss=bpr"),
        ("sasrec", "ce", "SASRec rec_loss=ce"),
        ("sasrec-gbce", "", "sasrec-gbce"),
    ]
    assert not {"variant", "objective.variant"} & rows[0].keys()
    one = measured(tmp_path / "losses")[1]
    assert one.axes == {"rec_loss": "bpr"}
    assert (one.axis("dropout"), one.axis("model.rec_loss")) == (None, None)


def test_causes_are_judged_by_the_tail_too(tmp_path, monkeypatch):
    monkeypatch.setattr(degeneration, "count_targets", lambda config: Targets(120, 120))
    monkeypatch.setattr(degeneration, "_of_use", lambda run: {})
    plain = methods(names=("sasrec",), seeds=(0, 1))
    sgd = [replace(cell, control="sasrec-sgd", settings={"item_optimizer": "sgd"}) for cell in plain]
    study(tmp_path, "causes", [*plain, *sgd], lambda cell, seed: 0.1)
    for path in tmp_path.glob("cells/beauty/sasrec/*"):
        if 'item_optimizer = "adam"' in (path / "config.toml").read_text():
            V = np.load(path / "item_embeddings.npy")
            V[:15] += 5  # the rarer half: frequency rises with the row
            np.save(path / "item_embeddings.npy", V)
    collected = collect_targets(tmp_path, ["causes"])
    found = {one.claim: one.measured for one in collected.judgements}
    drawn = {path.name: path for path in collected.files}
    assert {"causes-beauty.png", "causes-beauty-sasrec.csv", "causes-beauty-sgd.csv"} <= drawn.keys()
    with drawn["causes-beauty-singular-values.csv"].open(encoding="utf-8") as file:
        lines = {(row["name"], row["seed"]) for row in csv.DictReader(file)}
    assert lines == {("sasrec", "0"), ("sasrec", "1"), ("sgd", "0"), ("sgd", "1")}
    claim = "sasrec-sgd's cone is weaker than sasrec's"
    with (tmp_path / "results" / "causes.csv").open(encoding="utf-8") as file:
        tails = {
            (row["method"], row["seed"]): float(row["best_tail_average_cosine"])
            for row in csv.DictReader(file)
        }
    fall = np.mean([tails["sasrec", seed] - tails["sasrec-sgd", seed] for seed in "01"])
    assert fall > 0.5
    # `pretend` has one average cosine for all, and only the matrices differ.
    assert found[claim].startswith("fall of the average cosine +0.0000 ± 0.0000, fall of the tail's average")
    assert f"fall of the tail's average cosine {fall:+.4f} ± " in found[claim]


@pytest.mark.parametrize(("name", "epoch"), [("fig3", 2), ("degeneration", 4)])
def test_geometry_is_judged_at_the_epoch_of_the_tables(tmp_path, monkeypatch, name, epoch):
    # 120 samples and 60 targets per epoch: the common epoch 2 has as many targets as epoch 4.
    monkeypatch.setattr(degeneration, "count_targets", lambda config: Targets(60, 120))
    monkeypatch.setattr(degeneration, "_of_use", lambda run: {})
    cells = methods(names=("sasrec", "scl", "duorec"), seeds=(0, 1))
    study(tmp_path, name, cells, lambda cell, seed: 0.1, common_epoch=2)
    cone = 3 * np.ones((30, 4), dtype=np.float32)
    for config in tmp_path.glob("cells/beauty/*/*/config.toml"):
        kept = config.parent / "embeddings"
        kept.mkdir()
        for number in (1, 2, 3, 4):  # all of them are kept by all; SASRec has a cone at the right one alone
            V = np.load(config.parent / "item_embeddings.npy")
            narrow = number == epoch and "sasrec" in config.parts
            np.save(kept / f"e{number:03d}.npy", V + cone if narrow else V)
    told = {one.claim: one.measured for one in collect_targets(tmp_path, [name]).judgements}
    words = told["sasrec's rare items lie in a cone, scl's and duorec's spread around the origin"]
    found = re.search(r"at the best epochs \+0\.0000 .* at epoch (\d) \+(\S+) ±", words)
    assert found is not None, words
    assert int(found[1]) == epoch
    assert float(found[2]) > 0.5


def test_a_run_of_two_stages_has_a_row_for_the_first(tmp_path, monkeypatch):
    study(tmp_path, "degeneration", methods(names=("sasrec",), seeds=(0,)))
    collect(tmp_path / "degeneration", figures=False)
    monkeypatch.setattr(degeneration, "_of_use", lambda run: {})
    monkeypatch.setattr(degeneration, "count_targets", lambda config: Targets(120, 120, 5_000_000))
    (row,) = measured(tmp_path / "degeneration")
    cone = np.ones((30, 4), dtype=np.float32) + row.run.item_embeddings / 10
    np.save(row.run.path / "pretrain_embeddings.npy", cone)
    values = measure_runs(target("degeneration"), [row], tmp_path / "degeneration", None)
    assert [one["method"] for one in values] == ["sasrec", "sasrec pre-trained"]
    assert values[0]["best_average_cosine"] < 0.5 < values[1]["best_average_cosine"]
    assert [one["best_targets"] for one in values] == [5.00036, 5.0]
    table = degeneration_table(target("degeneration"), [*values, {**values[0], "best_targets": 1.1}])
    assert texts(table, "targets, millions")["SASRec"].text == "3.05"
    assert [line[0].text for line in table.rows] == ["SASRec", "SASRec pre-trained"]


def measured_with_targets(tmp_path, monkeypatch, dataset, **kept):
    """Measures of sasrec and bert4rec, whose epochs have 120 and 30 targets, with V of the epochs `kept`."""
    cells = [*methods(dataset, ("sasrec",), (0,)), *methods(dataset, ("bert4rec",), (0,))]
    study(tmp_path, "degeneration", cells, lambda cell, seed: 0.1, datasets=[dataset])
    collect(tmp_path / "degeneration", figures=False)
    rows = measured(tmp_path / "degeneration")
    monkeypatch.setattr(degeneration, "_of_use", lambda run: {})
    numbers = {"sasrec": Targets(120, 120), "bert4rec": Targets(30, 120)}
    monkeypatch.setattr(degeneration, "count_targets", lambda config: numbers[config.objective.variant])
    for row in rows:
        (row.run.path / "embeddings").mkdir(exist_ok=True)
        for epoch in kept[row.method]:
            np.save(row.run.path / f"embeddings/e{epoch:03d}.npy", row.run.item_embeddings)
    notes: list[str] = []
    folder = tmp_path / "degeneration"
    return measure_runs(target("degeneration"), rows, folder, 2, notes), notes, rows


def test_methods_are_compared_after_equally_many_targets(tmp_path, monkeypatch):
    values, notes, _ = measured_with_targets(tmp_path, monkeypatch, "beauty", sasrec=[2], bert4rec=[2, 8])
    assert [one["common_targets"] for one in values] == [240 / 1e6, 240 / 1e6]
    assert [one["best_targets"] for one in values] == [360 / 1e6, 90 / 1e6]  # best epoch 3
    assert notes == []
    table = degeneration_table(target("degeneration"), values, "common")
    assert table.columns[2].title == "targets, millions"
    assert "about equally many training targets" in table.note


def test_on_logs_of_brief_training_methods_are_compared_at_one_epoch(tmp_path, monkeypatch):
    values, _, _ = measured_with_targets(tmp_path, monkeypatch, "synthetic", sasrec=[2], bert4rec=[2, 8])
    assert [one["common_targets"] for one in values] == [240 / 1e6, 60 / 1e6]


def test_runs_without_embeddings_of_the_common_epoch_are_named(tmp_path, monkeypatch):
    values, notes, _ = measured_with_targets(tmp_path, monkeypatch, "beauty", sasrec=[2], bert4rec=[2])
    assert "common_sigma2_ratio" not in values[1]
    assert notes == [
        "no measures at the common epoch of beauty bert4rec seed 0: they ended before it, or were trained "
        "without `keep_embeddings`"
    ]


def test_a_run_that_was_trained_again_is_measured_again(tmp_path, monkeypatch):
    values, _, rows = measured_with_targets(tmp_path, monkeypatch, "beauty", sasrec=[2], bert4rec=[8])
    path = rows[0].run.path / "item_embeddings.npy"
    np.save(path, np.load(path) + 1)
    again = measure_runs(target("degeneration"), rows, tmp_path / "degeneration", 2)
    assert again[0]["best_average_cosine"] > values[0]["best_average_cosine"] + 0.1
    assert again[1] == values[1]


def test_targets_are_those_of_the_batches():
    def counted(variant, **more):
        config = settle(options=by_group({"dataset": "synthetic", "variant": variant, **more}))
        return count_targets(config)

    lengths = load_data(settle(options=by_group({"dataset": "synthetic"})).data).sequences.lengths
    training = lengths - 2
    samples = int((training - 1).sum())
    assert counted("sasrec") == counted("duorec") == Targets(samples, samples)
    assert counted("bpr-mf") == Targets(int(training.sum()), samples)
    # Of a row of L items with ρ = 0.2: 0.2 · L, and one where none is hidden; in a fifth the last alone.
    rows = np.minimum(training, 50)
    expected = 0.2 * len(rows) + 0.8 * (0.2 * rows + 0.8**rows).sum()
    assert counted("bert4rec").epoch == pytest.approx(expected, abs=1)
    prefixes = np.concatenate([np.minimum(np.arange(1, n + 1), 50) for n in training])
    passes = counted("s3rec-mip", pretrain_epochs=3)
    assert passes.epoch == samples
    assert passes.pretraining == pytest.approx(3 * (0.2 * prefixes + 0.8).sum(), rel=0.05)
    assert passes.by(2) == passes.pretraining + 2 * samples


def test_a_damaged_file_is_named(tmp_path):
    study(tmp_path, "fig5", methods(names=("duorec",), seeds=(0,)))
    collect(tmp_path / "fig5", figures=False)
    (tmp_path / "fig5" / "results.csv").write_text("nonsense\n1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"results\.csv cannot be read"):
        measured(tmp_path / "fig5")
    with pytest.raises(UserError, match="no target has been run in"):
        collect_targets(tmp_path, ["fig2"])


def test_the_command_prints_tables_and_verdicts(tmp_path):
    study(tmp_path, "table2", methods())
    shown = run("paper", "collect", "--out", tmp_path).stdout
    assert "duorec recommends better than sasrec, beauty (Table 2)" in shown
    assert "95 % interval, n = 3 seeds" in " ".join(shown.split())
    listed = result_of("paper", "list", "--out", tmp_path)
    assert [row["done"] for row in listed if (row["target"], row["dataset"]) == ("table2", "beauty")] == [9]


def test_what_is_not_trained_is_named_once_on_a_log_that_is_trained_briefly(tmp_path):
    study(tmp_path, "table2", methods("synthetic", ("sasrec", "duorec")), datasets=["synthetic"])
    found = collect_targets(tmp_path, ["table2"]).judgements
    assert {one.measured for one in found if "not trained" in one.measured and "cl4srec" in one.measured} == {
        "not trained: cl4srec"
    }
    (told,) = [one.measured for one in found if one.claim == "duorec recommends better than sasrec"]
    assert "trained briefly: a trial of the command" in told
    shown = " ".join(run("paper", "collect", "--out", tmp_path).stdout.split())
    assert re.search(r"cannot be told; not trained: (\S+, )+\S+\.", shown)


def test_terminal_shows_the_columns_that_fit_and_names_the_file_of_the_rest(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    study(tmp_path, "table2", methods())
    shown = run("paper", "collect", "table2", "--out", tmp_path).stdout
    table = shown.partition("The paper's claims")[0]
    assert "HR@5 paper" in table
    assert "NDCG@10 paper" not in table
    assert max(map(len, table.splitlines())) <= 80
    assert re.search(r"\d more columns? in table2\.tex", table)
    assert "0.0365¹" in table
    latex = (tmp_path / "results" / "table2.tex").read_text(encoding="utf-8")
    assert "NDCG@10 paper" in latex


def test_fig2_is_drawn_with_published_bars(tmp_path, monkeypatch):
    given = []
    draw = drawing.bars_figure
    monkeypatch.setattr(drawing, "bars_figure", lambda *a, **k: given.append(k["published"]) or draw(*a, **k))
    study(tmp_path, "fig2", methods(), figure="bars", metrics=["HR@5", "NDCG@5"])
    names = {path.name for path in collect_targets(tmp_path, ["fig2"]).files}
    assert {"fig2-beauty.pdf", "fig2-beauty.png"} <= names
    assert given[0]["sasrec"]["test_HR@5"] == 0.0365
    assert given[0]["duorec"]["test_NDCG@5"] == 0.0352


def test_methods_stand_in_the_order_of_the_paper_whenever_they_were_planned(tmp_path, monkeypatch):
    drawn = []
    draw = drawing.bars_figure
    monkeypatch.setattr(drawing, "bars_figure", lambda *a, **k: drawn.append(a[0]) or draw(*a, **k))
    planned = methods(names=("duorec", "ucl", "sasrec", "cl4srec"), seeds=(0, 1))
    study(tmp_path, "fig2", planned, lambda cell, seed: 0.02, figure="bars")
    found = collect_targets(tmp_path, ["fig2"])
    ordered = ["sasrec", "cl4srec", "ucl", "duorec"]
    assert list(drawn[0]["series"]) == [name for name in ordered for _ in (0, 1)]
    assert [row[0].text for row in found.tables[0].rows] == ["SASRec", "CL4SRec", "UCL", "DuoRec"]


def test_runs_begun_earlier_are_told_of(tmp_path):
    study(tmp_path, "table2", methods())
    asked = target("table2").study(["synthetic"], [0])
    assert also_trained([(target("table2"), asked)], tmp_path) == []
    for path in (tmp_path / "table2" / "done").glob("*-s2"):
        path.unlink()
    (told,) = also_trained([(target("table2"), asked)], tmp_path)
    assert told.startswith("table2: 3 runs on beauty were begun earlier and are trained too")
    both = [(target("table2"), target("table2").study(["beauty"], [0, 1, 2])), (target("table2"), asked)]
    assert also_trained(both, tmp_path) == []


def test_figures_of_a_study_are_taken_over_without_its_list_of_outputs(tmp_path):
    study = tmp_path / "study" / "figures"
    study.mkdir(parents=True)
    for name in ("curve-lambda-synthetic.pdf", ".degen-outputs.jsonl"):
        (study / name).write_text("-")
    files = drawing.draw_target(target("fig7"), [], tmp_path / "study", tmp_path / "out").files
    assert [path.name for path in files] == ["fig7-curve-lambda-synthetic.pdf"]
