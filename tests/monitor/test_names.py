from __future__ import annotations

import numpy as np
import pytest
import torch

from degen.errors import UserError
from degen.monitor.names import epoch_key, final_key, renamed


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("HR@10", "valid_HR@10"),
        ("hit@10", "valid_HR@10"),
        ("Recall@5", "valid_HR@5"),
        ("HitRate@20", "valid_HR@20"),
        ("hit_rate@20", "valid_HR@20"),
        ("hits@1", "valid_HR@1"),
        ("ndcg_at_10", "valid_NDCG@10"),
        ("NDCG_10", "valid_NDCG@10"),
        ("val_mrr@5", "valid_MRR@5"),
        ("valid/recall@5", "valid_HR@5"),
        ("validation-NDCG@5", "valid_NDCG@5"),
        ("test_hit@10", "test_HR@10"),
        ("precision@10", "precision@10"),
        ("val_loss", "val_loss"),
        ("loss", "loss"),
        ("valid_HR@10", "valid_HR@10"),
        ("train_HR@10", "train_HR@10"),
        ("uniformity", "uniformity"),
    ],
)
def test_ranking_metrics_get_the_keys_of_a_line_and_others_stay(name, key):
    assert epoch_key(name) == key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("test_hit@10", "HR@10"),
        ("recall@5", "HR@5"),
        ("Test NDCG@5", "NDCG@5"),
        ("users", "users"),
        ("valid_recall@5", "valid_recall@5"),
    ],
)
def test_metrics_of_the_test_have_no_split_in_their_keys(name, key):
    assert final_key(name) == key


def test_numbers_may_be_of_any_library_with_one_element():
    values = {"a": np.float32(0.5), "b": torch.tensor(0.25, requires_grad=True), "c": np.array([2.0]), "d": 3}
    numbers = renamed(values, epoch_key)
    assert numbers == {"a": 0.5, "b": 0.25, "c": 2.0, "d": 3}
    assert [type(number) for number in numbers.values()] == [float, float, float, int]


def test_two_names_of_one_metric_are_one_where_they_agree():
    assert renamed({"recall@10": 0.5, "hit@10": 0.5}, epoch_key) == {"valid_HR@10": 0.5}
    with pytest.raises(UserError, match=r"'recall@10' = 0.5 and 'hit@10' = 0.25, which are both valid_HR@10"):
        renamed({"recall@10": 0.5, "hit@10": 0.25}, epoch_key)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), np.float32("-inf"), torch.tensor(float("nan"))]
)
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(UserError, match=r"metrics\['loss'\] is -?(nan|inf); leave out"):
        renamed({"loss": value}, epoch_key)


@pytest.mark.parametrize("value", ["high", None, [0.1, 0.2], np.zeros(2), torch.zeros(2), {}])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(UserError, match=r"metrics\['HR@5'\] is .*; give one number"):
        renamed({"HR@5": value}, epoch_key)


def test_a_key_that_is_no_string_is_refused():
    with pytest.raises(UserError, match=r"key 5; name metrics by strings"):
        renamed({5: 0.1}, epoch_key)
