from __future__ import annotations

import pytest

from degen.errors import UserError
from degen.monitor.best import Best


def best_epochs(scores, best, key="valid_NDCG@10"):
    """The `best_epoch` of each line when lines with these scores (None: without the metric) come in turn."""
    rows = []
    for epoch, score in enumerate(scores, start=1):
        row = {"epoch": epoch} | ({} if score is None else {key: score})
        row["best_epoch"] = best.epoch(row, rows, [])
        rows.append(row)
    return [row["best_epoch"] for row in rows]


def test_the_earliest_of_the_largest_is_the_best():
    assert best_epochs([0.1, 0.3, 0.3, 0.2, 0.4], Best(None, "max")) == [1, 2, 2, 2, 5]


def test_a_loss_is_the_better_the_smaller():
    assert best_epochs([2.0, 1.0, 1.5, 0.5], Best("loss", "min"), "loss") == [1, 2, 2, 4]


def test_without_the_metric_the_latest_epoch_is_kept():
    assert best_epochs([None, None, None], Best(None, "max")) == [1, 2, 3]


def test_epochs_without_validation_are_passed_over_once_there_is_one():
    assert best_epochs([None, 0.2, None, 0.1, 0.3, None], Best(None, "max")) == [1, 2, 2, 2, 5, 5]


def test_where_the_best_epoch_is_taken_back_the_next_becomes_it():
    rows = [
        {"epoch": e, "valid_NDCG@10": s, "best_epoch": b}
        for e, s, b in [(1, 0.5, 1), (2, 0.1, 1), (3, 0.9, 3)]
    ]
    again = {"epoch": 3, "valid_NDCG@10": 0.4}
    # Epoch 3's embeddings had replaced epoch 1's, which are the better ones but gone.
    assert Best(None, "max").epoch(again, rows[:2], rows[2:]) == 3
    # Epoch 2 had replaced nothing.
    again = {"epoch": 2, "valid_NDCG@10": 0.4}
    assert Best(None, "max").epoch(again, rows[:1], rows[1:2]) == 1


def test_a_metric_that_validation_lacks_is_named_with_the_nearest():
    best = Best("valid_NDCG@20", "max")
    with pytest.raises(UserError, match=r"lacks 'valid_NDCG@20'.*did you mean 'valid_NDCG@10'"):
        best.check({"epoch": 1, "valid_NDCG@10": 0.1})
    best.check({"epoch": 1, "loss": 2.0})  # an epoch without validation


def test_another_mode_is_refused():
    with pytest.raises(UserError, match="'max' or 'min', not 'most'"):
        Best(None, "most")
