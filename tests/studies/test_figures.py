from __future__ import annotations

from pathlib import Path

import pytest
from run_files import write_run

from degen.errors import UserError
from degen.files import file_names
from degen.runs.choose import by_variant, group_runs, one_seed
from degen.runs.directory import RunDirectory, collect_runs
from degen.studies.figure_files import FigureOptions, output_folder


def names(groups: dict[str, list[RunDirectory]]) -> dict[str, list[str]]:
    return {name: [run.path.name for run in runs] for name, runs in groups.items()}


def test_runs_are_grouped_by_dataset(tmp_path: Path) -> None:
    write_run(tmp_path / "beauty" / "scl-s0", "scl", dataset="beauty")
    write_run(tmp_path / "clothing" / "scl-s0", "scl")
    write_run(tmp_path / "clothing" / "scl-s1", "scl", seed=1)
    assert names(group_runs(collect_runs([tmp_path]))) == {
        "beauty": ["scl-s0"],
        "clothing": ["scl-s0", "scl-s1"],
    }


def test_runs_given_twice_are_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path / "runs" / "scl-s0", "scl")
    monkeypatch.chdir(tmp_path)
    assert len(collect_runs([tmp_path, run, Path("runs")])) == 1


def test_a_dataset_with_a_variant_and_seed_twice_is_split_by_folder(tmp_path: Path) -> None:
    write_run(tmp_path / "clothing" / "scl-s0", "scl")
    write_run(tmp_path / "official" / "scl-s0", "scl")
    write_run(tmp_path / "official" / "ucl-s0", "ucl")
    groups = names(group_runs(collect_runs([tmp_path])))
    assert groups == {"clothing": ["scl-s0"], "clothing-official": ["scl-s0", "ucl-s0"]}


def test_the_same_twice_in_one_folder_is_the_users_to_mend(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "scl")
    write_run(tmp_path / "b", "scl")
    with pytest.raises(UserError, match=r"a and .*b are both scl with seed 0 on clothing"):
        group_runs(collect_runs([tmp_path]))


def test_variants_come_in_the_papers_order_and_seeds_rise(tmp_path: Path) -> None:
    for variant, seed in [("duorec", 3), ("mine", 0), ("sasrec", 0), ("duorec", 1)]:
        write_run(tmp_path / f"{variant}-s{seed}", variant, seed=seed)
    found = by_variant(collect_runs([tmp_path]))
    assert {variant: [run.seed for run in runs] for variant, runs in found.items()} == {
        "sasrec": [0],
        "duorec": [1, 3],
        "mine": [0],
    }
    assert list(found) == ["sasrec", "duorec", "mine"]


def test_the_lowest_seed_is_taken_and_said(tmp_path: Path) -> None:
    for seed in (2, 1):
        write_run(tmp_path / f"s{seed}", "scl", seed=seed)
    notes: list[str] = []
    chosen = one_seed(by_variant(collect_runs([tmp_path])), None, notes)
    assert chosen["scl"].seed == 1
    assert notes == ["several seeds (1, 2): drawn is the lowest of each variant"]


def test_a_seed_can_be_asked_for(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "scl", seed=1)
    write_run(tmp_path / "b", "scl", seed=2)
    write_run(tmp_path / "c", "ucl", seed=1)
    variants = by_variant(collect_runs([tmp_path]))
    notes: list[str] = []
    assert {v: run.seed for v, run in one_seed(variants, 2, notes).items()} == {"scl": 2}
    assert notes == ["ucl has no run with seed 2: left out"]
    with pytest.raises(UserError, match="no run of clothing has seed 7; --seed takes 1, 2"):
        one_seed(variants, 7, [])


def test_file_names_are_plain_and_each_once() -> None:
    assert file_names(["a b/c", "ucl+scl", "a-b-c", "ü.x"]) == ["a-b-c", "ucl+scl", "a-b-c-2", "ü.x"]


def test_files_go_under_a_folder_beside_a_file_here_or_where_told(tmp_path: Path) -> None:
    matrix = tmp_path / "v.npy"
    matrix.write_text("")
    assert output_folder([tmp_path], None) == tmp_path / "figures"
    assert output_folder([matrix], None) == tmp_path / "figures"
    assert output_folder([tmp_path, matrix], None) == Path("figures")
    assert output_folder([tmp_path], Path("there")) == Path("there")


def test_width_is_a_column_for_two_panels_and_both_columns_for_more() -> None:
    assert [FigureOptions().inches(count) for count in (1, 2, 3)] == [3.337, 3.337, 7.006]
    assert FigureOptions(width="text").inches(1) == 7.006
    assert FigureOptions(style="slides").inches(6) == 10


@pytest.mark.parametrize("options", [{"width": "wide"}, {"style": "poster"}, {"formats": "jpg"}])
def test_options_are_checked_before_anything_is_read(options: dict[str, str]) -> None:
    with pytest.raises(UserError):
        FigureOptions(**options)
