"""The configuration's keys: five groups, a sentence each.

    [data]        which log, and how it is read and filtered
    [model]       the encoder of Eq. 8-9
    [objective]   the variant and the losses of Eq. 11, 14, 15
    [training]    optimiser, batches, length, seed, device
    [evaluation]  full ranking, and the probe on which alignment and uniformity are measured

Every default stands here and only here, and each key's sentence is also the help of its command-line option.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, model_validator

from degen.files import write_text


class Group(BaseModel):
    """A group of keys; unknown ones are refused, and nothing changes after it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataConfig(Group):
    """Which log, and how it is read and filtered."""

    dataset: str = Field(
        "synthetic", min_length=1, description="Catalogue name, or path to a file of interactions."
    )
    name: str = Field(
        "", description="Name of the dataset in results; empty for the catalogue name or the file's stem."
    )
    fingerprint: str = Field("", description="SHA-256 of the log as processed; set by training, and held to.")
    columns: dict[str, str] | None = Field(
        None, description="Columns by name, or by number from 0; without time the file's order counts."
    )
    input_format: str | None = Field(
        None,
        description="Format of the file, in place of a guess: inter, sequences, pairs, movielens, "
        "amazon-2014, amazon-2018, csv, json or parquet.",
    )
    min_user: int | None = Field(
        None,
        ge=0,
        description="Least actions of each user; 0 turns it off (default: the dataset's own, else 5).",
    )
    min_item: int | None = Field(
        None,
        ge=0,
        description="Least actions of each item; 0 turns it off (default: the dataset's own, else 5).",
    )
    core: Literal["iterated", "once"] = Field(
        "iterated", description="Filter until nothing changes, or once as in SASRec's files."
    )
    users: int | None = Field(None, ge=1, description="Users of the synthetic dataset.")
    items: int | None = Field(None, ge=2, description="Items of the synthetic dataset.")
    data_seed: int = Field(0, ge=0, description="Seed of the synthetic dataset.")


class ModelConfig(Group):
    """The encoder of Eq. 8-9."""

    dim: int = Field(64, ge=1, description="Dimension d of item embeddings and representations.")
    layers: int = Field(2, ge=1, description="Transformer blocks.")
    heads: int = Field(2, ge=1, description="Attention heads; they divide the dimension.")
    feed_forward: int = Field(256, ge=1, description="Width of the feed-forward part.")
    max_length: int = Field(50, ge=1, description="Longest history; only its last items are kept.")
    embedding_dropout: float = Field(0.5, ge=0, lt=1, description="Dropout after the input norm.")
    hidden_dropout: float = Field(0.5, ge=0, lt=1, description="Dropout before each residual sum.")
    attention_dropout: float = Field(0.5, ge=0, lt=1, description="Dropout on the attention weights.")
    initializer_range: float = Field(0.02, gt=0, description="Standard deviation of the initial weights.")
    layer_norm_eps: float = Field(1e-12, gt=0, description="Epsilon of the layer norms.")
    engine: Literal["fast", "plain"] = Field(
        "fast", description="Exact short-cuts, or everything in the plainest way."
    )

    @model_validator(mode="after")
    def _heads_divide(self) -> ModelConfig:
        if self.dim % self.heads:
            raise ValueError(
                f"model.heads = {self.heads} does not divide model.dim = {self.dim}; choose a divisor"
            )
        return self


