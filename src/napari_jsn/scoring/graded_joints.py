"""What a network says of the joints of one visit, and the protocol of a loaded method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from napari_jsn.common.reasons import ReasonCode
from napari_jsn.patient.patient import Hand

#: Reasons of a hand for which no joint of it is scored.
_NO_SCORES = (ReasonCode.NO_HAND, ReasonCode.HAND_ROTATED, ReasonCode.VIEW_OBLIQUE, ReasonCode.HAND_TOO_COARSE)

#: Side, joint and kind.
Key = tuple[str, str, str]


def why_not_scored(hand: Hand) -> str:
    """Return why no joint of a hand can be scored, in sentences; empty where joints can."""
    stated = [reason.sentence for reason in hand.reasons if reason.code in _NO_SCORES]
    if not stated and not hand.joints:
        stated = [reason.sentence for reason in hand.reasons] or ["No finger joint was found on it."]
    return " ".join(stated)


@dataclass(frozen=True)
class GradedJoints:
    """What a network says of the joints of one visit.

    Attributes
    ----------
    probabilities : mapping of (side, joint, kind) to tuple of float
        Of the grades; joints without are not scored.
    refused : tuple of (side, joint)
        Joints with an image that the network cannot grade.
    """

    probabilities: Mapping[Key, tuple[float, ...]]
    refused: tuple[tuple[str, str], ...] = ()


class Grader(Protocol):
    """A loaded method."""

    card: Mapping[str, Any]

    def grade(self, hands: Sequence[Hand]) -> GradedJoints:
        """Return the grades of the hands of one visit."""
