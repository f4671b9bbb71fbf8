"""Result pages hold the numbers of the files beside them: every table is computed again, apart from degen."""

from __future__ import annotations

import json
import math
import re
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pages.render import COLLECTED, KEPT, README, RESULTS, SEEDS, TEMPLATES, keep, pages
from pageslib.epochs import Epochs, released
from pageslib.losses import Losses
from pageslib.rows import join, stored
from pageslib.sentences import Sentences
from scipy import stats

from degen.paper.measured import Measured
from degen.runs.study import PlannedRun

PAGES = pages()
LOGS = {"Beauty": "beauty", "Clothing": "clothing"}
CONTRASTIVE = {"CL4SRec": "cl4srec", "UCL": "ucl", "SCL": "scl", "UCL+SCL": "ucl+scl", "DuoRec": "duorec"}
NAMES = {"SASRec": "sasrec", **CONTRASTIVE}
SETTINGS = {"0.001", "0.02"}
"""Numbers with decimals that prose may hold: settings, and limits that a test holds measurements to."""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_what_its_template_gives(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path], "write it by python experiments/pages/render.py"


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.md")), ids=lambda path: path.name)
def test_no_measured_number_is_written_by_hand(path: Path) -> None:
    prose = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|`[^`]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    numbers = set(re.findall(r"(?<![\w.])\d+\.\d{2,}", prose)) - SETTINGS
    assert not numbers, f"{path.name} has {sorted(numbers)}: take them from a CSV file"


# Each table again


