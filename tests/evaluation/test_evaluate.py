from __future__ import annotations

import math

import numpy as np
import pytest
import reference
import torch

from degen.data.sequences import Samples, Sequences, leave_one_out, training_samples
from degen.errors import UserError
from degen.evaluation.evaluate import representations, split_ranks
from degen.evaluation.ranking import ranking_metrics
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.losses.blocked_softmax import MOST_SCORES

N_ITEMS, MAX_LENGTH = 15, 6


@pytest.fixture
def sequences(rng) -> Sequences:
    lengths = np.array([3, 12, 5, 4, 30, 3, 8])
    items = rng.integers(1, N_ITEMS + 1, size=lengths.sum())
    item_ids, user_ids = ([str(i) for i in range(n)] for n in (N_ITEMS, len(lengths)))
    return Sequences(items, np.concatenate([[0], np.cumsum(lengths)]), item_ids, user_ids)


@pytest.fixture(params=["fast", "plain"])
def encoder(request) -> SequenceEncoder:
    options = {"dim": 8, "feed_forward": 12, "max_length": MAX_LENGTH, "initializer_range": 0.5}
    return SequenceEncoder(N_ITEMS, **options, engine=request.param).double()


def by_hand(sequences: Sequences, held_out: int) -> tuple[list[list[int]], list[int]]:
    """Histories and targets of all users; the target is the last action (held_out 1) or the one before."""
    histories, targets = [], []
    for start, end in zip(sequences.offsets[:-1], sequences.offsets[1:], strict=True):
        actions = sequences.items[start:end].tolist()
        targets.append(actions[-held_out])
        histories.append(actions[:-held_out][-MAX_LENGTH:])
    return histories, targets


def slow_h(encoder: SequenceEncoder, histories):
    weights = {name: value.detach().numpy() for name, value in encoder.named_parameters()}
    return reference.Reference(weights, layers=2, heads=2).encode(histories)


@pytest.mark.parametrize("most_scores", [2**25, 10], ids=["whole", "blocks of items"])
@pytest.mark.parametrize(("split", "held_out"), [("valid", 2), ("test", 1)])
def test_ranks_of_a_split_are_those_of_a_loop_over_users(
    encoder, sequences, split, held_out, most_scores, monkeypatch
):
    monkeypatch.setitem(MOST_SCORES, "cpu", most_scores)
    monkeypatch.setattr("degen.evaluation.evaluate.ITEM_BLOCK", 4)
    histories, targets = by_hand(sequences, held_out)
    V = encoder.item_embeddings.detach().numpy()[1 : N_ITEMS + 1]
    scores = reference.score_items(slow_h(encoder, histories), V)
    expected = [
        float(reference.rank(row.tolist(), target - 1)) for row, target in zip(scores, targets, strict=True)
    ]
    ranks = split_ranks(encoder, leave_one_out(sequences, split, MAX_LENGTH))
    assert ranks.mean.tolist() == expected
    hits = sum(rank <= 5 for rank in expected) / len(expected)
    assert 0 < hits < 1
    assert ranking_metrics(ranks)["HR@5"] == hits


@pytest.mark.parametrize("most_scores", [2**25, 10], ids=["whole", "blocks of items"])
def test_ranks_by_cosines_are_those_of_a_loop_over_users(encoder, sequences, most_scores, monkeypatch):
    monkeypatch.setitem(MOST_SCORES, "cpu", most_scores)
    monkeypatch.setattr("degen.evaluation.evaluate.ITEM_BLOCK", 4)
    with torch.no_grad():
        encoder.item_embeddings[3] *= 100
    histories, targets = by_hand(sequences, held_out=1)
    V = encoder.item_embeddings.detach().numpy()[1 : N_ITEMS + 1]
    scores = reference.score_items(slow_h(encoder, histories), V / np.linalg.norm(V, axis=1, keepdims=True))
    expected = [
        float(reference.rank(row.tolist(), target - 1)) for row, target in zip(scores, targets, strict=True)
    ]
    samples = leave_one_out(sequences, "test", MAX_LENGTH)
    assert split_ranks(encoder, samples, scores="cosine").mean.tolist() == expected
    assert split_ranks(encoder, samples, scores="dot").mean.tolist() != expected


def test_representations_are_in_the_order_of_the_samples(encoder, sequences):
    samples = training_samples(sequences, MAX_LENGTH)
    h = representations(encoder, samples)
    ends = [(int(end), int(length)) for end, length in zip(samples.end, samples.length, strict=True)]
    histories = [samples.items[end - length : end].tolist() for end, length in ends]
    np.testing.assert_allclose(h.numpy(), slow_h(encoder, histories), rtol=0, atol=1e-10)


@pytest.mark.parametrize("block", [1, 3, 2048])
def test_samples_asked_for_in_any_order_share_windows_and_keep_their_h(
    encoder, sequences, rng, monkeypatch, block
):
    monkeypatch.setattr("degen.evaluation.evaluate.ENCODE_BLOCK", block)
    samples = training_samples(sequences, MAX_LENGTH)
    rows = rng.integers(len(samples), size=30)
    ends = [(int(samples.end[row]), int(samples.length[row])) for row in rows]
    histories = [samples.items[end - length : end].tolist() for end, length in ends]
    h = representations(encoder, samples, rows)
    np.testing.assert_allclose(h.numpy(), slow_h(encoder, histories), rtol=0, atol=1e-10)


