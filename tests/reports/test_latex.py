"""The report in LaTeX: every file is whole, and what is taken in lies where it is looked for."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from hostile_runs import finish
from run_files import write_run
from tex import check

from degen.analysis import MEASURES
from degen.analysis.titles import title
from degen.reports.gather import gather
from degen.reports.latex import by_kind, write_latex
from degen.reports.measure_rows import measures_table

FILES = {"runs.tex", "core.tex", "accuracy.tex", "claims.tex"}


def test_the_fragment_and_all_its_tables_are_whole(runs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "paper"
    written = write_latex(gather([runs]), folder)
    assert written[0] == folder / "report.tex"
    tex = [path for path in written if path.suffix == ".tex"]
    kinds = {f"measures-{kind}.tex" for kind in {measure.group for measure in MEASURES.values()}}
    assert {path.name for path in tex} == {*FILES, "report.tex"} | kinds
    for path in tex:
        check(path.read_text(encoding="utf-8"))
    whole = written[0].read_text(encoding="utf-8")
    taken = re.findall(r"\\(?:input|includegraphics)(?:\[[^]]*\])?\{\\degenreport/([^}]*)\}", whole)
    assert len(taken) == len(FILES) + len(kinds) + 3
    assert all((folder / name).is_file() for name in taken)
    assert {folder / name for name in taken} == {p for p in written[1:] if p.suffix in (".tex", ".pdf")}
    labels = re.findall(r"\\label\{([^}]*)\}", whole)
    assert len(labels) == len(set(labels)) == len(taken)
    assert r"\providecommand{\degenreport}{.}" in whole
    assert whole.count(r"Unfinished and so not compared: SCL.}") == len(kinds) + 1
    assert r"\caption{Runs and their settings. The same for all: dataset" in whole


def test_measures_are_parted_by_their_kind(runs: Path) -> None:
    [group] = gather([runs]).groups
    parts = {table.name: table for table in by_kind(measures_table(group))}
    spectrum = parts["measures-spectrum"]
    assert [column.title for column in spectrum.columns] == [
        "measure",
        "SASRec",
        "SCL",
        "DuoRec",
        "isotropic is",
    ]
    names = [row[0].text for row in spectrum.rows]
    assert names == [title(name) for name, measure in MEASURES.items() if measure.group == "spectrum"]
    assert not any("@" in row[0].text for table in parts.values() for row in table.rows)
    assert list(by_kind(None)) == []


def test_groups_do_not_write_over_one_another(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        finish(write_run(tmp_path / folder / "duorec"), 0.1)
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(30, 4)))
    paths = [tmp_path / "a", tmp_path / "b", tmp_path / "a.npy"]
    written = write_latex(gather(paths), tmp_path / "paper")
    assert len(written) == len(set(written))
    assert {path.parent.name for path in written} == {"paper", "clothing-a", "clothing-b", "a.npy"}
    check(written[0].read_text(encoding="utf-8"))
