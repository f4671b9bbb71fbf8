"""Results of a study: rows of the finished runs, means with intervals, what is missing, and the figures."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from scipy import stats
from study_files import GEOMETRY, RANKING, PlannedCell, pretend, product, write_study

from degen.errors import UserError
from degen.runs.study import read_plan
from degen.sweeps.collect import collect, read_results
from degen.sweeps.results.result_rows import axis_columns
from degen.tables.terminal import print_table

LAMBDA, VARIANT = "objective.lambda", "objective.variant"
COUNTED = ["HR@5", "NDCG@5", "HR@10", "NDCG@10", "HR@20", "NDCG@20"]


def accuracy(cell: PlannedCell, seed: int) -> float:
    return 0.05 + 0.02 * cell.axes.get(LAMBDA, 0) + 0.001 * (seed**2 + 1)


def cells(seeds=(0, 1, 2)) -> list[PlannedCell]:
    control = PlannedCell({VARIANT: "sasrec"}, control="sasrec", seeds=seeds)
    return [*product({VARIANT: ["duorec"], LAMBDA: [0.5, 0.02]}, seeds=seeds), control]


@pytest.fixture
def lam(tmp_path):
    return write_study(tmp_path / "lam", cells(), pretend(value=accuracy))


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


# results.csv


def test_the_columns_of_results(lam):
    collect(lam, figures=False)
    [head, *_] = (lam / "results.csv").read_text().splitlines()
    keys = ["study", "dataset", "variant", "control", "cell", "seed", "lambda"]
    keys += ["epochs", "best_epoch", "capped", "common_epoch"]
    measured = [f"{part}_{name}" for part in ("valid", "test", "common_valid") for name in COUNTED]
    measured += [f"{part}_{name}" for part in ("best", "common") for name in GEOMETRY]
    environment = ["differs", "ties", "device", "cpu", "threads", "torch", "version", "commit", "seconds"]
    assert head.split(",") == [*keys, *measured, *environment]


def test_a_row_holds_the_numbers_of_the_runs_files(lam):
    collect(lam, figures=False)
    rows = rows_of(lam / "results.csv")
    plan = read_plan(lam)
    assert [(row["cell"], int(row["seed"])) for row in rows] == [(p.id, p.seed) for p in plan]
    for row, planned in zip(rows, plan, strict=True):
        cell = PlannedCell(planned.axes)
        test = accuracy(cell, planned.seed)
        assert (row["epochs"], row["best_epoch"], row["common_epoch"]) == ("4", "3", "4")
        for place, name in enumerate(RANKING, start=1):
            if name in COUNTED:
                assert float(row[f"test_{name}"]) == test * place
                assert float(row[f"valid_{name}"]) == pytest.approx(test * place)  # epoch 3, the best
                assert float(row[f"common_valid_{name}"]) == pytest.approx(test * place * 4 / 3 / 2)
        for place, name in enumerate(GEOMETRY, start=1):
            assert float(row[f"best_{name}"]) == pytest.approx(-test * place)
            assert float(row[f"common_{name}"]) == pytest.approx(-test * place * 2 / 3)
    assert [row["lambda"] for row in rows] == ["0.5"] * 3 + ["0.02"] * 3 + [""] * 3
    assert [row["control"] for row in rows] == [""] * 6 + ["sasrec"] * 3
    assert {row["cpu"] for row in rows} == {"a processor"}
    assert {row["commit"] for row in rows} == {"c0ffee"}


def test_two_collections_write_the_same_bytes(tmp_path):
    several = product({VARIANT: ["sasrec", "duorec"]}, seeds=(0, 1))
    out = write_study(tmp_path / "s", several, pretend(value=accuracy))
    written = []
    for _ in range(2):
        found = collect(out)
        written.append({path.name: path.read_bytes() for path in found.files})
    assert written[0] == written[1]
    names = {"results.csv", "summary.csv", "summary.tex", "bars-toy.pdf", "bars-toy.png"}
    assert set(written[0]) == names


def test_ids_stay_text(tmp_path):
    out = write_study(tmp_path / "s", cells(seeds=(0,)), pretend())
    [first, *_] = {planned.id for planned in read_plan(out)}
    plan = (out / "plan.jsonl").read_text().replace(first, "0123456789")
    (out / "plan.jsonl").write_text(plan)
    for folder in (out / "done", *(out.parent / "cells" / "toy").iterdir()):
        for path in folder.glob(f"{first}-s*"):
            path.rename(path.with_name(path.name.replace(first, "0123456789")))
    found = collect(out, figures=False)
    assert "0123456789" in set(found.results["cell"])
    assert set(read_results(out / "results.csv")["control"]) == {"", "sasrec"}


@pytest.mark.parametrize(
    ("settings", "epochs", "capped"),
    [
        ({"epochs": 4, "patience": 10}, 4, True),
        ({"epochs": 9, "patience": 1}, 4, False),
        ({"epochs": 4, "patience": 1}, 4, False),  # patience ran out in the last epoch
        ({"epochs": 4, "patience": 1, "min_epochs": 8}, 4, True),
        ({"epochs": 9, "max_steps": 5}, 4, True),
    ],
    ids=["epochs", "patience", "both", "before min_epochs", "steps"],
)
def test_capped_is_a_run_that_patience_did_not_end(tmp_path, settings, epochs, capped):
    out = write_study(tmp_path / "s", [PlannedCell({}, settings)], pretend(epochs=epochs, best=3))
    assert collect(out, figures=False).results["capped"].tolist() == [capped]


def test_the_common_epoch_is_the_last_that_all_runs_of_a_log_have(tmp_path):
    long, short = pretend(epochs=9, best=2), pretend(epochs=5, best=4)

    def write(folder, cell, config):
        (short if cell.dataset == "a" and config.training.seed == 1 else long)(folder, cell, config)

    both = [PlannedCell({LAMBDA: 0.1}, seeds=(0, 1), dataset=dataset) for dataset in ("a", "b")]
    out = write_study(tmp_path / "s", both, write)
    assert collect(out, figures=False).results["common_epoch"].tolist() == [5, 5, 9, 9]
    other = write_study(tmp_path / "t", both, write, {"common_epoch": 7})
    found = collect(other, figures=False).results
    assert found["common_epoch"].tolist() == [7] * 4
    assert found["common_valid_HR@5"].isna().tolist() == [False, True, False, False]
    none = write_study(tmp_path / "u", both, write, {"common_epoch": 12})  # which no run has
    assert collect(none, figures=False).results["common_epoch"].tolist() == [5, 5, 9, 9]


def test_axes_have_short_names_that_clash_with_no_column(tmp_path):
    keys = [LAMBDA, "training.batch_size", "training.epochs", "model.dim", VARIANT, "dropout"]
    axes = dict(zip(keys, [0.1, 64, 3, 8, "scl", 0.2], strict=True))
    out = write_study(tmp_path / "s", [PlannedCell(axes)], pretend())
    assert axis_columns(read_plan(out)) == {
        "lambda": LAMBDA,
        "batch_size": "training.batch_size",
        "training.epochs": "training.epochs",
        "dim": "model.dim",
        "dropout": "dropout",
    }
    assert collect(out, figures=False).results.loc[0, "training.epochs"] == 3


# What is not there


def test_only_finished_runs_are_read_and_the_others_are_named(lam):
    gone, failed, unfinished, *_ = read_plan(lam)
    (lam / "done" / gone.name).unlink()
    (lam / "done" / failed.name).unlink()
    (lam / "failed" / failed.name).write_text(json.dumps({"sentence": "no room on the disk", "tries": 3}))
    (unfinished.run / "test.json").unlink()
    found = collect(lam, figures=False)
    assert len(found.results) == 6
    assert found.missing == [gone.name, unfinished.name]
    assert found.failed == {failed.name: "no room on the disk"}
    assert found.notes == [f"{failed.name} failed: no room on the disk", "2 of 9 runs are not finished"]


def test_a_failure_that_was_mended_is_not_told(lam):
    first = read_plan(lam)[0]
    (lam / "failed" / first.name).write_text(json.dumps({"sentence": "once"}))
    assert collect(lam, figures=False).failed == {}


def test_nothing_finished_writes_nothing(lam):
    for path in (lam / "done").iterdir():
        path.unlink()
    found = collect(lam)
    assert found.files == []
    assert found.results.empty
    assert found.notes[-1].endswith("is finished: nothing to collect")
    assert not (lam / "results.csv").exists()


def test_another_folder_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"is not the folder of a study"):
        collect(tmp_path)


def test_another_version_or_log_is_not_mixed_unless_accepted(lam):
    version, log, *_ = read_plan(lam)
    done = json.loads((lam / "done" / version.name).read_text())
    (lam / "done" / version.name).write_text(json.dumps(done | {"version": "0.2.0"}))
    config = (log.run / "config.toml").read_text()
    (log.run / "config.toml").write_text(config.replace("f" * 64, "e" * 64))
    found = collect(lam, figures=False)
    assert len(found.results) == 7
    assert [note.partition(":")[0] for note in found.notes] == [
        f"{version.name} differs from most runs in version",
        f"{log.name} differs from most runs in log",
    ]
    accepted = collect(lam, accept_versions=True, figures=False)
    assert accepted.results["differs"].tolist() == ["version", "log"] + [""] * 7
    assert accepted.notes == []


def test_runs_that_count_ties_otherwise_are_not_mixed_unless_accepted(lam):
    old = read_plan(lam)[0]
    config = old.run / "config.toml"
    config.write_text(config.read_text().replace('ties = "expected"\n', ""))
    found = collect(lam, figures=False)
    assert [note.partition(":")[0] for note in found.notes] == [f"{old.name} differs from most runs in ties"]
    accepted = collect(lam, accept_versions=True, figures=False)
    assert accepted.results["ties"].tolist() == ["half"] + ["expected"] * 8


def test_another_commit_is_not_mixed_and_no_commit_is(lam):
    other, unknown, *_ = read_plan(lam)
    for planned, commit in ((other, "f00d"), (unknown, None)):
        done = json.loads((lam / "done" / planned.name).read_text())
        (lam / "done" / planned.name).write_text(json.dumps(done | {"commit": commit}))
    found = collect(lam, figures=False)
    assert len(found.results) == 8
    assert [note.partition(":")[0] for note in found.notes] == [
        f"{other.name} differs from most runs in commit"
    ]


def test_several_kinds_of_machine_are_told_of(lam):
    assert not collect(lam, figures=False).notes
    first, second, *_ = read_plan(lam)
    for planned, given in ((first, {"cpu": "another"}), (second, {"device": "a GPU"})):
        done = json.loads((lam / "done" / planned.name).read_text())
        (lam / "done" / planned.name).write_text(json.dumps(done | given))
    (note,) = collect(lam, figures=False).notes
    assert note.endswith(": 1 on another, 1 on a GPU, 7 on a processor")


def test_logs_are_compared_within_a_dataset(tmp_path):
    def write(folder, cell, config):
        pretend()(folder, cell, config)
        if cell.dataset == "b":
            text = (folder / "config.toml").read_text()
            (folder / "config.toml").write_text(text.replace("f" * 64, "e" * 64))

    several = [PlannedCell({}, seeds=(0, 1, 2), dataset=dataset) for dataset in ("a", "b")]
    out = write_study(tmp_path / "s", several, write)
    assert len(collect(out, figures=False).results) == 6


# summary.csv


def test_means_and_intervals_are_those_of_scipy(lam):
    found = collect(lam, figures=False).summary
    values = [accuracy(PlannedCell({LAMBDA: 0.5}), seed) for seed in (0, 1, 2)]
    [row] = found[(found["lambda"] == 0.5) & (found["metric"] == "test_HR@5")].to_dict("records")
    low, high = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert row["n"] == 3
    assert row["mean"] == pytest.approx(np.mean(values), rel=1e-12)
    assert row["sd"] == pytest.approx(np.std(values, ddof=1), rel=1e-12)
    assert (row["low"], row["high"]) == pytest.approx((low, high), rel=1e-9)
    assert row["half_width"] == pytest.approx((high - low) / 2, rel=1e-9)


def test_a_seed_more_narrows_the_interval_as_students_t_does(tmp_path):
    widths = {}
    for seeds in (2, 3, 12):
        out = write_study(tmp_path / str(seeds), cells(seeds=range(seeds)), pretend(value=accuracy))
        found = collect(out, figures=False).summary
        row = found[(found["lambda"] == 0.5) & (found["metric"] == "test_HR@5")].iloc[0]
        widths[seeds] = row["half_width"] / (row["sd"] / math.sqrt(seeds))
    expected = {n: stats.t.ppf(0.975, n - 1) for n in widths}
    assert widths == pytest.approx(expected, rel=1e-9)


def test_one_seed_has_no_interval(tmp_path):
    out = write_study(tmp_path / "s", cells(seeds=(0,)), pretend(value=accuracy))
    found = collect(out, figures=False)
    assert (found.summary["n"] == 1).all()
    assert found.summary[["sd", "low", "high", "half_width"]].isna().all(axis=None)
    rows = rows_of(out / "summary.csv")
    assert all(row["half_width"] == row["low"] == "" for row in rows)
    assert "±" not in "".join(cell.text for line in found.table().rows for cell in line)


def test_every_metric_is_summarized_and_missing_values_do_not_count(tmp_path):
    def write(folder, cell, config):
        pretend(value=accuracy)(folder, cell, config)
        if config.training.seed == 1:
            lines = (folder / "metrics.jsonl").read_text().splitlines()
            rows = [json.loads(line) | {"alignment": None} for line in lines]
            (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    out = write_study(tmp_path / "s", cells(), write)
    found = collect(out, figures=False).summary
    counts = found[found["lambda"] == 0.5].set_index("metric")["n"].to_dict()
    assert len(counts) == 3 * len(COUNTED) + 2 * len(GEOMETRY)
    assert {metric for metric, n in counts.items() if n == 2} == {"best_alignment", "common_alignment"}
    assert set(counts.values()) == {2, 3}


# What people read


def test_the_table_fits_into_80_columns(lam, capsys):
    print_table(collect(lam, figures=False).table())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    values = [accuracy(PlannedCell({LAMBDA: 0.02}), seed) for seed in (0, 1, 2)]
    half = stats.t.ppf(0.975, 2) * stats.sem(values)
    [line] = [line for line in lines if "0.02 " in line]
    assert f"{np.mean(values):.4f} ± {half:.4f}" in line
    assert line.split()[2] == "3"
    assert any("SASRec (control)" in line for line in lines)
    [titles] = [line for line in lines if "HR@5" in line]
    assert "NDCG@5" in titles


def test_the_latex_table_has_all_metrics(lam):
    collect(lam, figures=False)
    text = (lam / "summary.tex").read_text()
    for word in (r"\toprule", r"$\lambda$", "HR@5", "NDCG@10", r"$\pm$", "DuoRec", "booktabs"):
        assert word in text
    assert text.count(r"\\") == 4


def test_metrics_of_the_study_come_first(tmp_path):
    study = {"metrics": ["NDCG@20", "HR@20"]}
    out = write_study(tmp_path / "s", cells(), pretend(value=accuracy), study)
    table = collect(out, figures=False).table(None)
    assert [column.title for column in table.columns] == ["variant", "λ", "seeds", "NDCG@20", "HR@20"]


def test_a_metric_beyond_hr_and_ndcg_has_columns_where_the_study_names_it(tmp_path):
    out = write_study(tmp_path / "s", cells(), pretend(value=accuracy), {"metrics": ["MRR@10"]})
    found = collect(out, figures=False)
    place = RANKING.index("MRR@10") + 1
    np.testing.assert_allclose(found.results["test_MRR@10"], place * found.results["test_HR@5"])
    assert "±" in found.table().rows[0][-1].text


# The figures that suit the axes


@pytest.mark.parametrize(
    ("planned", "study", "names"),
    [
        (
            product({VARIANT: ["duorec", "scl"], LAMBDA: [0.1, 0.5]}),
            {"metrics": ["HR@5"]},
            {"curve-lambda-toy", "curve-lambda-toy-validation", "curve-lambda-toy-geometry"},
        ),
        (product({VARIANT: ["sasrec", "duorec"]}), {}, {"bars-toy"}),
        (product({"objective.similarity": ["dot", "cosine"]}), {}, {"bars-toy"}),
        (
            product({"model.embedding_dropout": [0.1, 0.5], "model.hidden_dropout": [0.1, 0.2, 0.3]}),
            {},
            {"heat-map-toy-duorec", "heat-map-toy-duorec-geometry"},
        ),
        (product({LAMBDA: [0.1, 0.5]}), {"figure": "table"}, set()),
        (product({LAMBDA: [0.1, 0.5], "model.dim": [8, 16], "model.layers": [1, 2]}), {}, set()),
    ],
    ids=["one axis", "variants", "words", "two axes", "table", "three axes"],
)
def test_figures_follow_the_axes(tmp_path, planned, study, names):
    out = write_study(tmp_path / "s", planned, pretend(value=accuracy), study)
    found = collect(out)
    assert {path.stem for path in (out / "figures").glob("*.pdf")} == names
    assert {path.stem for path in (out / "figures").glob("*.png")} == names
    assert all(path.exists() for path in found.files)


def test_an_axis_that_follows_from_those_before_it_is_none_of_its_own(tmp_path):
    tau = "objective.temperature"
    steps = [PlannedCell({LAMBDA: x, tau: 2 * x + 1, "model.dim": 8}) for x in (0.1, 0.2, 0.5)]
    control = PlannedCell({tau: 9.0}, control="other")
    out = write_study(tmp_path / "s", [*steps, control], pretend())
    assert collect(out, figures=False).axes == {"lambda": LAMBDA}
    more = write_study(tmp_path / "t", [*steps, PlannedCell({LAMBDA: 0.1, tau: 5.0})], pretend())
    assert collect(more, figures=False).axes == {"lambda": LAMBDA, "temperature": tau}
    alone = [PlannedCell({LAMBDA: 0.1}), PlannedCell({VARIANT: "sasrec"})]  # SASRec has no λ
    assert collect(write_study(tmp_path / "u", alone, pretend()), figures=False).axes == {}


def test_cells_that_form_no_grid_are_told(tmp_path):
    drawn = [PlannedCell({LAMBDA: x / 10, "objective.temperature": 1 + (x * 3) % 7}) for x in range(1, 7)]
    several = [*drawn, PlannedCell({LAMBDA: 0.1, "objective.temperature": 9.0})]
    found = collect(write_study(tmp_path / "s", several, pretend(value=accuracy)))
    assert found.notes == ["duorec on toy: 7 cells fill less than half of a heat map"]


def test_two_logs_of_one_variant_share_a_figure(tmp_path):
    several = [c for name in ("a", "b") for c in product({LAMBDA: [0.1, 0.5]}, dataset=name)]
    out = write_study(tmp_path / "s", several, pretend(value=accuracy), {"metrics": ["HR@5"]})
    collect(out)
    assert "curve-lambda-all" in {path.stem for path in (out / "figures").glob("*.pdf")}
