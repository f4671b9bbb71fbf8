"""The library: what `from degen import …` gives, and training from a notebook."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tiny_runs

import degen
from degen.errors import UserError
from degen.training.run import Progress


@pytest.fixture
def log(tmp_path):
    return tiny_runs.write_log(tmp_path / "toy.txt")


def test_every_name_is_there_and_is_what_it_says():
    for name in degen.__all__:
        found = getattr(degen, name)
        assert name == "__version__" or found.__name__ == name
    assert set(degen.__all__) <= set(dir(degen))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = degen.trian


def test_importing_degen_imports_nothing_heavy():
    code = (
        "import sys, degen, degen.runs.directory, degen.api.training_runs, degen.api.comparing\n"
        "import degen.api.sweeping, degen.api.reporting\n"
        "heavy = {'torch', 'pandas', 'matplotlib', 'scipy', 'typer'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_train_then_open_then_measure(log, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = []

    class Watch(Progress):
        def epoch(self, row):
            told.append(row)

    run = degen.train("SCL", log, progress=Watch(), **tiny_runs.SETTINGS | {"epochs": 2, "lambda": 0.3})
    assert str(run.path) == "runs/toy/scl-s0"
    again = degen.open_run("runs/toy/scl-s0")
    assert again.metrics == told
    assert (again.variant, again.dataset, again.state) == ("scl", "toy", "finished")
    assert again.config["objective"]["lambda"] == 0.3
    assert again.config["model"]["hidden_dropout"] == 0.2
    V = again.item_embeddings
    assert degen.effective_rank(V) == pytest.approx(told[again.test["epoch"] - 1]["effective_rank"], rel=1e-9)
    assert degen.average_cosine(V) == pytest.approx(told[again.test["epoch"] - 1]["average_cosine"], rel=1e-9)
    s = np.linalg.svd(V.astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(degen.singular_values(V), s, rtol=1e-9)


def test_train_takes_a_place_and_refuses_what_is_there(log, tmp_path):
    settings = tiny_runs.SETTINGS | {"max_steps": 1}
    run = degen.train("ucl", str(log), out=str(tmp_path / "mine"), **settings)
    assert run.path == tmp_path / "mine"
    with pytest.raises(UserError, match="`overwrite=True`"):
        degen.train("ucl", log, tmp_path / "mine", **settings)
    assert degen.train("ucl", log, tmp_path / "mine", resume=True, **settings).test == run.test
    assert degen.train("ucl", log, tmp_path / "mine", overwrite=True, **settings).test == run.test


@pytest.mark.parametrize(
    ("settings", "near"),
    [
        ({"epoch": 3}, "'epochs'"),
        ({"contrast_wieght": 0.1}, "'contrast_weight'"),
        ({"recipe": "oficial"}, "'official'"),
    ],
)
def test_a_wrong_setting_is_named_with_the_nearest(log, tmp_path, settings, near):
    with pytest.raises(UserError, match=near):
        degen.train("scl", log, tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_opening_what_is_no_run(tmp_path, log):
    with pytest.raises(UserError, match="does not exist"):
        degen.open_run(tmp_path / "none")
    with pytest.raises(UserError, match="no run under"):
        degen.open_run(tmp_path)
    degen.train("sasrec", log, tmp_path / "runs" / "a", **tiny_runs.SETTINGS | {"max_steps": 1})
    assert degen.open_run(tmp_path / "runs" / "a").variant == "sasrec"
    with pytest.raises(UserError, match=r"is a folder above runs, not a run; .*runs/a"):
        degen.open_run(tmp_path / "runs")


def test_a_variant_of_ones_own_trains_by_its_name(log, tmp_path):
    from degen.data.sampling.source import Source
    from degen.model.variants import VARIANTS

    degen.register(degen.Variant("two-passes", {"x": Source.history, "y": Source.history}, (("x", "y"),)))
    try:
        run = degen.train("Two-Passes", log, tmp_path / "run", **tiny_runs.SETTINGS)
        assert run.variant == "two-passes"
        assert run.metrics[0]["contrastive_loss"] > 0
        assert run.metrics[0]["alignment"] is not None
    finally:
        del VARIANTS["two-passes"]
