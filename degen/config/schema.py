"""Keys of the configuration: six groups, each key with its default, its limits, a sentence and its option.

    [data]        the interaction log, and how it is read and filtered
    [model]       the encoder of Eq. 8-9
    [objective]   the variant and the losses of Eq. 11, 14, 15 (`degen.config.objective`)
    [baseline]    settings of the paper's other methods (`degen.config.baseline`)
    [training]    optimizer, batches, length, seed, device
    [evaluation]  full ranking, and the probe on which alignment and uniformity are measured

Every default is stated here and only here. Each `key` also states what the command line needs: `degen train`
has an option for each key that names one, and the sentence is its help (`degen.cli.options`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tomli_w
from pydantic import model_validator

from degen.config.baseline import BaselineConfig
from degen.config.key import Group, key
from degen.config.objective import ObjectiveConfig
from degen.files.writing import write_text


class DataConfig(Group):
    """The interaction log, and how it is read and filtered."""

    dataset: str = key(
        "synthetic",
        "Name in the catalogue, or path to an interaction log.",
        "--dataset",
        panel="Options",
        min_length=1,
    )
    name: str = key("", "Name of the dataset in results; by default its catalogue name or the file's stem.")
    fingerprint: str = key("", "SHA-256 of the processed log; training records it and refuses another log.")
    columns: dict[str, str] | None = key(
        None,
        "Columns by name, or by number from 0; without time, the order of the file counts. A date and a time "
        "of day are joined by +.",
        "--columns",
        metavar="user=…,item=…,time=…",
    )
    input_format: str | None = key(
        None,
        "Format of the file: inter, sequences, pairs, movielens, amazon-2014, amazon-2018, csv, json or "
        "parquet.",
        "--input-format",
        unset="guessed",
        metavar="NAME",
    )
    header: bool | None = key(
        None,
        "Whether the first line of a table names its columns; numbers in --columns may be names only if so.",
        "--header",
        unset="guessed",
    )
    separator: str | None = key(
        None,
        "Separator of fields: tab, comma, semicolon, bar, space, colons (::), or the sign itself.",
        "--separator",
        unset="guessed",
        metavar="NAME|SIGN",
    )
    time_format: str | None = key(
        None,
        "Pattern of dates as in Python's strptime, such as '%d/%m/%Y %H:%M'.",
        "--time-format",
        unset="guessed, or asked for where a date can be read in two ways",
        metavar="PATTERN",
    )
    min_user: int | None = key(
        None,
        "Minimum number of actions per user; 0 turns the filter off.",
        "--min-user",
        unset="the dataset's own, else 5",
        ge=0,
    )
    min_item: int | None = key(
        None,
        "Minimum number of actions per item; 0 turns the filter off.",
        "--min-item",
        unset="the dataset's own, else 5",
        ge=0,
    )
    core: Literal["iterated", "once"] = key(
        "iterated", "Filter users and items until nothing changes, or once as in SASRec's files.", "--core"
    )
    users: int | None = key(None, "Number of users of the synthetic dataset.", "--users", unset="2500", ge=1)
    items: int | None = key(None, "Number of items of the synthetic dataset.", "--items", unset="2576", ge=2)
    data_seed: int = key(0, "Seed of the synthetic dataset.", "--data-seed", ge=0)


class ModelConfig(Group):
    """The encoder of Eq. 8-9."""

    dim: int = key(64, "Dimension d of item embeddings and representations.", "--dim", ge=1)
    layers: int = key(2, "Number of transformer blocks.", "--layers", ge=1)
    heads: int = key(2, "Number of attention heads, a divisor of the dimension.", "--heads", ge=1)
    feed_forward: int = key(256, "Width of the feed-forward layers.", ge=1)
    max_length: int = key(
        50, "Maximum length of a history; only its last items are kept.", "--max-length", ge=1
    )
    embedding_dropout: float = key(
        0.5, "Dropout after the normalization of the input.", "--embedding-dropout", ge=0, lt=1
    )
    hidden_dropout: float = key(0.5, "Dropout before each residual sum.", "--hidden-dropout", ge=0, lt=1)
    attention_dropout: float = key(
        0.5, "Dropout on the attention weights.", "--attention-dropout", ge=0, lt=1
    )
    initializer_range: float = key(0.02, "Standard deviation of the initial weights.", gt=0)
    layer_norm_eps: float = key(1e-12, "Epsilon of the layer norms.", gt=0)
    engine: Literal["fast", "plain"] = key(
        "fast", "Encoder with exact shortcuts, or the plainest one without them.", "--engine"
    )

    @model_validator(mode="after")
    def _heads_divide(self) -> ModelConfig:
        if self.dim % self.heads:
            raise ValueError(
                f"model.heads = {self.heads} does not divide model.dim = {self.dim}; choose other `heads` or "
                "`dim`"
            )
        return self


BatchBy = Literal["samples", "users"]
DEVICES = r"^(auto|cpu|cuda(:\d+)?)$"
RankingMetric = Literal["HR@5", "NDCG@5", "MRR@5", "HR@10", "NDCG@10", "MRR@10", "HR@20", "NDCG@20", "MRR@20"]


class TrainingConfig(Group):
    """Optimizer, batches, length, seed, device."""

    seed: int = key(0, "Seed of weights, order, views and dropout.", "--seed", ge=0)
    epochs: int = key(100, "Maximum number of epochs.", "--epochs", ge=1)
    patience: int = key(
        10, "Stop after this many epochs without a better validation result.", "--patience", ge=1
    )
    min_epochs: int = key(
        1, "Number of epochs before which patience does not stop a run.", "--min-epochs", ge=1
    )
    stop_on: RankingMetric = key(
        "NDCG@10",
        "Validation metric that decides the best epoch: HR, NDCG or MRR, at 5, 10 or 20.",
        "--stop-on",
        metavar="METRIC",
    )
    stop_decimals: int | None = key(
        None,
        "Decimals to which the validation metric is rounded before epochs are compared.",
        unset="not rounded",
        ge=1,
        le=16,
    )
    max_steps: int | None = key(None, "Maximum number of steps in all, for trials.", "--max-steps", ge=1)
    steps_per_epoch: int | None = key(
        None, "Maximum number of steps per epoch, for trials.", "--steps-per-epoch", ge=1
    )
    batch_size: int = key(256, "Number of samples, or of users, per batch.", "--batch-size", ge=1)
    batch_by: BatchBy = key(
        "samples",
        "Make batches of training samples, or of users with all their targets at once.",
        "--batch-by",
    )
    learning_rate: float = key(1e-3, "Adam's learning rate.", "--learning-rate", gt=0)
    adam_beta1: float = key(0.9, "Adam's decay of the first moment.", ge=0, lt=1)
    adam_beta2: float = key(0.999, "Adam's decay of the second moment.", ge=0, lt=1)
    adam_eps: float = key(1e-8, "Adam's epsilon.", gt=0)
    weight_decay: float = key(0.0, "Adam's L2 penalty.", ge=0)
    item_optimizer: Literal["adam", "sgd", "coupled-adam"] = key(
        "adam",
        "Optimizer of the item embeddings: Adam, SGD, or Adam with one second moment for all items. All "
        "other weights use Adam.",
        "--item-optimizer",
        metavar="adam|sgd|coupled-adam",
    )
    item_learning_rate: float = key(
        0.3, "Learning rate of SGD for the item embeddings.", "--item-learning-rate", gt=0
    )
    item_momentum: float = key(0.9, "Momentum of SGD for the item embeddings.", "--item-momentum", ge=0, lt=1)
    item_updates: Literal["dense", "lazy"] = key(
        "dense",
        "Let Adam update all item embeddings each step, or only those that the batch touches.",
        "--item-updates",
    )
    item_block: int | None = key(
        None,
        "Number of items scored and updated at once; 0 for all.",
        unset="all, or blocks where the scores of a batch exceed 128 MiB",
        ge=0,
    )
    device: str = key("auto", "auto (CUDA if available), cpu, cuda or cuda:N.", "--device", pattern=DEVICES)
    precision: Literal["auto", "fp32", "tf32", "bf16"] = key(
        "auto",
        "Precision of matrix products: auto (tf32 on CUDA, else fp32), fp32, tf32, or bf16 in the encoder.",
        "--precision",
    )
    cuda_graph: bool = key(
        False,
        "Record steps of one shape as CUDA graphs and replay them; first check the GPU with "
        "experiments/bench/gpu.sh.",
    )
    threads: int | None = key(None, "Number of CPU threads.", "--threads", unset="PyTorch's choice", ge=1)
    deterministic: bool = key(
        False,
        "Use only deterministic algorithms on CUDA (slower); set it before the process uses CUDA.",
        "--deterministic",
    )
    keep_embeddings: int | None = key(
        None, "Keep the item embeddings every this many epochs.", "--keep-embeddings", unset="not kept", ge=1
    )
    trace_gradients: bool = key(
        False,
        "Record per epoch what moves the items, in trace.jsonl (for `degen mechanism`).",
        "--trace-gradients",
    )
    tensorboard: bool = key(
        False, "Write scalars, histograms and projector files into RUN/tensorboard.", "--tensorboard"
    )


class EvaluationConfig(Group):
    """Full ranking, and the probe on which alignment and uniformity are measured."""

    score_block: int = key(
        256, "Number of users ranked at once; a GPU takes more, and long catalogues come in blocks.", ge=1
    )
    ties: Literal["expected", "half", "optimistic", "pessimistic"] = key(
        "expected",
        "Rank of a target whose score other items share: all ranks that it may have, each as likely, their "
        "mean, the best or the worst.",
    )
    probe_samples: int = key(
        4096, "Number of training samples on which alignment and uniformity are measured.", ge=2
    )
    probe_seed: int = key(
        0, "Seed of the probe, independent of the run's seed, so that runs can be compared.", ge=0
    )
    definition: Literal["paper", "official"] = key(
        "paper", "Alignment and uniformity of Eq. 6-7, or of raw vectors with unsquared distances."
    )


class Config(Group):
    """The whole configuration, in its six groups."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    baseline: BaselineConfig = BaselineConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @model_validator(mode="after")
    def _lazy_needs_sampling(self) -> Config:
        if self.training.item_updates == "lazy" and self.objective.rec_loss == "ce":
            raise ValueError(
                "training.item_updates = lazy moves the items that a batch touches, and the full softmax "
                "touches all of them; add `rec_loss='sampled'`, `rec_loss='bce'` or `rec_loss='bpr'`"
            )
        return self

    @model_validator(mode="after")
    def _sgd_is_named_with_its_settings(self) -> Config:
        settings = self.training
        for name in ("item_learning_rate", "item_momentum"):
            default = TrainingConfig.model_fields[name].default
            if settings.item_optimizer != "sgd" and (value := getattr(settings, name)) != default:
                raise ValueError(
                    f"training.{name} = {value} is for SGD, and training.item_optimizer is "
                    f"{settings.item_optimizer}; add `item_optimizer='sgd'`"
                )
        return self

    def toml(self) -> str:
        """Return the resolved configuration as TOML, without the keys that are unset."""
        return tomli_w.dumps(self.model_dump(exclude_none=True))

    def write(self, path: Path) -> None:
        """Write `toml()` whole or not at all."""
        write_text(path, self.toml())
