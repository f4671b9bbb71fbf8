from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from degen.studies.claims import (
    GEOMETRY_NOISE,
    Geometry,
    Trained,
    check_claims,
    paired_difference,
    verdict_of,
    weakest,
)

SPREAD, CONE = Geometry(5, 0.35, 0.45), Geometry(5, 0.20, 0.70)

RISING = [
    {"epoch": 1, "uniformity": -0.5, "valid_HR@5": 0.04, "alignment": 0.2},
    {"epoch": 2, "uniformity": -2.5, "valid_HR@5": 0.25, "alignment": 0.6},
]

RANKS = np.tile([1.0, 2.0, 4.0, 30.0], 25)


def trained(variant: str, geometry: Geometry, ranks: np.ndarray = RANKS) -> Trained:
    return Trained(variant, ranks, geometry, geometry, RISING)


@pytest.fixture
def results() -> dict[str, Trained]:
    """As in the paper: cones for sasrec and ucl, a spread for the others; all rank alike."""
    shapes = {"sasrec": CONE, "ucl": Geometry(5, 0.22, 0.66), "scl": SPREAD, "duorec": SPREAD}
    return {name: trained(name, shape) for name, shape in shapes.items()}


def verdict(results: dict[str, Trained], words: str) -> str:
    found = [claim for claim in check_claims(results) if words in claim.claim]
    assert len(found) == 1
    return found[0].verdict


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        (0.3, "holds"),
        (0.1, "within noise"),
        (0.0, "within noise"),
        (-0.1, "within noise"),
        (-0.2, "does not hold"),
    ],
)
def test_a_margin_is_judged_against_the_noise_on_both_sides(margin, expected):
    assert verdict_of(margin, noise=0.1) == expected


def test_the_weakest_verdict_counts():
    assert weakest(["holds", "within noise", "holds"]) == "within noise"
    assert weakest(["within noise", "does not hold"]) == "does not hold"
    assert weakest(["holds"]) == "holds"


def test_the_paired_difference_by_hand():
    # Gains at rank 1, 2, 3 are 1, 1 / log2(3), 1/2; beyond 10 they are 0.
    better, worse = np.array([1.0, 2.0, 11.0, 3.0]), np.array([2.0, 2.0, 12.0, 50.0])
    first = 1 - 1 / math.log2(3)
    differences = [first, 0.0, 0.0, 0.5]
    mean = sum(differences) / 4
    variance = sum((d - mean) ** 2 for d in differences) / 3
    assert paired_difference(better, worse) == pytest.approx((mean, math.sqrt(variance / 4)), abs=1e-15)
    assert paired_difference(worse, better)[0] == pytest.approx(-mean, abs=1e-15)


@pytest.mark.parametrize(("first", "second"), [([1.0, 2.0], [1.0]), ([1.0], [1.0])])
def test_ranks_of_other_users_or_of_one_user_are_refused(first, second):
    with pytest.raises(ValueError, match="same users"):
        paired_difference(np.array(first), np.array(second))


def test_a_variant_that_ranks_better_holds_and_its_opposite_does_not(results):
    results["duorec"] = replace(results["duorec"], ranks=np.maximum(RANKS - 1, 1))
    assert verdict(results, "duorec recommends better than sasrec") == "holds"
    assert verdict(results, "duorec recommends better than scl") == "holds"
    assert verdict(results, "ucl recommends better than sasrec") == "within noise"
    results["duorec"] = replace(results["duorec"], ranks=RANKS + 1)
    assert verdict(results, "duorec recommends better than sasrec") == "does not hold"


def test_a_difference_below_two_standard_errors_is_noise(results):
    # 4 of 100 users gain d = 1 - 1/log2(3): the mean is .04 d, its error sqrt(.04 * .96 / 99) d = .0197 d.
    ranks = RANKS.copy()
    second = np.flatnonzero(ranks == 2)
    ranks[second[:4]] = 1
    results["scl"] = replace(results["scl"], ranks=ranks)
    assert verdict(results, "scl recommends better than ucl") == "holds"
    # 3 of 100: .03 d and .0171 d.
    ranks[second[3]] = 2
    assert verdict(results, "scl recommends better than ucl") == "within noise"


def test_the_figures_of_a_claim_are_those_it_was_judged_by(results):
    results["scl"] = replace(results["scl"], ranks=np.full(100, 1.0))
    claim = next(c for c in check_claims(results) if c.claim.startswith("scl recommends"))
    expected = 1 - (1 + 1 / math.log2(3) + 1 / math.log2(5)) / 4
    assert claim.values["difference"] == pytest.approx(expected, abs=1e-12)
    assert f"{expected:+.4f}" in claim.measured


def test_all_claims_about_geometry_hold_on_the_papers_picture(results):
    assert verdict(results, "much faster") == "holds"
    assert verdict(results, "almost as fast") == "holds"
    assert verdict(results, "rare items") == "holds"


def test_the_claims_about_geometry_fail_where_the_picture_is_reversed(results):
    results["sasrec"] = trained("sasrec", SPREAD)
    results["duorec"] = trained("duorec", CONE)
    assert verdict(results, "much faster") == "does not hold"
    assert verdict(results, "almost as fast") == "does not hold"
    assert verdict(results, "rare items") == "does not hold"


def test_one_of_scl_and_duorec_alone_is_not_enough(results):
    results["scl"] = trained("scl", Geometry(5, 0.15, 0.80))
    assert verdict(results, "much faster") == "does not hold"
    assert verdict(results, "rare items") == "does not hold"