def tables(page: str, beginning: str = "") -> list[pd.DataFrame]:
    """Return the tables of a page from a line on, as texts."""
    found, rows = [], list[list[str]]()
    for line in [*page[page.index(beginning) :].splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            found.append(pd.DataFrame(rows[2:], columns=rows[0]))
            rows = []
    return found


def mean(values, sign: str = "", digits: int = 4) -> str:
    """Return a mean ± half of the 95 % interval of Student's t, as the pages print it."""
    values = np.asarray(values, dtype=float)
    if not len(values):
        return ""
    if len(values) == 1:
        return f"{values[0]:{sign}.{digits}f}"
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    if 1e-12 < half < 0.5 * 10**-digits:  # it would read 0, though the numbers differ
        digits = 1 - math.floor(math.log10(half))
    return f"{values.mean():{sign}.{digits}f} ± {half:.{digits}f}"


def runs(target: str, log: str) -> pd.DataFrame:
    """Return the rows of a target with their method."""
    frame = pd.read_csv(COLLECTED / f"{target}.csv")
    if "method" not in frame:
        frame["method"] = np.where(frame.control.isna(), frame.variant, frame.control)
    if "rec_loss" in frame:
        frame["method"] += frame.rec_loss.map({"bce": "-bce", "bpr": "-bpr"}).fillna("")
    return frame[frame.dataset == log].set_index(["method", "seed"])


def margins(target: str, log: str, column: str, method: str = "duorec") -> pd.Series:
    """Return a method minus SASRec for the seeds that both have."""
    values = runs(target, log)[column].unstack("method")
    return (values[method] - values["sasrec"]).dropna()


def trained(target: str, log: str, names: dict[str, str]) -> dict[str, str]:
    """Return the methods, by label, that a target has runs of."""
    there = set(runs(target, log).index.get_level_values("method"))
    return {label: method for label, method in names.items() if method in there}


def epochs(log: str, variant: str) -> dict[int, pd.DataFrame]:
    """Return the lines of each seed's run."""
    paths = (SEEDS / log).glob(f"{variant}-s[0-9]*")
    return {
        int(path.name.split("-s")[-1]): pd.read_json(path / "metrics.jsonl", lines=True).set_index("epoch")
        for path in sorted(paths)
    }


TRAINED = {
    "beauty": {"sasrec": 3, "cl4srec": 2, "ucl": 2, "scl": 2, "ucl+scl": 2, "duorec": 3},
    "clothing": {"sasrec": 2, "duorec": 2},
}
"""Number of finished seeds."""


@pytest.mark.parametrize("log", LOGS.values())
def test_every_trained_seed_is_in_the_rows(log: str) -> None:
    for target in ("fig2", "degeneration"):
        counts = runs(target, log).reset_index().groupby("method").size().to_dict()
        assert {name: counts[name] for name in TRAINED[log]} == TRAINED[log]
        assert set(counts) - set(TRAINED[log]) <= {"gru4rec"}
    of_table = {name for name in TRAINED[log] if name in ("sasrec", "cl4srec", "duorec")}
    assert set(runs("table2", log).index.get_level_values("method")) - {"gru4rec"} == of_table


@pytest.mark.parametrize("log", LOGS.values())
def test_rows_of_table2_are_those_of_the_runs(log: str) -> None:
    rows = runs("table2", log)
    named = {path: path.name.rpartition("-s") for path in (SEEDS / log).iterdir()}
    kept = {(method, int(seed)): path for path, (method, _, seed) in named.items()}
    assert rows.index.isin(list(kept)).all()
    for key, row in rows.iterrows():
        test = json.loads((kept[key] / "test.json").read_text(encoding="utf-8"))
        lines = epochs(log, key[0])[key[1]]
        best = lines["valid_NDCG@10"].round(4).idxmax()
        assert row.best_epoch == test["epoch"] == best
        for metric in ("HR@5", "NDCG@5", "HR@10", "NDCG@10"):
            # Adopted runs of older versions are evaluated with another convention for ties.
            assert row[f"test_{metric}"] == pytest.approx(test[metric], abs=2e-5)
        for name in ("sigma2_ratio", "average_cosine", "effective_rank", "uniformity"):
            assert row[f"best_{name}"] == pytest.approx(lines[name][best])


@pytest.mark.parametrize(("title", "log"), LOGS.items())
def test_accuracy_is_the_mean_over_seeds_with_its_interval(title: str, log: str) -> None:
    section = PAGES[RESULTS / "accuracy.md"].partition(f"## {title}")[2].partition("\n## ")[0]
    targets = ("table2", "fig2") if title == "Beauty" else ("table2",)
    for target, table in zip(targets, tables(section), strict=True):
        rows, shown = runs(target, log), table.set_index("method")
        methods = trained(target, log, {**NAMES, "GRU4Rec": "gru4rec"})
        for name, variant in methods.items():
            for metric in METRICS:
                assert shown.loc[name, metric] == mean(rows.loc[variant, f"test_{metric}"])
            assert int(shown.loc[name, "n"]) == len(rows.loc[variant])
        others = shown.drop(list(methods))
        assert (others["n"] == "0").all()
        assert (others[list(METRICS)] == "not trained").all(axis=None)


def test_differences_of_accuracy_are_paired_by_seed() -> None:
    shown = tables(PAGES[RESULTS / "accuracy.md"])[0].set_index(["method", "dataset"])
    count = 0
    for title, log in LOGS.items():
        for label, method in trained("fig2", log, CONTRASTIVE).items():
            found = [margins("fig2", log, f"test_{metric}", method) for metric in METRICS]
            expected = [str(len(found[0])), *(mean(values, "+") for values in found)]
            assert shown.loc[(label, title)].tolist() == expected
            count += 1
    assert len(shown) == count


METRICS = ("HR@5", "HR@10", "NDCG@5", "NDCG@10")

MEASURES = {
    "uniformity of h (Eq. 7)": "uniformity_h",
    "coverage@10": "catalogue_coverage@10",
    "NDCG@10": "NDCG@10",
    "NDCG@10, head": "NDCG@10@head",
    "NDCG@10, tail": "NDCG@10@tail",
    "σ₂/σ₁": "sigma2_ratio",
    "participation ratio": "participation_ratio",
    "the same minus the mean row": "participation_ratio_centered",
    "share of the mean row": "mean_energy_share",
    "cosine, all": "average_cosine",
    "cosine, tail": "tail_average_cosine",
    "cosine, head": "head_average_cosine",
    "Spearman(frequency, norm)": "spearman_norm",
}


@pytest.mark.parametrize(("title", "log"), LOGS.items())
def test_differences_of_measures_are_paired_by_seed(title: str, log: str) -> None:
    first = 2 * list(LOGS).index(title)
    both = tables(PAGES[RESULTS / "cone.md"], "## What differs")[first : first + 2]
    methods = trained("fig2", log, CONTRASTIVE)
    for moment, table in zip(("best", "common"), both, strict=True):
        assert len(table.columns) == 1 + len(methods)
        for label, method in methods.items():
            count = len(margins("degeneration", log, "best_sigma2_ratio", method))
            shown = table.set_index("measure")[f"{label}, n = {count}"]
            rank = mean(margins("fig2", log, f"{moment}_effective_rank", method), "+", 1)
            assert shown.pop("effective rank") == rank
            assert moment == "common" or set(shown.index) == set(MEASURES)
            for name, text in shown.items():
                digits = 1 if "participation" in MEASURES[name] else 4
                values = margins("degeneration", log, f"{moment}_{MEASURES[name]}", method)
                assert text == mean(values, "+", digits), name


@pytest.mark.parametrize(("title", "log"), LOGS.items())
def test_measures_of_a_method_are_means_over_its_seeds(title: str, log: str) -> None:
    best, common = tables(PAGES[RESULTS / "cone.md"], f"## {title}, each method")[:2]
    rows = runs("degeneration", log)
    for moment, table in (("best", best), ("common", common)):
        shown = table.set_index("measure")
        for name, column in MEASURES.items():
            if name in shown.index:
                digits = 1 if "participation" in column else 4
                names = trained("degeneration", log, {**NAMES, "GRU4Rec": "gru4rec"})
                assert set(table.columns) == {"measure", *names}
                for label, method in names.items():
                    values = rows.loc[method, f"{moment}_{column}"]
                    assert shown.loc[name, label] == mean(values, digits=digits), name


COURSE = {
    "average cosine": "average_cosine",
    "σ₂/σ₁": "sigma2_ratio",
    "effective rank": "effective_rank",
    "uniformity of h, released code's": "uniformity",
    "validation NDCG@10": "valid_NDCG@10",
}


@pytest.mark.parametrize(("title", "log"), LOGS.items())
def test_the_course_shows_the_first_and_the_best_epoch(title: str, log: str) -> None:
    shown = tables(PAGES[RESULTS / "cone.md"], f"\n{title}:\n")[0].set_index(["method", "epoch"])
    of_methods = {name: epochs(log, variant).values() for name, variant in NAMES.items()}
    kept = {name: of_seeds for name, of_seeds in of_methods.items() if of_seeds}
    assert list(kept) == list(dict.fromkeys(shown.index.get_level_values("method")))
    for name, of_seeds in kept.items():
        for when in ("first", "best"):
            lines = [
                run.loc[1 if when == "first" else run["valid_NDCG@10"].round(4).idxmax()] for run in of_seeds
            ]
            for column, key in COURSE.items():
                assert shown.loc[(name, when), column] == mean([line[key] for line in lines])


def replayed(run: pd.DataFrame) -> tuple[int, str]:
    """Return the best epoch by MRR@10 at four decimals, and where 11 epochs without improvement end."""
    best, score, waited = 0, -1.0, 0
    for epoch, value in run["valid_MRR@10"].round(4).items():
        if value > score:
            best, score, waited = epoch, value, 0
        else:
            waited += 1
        if waited == 11 or epoch == 50:
            return best, str(epoch)
    return best, "not reached"


def test_the_released_rule_is_replayed_on_every_run() -> None:
    page = PAGES[RESULTS / "accuracy.md"]
    runs_of, differences = tables(page, "## Which epoch counts")[:2]
    shown = runs_of.set_index("run")
    shown.columns = ["own", "other", "end", "NDCG own", "NDCG other", "HR own", "HR other"]
    at, ended = {}, {}
    for title, log in LOGS.items():
        for name, variant in NAMES.items():
            for seed, run in epochs(log, variant).items():
                own, (other, end) = run["valid_NDCG@10"].round(4).idxmax(), replayed(run)
                line = shown.loc[f"{title} {name}, seed {seed}"]
                assert line.iloc[:3].tolist() == [str(own), str(other), end]
                assert line["NDCG other"] == f"{run['valid_NDCG@10'][other]:.4f}"
                assert line["HR own"] == f"{run['valid_HR@10'][own]:.4f}"
                at[log, variant, seed] = {"NDCG@10": run.loc[own], "the released rule": run.loc[other]}
                ended[log, variant, seed] = end
    assert len(shown) == len(at)
    by_rule, count = differences.set_index(["method", "dataset", "best by"]), 0
    for title, log in LOGS.items():
        for label, method in CONTRASTIVE.items():
            both = [seed for one, variant, seed in at if (one, variant) == (log, method)]
            for rule in ("NDCG@10", "the released rule") if both else ():
                line = by_rule.loc[(label, title, rule)]
                ends = [ended[log, variant, seed] for variant in ("sasrec", method) for seed in both]
                early = ends.count("not reached") if rule == "the released rule" else 0
                assert line.iloc[:2].tolist() == [str(len(both)), str(early)]
                for metric in ("NDCG@10", "HR@10"):
                    values = [
                        at[log, method, seed][rule][f"valid_{metric}"]
                        - at[log, "sasrec", seed][rule][f"valid_{metric}"]
                        for seed in both
                    ]
                    assert line[metric] == mean(values, "+")
                count += 1
    assert len(by_rule) == count


HEADLINE = [
    ("fig2", "test_NDCG@10"),
    ("fig2", "best_sigma2_ratio"),
    ("degeneration", "best_uniformity_h"),
]


def test_the_readme_shows_sasrec_and_what_each_method_adds() -> None:
    shown, expected = tables(PAGES[README], "<!-- results -->")[0], []
    for title, log in LOGS.items():
        own = [runs(name, log).loc["sasrec"][column] for name, column in HEADLINE]
        expected.append([title, "SASRec", str(len(own[0])), *map(mean, own)])
        for label, method in trained("fig2", log, CONTRASTIVE).items():
            moved = [margins(name, log, column, method) for name, column in HEADLINE]
            differences = [mean(values, "+") for values in moved]
            expected.append([title, f"{label} - SASRec", str(len(moved[0])), *differences])
    assert shown.values.tolist() == expected


def test_one_seed_tables_are_those_of_their_files() -> None:
    page = PAGES[RESULTS / "one-seed.md"]
    for place, name in enumerate(["beauty", "clothing", "sports", "yelp", "beauty-paper", "clothing-paper"]):
        frame, shown = pd.read_csv(RESULTS / f"{name}.csv"), tables(page)[place]
        assert len(frame) == len(shown)
        for title, column, digits in (
            ("NDCG@10", "NDCG@10", 4),
            ("HR@5", "HR@5", 4),
            ("σ₂/σ₁", "sigma2_ratio", 2),
            ("average cosine", "average_cosine", 2),
            ("uniformity", "uniformity", 2),
        ):
            assert shown[title].tolist() == [f"{value:.{digits}f}" for value in frame[column]]


# Every number with an interval


def intervals(*values: pd.Series | list) -> set[str]:
    """Return how means of numbers over seeds may be printed."""
    return {mean(own, sign, digits) for own in values for sign in ("", "+") for digits in (1, 4)}


def known(target: str, log: str) -> set[str]:
    """Return the means of a target's columns by method, over all seeds or two methods', and differences."""
    rows = runs(target, log)
    found = set[str]()
    for column in rows.select_dtypes("number"):
        values = rows[column].unstack("method")
        found |= intervals(*(values[method].dropna() for method in values))
        pairs = [values[[a, b]].dropna() for a in values for b in values if a != b]
        for pair in (pair for pair in pairs if len(pair)):
            found |= intervals(pair.iloc[:, 0], pair.iloc[:, 0] - pair.iloc[:, 1])
    return found


def of_epochs(log: str, variant: str) -> set[str]:
    """Return the means of what a variant's runs recorded at their first and best epochs, and of changes."""
    found = list(epochs(log, variant).values())
    ends = [(run.loc[1], run.loc[run["valid_NDCG@10"].round(4).idxmax()]) for run in found]
    columns = [name for name in found[0].select_dtypes("number") if found[0][name].notna().all()]
    values = [[end[side][name] for end in ends] for name in columns for side in (0, 1)]
    moves = [[sign * (b[name] - a[name]) for a, b in ends] for name in columns for sign in (1, -1)]
    return intervals(*values, *moves)


def replays(log: str, method: str) -> set[str]:
    """Return the means of a method minus SASRec where the released rule chooses the epochs."""
    ours, theirs = epochs(log, method), epochs(log, "sasrec")
    pairs = [(ours[seed], theirs[seed]) for seed in ours.keys() & theirs.keys()]
    columns = ("valid_NDCG@10", "valid_HR@10")
    return intervals(
        *([a.loc[replayed(a)[0], name] - b.loc[replayed(b)[0], name] for a, b in pairs] for name in columns)
    )


def test_every_number_with_an_interval_comes_from_the_files() -> None:
    found = set[str]()
    for log in LOGS.values():
        for target in sorted(path.stem for path in COLLECTED.glob("*.csv")):
            if log in set(pd.read_csv(COLLECTED / f"{target}.csv").dataset):
                found |= known(target, log)
        for method in NAMES.values():
            if epochs(log, method):
                found |= of_epochs(log, method) | replays(log, method)
        for path in COLLECTED.glob("*.json"):
            judged = [one for one in stored(path) if one["dataset"] == log]
            found |= intervals(*(own for one in judged for own in (one.get("margins") or {}).values()))
    count = 0
    for path, text in PAGES.items():
        if path.name != "one-seed.md":
            printed = set(re.findall(r"[+-]?\d+\.\d+ ± \d+\.\d+", text))
            assert printed <= found, f"{path.name}: {sorted(printed - found)}"
            count += len(printed)
    assert count > 100


def test_what_is_said_of_the_runs_without_a_cone_is_what_was_measured() -> None:
    rows = runs("causes", "beauty")
    without = rows.loc[["sasrec-coupled-adam", "sasrec-sgd"]]
    assert (len(without), without.best_average_cosine.abs().max() < 0.001) == (6, True)
    assert without.best_tail_average_cosine.abs().max() < 0.02
    heads = rows.best_head_average_cosine
    for method in ("sasrec-eps-1e-4", "sasrec-sampled"):
        assert heads.loc[method].max() < heads.loc["sasrec"].min()
    assert without.best_head_average_cosine.min() > heads.loc["sasrec"].max()
    assert "In all six runs" in PAGES[RESULTS / "causes.md"]


PARTS = ("best_NDCG@10", "best_NDCG@10@head", "best_NDCG@10@tail")


def test_updates_of_the_items_are_compared_as_they_were_measured() -> None:
    page = PAGES[RESULTS / "causes.md"]
    table = tables(page)[0].set_index("items updated by")
    rows, tested = runs("causes", "beauty"), {}
    for label, method in {
        "Adam": "sasrec",
        "coupled Adam": "sasrec-coupled-adam",
        "SGD": "sasrec-sgd",
    }.items():
        shown = table.loc[label].tolist()
        assert shown[0] == mean(rows.loc[method].best_average_cosine)
        assert shown[1] == mean(rows.loc[method].best_sigma2_ratio)
        parts = PARTS if method != "sasrec" else ()
        moved = [rows.loc[method][part] - rows.loc["sasrec"][part] for part in parts]
        assert shown[2:] == ([mean(values, "+") for values in moved] or [""] * 3)
        tested |= {(method, part): stats.ttest_1samp(own, 0) for part, own in zip(PARTS, moved, strict=False)}
    corrected = dict(zip(tested, holm([test.pvalue for test in tested.values()]), strict=True))
    for method in ("sasrec-eps-1e-4", "sasrec-sampled"):
        assert (
            min(stats.ttest_rel(rows.loc[method][part], rows.loc["sasrec"][part]).pvalue for part in PARTS)
            > 0.05
        )
    coupled, sgd = "sasrec-coupled-adam", "sasrec-sgd"
    assert f"{corrected[sgd, PARTS[1]]:.3f}" == f"{corrected[coupled, PARTS[2]]:.3f}" == "0.049"
    assert f"{corrected[coupled, PARTS[1]]:.2f}" == "0.11"
    assert "SGD's gain has p = 0.049, coupled Adam's loss 0.049 and coupled Adam's gain 0.11." in page


def test_verdicts_on_the_causes_are_those_of_the_rows() -> None:
    """A claim's p-value is the largest of its numbers', each a t-test over the seeds."""
    rows, found = runs("causes", "beauty"), {}
    for control in ("coupled-adam", "sgd", "eps-1e-4", "sampled"):
        tests = [
            stats.ttest_rel(rows.loc[f"sasrec-{control}"][name], rows.loc["sasrec"][name])
            for when in ("best", "common")
            for name in (f"{when}_average_cosine", f"{when}_tail_average_cosine", f"{when}_sigma2_ratio")
        ]
        assert [test.statistic > 0 for test in tests] == [False, False, True] * 2
        claim = f"sasrec-{control}'s cone is weaker than sasrec's"
        found[claim] = max(test.pvalue for test in tests)
    cosines = [
        f"{when}_{name}" for when in ("best", "common") for name in ("average_cosine", "tail_average_cosine")
    ]
    tests = [
        stats.ttest_1samp(rows.loc[method][name], 0) for method in ("gru4rec", "sasrec") for name in cosines
    ]
    assert min(test.statistic for test in tests) > 0
    found["gru4rec's items lie in a cone, as sasrec's do"] = max(test.pvalue for test in tests)
    corrected = dict(zip(found, holm(list(found.values())), strict=True))
    judged = stored(COLLECTED / "causes.json")
    tested = {one["claim"]: one for one in judged if one["p_alone"] is not None}
    assert tested.keys() == found.keys()
    for claim, one in tested.items():
        assert one["p_alone"] == pytest.approx(found[claim], rel=1e-5)
        assert one["p"] == pytest.approx(corrected[claim], rel=1e-5)
        assert (one["verdict"], one["seeds"]) == (
            "holds" if corrected[claim] <= 0.05 else "cannot be told",
            3,
        )


def test_verdicts_on_the_shape_of_the_items_are_those_of_the_rows() -> None:
    """Margins of the claims of Fig. 3, by seed, at the best epochs and at epoch 20."""
    judged = stored(COLLECTED / "fig3.json")
    faster, nearer, cone = (one for one in judged if one["dataset"] == "beauty")
    for moment, when, apart in (("best", "the best epochs", 0.004), ("common", "epoch 20", 0.002)):
        ratio = runs("fig3", "beauty")[f"{moment}_sigma2_ratio"].unstack("method").dropna()
        wide = ratio[["scl", "duorec"]].min(axis=1)
        away = (ratio["ucl"] - ratio["sasrec"]).abs()
        name = f"margin of σ₂/σ₁ at {when}"
        assert faster["margins"][name] == pytest.approx(list(wide - ratio["sasrec"]))
        assert nearer["margins"][name] == pytest.approx(list(wide - ratio["ucl"] - away))
        # The tail's cosine is of items that occur in training; Beauty has few others.
        tail = runs("degeneration", "beauty")[f"{moment}_tail_average_cosine"].unstack("method")
        tail = tail.loc[ratio.index]
        name = f"margin of average cosine of the rarer half (with unseen items) at {when}"
        expected = tail["sasrec"] - tail[["scl", "duorec"]].max(axis=1)
        assert cone["margins"][name] == pytest.approx(list(expected), abs=apart)


@pytest.mark.parametrize("target", ["table2", "fig2"])
def test_claims_about_accuracy_have_the_differences_of_the_rows(target: str) -> None:
    judged = [one for one in stored(COLLECTED / f"{target}.json") if one["p_alone"] is not None]
    assert {one["dataset"] for one in judged} == set(LOGS.values())
    for one in judged:
        better, worse = one["claim"].split(" recommends better than ")
        metrics = METRICS if target == "table2" else ("HR@5", "NDCG@5")
        assert set(one["margins"]) == set(metrics)
        for metric in metrics:
            values = runs(target, one["dataset"])[f"test_{metric}"].unstack("method")
            assert one["margins"][metric] == pytest.approx(list((values[better] - values[worse]).dropna()))


def test_claims_about_training_have_the_changes_of_the_epochs() -> None:
    judged = [one for one in stored(COLLECTED / "fig5.json") if one["p_alone"] is not None]
    assert {one["dataset"] for one in judged} == set(LOGS.values())
    for one in judged:
        found = epochs(one["dataset"], one["claim"].partition("'s")[0]).values()
        ends = [(run.loc[1], run.loc[run["valid_NDCG@10"].round(4).idxmax()]) for run in found]
        for name, margins_ in one["margins"].items():
            direction, _, column = name.partition(" of ")
            sign = {"rise": 1, "fall": -1}[direction]
            column = {"validation HR@5": "valid_HR@5"}.get(column, column)
            assert margins_ == pytest.approx([sign * (last[column] - first[column]) for first, last in ends])


@pytest.mark.parametrize(
    ("target", "log"),
    [(name, log) for log in LOGS.values() for name in ("table2", "fig2", "fig5")]
    + [("fig3", "beauty"), ("causes", "beauty")],
)
def test_verdicts_follow_from_the_numbers_of_each_seed(target: str, log: str) -> None:
    """A claim's p is the largest of its numbers', or of negative ones the smallest times their number."""
    judged = [one for one in stored(COLLECTED / f"{target}.json") if one["dataset"] == log]
    tested = [one for one in judged if one["p_alone"] is not None]
    alone = []
    assert tested
    for one in tested:
        tests = [stats.ttest_1samp(values, 0) for values in one["margins"].values()]
        against = [test.pvalue for test in tests if test.statistic < 0]
        p = min(1.0, len(tests) * min(against)) if against else max(test.pvalue for test in tests)
        assert one["p_alone"] == pytest.approx(p, rel=1e-5)
        alone.append((p, bool(against)))
    for one, p, (_, against) in zip(tested, holm([p for p, _ in alone]), alone, strict=True):
        assert one["p"] == pytest.approx(p, rel=1e-5)
        told = "does not hold" if against else "holds"
        assert one["verdict"] == (told if p <= 0.05 else "cannot be told")


def holm(values: list[float]) -> list[float]:
    """Return p-values corrected for their number by Holm's steps."""
    order, found, last = np.argsort(values), [0.0] * len(values), 0.0
    for place, index in enumerate(order):
        last = max(last, min(1.0, (len(values) - place) * values[index]))
        found[index] = last
    return found


LOSSES = {"ce": "", "bce": "-bce", "bpr": "-bpr", "gbce": "-gbce"}
"""What each loss adds to a method's name."""


def of_losses(column: str) -> dict[str, float]:
    """Return a column of seed 0 by method."""
    return runs("losses", "beauty").xs(0, level="seed")[column].to_dict()


def gap(values: dict[str, float], a: str, b: str, digits: int = 4) -> str:
    return f"{values[a] - values[b]:+.{digits}f}" if {a, b} <= values.keys() else ""


def test_tables_of_losses_are_those_of_the_rows() -> None:
    shares, *found = tables(PAGES[RESULTS / "losses.md"])
    for label, method in {"CL4SRec": "cl4srec", "DuoRec": "duorec"}.items():
        for loss, suffix in LOSSES.items():
            row = epochs("beauty", f"{method}{suffix}")[0].loc[20]
            part = 0.1 * row.contrastive_loss / row.loss
            assert shares.set_index("method").loc[label, loss] == f"{100 * part:.0f} %"
    columns = ["best_NDCG@10", "best_NDCG@10@head", "best_NDCG@10@tail", "best_targets"]
    columns += [
        f"{when}_{name}" for name in ("average_cosine", "sigma2_ratio") for when in ("best", "common")
    ]
    for table, column in zip(found, [*columns, "best_uniformity_h"], strict=True):
        values, digits = of_losses(column), 2 if column == "best_targets" else 4
        shown = table.set_index("loss")
        for loss, suffix in LOSSES.items():
            line = shown.loc[loss]
            for label, method in {"SASRec": "sasrec", "CL4SRec": "cl4srec", "DuoRec": "duorec"}.items():
                name = f"{method}{suffix}"
                assert line[label] == (f"{values[name]:.{digits}f}" if name in values else "not trained")
                if method != "sasrec":
                    assert line[f"{label} - SASRec"] == gap(values, name, f"sasrec{suffix}", digits)


def test_what_is_said_of_the_losses_is_what_was_measured() -> None:
    score = of_losses("best_NDCG@10")
    pairs = [("duorec", "sasrec-bce"), ("duorec", "sasrec")]
    inside = [(f"duorec{suffix}", f"sasrec{suffix}") for suffix in ("-bce", "-bpr", "-gbce")]
    first = PAGES[RESULTS / "losses.md"].partition("All of this is seed 0")[0]
    assert re.findall(r"[+-]\d\.\d{4}", first) == [gap(score, *pair) for pair in [*pairs, *inside]]
    for page in (README, RESULTS / "README.md"):
        said = next(line for line in PAGES[page].split("\n-") if "could be the loss?" in line)
        said = said.partition("could be the loss?")[2]
        shown = [gap(score, *pair) for pair in [*pairs, *inside[:2]]]
        assert re.findall(r"[+-]\d\.\d{4}", said)[:4] == shown
    head, tail = of_losses("best_NDCG@10@head"), of_losses("best_NDCG@10@tail")
    best, common = of_losses("best_average_cosine"), of_losses("common_average_cosine")
    spread, turned = of_losses("best_uniformity_h"), set()
    for suffix in LOSSES.values():
        other = f"sasrec{suffix}"
        for ours in (f"cl4srec{suffix}", f"duorec{suffix}"):
            assert (head[ours] > head[other]) == (suffix != "-gbce")
            assert tail[ours] < tail[other]
            assert spread[ours] > spread[other]
            if (best[ours] < best[other]) != (common[ours] < common[other]):
                turned.add(ours)
    assert turned == {"duorec-bce", "duorec-bpr", "cl4srec-bce"}
    for cosine in (best, common):
        for method in ("sasrec", "cl4srec", "duorec"):
            bpr, *between, gbce = (cosine[f"{method}{suffix}"] for suffix in ("-bpr", "", "-bce", "-gbce"))
            assert bpr < min(between) < max(between) < gbce
            assert (between[0] > between[1]) == (method == "sasrec")
    trained = of_losses("best_targets")
    for method in ("sasrec", "cl4srec", "duorec"):
        later = [trained[f"{method}{suffix}"] > trained[method] for suffix in ("-bce", "-bpr")]
        assert set(later) == {method != "cl4srec"}
    assert len(epochs("beauty", "duorec-gbce")[0]) == 100
    assert epochs("beauty", "duorec-gbce")[0]["valid_NDCG@10"].round(4).idxmax() == 99


def test_runs_are_kept_by_their_methods(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in KEPT:
        (run / name).write_text(name, encoding="utf-8")

    def row(cell: str, control: str | None, path: Path, **axes: object) -> Measured:
        config = {"objective": {"variant": "sasrec"}}
        return Measured(PlannedRun(cell, "beauty", 1, path, axes, control, config), {})

    def other_run(name: str) -> Path:
        return Path(shutil.copytree(run, tmp_path / name))

    rows = [
        row("a", None, run, **{"objective.variant": "sasrec", "objective.rec_loss": "ce"}),
        row("a", None, run),
        row("b", "sasrec-sgd", other_run("b")),
        row("c", None, other_run("c"), **{"objective.rec_loss": "bce", "model.dropout": 0.2}),
    ]
    keep(rows, tmp_path / "kept")
    places = sorted(path.name for path in (tmp_path / "kept" / "beauty").iterdir())
    assert places == ["sasrec-bce-dropout-0.2-s1", "sasrec-s1", "sasrec-sgd-s1"]
    assert sorted(path.name for path in (tmp_path / "kept" / "beauty" / "sasrec-s1").iterdir()) == sorted(
        KEPT
    )
    with pytest.raises(ValueError, match="two cells, a and d"):
        keep([rows[1], row("d", None, other_run("d"))], tmp_path / "kept")


def test_methods_are_compared_over_the_seeds_that_all_have_under_a_loss(tmp_path: Path) -> None:
    rows = [
        ("sasrec", "ce", 0, 0.1),
        ("sasrec", "ce", 1, 0.2),
        ("sasrec", "ce", 2, 0.9),
        ("duorec", "ce", 1, 0.25),
        ("duorec", "ce", 0, 0.11),
        ("sasrec", "bpr", 0, None),
        ("sasrec-gbce", None, 0, 0.5),
        ("cl4srec-gbce", None, 0, 0.4),
        ("duorec-gbce", None, 0, None),
    ]
    frame = pd.DataFrame(rows, columns=["method", "rec_loss", "seed", "best_NDCG@10"])
    frame.assign(dataset="sports", cell="c").to_csv(tmp_path / "losses.csv", index=False)
    found = Losses(tmp_path)
    shown = tables(found.by_loss("sports", "best_NDCG@10"))[0].set_index("loss")
    lacking = "not trained"
    means = [mean([0.1, 0.2]), lacking, mean([0.11, 0.25]), "", mean([0.01, 0.05], "+")]
    assert shown.loc["ce"].tolist() == ["2", *means]
    assert shown.loc["bce"].tolist() == ["0", lacking, lacking, lacking, "", ""]
    assert shown.loc["bpr"].tolist() == ["1", "–", lacking, lacking, "", ""]
    assert shown.loc["gbce"].tolist() == ["1", "0.5000", "0.4000", "–", "-0.1000", ""]
    gap = partial(Sentences(tmp_path).gap, "losses", "sports", column="best_NDCG@10")
    assert gap("duorec", "sasrec") == mean([0.01, 0.05], "+")
    assert gap("cl4srec-gbce", "sasrec-gbce") == "-0.1000"
    with pytest.raises(KeyError, match="no seed has duorec-bce and sasrec"):
        gap("duorec-bce", "sasrec")


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_rows_of_logs_that_a_collection_lacks_stay(tmp_path: Path, kind: str) -> None:
    def write(name: str, rows: list[dict[str, str]]) -> Path:
        path = tmp_path / f"{name}.{kind}"
        frame = pd.DataFrame(rows)
        path.write_text(frame.to_csv(index=False) if kind == "csv" else json.dumps(rows), encoding="utf-8")
        return path

    new = [{"dataset": "sports", "cell": "01e9", "value": "-0.10"}]
    old = {name: {"dataset": name, "cell": "0e1", "value": "0.2"} for name in ("yelp", "sports", "beauty")}
    source = write("source", new)
    assert stored(join(source, tmp_path / f"fresh.{kind}")) == new
    place = join(source, write("place", list(old.values())))
    assert stored(place) == [old["beauty"], *new, old["yelp"]]
    assert stored(source) == new


# Words


def toy(folder: Path, rows: list[tuple], **verdict: object) -> Sentences:
    """Write rows of method, seed, cosine and σ₂/σ₁ on Sports, and a verdict, as a collection."""
    columns = ["variant", "seed", "best_average_cosine", "best_sigma2_ratio"]
    frame = pd.DataFrame(rows, columns=columns).assign(dataset="sports", cell="c", control="")
    for name in ("table2", "fig2"):
        frame.to_csv(folder / f"{name}.csv", index=False)
    about = {"claim": "a is b", "dataset": "sports", "source": "Table 2", "measured": "0.1", **verdict}
    (folder / "table2.json").write_text(json.dumps([about]), encoding="utf-8")
    return Sentences(folder)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ((-0.10, 0.40), "yes on Sports (n = 2 seeds)"),
        ((0.10, -0.40), "no on Sports (n = 2 seeds)"),
        ((-0.10, -0.40), "cannot be told on Sports (n = 2 seeds)"),
        ((-0.001, 0.40), "cannot be told on Sports (n = 2 seeds)"),
    ],
)
def test_items_spread_wider_where_both_measures_say_so(tmp_path: Path, more, told: str) -> None:
    cosine, ratio = more
    rows = [("sasrec", 0, 0.2, 0.4), ("sasrec", 1, 0.21, 0.41), ("sasrec", 2, 9, 9)]
    rows += [("duorec", 1, 0.211 + cosine, 0.411 + ratio), ("duorec", 0, 0.2 + cosine, 0.4 + ratio)]
    found = toy(tmp_path, rows, verdict="holds", seeds=2)
    assert found.wider(["sports"], "duorec", "sasrec") == told
    expected = mean([cosine, cosine + 0.001], "+")
    assert found.difference("table2", ["sports"], "duorec", "sasrec", "best_average_cosine") == (
        f"{expected} on Sports (n = 2 seeds)"
    )


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ({"verdict": "holds", "seeds": 3}, "holds on Sports (n = 3 seeds)"),
        ({"verdict": "does not hold", "seeds": 2}, "does not hold on Sports (n = 2 seeds)"),
        ({"verdict": "cannot be told", "seeds": 1}, "cannot be told on Sports (one seed)"),
    ],
)
def test_an_answer_is_the_verdict(tmp_path: Path, verdict: dict, told: str) -> None:
    found = toy(tmp_path, [("sasrec", 0, 0.2, 0.4)], **verdict)
    assert found.answer("table2", "a is b") == told
    assert found.answer("fig5", "a is b", "none yet") == "none yet"
    assert found.answer("table2", "a is b", datasets=["yelp"]) == "not run yet"
    assert found.wider(["sports"], "duorec", "sasrec") == "cannot be told yet on Sports (n = 0 seeds)"
    with pytest.raises(KeyError, match="no claim of table2"):
        found.answer("table2", "b is a")


