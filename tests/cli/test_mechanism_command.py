"""`degen mechanism` as users type it, on traces written by hand."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from commands import mistake, result_of, run
from drawn import media_box
from matplotlib.figure import Figure
from run_files import trace, write_run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write_run(tmp_path / "runs" / "sasrec-s0", "sasrec", trace=trace(5))
    write_run(tmp_path / "runs" / "duorec-s0", "duorec", trace=trace(3, push=0.3))
    write_run(tmp_path / "runs" / "scl-s0", "scl")
    return tmp_path / "runs"


@pytest.fixture
def sketched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave both figures empty, since to draw them takes seconds."""
    for name in ("mechanism_figure", "mechanism_epochs_figure"):
        monkeypatch.setattr(
            f"degen.studies.mechanism.{name}", lambda *_, width, **__: Figure(figsize=(width, 1))
        )


def test_figures_and_numbers_of_a_dataset(runs: Path) -> None:
    result = result_of("mechanism", runs)
    stem = runs / "figures" / "mechanism-clothing"
    assert result["files"] == [
        f"{stem}{end}" for end in (".pdf", ".png", "-epochs.pdf", "-epochs.png", ".csv")
    ]
    assert all(Path(file).stat().st_size for file in result["files"])
    assert media_box(stem.with_suffix(".pdf"))[0] == pytest.approx(3.337, abs=1e-3)
    assert [row["variant"] for row in result["panels"]] == ["sasrec", "duorec"]
    assert {row["epoch"] for row in result["panels"]} == {3}  # the last that both have
    assert result["panels"][0]["step_length_rarest"] == pytest.approx(0.9 / 4)
    assert result["panels"][1]["step_length_most_frequent"] == pytest.approx(0.3 / 5)
    assert result["panels"][0]["step_energy"] == 0.2


@pytest.mark.usefixtures("sketched")
def test_the_table_holds_every_bucket_of_every_epoch(runs: Path) -> None:
    [path] = [file for file in result_of("mechanism", runs)["files"] if file.endswith(".csv")]
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == (5 + 3) * 3
    assert rows[4]["variant"] == "sasrec"
    assert (rows[4]["epoch"], rows[4]["name"], rows[4]["low"]) == ("2", "1", "1")
    assert float(rows[4]["push_share"]) == pytest.approx(0.9 / 3)


@pytest.mark.usefixtures("sketched")
def test_an_epoch_can_be_drawn_and_the_terminal_shows_both_ends(runs: Path) -> None:
    assert {row["epoch"] for row in result_of("mechanism", runs, "--epoch", 2)["panels"]} == {2}
    shown = run("mechanism", runs, "--epoch", 1).stdout
    assert "0.45 | 0.30" in shown
    assert shown.startswith("Rarest items that occur in training | most frequent ones")
    assert "mechanism-clothing-e1-epochs.pdf" in shown


def test_a_run_under_another_loss_has_steps_only(tmp_path: Path) -> None:
    write_run(tmp_path / "run", "sasrec", trace=trace(2, forces=False))
    (row,) = result_of("mechanism", tmp_path / "run")["panels"]
    assert row["push_share_rarest"] is None
    assert row["step_cosine_rarest"] == pytest.approx(0.9 / 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epoch", "4"], "--epoch 4: {runs}/duorec-s0 has traces of epochs 1 to 3"),
        (["--epoch", "0"], "--epoch 0: {runs}/duorec-s0 has traces of epochs 1 to 3"),
        (["--seed", "7"], "no run of clothing has seed 7"),
        (["--style", "poster"], "--style 'poster' is unknown"),
    ],
)
def test_mistakes_are_one_sentence_and_nothing_is_written(runs: Path, capfd, words, message) -> None:
    assert mistake(capfd, "mechanism", runs, *words).startswith(message.format(runs=runs))
    assert not (runs / "figures").exists()


def test_runs_without_a_trace_say_how_to_get_one(runs: Path, capfd) -> None:
    said = mistake(capfd, "mechanism", runs / "scl-s0")
    assert said == f"no run under {runs / 'scl-s0'} holds a trace; train with --trace-gradients"
    (runs / "matrix.npy").touch()
    assert "is a file, and traces are in runs" in mistake(capfd, "mechanism", runs / "matrix.npy")


def test_a_line_that_is_no_json_is_named(runs: Path, capfd) -> None:
    with (runs / "sasrec-s0" / "trace.jsonl").open("a", encoding="utf-8") as file:
        file.write("{\n")
    assert "trace.jsonl line 6 is not a JSON object" in mistake(capfd, "mechanism", runs / "sasrec-s0")
