"""Declarations of the variants: the views to encode, the pairs of views to contrast, and the losses.

    variant    views besides h                                   contrasted pairs
    sasrec     none                                              none
    cl4srec    a1, a2: two augmentations                         (a1, a2)
    ucl        h': the same sequence, fresh dropout (Eq. 12)     (h, h')
    scl        hs': a sequence with the same target (Eq. 13)     (h, hs')
    ucl+scl    h', hs'                                           (h, h') and (h, hs')
    duorec     h', hs'                                           (h', hs')

Two conventions follow from these declarations. The `alignment` that each epoch measures for ucl+scl is the
mean over two kinds of pairs, (h, h') and (h, hs'), so that it is not comparable to that of ucl or scl. Under
recipe `paper` views of samples with the same target are no negatives in any variant, though §4.3.3 describes
that for DuoRec only; recipe `official` keeps them in all.

Mitigations of degeneration from other papers, each on `sasrec` (formulas: `degen.model.losses.mitigations`):

    mitigation       change                                                           weight
    cosreg           + γ · mean cosine of item pairs (Gao et al. 2019)                γ 1
    spectrum         + γ / participation ratio of V (ours, after Wang et al. 2020)    γ 10
    item-uniformity  + γ · uniformity of items drawn uniformly (after DirectAU)       γ 0.1, 2,000 items
    directau         alignment and uniformity replace Eq. 11 (Wang et al. 2022)       γ 0.5
    normalized       cosine scores times a scale (NISER, Gupta et al. 2019)           scale 16
    gating           Eq. 4's push on rare items scaled down (Yu et al. 2022)          α 0.03
    adversarial      a margin at the target (Wang et al. 2019)                        ε 0.005

The paper's other methods have models of another kind (`degen.model.baselines`).

`register` adds a variant. The spelling of names in tables and figures is in `degen.variant_names`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from degen.data.sampling.source import Source
from degen.errors import OF_YOUR_OWN, UserError, nearest
from degen.model.baselines.declared import BASELINES
from degen.model.declaration import ItemRegularizer as ItemRegularizer
from degen.model.declaration import Variant as Variant
from degen.model.losses.mitigations import (
    adversarial_loss,
    cosine_regularization,
    direct_au_loss,
    gated_loss,
    spectrum_concentration,
    uniform,
)

VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("sasrec"),
        Variant("cl4srec", {"a1, a2": Source.two_augmentations}, (("a1", "a2"),)),
        Variant("ucl", {"h'": Source.history}, (("h", "h'"),)),
        Variant("scl", {"hs'": Source.partner}, (("h", "hs'"),)),
        Variant("ucl+scl", {"h'": Source.history, "hs'": Source.partner}, (("h", "h'"), ("h", "hs'"))),
        Variant("duorec", {"h'": Source.history, "hs'": Source.partner}, (("h'", "hs'"),)),
    )
}
"""The variants by name, in the paper's order."""

MITIGATIONS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("cosreg", item_regularizer=ItemRegularizer(cosine_regularization), gamma=1.0),
        Variant("spectrum", item_regularizer=ItemRegularizer(spectrum_concentration), gamma=10.0),
        Variant("item-uniformity", item_regularizer=ItemRegularizer(uniform, drawn=True), gamma=0.1),
        Variant("directau", scores="cosine", recommendation=direct_au_loss, of_whole_batch=True, gamma=0.5),
        Variant("normalized", scores="cosine"),
        Variant("gating", recommendation=gated_loss),
        Variant("adversarial", recommendation=adversarial_loss),
    )
}
"""The mitigations of degeneration by name, each on plain `sasrec`."""

TABLE_2 = (
    *("bpr-mf", "gru4rec", "caser", "sasrec", "bert4rec", "s3rec-mip", "cl4srec"),
    *("ucl", "scl", "ucl+scl", "duorec"),
)
"""The methods of the paper's Table 2, and its ablations."""


def known_variants() -> dict[str, Variant]:
    """Return all variants by name: the paper's, the mitigations and the baselines."""
    return VARIANTS | MITIGATIONS | BASELINES


def named_sets() -> dict[str, list[str]]:
    """Return the words that stand for several variants, each with their names."""
    known = known_variants()
    return {
        "all": list(VARIANTS),
        "mitigations": list(MITIGATIONS),
        "cures": list(MITIGATIONS),
        "baselines": list(BASELINES),
        "table2": [name for name in TABLE_2 if name in known],
    }


def named_variants(words: Iterable[str]) -> list[str]:
    """Return the canonical names of variants and of sets such as `all`, each once, in the order given."""
    sets = named_sets()
    named = [name for word in words for name in sets.get(word.strip().lower(), [word])]
    return list(dict.fromkeys(get_variant(name).name for name in named))


ALIASES = {
    "un": "ucl",
    "su": "scl",
    "us": "ucl+scl",
    "us_x": "duorec",
    "ucl-scl": "ucl+scl",
    "ucl_scl": "ucl+scl",
    "niser": "normalized",
    "agg": "gating",
}
"""Other spellings; the first four are the authors' names, the last two come from the mitigations' papers."""


REGISTERED: dict[str, Variant] = {}
"""Variants added by `register`, by name in lower case; other processes have to be told of them."""


def register(variant: Variant) -> Variant:
    """Make a variant known by its name, in upper or lower case.

    Raises
    ------
    ValueError
        for a name that is taken, or that cannot stand in the name of a folder.
    """
    lower = variant.name.lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9+._-]*", lower):
        raise ValueError(f"{variant.name!r} cannot name a variant: use letters, digits, + . _ and -")
    if lower in known_variants() or lower in ALIASES:
        raise ValueError(f"there is a variant {variant.name!r} already; give yours another name")
    VARIANTS[lower] = REGISTERED[lower] = variant
    return variant


def get_variant(name: str) -> Variant:
    """Find a variant by its name or alias, in upper or lower case; an error names the nearest known one."""
    lower = name.strip().lower()
    try:
        return known_variants()[ALIASES.get(lower, lower)]
    except KeyError:
        known = {*known_variants(), *named_sets()} - {"cures"}
        if len(words := lower.split()) > 1 and known.issuperset(words):
            mend = f"write `variant='{','.join(words)}'`"
            raise UserError(f"variants are separated by commas; {mend}") from None
        listed = f"known: {', '.join(sorted(known))}; {OF_YOUR_OWN}"
        raise UserError(f"unknown variant '{name}'{nearest(name, known, listed)}") from None
