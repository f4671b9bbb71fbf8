"""Outputs replace no file that degen did not write."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from commands import mistake, run
from run_files import epochs, write_run

from degen.embeddings.export import FORMATS, Items, export_items
from degen.errors import UserError
from degen.evaluation.export import FILES as EXPORT_FILES
from degen.files.digest import Digest
from degen.files.output_list import add_to_list
from degen.files.outputs import EXPORTED, LIST, in_own_folders, output_path, replacing, written_outputs
from degen.files.writing import write_text
from degen.runs.lock import outputs_to_stay, remove_run


def put(path, text):
    write_text(path, text, output_path)


def test_what_degen_wrote_is_replaced_and_what_it_did_not_is_refused(tmp_path):
    put(tmp_path / "a.csv", "1")
    put(tmp_path / "a.csv", "2")
    assert (tmp_path / "a.csv").read_text("utf-8") == "2"
    (tmp_path / "b.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match=r"b\.csv is there already, and no list says.*`force=True`"):
        put(tmp_path / "b.csv", "2")
    assert (tmp_path / "b.csv").read_text("utf-8") == "mine"
    with replacing(True):
        put(tmp_path / "b.csv", "2")
    put(tmp_path / "b.csv", "3")
    assert (tmp_path / "b.csv").read_text("utf-8") == "3"


def test_an_output_that_was_edited_since_is_the_users(tmp_path):
    put(tmp_path / "a.csv", "1")
    (tmp_path / "a.csv").write_text("1 and my notes", encoding="utf-8")
    with pytest.raises(UserError, match="it was changed since degen wrote it"):
        put(tmp_path / "a.csv", "2")
    assert written_outputs(tmp_path) == [tmp_path / LIST]


def test_the_same_bytes_are_no_loss(tmp_path):
    (tmp_path / "a.csv").write_text("1", encoding="utf-8")
    put(tmp_path / "a.csv", "1")
    put(tmp_path / "a.csv", "2")


def test_all_files_of_a_study_of_an_older_version_are_replaced(tmp_path):
    names = ("results.csv", "summary.csv", "figures/curve-lambda-toy.pdf")
    (tmp_path / "figures").mkdir()
    for name in names:
        (tmp_path / name).write_text("older", encoding="utf-8")
    notes = []
    with replacing(False, notes.append), in_own_folders():
        for name in names:
            put(tmp_path / name, "newer")
    assert [(tmp_path / name).read_text("utf-8") for name in names] == ["newer"] * 3
    assert len(notes) == 2  # one per folder
    assert "results.csv is by an older version of degen" in notes[0]
    (tmp_path / "summary.csv").write_text("newer, and my notes", encoding="utf-8")
    with in_own_folders(), pytest.raises(UserError, match="changed since degen wrote it"):
        put(tmp_path / "summary.csv", "newest")


def older_run(folder, rng):
    """A run without a manifest, with an export, a figure and a file of the user's."""
    out = write_run(folder, embeddings=rng.normal(size=(4, 3)), metrics=epochs(1))
    for name in ("export/ranks.npy", "export/npy/items.txt", "figures/svd.pdf", "export/mine.txt"):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("older", encoding="utf-8")
    return out


def test_exports_and_figures_in_a_run_of_an_older_version_are_renewed(tmp_path, rng):
    out, notes = older_run(tmp_path / "run", rng), []
    with replacing(False, notes.append):
        for name in ("export/ranks.npy", "export/npy/items.txt", "figures/svd.pdf"):
            put(out / name, "newer")
            put(out / name, "newest")
    assert ["export/ranks.npy" in notes[0], "npy/items.txt" in notes[1], "svd.pdf" in notes[2]] == [True] * 3
    run("export", out, "--to", "npy")
    (out / "manifest.json").write_text("{}", encoding="utf-8")  # this version: every output has a list
    with pytest.raises(UserError, match="no list says"):
        put(out / "export/mine.txt", "newer")


def test_overwriting_a_run_of_an_older_version_leaves_no_export_and_names_the_rest(tmp_path, rng):
    out = older_run(tmp_path / "run", rng)
    stay = [out / "export/mine.txt", out / "figures/svd.pdf"]
    assert outputs_to_stay(out) == stay
    remove_run(out)
    assert sorted(path for path in out.rglob("*") if path.is_file() and path.parent != out) == stay


