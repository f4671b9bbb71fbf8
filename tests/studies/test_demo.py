from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from simple_rankers import popularity_and_chain
from typer.testing import CliRunner

from degen.cli.app import app
from degen.config.schema import Config
from degen.data.synthetic import generate
from degen.errors import UserError
from degen.reports.gather import gather
from degen.runs.directory import RunDirectory
from degen.studies import demo
from degen.studies.analysis_options import AnalysisOptions
from degen.studies.demo import VARIANTS, demo_configs, run_demo
from degen.training.loop import train
from degen.training.run import Progress
from degen.variant_names import with_labels

TINY: dict[str, Any] = {
    "users": 60,
    "items": 40,
    "epochs": 2,
    "dim": 8,
    "feed_forward": 16,
    "max_length": 10,
    "device": "cpu",
    "threads": 1,
}


class Counting(Progress):
    """Counts the runs that really train."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def begin(self, dataset: object, config: Config, epochs_done: int, steps_per_epoch: int) -> None:
        self.begun.append(config.objective.variant)


def tiny(
    out: Path, *, overwrite: bool = False, workers: int = 1, **settings: Any
) -> tuple[demo.Demo, list[str]]:
    progress = Counting()

    def watch(group: list[Config]) -> Any:
        return nullcontext([progress] * len(group))

    configs = demo_configs(**{**TINY, **settings})
    return run_demo(out, configs, watch, workers=workers, overwrite=overwrite), progress.begun


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[demo.Demo, Path]:
    out = tmp_path_factory.mktemp("runs") / "demo"
    found, begun = tiny(out)
    assert sorted(begun) == sorted(VARIANTS)
    return found, out


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing, for seconds, where figures are not what is looked at."""
    for name in ("draw_svd", "draw_uniformity"):
        monkeypatch.setattr(demo, name, lambda folders, look: SimpleNamespace(files=[]))


@pytest.fixture
def copied(story, tmp_path, undrawn) -> tuple[demo.Demo, Path]:
    """The demo in a folder of its own, where nothing is drawn."""
    found, out = story
    copy = shutil.copytree(out, tmp_path / "demo")
    rows = [{**row, "run": str(copy / Path(row["run"]).name)} for row in found.rows]
    return replace(found, rows=rows), copy


def test_the_rows_are_those_of_the_runs(story):
    found, out = story
    assert [row["variant"] for row in found.rows] == ["sasrec", "ucl", "scl", "duorec"]
    for row in found.rows:
        run = RunDirectory(out / f"{row['variant']}-s0")
        assert row["HR@5"] == run.test["HR@5"]
        assert row["NDCG@5"] == run.test["NDCG@5"]
        assert row["uniformity"] == run.metrics[run.test["epoch"] - 1]["uniformity"]
        s = np.linalg.svd(run.item_embeddings.astype(float), compute_uv=False)
        assert row["sigma2_ratio"] == pytest.approx(s[1] / s[0], abs=1e-6)


def test_the_claims_are_about_what_the_runs_hold(story):
    found, out = story
    claim = next(c for c in found.claims if "rare items" in c.claim)
    run = RunDirectory(out / "scl-s0")
    rarer = np.argsort(run.item_frequency, kind="stable")[:20]
    for name, V in (
        ("scl_best", run.item_embeddings),
        ("scl_common", np.load(run.path / "embeddings" / "e002.npy")),
    ):
        units = V[rarer] / np.linalg.norm(V[rarer], axis=1, keepdims=True)
        cosines = (units @ units.T)[np.triu_indices(20, 1)]
        assert claim.values[name] == pytest.approx(cosines.mean(), abs=1e-5)
    assert len(found.claims) == 9


def test_figures_and_summary_are_written(story):
    found, out = story
    assert all(path.exists() and path.parent == out / "figures" for path in found.figures)
    assert {"svd-synthetic.pdf", "uniformity-synthetic.pdf"} <= {path.name for path in found.figures}
    written = json.loads((out / "demo.json").read_text())
    assert written == json.loads(json.dumps(found.as_json()))
    assert written["variants"][0]["variant"] == "sasrec"
    assert {claim["verdict"] for claim in written["claims"]} <= {"holds", "does not hold", "within noise"}


