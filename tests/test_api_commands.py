"""The commands as functions: each gives what its command gives, and a mistake is one sentence."""

from __future__ import annotations

from importlib import import_module
from shutil import copytree

import numpy as np
import pytest
import torch
from commands import result_of, run
from typer.main import get_command

import degen
from degen.api.training_runs import train_many
from degen.cli.app import app
from degen.errors import DegenWarning, UserError
from degen.sweeps.results.figures_by_axes import DrawnStudy
from degen.sweeps.worker import Worker

LOG = {"users": 60, "items": 30, "epochs": 1, "dim": 8, "threads": 1}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    settings = LOG | {"seeds": [0], "learning_rate": 0.02}
    return train_many(["sasrec", "duorec"], "synthetic", folder, **settings)


def test_analyze_takes_every_form_that_the_page_names(runs):
    dask = pytest.importorskip("dask.array")
    V = runs[0].item_embeddings
    expected = float(degen.average_cosine(V))
    for form in (
        V,
        V.tolist(),
        torch.from_numpy(V),
        dask.from_array(V),
        runs[0],
        runs[0].path,
        str(runs[0].path),
    ):
        found = degen.analyze(form, measures="average_cosine")
        assert found["average_cosine"] == pytest.approx(expected, rel=1e-9)
    # A run knows how often its items occur; its matrix alone does not.
    assert "tail_average_cosine" in degen.analyze(runs[0]).values
    assert "tail_average_cosine" in degen.analyze(V).reasons


def test_analyze_takes_one_and_says_what_to_do_with_several(runs):
    V = runs[0].item_embeddings
    for several in (runs, [one.path for one in runs], ["a.npy", "b.npy"], (V, V)):
        with pytest.raises(UserError, match=r"takes one matrix, run or path; measure each.*degen\.compare"):
            degen.analyze(several)
    with pytest.raises(UserError, match="takes one matrix"):
        degen.analyze(*runs)


