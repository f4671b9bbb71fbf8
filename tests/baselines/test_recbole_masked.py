"""BERT4Rec and S3Rec of RecBole 1.2.1, where it is installed: the same weights give the same h and losses."""

from __future__ import annotations

from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from parameters import scatter

from degen.model.baselines.bert4rec import Bert4Rec
from degen.model.baselines.s3rec import S3Rec
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.losses.recommendation import double_sigmoid_loss

pytestmark = [
    pytest.mark.skipif(find_spec("recbole") is None, reason="needs RecBole: pip install recbole"),
    pytest.mark.filterwarnings("ignore"),
]

N_ITEMS, DIM, LENGTH = 30, 16, 10
ROWS = [[3], [1, 2, 3, 4, 5], [9, 31, 9], [4, 31, 1, 31, 2, 8, 6, 30, 11, 31], [2, 8, 31]]
SETTINGS = {
    "n_layers": 2,
    "n_heads": 2,
    "hidden_size": DIM,
    "inner_size": 24,
    "hidden_dropout_prob": 0.5,
    "attn_dropout_prob": 0.5,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "initializer_range": 0.02,
    "mask_ratio": 0.2,
    "loss_type": "CE",
    "MAX_ITEM_LIST_LENGTH": LENGTH,
    "device": "cpu",
    "LIST_SUFFIX": "_list",
    "NEG_PREFIX": "neg_",
    "ITEM_ID_FIELD": "item_id",
    "ITEM_LIST_LENGTH_FIELD": "item_length",
    "MASK_ITEM_SEQ": "masked",
    "POS_ITEMS": "positive",
    "NEG_ITEMS": "negative",
    "MASK_INDEX": "index",
    "item_attribute": "class",
    "train_stage": "pretrain",
    "aap_weight": 0.0,
    "mip_weight": 1.0,
    "map_weight": 0.0,
    "sp_weight": 0.0,
}


class Settings(dict):
    """RecBole's configuration as its models read it: a missing key is None."""

    def __missing__(self, key):
        return f"{key.removesuffix('_FIELD').lower()}" if key.endswith("_FIELD") else None


class Dataset:
    """As much of RecBole's dataset as its models ask for; ids count the padding."""

    item_num = N_ITEMS + 1

    def num(self, _field):
        return N_ITEMS + 1

    def get_item_feature(self):
        return SimpleNamespace()


def library(name: str):
    """A model of RecBole in evaluation mode."""
    for alias, kind in {"float_": np.float64, "complex_": np.complex128, "unicode_": np.str_}.items():
        if not hasattr(np, alias):  # names that NumPy 2 took away and RecBole uses
            setattr(np, alias, kind)
    from recbole.model.sequential_recommender import bert4rec, s3rec

    model = {"BERT4Rec": bert4rec.BERT4Rec, "S3Rec": s3rec.S3Rec}[name](Settings(SETTINGS), Dataset())
    return model.eval()


def make(model, **settings):
    encoder = model(
        N_ITEMS,
        dim=DIM,
        layers=2,
        heads=2,
        feed_forward=24,
        max_length=LENGTH,
        **settings,
    )
    scatter(encoder)
    return encoder


@torch.no_grad()
def hand_over(encoder: SequenceEncoder, model) -> None:
    """Copy the weights of the encoder into RecBole's model."""
    model.item_embedding.weight.copy_(encoder.item_embeddings)
    model.position_embedding.weight.copy_(encoder.position_embeddings)
    model.LayerNorm.load_state_dict(encoder.input_norm.state_dict())
    for block, layer in zip(encoder.blocks, model.trm_encoder.layer, strict=True):
        attention, feed = layer.multi_head_attention, layer.feed_forward
        for number, part in enumerate((attention.query, attention.key, attention.value)):
            rows = slice(number * DIM, (number + 1) * DIM)
            part.weight.copy_(block.query_key_value.weight[rows])
            part.bias.copy_(block.query_key_value.bias[rows])
        attention.dense.load_state_dict(block.attention_output.state_dict())
        attention.LayerNorm.load_state_dict(block.attention_norm.state_dict())
        feed.dense_1.load_state_dict(block.feed_forward_in.state_dict())
        feed.dense_2.load_state_dict(block.feed_forward_out.state_dict())
        feed.LayerNorm.load_state_dict(block.feed_forward_norm.state_dict())


def padded(rows) -> torch.Tensor:
    return torch.tensor([row + [0] * (LENGTH - len(row)) for row in rows])


