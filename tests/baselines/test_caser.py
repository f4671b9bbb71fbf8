"""Caser: filters by hand on a 3 x 2 matrix, padding, and the penalties of both recipes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from degen.model.baselines.caser import Caser
from degen.model.encoders.dropout import FedDropout

N_ITEMS, N_USERS, DIM, L = 9, 4, 3, 5
HISTORIES = [[3], [1, 2, 3, 4, 5], [9, 9], [4, 7, 1], [2, 8, 6, 1, 5, 5, 3]]
USERS = torch.tensor([0, 2, 3, 3, 1])


def make(dim: int = DIM, max_length: int = L, **settings) -> Caser:
    """A double-precision model whose weights are all different from 0."""
    model = Caser(
        N_ITEMS, n_users=N_USERS, dim=dim, max_length=max_length, **{"horizontal_filters": 2, **settings}
    ).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0, 0.5, generator=generator)
    return model


def run(model: Caser, histories: list[list[int]], users: torch.Tensor, **arguments) -> torch.Tensor:
    items = torch.tensor([item for history in histories for item in history])
    lengths = torch.tensor([len(history) for history in histories])
    return model(items, lengths, users=users, **arguments)


def by_hand(model: Caser, history: list[int], user: int) -> np.ndarray:
    """The paper's equations (1) to (8) with loops, one history at a time."""
    weights = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    d, L = weights["item_embeddings"].shape[1], model.max_length
    kept = history[-L:]
    E = np.zeros((L, d))
    for place, item in enumerate(kept):
        row = place if model.padding_side == "right" else L - len(kept) + place
        E[row] = weights["item_embeddings"][item]
    if model.padding_side == "right":
        E[len(kept) :] = weights["item_embeddings"][0]
    features = []
    for filter_, bias in zip(weights["vertical.weight"], weights["vertical.bias"], strict=True):
        features += [sum(filter_[t] * E[t, column] for t in range(L)) + bias for column in range(d)]
    for height in range(1, L + 1):
        filters, biases = (weights[f"horizontal.{height - 1}.{kind}"] for kind in ("weight", "bias"))
        for filter_, bias in zip(filters, biases, strict=True):
            values = [
                sum(filter_[c, t] * E[start + t, c] for t in range(height) for c in range(d)) + bias
                for start in range(L - height + 1)
            ]
            features.append(max(max(value, 0) for value in values))
    z = np.maximum(weights["hidden.weight"] @ np.array(features) + weights["hidden.bias"], 0)
    x = np.concatenate([z, weights["user_embeddings"][user]])
    h = weights["output.weight"] @ x + weights["output.bias"]
    return np.maximum(h, 0) if model.final_relu else h


SETTINGS = [{}, {"padding_side": "right", "final_relu": True}, {"vertical_filters": 1}]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_every_history_is_the_equations_by_hand(settings):
    model = make(**settings)
    expected = [by_hand(model, history, user) for history, user in zip(HISTORIES, USERS, strict=True)]
    np.testing.assert_allclose(run(model, HISTORIES, USERS).detach().numpy(), expected, rtol=0, atol=1e-12)


def test_one_horizontal_and_one_vertical_filter_on_a_3_x_2_matrix():
    model = make(dim=2, max_length=3, vertical_filters=1, horizontal_filters=1)
    E = torch.tensor([[[1.0, 2.0], [3.0, -1.0], [0.5, 4.0]]], dtype=torch.float64)
    with torch.no_grad():
        model.vertical.weight.copy_(torch.tensor([[1.0, 10.0, 100.0]]))
        model.vertical.bias.fill_(0.25)
        model.horizontal[1].weight.copy_(torch.tensor([[[1.0, -1.0], [0.0, 2.0]]]))  # [n_h, d, height]
        model.horizontal[1].bias.fill_(-1.0)
    features = model._convolutions(E)[0]
    # Vertical: column by column 1·1 + 10·3 + 100·0.5 and 1·2 - 10·1 + 100·4, plus the bias.
    torch.testing.assert_close(features[:2], torch.tensor([81.25, 392.25], dtype=torch.float64))
    # Height 2 over rows (1, 2) and (2, 3): 1 - 3 + 2·(-1) - 1 = -5, and 3 - 0.5 + 2·4 - 1 = 9.5.
    assert features[3].item() == pytest.approx(9.5)


