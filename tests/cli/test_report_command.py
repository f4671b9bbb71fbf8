"""`degen report` as users type it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import mistake, result_of, run
from run_files import epochs, write_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for variant in ("sasrec", "duorec"):
        V = np.random.default_rng(0).normal(size=(40, 6)) + 0.5
        write_run(tmp_path / "runs" / variant, variant, embeddings=V, metrics=epochs(3))
    return tmp_path / "runs"


def test_the_report_lies_under_the_path(folder: Path) -> None:
    result = run("report", folder)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [str(folder / "report.html")]
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_json_names_the_files_and_the_notes(folder: Path, tmp_path: Path) -> None:
    found = result_of("report", folder, "--out", tmp_path / "new" / "r.html", "--latex", tmp_path / "tex")
    assert found["files"][0] == str(tmp_path / "new" / "r.html")
    assert str(tmp_path / "tex" / "report.tex") in found["files"]
    assert all(Path(file).is_file() for file in found["files"])
    assert any("degen export RUN" in note for note in found["notes"])
    assert not (folder / "report.html").exists()


def test_notes_are_on_stderr_and_quiet_silences_them(folder: Path) -> None:
    assert "degen export RUN" in run("report", folder).stderr
    assert run("report", folder, "--quiet").stderr == ""


def test_a_matrix_file_is_reported_beside_it(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.random.default_rng(0).normal(size=(30, 4)))
    found = result_of("report", tmp_path / "vectors.npy")
    assert found["files"] == [str(tmp_path / "report.html")]


def test_mistakes_are_one_sentence_and_leave_nothing_behind(folder: Path, tmp_path: Path, capfd) -> None:
    assert "does not exist" in mistake(capfd, "report", tmp_path / "nothing")
    told = mistake(capfd, "report", folder, "--out", tmp_path / "r.pdf")
    assert f"a report is HTML; name it {tmp_path / 'r.html'}" in told
    assert not (tmp_path / "r.pdf").exists()
    assert f"--out {folder} is a folder" in mistake(capfd, "report", folder, "--out", folder)
    (tmp_path / "empty").mkdir()
    assert "no run under" in mistake(capfd, "report", tmp_path / "empty")
    assert "--key and --skip-rows are for files" in mistake(capfd, "report", folder, "--key", "x")
    assert "did you mean 'rankme'" in mistake(capfd, "report", folder, "--measures", "rankm")
    (folder / "duorec" / "metrics.jsonl").write_text("{}\nnot json\n")
    assert "metrics.jsonl line 2 is not a JSON object" in mistake(capfd, "report", folder / "duorec")
    assert not list(tmp_path.rglob("report.html"))


def test_the_page_and_its_parts_go_into_the_wheel() -> None:
    from importlib.resources import files

    import degen

    inside = {path.name for path in (files("degen.reports") / "templates").iterdir()}
    assert inside == {"report.html", "macros.html", "style.css", "report.js"}
    # hatchling takes every file of the package that git does not ignore.
    ignored = (Path(degen.__file__).parents[1] / ".gitignore").read_text().split()
    assert not {"*.html", "*.js", "*.css", "templates/"} & set(ignored)
