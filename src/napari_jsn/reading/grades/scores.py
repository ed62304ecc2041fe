"""Score mode: the sites of one hand with the reader's grades and a model's, the next site, and running totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from napari_jsn.reading.item import Item
from napari_jsn.scoring import scheme as scheme_of
from napari_jsn.scoring.automatic.score import METHODS
from napari_jsn.scoring.schemes import Scheme


@dataclass(frozen=True)
class ScoreLine:
    """One site in the list of grades.

    Attributes
    ----------
    site : str
    grades : mapping of str to float or None
        The reader's grade by kind; kinds that the scheme does not score at this site are absent.
    not_scored : mapping of str to str
        Why there is no grade, by kind.
    model : mapping of str to float
        Grades of a model by kind; empty in a blinded session.
    """

    site: str
    grades: Mapping[str, float | None]
    not_scored: Mapping[str, str] = field(default_factory=dict)
    model: Mapping[str, float] = field(default_factory=dict)

    def done(self, kind: str) -> bool:
        """Return whether nothing is left to grade for a kind."""
        return kind not in self.grades or self.grades[kind] is not None or bool(self.not_scored.get(kind))


def score_lines(item: Item, image: int, side: str, scheme: str | Scheme = "svdh-fingers") -> list[ScoreLine]:
    """Return the sites of one hand of one image, in the order of the scheme."""
    used, own = scheme_of(scheme), item.scores()
    others = item.scores_of_others()
    model: dict[tuple[str, str], float] = {}
    if len(others):
        visit = str(item.visit(image))
        for row in others[others["reader"].isin(list(METHODS))].itertuples():
            if str(row.visit) == visit and row.side == side and row.grade == row.grade:
                model.setdefault((row.site, row.kind), float(row.grade))
    lines = []
    for site in used.rows:
        kinds = [kind for kind in used.kinds if used.has(site, kind)]
        found = {kind: own.get((image, side, site, kind), (None, "", "")) for kind in kinds}
        lines.append(
            ScoreLine(
                site,
                {kind: one[0] for kind, one in found.items()},
                {kind: one[2] for kind, one in found.items() if one[2]},
                {kind: model[site, kind] for kind in kinds if (site, kind) in model},
            )
        )
    return lines


def next_site(lines: Sequence[ScoreLine], site: str, kind: str) -> tuple[str, str] | None:
    """Return the site and kind to grade next: of this kind after this site and from the start, then of another kind.

    None if every site is graded.
    """
    names = [line.site for line in lines]
    start = names.index(site) + 1 if site in names else 0
    for line in [*lines[start:], *lines[:start]]:
        if not line.done(kind):
            return line.site, kind
    for other in dict.fromkeys(each for line in lines for each in line.grades):
        for line in lines:
            if not line.done(other):
                return line.site, other
    return None


def running_totals(lines: Sequence[ScoreLine]) -> dict[str, tuple[int, int, int]]:
    """Return for each kind, and for ``"total"``: the sum of the grades, and how many of how many sites are done."""
    result = {}
    for kind in dict.fromkeys(each for line in lines for each in line.grades):
        of_kind = [line for line in lines if kind in line.grades]
        total = sum(int(line.grades[kind] or 0) for line in of_kind)
        result[kind] = (total, sum(line.done(kind) for line in of_kind), len(of_kind))
    columns = list(zip(*result.values(), strict=True))
    result["total"] = (sum(columns[0]), sum(columns[1]), sum(columns[2])) if columns else (0, 0, 0)
    return result
