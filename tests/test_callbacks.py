"""The callbacks in the trainers they are for, where these are installed; the guides' recipes as typed."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import degen
from degen import callbacks
from degen.callbacks import found
from degen.errors import UserError
from degen.runs.directory import RunDirectory

GUIDES = [Path(__file__).parents[1] / "docs" / "how-to" / name for name in ("lightning.md", "recbole.md")]
N, D = 20, 4
FREQUENCY = np.arange(N) + 1

LIGHTNINGS = {"lightning": "lightning.pytorch", "pytorch_lightning": "pytorch_lightning"}
pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries, which are not ours to mend


def recipe(word: str) -> str:
    """The one block ```py of the guides in which a word stands."""
    guides = "\n".join(path.read_text(encoding="utf-8") for path in GUIDES)
    [block] = [text for text in re.findall(r"```py\n(.*?)```", guides, re.DOTALL) if word in text]
    return block


# Without any Lightning


def test_a_path_leads_to_an_attribute_a_function_is_called_and_a_value_is_itself():
    module = nn.Sequential(nn.Embedding(3, 2), nn.Linear(2, 2))
    assert found(module, "0.weight") is module[0].weight
    assert found(module, lambda other: other[1].bias) is module[1].bias
    assert found(module, None) is None
    assert found(module, FREQUENCY) is FREQUENCY


def test_a_path_that_leads_nowhere_names_the_nearest():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.item_embedding = nn.Embedding(3, 2)

    with pytest.raises(UserError, match=r"Model has no 'item_embeddings'; did you mean 'item_embedding'"):
        found(Model(), "item_embeddings.weight")
    with pytest.raises(UserError, match=r"Embedding has no 'weights'; did you mean 'weight'"):
        found(Model(), "item_embedding.weights")


def test_evaluation_is_left_as_it_was_found():
    module = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5))
    module.train()
    module[1].eval()
    with callbacks._in_evaluation(module):
        assert not module[0].training
        assert not torch.is_grad_enabled()
    assert [part.training for part in (module, module[0], module[1])] == [True, True, False]


def test_without_lightning_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(callbacks, "find_spec", lambda name: None)
    monkeypatch.delitem(vars(callbacks), "LightningMonitor", raising=False)
    with pytest.raises(UserError, match="pip install lightning"):
        callbacks.LightningMonitor  # noqa: B018


# Lightning


@pytest.fixture(params=list(LIGHTNINGS))
def lightning(request):
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return import_module(LIGHTNINGS[request.param])


def module_and_data(lightning):
    """An item embedding with dropout that learns which item follows which, and its batches."""

    class NextItem(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.item_embedding = nn.Embedding(N + 1, D, padding_idx=0)
            self.drop = nn.Dropout(0.5)

        def scores(self, items):
            return self.drop(self.item_embedding(items)) @ self.item_embedding.weight.T

        def training_step(self, batch, number):
            loss = nn.functional.cross_entropy(self.scores(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch, number):
            ranks = (self.scores(batch[0]) > self.scores(batch[0]).gather(1, batch[1][:, None])).sum(1)
            self.log("val_hit@10", (ranks < 10).float().mean())
            self.log("val_ndcg@10", float(self.current_epoch == 1))

        def test_step(self, batch, number):
            self.log("test_recall@10", self.item_embedding.weight.sum())

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.5)

    items = torch.arange(1, N + 1)
    data = torch.utils.data.TensorDataset(items, items.roll(1))
    return NextItem(), torch.utils.data.DataLoader(data, batch_size=8)


def trainer(lightning, folder, epochs, callback, **options):
    return lightning.Trainer(
        max_epochs=epochs,
        callbacks=[callback, lightning.callbacks.ModelCheckpoint(folder / "kept", save_last=True)],
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


def items_only(module):
    return module.item_embedding.weight[1:]


def test_a_lightning_loop_is_recorded(tmp_path, lightning):
    module, batches = module_and_data(lightning)
    seen = []

    def embeddings(of):
        assert not of.training
        seen.append(of.item_embedding.weight[1:].detach().clone())
        return of.item_embedding.weight[1:]

    callback = callbacks.LightningMonitor(
        tmp_path / "toy" / "mine-s1", embeddings, lambda of: FREQUENCY, representations=items_only
    )
    loop = trainer(lightning, tmp_path, 3, callback)
    loop.fit(module, batches, batches)
    run = RunDirectory(tmp_path / "toy/mine-s1")
    assert run.state == "finished"
    assert [row["epoch"] for row in run.metrics] == [1, 2, 3]
    assert [row["best_epoch"] for row in run.metrics] == [1, 2, 2]
    assert [row["valid_NDCG@10"] for row in run.metrics] == [0, 1, 0]
    assert all({"train_loss", "valid_HR@10", "uniformity"} <= row.keys() for row in run.metrics)
    np.testing.assert_array_equal(run.item_embeddings, seen[1].numpy())
    assert module.training == module.drop.training

    loop.test(module, batches, verbose=False)
    assert run.test == {
        "HR@10": pytest.approx(module.item_embedding.weight.sum().item()),
        "epoch": 3,
        "split": "test",
    }


def test_a_lightning_loop_goes_on_from_its_checkpoint(tmp_path, lightning):
    def loop(epochs, **options):
        module, batches = module_and_data(lightning)
        callback = callbacks.LightningMonitor(
            tmp_path / "run", "item_embedding.weight", np.arange(N + 1), **options
        )
        return trainer(lightning, tmp_path, epochs, callback), module, batches

    first, module, batches = loop(2)
    first.fit(module, batches, batches)
    second, module, batches = loop(4, resume=True)
    second.fit(module, batches, batches, ckpt_path=tmp_path / "kept/last.ckpt")
    run = RunDirectory(tmp_path / "run")
    assert [row["epoch"] for row in run.metrics] == [1, 2, 3, 4]
    fourth = module.item_embedding.weight.sum().item()
    second.test(module, batches, verbose=False)
    assert run.test["epoch"] == 4
    assert run.test["HR@10"] == pytest.approx(fourth)


def test_the_test_of_a_checkpoint_is_of_its_epoch(tmp_path, lightning):
    """Saved when the epoch is over, by hand, and within its end, by Lightning's own callback."""
    module, batches = module_and_data(lightning)
    callback = callbacks.LightningMonitor(tmp_path / "run", items_only, FREQUENCY)
    loop = trainer(lightning, tmp_path, 1, callback)
    loop.fit(module, batches, batches)
    loop.save_checkpoint(tmp_path / "first.ckpt")
    loop.fit_loop.max_epochs = 3
    loop.fit(module, batches, batches)
    assert len(RunDirectory(tmp_path / "run").metrics) == 3
    for path, epoch in ((tmp_path / "first.ckpt", 1), (tmp_path / "kept/last.ckpt", 3)):
        loop.test(module, batches, ckpt_path=path, verbose=False)
        assert RunDirectory(tmp_path / "run").test["epoch"] == epoch
    loop.test(module, batches, ckpt_path="best", verbose=False)
    assert RunDirectory(tmp_path / "run").test["HR@10"] == pytest.approx(
        float(module.item_embedding.weight.sum())
    )


# RecTools and RecBole


def test_the_readmes_recipe_for_rectools(tmp_path, monkeypatch, rng):
    pytest.importorskip("rectools.models.nn.transformers", reason="RecTools with torch is not installed")
    import pandas as pd
    from rectools.dataset import Dataset

    rows = [(user, f"i{item}", day) for user in range(30) for day, item in enumerate(rng.integers(N, size=8))]
    log = pd.DataFrame(rows, columns=["user_id", "item_id", "datetime"]).assign(weight=1)
    log["datetime"] = pd.to_datetime(log["datetime"], unit="D")
    monkeypatch.chdir(tmp_path)
    names = {"dataset": Dataset.construct(log)}
    exec(recipe("SASRecModel"), names)
    run = degen.open_run("runs/beauty/rectools-s0")
    assert len(run.metrics) >= 2
    counts = log["item_id"].value_counts()
    assert sorted(run.items) == sorted(counts.index)
    assert run.item_frequency.tolist() == [counts[item] for item in run.items]
    model = names["model"]
    weights = model.lightning_model.torch_model.item_model.get_all_embeddings().detach().numpy()
    np.testing.assert_array_equal(run.item_embeddings, weights[1:])  # without validation, the latest epoch's


def test_the_readmes_recipe_for_recbole(tmp_path, monkeypatch, rng):
    pytest.importorskip("recbole.quick_start", reason="RecBole is not installed")
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer

    folder = tmp_path / "log"
    folder.mkdir()
    rows = [
        f"u{user}\ti{item}\t{day}" for user in range(30) for day, item in enumerate(rng.integers(N, size=8))
    ]
    header = "user_id:token\titem_id:token\ttimestamp:float"
    (folder / "log.inter").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["test"])
    monkeypatch.chdir(tmp_path)
    settings = {
        "data_path": str(tmp_path),
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full", "group_by": "user"},
        "train_neg_sample_args": None,
        "hidden_size": 8,
        "inner_size": 8,
        "n_heads": 1,
        "n_layers": 1,
        "epochs": 3,
        "use_gpu": False,
        "show_progress": False,
    }
    config = Config(model="SASRec", dataset="log", config_dict=settings)
    dataset = create_dataset(config)
    train_data, valid_data, test_data = data_preparation(config, dataset)
    model = get_model("SASRec")(config, train_data.dataset)
    names = {
        **{"config": config, "dataset": dataset, "model": model},
        **{"train_data": train_data, "valid_data": valid_data, "test_data": test_data},
        "trainer": get_trainer(config["MODEL_TYPE"], "SASRec")(config, model),
    }
    scores, weights, validate = [], [], names["trainer"]._valid_epoch

    def validated(*arguments, **options):
        score, result = validate(*arguments, **options)
        scores.append(score)
        weights.append(model.item_embedding.weight.detach().numpy()[1:].copy())
        return score, result

    names["trainer"]._valid_epoch = validated
    exec(recipe("callback_fn"), names)
    run = degen.open_run("runs/beauty/recbole-s0")
    assert [row["epoch"] for row in run.metrics] == [1, 2, 3]
    assert [row["valid_MRR@10"] for row in run.metrics] == scores
    assert sorted(run.items) == sorted({row.split("\t")[1] for row in rows})
    positions = [row.split("\t") for row in rows if 1 <= int(row.split("\t")[2]) <= 5]
    assert run.item_frequency.tolist() == [sum(item == row[1] for row in positions) for item in run.items]
    np.testing.assert_array_equal(run.item_embeddings, weights[int(np.argmax(scores))])
    assert run.test["epoch"] == 3
    assert {"HR@10", "MRR@10", "NDCG@10"} <= run.test.keys()
