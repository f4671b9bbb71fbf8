"""`degen train --import`: variants of a user's own module, here, in children, and when a run goes on."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import tiny_fixtures
import tiny_runs
from commands import ended, mistake, result_of, run

import degen
from degen.config.settle import settle
from degen.errors import UserError
from degen.modules import import_modules
from degen.sweeps.engines.local import worker_command

log = tiny_fixtures.log

OWN = "one of your own is known once its module is imported (--import MODULE)"

MODULE = """
from degen import Source, Variant, register

def backwards(source, rows, rng):
    return source.history(rows)

register(Variant("{name}", views={{"b": backwards}}, pairs=(("h", "b"),)))
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words(log: Path, *more: object) -> list[object]:
    return ["train", "--import", "my_variants", *tiny_runs.options(log, epochs=1), "--variant", "mine", *more]


def test_a_module_of_the_current_folder_registers_its_variants(here, log):
    (here / "my_variants.py").write_text(MODULE.format(name="mine"))
    assert result_of(*words(log, "--out", here / "run"))["variant"] == "mine"
    assert result_of(*words(log, "--out", here / "run", "--resume", "--epochs", 2))["variant"] == "mine"


def test_children_find_the_module_too(here, log, monkeypatch):
    monkeypatch.setattr("degen.training.children.cores.available_cores", lambda: 2)
    (here / "my_variants.py").write_text(MODULE.format(name="mine"))
    found = result_of(*words(log, "--seeds", "0,1", "--workers", 2, "--out", here / "runs"))
    assert [run["seed"] for run in found["runs"]] == [0, 1]


@pytest.fixture
def trained(here, log, no_module_of_a_user):
    """Train `run`, of a variant of one's own; call what this returns to know that variant no more."""
    (here / "my_variants.py").write_text(MODULE.format(name="mine"))
    run(*words(log, "--out", here / "run"))
    return no_module_of_a_user


