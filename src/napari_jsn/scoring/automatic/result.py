"""``Scores``: the grades that a network gives to the sites of a patient's hands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.common.notes import counted
from napari_jsn.patient.patient import Hand
from napari_jsn.scoring.automatic.total import TotalErrors
from napari_jsn.scoring.grades import HIGHEST, nearest_grade
from napari_jsn.scoring.schemes import SIDES, Scheme

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = LazyModule("pandas")

#: Columns of the table; ``p_0`` to ``p_5`` are the probabilities of the grades.
COLUMNS = ["patient", "visit", "side", "site", "kind", "grade", "expected_grade", "sd", "not_scored", "method"]
PROBABILITIES = [f"p_{grade}" for grade in range(max(HIGHEST.values()) + 1)]


@dataclass(frozen=True)
class SiteScore:
    """The grade of one site on one radiograph.

    Attributes
    ----------
    visit : int
    side, site, kind : str
        ``"L"``, ``"MCP2"`` and ``"jsn"`` or ``"erosion"``.
    probabilities : tuple of float
        Of the grades from 0 on; empty where the site is not scored.
    not_scored : str
        Why there is no grade: one of :class:`~napari_jsn.scoring.grades.NotScored`, or empty.

    Examples
    --------
    >>> from napari_jsn.scoring.automatic.result import SiteScore
    >>> one = SiteScore(1, "L", "MCP2", "jsn", (0.1, 0.2, 0.6, 0.1, 0.0))
    >>> one.grade, round(one.expected_grade, 1), round(one.sd, 2)
    (2, 1.7, 0.78)
    """

    visit: int
    side: str
    site: str
    kind: str
    probabilities: tuple[float, ...] = ()
    not_scored: str = ""

    @property
    def grade(self) -> int | None:
        """The grade nearest to the expected grade; None where the site is not scored."""
        return int(nearest_grade(np.array(self.probabilities))) if self.probabilities else None

    @property
    def expected_grade(self) -> float:
        """Mean of the grades, weighted by their probabilities; NaN where the site is not scored."""
        return sum(k * p for k, p in enumerate(self.probabilities)) if self.probabilities else math.nan

    @property
    def sd(self) -> float:
        """Standard deviation of the grade under its probabilities; NaN where the site is not scored."""
        if not self.probabilities:
            return math.nan
        mean = self.expected_grade
        return math.sqrt(sum(p * (k - mean) ** 2 for k, p in enumerate(self.probabilities)))


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of a patient's hands at every visit, by one method.

    Attributes
    ----------
    sites : tuple of SiteScore
        By visit, kind and side (R, L); sites in the order of the scheme.
    patient_id : str
        Pseudonym.
    notes : tuple of str
        The first one states what the network learned on and that it is no medical device.
    statement : str
        That first note.
    method : str
        ``"two-stage"`` or ``"one-stage"``.
    scheme : Scheme
    hands : tuple of Hand
        The radiographs with the joints found on them.
    models : mapping of str to str
        Name and SHA-256 of the weights, by task.
    card : mapping
        The card of the network.
    device : str
    model : str
        Name or file of the network.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> scores = jsn.score(next(jsn.sample_folder("hand_pair").glob("*.dcm")))
    >>> scores.notes[0]
    'Learned on simulated hands. Not validated on patients. Not a medical device.'
    >>> scores.table()[["side", "site", "kind"]].values.tolist()[0]
    ['L', 'MCP1', 'jsn']
    """

    sites: tuple[SiteScore, ...]
    patient_id: str
    notes: tuple[str, ...]
    statement: str
    method: str
    scheme: Scheme
    hands: tuple[Hand, ...] = field(default=(), repr=False)
    models: Mapping[str, str] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict, repr=False)
    device: str = "cpu"
    model: str = "default"

    @property
    def reader(self) -> str:
        """The name of the method among readers."""
        return self.method

    def table(self) -> pd.DataFrame:
        """Return one row a visit, side, site and kind.

        Returns
        -------
        DataFrame
            ``patient visit side site kind grade expected_grade sd not_scored method p_0 ... p_5``; grades are floats,
            NaN where a site is not scored.

        Examples
        --------
        >>> import napari_jsn as jsn
        >>> table = jsn.score(next(jsn.sample_folder("hand_pair").glob("*.dcm"))).table()
        >>> len(table), sorted(set(table["kind"]))
        (19, ['erosion', 'jsn'])
        """
        rows = [
            (
                self.patient_id, one.visit, one.side, one.site, one.kind,
                math.nan if one.grade is None else float(one.grade), one.expected_grade, one.sd, one.not_scored,
                self.method,
                *(one.probabilities + (math.nan,) * (len(PROBABILITIES) - len(one.probabilities))),
            )
            for one in self.sites
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=[*COLUMNS, *PROBABILITIES])

    def long_table(self) -> pd.DataFrame:
        """Return the grades as a long table of a reader, as the functions for readers' scores take it.

        Examples
        --------
        >>> import napari_jsn as jsn
        >>> table = jsn.score(next(jsn.sample_folder("hand_pair").glob("*.dcm"))).long_table()
        >>> set(table["reader"])
        {'two-stage'}
        """
        table = self.table()[COLUMNS[:6] + ["not_scored"]]
        return table.assign(reader=self.reader, mark="", session="")

    def totals(self) -> pd.DataFrame:
        """Return the sum of the expected grades of the scored sites of each visit, with its 95 % interval.

        Returns
        -------
        DataFrame
            ``patient visit kind total ci_low ci_high sites_scored sites maximum scheme``; kind is ``"jsn"``,
            ``"erosion"`` or ``"total"``. A site that is not scored adds nothing.

        Examples
        --------
        >>> import napari_jsn as jsn
        >>> totals = jsn.score(next(jsn.sample_folder("hand_pair").glob("*.dcm"))).totals()
        >>> totals["kind"].tolist()
        ['jsn', 'erosion', 'total']
        """
        rows = []
        for visit in sorted({one.visit for one in self.sites}):
            for kind in (*self.scheme.kinds, *(["total"] if len(self.scheme.kinds) > 1 else [])):
                kinds = self.scheme.kinds if kind == "total" else (kind,)
                scored = [one for one in self.sites if one.visit == visit and one.kind in kinds and one.probabilities]
                maximum = self.scheme.maximum(None if kind == "total" else kind)
                total, low, high = self._total(kind, scored)
                sites = sum(len(SIDES) * len(self.scheme.sites[each]) for each in kinds)
                row = (self.patient_id, visit, kind, total, low, min(high, float(maximum)))
                rows.append((*row, len(scored), sites, maximum, self.scheme.name))
        head = ["patient", "visit", "kind", "total", "ci_low", "ci_high", "sites_scored", "sites", "maximum", "scheme"]
        return pd.DataFrame(rows, columns=head)

    def _total(self, kind: str, scored: Sequence[SiteScore]) -> tuple[float, float, float]:
        if not scored:
            return math.nan, math.nan, math.nan
        values = [one.expected_grade for one in scored], [one.sd for one in scored]
        return TotalErrors.of_card(self.card, kind).interval(*values)

    def of(self, site: str, kind: str, side: str | None = None, visit: int = 1) -> SiteScore:
        """Return the score of one site.

        Raises
        ------
        InputError
            If there is none, or there are two because no side is named.

        Examples
        --------
        >>> import napari_jsn as jsn
        >>> jsn.score(next(jsn.sample_folder("hand_pair").glob("*.dcm"))).of("MCP2", "jsn").side
        'L'
        """
        found = [
            one
            for one in self.sites
            if (one.site, one.kind, one.visit) == (site, kind, visit) and side in (None, one.side)
        ]
        if len(found) != 1:
            what = "No score" if not found else "A score of each hand"
            raise InputError(f"{what} of {site} ({kind}) at visit {visit} is there. Name site, kind and side.", "site")
        return found[0]

    def maps(
        self, site: str, kind: str, side: str | None = None, visit: int = 1, method: str | None = None
    ) -> NDArray[np.float32]:
        """Return a map of what raised the grade of a site, on its whole radiograph (H, W), 0 where nothing did.

        Parameters
        ----------
        site, kind, side, visit
            As for :meth:`of`.
        method : str, optional
            ``"occlusion"`` or ``"grad-cam"`` of the two-stage method, and for erosion ``"areas"``, where its network
            finds bone eroded; ``"class-map"`` of the one-stage method. By default ``"areas"`` for erosion, else the
            first one.

        Raises
        ------
        InputError
            If the site is not scored, or there is no such map.

        Examples
        --------
        >>> import napari_jsn as jsn
        >>> scores = jsn.score(next(jsn.sample_folder("hand_pair").glob("*.dcm")))
        >>> shown = scores.maps("MCP2", "erosion")
        >>> shown.shape == scores.hands[0].radiograph.shape, float(shown.min())
        (True, 0.0)
        """
        from napari_jsn.scoring.maps.site_map import site_map

        one = self.of(site, kind, side, visit)
        if one.grade is None:
            raise InputError(f"{site} ({kind}) is not scored ({one.not_scored}), so there is no map of it.", "site")
        hands = [hand for hand in self.hands if hand.visit == visit]
        return site_map(hands, one.side, site, kind, self.method, self.model, self.device, method)

    def __repr__(self) -> str:
        scored = sum(one.grade is not None for one in self.sites)
        visits = counted(len({one.visit for one in self.sites}), "visit")
        return f"<Scores {self.patient_id}: {scored} of {counted(len(self.sites), 'site')} scored, {visits}>"

    def _repr_html_(self) -> str:
        from napari_jsn.drawing.notebook import result_html, table_html

        head = ("visit", "side", "site", "kind", "grade", "expected", "SD", "not scored")
        rows = [
            (
                one.visit, one.side, one.site, one.kind, "X" if one.grade is None else one.grade,
                "" if one.grade is None else f"{one.expected_grade:.1f}", "" if one.grade is None else f"{one.sd:.1f}",
                one.not_scored,
            )
            for one in self.sites
        ]  # fmt: skip
        return result_html(repr(self)[1:-1], table_html(head, rows), notes=self.notes)
