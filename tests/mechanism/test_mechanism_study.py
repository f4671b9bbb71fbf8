"""experiments/mechanism from end to end at a tiny size: what is trained, gathered and held to Eq. 3."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy import stats

from degen.errors import UserError
from degen.evaluation.evaluate import representations
from degen.evaluation.restore import restore
from degen.runs.directory import RunDirectory

FOLDER = Path(__file__).parents[2] / "experiments" / "mechanism"
TINY = {
    "data.dataset": "synthetic",
    "data.users": 60,
    "data.items": 50,
    "model.dim": 8,
    "model.feed_forward": 16,
    "training.epochs": 2,
    "training.batch_size": 64,
    "training.device": "cpu",
}


def script(name: str) -> ModuleType:
    """Other studies have scripts of the same names, so these are loaded by their path."""
    spec = importlib.util.spec_from_file_location(f"mechanism_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


run, collect, eq3 = script("run"), script("collect"), script("eq3")
NAMES = ["sasrec", "duorec", "sgd", "sgd-slow", "eps-1e-4", "eps-1e-3", "sampled", "sampled-lazy"]


def words(out: Path, *names: str) -> list[str]:
    assigned = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    return [*names, *assigned, "--out", str(out), "--quiet"]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("mechanism")
    run.main(words(out))
    return out / "synthetic"


def test_every_declared_run_is_trained_and_traced(trained):
    assert sorted(path.name for path in trained.iterdir()) == sorted(NAMES)
    for name in NAMES:
        one = RunDirectory(trained / name)
        assert one.state == "finished"
        assert len(one.trace) == len(one.metrics) == 2
    settings = {name: RunDirectory(trained / name).config["training"] for name in NAMES}
    assert settings["sgd"]["item_optimizer"] == "sgd"
    assert settings["sampled-lazy"]["item_updates"] == "lazy"
    assert settings["eps-1e-3"]["adam_eps"] == 1e-3
    assert all(one["threads"] == 1 and one["trace_gradients"] for one in settings.values())


def test_finished_runs_stay_as_they_are(trained):
    before = (trained / "sasrec" / "trace.jsonl").stat().st_mtime_ns
    run.main(words(trained.parent, "sasrec"))
    assert (trained / "sasrec" / "trace.jsonl").stat().st_mtime_ns == before


def test_a_name_that_is_not_declared(tmp_path):
    with pytest.raises(UserError, match=r"no run 'sasrek' in runs\.toml; did you mean 'sasrec'"):
        run.main(words(tmp_path, "sasrek"))


def test_traces_are_gathered_with_their_figures(trained, tmp_path, capsys):
    collect.main([str(trained), "--out", str(tmp_path / "results"), "--figures", str(tmp_path / "figures")])
    rows = table(tmp_path / "results" / "mechanism.csv")
    assert Counter(row["run"] for row in rows) == dict.fromkeys(NAMES, 2)
    (row,) = [row for row in rows if row["run"] == "duorec" and row["epoch"] == "2"]
    line = json.loads((trained / "duorec" / "trace.jsonl").read_text(encoding="utf-8").splitlines()[1])
    seen = [bucket for bucket in line["buckets"] if bucket["high"] > 0]
    assert float(row["push_share_rarest"]) == pytest.approx(seen[0]["push_share"])
    assert float(row["step_ratio"]) == pytest.approx(seen[0]["step_length"] / seen[-1]["step_length"])
    text = (tmp_path / "results" / "mechanism.md").read_text(encoding="utf-8")
    assert text == capsys.readouterr().out[:-1]
    assert sum(line.startswith("| ") for line in text.splitlines()) == (2 + 16) + (2 + 8)
    assert {path.name for path in (tmp_path / "figures").glob("*.pdf")} == {
        "mechanism-synthetic-official-sasrec-duorec.pdf",
        "mechanism-synthetic-official-sasrec-duorec-epochs.pdf",
        "mechanism-synthetic-optimisers.pdf",
        "mechanism-synthetic-optimisers-epochs.pdf",
    }


def test_nothing_to_gather(tmp_path, trained):
    empty = tmp_path / "runs"
    (empty / "a").mkdir(parents=True)
    (empty / "a" / "config.toml").write_text((trained / "sasrec" / "config.toml").read_text(encoding="utf-8"))
    with pytest.raises(UserError, match=r"holds a trace; make them with run\.py"):
        collect.main([str(empty)])


def test_scores_are_held_to_counts_of_adjacent_pairs(trained, tmp_path):
    restored = restore(RunDirectory(trained / "sasrec"), "cpu")
    sequences = restored.dataset.sequences
    together: Counter[tuple[int, int]] = Counter()
    for user in range(sequences.n_users):
        items = sequences.items[sequences.offsets[user] : sequences.offsets[user + 1]][:-2] - 1
        together.update(zip(items[:-1].tolist(), items[1:].tolist(), strict=True))
    pairs = eq3.pair_counts(restored)
    found = {
        (context, int(pairs.follower[place])): int(pairs.count[place])
        for context in range(sequences.n_items)
        for place in range(pairs.start[context], pairs.start[context + 1])
    }
    assert found == together

    eq3.main([str(trained / "sasrec"), "--contexts", "1000", "--strength", "2", "--out", str(tmp_path)])
    (row,) = [row for row in table(tmp_path / "mechanism-eq3.csv") if row["candidates"] == "all"]
    samples = restored.samples("test")
    contexts = samples.items[samples.end - 1] - 1
    known = [place for place, context in enumerate(contexts) if pairs.total(np.array([context]))[0] > 0]
    h = representations(restored.encoder, samples).numpy()
    scores = h @ restored.encoder.real_item_embeddings().detach().numpy().T
    log_p = pairs.log_popularity()
    conditional = {place: pairs.log_conditional(contexts[place], log_p, 2.0) for place in known}
    alone = [stats.spearmanr(scores[place], log_p).statistic for place in known]
    whole = [stats.spearmanr(scores[place], conditional[place]).statistic for place in known]
    assert int(row["contexts"]) == len(known)
    assert float(row["popularity"]) == pytest.approx(np.mean(alone), abs=1e-4)
    assert float(row["popularity_se"]) == pytest.approx(stats.sem(alone), abs=1e-4)
    assert float(row["whole"]) == pytest.approx(np.mean(whole), abs=1e-4)


def test_runs_of_two_logs_are_not_one_table(trained, tmp_path, monkeypatch):
    other = tmp_path / "other"
    run.main([*words(tmp_path / "again", "sasrec"), "--set", "data.name=other"])
    other = tmp_path / "again" / "other" / "sasrec"
    with pytest.raises(UserError, match="is of other, the runs before it of synthetic"):
        eq3.main([str(trained / "sasrec"), str(other), "--contexts", "2", "--out", str(tmp_path)])