def places(rows) -> list[tuple[int, int]]:
    return [(s, t) for s, row in enumerate(rows) for t in range(len(row))]


def encode(encoder, rows, at) -> torch.Tensor:
    items = torch.tensor([item for row in rows for item in row])
    at = tuple(torch.tensor(at).T)
    return encoder(items, torch.tensor([len(row) for row in rows]), None, at)


def test_bert4rec_has_the_librarys_h_scores_and_loss():
    encoder, model = make(Bert4Rec), library("BERT4Rec")
    hand_over(encoder, model)
    with torch.no_grad():
        model.output_ffn.load_state_dict(encoder.head.linear.state_dict())
        model.output_ln.load_state_dict(encoder.head.norm.state_dict())
        model.output_bias.copy_(encoder.item_bias[:-1])
    every = places(ROWS)
    h = model(padded(ROWS))[tuple(torch.tensor(every).T)]
    np.testing.assert_allclose(encode(encoder, ROWS, every).detach(), h.detach(), rtol=0, atol=1e-5)
    # The loss of the masks, all in one place per row but for the fourth; position 0 never counts there.
    masks = [(s, t) for s, t in every if ROWS[s][t] == N_ITEMS + 1]
    targets = torch.arange(1, len(masks) + 1)
    index, positive = (
        torch.zeros(len(ROWS), 3, dtype=torch.int64),
        torch.zeros(len(ROWS), 3, dtype=torch.int64),
    )
    filled = [0] * len(ROWS)
    for (s, t), target in zip(masks, targets.tolist(), strict=True):
        index[s, filled[s]], positive[s, filled[s]] = t, target
        filled[s] += 1
    batch = {"masked": padded(ROWS), "positive": positive, "negative": positive, "index": index}
    scores = encoder.query(encode(encoder, ROWS, masks)) @ encoder.scored_table()[:-1].T
    loss = torch.nn.functional.cross_entropy(scores, targets)
    assert loss.item() == pytest.approx(model.calculate_loss(batch).item(), rel=1e-5)


def test_bert4rec_represents_a_history_as_the_library_does_but_for_the_item_that_it_drops():
    encoder, model = make(Bert4Rec), library("BERT4Rec")
    hand_over(encoder, model)
    with torch.no_grad():
        model.output_ffn.load_state_dict(encoder.head.linear.state_dict())
        model.output_ln.load_state_dict(encoder.head.norm.state_dict())
    histories = [[3, 7], [1, 2, 3, 4, 5], list(range(11, 21))]
    lengths = torch.tensor([len(history) for history in histories])
    shown = model.reconstruct_test_data(padded(histories), lengths)
    h = model.gather_indexes(model(shown), lengths - 1)
    without_first = [history[1:] for history in histories]
    items = torch.tensor([item for history in without_first for item in history])
    ours = encoder(items, lengths - 1)
    np.testing.assert_allclose(ours.detach(), h.detach(), rtol=0, atol=1e-5)


def test_s3rec_has_the_librarys_h_in_both_stages_and_its_loss_of_masked_items():
    encoder, model = make(S3Rec), library("S3Rec")
    hand_over(encoder, model)
    with torch.no_grad():
        model.mip_norm.load_state_dict(encoder.masked_item.state_dict())
    every = places(ROWS)
    at = tuple(torch.tensor(every).T)
    tuned = model(padded(ROWS), bidirectional=False)[at]
    np.testing.assert_allclose(encode(encoder, ROWS, every).detach(), tuned.detach(), rtol=0, atol=1e-5)
    encoder.bidirectional = True
    trained = model(padded(ROWS))[at]
    mapped = encode(encoder, ROWS, every)
    np.testing.assert_allclose(mapped.detach(), encoder.masked_item(trained).detach(), rtol=0, atol=1e-5)
    masks = [(s, t) for s, t in every if ROWS[s][t] == N_ITEMS + 1]
    targets, negatives = torch.arange(1, len(masks) + 1), torch.arange(11, len(masks) + 11)
    score = [
        model._masked_item_prediction(
            model(padded(ROWS))[tuple(torch.tensor(masks).T)], model.item_embedding(i)
        )
        for i in (targets, negatives)
    ]
    distance = score[0] - score[1]
    expected = model.loss_fct(distance, torch.ones_like(distance)).mean().item()
    loss = double_sigmoid_loss(
        encode(encoder, ROWS, masks), encoder.item_embeddings, targets, negatives[:, None]
    )
    assert loss.item() == pytest.approx(expected, rel=1e-5)
