"""Findings open the report: which sides are compared, with whom, and what the page says of it first."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pytest
from hostile_runs import ITEMS, finish, matrix
from run_files import epochs, write_run

from degen.errors import UserError
from degen.reports.contents import Group
from degen.reports.gather import gather
from degen.reports.html import render
from degen.studies.analysis_options import AnalysisOptions
from degen.studies.comparing.compare_paths import compare_paths

QUICK = AnalysisOptions(measures="sigma2_ratio,average_cosine,effective_rank")


def save(path: Path, cone: float, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, matrix(seed, cone))
    return path


def run(folder: Path, variant: str, cone: float, seed: int = 0, dataset: str = "shop") -> Path:
    """A finished run whose rows share a mean of `cone` in each dimension."""
    values = matrix(seed, cone)
    path = write_run(
        folder,
        variant,
        dataset=dataset,
        seed=seed,
        embeddings=values,
        metrics=epochs(3),
        frequency=np.ones(ITEMS),
    )
    finish(path, 0.1)
    return path


def said(group: Group) -> list[str]:
    return [verdict.text for verdict in group.verdicts]


def test_several_files_are_one_section_with_a_verdict(tmp_path: Path) -> None:
    files = [save(tmp_path / "jan.npy", 0.1), save(tmp_path / "feb.npy", 2.0, seed=1)]
    [group] = gather(files, QUICK).groups
    assert group.name == "matrices"
    assert [subject.name for subject in group.subjects] == ["jan", "feb"]
    [text] = said(group)
    assert text.startswith("feb is more collapsed than jan: average cosine ")
    first, second = (subject.analysis for subject in group.subjects)
    assert first is not None
    assert second is not None
    assert f"{first['average_cosine']:.2f} → {second['average_cosine']:.2f}" in text


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    files = [save(tmp_path / month / "items.npy", 0.1, seed) for seed, month in enumerate(("jan", "feb"))]
    [group] = gather(files, QUICK).groups
    assert [subject.name for subject in group.subjects] == ["jan/items.npy", "feb/items.npy"]


def test_files_join_the_runs_of_one_dataset(tmp_path: Path) -> None:
    run(tmp_path / "runs" / "sasrec", "sasrec", 2.0)
    file = save(tmp_path / "mine.npy", 0.1, seed=4)
    [group] = gather([tmp_path / "runs", file], QUICK).groups
    assert (group.name, group.definition) == ("shop", "paper")
    assert [subject.name for subject in group.subjects] == ["SASRec", "mine"]
    assert said(group)[0].startswith("mine is more isotropic than SASRec")


def test_files_beside_runs_of_several_datasets_are_a_section_of_their_own(tmp_path: Path) -> None:
    for dataset in ("shop", "music"):
        run(tmp_path / dataset, "sasrec", 2.0, dataset=dataset)
    file = save(tmp_path / "mine.npy", 0.1)
    groups = gather([tmp_path / "shop", tmp_path / "music", file], QUICK).groups
    assert [group.name for group in groups] == ["mine.npy", "shop", "music"]


def test_seeds_are_the_noise_where_both_sides_have_several(tmp_path: Path) -> None:
    for seed in (1, 2):
        run(tmp_path / f"sasrec-s{seed}", "sasrec", 1.5 + 0.01 * seed, seed)
        run(tmp_path / f"duorec-s{seed}", "duorec", 0.2, seed)
    [group] = gather([tmp_path], QUICK).groups
    [text] = said(group)
    assert "DuoRec is more isotropic than SASRec" in text
    assert "Noise is that between trainings: 2 of SASRec, 2 of DuoRec." in text


def test_the_noise_of_items_is_known_where_the_items_are_the_same(tmp_path: Path) -> None:
    V = matrix(0, 1.0)
    np.save(tmp_path / "a.npy", V)
    # Other rows of the same distribution: nothing that exceeds the noise of items.
    np.save(tmp_path / "b.npy", np.random.default_rng(5).permutation(V) + matrix(7, 0) * 1e-3)
    [group] = gather([tmp_path / "a.npy", tmp_path / "b.npy"], QUICK).groups
    [verdict] = group.verdicts
    assert verdict.outcome == "same"
    assert all(judged.comparison.interval is not None for judged in verdict.measures)
    # Without some of the items it is not.
    np.save(tmp_path / "c.npy", V[:-1])
    [group] = gather([tmp_path / "a.npy", tmp_path / "c.npy"], QUICK).groups
    assert all(judged.comparison.interval is None for judged in group.verdicts[0].measures)


def test_the_verdict_is_that_of_compare_whatever_the_order_of_the_items(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    january = rng.normal(size=(300, 8)) + 0.35
    february = january + rng.normal(size=january.shape) * 0.35
    order = rng.permutation(300)
    for name, values, rows in (("jan", january, range(300)), ("feb", february, order)):
        lines = (f"item{row},{','.join(map(str, values[row].tolist()))}\n" for row in rows)
        (tmp_path / f"{name}.csv").write_text("".join(lines))
    files = [tmp_path / "jan.csv", tmp_path / "feb.csv"]
    [group] = gather(files).groups
    [side] = compare_paths(files).datasets[0].comparisons
    assert said(group) == [side.verdict.text]
    assert "the noise of items" in side.verdict.text
    assert any("share 300 items" in note for note in group.notes)


def test_a_core_measure_without_a_value_is_said_not_to_be_judged(tmp_path: Path) -> None:
    run(tmp_path / "run", "sasrec", 1.0)
    [group] = gather([tmp_path / "run", save(tmp_path / "jan.npy", 0.1)]).groups
    assert "Not judged: average cosine, rare half has no value on both sides." in said(group)[0]


def test_unfinished_runs_have_no_verdict_and_a_note_says_so(tmp_path: Path) -> None:
    run(tmp_path / "sasrec", "sasrec", 2.0)
    (run(tmp_path / "duorec", "duorec", 0.1) / "test.json").unlink()
    [group] = gather([tmp_path], QUICK).groups
    assert said(group) == []
    assert any(note.endswith("unfinished runs are not compared: DuoRec") for note in group.notes)
    assert "Bold marks the most isotropic" not in render(gather([tmp_path], QUICK))


def test_a_dataset_whose_runs_are_all_damaged_is_named_and_the_others_are_reported(tmp_path: Path) -> None:
    run(tmp_path / "a", "sasrec", 2.0)
    damaged = run(tmp_path / "b", "sasrec", 2.0, dataset="music")
    (damaged / "item_embeddings.npy").write_bytes(b"no array")
    report = gather([tmp_path], QUICK)
    assert [group.name for group in report.groups] == ["shop"]
    assert any("left out" in note and str(damaged) in note for note in report.notes)
    assert str(damaged / "item_embeddings.npy") in render(report)
    (tmp_path / "a" / "item_embeddings.npy").write_bytes(b"no array")
    with pytest.raises(UserError, match=r"item_embeddings\.npy is not a readable"):
        gather([tmp_path], QUICK)


def test_a_damaged_embedding_of_another_epoch_costs_its_runs_claims_only(tmp_path: Path) -> None:
    for variant, cone in (("sasrec", 2.0), ("scl", 0.2), ("duorec", 0.1)):
        folder = run(tmp_path / variant, variant, cone)
        (folder / "embeddings").mkdir()
        np.save(folder / "embeddings" / "e003.npy", matrix(0, cone))
    assert gather([tmp_path], QUICK).groups[0].claims
    (tmp_path / "scl" / "embeddings" / "e003.npy").write_bytes(b"no array")
    [group] = gather([tmp_path], QUICK).groups
    assert len(group.subjects) == 3
    assert [claim.claim for claim in group.claims if "scl" in claim.claim] == []
    assert any(claim.verdict == "holds" for claim in group.claims)
    assert group.claim_notes[0].startswith("no claim about SCL is judged: ")


def test_a_finished_run_without_embeddings_is_named(tmp_path: Path) -> None:
    run(tmp_path / "sasrec", "sasrec", 2.0)
    (run(tmp_path / "duorec", "duorec", 0.1) / "item_embeddings.npy").unlink()
    [group] = gather([tmp_path], QUICK).groups
    assert any("for want of item embeddings" in note and "duorec" in note for note in group.notes)


def test_the_page_opens_with_findings_and_ends_with_settings_and_versions(runs: Path) -> None:
    finish(runs / "scl-s0", 0.05)
    page = render(gather([runs]))
    headings = re.findall(r"<h[23][^>]*>([^<]*)<", page)
    assert headings[1:4] == [
        "Core measures",
        "Items on the first two singular directions",
        "The paper's claims, tested on these runs",
    ]
    assert headings[-3:] == ["How to read the measures", "Settings and versions", "Runs and their settings"]
    assert page.index('class="verdict"') < page.index("Core measures")
    [evidence] = re.findall(r'class="verdict"><strong>SCL is[^<]*</strong>: ([^(]*)', page)
    assert re.search(r"σ₂/σ₁ 0\.\d\d\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}0\.\d\d", evidence)
    # A reader sees no code of a sign, no mark of code and no name in the spelling of the command line.
    seen = html.unescape(re.sub(r"<(script|style).*?</\1>|<[^>]+>", "", page, flags=re.DOTALL))
    assert not re.search(r"[\\`]", seen)
    assert "SASRec's singular values fall much faster than SCL's and DuoRec's" in seen
    assert "<code>degen export RUN</code> writes those of a run" in page
    claims = page[page.index("The paper's claims") : page.index("All measures")]
    assert not re.search(r"\b(sasrec|scl|duorec)\b(?!-s0)", claims)
    # What all verdicts say is said once.
    assert page.count("The noise between trainings is unknown") == 1


def test_no_symbol_is_turned_into_a_capital(runs: Path) -> None:
    rows = [{"epoch": epoch, "sigma2_ratio": 0.1 * epoch, "valid_NDCG@10": 0.1} for epoch in (1, 2)]
    write_run(runs / "cl4srec", "cl4srec", dataset="<b>shop & co</b>", metrics=rows)
    page = render(gather([runs], QUICK))
    assert "<figcaption>σ₂/σ₁<" in page
    assert "Σ₂" not in page
    assert "<figcaption>Validation NDCG@10<" in page
    assert "text-transform" not in page
