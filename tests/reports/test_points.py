"""Clouds as the script gets them: decoded here, they are the coordinates to 16 bits, by rising frequency."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from degen.reports.contents import Cloud, Group, Subject
from degen.reports.packed_points import beyond, limits_of, pack

PLENTY = 10**9


def cloud(n: int, seed: int = 0, frequency: np.ndarray | None = None, prefix: str = "item") -> Cloud:
    rng = np.random.default_rng(seed)
    ids = [f"{prefix} {row}" for row in range(n)]
    return Cloud(ids, rng.normal(size=(n, 2)) * [3, 1], rng.random(n) + 0.5, (0.4, 0.1), frequency)


def group(*clouds: Cloud) -> Group:
    subjects = [
        Subject(f"run {k}", None, Path(f"{k}.npy"), f"{k}.npy", {}, cloud=one) for k, one in enumerate(clouds)
    ]
    return Group("group", None, subjects)


def numbers(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<u2").astype(float)


def test_coordinates_and_norms_come_back_to_16_bits() -> None:
    frequency = np.random.default_rng(1).integers(1, 40, size=500)
    one = cloud(500, frequency=frequency)
    [packed] = pack([group(one)], PLENTY)
    [panel], [catalogue] = packed["panels"], packed["catalogues"]
    x0, x1, y0, y1 = packed["limits"]
    order = np.argsort(frequency, kind="stable")
    x = x0 + numbers(panel["x"]) / 65535 * (x1 - x0)
    y = y0 + numbers(panel["y"]) / 65535 * (y1 - y0)
    assert np.abs(x - one.coordinates[order, 0]).max() <= (x1 - x0) / 65535
    assert np.abs(y - one.coordinates[order, 1]).max() <= (y1 - y0) / 65535
    norm = numbers(panel["norm"]) / 65535 * panel["longest"]
    assert np.abs(norm - one.norms[order]).max() <= panel["longest"] / 65535
    assert catalogue["ids"] == [one.ids[row] for row in order]
    spread = [value for value, count in catalogue["counts"] for _ in range(count)]
    assert spread == frequency[order].tolist()
    assert catalogue["of"] == 500
    assert panel["name"] == "run 0"


def test_unseen_items_do_not_set_the_limits_and_stand_at_the_edge() -> None:
    frequency = np.arange(200) // 2  # two items never occur
    one = cloud(200, frequency=frequency)
    one.coordinates[0], one.coordinates[1] = (90.0, -0.5), (0.0, 0.0)
    [packed] = pack([group(one)], PLENTY)
    x0, x1, _, _ = packed["limits"]
    assert x1 < 20
    [panel] = packed["panels"]
    assert sorted(numbers(panel["x"])[:2]) == [pytest.approx(65535 * -x0 / (x1 - x0), abs=1), 65535]
    assert beyond(one, limits_of([one])) == "1 unseen item lies beyond the edge, around (90.00, -0.50)"
    one.coordinates[1] = (110.0, 0.5)
    assert beyond(one, limits_of([one])) == "2 unseen items lie beyond the edge, around (100.00, 0.00)"
    seen = cloud(200, frequency=frequency + 1)
    assert beyond(seen, limits_of([seen])) == ""


def test_ids_are_written_once_for_clouds_of_the_same_items() -> None:
    frequency = np.arange(20)
    [packed] = pack(
        [group(cloud(20, 0, frequency), cloud(20, 1, frequency), cloud(20, 2, frequency[::-1]))], PLENTY
    )
    assert [panel["catalogue"] for panel in packed["panels"]] == [0, 0, 1]
    assert len(packed["catalogues"]) == 2


def test_without_frequencies_rows_keep_their_order() -> None:
    [packed] = pack([group(cloud(9))], PLENTY)
    assert packed["catalogues"][0]["counts"] is None
    assert packed["catalogues"][0]["ids"] == [f"item {row}" for row in range(9)]


def test_a_group_without_clouds_has_no_panel() -> None:
    [packed] = pack([group()], PLENTY)
    assert packed["panels"] == []


def test_more_items_than_the_budget_has_room_for_are_sampled_and_counted() -> None:
    frequency = np.random.default_rng(0).zipf(1.6, size=6000).clip(max=500)
    groups = [group(*(cloud(6000, seed, frequency) for seed in range(6))), group(cloud(3000))]
    whole, budget = pack(groups, PLENTY), 150_000
    assert len(json.dumps(whole)) > 2 * budget
    packed = pack(groups, budget)
    assert len(json.dumps(packed)) < 1.1 * budget
    shown, of = len(packed[0]["catalogues"][0]["ids"]), packed[0]["catalogues"][0]["of"]
    assert of == 6000
    assert shown / of == pytest.approx(len(packed[1]["catalogues"][0]["ids"]) / 3000, abs=0.01)
