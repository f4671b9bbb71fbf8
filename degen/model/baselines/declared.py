"""Declarations of the baselines: methods of the paper's Table 2 whose models are of another kind.

    baseline   h of a history                                             loss              batches of
    gru4rec    linear map of a GRU's state at the last item               Eq. 11            samples or users

Their recipes, the settings of the authors' library and those of the original papers, are in
`degen.config.baseline`.
"""

from __future__ import annotations

from degen.model.baselines.gru4rec import Gru4Rec
from degen.model.declaration import Variant

BASELINES: dict[str, Variant] = {
    variant.name: variant for variant in (Variant("gru4rec", architecture=Gru4Rec),)
}
"""The baselines by name, in the order of the paper's Table 2."""
