"""`degen analyze` as users type it: values, footnotes, files, choices, and matrices that are hardly ones."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from commands import ended, mistake, result_of, run
from run_files import write_run
from tiny_runs import SETTINGS, write_log

import degen
from degen.analysis import MEASURES
from degen.analysis.core import CORE, ORIENTATION

V = np.random.default_rng(0).normal(size=(40, 6)) + 0.5


@pytest.fixture
def matrix(tmp_path):
    np.save(tmp_path / "v.npy", V)
    return tmp_path / "v.npy"


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    for place, variant in enumerate(["sasrec", "duorec"]):
        write_run(folder / f"{variant}-s0", variant, embeddings=(V + place).astype(np.float32))
    write_run(folder / "scl-s0", "scl")
    return folder


def test_a_file_gives_one_flat_object_with_every_measure(matrix):
    found = result_of("analyze", matrix)
    assert (found["name"], found["rows"], found["dimensions"]) == ("v", 40, 6)
    assert found.keys() >= MEASURES.keys()
    s = np.linalg.svd(V, compute_uv=False)
    p = s / s.sum()
    assert found["effective_rank"] == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-12)
    assert found["condition_number"] == pytest.approx(s[0] / s[-1], rel=1e-9)
    assert found["spearman_norm"] is None
    assert found["spearman_norm_reason"] == "needs how often each item occurs"


def test_runs_give_a_list_with_what_follows_popularity_and_say_what_was_left_out(runs):
    result = run("analyze", runs, "--json")
    found = json.loads(result.stdout)
    assert [one["name"] for one in found] == ["clothing-sasrec-s0", "clothing-duorec-s0"]
    assert "scl-s0 has no item embeddings yet: left out" in result.stderr
    norms = np.linalg.norm(V.astype(np.float32), axis=1)
    tail = norms[1:21]  # frequencies are 0 … 39: one cold item, then the rarest half of the others
    assert found[0]["norm_mean@tail"] == pytest.approx(tail.mean(), rel=1e-6)
    assert found[0]["norm_mean@1"] == pytest.approx(norms[1:5].mean(), rel=1e-6)


def test_the_table_has_groups_arrows_meanings_and_footnotes(matrix):
    out = run("analyze", matrix, "--all").stdout
    lines = out.splitlines()
    assert lines[1].strip() == "40 × 6"
    headings = [line.strip() for line in lines if line.strip() in ("Core", "Spectrum", "Isotropy", "Health")]
    assert headings == ["Core", "Spectrum", "Isotropy", "Health"]
    [row] = [line for line in lines if line.lstrip().startswith("average_cosine ")]
    assert "↓" in row
    assert "0 at random, 1 a single direction" in row
    assert "lower is more isotropic:" not in row
    [undefined] = [line for line in lines if "spearman_norm" in line]
    assert "–¹" in undefined
    assert "¹ needs how often each item occurs" in lines
    assert lines[lines.index("¹ needs how often each item occurs") + 1] == "² needs sequence representations"
    assert lines[lines.index("¹ needs how often each item occurs") - 1].startswith("↑ higher, ↓ lower")


def test_many_matrices_are_shown_six_at_a_time_and_tenths_of_items_not_at_all(tmp_path):
    for place in range(7):
        np.save(tmp_path / f"m{place}.npy", V + place)
    counts = tmp_path / "counts.txt"
    counts.write_text("".join(f"{k}\n" for k in range(40)))
    files = [tmp_path / f"m{place}.npy" for place in range(7)]
    out = run("analyze", *files, "--frequency", counts, "--all").stdout
    assert out.count("40 × 6") == 7
    assert out.count("norm_mean@tail") == 2
    assert "norm_mean@1" not in out
    first, rest = out.split("↑ higher", 1)
    assert "a single direction" not in first  # no room for meanings
    assert "a single direction" in rest


def test_core_measures_come_in_words_with_a_line_that_places_them(matrix, tmp_path):
    out = run("analyze", matrix).stdout
    names = ["σ₂/σ₁", "effective rank", "participation ratio", "average cosine", "uniformity of items"]
    assert sorted(names, key=out.index) == names
    assert "average cosine, rare half" not in out  # frequencies are not known
    assert "stable_rank" not in out
    assert ORIENTATION in out
    assert "--all shows every measure." in out
    cosines = V @ V.T / np.outer(np.linalg.norm(V, axis=1), np.linalg.norm(V, axis=1))
    average = (cosines.sum() - len(V)) / (len(V) * (len(V) - 1))
    assert f"v's {average:.2f} lies " in out
    counts = tmp_path / "counts.txt"
    counts.write_text("".join(f"{k}\n" for k in range(40)))
    out = run("analyze", matrix, "--frequency", counts).stdout
    assert "average cosine, rare half" in out
    assert "rare half: 20 items that occur 1 to 20 times" in out
    assert ORIENTATION not in run("analyze", matrix, "--measures", "average_cosine").stdout


@pytest.mark.parametrize(
    ("conditions", "code", "says"),
    [
        (["effective_rank > 1"], 3, ["v: effective_rank is", "--fail-if says effective_rank > 1"]),
        (["effective_rank<1", "norm_mean > 1e9"], 0, []),
        (["effective_rank < 1", "norm_mean >= 0", "zero_rows <= 0"], 3, ["norm_mean >= 0", "zero_rows is 0"]),
        (["zero_rows >= 0"], 3, ["zero_rows is 0, and --fail-if says zero_rows >= 0"]),
        (["zero_rows > 0", "zero_rows < 0"], 0, []),
        (["tail_average_cosine > 0"], 2, ["v has no value of tail_average_cosine", "--frequency"]),
        (["average_cosine@head > 0"], 2, ["v has no value of average_cosine@head"]),
        (["averagecosine > 0"], 2, ["did you mean 'average_cosine'"]),
        (["average_cosine@tial > 0"], 2, ["did you mean 'average_cosine@tail'"]),
        (["average_cosine"], 2, ["is no condition; write a measure, one of > >= < <= and a number"]),
        (["average_cosine = 0"], 2, ["is no condition"]),
        (["average_cosine > high"], 2, ["is no condition"]),
        (["average_cosine > 1e999"], 2, ["too large"]),
        (["__import__('os') > 0"], 2, ["is no condition"]),
        (["change(norm_mean) > 0"], 2, ["use it with `degen compare`"]),
    ],
)
def test_conditions_end_the_command_with_code_3(conditions, code, says, matrix, capfd):
    words = [word for condition in conditions for word in ("--fail-if", condition)]
    found, _, err = ended(capfd, "analyze", matrix, "--measures", "health", "--quiet", *words)
    assert found == code
    assert all(part in err for part in says)
    assert (err == "") == (code == 0)


def test_a_damaged_run_of_a_folder_is_a_note_and_by_itself_an_error(runs, capfd):
    [first, *_] = sorted(runs.glob("*"))
    (first / "item_embeddings.npy").write_bytes(b"nothing")
    result = run("analyze", runs, "--measures", "norm_mean", "--json")
    assert result.exit_code == 0, result.exception
    assert str(first) in result.stderr
    assert "left out" in result.stderr
    assert first.name not in result.stdout
    assert str(first) in mistake(capfd, "analyze", first, "--measures", "norm_mean")


def test_chosen_measures_only(matrix):
    found = result_of("analyze", matrix, "--measures", "health,isoscore")
    health = {name for name, own in MEASURES.items() if own.group == "health"}
    assert found.keys() == {"name", "rows", "dimensions", "isoscore", *health}


def test_csv_latex_and_out_hold_the_same_numbers(matrix, tmp_path):
    counts = tmp_path / "counts.txt"
    counts.write_text("1\n" * 40)
    places = ["--csv", tmp_path / "a.csv", "--latex", tmp_path / "a.tex", "--out", tmp_path / "o"]
    found = result_of("analyze", matrix, "--frequency", counts, *places)
    assert json.loads((tmp_path / "o" / "analysis.json").read_text()) == [found]
    assert (tmp_path / "o" / "analysis.csv").read_text() == (tmp_path / "a.csv").read_text()
    assert (tmp_path / "o" / "analysis.tex").read_text() == (tmp_path / "a.tex").read_text()
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = {row["measure"]: row for row in csv.DictReader(file)}
    assert float(rows["stable_rank"]["value"]) == found["stable_rank"]
    assert rows["spearman_norm"]["value"] == ""
    assert rows["spearman_norm"]["reason"] == found["spearman_norm_reason"]


def test_the_list_names_every_measure_with_its_source(matrix):
    found = {(row["group"], row["measure"]): row for row in result_of("analyze", "--list")}
    assert found["Spectrum", "stable_rank"] == {
        "group": "Spectrum",
        "measure": "stable_rank",
        "arrow": "↑",
        "value": "‖V‖_F² / σ₁² = Σλ / λ₁; 0 for a zero matrix",
        "range": "1 to ∞",
        "meaning": "how many directions as strong as the first would hold all the energy",
        "cost": "O(n d²)",
        "source": "Rudelson and Vershynin, J. ACM 2007",
        "core": None,
    }
    assert found["Spectrum", "effective_rank"]["core"] == CORE["effective_rank"]
    assert {name for _, name in found} >= MEASURES.keys()
    text = run("analyze", "--list", "--measures", "health").stdout
    assert "duplicate_rows" in text
    assert "stable_rank" not in text
    page = run("analyze", "--list", "--markdown").stdout
    assert page.startswith("### Core\n\n| measure | in words | reason: the measure … |\n| --- | --- |")
    assert f"| `sigma2_ratio` | σ₂/σ₁ | {CORE['sigma2_ratio']} |" in page
    assert "\n### Spectrum\n\n| measure | value | range | meaning | cost | source |\n| --- |" in page
    one = found["Spectrum", "stable_rank"]
    assert f"| {one['value']} | {one['range']} | {one['meaning']} |" in page


def test_the_short_table_takes_no_other_measure(runs, tmp_path, monkeypatch):
    every = run("analyze", runs, "--csv", tmp_path / "all.csv").stdout.partition("\nwritten")[0]
    bare = run("analyze", runs).stdout
    assert bare == every
    assert "rare half: 20 items that occur" in bare

    def taken(rows):
        raise AssertionError("taken")

    taken.__module__ = "degen.analysis"  # a measure of degen's, not of the user's own
    monkeypatch.setitem(MEASURES, "isoscore", replace(MEASURES["isoscore"], function=taken))
    assert run("analyze", runs).stdout == bare
    with pytest.raises(AssertionError, match="taken"):
        run("analyze", runs, "--all")


def test_a_module_of_ones_own_adds_measures(matrix, tmp_path, monkeypatch):
    (tmp_path / "my_measures.py").write_text(
        "from degen.analysis import Rows, measure\n\n\n"
        "@measure('mine', range=(0, 1), meaning='', source='here', cost='O(1)')\n"
        "def half(V: Rows) -> float:\n"
        "    return 0.5\n"
    )
    monkeypatch.chdir(tmp_path)
    found = result_of("analyze", matrix, "--import", "my_measures", "--measures", "mine")
    assert found == {"name": "v", "rows": 40, "dimensions": 6, "half": 0.5}


def test_a_run_with_its_model_has_what_it_recommends(tmp_path):
    log = write_log(tmp_path / "log.txt")
    run_of = degen.train("sasrec", log, out=tmp_path / "run", **{**SETTINGS, "epochs": 1})
    found = result_of("analyze", run_of.path, "--with-model", "--measures", "norm_mean")
    frequency = run_of.item_frequency
    assert 0 < found["catalogue_coverage@10"] <= 1
    assert found["exposure@tail"] + found["exposure@mid"] + found["exposure@head"] == pytest.approx(1)
    assert found["norm_mean"] == pytest.approx(np.linalg.norm(run_of.item_embeddings, axis=1).mean())
    assert (frequency > 0).all()


def test_several_seeds_are_one_column_with_their_interval(tmp_path):
    matrices = [V + shift for shift in (0.0, 0.1, 0.4)]
    for seed, values in enumerate(matrices):
        folder = tmp_path / "runs" / f"scl-s{seed}"
        write_run(folder, "scl", seed=seed, embeddings=values.astype(np.float32))
    write_run(tmp_path / "runs" / "ucl-s0", "ucl", embeddings=V.astype(np.float32))
    np.save(tmp_path / "v.npy", V)
    result = run("analyze", tmp_path / "runs", tmp_path / "v.npy", "--seeds", "--json")
    found = {one["name"]: one for one in json.loads(result.stdout)}
    assert list(found) == ["clothing-ucl-s0", "clothing-scl", "v"]
    norms = [np.linalg.norm(values.astype(np.float32), axis=1).mean() for values in matrices]
    half = 4.302652729911275 * np.std(norms, ddof=1) / np.sqrt(3)  # Student's t, 2 degrees of freedom, 97.5 %
    scl = found["clothing-scl"]
    assert scl["norm_mean"] == pytest.approx(np.mean(norms), rel=1e-6)
    assert scl["norm_mean_low"] == pytest.approx(np.mean(norms) - half, rel=1e-6)
    assert scl["norm_mean_high"] == pytest.approx(np.mean(norms) + half, rel=1e-6)
    assert "3 seeds" in scl["norm_mean_sample"]
    assert "norm_mean_low" not in found["clothing-ucl-s0"]
    assert "clothing-ucl-s0 is the only seed of ucl: seed noise unknown" in result.stderr
    table = run("analyze", tmp_path / "runs", "--seeds").stdout
    assert "¹ ± half of the 95 % interval; over 3 seeds" in table


def test_a_measure_that_one_seed_lacks_is_missing(tmp_path):
    for seed, values in enumerate([V, np.zeros_like(V)]):
        write_run(tmp_path / f"s{seed}", "scl", seed=seed, embeddings=values.astype(np.float32))
    found = result_of("analyze", tmp_path, "--seeds", "--measures", "average_cosine,norm_mean")
    assert found["average_cosine"] is None
    assert found["average_cosine_reason"]
    assert found["norm_mean"] > 0


def test_a_jackknife_gives_intervals_over_items_where_it_may(matrix, capfd):
    values = np.random.default_rng(3).normal(size=(400, 3)) + 1
    np.save(matrix, values)
    found = result_of("analyze", matrix, "--jackknife", "--measures", "norm_mean,zero_rows")
    norms = np.linalg.norm(values, axis=1)
    assert found["norm_mean_standard_error"] == pytest.approx(norms.std() / 20, rel=0.4)
    assert found["norm_mean_low"] < norms.mean() < found["norm_mean_high"]
    assert "20 groups" in found["norm_mean_sample"]
    assert "zero_rows_low" not in found
    assert "counts" in found["zero_rows_not_judged"]
    assert "norm_mean_not_judged" not in found
    lines = run("analyze", matrix, "--jackknife", "--measures", "norm_mean,zero_rows").stdout.splitlines()
    [row] = [line for line in lines if "zero_rows" in line]
    assert "0¹" in row
    assert any(line[1:].startswith(f" no interval: {found['zero_rows_not_judged']}") for line in lines)
    np.save(matrix, values[:39])
    assert "needs 40 rows" in mistake(capfd, "analyze", matrix, "--jackknife")


# ------------------------------------------------------------------------- matrices that are hardly ones

STRANGE = {
    "one row": np.array([[1.0, 2.0, 3.0]]),
    "n < d": V[:3],
    "d = 1": V[:, :1],
    "zeros": np.zeros((5, 3)),
    "equal rows": np.ones((6, 3)),
    "float16": V.astype(np.float16),
    "integers": np.arange(60).reshape(20, 3) % 7,
    "huge": V * 1e200,
    "tiny": V * 1e-200,
}


@pytest.mark.parametrize("values", STRANGE.values(), ids=STRANGE)
def test_a_strange_matrix_has_a_table(values, tmp_path):
    np.save(tmp_path / "m.npy", values)
    found = result_of("analyze", tmp_path / "m.npy")
    assert (found["rows"], found["dimensions"]) == values.shape
    for name in MEASURES:
        assert found[name] is not None or found[f"{name}_reason"]
    assert run("analyze", tmp_path / "m.npy").exit_code == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_refused_or_left_out_and_counted(bad, tmp_path, capfd):
    values = V.copy()
    values[[3, 7], [0, 5]] = bad
    np.save(tmp_path / "m.npy", values)
    counts = tmp_path / "counts.txt"
    counts.write_text("".join(f"{7 * k % 40}\n" for k in range(40)))
    said = mistake(capfd, "analyze", tmp_path / "m.npy")
    assert "m.npy" in said
    assert "2 of 40 rows" in said
    assert "row 3" in said
    assert "--drop-nonfinite" in said
    found = result_of("analyze", tmp_path / "m.npy", "--drop-nonfinite", "--frequency", counts)
    kept = np.delete(V, [3, 7], axis=0)
    assert (found["nonfinite_rows"], found["rows"]) == (2, 38)
    assert found["norm_mean"] == pytest.approx(np.linalg.norm(kept, axis=1).mean())
    assert found["spearman_norm"] == pytest.approx(_spearman(kept, np.delete(7 * np.arange(40) % 40, [3, 7])))
    assert result_of("analyze", tmp_path / "m.npy", "--measures", "nonfinite_rows")["nonfinite_rows"] == 2


def _spearman(values, counts):
    ranks = np.argsort(np.argsort(np.linalg.norm(values, axis=1)))
    return np.corrcoef(ranks, np.argsort(np.argsort(counts)))[0, 1]


def test_nothing_left_is_said(tmp_path, capfd):
    np.save(tmp_path / "m.npy", np.full((3, 2), np.nan))
    assert "nothing is left" in mistake(capfd, "analyze", tmp_path / "m.npy", "--drop-nonfinite")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "nothing to analyze"),
        (["{matrix}", "--measures", "steble_rank"], "did you mean 'stable_rank'"),
        (["{matrix}", "--engine", "nunpy"], "did you mean 'numpy'"),
        (["{matrix}", "--device", "tpu", "--engine", "torch"], "--device tpu"),
        (["{matrix}", "--exact-rows", "1"], "--exact-rows 1"),
        (["{matrix}", "--with-model"], "--with-model is for runs"),
        (["{matrix}", "--measures", "recommendations"], "add --with-model"),
        (["{matrix}", "--import", "no_such_module_here"], "no_such_module_here"),
        (["{matrix}", "--markdown"], "--markdown"),
        (["nowhere"], "does not exist"),
    ],
)
def test_a_mistake_is_one_sentence(words, says, matrix, capfd):
    assert says in mistake(capfd, "analyze", *(word.format(matrix=matrix) for word in words))


def test_a_folder_without_embeddings_says_how_to_get_them(tmp_path, capfd):
    write_run(tmp_path / "run")
    assert "--resume" in mistake(capfd, "analyze", tmp_path / "run")


@pytest.mark.parametrize(("option", "place"), [("--csv", "folder"), ("--latex", "file/x.tex")])
def test_a_place_that_cannot_be_written_is_named_without_another_option(
    option, place, matrix, tmp_path, capfd
):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    said = mistake(capfd, "analyze", matrix, "--measures", "norm_mean", option, tmp_path / place)
    assert f"cannot write {tmp_path / place}: " in said
    assert "choose another path" in said
    assert "--out" not in said
