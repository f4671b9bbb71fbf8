from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from degen.data.sampling.augment import Augmentations
from degen.data.sampling.histories import Histories
from degen.data.sampling.source import Source
from degen.data.sequences import Sequences, training_samples
from degen.errors import UserError
from degen.model.encoders.dropout import RandomDropout
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.losses.objective import objective
from degen.model.losses.recommendation import recommendation_loss
from degen.model.scores import score_items
from degen.model.variants import VARIANTS, Variant, get_variant, register
from degen.model.views import contrast, encode_views

N_ITEMS = 12

# The paper's table (§4.4.2, §5.3): views besides h, contrasted pairs.
TABLE = {
    "sasrec": ((), ()),
    "cl4srec": (("a1", "a2"), (("a1", "a2"),)),
    "ucl": (("h'",), (("h", "h'"),)),
    "scl": (("hs'",), (("h", "hs'"),)),
    "ucl+scl": (("h'", "hs'"), (("h", "h'"), ("h", "hs'"))),
    "duorec": (("h'", "hs'"), (("h'", "hs'"),)),
}


@pytest.fixture
def source(rng) -> Source:
    lengths = np.array([3, 9, 5, 40, 25])
    items = rng.integers(1, N_ITEMS + 1, size=lengths.sum())
    ids = [str(i) for i in range(N_ITEMS)]
    samples = training_samples(
        Sequences(items, np.concatenate([[0], np.cumsum(lengths)]), ids, list("abcde")), 20
    )
    return Source.build(samples, Augmentations(0.6, 0.3, 0.6, mask_token=N_ITEMS + 1))


def split(histories: Histories) -> list[list[int]]:
    return [part.tolist() for part in np.split(histories.items, np.cumsum(histories.length)[:-1])]


# What each variant declares


def test_the_six_variants_in_the_papers_order():
    assert list(VARIANTS) == list(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_views_and_pairs_are_those_of_the_table(name):
    views, pairs = TABLE[name]
    variant = get_variant(name)
    assert variant.name == name
    assert variant.view_names == views
    assert variant.pairs == pairs
    assert not variant.same_target_negatives  # §4.3.3, for all of them


@pytest.mark.parametrize("name", TABLE)
def test_a_variant_draws_the_views_that_it_declares(name, source, rng):
    rows = np.array([9, 0, 30, 30, 2])
    targets = source.samples.targets
    drawn = VARIANTS[name].draw(source, rows, rng)
    assert tuple(drawn) == ("h", *TABLE[name][0])
    own = split(source.history(rows))
    for view, histories in drawn.items():
        assert len(histories.length) == len(rows)
        for row, history, before in zip(rows, split(histories), own, strict=True):
            if view in ("h", "h'"):
                assert history == before
            elif view == "hs'":
                same = [i for i in range(len(targets)) if targets[i] == targets[row] and i != row] or [row]
                assert history in split(source.history(np.array(same)))
            else:
                assert set(history) <= {*before, N_ITEMS + 1}


def test_the_two_augmentations_of_a_draw_differ_in_kind(source, rng):
    # Drawn together: of two views of one long history at most one is shorter and at most one has masks.
    rows = np.flatnonzero(source.samples.length >= 10)
    drawn = VARIANTS["cl4srec"].draw(source, rows, rng)
    for own, a1, a2 in zip(*(split(drawn[view]) for view in ("h", "a1", "a2")), strict=True):
        assert len(own) == max(len(a1), len(a2))
        assert (N_ITEMS + 1 in a1) + (N_ITEMS + 1 in a2) <= 1


# Names


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("un", "ucl"),
        ("su", "scl"),
        ("us", "ucl+scl"),
        ("us_x", "duorec"),
        ("US_X", "duorec"),
        ("ucl-scl", "ucl+scl"),
        ("ucl_scl", "ucl+scl"),
        ("UCL+SCL", "ucl+scl"),
        ("Ucl_Scl", "ucl+scl"),
        ("SASRec", "sasrec"),
        ("CL4SRec", "cl4srec"),
        ("DuoRec", "duorec"),
    ],
)
def test_other_spellings_and_the_authors_names_in_any_case(typed, name):
    assert get_variant(typed).name == name


