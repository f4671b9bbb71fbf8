from __future__ import annotations

from pathlib import Path

import pytest
from run_files import write_run

from degen.errors import UserError
from degen.files.writing import file_names
from degen.plots.svd_figure import SvdPanel
from degen.runs.choose import by_variant, group_runs, one_seed, select_runs
from degen.runs.directory import RunDirectory, collect_runs
from degen.studies import svd
from degen.studies.figure_files import FigureFiles, FigureOptions, each_bounded, joined, output_folder
from degen.variant_names import variant_label


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


def series(path: Path) -> dict[str, list[str]]:
    [(name, found)] = select_runs(collect_runs([path])).items()
    assert name == "clothing"
    return names(found)


def set_keys(run: Path, group: str, text: str) -> None:
    config = (run / "config.toml").read_text()
    (run / "config.toml").write_text(config.replace(f"[{group}]\n", f"[{group}]\n{text}\n"))


def test_copies_in_one_folder_are_told_apart_by_their_own_names(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "scl")
    write_run(tmp_path / "b", "scl")
    write_run(tmp_path / "c", "ucl")
    assert series(tmp_path) == {"ucl": ["c"], "scl in a": ["a"], "scl in b": ["b"]}


def test_settings_that_differ_name_the_series_and_seeds_repeat_them(tmp_path: Path) -> None:
    for weight in (0.1, 0.02, 10.0):
        for seed in (0, 1):
            run = write_run(tmp_path / f"{weight}-{seed}", seed=seed)
            set_keys(run, "objective", f"contrast_weight = {weight}")
    write_run(tmp_path / "sasrec", "sasrec")
    assert series(tmp_path) == {
        "sasrec": ["sasrec"],
        "duorec λ 0.02": ["0.02-0", "0.02-1"],
        "duorec λ 0.1": ["0.1-0", "0.1-1"],
        "duorec λ 10": ["10.0-0", "10.0-1"],
    }
    assert [variant_label(name) for name in ("duorec λ 0.02", "ucl+scl", "mine λ 1")] == [
        "DuoRec λ 0.02",
        "UCL+SCL",
        "mine λ 1",
    ]


def test_seeds_that_do_not_meet_are_parted_by_their_settings_all_the_same(tmp_path: Path) -> None:
    for seed, weight in enumerate((0.1, 0.02)):
        set_keys(write_run(tmp_path / str(seed), seed=seed), "objective", f"contrast_weight = {weight}")
    assert series(tmp_path) == {"duorec λ 0.02": ["1"], "duorec λ 0.1": ["0"]}


def test_a_key_that_is_not_there_has_its_default(tmp_path: Path) -> None:
    write_run(tmp_path / "a")
    set_keys(write_run(tmp_path / "b", seed=1), "objective", "temperature = 1.0")
    set_keys(write_run(tmp_path / "c", seed=1), "training", 'item_optimizer = "sgd"')
    assert series(tmp_path) == {"duorec item_optimizer=adam": ["a", "b"], "duorec item_optimizer=sgd": ["c"]}


def test_what_changes_with_a_named_setting_is_not_named(tmp_path: Path) -> None:
    write_run(tmp_path / "a")
    run = write_run(tmp_path / "b", definition="official")
    set_keys(run, "objective", 'recipe = "official"\nreduction = "mean"')
    assert series(tmp_path) == {"duorec recipe=official": ["b"], "duorec recipe=paper": ["a"]}


def test_how_long_and_on_what_a_run_trained_names_it_only_beside_a_twin(tmp_path: Path) -> None:
    write_run(tmp_path / "a")
    set_keys(write_run(tmp_path / "b", seed=1), "training", "epochs = 3")
    assert series(tmp_path) == {"duorec": ["a", "b"]}
    set_keys(write_run(tmp_path / "c", seed=1), "training", "epochs = 20")
    assert series(tmp_path) == {
        "duorec epochs=3": ["b"],
        "duorec epochs=20": ["c"],
        "duorec epochs=100": ["a"],
    }


def test_logs_that_differ_are_told_apart_where_nothing_else_does(tmp_path: Path) -> None:
    for name in ("a" * 64, "b" * 64):
        set_keys(write_run(tmp_path / name), "data", f'fingerprint = "{name}"')
    assert list(series(tmp_path)) == ["duorec fingerprint=aaaaaaaa", "duorec fingerprint=bbbbbbbb"]


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
    with pytest.raises(UserError, match="no run of clothing has seed 7; `seed` takes 1, 2"):
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


LONG = "embeddings-of-the-production-model-for-the-storefront-of-{}-2025-version-12"


def test_long_names_of_files_keep_what_differs_and_another_selection_has_another_name() -> None:
    months = [LONG.format(month) for month in ("january", "february", "march")]
    jan_feb, jan_mar = joined(months[:2]), joined([months[0], months[2]])
    assert len(jan_feb) <= 100
    assert len({jan_feb, jan_mar, joined(months[1::-1])}) == 3
    assert jan_feb == joined(months[:2])
    assert "january" in jan_feb
    assert "february" in jan_feb
    columns = each_bounded(months, 60)
    assert len(set(columns)) == 3
    assert all(len(name) <= 60 and name.endswith("version-12") for name in columns)
    assert not any(name.startswith(".") for name in [jan_feb, *columns])


def test_no_two_names_become_alike_by_what_they_lose() -> None:
    names = ["embeddings-" + "x" * 40, "embeddings-embeddings-" + "x" * 40]
    assert len(set(each_bounded(names, 55))) == 2


def test_clouds_of_many_sides_are_called_by_what_was_drawn_and_by_side(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(svd, "_panel", lambda *_: SvdPanel("side", None))
    monkeypatch.setattr(svd, "_figure", lambda stem, *_: FigureFiles([stem]))
    sides = {str(side): {0: None} for side in range(13)}
    found = svd.draw_clouds(tmp_path / "svd-beauty-s1", sides, FigureOptions())
    assert [stem.name for stem in found.files] == [f"svd-beauty-s1-{side}" for side in range(13)]
    assert found.notes == ["13 matrices, more than 12: a figure for each"]
