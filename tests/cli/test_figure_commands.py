"""`degen plot-svd` and `degen uniformity` as users type them, on runs and matrices written by hand."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from drawn import media_box
from matplotlib.figure import Figure
from run_files import epochs, write_run
from typer.testing import CliRunner, Result

from degen.cli.commands import figures
from degen.cli.wording import as_typed
from degen.errors import UserError

app = typer.Typer()
app.command("plot-svd")(figures.plot_svd)
app.command("uniformity")(figures.uniformity)

VARIANTS = ["sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec"]


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, UserError | SystemExit):
        raise result.exception
    return result


def result_of(*words: object) -> dict:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def mistake(*words: object) -> str:
    result = run(*words)
    assert isinstance(result.exception, UserError), result.output
    return as_typed(str(result.exception))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def matrix(seed: int = 0, n: int = 40, d: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32) + 0.5


def coordinates(V: np.ndarray) -> np.ndarray:
    """What DESIGN.md defines: the first two columns of U S in float64, each with a sum of at least 0."""
    U, s, _ = np.linalg.svd(V.astype(np.float64), full_matrices=False)
    points = U[:, :2] * s[:2]
    return points * np.where(points.sum(axis=0) < 0, -1, 1)


def points(rows: list[dict[str, str]]) -> np.ndarray:
    return np.array([[float(row["x"]), float(row["y"])] for row in rows])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Six variants of clothing, DuoRec with two seeds, and two of beauty."""
    folder = tmp_path / "runs"
    for position, variant in enumerate(VARIANTS):
        write_run(
            folder / "clothing" / f"{variant}-s0",
            variant,
            embeddings=matrix(position),
            metrics=epochs(4, -1 - position / 10, alignment=variant != "sasrec"),
        )
    write_run(folder / "clothing" / "duorec-s1", seed=1, embeddings=matrix(9), metrics=epochs(3, -2.0))
    for variant in ("sasrec", "duorec"):
        place = folder / "beauty" / f"{variant}-s0"
        write_run(
            place,
            variant,
            dataset="beauty",
            embeddings=matrix(7),
            metrics=epochs(2, alignment=variant != "sasrec"),
        )
    return folder


