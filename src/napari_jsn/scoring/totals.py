"""Totals of grades over the sites of a scheme, with named rules for sites that have no grade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.scoring.grades import NotScored
from napari_jsn.scoring.long_table import ITEM, long_table, ordered_visits
from napari_jsn.scoring.schemes import SIDES, Scheme, scheme

if TYPE_CHECKING:
    import pandas as pd

#: What happens to sites without a grade.
MISSING_RULES: Mapping[str, str] = {
    "sum": "the sum of the scored sites; a site without a grade adds nothing",
    "complete": "no total unless every site is scored",
    "scaled": "the sum of the scored sites, times the maximum of all sites over that of the scored sites",
    "carried-forward": "the site's last grade at an earlier visit; no total where there is none",
}
#: What happens to sites that had surgery.
SURGERY_RULES: Mapping[str, str] = {
    "missing": "like any other site without a grade",
    "maximum": "the highest grade of the site",
}
KEYS = ["patient", "reader", "session", "visit"]


def totals(
    scores: pd.DataFrame,
    scheme_name: str | Scheme = "svdh-hands",
    missing: str = "complete",
    surgery: str = "missing",
    minimum_share: float = 0.5,
) -> pd.DataFrame:
    """Return the totals of both hands for each patient, visit, reader and session.

    Parameters
    ----------
    scores : DataFrame
        Long table; the columns ``reader`` and ``session`` may be absent.
    scheme_name : str or Scheme
        Scheme, or name or file of one.
    missing : str
        A key of :data:`MISSING_RULES`. Sites that are not in the table have no grade.
    surgery : str
        A key of :data:`SURGERY_RULES`.
    minimum_share : float
        The least share of sites that must be scored for a scaled total, of each kind.

    Returns
    -------
    DataFrame
        ``patient reader session visit kind total sites_scored sites share_scored filled maximum scheme rule``; ``kind``
        is ``"jsn"``, ``"erosion"`` or ``"total"`` (the sum over all kinds of the scheme, if the table has them).
        ``filled`` counts sites whose grade a rule filled in. NaN where there is no total.

    Raises
    ------
    InputError
        If a rule is unknown or the table is wrong.

    Examples
    --------
    >>> import pandas as pd
    >>> from napari_jsn.scoring import scheme, totals
    >>> sites = [(side, site) for side in "LR" for site in scheme("svdh-fingers").sites["jsn"]]
    >>> scores = pd.DataFrame(sites, columns=["side", "site"]).assign(patient="P1", visit=1, kind="jsn", grade=1)
    >>> found = totals(scores, "svdh-fingers")
    >>> float(found["total"][0]), int(found["maximum"][0])
    (18.0, 72)
    """
    import pandas as pd

    _check_rule("missing", missing, MISSING_RULES)
    _check_rule("surgery", surgery, SURGERY_RULES)
    if not 0 <= minimum_share <= 1:
        raise InputError(f"The minimum share is {minimum_share}. Give a number from 0 to 1.", "minimum_share")
    used = scheme(scheme_name)
    table = long_table(scores, used, without_reader=True)
    readings = pd.MultiIndex.from_frame(table[KEYS].drop_duplicates())
    by_kind = {
        kind: _of_kind(table[table["kind"] == kind], readings, used, kind, missing, surgery, minimum_share)
        for kind in used.kinds
        if (table["kind"] == kind).any()
    }
    parts = list(by_kind.values())
    if len(used.kinds) > 1 and len(by_kind) == len(used.kinds):
        parts.append(_sum_of_kinds(parts))
    if not parts:
        raise InputError("The table of scores has no rows. Give a table with grades.", "scores")
    found = pd.concat(parts, ignore_index=True)
    found["share_scored"] = found["sites_scored"] / found["sites"]
    order = ordered_visits(found["visit"])
    place = found.assign(
        kind=pd.Categorical(found["kind"], [*used.kinds, "total"], ordered=True), visit=found["visit"].map(order)
    )
    place = place.assign(patient=place["patient"].astype(str))
    found = found.loc[place.sort_values([*KEYS[:3], "visit", "kind"], kind="stable").index].reset_index(drop=True)
    columns = [*KEYS, "kind", "total", "sites_scored", "sites", "share_scored", "filled", "maximum"]
    rule = missing if surgery == "missing" else f"{missing}, surgery {surgery}"
    return found[columns].assign(scheme=used.name, rule=rule)


def _of_kind(
    rows: pd.DataFrame,
    readings: pd.MultiIndex,
    used: Scheme,
    kind: str,
    missing: str,
    surgery: str,
    minimum_share: float,
) -> pd.DataFrame:
    """Return the totals of one kind of all readings; one without any row of the kind has no site scored."""
    import pandas as pd

    places = pd.MultiIndex.from_product([SIDES, used.sites[kind]])
    highest = used.highest[kind]
    grades = _wide(rows, "grade", places).astype(float).reindex(readings)
    scored = grades.notna().sum(axis=1)
    if surgery == "maximum":
        operated = _wide(rows.assign(operated=rows["not_scored"] == NotScored.SURGERY), "operated", places)
        operated = operated.reindex(readings)
        grades = grades.mask(operated.eq(True), highest)
    if missing == "carried-forward":
        order = ordered_visits(readings.get_level_values("visit").to_series())
        visits = grades.index.get_level_values("visit").map(order)
        in_order = grades.iloc[visits.argsort(kind="stable")]
        dated = not rows.duplicated([*ITEM, "reader"]).any()  # sessions only date the reading of a visit
        grades = in_order.groupby(level=KEYS[: 2 if dated else 3], sort=False).ffill().reindex(grades.index)
    known = grades.notna().sum(axis=1)
    total = grades.sum(axis=1, min_count=1)
    if missing == "scaled":
        total = (total * len(places) / known.where(known > 0)).where(known >= minimum_share * len(places))
    elif missing != "sum":
        total = total.where(known == len(places))
    found = pd.DataFrame({"total": total, "sites_scored": scored, "filled": known - scored}).reset_index()
    return found.assign(kind=kind, sites=len(places), maximum=used.maximum(kind))


def _wide(rows: pd.DataFrame, values: str, places: Any) -> pd.DataFrame:
    """Return one row a reading of a patient and one column a side and site; NaN where the table has no row."""
    return rows.pivot(index=KEYS, columns=["side", "site"], values=values).reindex(columns=places)


def _sum_of_kinds(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the sum over kinds of the readings that have every kind; NaN where one total is NaN."""
    import pandas as pd

    every = pd.concat(parts).groupby(KEYS, sort=False)
    summed = every[["sites_scored", "sites", "filled", "maximum"]].sum()
    summed["total"] = every["total"].sum(min_count=len(parts))
    return summed[every.size() == len(parts)].reset_index().assign(kind="total")


def _check_rule(name: str, rule: object, rules: Mapping[str, str]) -> None:
    if rule not in rules:
        raise InputError(f"The rule {rule!r} for {name} is not known. Choose one of: {', '.join(rules)}.", name)
