"""The ways to move the item embeddings: by blocks as Adam on a dense gradient, lazily as SparseAdam."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_runs
import torch

from degen.config.schema import TrainingConfig
from degen.config.settle import by_group, settle
from degen.errors import UserError
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.losses.blocked_softmax import MOST_SCORES
from degen.training.loop import train
from degen.training.optimizer import BLOCK_SCORES, ItemAdam, item_block
from degen.training.run import Interrupted, Progress
from degen.training.trainer import Trainer

CPU = torch.device("cpu")
# The biases of the keys have no gradient but rounding, which an epsilon near 0 would blow up to whole steps.
EPS = {"adam_eps": 1e-4}
SIX = ("sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec")


@pytest.fixture
def trainer(log, dataset):
    def make(variant: str = "duorec", **settings: object) -> Trainer:
        config = tiny_runs.tiny_config(log, variant=variant, initializer_range=0.3, **EPS, **settings)
        made = Trainer(config, dataset, CPU)
        made.encoder.double()
        return made

    return make


def after(made: Trainer, steps: int = 6) -> dict[str, torch.Tensor]:
    """Weights and moments after some steps, and the last step's losses."""
    epoch = made.epoch(1)
    for _ in range(steps):
        epoch.step()
    state = made.optimizer.state_dict()["state"]
    moments = {f"{i}.{name}": value for i, values in state.items() for name, value in values.items()}
    losses = {name: torch.tensor(value) for name, value in epoch.mean_losses().items()}
    return {**made.encoder.state_dict(), **moments, **losses}


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name].double(), value.double(), rtol=0, atol=1e-10, msg=name)


# By blocks: the very same steps


@pytest.mark.parametrize("block", [1, 3, 11, 21, 22, 500])
@pytest.mark.parametrize("settings", [{}, {"weight_decay": 0.1}, {"recipe": "official"}], ids=str)
def test_steps_by_blocks_are_adams_on_the_dense_gradient(trainer, block, settings):
    assert_same(after(trainer(item_block=block, **settings)), after(trainer(**settings)))


@pytest.mark.parametrize("variant", SIX)
@pytest.mark.parametrize("batch_by", ["samples", "users"])
def test_every_variant_takes_them(trainer, variant, batch_by):
    settings = {"variant": variant, "batch_by": batch_by, "batch_size": 9, "dropout": 0.3}
    assert_same(after(trainer(item_block=4, **settings), 3), after(trainer(**settings), 3))


@pytest.mark.parametrize("engine", ["fast", "plain"])
@pytest.mark.parametrize(
    "loss", [{"rec_loss": "bce"}, {"rec_loss": "bpr"}, {"rec_loss": "sampled", "sampling": "uniform"}]
)
def test_losses_with_sampled_negatives_take_them_too(trainer, engine, loss):
    settings = {**loss, "engine": engine, "negatives": 3, "weight_decay": 0.05}
    assert_same(after(trainer(item_block=4, **settings)), after(trainer(**settings)))


def test_steps_by_blocks_in_single_precision_stay_within_rounding(log, dataset):
    made = [
        Trainer(tiny_runs.tiny_config(log, initializer_range=0.3, item_block=block), dataset, CPU)
        for block in (None, 3)
    ]
    whole, blocked = (after(one, 1) for one in made)
    assert blocked["recommendation_loss"].item() == pytest.approx(
        whole["recommendation_loss"].item(), rel=1e-5
    )
    moment = whole["0.exp_avg"]  # the gradient, times 1 - β₁
    assert (blocked["0.exp_avg"] - moment).abs().max() <= 1e-4 * moment.abs().max()


def test_gradients_of_a_step_that_was_not_taken_are_forgotten(trainer):
    first, second = trainer(item_block=3), trainer(item_block=3)
    torch.autograd.backward(first.epoch(7).losses(np.arange(20))[0])
    assert_same(after(first, 2), after(second, 2))


def test_blocks_and_dense_steps_can_follow_on_each_other(trainer):
    whole, mixed = trainer(), trainer()
    expected = [after(whole, 3), after(whole, 3)][1]
    after(mixed, 3)
    other = trainer(item_block=5)
    other.encoder.load_state_dict(mixed.encoder.state_dict())
    other.optimizer.load_state_dict(mixed.optimizer.state_dict())
    assert_same(after(other, 3), expected)


# When there are blocks


def settings(**keys) -> TrainingConfig:
    return settle(options=by_group(keys)).training