def test_compare_is_the_command(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [one.path for one in runs]
    typed = result_of("compare", *paths, "--measures", "isotropy", "--out", "typed", "--format", "png")
    found = degen.compare(*runs, measures=["isotropy"], out="called", formats=["png"])
    assert found.rows == typed["rows"]
    assert found.verdicts == typed["verdicts"]
    assert str(found) == typed["verdicts"][0]["text"]
    assert [path.name for path in found.files] == [path.rpartition("/")[2] for path in typed["files"]]
    assert found.to_frame()["measure"].tolist() == [row["measure"] for row in typed["rows"]]
    for same in (
        degen.compare(runs, measures="isotropy"),
        degen.compare(*map(str, paths), measures="isotropy"),
    ):
        assert (same.rows, same.files) == (found.rows, [])
    assert degen.compare(*runs, against="duorec", measures="isotropy").verdicts[0]["side"] == "sasrec"


def test_compare_takes_arrays_by_name():
    flat = np.random.default_rng(0).normal(size=(300, 8))
    found = degen.compare({"flat": flat, "cone": flat + 1}, measures="average_cosine")
    (verdict,) = found.verdicts
    assert (verdict["against"], verdict["side"], verdict["outcome"]) == ("flat", "cone", "more collapsed")
    turned = degen.compare({"flat": flat, "cone": flat + 1}, against="CONE", measures="average_cosine")
    assert turned.verdicts[0]["outcome"] == "more isotropic"
    counted = degen.compare({"flat": flat, "cone": flat + 1}, frequency=np.arange(300))
    assert any(row["measure"] == "tail_average_cosine" and row["value"] for row in counted.rows)


def test_a_file_of_counts_is_for_files_and_arrays_of_a_mapping(tmp_path):
    flat = np.random.default_rng(0).normal(size=(300, 8))
    np.save(tmp_path / "feb.npy", flat + 1)
    counts = tmp_path / "counts.txt"
    counts.write_text("".join(f"{count}\n" for count in range(300)))
    found = degen.compare({"jan": flat, "feb": tmp_path / "feb.npy"}, measures="core", frequency=counts)
    (row,) = (row for row in found.rows if row["measure"] == "tail_average_cosine")
    assert None not in (row["value"], row["against_value"])


def test_what_load_matrix_returns_is_a_matrix_with_its_ids(tmp_path):
    V = np.random.default_rng(0).normal(size=(300, 8))
    for name, order in {"a": slice(None), "b": slice(None, None, -1)}.items():
        rows = [f"i{row}," + ",".join(map(repr, V[row].tolist())) for row in range(300)[order]]
        (tmp_path / f"{name}.csv").write_text("\n".join(rows))
    a, b = (degen.load_matrix(tmp_path / f"{name}.csv") for name in "ab")
    assert degen.analyze(a).values == degen.analyze(V).values
    found = degen.compare({"a": a, "b": b}, measures="average_cosine")
    assert any("share 300 items" in note for note in found.notes)


def test_an_array_beside_a_run_is_compared_with_it(runs):
    V = runs[0].item_embeddings
    found = degen.compare({"run": runs[0], "shifted": V + 1}, measures="average_cosine")
    row = next(row for row in found.rows if row["measure"] == "average_cosine")
    assert row["against_value"] == pytest.approx(float(degen.average_cosine(V)))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda V: degen.compare(V, V), r"takes runs and paths, not an array.*compare\(\{'a': A, 'b': B\}\)"),
        (lambda V: degen.compare(), "needs a run"),
        (lambda V: degen.compare({"a": V}), "two sides or more"),
        (lambda V: degen.compare({"a": V, "b": V}, out="x"), "draw arrays by `degen.draw_projection`"),
        (lambda V: degen.compare("a.npy", "b.npy", skiprows=1), "did you mean 'skip_rows'"),
        (lambda V: degen.compare("a.npy", "b.npy", frequency=[1, 2]), "counts are for arrays"),
        (lambda V: degen.report(V), "takes runs and paths"),
        (lambda V: degen.report("a.npy", skiprows=1), "no argument `skiprows`; did you mean 'skip_rows'"),
        (
            lambda V: degen.compare("a.npy", "a.npy", progress=1),
            "known: against, formats, frequency, ids, key",
        ),
        (lambda V: degen.plot_svd("a.npy", progress=1), "known: cmap, formats, frequency, ids, key, layout"),
        (lambda V: degen.analyze(V, mesures="core"), "no argument `mesures`; did you mean 'measures'"),
        (lambda V: degen.report("a.npy", out=5), "`out` is a path, not 5"),
        (lambda V: degen.compare({"a": V}, {"b": V}), "not a value of type dict and length 1"),
        (lambda V: degen.compare("a.npy", "b.npy", measures=5), "`measures` is a list of names, .*got 5"),
        (lambda V: degen.compare("a.npy", "b.npy", width="none"), "`width` is about figures, .*`out`"),
        (lambda V: degen.compare({"a": V, "b": V}, style="paper"), "`style` is about figures"),
        (lambda V: degen.compare("a.npy", "b.npy", width="none", out="x"), "`width`"),
        (lambda V: degen.compare({"a": V, "b": V}, frequency=[1, 2]), "a: 2 frequencies"),
        (lambda V: degen.compare({"a": V, "b": np.where(V, np.nan, V)}), "b holds NaN or infinity in row 0"),
        (lambda V: degen.compare({"a": V, "b": V}, modules="own"), r"write `modules=\['own'\]`"),
        (lambda V: degen.sweep(lam=[0, 1], modules="own"), r"write `modules=\['own'\]`"),
        (lambda V: degen.plot_svd(3), "takes runs and paths, not 3"),
        (
            lambda V: degen.compare("a.npy", "b.npy", progress=True),
            "known: against,.* measures, modules, out",
        ),
        (lambda V: degen.plot_svd("a.npy", progress=True), "known: cmap, .* layout, out, projection, seed,"),
        (lambda V: degen.train_many(["scl", "su"], "synthetic"), "`variants` names scl twice; name each"),
        (lambda V: degen.train_many("scl", "synthetic", seeds=[0, 0]), "`seeds` names 0 twice; name each"),
        (lambda V: degen.sweep(lam=[0, 0.0]), "names 0 twice; name each value once"),
        (lambda V: degen.sweep(lam=[0, 1], seeds=[0, 0]), "`seeds` names 0 twice"),
        (lambda V: degen.train("nosuch", "synthetic"), "once its module is imported .`import MODULE`."),
        (lambda V: degen.analyze(V, measures="gaap"), "`degen.analysis.MEASURES` names the measures"),
    ],
)
def test_inputs_that_are_none(call, told):
    with pytest.raises(UserError, match=told):
        call(np.eye(4))


@pytest.mark.parametrize("argument", ["resume", "overwrite"])
def test_text_is_no_answer_to_whether_a_run_is_removed(argument, runs):
    with pytest.raises(UserError, match=f"`{argument}` is True or False; got 'no'"):
        degen.train("sasrec", "synthetic", runs[0].path, **LOG, **{argument: "no"})
    assert runs[0].state == "finished"