class ObjectiveConfig(Group):
    """The variant and the losses of Eq. 11, 14, 15."""

    variant: str = Field(
        "duorec",
        min_length=1,
        description="sasrec, cl4srec, ucl, scl, ucl+scl, duorec, a cure such as cosreg, or one registered in "
        "Python.",
    )
    recipe: Literal["paper", "official"] = Field(
        "paper", description="Follow the paper, or the authors' released code where it differs."
    )
    contrast_weight: float = Field(0.1, ge=0, description="λ of Eq. 15, the weight of the contrastive loss.")
    temperature: float = Field(1.0, gt=0, description="τ of Eq. 14.")
    similarity: Literal["dot", "cosine"] = Field("dot", description="Similarity of two views in Eq. 14.")
    reduction: Literal["sum", "mean"] = Field(
        "sum", description="Sum of both directions of Eq. 14, or their mean."
    )
    same_target_negatives: bool = Field(
        False, description="Keep views with the same target among the negatives."
    )
    cure_weight: float | None = Field(
        None,
        ge=0,
        description="γ, the weight of a cure's term: cosreg, spectrum, item-uniformity, directau (default: "
        "the variant's own).",
    )
    scale: float = Field(
        16.0, gt=0, description="What normalized multiplies its cosines by: 1 / temperature."
    )
    items_drawn: int = Field(
        2000, ge=2, description="Items drawn at each step for item-uniformity; all, where there are fewer."
    )
    rare_rate: float = Field(
        0.03,
        ge=0,
        description="α of gating: an item that is a target less often than this in a step, on average, is "
        "rare.",
    )
    epsilon: float = Field(0.005, ge=0, description="ε of adversarial: its margin at the target is ε‖v‖‖h‖.")
    rec_loss: Literal["ce", "bce", "bpr", "sampled"] = Field(
        "ce",
        description="Recommendation loss: full softmax (Eq. 11), or sampled negatives with BCE, BPR or a "
        "softmax over them.",
    )
    sampling: Literal["in-batch", "uniform"] = Field(
        "in-batch",
        description="Negatives of the sampled softmax: the batch's other targets, or items drawn uniformly.",
    )
    negatives: int = Field(
        1,
        ge=1,
        description="Sampled negatives: of a target for bce and bpr, of a batch for uniform sampling.",
    )
    negatives_exclude: Literal["target", "history"] = Field(
        "target",
        description="Items that are no negatives for bce and bpr: the target, or all of the user's training "
        "items, as in the original SASRec.",
    )
    padding_class: bool = Field(False, description="Make the padding row one more class of the full softmax.")
    crop_rate: float = Field(0.6, gt=0, le=1, description="CL4SRec: share of a history that a crop keeps.")
    mask_rate: float = Field(0.3, ge=0, le=1, description="CL4SRec: share of a history that is masked.")
    reorder_rate: float = Field(0.6, ge=0, le=1, description="CL4SRec: share of a history that is shuffled.")

    @model_validator(mode="after")
    def _negatives_fit_the_loss(self) -> ObjectiveConfig:
        if self.rec_loss == "sampled" and self.sampling == "uniform" and self.negatives == 1:
            raise ValueError(
                "objective.sampling = uniform shares objective.negatives items in a batch, and 1 is too few; "
                "give --negatives, for instance 1024"
            )
        if self.sampling == "uniform" and self.rec_loss != "sampled":
            raise ValueError(
                "objective.sampling = uniform is of the sampled softmax, and objective.rec_loss is "
                f"{self.rec_loss}; add --rec-loss sampled, or leave --sampling out"
            )
        if self.negatives_exclude == "history" and self.rec_loss not in ("bce", "bpr"):
            raise ValueError(
                "objective.negatives_exclude = history is for negatives of each target, and "
                f"objective.rec_loss is {self.rec_loss}; add --rec-loss bce or bpr, or leave "
                "--negatives-exclude out"
            )
        mends = {
            "ce": "the full softmax takes all items; add --rec-loss bce, bpr or sampled --sampling uniform",
            "sampled": "in-batch sampling takes the other targets of the batch; add --sampling uniform",
        }
        if self.negatives > 1 and self.sampling == "in-batch" and self.rec_loss in mends:
            raise ValueError(f"objective.negatives = {self.negatives}, but {mends[self.rec_loss]}")
        return self


BatchBy = Literal["samples", "users"]
DEVICES = r"^(auto|cpu|cuda(:\d+)?)$"
RankingMetric = Literal["HR@5", "NDCG@5", "MRR@5", "HR@10", "NDCG@10", "MRR@10", "HR@20", "NDCG@20", "MRR@20"]