def test_blocks_come_with_large_catalogues_and_when_asked_for():
    for device in (torch.device("cpu"), torch.device("cuda")):
        most, block = MOST_SCORES[device.type], BLOCK_SCORES[device.type]
        assert item_block(settings(), 12_101, 256, device) is None  # Beauty
        assert item_block(settings(), most // 256, 256, device) is None
        assert item_block(settings(), most // 256 + 1, 256, device) == block // 256
        assert item_block(settings(), 10**9, 2 * block, device) == 1
        assert item_block(settings(item_block=7), 10, 1, device) == 7
        assert item_block(settings(item_block=0), 10**9, 256, device) is None


def test_a_small_catalogue_is_trained_with_pytorchs_adam(trainer):
    made = trainer()
    assert type(made.optimizer) is torch.optim.Adam
    assert made.softmax is None
    assert not made.encoder.sparse_items


def test_rows_that_a_batch_scores_are_counted_in_samples(trainer):
    # A row of `--batch-by users` holds several samples, each with scores of its own.
    for way, rows in (("samples", 10), ("users", 10 * 145 // 42)):
        made = trainer(batch_by=way, batch_size=10)
        samples = len(made.source.samples)
        assert 10 * samples // len(made.batching) == pytest.approx(rows, rel=0.5)


# Lazily


def lazy(n=6, d=3, **keys):
    """An encoder's table of n rows with a lazy optimiser, and the same table under SparseAdam."""
    encoder = SequenceEncoder(n - 2, dim=d, heads=1, feed_forward=4, max_length=3).double()
    copy = torch.nn.Parameter(encoder.item_embeddings.detach().clone())
    return encoder.item_embeddings, ItemAdam(encoder, None, None, **keys), copy


def sparse(rows, values, like):
    return torch.sparse_coo_tensor(rows[None], values, like.shape, check_invariants=True)


def test_lazy_steps_are_sparse_adams():
    V, optimizer, copy = lazy(lr=0.01, eps=1e-30)
    slow = torch.optim.SparseAdam([copy], lr=0.01, eps=1e-30)
    rng = np.random.default_rng(0)
    for _ in range(12):
        rows = torch.from_numpy(rng.integers(0, 6, size=4))  # with repetitions
        values = torch.from_numpy(rng.normal(size=(4, 3)))
        for parameter in (V, copy):
            parameter.grad = sparse(rows, values, V)
        optimizer.step()
        slow.step()
        optimizer.zero_grad()
        torch.testing.assert_close(V, copy, rtol=0, atol=1e-10)
    for name in ("exp_avg", "exp_avg_sq"):
        torch.testing.assert_close(optimizer.state[V][name], slow.state[copy][name], rtol=0, atol=1e-10)


def test_lazy_steps_that_touch_all_rows_are_adams():
    V, optimizer, copy = lazy(lr=0.01, eps=1e-3, weight_decay=0.1)
    dense = torch.optim.Adam([copy], lr=0.01, eps=1e-3, weight_decay=0.1)
    rng = np.random.default_rng(0)
    for _ in range(5):
        copy.grad = torch.from_numpy(rng.normal(size=(6, 3)))
        V.grad = copy.grad.to_sparse(1)
        optimizer.step()
        dense.step()
    torch.testing.assert_close(V, copy, rtol=0, atol=1e-12)


def test_a_lazy_row_by_hand():
    # Gradient 1 at steps 1 and 3, none at step 2: moments see two gradients, the corrections three steps.
    V, optimizer, _ = lazy(lr=0.1, betas=(0.9, 0.99), eps=0.0)
    start = V.detach().clone()
    moved = []
    for touched in (True, False, True):
        rows = torch.tensor([2] if touched else [], dtype=torch.int64)
        V.grad = sparse(rows, torch.ones(len(rows), 3).double(), V)
        before = V.detach().clone()
        optimizer.step()
        moved.append(float((before - V)[2, 0].detach()))
    assert moved[0] == pytest.approx(0.1)
    assert moved[1] == 0
    first, second = 0.9 * 0.1 + 0.1, 0.99 * 0.01 + 0.01
    assert moved[2] == pytest.approx(0.1 * (first / (1 - 0.9**3)) / (second / (1 - 0.99**3)) ** 0.5)
    assert torch.equal(V[[0, 1, 3, 4, 5]], start[[0, 1, 3, 4, 5]])


@pytest.mark.parametrize("engine", ["fast", "plain"])
@pytest.mark.parametrize(
    "loss",
    [
        {"rec_loss": "sampled"},
        {"rec_loss": "sampled", "sampling": "uniform", "negatives": 3},
        {"rec_loss": "bce"},
        {"rec_loss": "bpr", "negatives": 2},
    ],
    ids=str,
)
def test_only_what_a_batch_touches_moves(trainer, monkeypatch, engine, loss):
    made = trainer("sasrec", engine=engine, item_updates="lazy", batch_size=2, dropout=0.0, **loss)
    drawn = []
    draw = made.negatives.draw
    monkeypatch.setattr(made.negatives, "draw", lambda *given: drawn.append(draw(*given)) or drawn[-1])
    before = made.encoder.item_embeddings.detach().clone()
    epoch = made.epoch(1)
    (rows,) = [next(made.epoch(1).batches)]
    epoch.step()
    samples = made.source.samples
    touched = {*samples.histories(rows)[0].tolist(), *samples.targets[rows].tolist()}
    touched |= set(drawn[0].items.flatten().tolist())
    moved = set(torch.nonzero((made.encoder.item_embeddings != before).any(1)).flatten().tolist())
    assert moved == touched
    assert len(moved) < tiny_runs.ITEMS


def test_the_first_lazy_step_of_touched_rows_is_the_dense_one(trainer):
    settings = {"rec_loss": "sampled", "batch_size": 4}
    found, expected = (after(trainer(item_updates=way, **settings), 1) for way in ("lazy", "dense"))
    assert_same(found, expected)


def test_lazy_training_lowers_the_loss(trainer):
    for sampling in ({"sampling": "in-batch"}, {"sampling": "uniform", "negatives": 10}):
        made = trainer("sasrec", rec_loss="sampled", item_updates="lazy", dropout=0.0, **sampling)
        losses = []
        for number in range(1, 13):
            epoch = made.epoch(number)
            for _ in range(made.steps_per_epoch):
                epoch.step()
            losses.append(epoch.mean_losses()["recommendation_loss"])
        assert losses[-1] < 0.9 * losses[0]


# SGD on the item embeddings, Adam on all else


class TwoOptimizers:
    """PyTorch's own, each with its part of the weights."""

    def __init__(self, made: Trainer, **sgd: float):
        V = made.encoder.item_embeddings
        others = [weight for weight in made.encoder.parameters() if weight is not V]
        self.sgd = torch.optim.SGD([V], **sgd)
        self.adam = torch.optim.Adam(others, lr=0.01, eps=1e-4, weight_decay=sgd["weight_decay"])

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.sgd.zero_grad(set_to_none)
        self.adam.zero_grad(set_to_none)

    def step(self) -> None:
        self.sgd.step()
        self.adam.step()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("loss", [{}, {"rec_loss": "sampled"}], ids=str)
def test_sgd_moves_the_items_and_adam_the_rest(trainer, momentum, weight_decay, loss):
    settings = {"weight_decay": weight_decay, **loss}
    found = trainer(item_optimizer="sgd", item_learning_rate=0.5, item_momentum=momentum, **settings)
    expected = trainer(**settings)
    expected.optimizer = TwoOptimizers(expected, lr=0.5, momentum=momentum, weight_decay=weight_decay)
    for made in (found, expected):
        epoch = made.epoch(1)
        for _ in range(6):
            epoch.step()
    assert_same(found.encoder.state_dict(), expected.encoder.state_dict())
    if momentum:
        buffer = expected.optimizer.sgd.state[expected.encoder.item_embeddings]["momentum_buffer"]
        torch.testing.assert_close(
            found.optimizer.state[found.encoder.item_embeddings]["momentum_buffer"], buffer
        )


@pytest.mark.parametrize(
    "settings", [{"item_block": 4}, {"rec_loss": "bce", "item_updates": "lazy"}], ids=str
)
def test_sgd_wants_the_whole_gradient(trainer, settings):
    with pytest.raises(UserError, match=r"sgd'` moves all .*; add `item_updates='dense'`"):
        trainer(item_optimizer="sgd", **settings)


# Adam with one second moment for all items


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("settings", [{}, {"variant": "cl4srec"}, {"recipe": "official"}], ids=str)
def test_coupled_adam_is_a_loop_over_the_items_and_adam_moves_the_rest(trainer, weight_decay, settings):
    """The mask token of cl4srec and the padding row of `official` have gradients too, and are no items."""
    settings = {"weight_decay": weight_decay, **settings}
    found, other = trainer(item_optimizer="coupled-adam", **settings), trainer(**settings)
    epochs, gradients = [made.epoch(1) for made in (found, other)], []
    step = found.optimizer.step
    V = found.encoder.item_embeddings.detach().numpy().copy()

    def noted():
        gradients.append(found.encoder.item_embeddings.grad.numpy().copy())
        step()

    found.optimizer.step = noted
    m, s = np.zeros_like(V), np.zeros(V.shape[1])
    for t in range(1, 7):
        # Both are given the same weights, so that the gradients of the rest are the same.
        other.encoder.load_state_dict(found.encoder.state_dict())
        for epoch in epochs:
            epoch.step()
        g = gradients[-1] + weight_decay * V
        m = 0.9 * m + 0.1 * g
        s = 0.999 * s + 0.001 * sum(row**2 for row in g[1 : tiny_runs.ITEMS + 1]) / tiny_runs.ITEMS
        V = V - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + EPS["adam_eps"])
        np.testing.assert_allclose(found.encoder.item_embeddings.detach(), V, rtol=0, atol=1e-12)
        for name, weight in found.encoder.state_dict().items():
            if name != "item_embeddings":
                torch.testing.assert_close(weight, other.encoder.state_dict()[name], rtol=0, atol=1e-12)


def test_all_rows_of_coupled_adam_are_divided_by_the_same_number(trainer):
    made = trainer(item_optimizer="coupled-adam")
    V, epoch = made.encoder.item_embeddings, made.epoch(1)
    for _ in range(4):
        before = V.detach().clone()
        epoch.step()
    moved, moment = before - V.detach(), made.optimizer.state[V]["exp_avg"]
    rows = slice(1, tiny_runs.ITEMS + 1)
    divisors = (moment / moved)[rows]
    torch.testing.assert_close(divisors, divisors[:1].expand_as(divisors), rtol=1e-6, atol=0)
    with_adam = trainer()
    after(with_adam, 4)
    roots = with_adam.optimizer.state[with_adam.encoder.item_embeddings]["exp_avg_sq"][rows]
    assert roots.max() > 2 * roots.min()  # which plain Adam divides by


@pytest.mark.parametrize(
    "settings", [{"item_block": 4}, {"rec_loss": "bce", "item_updates": "lazy"}], ids=str
)
def test_coupled_adam_wants_the_whole_gradient(trainer, settings):
    with pytest.raises(UserError, match=r"coupled-adam'` moves all .*; add `item_updates='dense'`"):
        trainer(item_optimizer="coupled-adam", **settings)


# Whole runs


class CtrlC(Progress):
    """Interrupts in the second epoch."""

    def step(self, epoch, step, losses):
        if epoch == 2:
            raise Interrupted(None, 1)


@pytest.mark.parametrize(
    "settings",
    [
        {"item_block": 6, "weight_decay": 0.01},
        {"item_optimizer": "sgd", "item_learning_rate": 0.3},
        {"item_optimizer": "coupled-adam", "weight_decay": 0.01},
        {"rec_loss": "sampled", "item_updates": "lazy"},
        {"rec_loss": "sampled", "sampling": "uniform", "negatives": 5, "item_block": 6},
    ],
    ids=str,
)
def test_a_stopped_run_goes_on_to_the_same_end(log, tmp_path, settings):
    config = tiny_runs.tiny_config(log, variant="scl", **settings)
    whole = train(config, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(config, tmp_path / "stopped", progress=CtrlC())
    again = train(config, tmp_path / "stopped", resume=True)
    assert again.test == whole.test
    assert again.item_embeddings.tobytes() == whole.item_embeddings.tobytes()
    losses = [[row["loss"] for row in run.metrics] for run in (whole, again)]
    assert losses[0] == losses[1]


# What the configuration refuses


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"item_updates": "lazy"}, "add `rec_loss='sampled'`, `rec_loss='bce'` or `rec_loss='bpr'`"),
        ({"rec_loss": "sampled", "sampling": "uniform"}, "`negatives`, for instance 1024"),
        ({"sampling": "uniform", "negatives": 50}, "rec_loss is ce; add `rec_loss='sampled'`"),
        (
            {"negatives": 50},
            "takes all items; add `rec_loss='bce'`, `rec_loss='bpr'`, or `rec_loss='sampled'`",
        ),
        ({"rec_loss": "sampled", "negatives": 50}, "other targets of the batch; add `sampling='uniform'`"),
        ({"item_block": -1}, "training.item_block .*greater than or equal to 0"),
        ({"item_learning_rate": 0.5}, "item_learning_rate = 0.5 is for SGD.*add `item_optimizer='sgd'`"),
        ({"item_momentum": 0.5}, "item_momentum = 0.5 is for SGD.*add `item_optimizer='sgd'`"),
        (
            {"item_momentum": 0.5, "item_optimizer": "coupled-adam"},
            "item_optimizer is coupled-adam; add `item_optimizer='sgd'`",
        ),
        ({"item_optimizer": "adagrad"}, "`item_optimizer`.*'adam', 'sgd' or 'coupled-adam'"),
        ({"gbce_t": 0.5}, "gbce_t = 0.5 is for the loss gbce, and .* is ce; add `rec_loss='gbce'`"),
        ({"rec_loss": "bce", "log_q": False}, "log_q = False is for the loss sampled.*leave `log_q` out"),
        ({"rec_loss": "gbce", "gbce_t": 1.5}, "less than or equal to 1"),
        ({"item_updates": "sparse"}, "`item_updates`.*'dense' or 'lazy'"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(keys, words):
    with pytest.raises(UserError, match=words):
        settle(options=by_group(keys))
