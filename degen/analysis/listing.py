"""Lines of a table of measures, in order, with a remark on each; and the choice of measures by name.

    a measure                         `effective_rank`
    a profile in a bucket             `norm_mean@tail`, `norm_mean@10`
    a measure of recommendations      `catalogue_coverage@10`, `HR@10@tail`

Every line belongs to a group, and tables go by group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from degen.analysis.core import CORE
from degen.analysis.passes.buckets import COLD, HEAD_MID_TAIL
from degen.analysis.registry import MEASURES, PROFILES, Measure, Profile
from degen.errors import OF_YOUR_OWN, UserError, nearest

RECOMMENDATIONS = "recommendations"

CORE_NAME = "core"
"""Name by which the core measures are chosen."""

GROUPS: Mapping[str, str] = {
    "spectrum": "Spectrum",
    "isotropy": "Isotropy",
    "sphere": "Sphere",
    "neighbours": "Neighbours",
    "health": "Health",
    "popularity": "By popularity",
    RECOMMENDATIONS: "Recommendations",
}
"""The groups of measures in the order of tables, with their headings; other groups follow."""

_RECOMMENDED: Mapping[str, str] = {
    "catalogue_coverage": "share of the items that are in somebody's list",
    "recommendation_gini": "0 shows all items equally often",
    "exposure": "share of the places in lists that these items take",
    "HR": "targets of this popularity in the list",
    "NDCG": "targets of this popularity, by their place in the list",
}


@dataclass(frozen=True)
class Line:
    """A line of a table.

    Attributes
    ----------
    name, group
        its key, and the group that lists it.
    arrow
        `↑` or `↓` where a matrix is more isotropic, else empty.
    remark
        how to read the value.
    """

    name: str
    group: str
    arrow: str
    remark: str

    @property
    def detail(self) -> bool:
        """True if it is about one decile of the items, too many lines for a table on a page."""
        bucket = self.name.rpartition("@")[2]
        return self.group == "popularity" and "@" in self.name and bucket not in (COLD, *HEAD_MID_TAIL)


def line(name: str) -> Line:
    """Return the line of a key."""
    if name in MEASURES:
        measure = MEASURES[name]
        return Line(name, measure.group, measure.arrow, measure.remark)
    stem = name.partition("@")[0]
    if stem in PROFILES:
        return Line(name, "popularity", PROFILES[stem].arrow, PROFILES[stem].remark)
    return Line(name, RECOMMENDATIONS, "", _RECOMMENDED.get(stem, ""))


def in_order(names: Iterable[str]) -> list[Line]:
    """Return the lines of keys by group, in the order of tables: measures as registered, then other keys."""
    lines = [line(name) for name in dict.fromkeys(names)]
    groups = dict.fromkeys([*GROUPS, *(measure.group for measure in MEASURES.values())])
    group_rank = {group: rank for rank, group in enumerate(groups)}
    rank = {name: rank for rank, name in enumerate(MEASURES)}
    return sorted(lines, key=lambda line: (group_rank[line.group], rank.get(line.name, len(rank))))


def chosen_measures(names: str | Sequence[str] | None = None) -> list[Measure]:
    """Return measures in the order of tables: all, or those chosen by names of measures and groups.

    Parameters
    ----------
    names
        a list, or text with commas; `core` stands for the core measures.

    Raises
    ------
    UserError
        for an unknown name, with the nearest known one.
    """
    wanted = _checked(names)
    kept = [key for key, entry in MEASURES.items() if wanted is None or wanted & {key, entry.group}]
    return [MEASURES[line.name] for line in in_order(kept)]


def chosen_profiles(names: str | Sequence[str] | None = None) -> list[Profile]:
    """Return profiles: all, also for the group `popularity`, or the named ones whose name no measure has."""
    wanted = _checked(names)
    if wanted is None or "popularity" in wanted:
        return list(PROFILES.values())
    return [entry for key, entry in PROFILES.items() if key in wanted and key not in MEASURES]


def names_recommendations(names: str | Sequence[str] | None) -> bool:
    """Return whether names of measures ask for the group of recommendations, which need a run's model."""
    return RECOMMENDATIONS in (_checked(names) or ())


def _checked(names: str | Sequence[str] | None) -> set[str] | None:
    if names is None:
        return None
    wanted = {name.strip() for name in (names.split(",") if isinstance(names, str) else names)}
    if CORE_NAME in wanted:
        wanted = wanted - {CORE_NAME} | set(CORE)
    known = {*MEASURES, *PROFILES, *GROUPS, CORE_NAME, *(measure.group for measure in MEASURES.values())}
    for name in sorted(wanted - known):
        if not name:
            raise UserError("`measures` holds an empty name; leave it out")
        advice = nearest(name, known, f"`degen.analysis.MEASURES` names the measures; {OF_YOUR_OWN}")
        raise UserError(f"there is no measure or group '{name}'{advice}")
    return wanted