def test_a_process_of_its_own_takes_the_module_too(trained):
    own = [sys.executable, "-m", "degen", "verify", "run", "--import", "my_variants"]
    done = subprocess.run(own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_other_commands_take_the_module_too(trained, capfd):
    for command in ("evaluate", "export", "verify"):
        trained()
        code, _, said = ended(capfd, command, "run", "--import", "my_variants")
        assert code == 0, said


def test_a_run_of_an_unknown_variant_names_the_option(trained, capfd):
    told = f"run is of the variant 'mine', which is not known here; {OWN}"
    for command, expected in (("evaluate", 2), ("export", 2), ("verify", 0)):
        trained()
        code, out, said = ended(capfd, command, "run")
        assert (code, told in " ".join(said.split())) == (expected, True), said
    assert "off" not in out
    assert "test.json was not computed again" in " ".join(said.split())


@pytest.mark.parametrize(
    "typed",
    [("train", "--variant", "zzz"), ("analyze", "V.npy", "--measures", "zzz")],
    ids=["train", "analyze"],
)
def test_an_unknown_name_mentions_the_option(here, capfd, typed):
    np.save(here / "V.npy", np.eye(3))
    assert OWN in mistake(capfd, *typed)


MEASURE = """
from degen.analysis import Rows, measure

@measure("own", range=(0, 9), meaning="higher is more isotropic", source="none", cost="O(1)")
def own_mean(V: Rows) -> float:
    "Return 4.25."
    return 4.25
"""


def test_measures_of_a_module_are_in_a_comparison_and_a_report(here):
    (here / "my_measures.py").write_text(MEASURE)
    for name in ("a", "b"):
        np.save(here / f"{name}.npy", np.random.default_rng(len(name)).normal(size=(30, 4)))
    own = ["--import", "my_measures"]
    found = result_of("compare", "a.npy", "b.npy", *own, "--measures", "own", "--out", here / "f")
    assert {row["measure"] for row in found["rows"]} >= {"own_mean"}
    run("report", "a.npy", "b.npy", *own)
    page = (here / "report.html").read_text("utf-8")
    assert "4.25" in page


EACH_EPOCH = MEASURE.replace("range=", "each_epoch=True, range=").replace("own_mean", "own_each")


def test_the_workers_of_a_sweep_import_the_module(here, log):
    (here / "my_variants.py").write_text(MODULE.format(name="mine") + EACH_EPOCH)
    options = [
        *tiny_runs.options(log, epochs=1),
        "--variant",
        "mine",
        "--lambda",
        "0,0.1",
        "--out",
        here / "lam",
    ]
    found = result_of("sweep", "--import", "my_variants", "--workers", 1, *options)
    assert (found["done"], found["failed"]) == (2, {})
    header, *rows = (here / "lam" / "results.csv").read_text().splitlines()
    place = header.split(",").index("best_own_each")
    assert [row.split(",")[place] for row in rows] == ["4.25", "4.25"]
    assert "common_own_each" in header
    assert {row["mean"] for row in found["summary"] if row["metric"] == "best_own_each"} == {4.25}
    assert worker_command(here, modules=["a", "b"])[-4:] == ["--import", "a", "--import", "b"]


def test_a_worker_runs_nothing_of_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("degen", "torch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise SystemExit('{name} of the current folder')")
    command = worker_command(tmp_path / "study", modules=[])
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False, timeout=600)
    assert (done.returncode, "of the current folder" in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no module my_variants in this folder"),
        ("\nimport nothing_like_it\n", "my_variants.py, line 2: it imports nothing_like_it, which is not"),
        ("def broken(:\n", "my_variants.py, line 1: invalid syntax; mend the file"),
        (
            "import math\n1 / 0\n",
            "my_variants.py, line 2: ZeroDivisionError: division by zero; mend the file",
        ),
        (MODULE.format(name="scl"), "line 7: ValueError: there is a variant 'scl' already"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_sentence(here, log, capfd, content, said):
    if content is not None:
        (here / "my_variants.py").write_text(content)
    told = mistake(capfd, *words(log, "--out", here / "run"))
    assert said in told
    assert "--import names my_variants" in told
    assert not (here / "run").exists()


@pytest.mark.parametrize("given", ["my_variants.py", "./my_variants", "../here/my_variants.py"])
def test_a_file_in_place_of_a_module_is_told(here, log, capfd, given):
    (here / "my_variants.py").write_text(MODULE.format(name="mine"))
    told = mistake(capfd, "train", "--import", given, *tiny_runs.options(log))
    assert "give the name of the module, my_variants" in told


def test_the_last_frame_in_the_users_own_files_is_named(here):
    (here / "helper_here.py").write_text("import numpy as np\n\n\ndef f():\n    np.zeros(3).reshape(2, 2)\n")
    (here / "caller.py").write_text("import helper_here\n\nhelper_here.f()\n")
    with pytest.raises(UserError, match=r"names caller: helper_here\.py, line 5: ValueError: cannot reshape"):
        import_modules(["caller"])


def test_importing_leaves_the_folder_at_the_end_of_the_path_where_the_module_needs_it(here):
    (here / "plain.py").write_text("")
    before = list(sys.path)
    import_modules(["json"])
    assert sys.path == before
    import_modules(["plain"])
    assert sys.path == [*before, str(here)]
    import_modules(["plain"])
    assert sys.path == [*before, str(here)]


# Options that change nothing for a variant, and which variant is trained where none is named


NO_CONTRAST = "has no contrastive loss, so"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["sasrec", "--lambda", "0.1"], f"sasrec {NO_CONTRAST} --lambda 0.1 changes nothing"),
        (["cosreg", "--temperature", "0.5"], f"cosreg {NO_CONTRAST} --temperature 0.5 changes nothing"),
        (["duorec", "--gamma", "2"], "duorec has no term that γ weighs, so --gamma 2.0 changes nothing"),
        (
            ["sasrec,normalized", "--lambda", "0.1"],
            "sasrec and normalized have no contrastive loss, so --lambda 0.1 changes nothing",
        ),
        (["sasrec,gru4rec", "--lambda", "0.1"], f"sasrec {NO_CONTRAST} --lambda 0.1 changes nothing"),
        (["sasrec", "--set", "objective.contrast_weight=0.1"], f"sasrec {NO_CONTRAST} --lambda 0.1"),
        (["sasrec", "--set", "objective.reduction=mean"], f"{NO_CONTRAST} --set objective.reduction=mean"),
        (["sasrec,scl", "--lambda", "0.1"], None),
        (["scl", "--lambda", "0.1", "--temperature", "0.5"], None),
        (["directau", "--gamma", "2"], None),
    ],
)
def test_an_option_without_use_is_a_note(typed, said):
    done = run("train", "--print-config", "--variant", *typed)
    assert done.exit_code == 0
    assert done.stderr.count("changes nothing") == (said is not None)
    assert (said or "") in done.stderr.replace("\n", " ")