def test_a_margin_below_the_spread_of_seeds_is_noise(results):
    close = Geometry(5, CONE.sigma2_ratio + 0.9 * GEOMETRY_NOISE, CONE.rare_cosine - 0.9 * GEOMETRY_NOISE)
    results["scl"] = trained("scl", close)
    assert verdict(results, "much faster") == "within noise"
    assert verdict(results, "rare items") == "within noise"


@pytest.mark.parametrize(
    ("ucl", "expected"),
    [(0.20, "holds"), (0.25, "holds"), (0.275, "within noise"), (0.30, "does not hold"), (0.10, "holds")],
)
def test_ucl_must_be_nearer_to_sasrec_than_to_the_others(results, ucl, expected):
    # sasrec at .20, the others at .35: the middle is .275.
    results["ucl"] = trained("ucl", Geometry(5, ucl, 0.7))
    assert verdict(results, "almost as fast") == expected


def test_a_picture_that_only_the_best_epochs_show_does_not_hold(results):
    results["duorec"] = replace(results["duorec"], common=Geometry(8, 0.10, 0.90))
    assert verdict(results, "much faster") == "does not hold"
    assert verdict(results, "rare items") == "does not hold"


def test_geometry_is_told_of_both_moments(results):
    results = {name: replace(run, common=Geometry(8, 0.5, 0.1)) for name, run in results.items()}
    claim = next(c for c in check_claims(results) if "much faster" in c.claim)
    assert "best epochs: sasrec 0.200, scl 0.350, duorec 0.350; epoch 8: sasrec 0.500" in claim.measured
    assert "epoch 8: sasrec 0.500" in claim.measured
    assert claim.values["sasrec_best"] == 0.2
    assert claim.values["duorec_common"] == 0.5


def test_uniformity_must_fall_and_the_hit_rate_rise(results):
    words = "uniformity falls"
    assert verdict(results, words) == "holds"
    falling = [RISING[0], {**RISING[1], "valid_HR@5": 0.03}]
    assert verdict({"duorec": replace(results["duorec"], epochs=falling)}, words) == "does not hold"
    assert verdict({"duorec": replace(results["duorec"], epochs=RISING[::-1])}, words) == "does not hold"
    assert verdict({"duorec": replace(results["duorec"], epochs=RISING[:1])}, words) == "does not hold"


def test_alignment_must_rise(results):
    assert verdict(results, "alignment rises") == "holds"
    assert (
        verdict({"duorec": replace(results["duorec"], epochs=RISING[::-1])}, "alignment rises")
        == "does not hold"
    )


def test_only_claims_whose_variants_were_trained_are_checked(results):
    assert check_claims({}) == []
    pair = {name: results[name] for name in ("sasrec", "duorec")}
    assert [claim.claim for claim in check_claims(pair)] == [
        "duorec's uniformity falls while its HR@5 rises",
        "duorec's alignment rises meanwhile",
        "duorec recommends better than sasrec",
    ]
    assert len(check_claims(results)) == 9


def test_a_claim_speaks_of_its_own_variants_only(results):
    claims = {claim.claim: claim for claim in check_claims(results)}
    cone = next(claim for text, claim in claims.items() if "rare items" in text)
    assert set(cone.values) == {
        f"{name}_{at}" for name in ("sasrec", "scl", "duorec") for at in ("best", "common")
    }
    almost = next(claim for text, claim in claims.items() if text.startswith("ucl's"))
    assert almost.values["ucl_best"] == 0.22


def test_without_a_common_epoch_the_best_ones_are_judged_and_that_is_said(results):
    results["scl"] = replace(results["scl"], common=None)
    claim = next(c for c in check_claims(results) if "much faster" in c.claim)
    assert claim.verdict == "holds"
    assert claim.measured.endswith("embeddings of an epoch that all have were not kept")
    assert set(claim.values) == {"sasrec_best", "scl_best", "duorec_best"}


def test_what_was_not_recorded_is_not_judged(results):
    results["duorec"] = replace(results["duorec"], epochs=[{"epoch": 1}], ranks=None)
    judged = {claim.claim: claim for claim in check_claims(results)}
    unknown = [claim for claim in judged.values() if claim.verdict == "not judged"]
    assert [claim.claim for claim in unknown] == [
        "duorec's uniformity falls while its HR@5 rises",
        "duorec's alignment rises meanwhile",
        "duorec recommends better than sasrec",
        "duorec recommends better than scl",
    ]
    assert unknown[2].measured == "the users' ranks of duorec are not known"
    assert unknown[2].values == {}


def test_ranks_of_other_users_are_not_compared(results):
    results["scl"] = replace(results["scl"], ranks=RANKS[:40])
    assert verdict(results, "scl recommends better than ucl") == "not judged"


def test_what_rests_on_an_unfinished_run_has_no_verdict_yet(results):
    whole = {claim.claim: claim for claim in check_claims(results)}
    claims = check_claims({**results, "scl": replace(results["scl"], finished=False)})
    for claim in claims:
        if "scl" in claim.claim:
            assert claim.verdict == "not judged"
            assert claim.measured == f"unfinished: scl; so far {whole[claim.claim].measured}"
        else:
            assert claim == whole[claim.claim]
    assert sum("scl" in claim.claim for claim in claims) == 5
    begun = {"duorec": replace(results["duorec"], finished=False, epochs=())}
    assert [claim.measured for claim in check_claims(begun)] == [
        "unfinished: duorec; uniformity or HR@5 was not recorded",
        "unfinished: duorec; alignment was not recorded",
    ]
