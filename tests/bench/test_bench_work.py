"""The plain loop computes what degen computes; degen's steps go on over epochs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from plain_loop import LENGTH, Recommender, Training, contrastive_loss, read_log
from train import Steps, make_trainer, windows
from write_log import write

from degen.data.load import load_dataset
from degen.data.sequences import leave_one_out, training_samples
from degen.evaluation.evaluate import split_ranks
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.losses.contrastive import contrastive_loss as degens_contrastive_loss


def same_weights(plain: Recommender, encoder: SequenceEncoder) -> None:
    """Copy degen's weights into the plain loop's model."""
    with torch.no_grad():
        plain.items.weight.copy_(encoder.item_embeddings[:-1])
        plain.positions.weight.copy_(encoder.position_embeddings)
        for layer, block in zip(plain.encoder.layers, encoder.blocks, strict=True):
            layer.self_attn.in_proj_weight.copy_(block.query_key_value.weight)
            layer.self_attn.in_proj_bias.copy_(block.query_key_value.bias)
            for theirs, ours in (
                (layer.self_attn.out_proj, block.attention_output),
                (layer.linear1, block.feed_forward_in),
                (layer.linear2, block.feed_forward_out),
            ):
                theirs.weight.copy_(ours.weight)
                theirs.bias.copy_(ours.bias)


@pytest.fixture
def encoder():
    encoder = SequenceEncoder(40)
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if "norm" not in name:  # large enough that a wrong mask or place shows
                parameter.normal_(0, 0.3, generator=torch.Generator().manual_seed(len(name)))
    return encoder.double()


def test_the_plain_loop_encodes_as_degen_does(encoder, rng):
    lengths = torch.tensor([1, 2, 4, 17, LENGTH])
    histories = torch.zeros(len(lengths), LENGTH, dtype=torch.int64)
    for row, length in enumerate(lengths.tolist()):
        histories[row, :length] = torch.from_numpy(rng.integers(1, 41, size=length))
    plain = Recommender(40, dropout=0.0).double()
    same_weights(plain, encoder)
    ours = encoder(histories[histories > 0], lengths)
    torch.testing.assert_close(plain(histories, lengths), ours, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(plain.scores(ours), ours @ encoder.real_item_embeddings().T)


def test_the_plain_loop_contrasts_as_degen_does(rng):
    first, second = torch.from_numpy(rng.normal(size=(2, 6, 8)))
    targets = torch.tensor([3, 5, 3, 8, 9, 5])
    ours = degens_contrastive_loss(first, second, targets)
    torch.testing.assert_close(contrastive_loss(first, second, targets), ours, rtol=1e-9, atol=1e-9)


@pytest.fixture
def log(tmp_path):
    write("synthetic", tmp_path)
    return tmp_path


def test_the_peers_get_degens_log(log):
    sequences = load_dataset("synthetic").sequences
    users = read_log(log / "log.txt")
    assert np.concatenate(users).tolist() == sequences.items.tolist()
    assert [len(items) for items in users] == sequences.lengths.tolist()
    header, *rows = (log / "log" / "log.inter").read_text().splitlines()
    assert header.split("\t") == ["user_id:token", "item_id:token", "timestamp:float"]
    assert rows[:2] == [f"1\t{users[0][0]}\t0", f"1\t{users[0][1]}\t1"]
    assert len(rows) == len(sequences.items)


def test_the_plain_loop_trains_and_ranks_the_same_samples(log, monkeypatch):
    monkeypatch.setattr("plain_loop.BATCH", 32)
    training = Training(read_log(log / "log.txt"), "duorec")
    sequences = load_dataset("synthetic").sequences
    samples = training_samples(sequences)
    assert training.targets.tolist() == samples.targets.tolist()
    assert training.lengths.tolist() == samples.length.tolist()
    partners = training.partners(training.targets[:50])
    assert training.targets[partners].tolist() == training.targets[:50].tolist()
    before = training.model.items.weight.detach().clone()
    assert training.step() == 32
    assert not torch.equal(before, training.model.items.weight)
    encoder = SequenceEncoder(sequences.n_items)
    same_weights(training.model, encoder)
    for norm in (module for module in training.model.modules() if isinstance(module, torch.nn.LayerNorm)):
        torch.nn.init.ones_(norm.weight)
        torch.nn.init.zeros_(norm.bias)
    ours = split_ranks(encoder, leave_one_out(sequences, "test")).mean[:100]
    theirs = training.evaluate(100).numpy()
    assert (np.abs(ours - theirs) <= 1).mean() > 0.99  # rounding may swap two neighbours


def test_steps_go_on_over_epochs_and_count_samples():
    options = {
        "data": {"dataset": "synthetic", "users": 120, "items": 80},
        "objective": {"variant": "sasrec"},
        "training": {"device": "cpu"},
    }
    trainer, dataset = make_trainer(options)
    steps, n_samples = Steps(trainer), len(training_samples(dataset.sequences))
    counts = [steps() for _ in range(2 * trainer.steps_per_epoch)]
    assert counts[0] == 256
    assert sum(counts) == 2 * n_samples
    assert len(windows(steps, 3, 2, warm_up=1)) == 3
