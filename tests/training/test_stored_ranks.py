"""Ranks that training leaves beside test.json: what they hold, who reads them, which are not believed."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import tiny_runs

from degen.evaluation.export import export
from degen.evaluation.ranking import Ranks, ranking_metrics
from degen.evaluation.restore import restore
from degen.evaluation.stored_ranks import has_ranks, known_ranks, own_ranks, ranked_users, write_ranks
from degen.evaluation.verify import verify
from degen.runs.directory import RunDirectory
from degen.studies.claims_of_runs import judge
from degen.training.loop import train
from degen.training.plan import train_many


@pytest.fixture(scope="module")
def pair(log, tmp_path_factory) -> list[RunDirectory]:
    """A sasrec and a duorec of two epochs."""
    folder = tmp_path_factory.mktemp("pair")
    names = ("sasrec", "duorec")
    configs = [tiny_runs.tiny_config(log, variant=name, epochs=2, keep_embeddings=2) for name in names]
    return train_many(configs, [folder / name for name in names])


@pytest.fixture
def copy(pair, tmp_path) -> RunDirectory:
    return RunDirectory(shutil.copytree(pair[0].path, tmp_path / "copy"))


def test_each_user_has_the_rank_that_restoring_the_run_gives(pair):
    for run in pair:
        restored = restore(run, "cpu")
        expected = restored.ranks("test")
        stored = np.load(run.path / "ranks.npy", allow_pickle=False)
        assert stored.dtype == np.int32
        assert stored.tolist() == expected.mean.tolist()
        assert np.load(run.path / "tied.npy").tolist() == expected.tied.tolist()
        assert (run.path / "users.txt").read_text().split("\n")[:-1] == restored.dataset.sequences.user_ids
        assert ranked_users(run) == [f"u{user}" for user in range(tiny_runs.USERS)]
        found = own_ranks(run)
        assert found is not None
        assert ranking_metrics(found) == {name: run.test[name] for name in run.test if "@" in name}


@pytest.mark.parametrize(
    ("better", "tied", "kind"),
    [
        ([0, 4, 7], [0, 2, 0], np.int32),  # two ties make a whole rank
        ([0, 4, 7], [0, 1, 0], np.float32),
        ([2**24 - 1, 5, 0], [1, 0, 0], np.float64),  # float32 has no halves here
    ],
)
@pytest.mark.parametrize("ties", ["expected", "half", "optimistic", "pessimistic"])
def test_ties_are_read_back_by_every_convention(copy, better, tied, kind, ties):
    ranks = Ranks(np.array(better, dtype=np.float64), np.array(tied), ties)
    (copy.path / "manifest.json").unlink()
    write_ranks(copy.path, ranks)
    text = (copy.path / "config.toml").read_text()
    (copy.path / "config.toml").write_text(text.replace('ties = "expected"', f'ties = "{ties}"'))
    assert np.load(copy.path / "ranks.npy").dtype == kind
    found = own_ranks(RunDirectory(copy.path))
    assert found is not None
    assert (found.better.tolist(), found.tied.tolist(), found.ties) == (better, tied, ties)
    assert ranking_metrics(found) == ranking_metrics(ranks)


def test_claims_need_no_export(pair):
    notes: list[str] = []
    [accuracy] = [
        claim
        for claim in judge({run.variant: run for run in pair}, notes)
        if claim.claim == "duorec recommends better than sasrec"
    ]
    assert accuracy.verdict != "not judged"
    gain = [run.test["NDCG@10"] for run in pair]
    assert accuracy.values["difference"] == pytest.approx(gain[1] - gain[0], abs=1e-12)
    assert notes == []


def test_the_ranks_follow_a_run_that_goes_on(log, tmp_path):
    settings = {"variant": "sasrec", "patience": 99}
    run = train(tiny_runs.tiny_config(log, epochs=1, **settings), tmp_path / "run")
    before = np.load(run.path / "ranks.npy")
    longer = train(tiny_runs.tiny_config(log, epochs=6, **settings), run.path, resume=True)
    assert longer.test["epoch"] > 1
    assert np.load(run.path / "ranks.npy").tolist() != before.tolist()
    assert known_ranks(longer, notes := []) is not None
    assert notes == []
    assert verify(longer.path)[0].faults == []


def test_an_older_run_that_goes_on_has_ranks_from_then_on(log, tmp_path):
    settings = {"variant": "sasrec", "patience": 99}
    run = train(tiny_runs.tiny_config(log, epochs=1, **settings), tmp_path / "run")
    for name in ("ranks.npy", "tied.npy", "users.txt", "manifest.json"):
        (run.path / name).unlink()
    assert not has_ranks(RunDirectory(run.path))
    longer = train(tiny_runs.tiny_config(log, epochs=2, **settings), run.path, resume=True)
    assert known_ranks(longer, []) is not None
    assert len(ranked_users(longer)) == tiny_runs.USERS


def test_an_older_run_has_the_ranks_of_its_export(copy):
    expected = own_ranks(copy)
    assert expected is not None
    for name in ("ranks.npy", "tied.npy", "users.txt", "manifest.json"):
        (copy.path / name).unlink()
    assert known_ranks(copy, []) is None
    export(restore(copy, "cpu"), "test", copy.path / "export")
    found = known_ranks(copy, [])
    assert found is not None
    assert found.mean.tolist() == expected.mean.tolist()
    assert len(ranked_users(copy)) == len(found)


def test_damaged_or_strange_ranks_are_named_and_not_believed(copy):
    stored = np.load(copy.path / "ranks.npy")
    np.save(copy.path / "ranks.npy", stored[::-1] + 1)
    assert known_ranks(copy, notes := []) is None
    assert "its SHA-256 is not the one" in notes[0]
    faults = verify(copy.path, quick=True)[0].faults
    assert any("ranks.npy" in fault and "SHA-256" in fault for fault in faults)
    (copy.path / "manifest.json").unlink()
    assert known_ranks(copy, notes := []) is None
    assert "does not give the NDCG@10" in notes[0]
    assert verify(copy.path, quick=True)[0].faults == [
        f"{copy.path}/ranks.npy does not give the metrics of test.json"
    ]
    (copy.path / "ranks.npy").write_bytes(b"no array")
    assert known_ranks(copy, notes := []) is None
    assert "is not a readable .npy array" in notes[0]


def test_ranks_of_another_result_are_found_by_verify(copy):
    (copy.path / "manifest.json").unlink()
    test = json.loads((copy.path / "test.json").read_text())
    (copy.path / "test.json").write_text(json.dumps({**test, "MRR@20": test["MRR@20"] / 2}))
    assert any("ranks.npy does not give" in fault for fault in verify(copy.path, quick=True)[0].faults)


def test_a_new_run_in_the_same_place_has_its_own_ranks(log, copy):
    config = tiny_runs.tiny_config(log, variant="sasrec", epochs=1, seed=5)
    run = train(config, copy.path, overwrite=True)
    assert verify(run.path)[0].faults == []
    assert known_ranks(run, []) is not None
