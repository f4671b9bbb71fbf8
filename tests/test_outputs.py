"""Outputs replace no file that degen did not write."""

from __future__ import annotations

import numpy as np
import pytest
from commands import mistake, run
from run_files import write_run

from degen.embeddings.export import FORMATS, Items, export_items
from degen.errors import UserError
from degen.files.outputs import LIST, in_own_folders, output_path, replacing, written_outputs
from degen.files.writing import write_text


def put(path, text):
    write_text(path, text, output_path)


def test_what_degen_wrote_is_replaced_and_what_it_did_not_is_refused(tmp_path):
    put(tmp_path / "a.csv", "1")
    put(tmp_path / "a.csv", "2")
    assert (tmp_path / "a.csv").read_text("utf-8") == "2"
    (tmp_path / "b.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match=r"b\.csv is there already, and degen did not .*`force=True`"):
        put(tmp_path / "b.csv", "2")
    assert (tmp_path / "b.csv").read_text("utf-8") == "mine"
    with replacing(True):
        put(tmp_path / "b.csv", "2")
    put(tmp_path / "b.csv", "3")
    assert (tmp_path / "b.csv").read_text("utf-8") == "3"


def test_an_output_that_was_edited_since_is_the_users(tmp_path):
    put(tmp_path / "a.csv", "1")
    (tmp_path / "a.csv").write_text("1 and my notes", encoding="utf-8")
    with pytest.raises(UserError, match="or it was changed since"):
        put(tmp_path / "a.csv", "2")
    assert written_outputs(tmp_path) == [tmp_path / LIST]


def test_the_same_bytes_are_no_loss(tmp_path):
    (tmp_path / "a.csv").write_text("1", encoding="utf-8")
    put(tmp_path / "a.csv", "1")
    put(tmp_path / "a.csv", "2")


def test_folders_of_studies_of_older_versions_have_no_list(tmp_path):
    (tmp_path / "results.csv").write_text("older", encoding="utf-8")
    with in_own_folders():
        put(tmp_path / "results.csv", "newer")
        (tmp_path / "summary.csv").write_text("mine", encoding="utf-8")
        with pytest.raises(UserError, match="is there already"):
            put(tmp_path / "summary.csv", "newer")


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
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("mine", encoding="utf-8")
    for words in (("report", matrix, "--out", thesis), ("analyze", matrix, "--csv", thesis)):
        assert "replace it with --force" in mistake(capfd, *words)
        assert thesis.read_text("utf-8") == "mine"
    run("analyze", matrix, "--csv", thesis, "--force")
    run("analyze", matrix, "--csv", thesis, "--measures", "average_cosine")
    assert thesis.read_text("utf-8").startswith("name,")
