"""Declarations of the baselines: methods of the paper's Table 2 whose models are of another kind.

    baseline   h of a history                                             loss              batches of
    bpr-mf     p_u, factors of the user                                   BPR, sampled      actions
    gru4rec    linear map of a GRU's state at the last item               Eq. 11            samples or users
    caser      convolutions over the last L items, and p_u                Eq. 11            samples

Their recipes, the settings of the authors' library and those of the original papers, are in
`degen.config.baseline`.
"""

from __future__ import annotations

from degen.model.baselines.bpr_mf import BprMf
from degen.model.baselines.caser import Caser
from degen.model.baselines.gru4rec import Gru4Rec
from degen.model.declaration import Variant

BASELINES: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("bpr-mf", architecture=BprMf, batching="interactions"),
        Variant("gru4rec", architecture=Gru4Rec),
        Variant("caser", architecture=Caser),
    )
}
"""The baselines by name, in the order of the paper's Table 2."""