def test_a_second_demo_trains_nothing_and_says_the_same(copied):
    found, out = copied
    again, begun = tiny(out)
    assert begun == []
    assert [path.name for path in again.reused] == [f"{name}-s0" for name in VARIANTS]
    assert again.rows == found.rows
    assert again.claims == found.claims


def test_the_report_of_the_same_runs_has_the_same_verdicts(story):
    found, out = story
    [group] = gather([out], AnalysisOptions(measures="sigma2_ratio")).groups
    assert list(group.claims) == found.claims
    assert list(group.claim_notes) == []


def test_ranks_that_an_older_version_left_out_are_written_for_the_report_too(copied):
    found, copy = copied
    for path in copy.glob("*/ranks.npy"):
        path.unlink()
    again, begun = tiny(copy)
    assert begun == []
    assert again.claims == found.claims
    [group] = gather([copy], AnalysisOptions(measures="sigma2_ratio")).groups
    assert list(group.claims) == found.claims


def test_another_configuration_in_the_same_place_is_refused_before_anything_trains(story):
    _, out = story
    with pytest.raises(UserError, match=r"dim = 8, not 16.*`overwrite=True`"):
        tiny(out, dim=16)


def test_side_by_side_the_demo_finds_the_same(story, tmp_path):
    found, out = story
    beside, begun = tiny(tmp_path, workers=2)
    assert sorted(begun) == sorted(VARIANTS)
    written = json.dumps(beside.as_json()).replace(str(tmp_path), str(out))
    assert written == json.dumps(found.as_json())


def test_overwrite_trains_anew(tmp_path, undrawn):
    first, _ = tiny(tmp_path, epochs=1)
    second, begun = tiny(tmp_path, epochs=1, dim=4, overwrite=True)
    assert sorted(begun) == sorted(VARIANTS)
    assert second.reused == []
    assert RunDirectory(tmp_path / "sasrec-s0").item_embeddings.shape == (40, 4)
    assert second.rows != first.rows


def test_the_seed_is_that_of_the_dataset_and_of_the_training():
    for config in demo_configs(seed=7):
        assert (config.data.data_seed, config.training.seed) == (7, 7)


def test_every_epoch_is_run_and_the_last_is_kept():
    config = demo_configs()[0]
    assert config.training.patience == config.training.epochs == config.training.keep_embeddings


def test_the_command_prints_table_claims_and_figures(story, monkeypatch):
    found, out = story
    monkeypatch.setattr(demo, "SETTINGS", {**demo.SETTINGS, **TINY})
    result = CliRunner().invoke(app, ["demo", "--out", str(out), "--threads", "1", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    words = ["HR@5", "σ₂/σ₁", "effective rank", "duorec", "svd-synthetic.pdf"]
    claims = [text for claim in found.claims for text in (claim.claim, claim.measured, claim.verdict)]
    words += map(with_labels, claims)
    for word in words:
        assert word in result.stdout
    assert "used again" in result.stderr


def test_the_command_gives_json_and_keeps_quiet(story, monkeypatch):
    found, out = story
    monkeypatch.setattr(demo, "SETTINGS", {**demo.SETTINGS, **TINY})
    result = CliRunner().invoke(app, ["demo", "--out", str(out), "--threads", "1", "--json", "--quiet"])
    value = json.loads(result.stdout)
    assert value["variants"] == found.rows
    assert value["claims"] == json.loads(json.dumps(found.as_json()["claims"]))
    assert result.stderr == ""


@pytest.mark.slow
def test_sasrec_beats_popularity_and_the_chain_of_last_items(tmp_path):
    config = demo_configs(epochs=3, device="cpu")[0]
    test_metrics = train(config, tmp_path / "run").test
    by_popularity, by_chain = popularity_and_chain(generate())
    assert test_metrics["NDCG@10"] > by_chain + 0.01
    assert test_metrics["NDCG@10"] > 3 * by_popularity
