"""Grades of a site: a value, or the reason why it was not scored; marks; what a mark implies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from napari_jsn.common.errors import InputError

#: Kinds of score, and their names.
KINDS = {"jsn": "joint space narrowing", "erosion": "erosion"}
#: The highest grade of each kind at a site of the hand.
HIGHEST = {"jsn": 4, "erosion": 5}


def nearest_grade(probabilities: Any) -> Any:
    """Return the grade (...) nearest to the expected grade of probabilities (..., K + 1).

    It is reported as the grade of a network. Of all grades it has the least expected squared distance from the true
    one; the most probable grade is far off more often.

    Parameters
    ----------
    probabilities : array or tensor
        Of the grades from 0 on.

    Returns
    -------
    array or tensor of int

    Examples
    --------
    >>> import numpy as np
    >>> from napari_jsn.scoring.grades import nearest_grade
    >>> nearest_grade(np.array([[0.4, 0.3, 0.3], [0.0, 0.1, 0.9]])).tolist()
    [1, 2]
    """
    below = probabilities.cumsum(-1)[..., :-1]
    highest = below.shape[-1]
    expected = highest - below.sum(-1)
    return sum((expected >= grade - 0.5) * 1 for grade in range(1, highest + 1))


class NotScored(StrEnum):
    """Why a site has no grade."""

    MISSING = "missing"
    SURGERY = "surgery"
    OVERLAP = "overlap"
    NOT_VISIBLE = "not_visible"
    NOT_MODELLED = "not_modelled"


class Mark(StrEnum):
    """A finding that is recorded beside the grade of joint space narrowing."""

    SUBLUXATION = "subluxation"
    LUXATION = "luxation"
    ANKYLOSIS = "ankylosis"


#: The grade of joint space narrowing that a mark implies.
IMPLIED_JSN = {Mark.SUBLUXATION: 3, Mark.LUXATION: 4, Mark.ANKYLOSIS: 4}


@dataclass(frozen=True)
class Grade:
    """A grade of a site: a value, or the reason why it was not scored.

    Parameters
    ----------
    kind : str
        ``"jsn"`` or ``"erosion"``.
    value : int, optional
        By default the grade that the mark implies.
    not_scored : NotScored or str, optional
        Why there is no value.
    mark : Mark or str, optional
        Of joint space narrowing: subluxation, complete luxation or bony ankylosis.
    highest : int, optional
        The highest grade that is allowed; by default 4 for narrowing and 5 for erosion.

    Raises
    ------
    InputError
        If the value is not allowed or contradicts the mark, or if there is neither a value nor a reason, or both.

    Examples
    --------
    >>> from napari_jsn.scoring import Grade
    >>> Grade("jsn", mark="luxation").value
    4
    >>> Grade("erosion", not_scored="surgery").value is None
    True
    """

    kind: str
    value: int | None = None
    not_scored: NotScored | None = None
    mark: Mark | None = None
    highest: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"The kind of a grade is {self.kind!r}. Choose one of: {', '.join(KINDS)}.", "kind")
        highest = HIGHEST[self.kind] if self.highest is None else self.highest
        mark = None if self.mark is None else mark_of(self.mark)
        reason = None if self.not_scored is None else not_scored_of(self.not_scored)
        value = None if self.value is None else checked_value(self.value, highest)
        if mark is not None and self.kind != "jsn":
            raise InputError(
                f"A mark ({mark}) belongs to joint space narrowing, not to erosion. Put it in a row of kind jsn.",
                "mark",
            )
        if reason is not None and (value is not None or mark is not None):
            raise InputError(
                f"A site has a grade or a mark, and is also stated as not scored ({reason}). Keep one of them.",
                "not_scored",
            )
        if mark is not None:
            implied = min(IMPLIED_JSN[mark], highest)
            if value is not None and value < implied:
                raise InputError(
                    f"The grade is {value}, but {mark} implies at least {implied}. Correct the grade or the mark.",
                    "grade",
                )
            value = implied if value is None else value
        if value is None and reason is None:
            raise InputError(
                f"A site has neither a grade nor a reason. Give a whole number from 0 to {highest}, or a reason: "
                f"{', '.join(NotScored)}.",
                "grade",
            )
        for name, checked in (("value", value), ("not_scored", reason), ("mark", mark), ("highest", highest)):
            object.__setattr__(self, name, checked)


def checked_value(value: object, highest: int) -> int:
    """Return a grade as int.

    Raises
    ------
    InputError
        If it is not a whole number from 0 to the highest.
    """
    number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else _number(value)
    if not math.isfinite(number) or number != int(number) or not 0 <= number <= highest:
        raise InputError(f"The grade is {value!r}. Give a whole number from 0 to {highest}.", "grade")
    return int(number)


def not_scored_of(text: str) -> NotScored:
    """Return the reason from a spelling such as ``"Not visible"``.

    Raises
    ------
    InputError
        If there is no such reason.
    """
    try:
        return NotScored(_plain(text))
    except ValueError:
        raise InputError(
            f"The reason {text!r} is not known. Choose one of: {', '.join(NotScored)}.", "not_scored"
        ) from None


def mark_of(text: str) -> Mark:
    """Return the mark from a spelling such as ``"Complete luxation"`` or ``"bony ankylosis"``.

    Raises
    ------
    InputError
        If there is no such mark.
    """
    try:
        return Mark(_plain(text).removeprefix("complete_").removeprefix("bony_"))
    except ValueError:
        raise InputError(f"The mark {text!r} is not known. Choose one of: {', '.join(Mark)}.", "mark") from None


def _plain(text: object) -> str:
    return "_".join(str(text).replace("-", " ").replace("_", " ").lower().split())


def _number(value: object) -> float:
    try:
        return float(str(value)) if not isinstance(value, bool) else math.nan
    except ValueError:
        return math.nan
