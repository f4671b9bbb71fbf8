"""A study folder stands for the runs of its plan, each once, and its series are named by what differs."""

from __future__ import annotations

import json

import pytest
from commands import result_of, run
from study_files import PlannedCell, pretend, product, write_study

from degen.embeddings.select import select
from degen.errors import UserError
from degen.runs.choose import select_runs, settings_apart
from degen.runs.directory import collect_runs
from degen.runs.study import is_study, read_plan, study_runs
from degen.variant_names import variant_label

LAMBDA = "objective.lambda"
DROPOUT = ("embedding_dropout", "hidden_dropout", "attention_dropout")


@pytest.fixture
def lam(tmp_path):
    cells = product({"objective.variant": ["duorec", "scl"], LAMBDA: [0.1, 0.02, 0.0]}, seeds=(1, 0))
    control = PlannedCell({"objective.variant": "sasrec"}, control="sasrec", seeds=(0, 1))
    return write_study(tmp_path / "lam", [*cells, control], pretend())


LABELS = [
    *("sasrec", "scl λ 0", "scl λ 0.02", "scl λ 0.1"),
    *("duorec λ 0", "duorec λ 0.02", "duorec λ 0.1"),
]


def test_a_study_is_told_by_its_two_files(lam, tmp_path):
    assert is_study(lam)
    assert not is_study(tmp_path)
    assert not is_study(tmp_path / "nowhere")
    (lam / "study.toml").unlink()
    assert not is_study(lam)


def test_a_plan_is_read_line_by_line(lam):
    first, second, *rest = read_plan(lam)
    assert (first.seed, second.seed, len(rest)) == (1, 0, 12)
    assert first.id == second.id
    assert first.run == lam.parent / "cells" / "toy" / "duorec" / f"{first.id}-s1"
    assert first.axes == {"objective.variant": "duorec", LAMBDA: 0.1}
    assert (first.variant, first.control, rest[-1].control) == ("duorec", None, "sasrec")


@pytest.mark.parametrize("line", ["", "{", "[]", '{"id": "a"}', '{"id": 1, "config": {"objective": {}}}'])
def test_a_damaged_line_of_a_plan_is_named(lam, line):
    lines = (lam / "plan.jsonl").read_text().splitlines()
    (lam / "plan.jsonl").write_text("\n".join([*lines[:2], line, *lines[2:]]))
    with pytest.raises(UserError, match=r"plan\.jsonl line 3 is no line of a plan"):
        read_plan(lam)


def test_a_study_without_runs_names_the_mend(lam):
    plan = (lam / "plan.jsonl").read_text().replace("cells", "elsewhere")
    (lam / "plan.jsonl").write_text(plan)
    with pytest.raises(UserError, match=r"no run of the study .*lam has begun; run the study again"):
        collect_runs([lam])


def test_no_run_is_taken_twice(lam, tmp_path):
    lines = (lam / "plan.jsonl").read_text()
    (lam / "plan.jsonl").write_text(lines + lines.splitlines()[0] + "\n")
    assert len(study_runs(lam)) == 14
    assert len(collect_runs([lam])) == 14
    assert len(collect_runs([lam, tmp_path / "cells", tmp_path])) == 14
    (tmp_path / "link").symlink_to(tmp_path / "cells")
    assert len(collect_runs([tmp_path / "link", lam])) == 14
    other = write_study(tmp_path / "other", product({LAMBDA: [0.1, 0.5]}, settings={}), pretend())
    assert len(collect_runs([lam, other])) == 16


def test_runs_that_other_studies_share_are_those_of_the_plan_only(lam, tmp_path):
    write_study(tmp_path / "tau", product({"objective.temperature": [0.5, 2.0]}), pretend())
    assert len(collect_runs([tmp_path / "cells"])) == 16
    assert {r.config["objective"]["temperature"] for r in collect_runs([lam])} == {1.0}


def test_series_are_named_by_the_axis_and_hold_the_seeds(lam):
    ((name, series),) = select_runs(collect_runs([lam])).items()
    assert name == "toy"
    assert list(series) == LABELS
    assert all([r.seed for r in runs] == [0, 1] for runs in series.values())


def test_analyze_and_compare_have_one_order(lam):
    sources = select([lam]).sources
    assert list(dict.fromkeys(source.name for source in sources)) == LABELS
    assert [source.seed for source in sources] == [0, 1] * 7
    for option in ([], ["--seeds"]):
        rows = result_of("analyze", lam, "--measures", "sigma2_ratio", *option)
        names = list(dict.fromkeys(row["name"].removesuffix("-s0").removesuffix("-s1") for row in rows))
        assert names == [f"toy-{label}" for label in LABELS]


def test_paths_keep_the_order_in_which_they_are_given(lam):
    runs = study_runs(lam)
    assert [source.path for source in select([runs[3], runs[0]]).sources] == [runs[3], runs[0]]


def test_one_name_for_three_equal_rates_of_dropout(tmp_path):
    cells = [PlannedCell({}, {"dropout": rate}) for rate in (0.3, 0.1)]
    out = write_study(tmp_path / "all", cells, pretend())
    assert list(select_runs(collect_runs([out]))["toy"]) == ["duorec dropout=0.1", "duorec dropout=0.3"]
    cells.append(PlannedCell({}, {"dropout": 0.3, "hidden_dropout": 0.1}))
    out = write_study(tmp_path / "some", cells, pretend())
    assert list(select_runs(collect_runs([out]))["toy"]) == [
        "duorec embedding_dropout=0.1, hidden_dropout=0.1",
        "duorec embedding_dropout=0.3, hidden_dropout=0.1",
        "duorec embedding_dropout=0.3, hidden_dropout=0.3",
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("duorec embedding_dropout=0.1, hidden_dropout=0.5", "DuoRec emb. 0.1, hid. 0.5"),
        ("duorec embedding_dropout=0.1", "DuoRec embedding_dropout=0.1"),
        ("duorec λ 0.1, τ 2", "DuoRec λ 0.1, τ 2"),
    ],
    ids=["two rates", "one rate", "symbols"],
)
def test_figures_abbreviate_the_rates_of_dropout_where_settings_are_several(name, label):
    assert variant_label(name) == label


def test_settings_apart_are_those_of_the_names(lam):
    found = settings_apart(collect_runs([lam]))
    assert len(found) == 14
    by_variant: dict[str, set] = {}
    for path, settings in found.items():
        by_variant.setdefault(path.parent.name, set()).add(json.dumps(settings))
    assert by_variant["sasrec"] == {"{}"}
    assert by_variant["duorec"] == {json.dumps({"lambda": value}) for value in (0.0, 0.02, 0.1)}


def test_degen_runs_has_a_column_for_each_key_that_differs(lam):
    rows = result_of("runs", lam)
    differing = [row for row in rows if row["variant"] != "sasrec"]
    assert {row["settings"]["lambda"] for row in differing} == {0, 0.02, 0.1}
    assert not any("settings" in row for row in rows if row["variant"] == "sasrec")
    shown = run("runs", lam).output
    head = next(line for line in shown.splitlines() if "variant" in line)
    assert "λ" in head
    assert sum("0.02" in line for line in shown.splitlines()) == 4