def test_a_baseline_refuses_what_it_has_no_use_for(capfd):
    told = mistake(capfd, "train", "--print-config", "--variant", "gru4rec", "--lambda", "0.1")
    assert "gru4rec has no use for --lambda; leave it out" in told


def test_a_run_goes_on_by_the_command_that_began_it(here, log):
    options = ["--lambda", "0.3", *tiny_runs.options(log, epochs=1)]
    alone = ["train", *options, "--variant", "sasrec", "--out", here / "runs" / "sasrec-s0"]
    begun = run(*alone)
    assert begun.stderr.count("changes nothing") == 1
    goes_on = run(*alone, "--resume", "--epochs", 2)
    assert (goes_on.exit_code, goes_on.stderr.count("changes nothing")) == (0, 1)
    # An option that changes nothing makes no other run: neither its value, nor the variants beside it.
    for typed in (["--lambda", "0.5", "--variant", "sasrec"], ["--variant", "sasrec,scl"]):
        words = ["train", *options, "--epochs", 3, *typed, "--seeds", "0", "--out", here / "runs", "--resume"]
        place = words if "sasrec,scl" in typed else [*words[:-2], here / "runs" / "sasrec-s0", "--resume"]
        assert run(*place).exit_code == 0
    [sasrec, scl] = [settle(here / "runs" / name / "config.toml") for name in ("sasrec-s0", "scl-s0")]
    assert [getattr(config.objective, "lambda") for config in (sasrec, scl)] == [0.3, 0.3]
    assert run("evaluate", here / "runs" / "sasrec-s0").exit_code == 0


def test_python_warns_of_a_setting_without_use(here, log):
    settings = {**tiny_runs.SETTINGS, "epochs": 1}
    told = r"sasrec has no contrastive loss, so `lam=0.1` changes nothing"
    with pytest.warns(degen.DegenWarning, match=told) as caught:
        degen.train("sasrec", log, here / "run", contrast_weight=0.1, **settings)
    assert [str(one.filename) for one in caught if "changes nothing" in str(one.message)] == [__file__]
    with pytest.warns(degen.DegenWarning, match=told):
        degen.train_many(["sasrec"], log, here / "many", lam=0.1, **settings)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        degen.train_many(["sasrec", "scl"], log, here / "both", lam=0.1, **settings)
    assert not [one for one in caught if "changes nothing" in str(one.message)]


def test_of_several_variants_those_with_a_use_take_an_option():
    printed = result_of(
        "train", "--print-config", "--variant", "sasrec,scl,cosreg", "--lambda", 0.3, "--gamma", 2
    )
    own = {each["objective"]["variant"]: each["objective"] for each in printed}
    assert {name: objective["lambda"] for name, objective in own.items()} == {
        "sasrec": 0.1,
        "scl": 0.3,
        "cosreg": 0.1,
    }
    assert {name: objective.get("gamma") for name, objective in own.items()} == {
        "sasrec": None,
        "scl": None,
        "cosreg": 2,
    }


def test_a_resolved_configuration_with_all_keys_is_no_option(tmp_path):
    printed = run("train", "--print-config", "--variant", "sasrec").stdout
    (tmp_path / "sasrec.toml").write_text(printed)
    again = run("train", "--print-config", "--config", tmp_path / "sasrec.toml")
    assert (again.exit_code, again.stdout) == (0, printed)


def test_the_default_variant_is_said(here, log):
    words = [*tiny_runs.options(log, epochs=1), "--out", here / "run"]
    assert "no --variant is given: duorec is trained" in run("train", *words).stderr
    assert "no --variant" not in run("train", *words, "--overwrite", "--variant", "scl").stderr


def test_lines_of_several_runs_are_numbered(here, log):
    words = [*tiny_runs.options(log, epochs=1), "--variant", "sasrec,scl", "--out", here / "runs"]
    told = run("train", *words).stderr
    assert "1 of 2: sasrec on toy" in told
    assert "2 of 2: scl on toy" in told
    assert told.count("no core: all ") == 1  # how the log was read is said once
