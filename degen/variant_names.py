"""Labels of the variants in tables and figures, and their order in the paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

VARIANT_LABELS: Mapping[str, str] = {
    "sasrec": "SASRec",
    "cl4srec": "CL4SRec",
    "ucl": "UCL",
    "scl": "SCL",
    "ucl+scl": "UCL+SCL",
    "duorec": "DuoRec",
}
"""Spelling of the variants in the paper's Fig. 2 and 3, in their order."""

BASELINE_LABELS: Mapping[str, str] = {
    "bpr-mf": "BPR-MF",
    "gru4rec": "GRU4Rec",
    "caser": "Caser",
    "bert4rec": "BERT4Rec",
    "s3rec-mip": "S3Rec_MIP",
}
"""Spelling of the other methods in the paper's Table 2, in their order."""

_LABELS = {**VARIANT_LABELS, **BASELINE_LABELS}

_NAMES = "|".join(re.escape(name) for name in sorted(_LABELS, key=len, reverse=True))
_WORD = re.compile(rf"(?<![\w./+-])(?:{_NAMES})(?![\w/+-])")

_ABBREVIATED = {"embedding_dropout": "emb.", "hidden_dropout": "hid.", "attention_dropout": "att."}


def variant_label(name: str) -> str:
    """Return the paper's spelling of a variant or series: `ucl+scl` as UCL+SCL, `duorec λ 1` as DuoRec λ 1.

    Where several settings name a series, the rates of dropout are abbreviated. Another name stays as it is.
    """
    variant, space, settings = name.partition(" ")
    for key, short in _ABBREVIATED.items() if ", " in settings else ():
        settings = settings.replace(f"{key}=", f"{short} ")
    return _LABELS.get(variant, variant) + space + settings


def with_labels(text: str) -> str:
    """Return a sentence with the variants in the paper's spelling; names of folders stay as they are.

    >>> with_labels("duorec's uniformity falls, not ucl+scl's: see runs/duorec-s0")
    "DuoRec's uniformity falls, not UCL+SCL's: see runs/duorec-s0"
    """
    return _WORD.sub(lambda found: _LABELS[found[0]], text)


def in_paper_order(names: Iterable[str]) -> list[str]:
    """Return the names once each: the paper's variants and methods in its order, then the others by name."""
    order = {name: position for position, name in enumerate(_LABELS)}
    return sorted(set(names), key=lambda name: (order.get(name, len(order)), name))
