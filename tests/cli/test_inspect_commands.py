"""`degen runs`, `degen evaluate` and `degen export` as users type them."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import reference
import tiny_runs
from commands import mistake, result_of, run

import degen
from degen.analysis.postprocess import all_but_the_top, whiten
from degen.cli.wording import as_typed
from degen.embeddings import load_matrix
from degen.evaluation.evaluate import representations
from degen.evaluation.restore import describe, restore
from degen.runs.course import warnings_of
from degen.runs.directory import RunDirectory
from degen.training.loop import train
from degen.training.run import Interrupted, Progress

RANKING = [f"{name}@{k}" for k in (5, 10, 20) for name in ("HR", "NDCG", "MRR")]


class StopAfterOne(Progress):
    def epoch(self, row):
        signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A finished and a stopped run below one folder, with their log."""
    folder = tmp_path_factory.mktemp("inspect")
    log = tiny_runs.write_log(folder / "toy.txt")
    train(tiny_runs.tiny_config(log, variant="scl", epochs=2), folder / "runs" / "toy" / "scl-s0")
    stopped = tiny_runs.tiny_config(log, variant="sasrec", seed=4)
    with pytest.raises(Interrupted):
        train(stopped, folder / "runs" / "toy" / "sasrec-s4", progress=StopAfterOne())
    return folder / "runs"


@pytest.fixture
def scl(trained) -> RunDirectory:
    return RunDirectory(trained / "toy" / "scl-s0")


@pytest.fixture
def copy(scl, tmp_path) -> Path:
    shutil.copytree(scl.path, tmp_path / "copy")
    return tmp_path / "copy"


# runs


def test_runs_lists_what_is_there(trained, scl):
    stopped, finished = result_of("runs", trained)
    assert finished == {
        "run": str(scl.path),
        "variant": "scl",
        "dataset": "toy",
        "seed": 0,
        "epochs": 2,
        "state": "finished",
        "HR@5": scl.test["HR@5"],
        "NDCG@10": scl.test["NDCG@10"],
        "warnings": [as_typed(warning) for warning in warnings_of(scl)],
    }
    assert stopped["warnings"] == []
    assert (stopped["variant"], stopped["seed"], stopped["epochs"]) == ("sasrec", 4, 1)
    assert (stopped["state"], stopped["HR@5"], stopped["NDCG@10"]) == ("unfinished", None, None)


def test_runs_takes_one_run_and_looks_in_runs_by_default(trained, scl, monkeypatch):
    assert [row["variant"] for row in result_of("runs", scl.path)] == ["scl"]
    monkeypatch.chdir(trained.parent)
    assert [row["run"] for row in result_of("runs")] == ["runs/toy/sasrec-s4", "runs/toy/scl-s0"]


def test_runs_takes_several_paths_and_lists_each_run_once(trained, scl):
    assert [row["variant"] for row in result_of("runs", scl.path, trained)] == ["scl", "sasrec"]


def test_the_table_of_runs_keeps_its_paths_whole(trained, scl):
    shown = run("runs", trained).stdout
    for word in ("scl", "finished", "unfinished", f"{scl.test['HR@5']:.4f}", "–"):
        assert word in shown


def test_the_table_of_runs_names_the_settings_in_which_runs_of_a_variant_differ(copy):
    shutil.copytree(copy, other := copy.parent / "other")
    config = (other / "config.toml").read_text(encoding="utf-8")
    changed = re.sub(r"(?m)^lambda = .*$", "lambda = 0.02", config)
    assert changed != config
    (other / "config.toml").write_text(changed, encoding="utf-8")
    (other / "manifest.json").unlink()  # it knows that the file was edited
    lines = run("runs", copy.parent).stdout.splitlines()
    assert any("λ" in line for line in lines[:2])
    shown = [line for line in lines if "scl" in line]
    assert [[value in line.split() for value in ("0.1", "0.02")] for line in shown] == [
        [True, False],
        [False, True],
    ]
    assert [row["settings"] for row in result_of("runs", copy.parent)] == [
        {"lambda": 0.1, "contrast_weight": 0.1},
        {"lambda": 0.02, "contrast_weight": 0.02},
    ]
    assert [row["variant"] for row in result_of("runs", copy.parent)] == ["scl", "scl"]


def test_a_path_without_runs_is_one_sentence(tmp_path, capfd, monkeypatch):
    assert "no run under" in mistake(capfd, "runs", tmp_path)
    assert "does not exist" in mistake(capfd, "runs", tmp_path / "none")
    monkeypatch.chdir(tmp_path)
    assert "degen train" in mistake(capfd, "runs")


def test_a_damaged_run_is_marked_and_does_not_hide_the_others(trained, copy):
    (copy / "metrics.jsonl").write_text("{}\nnot json\n", encoding="utf-8")
    shutil.copytree(trained / "toy" / "sasrec-s4", copy.parent / "other")
    damaged, whole = result_of("runs", copy.parent)
    assert (damaged["run"], damaged["state"]) == (str(copy), "damaged")
    assert (whole["variant"], whole["state"]) == ("sasrec", "unfinished")
    assert "metrics.jsonl line 2" in " ".join(run("runs", copy.parent).stderr.split())


