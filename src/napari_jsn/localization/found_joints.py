"""The joints found on a radiograph, in anatomical order, and what is doubtful about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from napari_jsn.common.reasons import Reason
from napari_jsn.joint import Joint


@dataclass(frozen=True)
class FoundJoints(Sequence[Joint]):
    """The joints of the hands on one radiograph.

    Attributes
    ----------
    joints : tuple of Joint
        In the order of :data:`napari_jsn.anatomy.JOINTS`; of two hands the right one first.
    missing : tuple of (side, name)
        Joints of the hands found that are out of view, or covered.
    sides : tuple of str
        ``"R"``, ``"L"``, both, or none.
    side_source : str
        What the sides rest on: ``"given"``, the radiograph's own source (``"ImageLaterality"``, ...), or
        :data:`ANATOMY`.
    contradicts : bool
        Whether the radiograph's tag says one side and the hand on it is the other, if it lies palm down.
    reasons : tuple of Reason
        Why this is doubtful or no hand; empty where nothing is.
    hand_px : float
        Length of the hand, from the base of the third metacarpal to the tip of the middle finger's bone, in pixels of
        the radiograph (of its finer direction); of two hands the longer. NaN where there is none.
    """

    joints: tuple[Joint, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    sides: tuple[str, ...] = ()
    side_source: str = ""
    contradicts: bool = False
    reasons: tuple[Reason, ...] = ()
    hand_px: float = float("nan")

    @property
    def reliable(self) -> bool:
        """Whether nothing is doubtful."""
        return not self.reasons

    def of(self, side: str) -> tuple[Joint, ...]:
        """The joints of one hand."""
        return tuple(joint for joint in self.joints if joint.side == side)

    def __len__(self) -> int:
        """How many joints were found."""
        return len(self.joints)

    @overload
    def __getitem__(self, index: int) -> Joint: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Joint, ...]: ...

    def __getitem__(self, index: int | slice) -> Joint | tuple[Joint, ...]:
        """A joint by its place, or some."""
        return self.joints[index]


#: The side was told from the picture alone, which takes an unmirrored posteroanterior view.
ANATOMY = "anatomy (taken as posteroanterior and not mirrored)"