def test_columns_are_taken_as_messages_write_them(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("u,i,t\n" + "".join(f"{n % 9},{n % 7},{n}\n" for n in range(200)))
    small = {name: value for name, value in LOG.items() if name not in ("users", "items")}
    text, mapping = "user=u,item=i,time=t", {"user": "u", "item": "i", "time": "t"}
    first = degen.train("sasrec", log, tmp_path / "a", columns=mapping, **small)
    second = degen.train("sasrec", log, tmp_path / "b", columns=text, **small)
    assert (second.item_embeddings == first.item_embeddings).all()
    many = degen.train_many("sasrec", log, tmp_path / "c", columns=text, **small)
    assert (many[0].item_embeddings == first.item_embeddings).all()
    found = degen.sweep(lam=[0, 1], dataset=log, out=tmp_path / "d", columns=text, **small)
    assert found.failed == {}
    with pytest.raises(UserError, match="`columns` lacks item; write it as `columns='user=NAME,item=NAME"):
        degen.train("sasrec", log, tmp_path / "e", columns={"user": "u"}, **small)


def test_report_is_the_command(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed = result_of("report", *(one.path for one in runs), "--out", "typed.html", "--measures", "isotropy")
    page = degen.report(*runs, out="called.html", measures="isotropy")
    assert page.name == "called.html"
    assert page.read_bytes() == (tmp_path / typed["files"][0]).read_bytes()
    with pytest.raises(UserError, match=r"`out` r\.pdf: a report is HTML; name it r\.html"):
        degen.report(runs[0], out="r.pdf")


def test_a_report_says_what_it_leaves_out(runs, tmp_path):
    copytree(runs[0].path.parent, tmp_path / "runs")
    (tmp_path / "runs" / "duorec-s0" / "config.toml").write_text("damaged")
    with pytest.warns(DegenWarning, match="left out: .*duorec-s0"):
        degen.report(tmp_path / "runs", out=tmp_path / "r.html", measures="isotropy")


def test_the_package_of_reports_leaves_the_function(runs, tmp_path):
    degen.report(runs[0], out=tmp_path / "r.html", measures="isotropy")
    assert callable(degen.report)


def test_projections_are_those_of_the_command(runs, tmp_path):
    typed = result_of("plot-svd", runs[0].path, "--out", tmp_path / "typed", "--format", "png")
    drawn = degen.plot_svd(runs[0], out=tmp_path / "called", formats="png")
    assert [path.name for path in drawn.files] == [path.rpartition("/")[2] for path in typed["files"]]


class InProcess:
    """An engine that trains in this process, without the time that other processes need to start."""

    running = 0

    def __init__(self, name, out, *options):
        self.out = out

    def tend(self, free):
        Worker(self.out, threads=1).work()

    def leave(self):
        raise AssertionError("nobody pressed Ctrl-C")

    def close(self):
        pass


@pytest.fixture
def quick(tmp_path, monkeypatch, signals):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("degen.sweeps.run._engine", InProcess)
    monkeypatch.setattr("degen.sweeps.collect.draw_study", lambda *given: DrawnStudy())


@pytest.mark.usefixtures("quick")
def test_a_sweep_is_the_command():
    found = degen.sweep(lam=[0, 0.1], seeds=range(2), out="runs/lam", **LOG)
    assert found.results[["lambda", "seed"]].to_numpy().tolist() == [[0, 0], [0.1, 0], [0, 1], [0.1, 1]]
    options = ["--users", 60, "--items", 30, "--epochs", 1, "--dim", 8]
    typed = result_of("sweep", "--lambda", "0,0.1", "--seeds", "0-1", *options, "--out", "runs/lam")
    assert (typed["done"], typed["files"]) == (
        4,
        [str(path) for path in found.files],
    )  # nothing is trained twice
    again = degen.sweep("runs/lam", threads=1)
    assert again.summary.equals(found.summary)


@pytest.mark.usefixtures("quick")
def test_one_run_is_no_sweep():
    with pytest.warns(DegenWarning, match=r"nothing is swept: .*`lam=\[0, 0\.1\]`"):
        assert len(degen.sweep(lam=[0.1], out="runs/x", **LOG).results) == 1
    told = run(
        "sweep", "--lambda", "0.1", "--users", 60, "--items", 30, "--out", "runs/y", "--dry-run"
    ).stderr
    assert "give one a list, such as --lambda 0,0.1, with another --out" in told
    told = run("sweep", "--seeds", "0-1", "--users", 60, "--items", 30, "--out", "runs/y", "--dry-run").stderr
    assert "nothing is swept" not in told


def test_a_sweep_says_which_runs_failed(tmp_path, monkeypatch):
    monkeypatch.setattr("degen.sweeps.collect.read_failure", lambda out, name: ("no room", 3))
    monkeypatch.setattr("degen.sweeps.run.run_study", lambda *given, **options: _planned(*given[:2]))
    with pytest.warns(DegenWarning, match="failed: no room"):
        degen.sweep(lam=[0, 0.1], out=tmp_path / "lam", **LOG)


def _planned(study, out):
    from degen.sweeps.plan import write_plan
    from degen.sweeps.run import StudyRun
    from degen.sweeps.status import read_status

    return StudyRun(read_status(out, write_plan(study, out)), None)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"lam": [0, 0.1]}, "`out='runs/sweep'`"),
        ({"study": {"lam": 1}}, "`study` is a path, not a value of type dict"),
        ({"variant": "sasrec,duorec", "out": "runs/x"}, r"`variant` has commas.*`\['sasrec', 'duorec'\]`"),
        ({"lam": [0, 0.1], "workers": "two", "out": "runs/x"}, "`workers` is 'two'; it must be 1 or more"),
        ({"lam": [], "out": "runs/x"}, "`lam` is an empty list"),
        ({"seed": 3, "out": "runs/x"}, r"write `seeds=\[3\]`"),
        ({"seed": [0, 1], "out": "runs/x"}, r"write `seeds=\[0, 1\]`"),
        ({"lamb": [0, 1], "out": "runs/x"}, "did you mean 'lam'"),
        ({"variant": ["sasrec", "duorek"], "out": "runs/x"}, "did you mean 'duorec'"),
        ({"lam": [0, 0.1], "seeds": 3, "out": "runs/x"}, r"write `seeds=range\(3\)`"),
        ({"lam": "0:1:0.3", "out": "runs/x"}, "do not meet the stop"),
    ],
)
def test_a_sweep_that_cannot_be(given, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=told):
        degen.sweep(**given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: degen.train_many(["scl"], "synthetic", seeds=2), r"`seeds=range\(2\)`.*`seeds=\[2\]`"),
        (lambda: degen.train_many(["scl"], "synthetic", seeds="0-2"), r"write `seeds=\[0, 1, 2\]`"),
        (lambda: degen.train_many(["scl"], "synthetic", seeds=[0.5]), r"list of whole numbers.*got \[0\.5\]"),
        (lambda: degen.train_many(["scl"], "synthetic", progress="yes"), "True, False, or callbacks"),
        (lambda: degen.train_many("sasrec, scl", "synthetic"), r"`\['sasrec', 'scl'\]`"),
        (lambda: degen.train_many(None, "synthetic"), "`variants` is a list of names"),
        (lambda: degen.train(["sasrec", "scl"], "synthetic"), r"train_many\(\['sasrec', 'scl'\]"),
        (lambda: degen.train("sasrec,scl", "synthetic"), r"train_many\(\['sasrec', 'scl'\]"),
        (lambda: degen.train("scl", "synthetic", progress="yes"), "True, False, or callbacks"),
    ],
)
def test_training_with_the_wrong_kind_of_argument(call, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=told):
        call()
    assert list(tmp_path.iterdir()) == []