def test_no_users_have_no_ranks(encoder, sequences):
    whole = leave_one_out(sequences, "test", MAX_LENGTH)
    nobody = Samples(whole.items, whole.end[:0], whole.length[:0])
    assert representations(encoder, nobody).shape == (0, encoder.item_embeddings.shape[1])
    assert len(split_ranks(encoder, nobody)) == 0


def test_evaluation_is_in_single_precision_whatever_the_process_is_set_to(encoder, sequences, monkeypatch):
    found, forward, asked = [], encoder.forward, torch.get_float32_matmul_precision
    monkeypatch.setattr(encoder, "forward", lambda *given: found.append(asked()) or forward(*given))
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        split_ranks(encoder, leave_one_out(sequences, "test", MAX_LENGTH))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert set(found) == {"highest"}


def test_validation_and_test_of_a_user_cost_one_sequence(encoder, sequences, monkeypatch):
    splits = [leave_one_out(sequences, split, MAX_LENGTH) for split in ("valid", "test")]
    both = Samples(
        sequences.items,
        np.concatenate([samples.end for samples in splits]),
        np.concatenate([samples.length for samples in splits]),
    )
    encoded = []
    forward = SequenceEncoder.forward

    def remember(self, items, lengths, *rest):
        encoded.extend(lengths.tolist())
        return forward(self, items, lengths, *rest)

    alone = torch.cat([representations(encoder, samples) for samples in splits])
    monkeypatch.setattr(SequenceEncoder, "forward", remember)
    np.testing.assert_allclose(representations(encoder, both), alone, rtol=0, atol=1e-10)
    # Users of 3, 12, 5, 4, 30, 3 and 8 actions; three of them are longer than the window of 6.
    assert sorted(encoded) == [2, 2, 3, 4, 6, 6, 6, 6, 6, 6]


def test_no_dropout_and_no_gradient_in_evaluation(encoder, sequences):
    samples = leave_one_out(sequences, "test", MAX_LENGTH)
    encoder.train()
    first, second = representations(encoder, samples), representations(encoder, samples)
    assert torch.equal(first, second)
    assert not first.requires_grad


def test_the_size_of_a_block_does_not_matter(encoder, sequences):
    samples = training_samples(sequences, MAX_LENGTH)
    whole = split_ranks(encoder, samples)
    assert len(whole) == len(samples)
    for block in (1, 7, len(samples)):
        assert split_ranks(encoder, samples, score_block=block).mean.tolist() == whole.mean.tolist()


def test_padding_and_mask_are_never_ranked(encoder, sequences):
    samples = leave_one_out(sequences, "test", MAX_LENGTH)
    before = split_ranks(encoder, samples).mean.tolist()
    h = representations(encoder, samples)
    with torch.no_grad():  # would win for the first user; neither occurs in a history
        encoder.item_embeddings[0] = 100 * h[0]
        encoder.item_embeddings[N_ITEMS + 1] = 100 * h[0]
    assert split_ranks(encoder, samples).mean.tolist() == before


def test_items_of_the_history_stay_in_the_ranking(encoder):
    # The target scores lowest by far, so all others rank above it, the three items of its history too.
    ids = [str(i) for i in range(N_ITEMS)]
    samples = leave_one_out(Sequences(np.array([1, 2, 3, 1, 4]), np.array([0, 5]), ids, ["a"]), "test")
    h = representations(encoder, samples)[0]
    with torch.no_grad():
        encoder.item_embeddings[4] = -100 * h
    assert split_ranks(encoder, samples).mean.tolist() == [N_ITEMS]


def test_equal_embeddings_share_their_places(encoder, sequences):
    # A collapsed model: all rows are equal, so every target ranks 8 of 15 on average.
    # With one entry that is no zero every product is exact, whatever the order in which a BLAS adds up.
    with torch.no_grad():
        encoder.item_embeddings[1:] = 0.0
        encoder.item_embeddings[1:, 3] = 2.0
    ranks = split_ranks(encoder, leave_one_out(sequences, "valid", MAX_LENGTH))
    assert ranks.mean.tolist() == [8.0] * 7
    assert ranking_metrics(ranks)["HR@5"] == pytest.approx(5 / 15, abs=1e-15)
    at_mean_rank = ranking_metrics(ranks.counting("half"))
    assert at_mean_rank["NDCG@5"] == 0.0
    assert at_mean_rank["NDCG@10"] == pytest.approx(1 / math.log2(9), abs=1e-15)


def test_a_model_gone_to_nan_is_an_error(encoder, sequences):
    with torch.no_grad():
        encoder.item_embeddings[4] = math.nan
    with pytest.raises(UserError):
        split_ranks(encoder, leave_one_out(sequences, "test", MAX_LENGTH))
