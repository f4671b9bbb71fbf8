"""RecBole 1.2.1's own models, where RecBole is installed: equal weights give equal h, scores and losses."""

from __future__ import annotations

from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from degen.config.baseline import RECIPES
from degen.config.settle import by_group, settle
from degen.model.losses.recommendation import bpr_loss, recommendation_loss
from degen.model.variants import get_variant

pytestmark = pytest.mark.skipif(find_spec("recbole") is None, reason="needs RecBole: pip install recbole")

N_USERS, N_ITEMS, LENGTH = 7, 30, 50
HISTORIES = [[3], [1, 2, 3, 4, 5], [*range(1, 31)], [4, 4], (np.arange(LENGTH) * 7 % 30 + 1).tolist()]
USERS = torch.tensor([0, 3, 6, 3, 1])
TARGETS = torch.tensor([2, 9, 30, 1, 17])
TOLERANCE = 1e-10


def theirs(name: str):
    """RecBole's model with its own settings, in evaluation mode and double precision; no weight is near 0."""
    # Names that NumPy 2 took away and RecBole 1.2.1 uses.
    for old, kind in {"float_": np.float64, "complex_": np.complex128, "unicode_": np.str_}.items():
        if old not in np.__dict__:
            setattr(np, old, kind)
    from recbole.config import Config
    from recbole.utils import get_model, init_seed

    settings = {"train_neg_sample_args": None, "use_gpu": False, "nv": 8, "nh": 16}  # of the authors' fork
    config = Config(model=name, dataset="ml-100k", config_dict=settings)
    init_seed(3, reproducibility=True)
    counts = {config["USER_ID_FIELD"]: N_USERS + 1, config["ITEM_ID_FIELD"]: N_ITEMS + 1}
    dataset = SimpleNamespace(num=counts.__getitem__, user_num=N_USERS + 1)
    model = get_model(name)(config, dataset).double().eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0, 0.3)
    return model


def ours(name: str, settings: dict[str, object] | None = None):
    """The same method under recipe `recbole`."""
    config = settle(options=by_group({"variant": name, "recipe": "recbole", **(settings or {})}))
    keys = {**config.model.model_dump(), **config.baseline.model_dump()}
    model = get_variant(name).architecture.from_settings(N_ITEMS, N_USERS, 0, keys)
    return model.double(), config


def fill(model, weights: dict[str, Tensor]) -> None:
    """Put weights into all parameters of a model; each must have its shape."""
    assert set(weights) == set(model.state_dict())
    model.load_state_dict(weights)


def encoded(model, **arguments) -> Tensor:
    items = torch.tensor([item for history in HISTORIES for item in history])
    return model(items, torch.tensor([len(history) for history in HISTORIES]), **arguments)


def padded() -> tuple[Tensor, Tensor]:
    rows = [history + [0] * (LENGTH - len(history)) for history in HISTORIES]
    return torch.tensor(rows), torch.tensor([len(history) for history in HISTORIES])


def test_gru4rec():
    model, (own, config) = theirs("GRU4Rec"), ours("gru4rec")
    fill(
        own,
        {
            "item_embeddings": model.item_embedding.weight,
            "gru.weight_ih_l0": model.gru_layers.weight_ih_l0,
            "gru.weight_hh_l0": model.gru_layers.weight_hh_l0,
            "output.weight": model.dense.weight,
            "output.bias": model.dense.bias,
        },
    )
    expected, h = model.forward(*padded()), encoded(own)
    torch.testing.assert_close(h, expected, rtol=0, atol=TOLERANCE)
    loss = torch.nn.functional.cross_entropy(expected @ model.item_embedding.weight.T, TARGETS)
    assert config.objective.padding_class
    torch.testing.assert_close(recommendation_loss(h, own.item_embeddings, TARGETS), loss)


def test_caser():
    model, (own, config) = theirs("Caser"), ours("caser")
    weights = {
        "item_embeddings": model.item_embedding.weight,
        "user_embeddings": model.user_embedding.weight[1:],  # their user 0 is padding
        "vertical.weight": model.conv_v.weight[:, 0, :, 0],
        "vertical.bias": model.conv_v.bias,
        "hidden.weight": model.fc1.weight,
        "hidden.bias": model.fc1.bias,
        "output.weight": model.fc2.weight,
        "output.bias": model.fc2.bias,
    }
    for number, layer in enumerate(model.conv_h):
        weights |= {
            f"horizontal.{number}.weight": layer.weight[:, 0].transpose(1, 2),
            f"horizontal.{number}.bias": layer.bias,
        }
    fill(own, weights)
    expected, h = model.forward(USERS + 1, padded()[0]), encoded(own, users=USERS)
    assert (expected == 0).any()  # cut at 0
    torch.testing.assert_close(h, expected, rtol=0, atol=TOLERANCE)
    # Their penalty has the padding user's row in the length of the user table.
    reg = [model.user_embedding.weight[1:], model.item_embedding.weight, model.conv_v.weight]
    reg += [model.fc1.weight, model.fc2.weight]
    expected_penalty = model.reg_weight * (
        model.reg_loss(reg) + torch.stack([layer.weight.norm() for layer in model.conv_h]).sum()
    )
    assert config.baseline.norm_penalty == model.reg_weight
    penalty = own.penalty(h, TARGETS, None)
    torch.testing.assert_close(penalty, expected_penalty.squeeze(), rtol=0, atol=TOLERANCE)


def test_bpr_mf():
    model, (own, _) = theirs("BPR"), ours("bpr-mf")
    users, items = model.user_embedding.weight[1:], model.item_embedding.weight
    fill(own, {"item_embeddings": items, "user_embeddings": users})
    h, negatives = encoded(own, users=USERS), torch.tensor([5, 6, 7, 8, 9])
    interaction = {model.USER_ID: USERS + 1, model.ITEM_ID: TARGETS, model.NEG_ITEM_ID: negatives}
    torch.testing.assert_close(h @ items.T, model.full_sort_predict(interaction).view(len(h), -1))
    loss = bpr_loss(h, own.item_embeddings, TARGETS, negatives[:, None])
    torch.testing.assert_close(loss, model.calculate_loss(interaction))
    assert own.penalty(h, TARGETS, negatives[:, None]) is None


def test_library_settings_are_those_of_the_recipes():
    """RecBole 1.2.1 has other numbers of Caser's filters than the authors' fork of 0.2.1."""
    gru4rec = theirs("GRU4Rec")
    own, _ = ours("gru4rec")
    assert (own.gru.hidden_size, own.gru.num_layers) == (gru4rec.hidden_size, gru4rec.num_layers)
    assert own.embedding_dropout == gru4rec.dropout_prob
    assert own.item_embeddings.shape == gru4rec.item_embedding.weight.shape
    caser, (own, _) = theirs("Caser"), ours("caser")
    assert own.hidden_dropout == caser.dropout.p
    assert RECIPES["caser"]["recbole"]["baseline"]["norm_penalty"] == caser.reg_weight
