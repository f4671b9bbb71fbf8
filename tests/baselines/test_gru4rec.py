"""GRU4Rec against its three gate equations by hand, and the properties that packing must keep."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from degen.data.sampling.histories import Histories
from degen.model.baselines.gru4rec import Gru4Rec
from degen.model.encoders.dropout import FedDropout
from degen.model.losses.recommendation import recommendation_loss

N_ITEMS, DIM, HIDDEN = 9, 4, 6
HISTORIES = [[3], [1, 2, 3, 4, 5], [9, 9], [4, 7, 1], [2, 8, 6]]


def make(**settings) -> Gru4Rec:
    """A double-precision model whose weights, biases among them, are all different from 0."""
    model = Gru4Rec(N_ITEMS, dim=DIM, hidden_size=HIDDEN, **settings).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0, 0.5, generator=generator)
    return model


def run(model: Gru4Rec, histories: list[list[int]], **arguments) -> torch.Tensor:
    items = torch.tensor([item for history in histories for item in history])
    return model(items, torch.tensor([len(history) for history in histories]), **arguments)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(model: Gru4Rec, history: list[int], layers: int = 1) -> np.ndarray:
    """The gate equations of Cho et al. (2014), one item after another, from the state 0."""
    weights = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    inputs = [weights["item_embeddings"][item] for item in history]
    for layer in range(layers):
        W, U = (weights[f"gru.weight_{kind}_l{layer}"] for kind in ("ih", "hh"))
        b, c = (weights.get(f"gru.bias_{kind}_l{layer}", np.zeros(3 * HIDDEN)) for kind in ("ih", "hh"))
        gates = [slice(gate * HIDDEN, (gate + 1) * HIDDEN) for gate in range(3)]
        state, states = np.zeros(HIDDEN), []
        for x in inputs:
            r, z = (sigmoid(W[gate] @ x + b[gate] + U[gate] @ state + c[gate]) for gate in gates[:2])
            last = gates[2]
            n = np.tanh(W[last] @ x + b[last] + r * (U[last] @ state + c[last]))
            state = (1 - z) * n + z * state
            states.append(state)
        inputs = states
    return weights["output.weight"] @ inputs[-1] + weights["output.bias"]


@pytest.mark.parametrize("settings", [{}, {"gru_bias": False}, {"layers": 2}], ids=str)
def test_every_history_is_the_gate_equations_by_hand(settings):
    model = make(**settings)
    expected = [by_hand(model, history, settings.get("layers", 1)) for history in HISTORIES]
    np.testing.assert_allclose(run(model, HISTORIES).detach().numpy(), expected, rtol=0, atol=1e-12)


def test_h_of_a_prefix_is_the_position_of_a_longer_history():
    model, whole = make(), [1, 2, 3, 4, 5]
    prefixes = run(model, [whole[: end + 1] for end in range(5)])
    at = torch.tensor([1, 1, 0, 1, 1, 1]), torch.tensor([0, 1, 2, 2, 3, 4])
    inside = run(model, [[6, 2, 9], whole], at=at)
    torch.testing.assert_close(inside[[0, 1, 3, 4, 5]], prefixes, rtol=0, atol=1e-12)


def test_other_histories_and_their_order_never_change_h():
    model, order = make(), [3, 0, 4, 2, 1]
    alone = torch.cat([run(model, [history]) for history in HISTORIES])
    torch.testing.assert_close(run(model, HISTORIES), alone, rtol=0, atol=1e-12)
    mixed = run(model, [HISTORIES[number] for number in order])
    torch.testing.assert_close(mixed, alone[order], rtol=0, atol=1e-12)


def test_the_padding_row_never_changes_h_and_has_no_gradient():
    model = make()
    before = run(model, HISTORIES)
    before.sum().backward()
    assert not model.item_embeddings.grad[0].any()
    with torch.no_grad():
        model.item_embeddings[0] = 1e6
    torch.testing.assert_close(run(model, HISTORIES), before, rtol=0, atol=0)


def test_a_mask_of_inputs_takes_the_entries_that_it_names():
    model = make(embedding_dropout=0.25)
    keep = torch.rand(len(HISTORIES), 5, DIM, generator=torch.Generator().manual_seed(3)) > 0.25
    found = run(model, HISTORIES, dropout=FedDropout(lambda site: keep))
    weights = model.item_embeddings.detach().clone()
    for number, history in enumerate(HISTORIES):
        # Each position reads a row of its own, which holds the masked embedding.
        table = torch.zeros(N_ITEMS + 1, DIM, dtype=torch.float64)
        for position, item in enumerate(history):
            table[position + 1] = weights[item] * keep[number, position] / 0.75
        with torch.no_grad():
            model.item_embeddings.copy_(table)
        expected = by_hand(model, list(range(1, len(history) + 1)))
        np.testing.assert_allclose(found[number].detach().numpy(), expected, rtol=0, atol=1e-12)


def test_the_gradient_of_the_loss_is_that_of_finite_differences():
    """Hidden size d and an identity map, as the specification asks; the table is input and output (tied)."""
    model = Gru4Rec(5, dim=3, hidden_size=3).double()
    with torch.no_grad():
        model.output.weight.copy_(torch.eye(3))
        model.item_embeddings.normal_(0, 0.7, generator=torch.Generator().manual_seed(2))
    histories, targets = [[1, 2], [3], [5, 4, 1]], torch.tensor([3, 1, 2])

    def loss() -> torch.Tensor:
        return recommendation_loss(run(model, histories), model.item_embeddings[1:], targets - 1)

    loss().backward()
    V, step = model.item_embeddings, 1e-6
    found = torch.zeros_like(V)
    with torch.no_grad():
        for place in np.ndindex(*V.shape):
            for sign in (1, -1):
                V[place] += sign * step
                found[place] += sign * loss() / (2 * step)
                V[place] -= sign * step
    torch.testing.assert_close(V.grad, found, rtol=0, atol=1e-8)


def test_initial_weights_are_glorots_for_every_layer_and_depend_on_the_seed():
    """RecBole's library leaves the first layer of a deeper GRU at PyTorch's own weights."""
    model = Gru4Rec(4000, layers=2, seed=3)
    for layer, inputs in enumerate((64, 128)):
        W = getattr(model.gru, f"weight_ih_l{layer}")
        bound = np.sqrt(6 / (3 * 128 + inputs))
        assert 0.98 * bound < float(W.detach().abs().max()) <= bound
    assert float(model.item_embeddings.detach().std()) == pytest.approx(np.sqrt(2 / 4065), rel=0.02)
    assert not model.gru.bias_ih_l0.any()
    again, other = (Gru4Rec(4000, layers=2, seed=seed) for seed in (3, 4))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert not torch.equal(model.item_embeddings, other.item_embeddings)


def test_no_histories_give_no_representations():
    from degen.model.views import encode

    none = np.empty(0, dtype=np.int64)
    h = encode(make(), Histories(none, none))
    assert h.shape == (0, DIM)
    h.sum().backward()