# evaluate


def test_evaluate_repeats_test_json(scl):
    assert result_of("evaluate", scl.path, "--device", "cpu") == scl.test


def test_evaluate_also_ranks_without_the_history(scl):
    found = result_of("evaluate", scl.path, "--exclude-history")
    without = found.pop("without_history")
    assert found == scl.test
    assert set(without) == {name for name in scl.test if "@" in name}
    assert without["HR@10"] > found["HR@10"]
    assert "without history" in run("evaluate", scl.path, "--exclude-history").stdout


def test_evaluate_on_the_validation_split(scl):
    best = scl.metrics[scl.test["epoch"] - 1]
    again = result_of("evaluate", scl.path, "--split", "valid", "--device", "cpu")
    assert {name: again[name] for name in RANKING} == {name: best[f"valid_{name}"] for name in RANKING}
    assert again["split"] == "valid"


def test_evaluate_shows_a_table(scl):
    shown = run("evaluate", scl.path).stdout
    assert all(name in shown for name in RANKING)
    assert f"{scl.test['NDCG@10']:.4f}" in shown


def test_evaluate_of_a_stopped_run_uses_its_best_epoch_so_far(trained):
    assert result_of("evaluate", trained / "toy" / "sasrec-s4")["epoch"] == 1


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_mistakes_about_a_run_are_one_sentence(command, trained, copy, tmp_path, capfd):
    scl = trained / "toy" / "scl-s0"
    (tmp_path / "empty").mkdir()
    if command == "evaluate":
        assert "holds 2 runs; name one" in mistake(capfd, command, trained)
    assert "no run under" in mistake(capfd, command, tmp_path / "empty")
    assert "does not exist" in mistake(capfd, command, tmp_path / "none")
    assert "'tset'" in mistake(capfd, command, scl, "--split", "tset")
    assert "--device cuda:99" in mistake(capfd, command, scl, "--device", "cuda:99")
    assert "--device gpu" in mistake(capfd, command, scl, "--device", "gpu")
    items = (copy / "items.txt").read_text(encoding="utf-8").splitlines()
    (copy / "items.txt").write_text("\n".join(items[::-1]) + "\n", encoding="utf-8")
    assert "has changed since" in mistake(capfd, command, copy)
    (copy / "items.txt").write_text("\n".join(items) + "\n", encoding="utf-8")
    (copy / "best.safetensors").write_bytes(b"\0" * 100)
    assert "best.safetensors is damaged" in mistake(capfd, command, copy)
    assert not (copy / "export").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["all-but-the-top", "--components", 2], lambda V: all_but_the_top(V, 2)),
        (["all-but-the-top"], all_but_the_top),
        (["whitening"], whiten),
    ],
)
def test_post_processed_items_are_scored_and_the_encoder_stays(scl, tmp_path, words, expected):
    found = result_of("evaluate", scl.path, "--post-process", *words, "--out", tmp_path / "items.npy")
    assert found.pop("post_process") == words[0]
    assert found.pop("items") == str(tmp_path / "items.npy")
    V = np.load(tmp_path / "items.npy")
    assert V.dtype == np.float32
    np.testing.assert_allclose(V, expected(scl.item_embeddings), atol=1e-5)
    restored = restore(scl, "cpu")
    samples = restored.samples("test")
    scores = representations(restored.encoder, samples).numpy() @ V.T
    ranks = [float(reference.rank(row, t)) for row, t in zip(scores, samples.targets - 1, strict=True)]
    assert found == {**describe(np.array(ranks), scl.test["epoch"], "test"), "ties": "expected"}


def test_the_output_says_what_was_post_processed(scl):
    shown = run("evaluate", scl.path, "--post-process", "whitening")
    assert "items are scored after whitening; the encoder reads them as trained" in shown.stderr
    assert "whitening" in shown.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--components", 2], "--components needs --post-process"),
        (["--out", "items.npy"], "--out needs --post-process"),
        (["--post-process", "whitening", "--out", "items.csv"], "with this ending"),
        (["--post-process", "whitening", "--components", 2], "--components is of all-but-the-top"),
        (["--post-process", "whiten"], "did you mean 'whitening'"),
        (["--post-process", "all-but-the-top", "--components", 9], "0 to 8"),
    ],
)
def test_options_of_post_processing_that_do_not_fit(scl, capfd, words, said):
    assert said in mistake(capfd, "evaluate", scl.path, *words)


def test_ties_are_counted_as_asked(scl, capfd):
    assert result_of("evaluate", scl.path)["ties"] == "expected"
    found = result_of("evaluate", scl.path, "--ties", "pessimistic")
    assert found == {**scl.test, "ties": "pessimistic"}  # no scores are tied here
    assert "did you mean 'optimistic'" in mistake(capfd, "evaluate", scl.path, "--ties", "optimist")