@pytest.mark.parametrize(
    ("moves", "told"),
    [
        ((0.10, 0.11), "above zero on Sports"),
        ((-0.10, -0.11), "below zero on Sports"),
        ((0.10, -0.11), "cannot be told on Sports"),
        ((0.10, 0.30), "cannot be told on Sports"),
    ],
)
def test_a_sign_is_told_where_the_interval_leaves_out_zero(tmp_path: Path, moves, told: str) -> None:
    rows = [("sasrec", seed, 0.2, 0.4) for seed in (0, 1)]
    rows += [("duorec", seed, 0.2 + move, 0.4) for seed, move in enumerate(moves)]
    found = toy(tmp_path, rows)
    assert found.sign("table2", ["sports"], "duorec", "sasrec", "best_average_cosine") == told
    assert found.sign("table2", ["sports"], "scl", "sasrec", "best_average_cosine") == (
        "cannot be told yet on Sports"
    )


def test_p_alone_is_that_of_the_verdict(tmp_path: Path) -> None:
    assert toy(tmp_path, [], p=0.5, p_alone=0.03512).alone("table2", "a is b") == "p = 0.035"
    assert toy(tmp_path, [], p=None, p_alone=None).alone("table2", "a is b") == "not tested"


def test_claims_of_several_tables_are_corrected_together(tmp_path: Path) -> None:
    """Holm over three tests: the smallest p-value counts three times, the next twice."""

    def judged(name: str, *claims: tuple[str, str, float | None]) -> None:
        about = {"source": name, "dataset": "sports", "seeds": 2}
        rows = [{**about, "claim": claim, "verdict": said, "p_alone": p} for claim, said, p in claims]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")

    found = Sentences(tmp_path)
    judged("table2", ("a", "holds", 0.01), ("b", "cannot be told", None))
    judged("fig5", ("c", "holds", 0.03), ("d", "does not hold", 0.001))
    assert found.family(["sports"]) == 'on Sports, of 3 tests, "a" (p = 0.02), "c" (p = 0.03)'
    assert found.overall("a", "sports") == "still holds after a correction over all claims (p = 0.02)"
    assert found.overall("d", "sports") == "cannot be told over all claims either"
    judged("fig5", ("c", "holds", 0.03), ("d", "does not hold", 0.04), ("a", "holds", 0.9))
    assert found.family(["sports"]) == 'on Sports, of 3 tests, "a" (p = 0.03), and no longer "c" (p = 0.06)'
    assert found.overall("c", "sports") == "no longer holds after a correction over all claims (p = 0.06)"
    assert (found.overall_p("c", "sports"), found.overall_p("b", "sports")) == ("0.06", "not tested")
    judged("table2", ("a", "holds", 0.02))
    told = (
        'on Sports, of 3 tests, none, and no longer "a" (p = 0.06), "c" (p = 0.06); on Yelp, of 0 tests, none'
    )
    assert found.family(["sports", "yelp"]) == told