@pytest.mark.parametrize(
    ("typed", "close"),
    [("duorek", "duorec"), ("SASREK", "sasrec"), ("cl4rec", "cl4srec"), ("ucl+slc", "ucl+scl")],
)
def test_an_unknown_name_gets_the_nearest(typed, close):
    with pytest.raises(UserError) as error:
        get_variant(typed)
    assert typed in str(error.value)
    assert close in str(error.value)


def test_a_name_like_no_other_gets_all_of_them():
    with pytest.raises(UserError) as error:
        get_variant("zzzzzzzz")
    assert all(name in str(error.value) for name in TABLE)


# One more variant, in one declaration


@pytest.fixture
def seventh():
    def reversed_history(source: Source, rows: np.ndarray, _rng: np.random.Generator) -> Histories:
        own = source.history(rows)
        order = np.lexsort((-own.position, own.sequence))
        return Histories(own.items[order], own.length)

    def squared_distance(first, second, targets, **_settings):
        return (normalize(first) - normalize(second)).pow(2).sum(1).mean()

    variant = register(Variant("reversed", {"r": reversed_history}, (("h", "r"),), loss=squared_distance))
    yield variant
    del VARIANTS["reversed"]


def test_a_seventh_variant_is_one_declaration_and_trains(seventh, source):
    variant, rng, dropout = get_variant("Reversed"), np.random.default_rng(0), RandomDropout(0)
    encoder = SequenceEncoder(N_ITEMS, dim=8, feed_forward=16, max_length=20, embedding_dropout=0.1)
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.01)
    rows = np.arange(16)
    targets = torch.from_numpy(source.samples.targets[rows])

    def step() -> tuple[float, float]:
        encoded = encode_views(encoder, variant.draw(source, rows, rng), dropout)
        rec = recommendation_loss(encoded["h"], encoder.real_item_embeddings(), targets - 1)
        reg = contrast(variant, encoded, targets)
        optimizer.zero_grad()
        objective(rec, reg, 0.5).backward()
        optimizer.step()
        return rec.item(), reg.item()

    history = [step() for _ in range(60)]
    assert history[-1][0] < 0.8 * history[0][0]
    assert 0 < history[-1][1] < history[0][1]
    assert score_items(
        encode_views(encoder, {"h": source.history(rows)})["h"], encoder.real_item_embeddings()
    ).shape == (16, N_ITEMS)


def test_a_loss_and_a_view_of_ones_own_are_what_is_computed(seventh, source, rng):
    rows = np.array([3, 20])
    drawn = seventh.draw(source, rows, rng)
    assert split(drawn["r"]) == [history[::-1] for history in split(drawn["h"])]
    encoded = {"h": torch.tensor([[3.0, 0.0], [0.0, 2.0]]), "r": torch.tensor([[0.0, 9.0], [0.0, 1.0]])}
    assert contrast(seventh, encoded, torch.tensor([1, 2])).item() == pytest.approx((2 + 0) / 2)


def test_a_pair_of_unknown_views_is_refused_when_declared():
    with pytest.raises(ValueError, match="hs'"):
        Variant("wrong", {"h'": Source.history}, (("h'", "hs'"),))


@pytest.mark.parametrize("taken", ["duorec", "us_x", "DuoRec"])
def test_a_name_that_is_taken_is_refused(taken):
    with pytest.raises(ValueError, match=taken):
        register(Variant(taken))
    assert list(VARIANTS) == list(TABLE)


def test_a_name_registered_in_capitals_is_found_again():
    try:
        register(Variant("MyOwn"))
        assert get_variant("MyOwn").name.lower() == "myown"
    finally:
        for name in set(VARIANTS) - set(TABLE):
            del VARIANTS[name]


@pytest.mark.parametrize("name", ["", "../elsewhere", "a b", "all/of/them", ".hidden"])
def test_a_name_that_is_no_folders_name_is_refused(name):
    with pytest.raises(ValueError, match="cannot name a variant"):
        register(Variant(name))
