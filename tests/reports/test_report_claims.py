"""What the claims look at, found in run directories; ranks that do not belong to a run are not believed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hostile_runs import counts, finish, matrix
from run_files import epochs, write_run

from degen.errors import UserError
from degen.evaluation.stored_ranks import known_ranks
from degen.runs.best import best_epoch, common_epoch
from degen.runs.directory import RunDirectory
from degen.studies.claims_of_runs import judge

RANKS = np.array([1.0, 2.0, 30.0, 3.0])
NDCG = (1 + 1 / np.log2(3) + 0 + 1 / 2) / 4


def opened(folder: Path) -> dict[str, RunDirectory]:
    return {name: RunDirectory(folder / f"{name}-s0") for name in ("sasrec", "scl", "duorec")}


def export(run: Path, ranks: np.ndarray) -> None:
    (run / "export").mkdir(exist_ok=True)
    np.save(run / "export" / "ranks.npy", ranks)


def test_geometry_and_training_are_judged_without_ranks(runs: Path) -> None:
    finish(runs / "scl-s0", 0.05)
    notes: list[str] = []
    claims = judge(opened(runs), notes)
    verdicts = {claim.claim: claim.verdict for claim in claims}
    assert verdicts["sasrec's singular values fall much faster than scl's and duorec's"] == "holds"
    assert (
        verdicts["sasrec's rare items lie in a cone, scl's and duorec's spread around the origin"] == "holds"
    )
    assert verdicts["duorec's uniformity falls while its HR@5 rises"] == "holds"
    # The best of the four epochs is the third.
    falls = next(claim for claim in claims if "uniformity falls" in claim.claim)
    assert "uniformity -1.200 to -1.400, validation HR@5 0.0100 to 0.0300, epoch 1 to 3" in falls.measured
    assert verdicts["duorec recommends better than sasrec"] == "not judged"
    assert any("degen export RUN" in note for note in notes)


def test_an_unfinished_run_has_no_verdict_and_its_ranks_are_not_asked_for(runs: Path) -> None:
    notes: list[str] = []
    claims = judge(opened(runs), notes)
    faster = next(claim for claim in claims if "much faster" in claim.claim)
    assert faster.verdict == "not judged"
    assert faster.measured.startswith("unfinished: scl; so far σ₂/σ₁, best epochs: sasrec 0.")
    assert {claim.verdict for claim in claims if "scl" in claim.claim} == {"not judged"}
    assert next(claim for claim in claims if "uniformity falls" in claim.claim).verdict == "holds"
    [note] = notes
    assert note.endswith(f"writes those of a run: {runs / 'sasrec-s0'}, {runs / 'duorec-s0'}")


def test_a_variant_in_several_series_is_not_judged_and_that_is_said(runs: Path) -> None:
    found = opened(runs)
    notes: list[str] = []
    split = {"sasrec": found["sasrec"], "duorec λ 0.02": found["duorec"], "scl in trial-2": found["scl"]}
    assert judge(split, notes) == []
    assert notes == ["no claim about SCL, DuoRec is judged: its runs differ in more than the seed"]


def test_ranks_that_give_the_tests_ndcg_are_taken(runs: Path) -> None:
    for name in ("sasrec", "duorec"):
        finish(runs / f"{name}-s0", NDCG)
        export(runs / f"{name}-s0", RANKS if name == "sasrec" else RANKS[::-1])
    claims = {claim.claim: claim for claim in judge(opened(runs), [])}
    accuracy = claims["duorec recommends better than sasrec"]
    assert accuracy.verdict == "within noise"
    assert accuracy.values["difference"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("ranks", [RANKS + 1, RANKS[:, None]], ids=["another split's", "not a list"])
def test_other_ranks_are_not_taken(runs: Path, ranks: np.ndarray) -> None:
    finish(runs / "duorec-s0", NDCG)
    export(runs / "duorec-s0", ranks)
    notes: list[str] = []
    assert known_ranks(RunDirectory(runs / "duorec-s0"), notes) is None
    assert "does not give the NDCG@10 of test.json" in notes[0]


def test_ranks_of_other_users_are_not_compared(runs: Path) -> None:
    for name, ranks in (("sasrec", RANKS), ("duorec", np.tile(RANKS, 2))):
        finish(runs / f"{name}-s0", NDCG)
        export(runs / f"{name}-s0", ranks)
    claims = {claim.claim: claim for claim in judge(opened(runs), [])}
    accuracy = claims["duorec recommends better than sasrec"]
    assert (accuracy.verdict, accuracy.measured) == ("not judged", "ranks of 8 and of 4 users")


def test_a_common_epoch_counts_where_all_kept_one(runs: Path) -> None:
    for position, run in enumerate(opened(runs).values()):
        (run.path / "embeddings").mkdir()
        for epoch in (2, 4) if run.variant != "scl" else (2,):
            # At epoch 2 all are alike, so that nothing falls faster there.
            np.save(run.path / "embeddings" / f"e{epoch:03d}.npy", matrix(7 if epoch == 2 else position))
    finish(runs / "scl-s0", 0.05)
    assert common_epoch(list(opened(runs).values())) == 2
    assert common_epoch([run for run in opened(runs).values() if run.variant != "scl"]) == 4  # the last one
    claims = {claim.claim: claim for claim in judge(opened(runs), [])}
    faster = claims["sasrec's singular values fall much faster than scl's and duorec's"]
    assert faster.verdict == "within noise"
    assert "epoch 2:" in faster.measured


def test_a_run_that_has_just_begun_hides_no_epoch_that_the_others_share(runs: Path) -> None:
    # SCL is under way and kept nothing; what needs DuoRec and SASRec alone has epoch 4 in common.
    for position, name in enumerate(("sasrec", "duorec")):
        (runs / f"{name}-s0" / "embeddings").mkdir()
        np.save(runs / f"{name}-s0" / "embeddings" / "e004.npy", matrix(position))
    faster = judge(opened(runs), [])[0]
    assert "were not kept" in faster.measured
    finish(runs / "scl-s0", 0.05)
    (runs / "scl-s0" / "embeddings").mkdir()
    np.save(runs / "scl-s0" / "embeddings" / "e004.npy", matrix(5))
    write_run(runs / "ucl-begun", "ucl", embeddings=matrix(6), frequency=counts(), metrics=epochs(1))
    (runs / "ucl-begun" / "test.json").unlink()
    claims = judge({**opened(runs), "ucl": RunDirectory(runs / "ucl-begun")}, [])
    assert "epoch 4:" in claims[0].measured
    assert "ucl" not in claims[0].measured
    almost = next(claim for claim in claims if claim.claim.startswith("ucl's"))
    assert "were not kept" in almost.measured


def test_without_a_common_epoch_the_best_ones_are_judged_and_that_is_said(runs: Path) -> None:
    finish(runs / "scl-s0", 0.05)
    faster = judge(opened(runs), [])[0]
    assert faster.verdict == "holds"
    assert "embeddings of an epoch that all have were not kept" in faster.measured


def test_the_best_epoch_of_an_unfinished_run_is_by_what_it_stops_on(tmp_path: Path) -> None:
    rows = [{**row, "valid_NDCG@10": value} for row, value in zip(epochs(3), (0.1, 0.3, 0.2), strict=True)]
    run = write_run(tmp_path / "run", embeddings=matrix(0), frequency=counts(), metrics=rows)
    (run / "test.json").unlink()
    assert best_epoch(RunDirectory(run)) == 2
    config = (run / "config.toml").read_text().replace("seed = 0", 'seed = 0\nstop_on = "HR@5"')
    (run / "config.toml").write_text(config)
    assert best_epoch(RunDirectory(run)) == 3
    (run / "config.toml").write_text(config.replace('"HR@5"', '"NDCG@10"\nstop_decimals = 1'))
    rounded = [{**row, "valid_NDCG@10": value} for row, value in zip(rows, (0.26, 0.3, 0.24), strict=True)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rounded))
    assert best_epoch(RunDirectory(run)) == 1
    (run / "metrics.jsonl").write_text('{"epoch": 1}\n')
    assert best_epoch(RunDirectory(run)) is None
    # As `degen.Monitor` writes it.
    (run / "metrics.jsonl").write_text('{"epoch": 1, "best_epoch": 1}\n{"epoch": 2, "best_epoch": 1}\n')
    assert best_epoch(RunDirectory(run)) == 1


def test_a_run_that_recorded_no_uniformity_is_not_judged_by_it(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", embeddings=matrix(0), metrics=[{"epoch": 1}])
    claims = judge({"duorec": RunDirectory(run)}, [])
    assert {claim.verdict for claim in claims} == {"not judged"}


def test_damaged_embeddings_of_an_epoch_cost_the_claims_of_their_run_alone(runs: Path) -> None:
    finish(runs / "scl-s0", 0.05)
    for position, run in enumerate(opened(runs).values()):
        (run.path / "embeddings").mkdir()
        np.save(run.path / "embeddings" / "e002.npy", matrix(position))
    (runs / "scl-s0" / "embeddings" / "e002.npy").write_bytes(b"no array")
    notes: list[str] = []
    claims = judge(opened(runs), notes)
    assert "duorec's uniformity falls while its HR@5 rises" in {claim.claim for claim in claims}
    assert not any("scl" in claim.claim for claim in claims)
    assert notes[0].startswith("no claim about SCL is judged: ")
    assert "e002.npy" in notes[0]
    with pytest.raises(UserError, match=r"e002\.npy"):
        judge(opened(runs), [], strict=True)