def test_targets_without_runs_have_the_command_that_trains_them(tmp_path: Path) -> None:
    found = toy(tmp_path, [("sasrec", 0, 0.2, 0.4)])
    said = found.states({"fig6": "dropout", "table2": "accuracy", "fig7": "λ"})
    assert said == (
        "accuracy: [`paper/table2.csv`](paper/table2.csv); "
        "not trained: dropout, λ (`degen paper run fig6 fig7`)"
    )
    assert found.states({"table2": "accuracy"}) == "accuracy: [`paper/table2.csv`](paper/table2.csv)"


def lines(*scores: float) -> list[dict[str, float]]:
    return [{"epoch": epoch, "valid_MRR@10": score} for epoch, score in enumerate(scores, 1)]


def test_the_released_rule_waits_for_eleven_epochs_at_four_decimals() -> None:
    best, stopped = released(lines(0.1, 0.2, *[0.20004] * 11, 0.9))
    assert (best["epoch"], stopped) == (2, 13)
    best, stopped = released(lines(0.1, 0.2, *[0.2] * 9, 0.2001, 0.1))
    assert (best["epoch"], stopped) == (12, None)
    best, stopped = released(lines(*np.linspace(0.1, 0.2, 60)))
    assert (best["epoch"], stopped) == (50, 50)


