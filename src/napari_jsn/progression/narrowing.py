"""What is known of one joint, one film, and one joint's narrowing between two visits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from napari_jsn.joint import BoneMasks, Joint, JointImage
from napari_jsn.radiograph import Radiograph
from napari_jsn.registration.result import Registration
from napari_jsn.width.result import JointSpaceWidth

Interval = tuple[float, float]
NAN = float("nan")


@dataclass(frozen=True, eq=False)
class JointView:
    """One joint on the radiograph of one visit.

    Attributes
    ----------
    joint : Joint
        Name, side and box.
    image : JointImage
    masks : BoneMasks
        Found by the network, or drawn by the user.
    jsw : JointSpaceWidth
    reasons : tuple of str
        What is doubtful about the box or the masks.
    """

    joint: Joint
    image: JointImage = field(repr=False)
    masks: BoneMasks = field(repr=False)
    jsw: JointSpaceWidth
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Narrowing:
    """How much one joint narrowed from the baseline to one later visit.

    Attributes
    ----------
    joint, side : str
        ``"MCP2"``, ``"L"``; the side is "" where it is not known.
    visit : int
        2 or more.
    jsn_mm, jsn_sd_mm : float
        Narrowing since baseline in baseline mm, positive is narrower, and its standard uncertainty. With three visits
        or more it is the weighted least-squares solution over all pairs of visits. NaN where not measured.
    ci95_mm : (float, float)
    jsn_px, jsn_sd_px : float
        The same in pixels of the baseline's joint image.
    reliable : bool
    reason : str
        Why not reliable; empty when reliable.
    angle_deg : float
        Turn of the upper bone against the lower one since baseline.
    closure_mm : float
        Root mean square of what the pairs of visits leave open around the triangles that hold this visit; NaN with two.
    jsw_change_mm, jsw_change_sd_mm : float
        Baseline JSW less this visit's JSW (divided by the registered scale): an independent check on ``jsn_mm``.
    registration : Registration or None
        The direct one from the baseline to this visit; None where the joint was not measured.
    baseline, followup : JointView or None
        What was registered.
    """

    joint: str
    side: str
    visit: int
    jsn_mm: float = NAN
    jsn_sd_mm: float = NAN
    ci95_mm: Interval = (NAN, NAN)
    jsn_px: float = NAN
    jsn_sd_px: float = NAN
    reliable: bool = False
    reason: str = ""
    angle_deg: float = NAN
    closure_mm: float = NAN
    jsw_change_mm: float = NAN
    jsw_change_sd_mm: float = NAN
    registration: Registration | None = field(default=None, repr=False)
    baseline: JointView | None = field(default=None, repr=False)
    followup: JointView | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class MeasuredHand:
    """A radiograph that was measured: whose hand, when, and its joints.

    Attributes
    ----------
    visit : int
    day : datetime.date or None
    side : {"L", "R"} or None
    radiograph : Radiograph
    joints : tuple of JointView
        In anatomical order.
    missing : tuple of str
        Joints that are not in view.
    notes : tuple of str
        What was noticed about it.
    """

    visit: int
    day: date | None
    side: str | None
    radiograph: Radiograph = field(repr=False)
    joints: tuple[JointView, ...] = field(repr=False)
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
