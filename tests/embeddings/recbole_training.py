"""Train one of RecBole's models on the log in FOLDER and save it: `recbole_training.py FOLDER MODEL`.

Beside `MODEL.pth`, which RecBole's trainer writes, it leaves `weight.npy` and `tokens.txt`: the item matrix
as the model has it in memory, padding and all, and RecBole's own list of ids.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

# Names that NumPy 2 took away and RecBole 1.2.1 uses.
for name, kind in {"float_": np.float64, "complex_": np.complex128, "unicode_": np.str_}.items():
    if not hasattr(np, name):
        setattr(np, name, kind)

from recbole.config import Config  # noqa: E402
from recbole.data import create_dataset, data_preparation  # noqa: E402
from recbole.utils import get_model, get_trainer, init_seed  # noqa: E402

SETTINGS = {
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    "user_inter_num_interval": "[3,inf)",
    "item_inter_num_interval": "[2,inf)",
    "MAX_ITEM_LIST_LENGTH": 10,
    "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full", "group_by": "user"},
    "train_neg_sample_args": None,
    "loss_type": "CE",
    "epochs": 2,
    "hidden_size": 8,
    "inner_size": 16,
    "n_layers": 1,
    "use_gpu": False,
    "show_progress": False,
}


def main() -> None:
    folder, name = Path(sys.argv[1]), sys.argv[2]
    sys.argv[1:] = []  # RecBole reads options there
    paths = {"data_path": str(folder), "checkpoint_dir": str(folder)}
    config = Config(model=name, dataset="log", config_dict=SETTINGS | paths)
    init_seed(config["seed"], config["reproducibility"])
    dataset = create_dataset(config)
    training, validation, _ = data_preparation(config, dataset)
    model = get_model(name)(config, training.dataset)
    trainer = get_trainer(config["MODEL_TYPE"], name)(config, model)
    trainer.saved_model_file = str(folder / f"{name}.pth")
    trainer.fit(training, validation, saved=False, verbose=False)
    trainer._save_checkpoint(
        1, verbose=False
    )  # what `fit` calls: of the last epoch, whose weights are at hand
    np.save(folder / "weight.npy", model.item_embedding.weight.detach().numpy())
    tokens = dataset.field2id_token["item_id"]
    (folder / "tokens.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")


if __name__ == "__main__":
    main()