def test_a_metric_that_turns_under_the_released_rule_is_named(tmp_path: Path) -> None:
    """DuoRec's best epoch by MRR@10 is the first, where it is behind; by NDCG@10 the second."""
    for variant, rows in {
        "sasrec": [(0.5, 0.10, 0.2), (0.4, 0.09, 0.1)],
        "duorec": [(0.5, 0.09, 0.3), (0.4, 0.20, 0.4)],
    }.items():
        folder = tmp_path / "sports" / f"{variant}-s0"
        folder.mkdir(parents=True)
        named = ("valid_MRR@10", "valid_NDCG@10", "valid_HR@10")
        text = [
            json.dumps({"epoch": epoch, **dict(zip(named, row, strict=True))})
            for epoch, row in enumerate(rows, 1)
        ]
        (folder / "metrics.jsonl").write_text("\n".join(text), encoding="utf-8")
    found = Epochs(tmp_path)
    assert found.turned(["sports"], ["duorec"], "sasrec") == "NDCG@10 of DuoRec on Sports (one seed)"


# Pages of other scripts

WRITTEN = {
    "mechanism.md": ["mechanism.csv", "mechanism-test.csv"],
    "mechanism-eq3.md": ["mechanism-eq3.csv"],
    "cures.md": ["cures.csv"],
}
"""Pages that scripts of their own write, with the files of their numbers."""


@pytest.mark.parametrize("page", WRITTEN)
def test_numbers_in_tables_are_those_of_the_file_beside_them(page: str) -> None:
    frames = [pd.read_csv(RESULTS / name) for name in WRITTEN[page]]
    errors = [2 * frame[name] for frame in frames for name in frame if name.endswith("_se")]
    columns = [frame[name] for frame in frames for name in frame.select_dtypes("number")]
    known = np.abs(pd.concat([*columns, *errors]).dropna().unique())
    text = (RESULTS / page).read_text(encoding="utf-8")
    shown = {
        number
        for line in text.splitlines()
        if line.startswith("|")
        for number in re.findall(r"(?<![\w.])\d+\.\d{2,}", line)
    }
    assert len(shown) > 20
    missing = [number for number in shown if np.abs(known - float(number)).min() > 1.001 * rounding(number)]
    assert not missing, f"{page} has numbers that {WRITTEN[page]} lacks: {missing[:5]}"


def rounding(number: str) -> float:
    """Return by how much a printed number may be off: half of its last place."""
    return 0.5 * 10.0 ** -len(number.partition(".")[2])
