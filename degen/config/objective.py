"""Keys of the group `[objective]`: the variant, its losses and what they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import create_model, model_validator

from degen.config.key import Group, key
from degen.config.key_names import renamed

KEYS_OF_LOSSES = {"gbce_t", "log_q", "sampling", "negatives", "negatives_exclude"}
"""Keys that only some recommendation losses have a use for."""


def unused_by_loss(rec_loss: str, sampling: str) -> set[str]:
    """Return the keys that a recommendation loss has no use for.

    >>> sorted(unused_by_loss("gbce", "in-batch"))
    ['log_q', 'sampling']
    """
    used = {
        "gbce": {"gbce_t", "negatives", "negatives_exclude"},
        "bce": {"negatives", "negatives_exclude"},
        "bpr": {"negatives", "negatives_exclude"},
        "sampled": {"log_q", "sampling", *(["negatives"] if sampling == "uniform" else [])},
    }
    return KEYS_OF_LOSSES - used.get(rec_loss, set())


class _Chosen(Group):
    """The variant and the recipe, which stand before the settings of the losses."""

    variant: str = key(
        "duorec",
        "Variant: sasrec, cl4srec, ucl, scl, ucl+scl, duorec, a mitigation, a baseline, or one registered in "
        "Python.",
        "--variant",
        min_length=1,
    )
    recipe: Literal["paper", "official", "fixed", "recbole"] = key(
        "paper",
        "Follow the paper, or the authors' code (official); baselines: their papers (fixed), or the authors' "
        "library (recbole).",
        "--recipe",
        metavar="NAME",
        panel="Options",
    )


if TYPE_CHECKING:
    _Weighted = _Chosen
else:
    # `lambda` is a word of Python, which a class cannot declare as a field.
    _Weighted = create_model(
        "_Weighted",
        __base__=_Chosen,
        __module__=__name__,
        **{"lambda": (float, key(0.1, "λ of Eq. 15, the weight of the contrastive loss.", "--lambda", ge=0))},
    )


class ObjectiveConfig(_Weighted):
    """The variant and the losses of Eq. 11, 14, 15."""

    temperature: float = key(1.0, "τ of Eq. 14.", "--temperature", gt=0)
    similarity: Literal["dot", "cosine"] = key("dot", "Similarity of two views in Eq. 14.", "--similarity")
    reduction: Literal["sum", "mean"] = key("sum", "Sum or mean of the two directions of Eq. 14.")
    same_target_negatives: bool = key(False, "Keep views with the same target among the negatives.")
    gamma: float | None = key(
        None,
        "γ, the weight of a mitigation's term: cosreg, spectrum, item-uniformity, directau.",
        "--gamma",
        unset="the variant's own",
        ge=0,
    )
    scale: float = key(16.0, "Factor of the cosines of normalized, 1 / temperature.", gt=0)
    items_drawn: int = key(
        2000, "Number of items that item-uniformity draws per step; all, if there are fewer.", ge=2
    )
    rare_rate: float = key(
        0.03,
        "α of gating: items that are a target less often than this per step, on average, are rare.",
        ge=0,
    )
    epsilon: float = key(0.005, "ε of adversarial, whose margin at the target is ε‖v‖‖h‖.", ge=0)
    rec_loss: Literal["ce", "bce", "gbce", "bpr", "sampled"] = key(
        "ce",
        "Recommendation loss: full softmax (Eq. 11), or BCE, gBCE, BPR or a softmax over sampled negatives.",
        "--rec-loss",
        metavar="ce|bce|gbce|bpr|sampled",
    )
    sampling: Literal["in-batch", "uniform"] = key(
        "in-batch",
        "Negatives of the sampled softmax: the other targets of the batch, or items drawn uniformly.",
        "--sampling",
    )
    negatives: int = key(
        1,
        "Number of sampled negatives: per target for bce, gbce and bpr, per batch for uniform sampling.",
        "--negatives",
        ge=1,
    )
    negatives_exclude: Literal["target", "history"] = key(
        "target",
        "Items that bce, gbce and bpr never draw: the target, or all of the user's training items (as in "
        "SASRec).",
        "--negatives-exclude",
    )
    gbce_t: float = key(
        0.75,
        "t of gbce: 0 is BCE, and with 1 the scores are calibrated probabilities (gSASRec).",
        "--gbce-t",
        ge=0,
        le=1,
    )
    log_q: bool = key(True, "Correct the sampled softmax for how often an item is expected to be drawn.")
    padding_class: bool = key(False, "Make the padding row one more class of the full softmax.")
    crop_rate: float = key(0.6, "CL4SRec: fraction of a history that a crop keeps.", gt=0, le=1)
    mask_rate: float = key(0.3, "CL4SRec: fraction of a history that is masked.", ge=0, le=1)
    reorder_rate: float = key(0.6, "CL4SRec: fraction of a history that is shuffled.", ge=0, le=1)

    @property
    def lam(self) -> float:
        """λ of Eq. 15, the key `lambda`."""
        return float(getattr(self, "lambda"))

    @model_validator(mode="before")
    @classmethod
    def _present_names(cls, given: Any) -> Any:
        return renamed(given) if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _negatives_fit_the_loss(self) -> ObjectiveConfig:
        if self.rec_loss == "sampled" and self.sampling == "uniform" and self.negatives == 1:
            raise ValueError(
                "objective.sampling = uniform shares objective.negatives items in a batch, and 1 is too few; "
                "give `negatives`, for instance 1024"
            )
        if self.sampling == "uniform" and self.rec_loss != "sampled":
            raise ValueError(
                "objective.sampling = uniform is for the sampled softmax, and objective.rec_loss is "
                f"{self.rec_loss}; add `rec_loss='sampled'`, or leave `sampling` out"
            )
        mends = {
            "ce": "the full softmax takes all items; add `rec_loss='bce'`, `rec_loss='bpr'`, or "
            "`rec_loss='sampled'` with `sampling='uniform'`",
            "sampled": "in-batch sampling takes the other targets of the batch; add `sampling='uniform'`",
        }
        if self.negatives_exclude == "history" and self.rec_loss not in ("bce", "gbce", "bpr"):
            raise ValueError(
                "objective.negatives_exclude = history is for negatives of each target, and "
                f"objective.rec_loss is {self.rec_loss}; add `rec_loss='bce'` or `rec_loss='bpr'`, or leave "
                "`negatives_exclude` out"
            )
        if self.negatives > 1 and self.sampling == "in-batch" and self.rec_loss in mends:
            raise ValueError(f"objective.negatives = {self.negatives}, but {mends[self.rec_loss]}")
        return self

    @model_validator(mode="after")
    def _settings_of_one_loss_come_with_it(self) -> ObjectiveConfig:
        for name, loss in (("gbce_t", "gbce"), ("log_q", "sampled")):
            value = getattr(self, name)
            if self.rec_loss != loss and value != ObjectiveConfig.model_fields[name].default:
                raise ValueError(
                    f"objective.{name} = {value} is for the loss {loss}, and objective.rec_loss is "
                    f"{self.rec_loss}; add `rec_loss='{loss}'`, or leave `{name}` out"
                )
        return self