@pytest.fixture
def sketched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures empty, where names and numbers are asked for: drawing takes most of the time."""
    for name in ("svd.svd", "over_epochs.uniformity.trajectory", "over_epochs.uniformity.epochs"):
        path = f"degen.studies.{name}_figure"
        monkeypatch.setattr(path, lambda *_, width, **__: Figure(figsize=(width, 1)))


@pytest.mark.parametrize("projection", ["pca", "tsne"])
def test_other_projections_have_files_of_their_own(tmp_path: Path, projection: str) -> None:
    np.save(tmp_path / "vectors.npy", matrix())
    paper = result_of("plot-svd", tmp_path / "vectors.npy", "--format", "png")["panels"][0]
    drawn = result_of("plot-svd", tmp_path / "vectors.npy", "--format", "png", "--projection", projection)
    names = [f"{projection}-vectors{end}" for end in (".png", ".csv", "-singular-values.csv")]
    assert [Path(file).name for file in drawn["files"]] == names
    [panel] = drawn["panels"]
    assert panel["projection"] == projection
    assert "projection" not in paper
    assert panel["sigma2_ratio"] == paper["sigma2_ratio"]
    assert (panel["share_of_two_axes"] is None) == (projection == "tsne")
    assert any("distances between groups" in note for note in drawn["notes"]) == (projection == "tsne")
    rows = table(tmp_path / "figures" / f"{projection}-vectors.csv")
    assert len(rows) == 40
    if projection == "pca":
        V = matrix().astype(np.float64)
        assert np.abs(points(rows)) == pytest.approx(np.abs(coordinates(V - V.mean(axis=0))), rel=1e-6)
    assert "'umap' is unknown" in mistake("plot-svd", tmp_path / "vectors.npy", "--projection", "umap")


def test_a_run_gives_its_projection_and_its_numbers(runs: Path) -> None:
    place = runs / "clothing" / "scl-s0"
    found = result_of("plot-svd", place)
    stem = place / "figures" / "svd-clothing-scl-s0"
    assert found["files"] == [f"{stem}.pdf", f"{stem}.png", f"{stem}.csv", f"{stem}-singular-values.csv"]
    assert all(Path(file).stat().st_size for file in found["files"])
    rows = table(Path(f"{stem}.csv"))
    assert list(rows[0]) == ["item", "frequency", "x", "y"]
    assert [row["item"] for row in rows] == [f"item {k}" for k in range(40)]
    assert [row["frequency"] for row in rows] == [str(k) for k in range(40)]
    assert points(rows) == pytest.approx(coordinates(matrix(3)), abs=1e-6)
    assert media_box(Path(f"{stem}.pdf"))[0] == pytest.approx(3.337, abs=1e-4)


@pytest.mark.usefixtures("sketched")
def test_singular_values_are_written_beside(runs: Path) -> None:
    place = runs / "clothing" / "scl-s0"
    result_of("plot-svd", place)
    rows = table(place / "figures" / "svd-clothing-scl-s0-singular-values.csv")
    s = np.linalg.svd(matrix(3).astype(np.float64), compute_uv=False)
    assert [row["index"] for row in rows] == [str(k) for k in range(1, 7)]
    assert {row["name"] for row in rows} == {"scl"}
    assert [float(row["singular_value"]) for row in rows] == pytest.approx(s, rel=1e-7)
    assert [float(row["normalized"]) for row in rows] == pytest.approx(s / s[0], rel=1e-7)


def test_a_dataset_gives_one_figure_in_the_papers_order(runs: Path) -> None:
    found = result_of("plot-svd", runs / "clothing")
    folder = runs / "clothing" / "figures"
    assert [panel["variant"] for panel in found["panels"]] == VARIANTS
    assert [panel["seed"] for panel in found["panels"]] == [0] * 6
    names = [f"svd-clothing-{variant}.csv" for variant in VARIANTS]
    expected = ["svd-clothing.pdf", "svd-clothing.png", *names, "svd-clothing-singular-values.csv"]
    assert found["files"] == [str(folder / name) for name in expected]
    assert media_box(folder / "svd-clothing.pdf")[0] == pytest.approx(7.006, abs=1e-4)
    # DuoRec is the sixth: its own matrix, not the one of seed 1.
    assert points(table(folder / "svd-clothing-duorec.csv")) == pytest.approx(
        coordinates(matrix(5)), abs=1e-6
    )
    assert any("several seeds (0, 1)" in note for note in found["notes"])
    # The spectrum of its other seed stands beside, unless one seed is asked for.
    rows = [row for row in table(folder / "svd-clothing-singular-values.csv") if row["name"] == "duorec"]
    assert [row["seed"] for row in rows] == ["0"] * 6 + ["1"] * 6
    for seed, V in (("0", matrix(5)), ("1", matrix(9))):
        values = [float(row["singular_value"]) for row in rows if row["seed"] == seed]
        assert values == pytest.approx(np.linalg.svd(V.astype(np.float64), compute_uv=False), rel=1e-7)


@pytest.mark.usefixtures("sketched")
def test_numbers_of_a_panel_are_those_of_its_matrix(runs: Path) -> None:
    [panel] = result_of("plot-svd", runs / "clothing" / "ucl-s0")["panels"]
    s = np.linalg.svd(matrix(2).astype(np.float64), compute_uv=False)
    share = s / s.sum()
    assert (panel["items"], panel["dimensions"], panel["unseen_items"]) == (40, 6, 1)
    assert panel["sigma2_ratio"] == pytest.approx(s[1] / s[0])
    assert panel["effective_rank"] == pytest.approx(np.exp(-(share * np.log(share)).sum()))
    assert panel["share_of_two_axes"] == pytest.approx((s[:2] ** 2).sum() / (s**2).sum())


@pytest.mark.usefixtures("sketched")
def test_every_dataset_below_a_folder_has_its_figure(runs: Path) -> None:
    found = result_of("plot-svd", runs, "--format", "svg")
    pictures = [Path(file).name for file in found["files"] if file.endswith(".svg")]
    assert pictures == ["svd-beauty.svg", "svd-clothing.svg"]
    assert {Path(file).parent for file in found["files"]} == {runs / "figures"}


@pytest.mark.usefixtures("sketched")
def test_a_seed_can_be_drawn(runs: Path) -> None:
    found = result_of("plot-svd", runs / "clothing", "--seed", 1)
    assert [(panel["variant"], panel["seed"]) for panel in found["panels"]] == [("duorec", 1)]


@pytest.mark.usefixtures("sketched")
def test_runs_of_a_dataset_given_apart_share_a_figure_here(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs)
    found = result_of("plot-svd", "clothing/duorec-s0", "clothing/sasrec-s0")
    assert [panel["variant"] for panel in found["panels"]] == ["sasrec", "duorec"]
    # Called by what was drawn: not by what all of the dataset is.
    assert found["files"][0] == "figures/svd-clothing-sasrec-duorec.pdf"
    again = result_of("plot-svd", "clothing/duorec-s0", "clothing/sasrec-s0")
    assert again["files"] == found["files"]
    other = result_of("plot-svd", "clothing/duorec-s1", "clothing/sasrec-s0", "clothing/scl-s0")
    assert not set(other["files"]) & set(found["files"])
    assert other["files"][0] == "figures/svd-clothing-sasrec-scl-duorec-s0+1.pdf"


def test_two_runs_or_files_make_the_papers_fig_1(runs: Path) -> None:
    np.save(runs / "x.npy", matrix())
    out = runs / "one"
    pair = (runs / "clothing" / "sasrec-s0", runs / "clothing" / "duorec-s0")
    found = result_of("plot-svd", *pair, "--layout", "fig1", "--out", out)
    assert found["files"][0] == str(out / "fig1-clothing-sasrec-duorec.pdf")
    assert media_box(out / "fig1-clothing-sasrec-duorec.pdf")[0] == pytest.approx(7.006, abs=1e-4)
    mixed = result_of("plot-svd", runs / "x.npy", pair[0], "--layout", "fig1", "--out", out)
    assert [(panel["file"], panel["variant"]) for panel in mixed["panels"]] == [
        (str(runs / "x.npy"), None),
        (None, "sasrec"),
    ]
    words = mistake("plot-svd", runs / "clothing", "--layout", "fig1", "--out", out)
    assert "got 6" in words
    assert "--layout" in words
    assert "did you mean 'fig1'" in mistake("plot-svd", pair[0], "--layout", "fig11")


def test_files_of_other_sizes_are_panels_of_one_figure(tmp_path: Path) -> None:
    np.save(tmp_path / "jan.npy", matrix())
    np.save(tmp_path / "feb.npy", np.random.default_rng(3).normal(size=(55, 9)))
    long = "embeddings-of-the-production-model-for-the-storefront-of-january-2025-v12"
    np.save(tmp_path / f"{long}.npy", matrix(1))
    files = [tmp_path / f"{name}.npy" for name in ("jan", "feb", long)]
    found = result_of("plot-svd", *files, "--out", tmp_path / "out")
    assert [(panel["items"], panel["dimensions"]) for panel in found["panels"]] == [(40, 6), (55, 9), (40, 6)]
    pictures = [Path(file).name for file in found["files"] if file.endswith(".pdf")]
    assert pictures == [f"svd-jan-feb-{long}.pdf"]
    assert all(Path(file).exists() for file in found["files"])


def test_a_matrix_file_is_drawn_uncoloured_beside_it_and_says_so(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", matrix())
    found = result_of("plot-svd", tmp_path / "vectors.npy")
    assert found["files"][0] == str(tmp_path / "figures" / "svd-vectors.pdf")
    [note] = found["notes"]
    assert "one colour" in note
    assert "--frequency FILE" in note
    rows = table(tmp_path / "figures" / "svd-vectors.csv")
    assert [row["item"] for row in rows] == [str(k) for k in range(40)]
    assert {row["frequency"] for row in rows} == {""}
    assert points(rows) == pytest.approx(coordinates(matrix()), abs=1e-6)
    assert found["panels"][0]["unseen_items"] is None


def test_counts_given_by_frequency_colour_a_matrix(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", a=matrix(), b=matrix(1))
    (tmp_path / "counts.txt").write_text("".join(f"{k % 5}\n" for k in range(40)))
    words = ("plot-svd", tmp_path / "two.npz", "--key", "b", "--frequency", tmp_path / "counts.txt")
    found = result_of(*words, "--out", tmp_path / "there", "--width", "5")
    assert not found["notes"]
    rows = table(tmp_path / "there" / "svd-two.csv")
    assert [int(row["frequency"]) for row in rows] == [k % 5 for k in range(40)]
    assert points(rows) == pytest.approx(coordinates(matrix(1)), abs=1e-6)
    assert media_box(tmp_path / "there" / "svd-two.pdf")[0] == pytest.approx(5, abs=1e-4)
    assert found["panels"][0]["unseen_items"] == 8


@pytest.mark.usefixtures("sketched")
@pytest.mark.parametrize("name", ["item_embeddings.npy", "embeddings/e003.npy"])
def test_a_matrix_inside_a_run_has_the_runs_items_and_counts(runs: Path, name: str) -> None:
    place = runs / "clothing" / "scl-s0"
    (place / "embeddings").mkdir()
    np.save(place / "embeddings" / "e003.npy", matrix(3))
    found = result_of("plot-svd", place / name, "--out", runs / "x")
    assert not found["notes"]
    rows = table(runs / "x" / f"svd-{Path(name).stem}.csv")
    assert (rows[3]["item"], rows[3]["frequency"]) == ("item 3", "3")


@pytest.mark.usefixtures("sketched")
def test_matrices_of_the_same_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "v.npy", matrix())
    found = result_of(
        "plot-svd", tmp_path / "a" / "v.npy", tmp_path / "b" / "v.npy", "--out", tmp_path / "out"
    )
    assert len(set(found["files"])) == len(found["files"]) == 5
    assert [Path(file).name for file in found["files"]][2:4] == ["svd-v-v-v.csv", "svd-v-v-v-2.csv"]


@pytest.mark.usefixtures("sketched")
def test_a_run_without_embeddings_is_left_out_of_its_dataset(runs: Path) -> None:
    write_run(runs / "clothing" / "mine-s0", "mine", metrics=epochs(1))
    found = result_of("plot-svd", runs / "clothing")
    assert "mine" not in [panel["variant"] for panel in found["panels"]]
    assert any("mine-s0 has no item embeddings yet" in note for note in found["notes"])
    assert "--resume" in mistake("plot-svd", runs / "clothing" / "mine-s0")


def test_the_terminal_shows_a_table_and_the_paths(runs: Path) -> None:
    result = run("plot-svd", runs / "beauty")
    assert result.exit_code == 0
    assert "σ₂/σ₁" in result.stdout
    assert "duorec" in result.stdout
    assert result.stdout.rstrip().endswith("svd-beauty-singular-values.csv")


def test_figures_are_the_same_to_the_byte_when_drawn_again(runs: Path) -> None:
    first = [Path(file).read_bytes() for file in result_of("plot-svd", runs / "beauty")["files"]]
    again = [Path(file).read_bytes() for file in result_of("plot-svd", runs / "beauty")["files"]]
    assert first == again


def test_fig_5_leaves_out_what_has_no_alignment_and_says_so(runs: Path) -> None:
    found = result_of("uniformity", runs / "clothing")
    stem = runs / "clothing" / "figures" / "uniformity-clothing"
    suffixes = [".pdf", ".png", "-epochs.pdf", "-epochs.png", ".csv"]
    assert found["files"] == [f"{stem}{suffix}" for suffix in suffixes]
    assert [panel["variant"] for panel in found["panels"]] == VARIANTS
    assert any("sasrec has no alignment" in n and "alignment_same_target" in n for n in found["notes"])
    assert found["panels"][0]["alignment_first"] is None
    assert found["panels"][3]["uniformity_first"] == pytest.approx(-1.3)
    assert found["panels"][3]["uniformity_last"] == pytest.approx(-1.6)
    assert found["panels"][3]["valid_HR@5_last"] == pytest.approx(0.04)


@pytest.mark.usefixtures("sketched")
def test_the_numbers_of_fig_5_are_written_beside(runs: Path) -> None:
    result_of("uniformity", runs / "clothing")
    rows = table(runs / "clothing" / "figures" / "uniformity-clothing.csv")
    assert len(rows) == 6 * 4
    scl = [row for row in rows if row["variant"] == "scl"]
    assert [row["epoch"] for row in scl] == ["1", "2", "3", "4"]
    assert [float(row["uniformity"]) for row in scl] == pytest.approx([-1.3, -1.4, -1.5, -1.6])
    assert [float(row["alignment"]) for row in scl] == pytest.approx([0.25, 0.3, 0.35, 0.4])
    assert {row["definition"] for row in rows} == {"paper"}
    assert {row["alignment"] for row in rows if row["variant"] == "sasrec"} == {""}


@pytest.mark.usefixtures("sketched")
def test_all_variants_have_the_alignment_of_same_targets(runs: Path) -> None:
    found = result_of("uniformity", runs / "clothing", "--alignment", "alignment_same_target")
    assert not any("has no" in note for note in found["notes"])
    assert found["panels"][0]["alignment_first"] == pytest.approx(0.32)


def test_seeds_are_shown_apart_or_averaged(runs: Path) -> None:
    each = result_of("uniformity", runs / "clothing", "--aggregate", "each")
    assert [(p["variant"], p["seed"]) for p in each["panels"]][-2:] == [("duorec", 0), ("duorec", 1)]
    mean = result_of("uniformity", runs / "clothing", "--aggregate", "mean")
    last = mean["panels"][-1]
    # Seed 0 starts at -1.5, seed 1 at -2 and stops after three epochs.
    assert (last["seed"], last["epochs"]) == ("mean", 3)
    assert last["uniformity_first"] == pytest.approx((-1.5 - 2.0) / 2)
    assert last["uniformity_last"] == pytest.approx((-1.7 - 2.2) / 2)
    rows = table(runs / "clothing" / "figures" / "uniformity-clothing-mean.csv")
    assert [row["seed"] for row in rows if row["variant"] == "duorec"] == ["0"] * 4 + ["1"] * 3 + ["mean"] * 3


def test_one_run_without_alignment_still_has_its_epochs_drawn(runs: Path) -> None:
    found = result_of("uniformity", runs / "clothing" / "sasrec-s0", "--format", "pdf")
    assert [Path(file).name for file in found["files"]] == [
        "uniformity-clothing-sasrec-s0-epochs.pdf",
        "uniformity-clothing-sasrec-s0.csv",
    ]


def test_an_unfinished_run_is_drawn_as_far_as_it_is(tmp_path: Path) -> None:
    write_run(tmp_path / "r" / "scl-s0", "scl", metrics=epochs(1))
    write_run(tmp_path / "r" / "ucl-s0", "ucl")
    found = result_of("uniformity", tmp_path / "r")
    assert [(panel["variant"], panel["epochs"]) for panel in found["panels"]] == [("scl", 1)]
    assert any("ucl-s0 has no finished epoch" in note for note in found["notes"])


def test_runs_that_have_not_begun_are_an_error(tmp_path: Path) -> None:
    write_run(tmp_path / "scl-s0", "scl")
    assert "no run under" in mistake("uniformity", tmp_path)
    assert not (tmp_path / "figures").exists()


@pytest.mark.usefixtures("sketched")
def test_definitions_are_not_mixed_in_one_figure(runs: Path) -> None:
    rows = epochs(2)
    write_run(runs / "clothing" / "mine-s0", "mine", metrics=rows, definition="official")
    found = result_of("uniformity", runs / "clothing")
    by_definition = [(panel["variant"], panel["definition"]) for panel in found["panels"]]
    assert by_definition == [("mine", "official"), *((variant, "paper") for variant in VARIANTS)]
    tables = [Path(file).name for file in found["files"] if file.endswith(".csv")]
    assert tables == [
        "uniformity-clothing-official-definition.csv",
        "uniformity-clothing-paper-definition.csv",
    ]
    alone = result_of("uniformity", runs / "clothing" / "mine-s0")
    assert alone["panels"][0]["definition"] == "official"


@pytest.mark.usefixtures("sketched")
def test_runs_that_differ_in_settings_are_panels_of_one_figure(tmp_path: Path) -> None:
    for weight, folder in ((0.1, "a"), (0.02, "b")):
        run = write_run(tmp_path / folder, embeddings=matrix(), metrics=epochs(2))
        config = (run / "config.toml").read_text()
        setting = f"[objective]\ncontrast_weight = {weight}\n"
        (run / "config.toml").write_text(config.replace("[objective]\n", setting))
    for command in ("plot-svd", "uniformity"):
        found = result_of(command, tmp_path)
        assert [panel["variant"] for panel in found["panels"]] == ["duorec λ 0.02", "duorec λ 0.1"]
        assert found["files"][0] == str(
            tmp_path / "figures" / f"{command.removeprefix('plot-')}-clothing.pdf"
        )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plot-svd", "RUNS", "--style", "papr"], "did you mean 'paper'"),
        (["plot-svd", "RUNS", "--format", "pgn"], "did you mean 'png'"),
        (["plot-svd", "RUNS", "--width", "txet"], "did you mean 'text'"),
        (["plot-svd", "RUNS", "--cmap", "cividi"], "did you mean 'cividis'"),
        (["plot-svd", "RUNS", "--seed", "8"], "--seed takes 0"),
        (["plot-svd", "RUNS", "--key", "a"], "--key and --skip-rows are for files"),
        (["plot-svd", "RUNS", "--skip-rows", "0"], "--key and --skip-rows are for files"),
        (["plot-svd", "RUNS/nothing"], "does not exist; did you mean"),
        (["plot-svd", "RUNS/nothing.npy"], "does not exist"),
        (["plot-svd", "RUNS/clothing/scl-s0/config.toml"], "names no format"),
        (["uniformity", "RUNS", "--alignment", "alignment_same"], "did you mean 'alignment_same_target'"),
        (["uniformity", "RUNS", "--aggregate", "maen"], "did you mean 'mean'"),
        (["uniformity", "RUNS", "--aggregate", "mean", "--seed", "1"], "give one of the two"),
        (["uniformity", "RUNS/clothing/scl-s0/item_embeddings.npy"], "trajectories need runs"),
        (["uniformity", "RUNS/nothing"], "does not exist"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(runs: Path, words: list[str], message: str) -> None:
    assert message in mistake(*(word.replace("RUNS", str(runs)) for word in words))
    assert not list(runs.rglob("figures"))


def test_counts_that_do_not_fit_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", matrix())
    np.save(tmp_path / "counts.npy", np.arange(39))
    assert "counts.npy" in mistake("plot-svd", tmp_path / "v.npy", "--frequency", tmp_path / "counts.npy")


def test_items_that_do_not_fit_are_named(runs: Path) -> None:
    place = runs / "clothing" / "scl-s0"
    (place / "items.txt").write_text("only one\n")
    assert "items.txt lists 1 items" in mistake("plot-svd", place)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((9, 1), "9 rows of 1 numbers; a projection needs"),
        ((3, 4), "fewer items than dimensions"),
        ((1, 1), "1 rows"),
    ],
)
def test_a_matrix_without_a_projection_is_named(tmp_path: Path, shape: tuple[int, int], words: str) -> None:
    np.save(tmp_path / "v.npy", np.ones(shape))
    said = mistake("plot-svd", tmp_path / "v.npy")
    assert words in said
    assert str(tmp_path / "v.npy") in said
    assert not (tmp_path / "figures").exists()


@pytest.mark.usefixtures("sketched")
def test_rows_that_are_no_items_are_left_out_of_the_figure(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.vstack([np.zeros(6), matrix()]))
    found = result_of("plot-svd", tmp_path / "v.npy")
    assert any(
        "is all zeros, as a padding row is; --skip-rows first leaves it out" in n for n in found["notes"]
    )
    found = result_of("plot-svd", tmp_path / "v.npy", "--skip-rows", "first")
    assert len(found["notes"]) == 1
    assert points(table(tmp_path / "figures" / "svd-v.csv")) == pytest.approx(coordinates(matrix()), abs=1e-6)


def test_a_matrix_with_nan_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    values = matrix()
    values[3, 2] = np.nan
    np.save(tmp_path / "v.npy", values)
    assert "row 3" in mistake("plot-svd", tmp_path / "v.npy")
    assert not (tmp_path / "figures").exists()


def test_a_figure_of_a_matrix_never_imports_torch(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", matrix())
    write_run(tmp_path / "r" / "scl-s0", "scl", embeddings=matrix(), metrics=epochs(2))
    code = (
        "import sys; from pathlib import Path; from degen.cli.commands import figures\n"
        "assert 'matplotlib' not in sys.modules and 'numpy' not in sys.modules\n"
        f"figures.plot_svd([Path({str(tmp_path / 'v.npy')!r}), Path({str(tmp_path / 'r')!r})])\n"
        f"figures.uniformity([Path({str(tmp_path / 'r')!r})])\n"
        "assert 'matplotlib' in sys.modules and 'torch' not in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True)
    shutil.rmtree(tmp_path / "r")
