"""Names from files on terminals, in figures, tables and CSV: shown letter by letter."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from commands import mistake, run
from matplotlib.figure import Figure
from run_files import epochs, write_run

import degen
from degen.bars import bar_display
from degen.cli import app
from degen.cli.output import Output
from degen.errors import UserError
from degen.plots.layout import lay_out
from degen.plots.marks.written_names import FORMULAS
from degen.plots.save import save_figure
from degen.plots.style import figure_style
from degen.shown import shown
from degen.tables.csv_file import plain_text, safe_text, write_columns
from degen.tables.markdown import markdown
from degen.tables.table import Table

TITLE = "\x1b]0;owned\x07"
NAMES = [TITLE, "[/nope]", "[bold]x", "$\\frac{$", "a\nb", "\u202egnp", "\ud800", "=1+1"]


@pytest.fixture
def runs(tmp_path):
    for seed, name in enumerate(NAMES[1:4]):
        values = np.random.default_rng(seed).normal(size=(60, 4))
        write_run(tmp_path / f"r{seed}", name.replace("\\", "\\\\"), embeddings=values, metrics=epochs(3))
    return tmp_path


@pytest.mark.parametrize(
    "command", ["runs", "analyze", "compare", "uniformity", "dynamics", "plot-svd", "report"]
)
def test_variants_that_look_like_markup_or_mathematics_are_names(runs, command):
    more = {
        "plot-svd": "figures",
        "uniformity": "figures",
        "dynamics": "figures",
        "report": "r.html",
    }
    out = ["--out", runs / more[command]] if command in more else []
    result = run(command, runs, *out)
    assert result.exit_code == 0, result.output


def test_terminals_get_no_control_of_a_name(capsys):
    Output().table(["name", TITLE], [[name, "x"] for name in NAMES], title=f"{TITLE}[/nope]")
    Output().note(*NAMES)
    Output().line(*NAMES[:4])
    shown = "".join(capsys.readouterr())
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\ud800]", shown)
    for name in (r"\x1b]0;owned\x07", "[/nope]", "$\\frac{$", r"a\nb", r"\u202egnp", r"\ud800"):
        assert name in shown


def test_the_description_of_a_bar_is_no_markup():
    from rich.console import Console

    console = Console(file=io.StringIO(), force_terminal=True)
    with bar_display(console, False) as bar:
        bar.add_task("[/nope]", total=1)
        bar.refresh()
    assert "[/nope]" in console.file.getvalue()


def test_json_keeps_every_name_and_shows_none_of_their_signs(capsys):
    Output(as_json=True).result({"names": NAMES})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"names": NAMES}
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]", printed)


@pytest.mark.parametrize("name", [name for name in NAMES if "\n" not in name])
def test_a_figure_shows_the_letters_of_a_name(tmp_path, name):
    with figure_style():
        figure = Figure(layout="constrained")
        axes = figure.add_subplot()
        axes.plot([1, 2], [1, 2], label=name)
        axes.set_title(name)
        axes.set_xlabel(r"$\sigma_1 u_1$")
        axes.set_yscale("log")
        axes.set_xticks([1], [shown(name)])
        axes.legend()
        lay_out(figure)
        save_figure(figure, tmp_path / "figure", ["svg"], title=name, caption=name)
    drawn = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    letters = ascii(name)[1:-1] if not name.isprintable() else name
    assert len(re.findall(rf">\s*{re.escape(letters)}\s*</text>", drawn)) == 3
    assert ">σ</tspan>" in re.sub(r"\s*(<|>)\s*", r"\1", drawn)


def test_the_formulas_of_figures_are_all_listed():
    """A formula that is not would be drawn with its dollar signs."""
    found = set()
    for folder in ("plots", "studies", "sweeps", "paper"):
        for path in (Path(degen.__file__).parent / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if path.name not in ("written_names.py", "slurm.py") and isinstance(node, ast.Constant):
                    found |= set(re.findall(r"\$[^$]+\$", str(node.value)))
    assert found == FORMULAS


def test_cells_are_no_formulas_of_spreadsheets(tmp_path):
    texts = ["=1+1", "+x", "-x", "@x", "'=x", "-1.5", "+5", "plain", "it's", "'"]
    path = write_columns(tmp_path / "x.csv", {"=title": texts, "number": [-1.5] * len(texts)})
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "'=title,number"
    cells = [line.rpartition(",")[0] for line in lines[1:]]
    assert cells == ["'=1+1", "'+x", "'-x", "'@x", "''=x", "-1.5", "+5", "plain", "it's", "'"]
    assert [plain_text(cell) for cell in cells] == texts
    assert safe_text("a\x1b") == r"a\x1b"
    assert lines[1].endswith(",-1.5")


def test_markdown_keeps_a_row_on_a_line():
    assert markdown(Table.of_values(["a|b"], [["x\ny|z"]])).splitlines()[2] == "| x\\ny\\|z |"


def test_a_word_of_the_command_line_does_not_split_a_sentence(tmp_path, capfd):
    np.save(tmp_path / "m.npy", np.eye(4))
    assert r"a\nb" in mistake(capfd, "analyze", tmp_path / "m.npy", "--key", "a\nb")


def ended(error: BaseException, capfd) -> tuple[int, str]:
    def fail(**_):
        raise error

    with mock.patch.object(app, "app", fail), pytest.raises(SystemExit) as end:
        app.main()
    return end.value.code, capfd.readouterr().err


def test_a_machine_without_memory_or_disk_and_an_interrupt_are_sentences(capfd, monkeypatch):
    monkeypatch.setattr("degen.cli.ending._write_nowhere", lambda: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    full = OSError(28, os.strerror(28))
    for error, code, said in (
        (
            MemoryError("Unable to allocate 9 GiB"),
            2,
            "too little memory left (Unable to allocate 9 GiB); close",
        ),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            2,
            "too little memory left; close",
        ),
        (full, 2, "the output cannot be written: No space left on device; free"),
        (OSError(36, os.strerror(36), "x" * 5000), 2, "xxx… is too long for this system; give a shorter one"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (UserError("a\nb"), 2, r"a\nb"),
    ):
        found, err = ended(error, capfd)
        assert found == code
        assert said in err
        assert len(err.splitlines()) == 1
    with mock.patch.object(app, "app", side_effect=ZeroDivisionError), pytest.raises(ZeroDivisionError):
        app.main()


@pytest.mark.parametrize(
    "settings", [{"PYTHONIOENCODING": "ascii"}, {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}]
)
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_output_that_is_not_utf8_gets_escapes(tmp_path, settings, more):
    write_run(tmp_path / "ü日", "ünï", metrics=epochs(2), embeddings=np.eye(5))
    words = [sys.executable, "-m", "degen", "runs", tmp_path, *more]
    environment = {**os.environ, "PYTHONCOERCECLOCALE": "0", **settings}
    done = subprocess.run(words, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    if more:
        assert "ünï" in json.dumps(json.loads(done.stdout), ensure_ascii=False)


def test_a_full_disk_under_the_output_is_one_sentence(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    words = [sys.executable, "-m", "degen", "analyze", "--list"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("degen: the output cannot be written: No space left on device; free some space")
