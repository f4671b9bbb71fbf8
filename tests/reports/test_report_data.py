"""What is gathered: runs as far as they are, measured by the registry, grouped so that like meets like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hostile_runs import ITEMS, counts, item_ids, matrix
from run_files import epochs, write_run

from degen.analysis import MEASURES
from degen.errors import UserError
from degen.reports.gather import gather
from degen.studies.analysis_options import AnalysisOptions


def test_every_run_is_there_in_the_papers_order(runs: Path) -> None:
    [group] = gather([runs]).groups
    assert [subject.name for subject in group.subjects] == ["SASRec", "UCL", "SCL", "DuoRec"]
    assert [subject.place for subject in group.subjects] == ["sasrec-s0", "ucl-s0", "scl-s0", "duorec-s0"]
    assert [subject.about["state"] for subject in group.subjects] == [
        "finished",
        "unfinished",
        "unfinished",
        "finished",
    ]
    assert group.subjects[0].test["NDCG@10"] == 0.04
    assert group.subjects[2].test == {}
    assert group.subjects[1].cloud is None
    assert group.subjects[1].analysis is None


def test_weight_and_temperature_of_the_contrast_are_of_runs_that_contrast(tmp_path: Path) -> None:
    for variant in ("sasrec", "duorec", "cosreg", "of-mine"):
        run = write_run(tmp_path / variant, variant)
        config = (run / "config.toml").read_text()
        settings = "[objective]\ncontrast_weight = 0.1\ntemperature = 0.5\n"
        (run / "config.toml").write_text(config.replace("[objective]\n", settings))
    [group] = gather([tmp_path]).groups
    shown = {subject.variant: (subject.about["λ"], subject.about["τ"]) for subject in group.subjects}
    assert shown == {
        "sasrec": (None, None),
        "cosreg": (None, None),
        "duorec": (0.1, 0.5),
        "of-mine": (0.1, 0.5),
    }


def test_clouds_and_measures_are_those_of_the_embeddings(runs: Path) -> None:
    [group] = gather([runs]).groups
    sasrec = group.subjects[0]
    V = matrix(0, 1.5).astype(np.float64)
    U, s, _ = np.linalg.svd(V, full_matrices=False)
    points = U[:, :2] * s[:2]
    assert sasrec.cloud is not None
    assert sasrec.cloud.coordinates == pytest.approx(points * np.where(points.sum(0) < 0, -1, 1), abs=1e-9)
    assert sasrec.cloud.norms == pytest.approx(np.sqrt((V**2).sum(1)), rel=1e-12)
    assert sasrec.cloud.variance_share == pytest.approx(s[:2] ** 2 / (s**2).sum(), rel=1e-9)
    assert sasrec.cloud.frequency is not None
    assert sasrec.cloud.frequency.tolist() == counts().tolist()
    assert list(sasrec.cloud.ids) == item_ids()
    assert sasrec.singular_values == pytest.approx(s / s[0], rel=1e-9)
    assert sasrec.analysis is not None
    assert sasrec.analysis["sigma2_ratio"] == pytest.approx(s[1] / s[0], rel=1e-9)
    assert set(MEASURES) <= {*sasrec.analysis.values, *sasrec.analysis.reasons}


def test_a_measure_of_the_users_own_is_measured_too(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from degen.analysis import Measure

    own = Measure(
        "rows_of_mine", lambda rows: float(len(rows)), (0, 1e9), "rows", "counted", "O(1)", group="own"
    )
    monkeypatch.setitem(MEASURES, "rows_of_mine", own)
    [group] = gather([runs]).groups
    assert group.subjects[0].analysis is not None
    assert group.subjects[0].analysis["rows_of_mine"] == ITEMS


def test_only_what_is_asked_for_is_measured(runs: Path) -> None:
    [group] = gather([runs], AnalysisOptions(measures="rankme,average_cosine")).groups
    assert group.subjects[0].analysis is not None
    assert {"rankme", "average_cosine"} == set(group.subjects[0].analysis.values)


def test_one_seed_of_a_variant_is_drawn_and_all_are_measured(tmp_path: Path) -> None:
    for seed in (2, 1):
        write_run(tmp_path / f"duorec-s{seed}", seed=seed, embeddings=matrix(seed), metrics=epochs(2))
    [group] = gather([tmp_path]).groups
    assert [subject.name for subject in group.subjects] == ["DuoRec, seed 1", "DuoRec, seed 2"]
    assert [subject.cloud is not None for subject in group.subjects] == [True, False]
    assert all(subject.analysis for subject in group.subjects)
    assert any("several seeds" in note for note in group.notes)


def test_definitions_of_uniformity_are_kept_apart(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "scl", embeddings=matrix(0), metrics=epochs(2))
    write_run(tmp_path / "b", "duorec", embeddings=matrix(1), metrics=epochs(2), definition="official")
    groups = gather([tmp_path]).groups
    assert [(group.name, group.definition) for group in groups] == [
        ("clothing (official definition)", "official"),
        ("clothing (paper definition)", "paper"),
    ]


def test_a_damaged_run_does_not_hide_the_others(runs: Path) -> None:
    (runs / "duorec-s0" / "item_embeddings.npy").write_bytes(b"no array")
    [group] = gather([runs]).groups
    assert "DuoRec" not in [subject.name for subject in group.subjects]
    assert any("left out" in note and "item_embeddings.npy" in note for note in group.notes)


def test_a_run_alone_that_is_damaged_is_a_mistake(runs: Path) -> None:
    (runs / "duorec-s0" / "items.txt").write_text("one\n")
    with pytest.raises(UserError, match=r"has 300 rows, but .*items.txt lists 1 items"):
        gather([runs / "duorec-s0"])


def test_a_matrix_file_has_its_own_group(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", matrix(0))
    np.save(tmp_path / "counts.npy", counts())
    [group] = gather([tmp_path / "vectors.npy"], AnalysisOptions(frequency=tmp_path / "counts.npy")).groups
    [subject] = group.subjects
    assert (group.name, group.definition, subject.name) == ("vectors.npy", None, "vectors")
    assert subject.cloud is not None
    assert subject.cloud.ids[:2] == ["0", "1"]
    assert subject.cloud.frequency is not None
    assert subject.cloud.frequency.tolist() == counts().tolist()


def test_rows_that_are_no_items_are_left_out_of_a_file_and_zeros_are_named(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(31, 4))
    values[0] = 0
    np.save(tmp_path / "m.npy", values)
    [group] = gather([tmp_path / "m.npy"]).groups
    assert group.subjects[0].cloud is not None
    assert group.subjects[0].cloud.ids[0] == "0"
    assert "first row is all zeros" in group.notes[0]
    [group] = gather([tmp_path / "m.npy"], AnalysisOptions(skip_rows="first")).groups
    [subject] = group.subjects
    assert subject.cloud is not None
    assert len(subject.cloud.ids) == 30
    assert subject.analysis is not None
    assert subject.analysis["zero_rows"] == 0
    assert not any("zeros" in note for note in group.notes)


def test_options_about_files_are_refused_where_there_is_none(runs: Path) -> None:
    with pytest.raises(UserError, match="`key` and `skip_rows` are for files"):
        gather([runs], AnalysisOptions(key="weight"))
    with pytest.raises(UserError, match="`frequency` is about matrix files"):
        gather([runs], AnalysisOptions(frequency=runs / "counts.npy"))


def test_progress_counts_every_run(runs: Path) -> None:
    seen: list[tuple[int, int]] = []
    gather([runs], watch=lambda what, done, total: seen.append((done, total)))
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4)]
