"""Result pages hold the numbers of the files beside them, and no others."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pages.render import COLLECTED, README, RESULTS, TEMPLATES, pages
from pageslib.collected import NAMES, Collected
from pageslib.epochs import released
from scipy import stats

PAGES = pages()
SETTINGS = {"0.001"}
"""Numbers with decimals that prose may hold: settings, not measurements."""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_what_its_template_gives(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path], (
        "python experiments/pages/render.py writes the pages"
    )


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.md")), ids=lambda path: path.name)
def test_no_measured_number_is_written_by_hand(path: Path) -> None:
    prose = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|`[^`]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    numbers = set(re.findall(r"(?<![\w.])\d+\.\d{2,}", prose)) - SETTINGS
    assert not numbers, f"{path.name} has {sorted(numbers)}: take them from a CSV file"


def table(page: str, first: str) -> dict[str, list[str]]:
    """Return the rows of the first table on a page that has a line with `first`, by their first cells."""
    rows: dict[str, list[str]] = {}
    for line in page[page.index(first) :].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            if rows:
                break
        else:
            rows[cells[0]] = cells[1:]
    return rows


@pytest.mark.parametrize("dataset", ["beauty", "clothing"])
def test_accuracy_is_the_mean_over_seeds_with_its_interval(dataset: str) -> None:
    runs = pd.read_csv(COLLECTED / "table2.csv")
    page = PAGES[RESULTS / "accuracy.md"]
    rows = table(page, f"## {NAMES[dataset]}")
    titles = rows["method"]
    for variant, name in (("sasrec", "SASRec"), ("duorec", "DuoRec")):
        values = runs[(runs.dataset == dataset) & (runs.variant == variant)]["test_NDCG@10"].to_numpy()
        shown = rows[name][titles.index("NDCG@10")]
        assert int(rows[name][0]) == len(values)
        expected = f"{values.mean():.4f}"
        if len(values) > 1:
            half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
            expected += f" ± {half:.4f}"
        assert shown == expected


def test_differences_are_paired_by_seed(tmp_path: Path) -> None:
    rows = [
        ("duorec", 2, 0.5),
        ("sasrec", 0, 0.1),
        ("sasrec", 2, 0.2),
        ("duorec", 0, 0.3),
        ("sasrec", 1, 9.0),
    ]
    frame = pd.DataFrame(rows, columns=["variant", "seed", "test_NDCG@10"])
    frame.assign(dataset="beauty", cell="c", control="").to_csv(tmp_path / "table2.csv", index=False)
    # 0.3 and 0.2: mean 0.25, half of the interval t(1) · 0.0707 / √2
    found = Collected(tmp_path).difference("table2", "beauty", "duorec", "sasrec", "test_NDCG@10")
    assert found == f"+0.2500 ± {12.7062 * 0.05:.4f}"
    told = Collected(tmp_path).told(["beauty"], "duorec", "sasrec", "test_NDCG@10")
    assert told == f"not told apart on Beauty ({found}, n = 2)"


@pytest.mark.parametrize(("spread", "word"), [(0.001, "lower"), (-0.001, "lower"), (0.1, "not told apart")])
def test_a_sign_is_told_where_the_interval_leaves_out_zero(tmp_path: Path, spread: float, word: str) -> None:
    rows = [("duorec", 0, 0.1 + spread), ("duorec", 1, 0.1), ("sasrec", 0, 0.2), ("sasrec", 1, 0.2)]
    frame = pd.DataFrame(rows, columns=["variant", "seed", "test_NDCG@10"])
    frame.assign(dataset="beauty", cell="c", control="").to_csv(tmp_path / "table2.csv", index=False)
    assert Collected(tmp_path).told(["beauty"], "duorec", "sasrec", "test_NDCG@10").startswith(word)


def lines(*scores: float) -> list[dict[str, float]]:
    return [{"epoch": epoch, "valid_MRR@10": score} for epoch, score in enumerate(scores, 1)]


def test_the_released_rule_waits_for_eleven_epochs_at_four_decimals() -> None:
    best, stopped = released(lines(0.1, 0.2, *[0.20004] * 11, 0.9))
    assert (best["epoch"], stopped) == (2, 13)
    best, stopped = released(lines(0.1, 0.2, *[0.2] * 9, 0.2001, 0.1))
    assert (best["epoch"], stopped) == (12, None)
    best, stopped = released(lines(*np.linspace(0.1, 0.2, 60)))
    assert (best["epoch"], stopped) == (50, 50)


HAND = {
    "mechanism.md": ["mechanism.csv", "mechanism-test.csv"],
    "mechanism-eq3.md": ["mechanism-eq3.csv"],
    "cures.md": ["cures.csv"],
}
"""Pages that scripts of their own write, with the files of their numbers."""


@pytest.mark.parametrize("page", HAND)
def test_numbers_in_tables_are_those_of_the_file_beside_them(page: str) -> None:
    frames = [pd.read_csv(RESULTS / name) for name in HAND[page]]
    errors = [2 * frame[name] for frame in frames for name in frame if name.endswith("_se")]
    columns = [frame[name] for frame in frames for name in frame.select_dtypes("number")]
    known = np.abs(pd.concat([*columns, *errors]).dropna().unique())
    text = (RESULTS / page).read_text(encoding="utf-8")
    shown = {
        number
        for line in text.splitlines()
        if line.startswith("|")
        for number in re.findall(r"(?<![\w.])\d+\.\d{2,}", line)
    }
    assert len(shown) > 20
    missing = [number for number in shown if np.abs(known - float(number)).min() > 1.001 * rounding(number)]
    assert not missing, f"{page} has numbers that {HAND[page]} lacks: {missing[:5]}"


def rounding(number: str) -> float:
    """Return by how much a printed number may be off: half of its last place."""
    return 0.5 * 10.0 ** -len(number.partition(".")[2])


def test_the_readme_has_the_marks_of_its_results() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count("<!-- results -->") == text.count("<!-- /results -->") == 1
