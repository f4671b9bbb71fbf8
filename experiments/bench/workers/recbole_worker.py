"""RecBole's own trainer on its own data loader, taking turns: `recbole_worker.py FOLDER MODEL`.

FOLDER holds `log/log.inter`. MODEL is SASRec or FEARec, with DuoRec's pair contrasted. What RecBole needs of
an older NumPy is in `recbole_shims/`, on the path.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy
import torch
from recbole import __version__
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed
from turns import Turns, serve

SETTINGS: dict[str, Any] = {
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    "USER_ID_FIELD": "user_id",
    "ITEM_ID_FIELD": "item_id",
    "TIME_FIELD": "timestamp",
    "MAX_ITEM_LIST_LENGTH": 50,
    "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full", "group_by": "user"},
    "train_neg_sample_args": None,
    "loss_type": "CE",
    "train_batch_size": 256,
    "learning_rate": 0.001,
    "hidden_size": 64,
    "inner_size": 256,
    "n_layers": 2,
    "n_heads": 2,
    "hidden_dropout_prob": 0.5,
    "attn_dropout_prob": 0.5,
    "use_gpu": False,
    "show_progress": False,
}
FEAREC = {"contrast": "us_x", "tau": 1.0, "sim": "dot", "lmd": 0.1, "lmd_sem": 0.1}


def batches(loader: Any) -> Iterator[Any]:
    """Batches of the loader, epoch after epoch."""
    while True:
        yield from loader


def main() -> None:
    """Prepare, then train in turns."""
    turns = Turns()
    folder, name = sys.argv[1:]
    settings = SETTINGS | {"data_path": folder} | (FEAREC if name == "FEARec" else {})
    sys.argv[1:] = []  # RecBole reads options there
    config = Config(model=name, dataset="log", config_dict=settings)
    init_seed(config["seed"], config["reproducibility"])
    loader, _, _ = data_preparation(config, create_dataset(config))
    model = get_model(name)(config, loader.dataset)
    trainer = get_trainer(config["MODEL_TYPE"], name)(config, model)
    source = batches(loader)

    def step() -> int:
        batch = next(source)
        trainer._train_epoch([batch], 0)  # what its `fit` calls, for an epoch of one batch
        return len(batch)

    serve(turns, {"RecBole": __version__, "torch": torch.__version__, "NumPy": numpy.__version__}, step)


if __name__ == "__main__":
    main()
