"""In which order the radiographs of a store are read; orders are drawn from a seed, which the store keeps."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from napari_jsn.common.errors import InputError

#: Orders of reading, and whether they hide what is read.
ORDERS = {"chronological": False, "paired": True, "single": True}


@dataclass(frozen=True)
class Planned:
    """One item of the work list: which visits of which patient are shown, in which order.

    Attributes
    ----------
    code : str
        What the reader sees instead of patient and visit, if these are hidden.
    patient : str
    visits : tuple of int
    repeated : bool
        Whether the same was read before in this session.
    """

    code: str
    patient: str
    visits: tuple[int, ...]
    repeated: bool = False


def plan(visits: Mapping[str, Sequence[int]], order: str, seed: int, repeated_share: float = 0.0) -> list[Planned]:
    """Return what is read, in its order.

    Parameters
    ----------
    visits : mapping
        Visits of every patient.
    order : str
        ``"chronological"``: patients by name, visits by time. ``"paired"``: patients shuffled, all visits of one side
        by side in an order that is hidden. ``"single"``: one visit at a time, shuffled over patients and visits.
    seed : int
    repeated_share : float
        Share of the patients that are read twice, rounded up; the second time is mixed with the first readings.

    Raises
    ------
    InputError
        If there is no such order, the share is not between 0 and 1, or there is nothing to read.

    Examples
    --------
    >>> from napari_jsn.reading.orders import plan
    >>> [(item.code, item.patient, item.visits) for item in plan({"P1": [1, 2]}, "single", seed=3)]
    [('001', 'P1', (2,)), ('002', 'P1', (1,))]
    """
    if order not in ORDERS:
        raise InputError(f"There is no order of reading {order!r}. Choose one of: {', '.join(ORDERS)}.", "order")
    if not 0 <= repeated_share <= 1:  # NaN is refused too
        raise InputError(
            f"The share of patients that are read twice is {repeated_share}. Give a number from 0 to 1.",
            "repeated_share",
        )
    if not visits:
        raise InputError("The store has no patient with radiographs. Save measurements first.", "store")
    draw = random.Random(seed)  # its sequence is the same in all versions of Python
    names = sorted(visits)
    twice = set(draw.sample(names, math.ceil(repeated_share * len(names))))
    items = [(name, group) for name in names for group in _groups(visits[name], order)]
    repeated = [(name, group) for name, group in items if name in twice]
    if order == "chronological":
        draw.shuffle(repeated)
        items += repeated
    else:
        items += repeated
        draw.shuffle(items)
    seen: set[tuple[str, tuple[int, ...]]] = set()
    planned = []
    for k, (name, group) in enumerate(items, start=1):
        shown = list(group)
        if order == "paired":
            draw.shuffle(shown)
        planned.append(Planned(f"{k:03d}", name, tuple(shown), (name, group) in seen))
        seen.add((name, group))
    return planned


def _groups(visits: Sequence[int], order: str) -> list[tuple[int, ...]]:
    ordered = sorted(visits)
    return [(visit,) for visit in ordered] if order == "single" else [tuple(ordered)]
