"""Declarations of the baselines: methods of the paper's Table 2 whose models are of another kind.

    baseline   h of a history                                             loss              batches of
    bpr-mf     p_u, factors of the user                                   BPR, sampled      actions
    gru4rec    linear map of a GRU's state at the last item               Eq. 11            samples or users
    caser      convolutions over the last L items, and p_u                Eq. 11            samples
    bert4rec   bidirectional encoder and head at an appended mask         Eq. 11            rows with masks
    s3rec-mip  SASRec's, pre-trained to predict masked items              Eq. 11            samples or users

Their recipes, the settings of the authors' library and those of the original papers, are in
`degen.config.baseline`.
"""

from __future__ import annotations

from degen.model.baselines.bert4rec import Bert4Rec
from degen.model.baselines.bpr_mf import BprMf
from degen.model.baselines.caser import Caser
from degen.model.baselines.gru4rec import Gru4Rec
from degen.model.baselines.s3rec import S3Rec
from degen.model.declaration import Variant
from degen.model.losses.recommendation import double_sigmoid_loss

S3REC_STAGES = {
    "fixed": Variant("s3rec-mip", architecture=S3Rec, batching="masked prefixes"),
    "recbole": Variant(
        "s3rec-mip", architecture=S3Rec, batching="masked prefixes", of_negatives=double_sigmoid_loss
    ),
}
"""S3Rec's pre-training by recipe: BPR's loss of a hidden item and another, or the same with two sigmoids."""

BASELINES: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("bpr-mf", architecture=BprMf, batching="interactions"),
        Variant("gru4rec", architecture=Gru4Rec),
        Variant("caser", architecture=Caser),
        Variant("bert4rec", architecture=Bert4Rec, batching="cloze"),
        Variant("s3rec-mip", architecture=S3Rec, stages=S3REC_STAGES),
    )
}
"""The baselines by name, in the order of the paper's Table 2."""