# export


def test_export_writes_beside_the_run_or_where_told(copy, tmp_path):
    arrays = ("sequence_representations", "targets", "ranks", "better", "tied")
    names = [*(f"{name}.npy" for name in arrays), "users.txt"]
    written = result_of("export", copy)["written"]
    assert [Path(path) for path in written] == [copy / "export" / name for name in names]
    assert all(Path(path).exists() for path in written)
    written = result_of("export", copy, "--split", "valid", "--out", tmp_path / "there")["written"]
    assert [Path(path) for path in written] == [tmp_path / "there" / name for name in names]
    test, valid = (np.load(folder / "targets.npy") for folder in (copy / "export", tmp_path / "there"))
    assert test.tolist() != valid.tolist()


def test_export_of_a_folder_above_one_run_writes_beside_that_run(copy, tmp_path):
    above = tmp_path / "above"
    above.mkdir()
    shutil.move(copy, above / "one")
    result_of("export", above)
    assert (above / "one" / "export" / "ranks.npy").exists()
    assert not (above / "export").exists()


def test_export_prints_the_paths(copy):
    shown = run("export", copy).stdout.splitlines()
    assert sorted(shown) == sorted(str(path) for path in (copy / "export").glob("[!.]*"))


def test_an_exports_ranks_give_the_hit_rate(scl, tmp_path):
    run("export", scl.path, "--out", tmp_path, "--device", "cpu")
    ranks = np.load(tmp_path / "ranks.npy", allow_pickle=False)
    assert (ranks <= 5).sum() / len(ranks) == pytest.approx(scl.test["HR@5"], abs=1e-12)


def test_an_export_that_cannot_be_written_is_one_sentence(scl, tmp_path, capfd):
    (tmp_path / "file").touch()
    assert "choose another path" in mistake(capfd, "export", scl.path, "--out", tmp_path / "file")
    told = mistake(capfd, "export", scl.path, "--out", tmp_path / "items.xlsx")
    assert "export writes a folder; name it items" in told
    assert not (tmp_path / "items.xlsx").exists()


@pytest.mark.parametrize("to", ["npy", "safetensors", "word2vec", "projector", "parquet", "recbole"])
def test_item_embeddings_are_exported_for_other_tools(copy, tmp_path, to):
    written = result_of("export", copy, "--to", to)["written"]
    assert all(Path(path).parent == copy / "export" / to for path in written)
    matrix = load_matrix(written[0])
    np.testing.assert_array_equal(matrix.values.astype("f4"), np.load(copy / "item_embeddings.npy"))
    assert matrix.ids == (copy / "items.txt").read_text(encoding="utf-8").splitlines()
    assert result_of("export", copy, "--to", to, "--out", tmp_path / "there")["written"][0] == str(
        tmp_path / "there" / Path(written[0]).name
    )
    found = result_of("plot-svd", written[0], "--out", tmp_path / "figures")
    # Tables and named arrays have the frequency in the same file, and a note says that it was found.
    assert all("is read as the frequency" in note for note in found["notes"])
    assert bool(found["notes"]) == (to in ("safetensors", "parquet"))


def test_mistakes_of_an_export_of_items(copy, capfd):
    assert "did you mean 'npy'?" in mistake(capfd, "export", copy, "--to", "nyp")
    assert "leave them out with --to" in mistake(capfd, "export", copy, "--to", "npy", "--split", "valid")
    assert "leave them out with --to" in mistake(capfd, "export", copy, "--to", "npy", "--device", "cpu")
    (copy / "item_embeddings.npy").unlink()
    assert "item_embeddings.npy" in mistake(capfd, "export", copy, "--to", "npy")
    assert not (copy / "export").exists()


# The command itself


def test_the_version():
    assert run("--version").stdout == f"degen {degen.__version__}\n"


@pytest.mark.parametrize("command", ["train", "runs", "evaluate", "export"])
def test_every_command_has_help_with_an_example(command):
    shown = run(command, "--help").stdout
    assert f"degen {command}" in shown
    assert "--json" in shown
    assert "--quiet" in shown


def test_an_unknown_command_is_exit_code_2():
    result = run("trian")
    assert result.exit_code == 2
    assert "trian" in result.output


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["runs", "."]])
def test_help_and_a_list_never_import_torch(words, scl):
    code = (
        "import sys\n"
        "from degen.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "print(', '.join(sorted(heavy)) or 'light', file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=scl.path)
    assert done.stderr.splitlines()[-1] == "light", done.stdout
    assert done.stdout


def test_a_reader_who_goes_away_is_no_traceback(trained):
    # As `degen runs | head -0` does.
    process = subprocess.Popen(
        [sys.executable, "-m", "degen", "runs", str(trained), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 1
    assert said == b""
