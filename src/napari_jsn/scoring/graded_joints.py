"""What a network says of the joints of one visit, and the protocol of a loaded method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from napari_jsn.patient.patient import Hand

#: Side, joint and kind.
Key = tuple[str, str, str]


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