def test_sizes_are_those_of_the_paper():
    model = Caser(20, n_users=3, dim=50, max_length=5, vertical_filters=4, horizontal_filters=16)
    assert model.hidden.in_features == 4 * 50 + 16 * 5
    assert [layer.kernel_size for layer in model.horizontal] == [(k,) for k in range(1, 6)]
    assert model.output.in_features == 2 * 50


def test_only_the_last_items_count_and_they_keep_their_places():
    model = make()
    longer = run(model, [[7, 7, 7, 1, 2, 3, 4, 5]], USERS[:1])
    torch.testing.assert_close(longer, run(model, [[1, 2, 3, 4, 5]], USERS[:1]), rtol=0, atol=0)
    window = model._window(torch.tensor([8, 3]), torch.tensor([2]))
    torch.testing.assert_close(window[0, -1], model.item_embeddings[3], rtol=0, atol=0)
    assert not window[0, :3].any()


def test_other_histories_and_padding_never_change_h():
    model = make()
    together = run(model, HISTORIES, USERS)
    alone = [run(model, [h], u[None]) for h, u in zip(HISTORIES, USERS, strict=True)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-12)
    together.sum().backward()
    assert not model.item_embeddings.grad[0].any()
    with torch.no_grad():
        model.item_embeddings[0] = 1e6
    torch.testing.assert_close(run(model, HISTORIES, USERS), together, rtol=0, atol=0)


def test_the_librarys_padding_row_is_read_and_gets_no_gradient_from_it():
    model = make(padding_side="right")
    before = run(model, HISTORIES, USERS)
    before.sum().backward()
    assert not model.item_embeddings.grad[0].any()
    with torch.no_grad():
        model.item_embeddings[0] += 1
    changed = (run(model, HISTORIES, USERS) != before).any(1).tolist()
    assert changed == [True, False, True, True, False]  # those with padding


def test_h_depends_on_the_user_and_on_the_masks_of_the_features():
    model = make(hidden_dropout=0.5)
    same = [HISTORIES[1]] * 2
    h = run(model, same, torch.tensor([0, 1]))
    assert (h[0] != h[1]).any()
    everything = FedDropout(lambda site: torch.zeros(2, model.hidden.in_features, dtype=torch.bool))
    dropped = run(model, same, torch.tensor([1, 1]), dropout=everything)
    z = model.hidden.bias.relu()
    expected = model.output(torch.cat([z, model.user_embeddings[1]]))
    torch.testing.assert_close(dropped, expected.expand(2, -1), rtol=0, atol=1e-12)


def test_the_penalties_are_weighted_sums_by_hand():
    weights = make(l2=0.5, norm_penalty=0.25)
    state = {name: value.numpy() for name, value in weights.state_dict().items()}
    filters = ["vertical.weight", *(f"horizontal.{k}.weight" for k in range(L))]
    squares = sum((state[name] ** 2).sum() for name in filters)
    others = ["user_embeddings", "item_embeddings", "hidden.weight", "output.weight"]
    lengths = sum(np.sqrt((state[name] ** 2).sum()) for name in [*filters, *others])
    found = weights.penalty(torch.empty(0), torch.empty(0), None)
    assert found.item() == pytest.approx(0.5 * squares + 0.25 * lengths, rel=1e-12)
    assert make().penalty(torch.empty(0), torch.empty(0), None) is None


def test_initial_embeddings_have_the_deviation_of_the_paper_and_a_zero_padding_row():
    model = Caser(4000, n_users=10, seed=3)
    assert float(model.item_embeddings.detach().std()) == pytest.approx(1 / 64, rel=0.02)
    assert not model.item_embeddings[0].any()
    again, other = (Caser(4000, n_users=10, seed=seed) for seed in (3, 4))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert not torch.equal(model.item_embeddings, other.item_embeddings)
