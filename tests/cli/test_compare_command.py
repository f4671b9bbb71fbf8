"""`degen compare` as users type it: seeds, items, users, files, and what it will not claim."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from run_files import write_run
from typer.testing import CliRunner, Result

from degen.analysis import Rows, average_cosine, linear_cka
from degen.analysis.core import CORE
from degen.analysis.result import popularity_profile
from degen.cli.commands.compare import compare
from degen.errors import UserError
from degen.studies.figure_files import FigureFiles
from degen.tables.numbers import number

app = typer.Typer()
app.command("compare")(compare)


@app.callback()
def _root() -> None:
    pass


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, ["compare", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, UserError | SystemExit):
        raise result.exception
    return result


def result_of(*words: object) -> dict:
    result = run(*words, "--json", "--format", "png")
    assert result.exit_code == 0, result.exception or result.output
    return json.loads(result.stdout)


def row(found: dict, measure: str, side: str = "duorec") -> dict:
    [one] = [row for row in found["rows"] if row["measure"] == measure and row["side"] == side]
    return one


def cone(rng: np.random.Generator, mean: float) -> np.ndarray:
    return rng.normal(size=(80, 4)) + mean


@pytest.fixture
def runs(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Three seeds of a wide cone (sasrec) and of a cloud (duorec), one of ucl."""
    frequency = np.arange(80) // 4
    for variant, mean, seeds in [("sasrec", 2.0, 3), ("duorec", 0.0, 3), ("ucl", 0.5, 1)]:
        for seed in range(seeds):
            write_run(
                tmp_path / "runs" / f"{variant}-s{seed}",
                variant,
                seed=seed,
                embeddings=cone(rng, mean),
                frequency=frequency,
            )
    return tmp_path / "runs"


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures, which take most of the time."""
    monkeypatch.setattr("degen.studies.compare_figures.draw_comparison", lambda *_: FigureFiles())


def matrix(runs: Path, name: str) -> np.ndarray:
    return np.load(runs / name / "item_embeddings.npy")


@pytest.mark.usefixtures("undrawn")
def test_several_seeds_a_side_mark_what_is_beyond_their_noise(runs: Path) -> None:
    found = result_of(runs, "--measures", "average_cosine,norm_cv")
    cosine = row(found, "average_cosine")
    by_hand = [
        [average_cosine(matrix(runs, f"{v}-s{seed}")) for seed in range(3)] for v in ("sasrec", "duorec")
    ]
    assert cosine["against"] == "sasrec"
    assert cosine["against_value"] == pytest.approx(np.mean(by_hand[0]))
    assert cosine["difference"] == pytest.approx(np.mean(by_hand[1]) - np.mean(by_hand[0]))
    assert cosine["low"] < cosine["difference"] < cosine["high"] < 0
    assert (cosine["noise"], cosine["marked"]) == ("seeds", True)
    # Holm: the smaller p of two is doubled.
    assert cosine["adjusted_p"] == pytest.approx(2 * cosine["p"])


@pytest.mark.usefixtures("undrawn")
def test_with_one_seed_on_a_side_nothing_is_marked(runs: Path) -> None:
    found = result_of(runs, "--measures", "average_cosine")
    cosine = row(found, "average_cosine", "ucl")
    assert cosine["noise"] == "items; seed noise unknown"
    assert cosine["low"] < cosine["difference"] < cosine["high"]
    assert (cosine["p"], cosine["marked"]) == (None, False)
    assert any("seed noise unknown" in note for note in found["notes"])


@pytest.mark.usefixtures("undrawn")
def test_how_alike_two_matrices_of_the_same_items_are(runs: Path) -> None:
    found = result_of(runs, "--measures", "average_cosine")
    expected = linear_cka(matrix(runs, "sasrec-s0"), matrix(runs, "duorec-s0"))
    assert row(found, "cka")["value"] == pytest.approx(expected)
    assert row(found, "cka")["kind"] == "alike"


@pytest.mark.usefixtures("undrawn")
def test_items_are_matched_by_id_whatever_their_order(
    runs: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    order = rng.permutation(80)
    ids = (runs / "duorec-s0" / "items.txt").read_text().splitlines()
    ours = matrix(runs, "sasrec-s0")
    lines = [f"{ids[i].replace(' ', '_')},{','.join(map(str, ours[i].tolist()))}" for i in order[:70]]
    names = [name.replace(" ", "_") for name in ids]
    (runs / "sasrec-s0" / "items.txt").write_text("".join(f"{name}\n" for name in names))
    (tmp_path / "theirs.csv").write_text("\n".join(lines) + "\n")
    found = result_of(
        runs / "sasrec-s0", tmp_path / "theirs.csv", "--out", tmp_path, "--measures", "average_cosine"
    )
    assert any("share 70 items" in note for note in found["notes"])
    assert row(found, "cka", "theirs")["value"] == pytest.approx(1)
    assert row(found, "average_cosine", "theirs")["difference"] == pytest.approx(0, abs=1e-12)


@pytest.mark.usefixtures("undrawn")
def test_accuracy_is_paired_over_users_where_ranks_are_exported(runs: Path) -> None:
    ranks = {"sasrec-s0": [1, 2, 30, 4, 50.0], "ucl-s0": [1, 1, 3, 4, 60.0]}
    for name, values in ranks.items():
        export = runs / name / "export"
        export.mkdir()
        np.save(export / "ranks.npy", np.array(values))
        (export / "users.txt").write_text("a\nb\nc\nd\ne\n")
        gains = [1 / np.log2(rank + 1) if rank <= 10 else 0 for rank in values]
        (runs / name / "test.json").write_text(json.dumps({"NDCG@10": float(np.mean(gains)), "epoch": 1}))
    found = result_of(runs / "sasrec-s0", runs / "ucl-s0", "--out", runs, "--measures", "average_cosine")
    hits = row(found, "HR@5", "ucl")
    assert (hits["against_value"], hits["value"], hits["kind"]) == (0.6, 0.8, "users")
    assert hits["noise"] == "users; seed noise unknown"


@pytest.mark.parametrize(
    ("users", "sentence"),
    [(b"a\nb\n", "lists 2 users, but ranks.npy has 5 ranks"), (b"\xff\n" * 5, "cannot be read as text")],
    ids=["too few", "no text"],
)
@pytest.mark.usefixtures("undrawn")
def test_damaged_users_of_an_export_are_one_sentence(runs: Path, users: bytes, sentence: str) -> None:
    for name in ("sasrec-s0", "ucl-s0"):
        export = runs / name / "export"
        export.mkdir()
        np.save(export / "ranks.npy", np.array([1, 2, 30, 40, 50.0]))
        (export / "users.txt").write_bytes(users)
        gain = (1 + 1 / np.log2(3)) / 5
        (runs / name / "test.json").write_text(json.dumps({"NDCG@10": gain, "epoch": 1}))
    result = run(runs / "sasrec-s0", runs / "ucl-s0", "--out", runs, "--measures", "average_cosine")
    assert isinstance(result.exception, UserError)
    assert sentence in str(result.exception)
    assert "users.txt" in str(result.exception)


def test_what_is_drawn_and_written(runs: Path) -> None:
    result = run(runs, "--measures", "isotropy", "--format", "png")
    assert result.exit_code == 0, result.exception
    names = {path.name for path in (runs / "figures").glob("[!.]*")}
    assert {
        "compare-clothing.csv",
        "compare-clothing-spectra.png",
        "compare-clothing-spectra.csv",
        "compare-clothing-popularity.png",
        "compare-clothing-popularity.csv",
        "svd-clothing.png",
    } <= names
    with (runs / "figures" / "compare-clothing-popularity.csv").open(newline="") as file:
        cells = {(row["name"], row["profile"], row["bucket"]): row["value"] for row in csv.DictReader(file)}
    seeds = [np.linalg.norm(matrix(runs, f"duorec-s{seed}")[:4], axis=1).mean() for seed in range(3)]
    assert float(cells["duorec", "norm_mean", "cold"]) == pytest.approx(np.mean(seeds), rel=1e-6)
    [row_of] = [
        line.split() for line in after(result.stdout, "duorec is").splitlines() if "average_cosine *" in line
    ]
    assert (row_of[2], row_of[6]) == ("↓", "duorec")
    assert "↑ higher, ↓ lower is more isotropic; * difference exceeds the noise of seeds" in result.stdout


def after(text: str, beginning: str) -> str:
    """The part of the output from the verdict that begins like this."""
    return text[text.index(f"\n{beginning}") :]


@pytest.mark.usefixtures("undrawn")
def test_chosen_measures_are_listed_with_keys_and_have_no_negative_zero(runs: Path) -> None:
    words = ("--measures", "average_cosine,stable_rank,norm_cv,duplicate_rows", "--format", "png")
    lines = run(runs / "sasrec-s0", runs / "duorec-s0", "--out", runs, *words).stdout.splitlines()
    cells = {row[0]: row[1:] for row in map(str.split, lines) if len(row) > 3}
    a, b = (average_cosine(matrix(runs, name)) for name in ("sasrec-s0", "duorec-s0"))
    assert cells["average_cosine"][:3] == ["↓", number(a), number(b)]
    assert float(cells["average_cosine"][3]) == pytest.approx(b - a, abs=5e-3)
    assert cells["average_cosine"][4] == "duorec"
    assert 0 < float(cells["average_cosine"][5]) < 0.2
    assert cells["stable_rank"][0] == "↑"
    assert cells["norm_cv"][3] == "–"
    assert cells["duplicate_rows"] == ["0", "0", "0", "–", "–"]


@pytest.mark.usefixtures("undrawn")
def test_the_verdict_comes_first_then_the_core_measures_in_words(runs: Path) -> None:
    words = (runs / "sasrec-s0", runs / "duorec-s0", "--out", runs, "--format", "png")
    lines = run(*words).stdout.splitlines()
    assert lines[0].startswith("duorec is more isotropic than sasrec: average cosine 0.")
    assert "The noise between trainings is unknown: each side is one matrix." in lines[0]
    text = "\n".join(lines)
    assert text.index("σ₂/σ₁  ") < text.index("average cosine, rare half") < text.index("hubness skewness")
    assert "stable_rank" not in text
    assert "seed noise unknown" not in text
    every = run(*words, "--all", "--measures", "average_cosine,stable_rank").stdout
    assert every.index("average_cosine") < every.index("Spectrum") < every.index("stable_rank")


@pytest.mark.usefixtures("undrawn")
def test_several_sides_have_a_verdict_each_and_one_table(runs: Path) -> None:
    lines = run(runs, "--format", "png").stdout.splitlines()
    assert [line.split(":")[0] for line in lines if " than sasrec:" in line] == [
        "ucl is more isotropic than sasrec",
        "duorec is more isotropic than sasrec",
    ]
    # Means over all seeds, also of sasrec, whose lowest seed alone stands beside the one of ucl.
    [cosines] = [line.split() for line in lines if line.startswith("average cosine ↓")]
    means = [
        np.mean([average_cosine(matrix(runs, path.name)) for path in runs.glob(f"{name}-s*")])
        for name in ("sasrec", "ucl", "duorec")
    ]
    assert cosines[3:] == [number(means[0]), number(means[1]), "▲", number(means[2]), "▲"]
    [shown] = [line for line in lines if "means over seeds" in line]
    assert shown.endswith("3 of sasrec, 1 of ucl, 3 of duorec")


@pytest.mark.usefixtures("undrawn")
def test_conditions_are_about_all_seeds_of_a_side(runs: Path) -> None:
    seeds = [average_cosine(matrix(runs, f"sasrec-s{seed}")) for seed in range(3)]
    change = average_cosine(matrix(runs, "ucl-s0")) - np.mean(seeds)
    assert abs(np.mean(seeds) - seeds[0]) > 1e-5
    words = ("--out", runs, "--format", "png", "--measures", "average_cosine")
    for limit, code in ((change + 1e-6, 3), (change - 1e-6, 0)):
        gate = ("--fail-if", f"change(average_cosine) < {limit}")
        paths = [runs / name for name in ("sasrec-s0", "sasrec-s1", "sasrec-s2", "ucl-s0")]
        assert run(*paths, *words, *gate).exit_code == code


@pytest.mark.usefixtures("undrawn")
def test_json_says_which_side_is_more_isotropic_by_each_measure(runs: Path) -> None:
    found = result_of(runs / "sasrec-s0", runs / "duorec-s0", "--out", runs)
    [verdict] = found["verdicts"]
    assert (verdict["against"], verdict["side"]) == ("sasrec", "duorec")
    assert verdict["outcome"] == "more isotropic"
    assert verdict["text"].startswith("duorec is more isotropic than sasrec: ")
    sides = {name: row(found, name)["more_isotropic"] for name in ("average_cosine", "hubness_skewness")}
    assert sides == {"average_cosine": "duorec", "hubness_skewness": "unknown"}
    assert row(found, "stable_rank")["more_isotropic"] == "duorec"


@pytest.mark.usefixtures("undrawn")
def test_long_names_are_shortened_alike_above_columns_and_in_cells(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    for name in ("a", "b"):
        np.save(tmp_path / f"{'model' * 15}-{name}.npy", cone(rng, 3.0 * (name == "b")))
    files = [tmp_path / f"{'model' * 15}-{name}.npy" for name in "ab"]
    result = run(*files, "--out", tmp_path / "o", "--measures", "average_cosine", "--format", "png")
    assert result.exit_code == 0, result.exception
    [cells] = [line.split() for line in result.stdout.splitlines() if "average_cosine" in line]
    assert cells[-2] == "…a"
    assert len(cells[-2]) <= 9
    assert len([line for line in result.stdout.splitlines() if cells[-2] in line.split()]) == 2


def test_a_figure_that_cannot_be_drawn_costs_neither_table_nor_rows(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise UserError("no room beside its labels; give a larger `width`")

    monkeypatch.setattr("degen.studies.compare_figures.profiles_figure", refuse)
    words = (runs / "sasrec-s0", runs / "duorec-s0", "--out", runs, "--format", "png")
    result = run(*words, "--measures", "average_cosine")
    assert result.exit_code == 0, result.exception
    assert "duorec is more isotropic than sasrec" in result.stdout
    assert "no figure of popularity: no room beside its labels; give a larger --width" in result.stderr
    assert (runs / "compare-clothing-sasrec-duorec.csv").exists()
    assert (runs / "compare-clothing-sasrec-duorec-spectra.png").exists()


@pytest.mark.parametrize(
    ("condition", "code", "sentence"),
    [
        ("average_cosine < 0.5", 3, "duorec: average_cosine is "),
        ("average_cosine > 0.5", 0, ""),
        ("change(average_cosine) <= -0.1", 3, "and --fail-if says change(average_cosine) <= -0.1"),
        ("change(average_cosine@tail) < 0", 3, "duorec: the change of average_cosine@tail is -0."),
        ("average_cosine@tail > 0.5", 0, ""),
        ("average_cosine@unseen < 1", 3, "duorec: average_cosine@unseen is "),
        ("change(average_cosine@cold) < 0", 3, "duorec: the change of average_cosine@unseen is -0."),
        ("NDCG@10 < 1", 2, "accuracy needs two runs with the ranks of the same users"),
        ("alignment < 1", 2, "there is no measure 'alignment'"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_conditions_are_about_the_second_side_and_end_with_code_3(
    runs: Path, condition: str, code: int, sentence: str
) -> None:
    words = (runs / "sasrec-s0", runs / "duorec-s0", "--out", runs, "--format", "png", "--quiet")
    result = run(*words, "--measures", "average_cosine", "--fail-if", condition)
    said = str(result.exception) if code == 2 else result.stderr
    assert (2 if isinstance(result.exception, UserError) else result.exit_code) == code
    assert sentence in said
    assert (said == "") == (code == 0)


@pytest.mark.usefixtures("undrawn")
def test_json_lists_the_conditions_that_hold(runs: Path) -> None:
    words = (runs / "sasrec-s0", runs / "duorec-s0", "--out", runs, "--format", "png", "--json")
    conditions = ("--fail-if", "average_cosine < 0.5", "--fail-if", "average_cosine > 0.5")
    result = run(*words, "--measures", "average_cosine", *conditions)
    assert result.exit_code == 3
    [failed] = json.loads(result.stdout)["failed"]
    assert failed.endswith("and --fail-if says average_cosine < 0.5")


def test_files_without_ids_are_compared_row_by_row_and_it_is_said(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", cone(rng, 1.0))
    found = result_of(tmp_path / "a.npy", tmp_path / "b.npy", "--out", tmp_path, "--against", "b")
    assert row(found, "stable_rank", "a")["against"] == "b"
    assert any("row by row" in note for note in found["notes"])
    assert not any(Path(name).name.startswith("compare-matrices-popularity") for name in found["files"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--against", "duoreq"], "did you mean 'duorec'"),
        (["--measures", "averge_cosine"], "did you mean 'average_cosine'"),
        (["--profiles", "norm_men"], "did you mean 'norm_mean'"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(runs: Path, words: list[str], message: str) -> None:
    assert message in str(run(runs, *words).exception)
    assert not (runs / "figures").exists()


def test_a_matrix_without_a_projection_is_compared_and_not_drawn(tmp_path: Path) -> None:
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(ord(name)).normal(size=(3, 8)))
    found = result_of(tmp_path / "a.npy", tmp_path / "b.npy", "--measures", "stable_rank", "--out", tmp_path)
    assert row(found, "stable_rank", "b")["value"] > 1
    assert any("no clouds" in note for note in found["notes"])
    assert not any("svd" in Path(name).name for name in found["files"])


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_measured(runs: Path) -> None:
    (runs / "taken").write_text("")
    assert "is a file; name a folder" in str(run(runs, "--out", runs / "taken").exception)


@pytest.mark.usefixtures("undrawn")
def test_the_first_typed_is_the_base_for_runs_and_files_alike(runs: Path, rng: np.random.Generator) -> None:
    file = runs / "mine.npy"
    np.save(file, cone(rng, 1.0))
    words = ("--out", runs, "--measures", "average_cosine")
    for typed, names in (
        ([runs / "duorec-s0", runs / "sasrec-s0"], ["duorec", "sasrec"]),
        ([file, runs / "sasrec-s0"], ["mine", "sasrec"]),
        ([runs / "ucl-s0", file, runs / "sasrec-s1"], ["ucl", "mine", "sasrec"]),
        ([runs], ["sasrec", "ucl", "duorec"]),  # of one folder: the paper's order
    ):
        verdicts = result_of(*typed, *words)["verdicts"]
        assert [verdicts[0]["against"], *(row["side"] for row in verdicts)] == names
    # A gate judges the run that was typed second, here the collapsed one.
    gate = ("--format", "png", "--fail-if", "average_cosine > 0.5")
    assert run(runs / "duorec-s0", runs / "sasrec-s0", *words, *gate).exit_code == 3
    assert run(runs / "sasrec-s0", runs / "duorec-s0", *words, *gate).exit_code == 0


def month(folder: Path, rng: np.random.Generator, mean: float, **about: object) -> Path:
    """Two seeds of sasrec in a folder."""
    for seed in range(2):
        run = folder / f"sasrec-s{seed}"
        write_run(run, "sasrec", seed=seed, embeddings=cone(rng, mean), frequency=np.arange(80) // 4, **about)
    return folder


@pytest.mark.parametrize("names", [("jan", "feb"), ("shop", "shop")], ids=["two names", "one name"])
@pytest.mark.usefixtures("undrawn")
def test_two_folders_of_seeds_are_two_sides_also_of_different_logs(
    tmp_path: Path, rng: np.random.Generator, names: tuple[str, str]
) -> None:
    folders = [tmp_path / "runs-of-january", tmp_path / "runs-of-february"]
    for folder, name, mean in zip(folders, names, (0.2, 2.0), strict=True):
        month(folder, rng, mean, dataset=name)
        for config in folder.glob("*/config.toml"):
            text = config.read_text()
            config.write_text(text.replace("[data]", f'[data]\nfingerprint = "{folder.name[8:]}"'))
    found = result_of(*folders, "--out", tmp_path / "o", "--measures", "average_cosine")
    [verdict] = found["verdicts"]
    assert (verdict["against"], verdict["side"]) == ("runs-of-january", "runs-of-february")
    expected = np.mean([average_cosine(np.load(path)) for path in folders[1].glob("*/item_embeddings.npy")])
    assert row(found, "average_cosine", "runs-of-february")["value"] == pytest.approx(expected)
    assert row(found, "average_cosine", "runs-of-february")["noise"] == "seeds"
    assert any("users and items are paired only where their ids agree" in note for note in found["notes"])
    # The other way round the base is the other one; a path may be relative or end with a slash.
    [verdict] = result_of(f"{folders[1]}/", folders[0], "--out", tmp_path / "o")["verdicts"]
    assert (verdict["against"], verdict["side"]) == ("runs-of-february", "runs-of-january")


def test_the_clouds_are_those_of_the_sides_that_were_judged(tmp_path: Path, rng: np.random.Generator) -> None:
    folders = [month(tmp_path / name, rng, 1.0, dataset=name) for name in ("jan", "feb")]
    files = result_of(*folders, "--out", tmp_path / "o", "--measures", "average_cosine")["files"]
    [spectra] = [Path(file) for file in files if file.endswith("-singular-values.csv")]
    with spectra.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(dict.fromkeys(line["name"] for line in lines)) == ["jan", "feb"]
    assert {line["seed"] for line in lines} == {"0"}
    assert sum("svd-" in file and file.endswith(".png") for file in files) == 1


@pytest.mark.usefixtures("undrawn")
def test_folders_of_one_name_are_called_by_what_tells_them_apart(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    folders = [month(tmp_path / name / "runs", rng, 1.0) for name in ("jan", "feb")]
    [verdict] = result_of(*folders, "--out", tmp_path / "o", "--measures", "average_cosine")["verdicts"]
    assert (verdict["against"], verdict["side"]) == ("jan", "feb")


@pytest.mark.usefixtures("undrawn")
def test_two_runs_of_different_logs_are_compared_and_it_is_said(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    for dataset in ("tour", "beauty"):
        write_run(tmp_path / dataset / "scl-s0", "scl", dataset=dataset, embeddings=cone(rng, 1.0))
    found = result_of(tmp_path / "tour" / "scl-s0", tmp_path / "beauty" / "scl-s0", "--out", tmp_path)
    [verdict] = found["verdicts"]
    assert (verdict["against"], verdict["side"]) == ("tour", "beauty")
    assert any("of different logs (tour, beauty)" in note for note in found["notes"])
    # Seeds that are typed one by one stay together, so that here each dataset has one side.
    for dataset in ("tour", "beauty"):
        write_run(tmp_path / dataset / "scl-s1", "scl", dataset=dataset, seed=1, embeddings=cone(rng, 1.0))
    message = str(run(*sorted(tmp_path.glob("*/scl-*"))).exception)
    assert "got scl of beauty, scl of tour" in message
    assert "a folder for each side" in message


def test_one_side_alone_is_nothing_to_compare(runs: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "jan.npy", np.eye(5))
    for path, called in ((runs / "ucl-s0", "ucl of clothing"), (tmp_path / "jan.npy", "jan.npy")):
        assert str(run(path).exception) == (
            f"compare needs at least two inputs and got one ({called}). Give two matrix files, two "
            "runs of one dataset, or a folder for each side."
        )


def test_without_figures_nothing_is_written_and_the_answer_is_the_same(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs)
    words = (runs / "sasrec-s0", runs / "duorec-s0", "--all")
    monkeypatch.setattr("degen.studies.compare_figures.draw_comparison", lambda *_: FigureFiles())
    drawn = run(*words, "--out", runs / "drawn")
    monkeypatch.setattr("degen.studies.compare_figures.draw_comparison", None)
    plain = run(*words, "--no-figures")
    assert plain.exit_code == 0, plain.exception
    assert plain.stdout == drawn.stdout
    assert json.loads(run(*words, "--no-figures", "--json").stdout)["files"] == []
    refused = run(*words, "--no-figures", "--format", "svg").exception
    assert "`formats` is about figures, and `no_figures` draws none" in str(refused)
    assert not (runs / "figures").exists()


def test_only_what_is_shown_is_measured_with_the_same_numbers(runs: Path) -> None:
    words = (runs / "sasrec-s0", runs / "duorec-s0", "--no-figures")
    every, core = (json.loads(run(*words, "--json", *more).stdout) for more in ((), ("--measures", "core")))
    assert core["verdicts"] == every["verdicts"]
    assert [row["measure"] for row in core["rows"] if row["kind"] == "embeddings"] == [
        row["measure"] for row in every["rows"] if row["measure"] in CORE and row["kind"] == "embeddings"
    ]
    assert not [row for row in core["rows"] if row not in every["rows"]]
    assert "alike" not in {row["kind"] for row in core["rows"]}
    assert len(every["rows"]) > 3 * len(core["rows"])
    shown = run(*words)
    assert shown.stdout == run(*words, "--measures", "core").stdout
    assert shown.stdout.rstrip().endswith("--all shows every measure.")
    # A gate on another measure has its value, and the table stays that of the core.
    gate = run(*words, "--fail-if", "stable_rank > 0")
    assert (gate.exit_code, gate.stdout) == (3, shown.stdout)


@pytest.mark.parametrize(
    ("theirs", "sentence", "shared"),
    [
        (
            range(20, 90),
            "The catalogues differ: 60 items are in both, of 80 and 70, and these values are of",
            60,
        ),
        (range(100, 170), "The catalogues differ: 80 and 70 items, of which no id is in both.", 0),
        (None, "The catalogues differ: 80 and 70 rows, without ids to match them.", 0),
        (range(79, -1, -1), "", 0),
    ],
    ids=["some", "none", "no ids", "all"],
)
def test_a_verdict_on_other_items_says_so_and_a_gate_is_of_what_it_says(
    tmp_path: Path, rng: np.random.Generator, theirs: range | None, sentence: str, shared: int
) -> None:
    def write(name: str, V: np.ndarray, ids: range | None) -> Path:
        if ids is None:
            np.save(tmp_path / f"{name}.npy", V)
            return tmp_path / f"{name}.npy"
        lines = [f"item{i},{','.join(map(str, row))}\n" for i, row in zip(ids, V.tolist(), strict=True)]
        (tmp_path / f"{name}.csv").write_text("".join(lines))
        return tmp_path / f"{name}.csv"

    # The last rows of the second matrix, which the first one lacks, point elsewhere.
    ours, others = cone(rng, 0.1), cone(rng, 1.0)[: len(theirs or range(70))]
    others[-10:] *= -1
    files = [write("jan", ours, theirs and range(80)), write("feb", others, theirs)]
    counts = tmp_path / "counts.csv"
    counts.write_text("id,count\n" + "".join(f"item{i},{1 + i % 9}\n" for i in range(200)))
    words = (*files, "--no-figures", "--quiet", *(("--frequency", counts) if theirs else ()))
    kept = [place for place, i in enumerate(theirs or range(70)) if not shared or i < 80]
    expected = average_cosine(others[kept])
    assert run(*words, "--fail-if", f"average_cosine > {expected + 1e-6}").exit_code == 0
    told = run(*words, "--fail-if", f"average_cosine > {expected - 1e-6}")
    assert told.exit_code == 3
    assert (f"({shared} shared items)" in told.stderr) == bool(shared)
    found = json.loads(run(*words, "--json", "--measures", "core").stdout)
    [verdict] = found["verdicts"]
    assert sentence in verdict["text"]
    assert ("catalogues differ" in verdict["text"]) == bool(sentence)
    assert row(found, "average_cosine", "feb")["value"] == pytest.approx(expected)
    assert (f"all values are of the {shared} items that both hold" in told.stdout) == bool(shared)
    if shared:
        counted = np.array([1 + i % 9 for i in range(20, 80)])
        profile = popularity_profile(Rows(others[kept], counted))["average_cosine@tail"]
        assert run(*words, "--fail-if", f"average_cosine@tail > {profile - 1e-6}").exit_code == 3
        assert run(*words, "--fail-if", f"average_cosine@tail > {profile + 1e-6}").exit_code == 0


def test_figures_of_other_matrices_of_the_same_names_are_not_replaced_in_silence(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    for folder in ("spring", "autumn"):
        (tmp_path / folder).mkdir()
        for name in "ab":
            np.save(tmp_path / folder / f"{name}.npy", cone(rng, 1.0))

    def notes(folder: str, measures: str = "core") -> str:
        words = ("--out", tmp_path / "o", "--measures", measures, "--format", "png")
        return run(tmp_path / folder / "a.npy", tmp_path / folder / "b.npy", *words).stderr

    assert "replaced" not in notes("spring")
    assert "replaced" not in notes("spring", "core,stable_rank"), "the same matrices"
    assert "compare-a-b.csv had other numbers; it and its figures are replaced (another --out" in notes(
        "autumn"
    )