def test_a_report_and_an_export_of_an_older_version_are_known_elsewhere(tmp_path):
    page = '<!doctype html>\n<meta name="generator" content="degen 0.1">'
    (tmp_path / "old.html").write_text(page, encoding="utf-8")
    put(tmp_path / "old.html", "newer")
    (tmp_path / "mine.html").write_text("<!doctype html>", encoding="utf-8")
    with pytest.raises(UserError, match="no list says"):
        put(tmp_path / "mine.html", "newer")
    for name in EXPORTED[:-1]:
        (tmp_path / name).write_text("older", encoding="utf-8")
    with pytest.raises(UserError, match="no list says"):
        put(tmp_path / EXPORTED[0], "newer")
    (tmp_path / EXPORTED[-1]).write_text("older", encoding="utf-8")
    for name in EXPORTED:
        put(tmp_path / name, "newer")
    assert set(EXPORTED) < set(EXPORT_FILES)


def test_a_list_that_was_cut_short_costs_one_line(tmp_path):
    put(tmp_path / "a.csv", "1")
    with (tmp_path / LIST).open("a") as file:
        file.write('{"name": "b.cs')
    put(tmp_path / "a.csv", "2")
    put(tmp_path / "c.csv", "2")
    put(tmp_path / "c.csv", "3")


@pytest.mark.parametrize("to", FORMATS)
def test_an_export_replaces_no_file_of_a_run_or_of_the_users(tmp_path, rng, to):
    pytest.importorskip("pyarrow", reason="needs pyarrow for Parquet")
    V = rng.normal(size=(4, 3)).astype(np.float32)
    items = Items(V, list("abcd"), np.arange(4))
    other = write_run(tmp_path / "run", embeddings=V + 1)
    before = {path.name: path.read_bytes() for path in other.iterdir()}
    for force in (False, True):
        with replacing(force), pytest.raises(UserError, match="is a run, whose own files"):
            export_items(items, to, other)
    assert {path.name: path.read_bytes() for path in other.iterdir()} == before
    export_items(items, to, tmp_path / "out")
    export_items(items, to, tmp_path / "out")
    (tmp_path / "out" / "items.txt").write_text("mine", encoding="utf-8")
    whole = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(UserError, match=r"items\.txt is there already"):
        export_items(items, to, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == whole


def test_a_report_and_a_table_leave_other_files(tmp_path, capfd, rng):
    matrix = tmp_path / "m.npy"
    np.save(matrix, rng.normal(size=(30, 4)))
    thesis = tmp_path / "thesis.html"
    thesis.write_text("mine", encoding="utf-8")
    for words in (("report", matrix, "--out", thesis), ("analyze", matrix, "--csv", thesis)):
        assert "replace it with --force" in mistake(capfd, *words)
        assert thesis.read_text("utf-8") == "mine"
    page = tmp_path / "page.html"
    run("report", matrix, "--out", page)
    (tmp_path / LIST).unlink()  # as by an older version
    page.write_text(page.read_text("utf-8") + "<!-- older -->", encoding="utf-8")
    assert "older version of degen" in run("report", matrix, "--out", page).stderr
    run("analyze", matrix, "--csv", thesis, "--force")
    run("analyze", matrix, "--csv", thesis, "--measures", "average_cosine")
    assert thesis.read_text("utf-8").startswith("name,")


def test_a_list_stays_short_though_its_files_change_often(tmp_path):
    put(tmp_path / "other.csv", "kept")
    for change in range(300):
        put(tmp_path / "a.csv", str(change))
    assert len((tmp_path / LIST).read_text("utf-8").splitlines()) < 100
    put(tmp_path / "a.csv", "last")
    put(tmp_path / "other.csv", "replaced")
    assert {path.name for path in written_outputs(tmp_path)} == {"a.csv", "other.csv", LIST}
    assert [path.name for path in tmp_path.iterdir() if "tmp" in path.name] == []


def test_the_line_of_the_file_that_is_there_outlives_many_that_were_never_written(tmp_path):
    put(tmp_path / "a.csv", "there")
    for change in range(100):  # a process that is killed before its file takes its place
        add_to_list(tmp_path / "a.csv", Digest(change, "0" * 64))
    assert len((tmp_path / LIST).read_text("utf-8").splitlines()) < 100
    put(tmp_path / "a.csv", "new")
    assert (tmp_path / "a.csv").read_text("utf-8") == "new"


def test_processes_that_write_into_one_folder_lose_no_line(tmp_path):
    words = "import sys; from degen.files.outputs import output_path as o\n" + (
        "from pathlib import Path\n"
        "for change in range(80):\n"
        "    with o(Path(sys.argv[1]) / sys.argv[2]) as place: place.write_text(f'{sys.argv[2]} {change}')\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", words, str(tmp_path), name]) for name in "abc"]
    assert [process.wait(120) for process in started] == [0, 0, 0]
    assert {path.name for path in written_outputs(tmp_path)} == {"a", "b", "c", LIST}