class TrainingConfig(Group):
    """Optimiser, batches, length, seed, device."""

    seed: int = Field(0, ge=0, description="Seed of weights, order, views and dropout.")
    epochs: int = Field(100, ge=1, description="Most epochs.")
    patience: int = Field(
        10, ge=1, description="Stop after this many epochs without a better validation result."
    )
    stop_on: RankingMetric = Field(
        "NDCG@10",
        description="Validation metric that decides the best epoch: HR, NDCG or MRR, @5, @10 or @20.",
    )
    stop_decimals: int | None = Field(
        None,
        ge=1,
        le=16,
        description="Decimals to which the validation metric is rounded before epochs are compared "
        "(default: not rounded).",
    )
    max_steps: int | None = Field(None, ge=1, description="Most steps in all, for trials.")
    steps_per_epoch: int | None = Field(
        None, ge=1, description="Cut each epoch after this many steps, for trials."
    )
    batch_size: int = Field(256, ge=1, description="Samples, or users, a batch.")
    batch_by: BatchBy = Field(
        "samples",
        description="What a batch is made of: training samples, or users with all their targets at once.",
    )
    learning_rate: float = Field(1e-3, gt=0, description="Adam's learning rate.")
    adam_beta1: float = Field(0.9, ge=0, lt=1, description="Adam's decay of the first moment.")
    adam_beta2: float = Field(0.999, ge=0, lt=1, description="Adam's decay of the second moment.")
    adam_eps: float = Field(1e-8, gt=0, description="Adam's epsilon.")
    weight_decay: float = Field(0.0, ge=0, description="Adam's L2 penalty.")
    item_optimizer: Literal["adam", "sgd"] = Field(
        "adam",
        description="What moves the item embeddings, Adam or SGD with momentum; all other weights have Adam.",
    )
    item_learning_rate: float = Field(
        0.3, gt=0, description="Learning rate of SGD, where it moves the item embeddings."
    )
    item_momentum: float = Field(
        0.9, ge=0, lt=1, description="Momentum of SGD, where it moves the item embeddings."
    )
    item_updates: Literal["dense", "lazy"] = Field(
        "dense",
        description="Adam on all item embeddings each step, or only on those that the batch touches.",
    )
    item_block: int | None = Field(
        None,
        ge=0,
        description="Items scored and updated at once, 0 for all (default: all, or blocks where a batch's "
        "scores are beyond 128 MiB).",
    )
    device: str = Field(
        "auto",
        pattern=DEVICES,
        description="auto (CUDA if there is one), cpu, cuda or cuda:N.",
    )
    precision: Literal["auto", "fp32", "tf32", "bf16"] = Field(
        "auto",
        description="Matrix products of training: auto (tf32 on CUDA, else fp32), fp32, tf32, or bf16 in the "
        "encoder.",
    )
    cuda_graph: bool = Field(
        False,
        description="Record steps of one shape on CUDA, and replay them; check the GPU by "
        "experiments/bench/gpu.sh first.",
    )
    threads: int | None = Field(None, ge=1, description="CPU threads (default: PyTorch's own choice).")
    deterministic: bool = Field(
        False,
        description="Only deterministic algorithms on CUDA, slower; to be set before a process uses it.",
    )
    keep_embeddings: int | None = Field(
        None, ge=1, description="Keep the item embeddings every this many epochs."
    )
    trace_gradients: bool = Field(
        False, description="Record each epoch what moves the items, in trace.jsonl (`degen mechanism`)."
    )
    tensorboard: bool = Field(
        False, description="Write scalars, histograms and the projector's files into RUN/tensorboard."
    )


class EvaluationConfig(Group):
    """Full ranking, and the probe on which alignment and uniformity are measured."""

    score_block: int = Field(
        256, ge=1, description="Users ranked at once, a GPU more; many scores come in blocks of items."
    )
    probe_samples: int = Field(
        4096, ge=2, description="Training samples on which alignment and uniformity are measured."
    )
    probe_seed: int = Field(
        0, ge=0, description="Seed of the probe, apart from the run's, so that runs can be compared."
    )
    definition: Literal["paper", "official"] = Field(
        "paper",
        description="Alignment and uniformity of Eq. 6-7, or on raw vectors with unsquared distances.",
    )


class Config(Group):
    """All of it."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @model_validator(mode="after")
    def _lazy_needs_sampling(self) -> Config:
        if self.training.item_updates == "lazy" and self.objective.rec_loss == "ce":
            raise ValueError(
                "training.item_updates = lazy moves the items that a batch touches, and the full softmax "
                "touches all of them; add --rec-loss sampled, bce or bpr"
            )
        return self

    @model_validator(mode="after")
    def _sgd_is_named_with_its_settings(self) -> Config:
        settings = self.training
        for key in ("item_learning_rate", "item_momentum"):
            default = TrainingConfig.model_fields[key].default
            if settings.item_optimizer == "adam" and (value := getattr(settings, key)) != default:
                raise ValueError(
                    f"training.{key} = {value} is of SGD, and training.item_optimizer is adam; add "
                    "--item-optimizer sgd"
                )
        return self

    def toml(self) -> str:
        """The settled configuration as TOML; keys that are unset are left out."""
        return tomli_w.dumps(self.model_dump(exclude_none=True))

    def write(self, path: Path) -> None:
        """Write `toml()` whole or not at all."""
        write_text(path, self.toml())
