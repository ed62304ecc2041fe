"""Results: one joint on one radiograph, the narrowing of one joint between two visits, and one measured hand."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date

from napari_jsn.common.reasons import Reason, WithReasons
from napari_jsn.common.statistics import Estimate
from napari_jsn.joint import JOINT_IMAGE_MM, BoneMasks, Joint, JointImage
from napari_jsn.radiograph import Radiograph
from napari_jsn.registration.prepare import MIN_REGION
from napari_jsn.registration.result import WIDE_MM, NarrowingFigures, Registration
from napari_jsn.width.result import JointSpaceWidth

NAN = float("nan")
#: Visit, side (``""`` where it is not known) and joint.
PlaceOfJoint = tuple[int, str, str]


#: Correlation of the errors of a narrowing and of the change of the joint space width: both contain the flexion and the
#: roll of the bones.
_JSW_CORRELATION = 0.5


def difference_sd(narrowing: Estimate, width_change: Estimate) -> float:
    """Return narrowing minus decrease of the joint space width, in standard deviations of their difference.

    Both are in one unit. Their errors are correlated.
    """
    variance = narrowing.sd**2 + width_change.sd**2 - 2 * _JSW_CORRELATION * narrowing.sd * width_change.sd
    return (narrowing.value - width_change.value) / math.sqrt(variance) if variance > 0 else NAN


@dataclass(frozen=True, eq=False)
class JointView(WithReasons):
    """One joint on the radiograph of one visit.

    Attributes
    ----------
    joint : Joint
        Name, side and box.
    image : JointImage
    masks : BoneMasks
        Found by the network, or painted by the user.
    jsw : JointSpaceWidth
    reasons : tuple of Reason
        Why the masks may be wrong.
    masks_painted : bool
        Whether a person painted the masks.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"])
    >>> view = progression.narrowings[0].baseline
    >>> view.joint.name, view.changed_by_hand, view.image.pixels.shape == view.masks.shape
    ('MCP2', False, True)
    """

    joint: Joint
    image: JointImage = field(repr=False)
    masks: BoneMasks = field(repr=False)
    jsw: JointSpaceWidth
    reasons: tuple[Reason, ...] = ()
    masks_painted: bool = False

    @property
    def changed_by_hand(self) -> bool:
        """Whether a person set the box or painted the masks."""
        return self.joint.edited or self.masks_painted

    @property
    def pixel_mm(self) -> float:
        """Pixel size of the joint image in mm; if it is not known, the one at which its box has its usual side."""
        return self.image.spacing_mm or JOINT_IMAGE_MM / max(self.image.pixels.shape)

    @property
    def has_both_bones(self) -> bool:
        """Whether both masks are large enough to register."""
        return bool(min(self.masks.upper.sum(), self.masks.lower.sum()) >= MIN_REGION)


@dataclass(frozen=True, eq=False)
class ChangedJoint:
    """A joint on one radiograph as a person changed it.

    Attributes
    ----------
    joint : Joint or None
        The box, which is used as it is; None if the joint must not be measured.
    masks : BoneMasks or None
        Masks that were painted on the image that the box cuts out; None to find them.
    """

    joint: Joint | None
    masks: BoneMasks | None = None


@dataclass(frozen=True, eq=False)
class Narrowing(NarrowingFigures):
    """The narrowing of one joint from the baseline to one later visit.

    Attributes
    ----------
    joint, side : str
        ``"MCP2"``, ``"L"``; the side is "" where it is not known.
    visit : int
        2 or more.
    narrowing_px : Estimate
        Narrowing since baseline in pixels of the baseline's joint image, positive is narrower, and its standard
        uncertainty. With three visits or more it is the weighted least-squares solution over all pairs of visits. NaN
        where not measured.
    spacing_mm : float or None
        Pixel size of the baseline's joint image.
    reasons : tuple of Reason
        Why the figure has failed; empty where it has not.
    angle_deg : float
        Rotation of the upper bone against the lower one since baseline.
    closure_px : float
        Root mean square of the closures of the triangles of visits that include this visit; NaN with two visits.
    width_change_px : Estimate
        Baseline JSW minus this visit's JSW (divided by the registered scale): an independent check on the narrowing.
    registration : Registration or None
        The registration from the baseline to this visit; None if the joint was not measured.
    baseline, followup : JointView or None
        The views that were registered.
    wide_mm : float
        Half width of the 95 % interval above which ``state`` is ``"wide"``.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> (narrowing,) = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"]).narrowings
    >>> narrowing.joint, narrowing.side, narrowing.visit, narrowing.state
    ('MCP2', 'L', 2, 'good')
    >>> low, high = narrowing.ci95_mm
    >>> low < narrowing.jsn_mm < high
    True
    """

    joint: str
    side: str
    visit: int
    narrowing_px: Estimate = Estimate()
    spacing_mm: float | None = None
    reasons: tuple[Reason, ...] = ()
    angle_deg: float = NAN
    closure_px: float = NAN
    width_change_px: Estimate = Estimate()
    registration: Registration | None = field(default=None, repr=False)
    baseline: JointView | None = field(default=None, repr=False)
    followup: JointView | None = field(default=None, repr=False)
    wide_mm: float = WIDE_MM

    @property
    def width_change_mm(self) -> Estimate:
        """The decrease of the joint space width in mm; NaN without a pixel size."""
        return self.width_change_px.scaled(self.spacing_mm)

    @property
    def closure_mm(self) -> float:
        """The closure in mm."""
        return NAN if self.spacing_mm is None else self.closure_px * self.spacing_mm

    @property
    def jsw_change_mm(self) -> float:
        """The decrease of the joint space width in mm."""
        return self.width_change_mm.value

    @property
    def jsw_change_sd_mm(self) -> float:
        """Standard uncertainty of the decrease of the joint space width in mm."""
        return self.width_change_mm.sd

    @property
    def jsw_difference_sd(self) -> float:
        """Narrowing minus decrease of the joint space width in standard deviations, whose errors correlate by 0.5.

        NaN where one of them is not known.
        """
        return difference_sd(self.narrowing_px, self.width_change_px)

    @property
    def changed_by_hand(self) -> bool:
        """Whether a person set a box or painted masks of this joint at the baseline or at this visit."""
        return any(view is not None and view.changed_by_hand for view in (self.baseline, self.followup))

    def __repr__(self) -> str:
        figure, unit = (self.narrowing_px, "px") if self.spacing_mm is None else (self.narrowing_mm, "mm")
        low, high = figure.ci95
        name = f"{self.joint} {self.side}".strip()
        interval = f"{figure.value:+.2f} {unit} [{low:+.2f}, {high:+.2f}]"
        return f"<Narrowing: {name}, visit {self.visit}: {interval}, {self.state}>"


@dataclass(frozen=True, eq=False)
class MeasuredHand(WithReasons):
    """One radiograph of one hand that was measured, and the views of its joints.

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
    reasons : tuple of Reason
        Reasons why all joints of this hand may be wrong.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2", "MCP3"])
    >>> hand = progression.hands[0]
    >>> hand.visit, hand.side, [view.joint.name for view in hand.joints]
    (1, 'L', ['MCP2', 'MCP3'])
    """

    visit: int
    day: date | None
    side: str | None
    radiograph: Radiograph = field(repr=False)
    joints: tuple[JointView, ...] = field(repr=False)
    missing: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
