"""The arithmetical test of Table 2, against a linear programme over all rankings, and on real rankings."""

from __future__ import annotations

import numpy as np
import pytest
from commands import result_of, run
from scipy.optimize import linprog

from degen.paper.feasible import ROUNDING, check, check_table2
from degen.paper.published import METRICS, deviations, table2

# Found by other code, written before degen's.
IMPOSSIBLE = {
    "beauty": {"bpr-mf", "gru4rec", "caser", "sasrec"},
    "clothing": {"bpr-mf", "caser", "s3rec-mip"},
    "sports": {"bpr-mf", "caser", "cl4srec"},
    "yelp": {"bpr-mf", "bert4rec", "s3rec-mip", "cl4srec"},
}


def some_ranking_has(metrics, rounding=ROUNDING):
    """Whether shares p₁ … p₁₀ of users at ranks 1 to 10 exist that give the metrics up to the rounding."""
    ranks = np.arange(1, 11)
    gains = 1 / np.log2(ranks + 1)
    within = {"5": ranks <= 5, "10": ranks <= 10}
    rows, limits = [np.ones(10)], [1.0]
    for name in METRICS:
        kind, k = name.split("@")
        row = np.where(within[k], gains if kind == "NDCG" else 1.0, 0.0)
        rows += [row, -row]
        limits += [metrics[name] + rounding, rounding - metrics[name]]
    return linprog(np.zeros(10), A_ub=np.array(rows), b_ub=np.array(limits)).status == 0


def test_fourteen_of_forty_blocks_are_impossible():
    blocks = check_table2()
    found: dict[str, set[str]] = {}
    for block in blocks:
        if not block.possible:
            found.setdefault(block.dataset, set()).add(block.method)
    assert len(blocks) == 40
    assert found == IMPOSSIBLE


def test_verdicts_are_those_of_a_search_over_all_rankings():
    for (dataset, method), metrics in table2().items():
        possible = all(bound.holds for bound in check(metrics))
        assert possible == some_ranking_has(metrics), (dataset, method)


@pytest.mark.parametrize("seed", range(5))
def test_metrics_of_real_rankings_are_possible_when_rounded(seed):
    rng = np.random.default_rng(seed)
    ranks = rng.integers(1, (12, 40, 10, 6, 1000)[seed], size=500)
    metrics = {}
    for k in (5, 10):
        metrics[f"HR@{k}"] = round(float(np.mean(ranks <= k)), 4)
        metrics[f"NDCG@{k}"] = round(float(np.mean(np.where(ranks <= k, 1 / np.log2(ranks + 1), 0))), 4)
    assert all(bound.holds for bound in check(metrics))


@pytest.mark.parametrize(("early", "late"), [(1, 6), (1, 10), (5, 6), (5, 10)])
def test_bounds_are_reached_and_no_wider(early, late):
    """All hits at two ranks: at the edge of what is possible, and impossible a little beyond it."""
    gain = {rank: 1 / np.log2(rank + 1) for rank in (early, late)}
    metrics = {"HR@5": 0.2, "HR@10": 0.5, "NDCG@5": 0.2 * gain[early]}
    metrics["NDCG@10"] = metrics["NDCG@5"] + 0.3 * gain[late]
    assert all(bound.holds for bound in check(metrics, rounding=0))
    beyond = {**metrics, "NDCG@10": metrics["NDCG@10"] + (1e-6 if late == 6 else -1e-6)}
    assert not all(bound.holds for bound in check(beyond, rounding=0))


@pytest.mark.parametrize("share", [0.9, 1.1])
def test_rounding_excuses_as_much_as_it_can_move_both_numbers(share):
    """All hits are at rank 5, where they add least, and NDCG is lower still by what rounding can move."""
    gain = 1 / np.log2(6)
    lower = 0.2 * gain - share * ROUNDING * (1 + gain)
    metrics = {"HR@5": 0.2, "HR@10": 0.2, "NDCG@5": lower, "NDCG@10": lower}
    possible = all(bound.holds for bound in check(metrics))
    assert possible == some_ranking_has(metrics) == (share < 1)


def test_only_yelps_bpr_is_mended_by_a_decimal_point():
    assert {(b.dataset, b.method): b.misprint for b in check_table2() if b.misprint} == {
        ("yelp", "bpr-mf"): "NDCG@5 0.0076 in place of 0.076"
    }


def test_table2_is_whole():
    assert len(table2()) == 40
    assert all(tuple(block) == METRICS for block in table2().values())
    assert table2()["beauty", "sasrec"] == {
        "HR@5": 0.0365,
        "HR@10": 0.0627,
        "NDCG@5": 0.0236,
        "NDCG@10": 0.0281,
    }
    assert deviations()["ml-1m"]["NDCG@10"] == 0.0032


def test_command_names_each_violation_and_explains_the_inequality():
    result = run("paper", "check-table2")
    assert result.exit_code == 0
    assert "14 of 40 blocks" in result.stdout
    assert "(HR@10 − HR@5) / log₂ 11  ≤  NDCG@10 − NDCG@5  ≤  (HR@10 − HR@5) / log₂ 7" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    found = result_of("paper", "check-table2")
    assert (found["impossible"], found["of"]) == (14, 40)
    sasrec = next(b for b in found["blocks"] if (b["dataset"], b["method"]) == ("beauty", "sasrec"))
    assert not sasrec["possible"]
    assert [bound["quantity"] for bound in sasrec["violated"]] == ["NDCG@10 − NDCG@5"]