def test_seeds_may_be_numpy_numbers(tmp_path):
    found = train_many("sasrec", "synthetic", tmp_path, seeds=np.arange(2), **LOG)
    assert [one.seed for one in found] == [0, 1]


def test_every_command_is_a_function_or_says_where_it_is():
    names = {name.replace("-", "_") for name in get_command(app).commands if not name.startswith("sweep-")}
    assert set(degen._COMMANDS) == names - set(degen.__all__)
    for name, place in degen._COMMANDS.items():
        assert degen._mend(name).startswith(f": `degen {name}` is a command")
        module, _, function = place.partition("(")[0].rpartition(".")
        assert not place or callable(getattr(import_module(module), function))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("compar", "; did you mean `degen.compare`"),
        ("analyse", "; did you mean `degen.analyze`"),
        ("dynmics", ": `degen dynamics` is a command; in Python use `degen.studies.over_epochs.dynamics"),
        ("sweeps", " yet: it is a module; write `import degen.sweeps`"),
        ("nothing_like_it", "$"),
        ("__wrapped__", "$"),
    ],
)
def test_an_unknown_name_has_the_nearest(name, told, monkeypatch):
    monkeypatch.delattr(degen, name, raising=False)
    with pytest.raises(AttributeError, match=f"module 'degen' has no attribute '{name}'{told}"):
        getattr(degen, name)
