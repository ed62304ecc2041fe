"""``FoundJoints``: the joints found on a radiograph, in anatomical order, and what is doubtful about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

from napari_jsn.common.notes import counted
from napari_jsn.common.reasons import Reason, WithReasons
from napari_jsn.joint import Joint
from napari_jsn.radiograph.resampling import Thumbnail


@dataclass(frozen=True)
class FoundJoints(Sequence[Joint], WithReasons):
    """The joints of the hands on one radiograph.

    Attributes
    ----------
    joints : tuple of Joint
        In the order of :data:`napari_jsn.anatomy.JOINTS`; of two hands the right one first.
    missing : tuple of (side, name)
        Joints of these hands that are out of view, covered, or ambiguous: another joint may lie there.
    sides : tuple of str
        ``"R"``, ``"L"``, both, or none.
    side_source : str
        Where the sides come from: ``"given"``, the radiograph's own source (``"ImageLaterality"``, ...), or
        :data:`ANATOMY`.
    contradicts : bool
        Whether the stated side differs from the side that the image shows in a posteroanterior view.
    reasons : tuple of Reason
        Why this is doubtful or no hand; empty where nothing is.
    notes : tuple of str
        Which joints were not found although they should be in the picture, and how many further hands were left out.
    hand_px : float
        Length of the hand, from the base of the third metacarpal to the tip of the middle finger's bone, in pixels of
        the radiograph (of its finer direction); of two hands the longer one. NaN without a hand.
    model : str
        Name and hash of the model that found the joints; empty if the boxes were given.
    thumbnail : Thumbnail or None
        A small copy of the radiograph, for the picture in notebooks; None if the boxes were given.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> found = jsn.find_joints(baseline)
    >>> found
    <FoundJoints: 14 joints, 0 missing, L>
    >>> [joint.name for joint in found.of("L")][:3]
    ['MCP1', 'IP1', 'MCP2']
    """

    joints: tuple[Joint, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    sides: tuple[str, ...] = ()
    side_source: str = ""
    contradicts: bool = False
    reasons: tuple[Reason, ...] = ()
    hand_px: float = float("nan")
    model: str = ""
    thumbnail: Thumbnail | None = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        sides = " and ".join(self.sides) or "no side"
        state = "" if self.reliable else ", not reliable"
        return f"<FoundJoints: {counted(len(self.joints), 'joint')}, {len(self.missing)} missing, {sides}{state}>"

    def _repr_html_(self) -> str:
        from napari_jsn.drawing.hand import LabelledBox, hand_svg
        from napari_jsn.drawing.notebook import picture_html, result_html, table_html

        rows = [
            (joint.name, joint.side or "", *(f"{at:.0f}" for at in joint.centre), f"{joint.confidence:.2f}")
            for joint in self.joints
        ]
        head = ("joint", "side", "row", "col", "confidence")
        notes = [*(str(reason) for reason in self.reasons), *self.notes]
        if self.missing:
            notes.append(f"Missing: {', '.join(f'{name} {side}'.strip() for side, name in self.missing)}.")
        parts = [table_html(head, rows)]
        if self.thumbnail is not None:
            small = self.thumbnail
            boxes = [LabelledBox(small.corners(joint.box), joint.name) for joint in self.joints]
            parts.append(picture_html(hand_svg(small.intensities, boxes, spacing_mm=small.spacing_mm)))
        return result_html(repr(self)[1:-1], *parts, notes=notes)

    def of(self, side: str) -> tuple[Joint, ...]:
        """Return the joints of one hand.

        Examples
        --------
        >>> import napari_jsn as jsn
        >>> joints = [jsn.Joint.around("MCP2", side, (50.0, 50.0), (1.0, 0.0), size=20) for side in "RL"]
        >>> jsn.FoundJoints(tuple(joints), sides=("R", "L")).of("L")
        (Joint(name='MCP2', side='L', confidence=1.0, edited=False),)
        """
        return tuple(joint for joint in self.joints if joint.side == side)

    def __len__(self) -> int:
        """Return the number of joints found."""
        return len(self.joints)

    @overload
    def __getitem__(self, index: int) -> Joint: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Joint, ...]: ...

    def __getitem__(self, index: int | slice) -> Joint | tuple[Joint, ...]:
        """Return one joint, or a slice of them."""
        return self.joints[index]


#: The side comes from the image alone, which is right for a posteroanterior view that is not mirrored.
ANATOMY = "anatomy (taken as posteroanterior and not mirrored)"
