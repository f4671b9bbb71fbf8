"""Pages from a file of results, and the file of results itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchlib.page import BY_HAND, TEMPLATE, fill_speed, number, render
from benchlib.summary import spread
from run import RESULTS, load, merge, parse

ROOT = Path(__file__).parents[2]
CONDITIONS = {
    "date": "2026-01-02",
    "commit": "abc",
    "cpu": "A CPU",
    "cores": 2,
    "memory_gb": 8.0,
    "threads": 2,
    "load": 0.1,
    "python": "3.12.1",
    "torch": "2.9",
    "numpy": "2.4",
}
RESULT = {
    "train": {
        "conditions": CONDITIONS,
        "rates": {
            "degen SASRec": spread([900.0, 1000.0, 1100.0]),
            "plain loop SASRec": spread([90.0, 100.0, 110.0]),
        },
        "ratios": {"plain loop SASRec": {"degen SASRec": spread([9.5, 10.0, 11.0])}},
        "failures": {},
        "facts": {},
        "evaluation_seconds": {"prototype SASRec": spread([3.0])},
    },
    "peers": {
        "conditions": CONDITIONS,
        "rates": {"RecBole SASRec": spread([50.0])},
        "ratios": {"RecBole SASRec": {"degen SASRec": spread([20.0])}},
        "failures": {"RecTools SASRec": "rectools cannot be installed: no network"},
        "facts": {"RecBole SASRec": {"RecBole": "1.2.1", "torch": "2.9"}, "RecTools SASRec": {}},
    },
    "evaluate": {
        "rates": {"degen SASRec": spread([500.0, 1000.0, 2000.0])},
        "ratios": {},
        "facts": {},
        "users": 3000,
    },
    "memory": {
        "peaks": {
            "degen DuoRec": {"peak_mb": 500.0, "steps": 300},
            "plain loop DuoRec": {"peak_mb": 1250.0, "steps": 30},
        }
    },
    "startup": {"seconds": {"degen --help": spread([0.21, 0.2, 0.25])}},
    "scale": {
        "points": {
            "items/ce/10000": {"seconds": 0.05, "peak_mb": 300.0},
            "items/ce/100000": {"not_run": "more than 2.0 GB"},
        },
        "slopes": {},
    },
    "analyze": {
        "points": {
            "rows/degen/10000": {"seconds": 1.5, "peak_mb": 90.0, "values": {"stable_rank": 2.0}},
            "rows/svd/10000": {"seconds": 0.5, "peak_mb": 80.0, "values": {}, "difference": 3e-8},
            "rows/textbook/10000": {"not_run": "more than 4.0 GB"},
        },
        "slopes": {"rows/degen": {"seconds": 0.9, "peak_mb": 0.8}},
    },
}


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345.6, "12,346"), (100.0, "100"), (9.876, "9.88"), (0.0512, "0.0512"), (10.0, "10")],
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def test_the_page_shows_rates_ratios_versions_and_reasons():
    page = render(RESULT)
    assert "| degen SASRec | **1,000** (900–1,100) | 3 |  |" in page
    assert "| plain loop SASRec | **100** (90–110) | 3 | **10 ×** (9.5–11) |" in page
    assert "| RecBole SASRec | **50** (50–50) | 1 | **20 ×** (20–20) |" in page
    assert "RecBole SASRec: RecBole 1.2.1, torch 2.9." in page
    assert "RecTools SASRec: **not measured**: rectools cannot be installed: no network" in page
    assert "All 3,000 users take degen **3 s** (1.5–6)." in page
    assert "prototype SASRec, by its own account during `train`: **3 s** (3–3)" in page
    assert "| plain loop DuoRec | 1,250 | 30 | 2.5 × |" in page
    assert "| `degen --help` | **0.21** (0.2–0.25) | 3 |" in page
    assert "| step, full softmax, items | 100,000 | not run | more than 2.0 GB |" in page
    assert "| `degen analyze` | 10,000 | 1.5 | 90 |  |" in page
    assert "| `numpy.linalg.svd` | 10,000 | 0.5 | 80 | 3e-08 |" in page
    assert "| NumPy, formula by formula | 10,000 | not run | more than 4.0 GB |  |" in page
    assert "| `degen analyze` | 0.90 | 0.80 |" in page
    assert "| train | 2026-01-02, abc | A CPU, 2 cores, 8.0 GB | 2 | 0.1 |" in page


def test_what_people_wrote_stays_and_what_was_not_measured_is_said(tmp_path):
    template = tmp_path / "page.md"
    template.write_text("# By hand\n\n{{train}}\n\nThe profile, at λ = {.1}.\n", encoding="utf-8")
    assert render({}, template) == "# By hand\n\nNot measured yet.\n\nThe profile, at λ = {.1}.\n"


def test_what_was_found_by_hand_on_one_machine_is_not_said_of_another(tmp_path):
    template = tmp_path / "page.md"
    template.write_text("# By hand\n\n{{train}}\n\n## Profile\n\n80 ms a step.\n", encoding="utf-8")
    assert render({}, template, by_hand=False) == "# By hand\n\nNot measured yet.\n\n"
    assert BY_HAND in TEMPLATE.read_text(encoding="utf-8")


def test_the_block_on_speed_is_written_anew_and_nothing_else():
    text = "before\n<!-- bench: written by run.py -->\nold\n<!-- /bench -->\nafter\n"
    filled = fill_speed(text, RESULT)
    assert filled.startswith("before\n<!-- bench")
    assert filled.endswith("<!-- /bench -->\nafter\n")
    assert "old" not in filled
    assert "| degen SASRec | 1,000 | **10 ×** (9.5–11) | **20 ×** (20–20) | – | – |" in filled
    assert fill_speed(filled, RESULT) == filled


def test_both_pages_say_what_the_file_says():
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    speed = (ROOT / "docs" / "explanation" / "speed.md").read_text(encoding="utf-8")
    assert "<!-- bench: written by run.py -->" in speed
    assert fill_speed(speed, results) == speed
    assert RESULTS.with_suffix(".md").read_text(encoding="utf-8") == render(results, TEMPLATE)


def test_sections_are_merged_into_the_file(tmp_path):
    out = tmp_path / "new" / "bench.json"
    assert load(out) == {}
    merge(out, "train", {"rates": 1})
    merge(out, "peers", {"rates": 2})
    merge(out, "train", {"rates": 3})
    assert load(out) == {"train": {"rates": 3}, "peers": {"rates": 2}}
    assert [path.name for path in out.parent.iterdir()] == ["bench.json"]


def test_a_trial_goes_elsewhere(tmp_path):
    assert parse(["train"]).out == RESULTS
    assert parse(["train", "--quick"]).out.relative_to(ROOT).parts[0] == "runs"
    assert parse(["train", "--quick", "--out", str(tmp_path / "x.json")]).out == tmp_path / "x.json"


@pytest.mark.parametrize("wrong", [["tain"], [], ["train", "--windows", "0"], ["train", "--threads", "none"]])
def test_a_mistake_is_told(wrong, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(wrong)
    assert stop.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        parse(["--help"])
    assert "examples:" in capsys.readouterr().out
