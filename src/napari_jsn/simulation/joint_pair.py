"""Simulated joint images at two visits: one pair, or an endless stream of pairs for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import Similarity, joint_space_narrowing
from napari_jsn.simulation.exposure.bone_projector import BoneProjector
from napari_jsn.simulation.exposure.detector import Detector, expose_joint
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.pose import BoneAngles, RadiographTransform
from napari_jsn.simulation.simulated_radiograph import BoneMask, JointTruth
from napari_jsn.simulation.truth import BonePoints, VisitGeometry, joint_truth
from napari_jsn.simulation.visit import Disease, Positioning, pose_hand, posed_rays

#: Range of the narrowing, in mm. A joint that is too narrow for it is widened at baseline.
JSN_RANGE_MM = (-2.0, 2.0)
#: Mask of a bone outside the image.
_NO_MASK = BoneMask(0, 0, np.zeros((0, 0), dtype=bool))
#: Smallest joint space width after narrowing, in mm.
_MIN_JSW_MM = 0.1


@dataclass(frozen=True)
class JointPair:
    """A simulated joint image at two visits and the motion between them.

    Attributes
    ----------
    fixed, moving : (H, W) float32 array
        Baseline and follow-up in [0, 1], bone bright, finger axis vertical, distal end up.
    fixed_masks, moving_masks : BoneMasks
    spacing_mm : float
        Size of a pixel of both images.
    fixed_truth, moving_truth : JointTruth
        In pixels of these images.
    """

    fixed: NDArray[np.float32] = field(repr=False)
    moving: NDArray[np.float32] = field(repr=False)
    fixed_masks: BoneMasks = field(repr=False)
    moving_masks: BoneMasks = field(repr=False)
    spacing_mm: float
    fixed_truth: JointTruth
    moving_truth: JointTruth

    @property
    def jsn_mm(self) -> float:
        """True narrowing in space, along the joint axis."""
        return self.moving_truth.jsn_mm

    @property
    def jsn_projected_mm(self) -> float:
        """True narrowing that a perfect registration of the two images finds."""
        return self.moving_truth.jsn_projected_mm

    def jsn_projected_mm_at(self, point: NDArray[np.float64], axis: NDArray[np.float64]) -> float:
        """Return the true projected narrowing at another point and along another axis ``(x, y)`` of the baseline."""
        return self.spacing_mm * joint_space_narrowing(self.upper.matrix, self.lower.matrix, point, axis)

    @property
    def upper(self) -> Similarity:
        """Map of the upper bone from baseline to follow-up."""
        return self.moving_truth.upper

    @property
    def lower(self) -> Similarity:
        """Map of the lower bone from baseline to follow-up."""
        return self.moving_truth.lower

    @property
    def point(self) -> NDArray[np.float64]:
        """``(x, y)`` of the joint's middle in the baseline."""
        return self.fixed_truth.centre

    @property
    def axis(self) -> NDArray[np.float64]:
        """Unit vector ``(x, y)`` from the upper to the lower bone in the baseline."""
        return self.fixed_truth.axis


@dataclass(frozen=True)
class Motion:
    """Motion of a joint and its image between two visits.

    Attributes
    ----------
    rotation_deg, flexion_deg : float
        Of the upper bone against the lower one, in the plane and out of it.
    roll_upper_deg, roll_lower_deg : float
        Of each bone about its own long axis.
    slide_mm : float
        Lateral, in addition to the slide caused by the rotation.
    crop_rotation_deg : float
        Of the whole joint image.
    crop_translation_mm : (float, float)
        Of the whole joint image, x and y.
    magnification : float
        Of the whole joint image.
    """

    rotation_deg: float = 0.0
    flexion_deg: float = 0.0
    roll_upper_deg: float = 0.0
    roll_lower_deg: float = 0.0
    slide_mm: float = 0.0
    crop_rotation_deg: float = 0.0
    crop_translation_mm: tuple[float, float] = (0.0, 0.0)
    magnification: float = 1.0

    @classmethod
    def draw(cls, rng: np.random.Generator, spread: float = 1.0) -> Motion:
        """Draw a motion; ``spread`` 1 gives the differences between two visits of the development joints.

        There the bones rotate against each other by 2.8 deg and slide by 1.7 px of 0.087 mm (medians), and scale by
        0.35 % (quartiles).
        """
        common_roll = rng.normal(0, 4.0 * spread)
        return cls(
            rotation_deg=3.5 * spread * float(np.clip(rng.standard_t(4), -6, 6)),
            flexion_deg=float(rng.normal(0, 2.5 * spread)),
            roll_upper_deg=float(common_roll + rng.normal(0, 4.5 * spread)),
            roll_lower_deg=float(common_roll + rng.normal(0, 3.5 * spread)),
            slide_mm=float(rng.normal(0, 0.08 * spread)),
            crop_rotation_deg=float(rng.normal(0, 2.0 * spread)),
            crop_translation_mm=(float(rng.normal(0, 0.25 * spread)), float(rng.normal(0, 0.25 * spread))),
            magnification=float(np.exp(rng.normal(0, 0.005 * spread))),
        )


def joint_pair(
    joint: str = "MCP2",
    jsn_mm: float = 0.3,
    seed: int = 0,
    *,
    motion: Motion | None = None,
    disease: Disease | None = None,
    detector: Detector | None = None,
    shape: tuple[int, int] = (256, 256),
    spacing_mm: float = 0.1,
    side: str = "L",
) -> JointPair:
    """Simulate one joint at two visits.

    Parameters
    ----------
    joint : str
        ``"MCP2"``, ``"PIP3"``, ``"IP1"``, ...
    jsn_mm : float
        Narrowing from baseline to follow-up along the joint's axis in space; negative widens. A joint whose drawn width
        is too small for it is widened at baseline.
    seed : int
        Draws the patient, the motion, the device and the noise.
    motion : Motion, optional
        Of the joint between the visits; drawn by default.
    disease : Disease, optional
        Other changes between the visits; a little remodelling by default. Its narrowing of this joint is replaced by
        ``jsn_mm``.
    detector : Detector, optional
        Used for both images; by default one is drawn, and varied for the follow-up.
    shape : (int, int)
        Rows and columns of both images; even.
    spacing_mm : float
        Size of their pixels; the detector's pixels are twice as large, as in the crops in use.
    side : {"L", "R"}

    Returns
    -------
    JointPair

    Raises
    ------
    InputError
        If there is no such joint, or the narrowing, the shape or the side is out of range.

    Examples
    --------
    >>> from napari_jsn.simulation.joint_pair import joint_pair
    >>> pair = joint_pair("MCP2", jsn_mm=0.3, seed=1)
    >>> pair.fixed.shape, round(pair.jsn_mm, 3)
    ((256, 256), 0.3)
    """
    _check(joint, jsn_mm, shape, spacing_mm, side)
    rngs = [np.random.default_rng(s) for s in np.random.SeedSequence([int(seed), 1]).spawn(2)]
    patient = SimulatedPatient.draw(rngs[0])
    return next(_pairs(patient, [(joint, jsn_mm)], rngs[1], motion, disease, detector, shape, spacing_mm, side))


def sample_pair() -> JointPair:
    """Simulate the pair of the sample ``joint_pair_mcp``: an MCP2 joint that narrows by 0.3 mm."""
    return joint_pair("MCP2", jsn_mm=0.3, seed=0)


def joint_pairs(
    seed: int = 0,
    joints: Sequence[str] = anatomy.MEASURED_JOINTS,
    shape: tuple[int, int] = (256, 256),
    spacing_mm: float = 0.1,
    spread: float = 1.0,
) -> Iterator[JointPair]:
    """Simulate joint pairs without end: patient after patient, all the given joints of each.

    Parameters
    ----------
    seed : int
    joints : sequence of str
    shape, spacing_mm
        As in :func:`joint_pair`; the spacing varies from patient to patient by 15 %.
    spread : float
        Factor of the motion between visits; 1 as on the development joints.

    Yields
    ------
    JointPair
        With a normally distributed narrowing of standard deviation 0.25 mm.
    """
    for joint in joints:
        _check(joint, 0.0, shape, spacing_mm, "L")
    for sequence in _endless(np.random.SeedSequence([int(seed), 2])):
        patient_rng, rng = (np.random.default_rng(s) for s in sequence.spawn(2))
        narrowings = [(joint, float(np.clip(rng.normal(0, 0.25), -0.8, 0.8))) for joint in joints]
        step = spacing_mm * float(rng.uniform(0.85, 1.15))
        side = "L" if rng.random() < 0.5 else "R"
        patient = SimulatedPatient.draw(patient_rng)
        yield from _pairs(patient, narrowings, rng, None, None, None, shape, step, side, spread)


def _endless(sequence: np.random.SeedSequence) -> Iterator[np.random.SeedSequence]:
    while True:
        yield sequence.spawn(1)[0]


def check_narrowing(jsn_mm: float) -> None:
    """Raise an InputError if the narrowing is out of range."""
    low, high = JSN_RANGE_MM
    if not low <= jsn_mm <= high:
        raise InputError(f"A narrowing of {jsn_mm} mm cannot be simulated. Give one from {low} to {high} mm.", "jsn_mm")


def _check(joint: str, jsn_mm: float, shape: tuple[int, int], spacing_mm: float, side: str) -> None:
    anatomy.bones_of(joint)
    check_narrowing(jsn_mm)
    if min(shape) < 32 or shape[0] % 2 or shape[1] % 2:
        raise InputError(
            f"A joint image of {shape} pixels cannot be simulated. Give an even number of rows and columns, at least "
            "32 each.",
            "shape",
        )
    if not 0.02 <= spacing_mm <= 0.5:
        raise InputError(f"A pixel of {spacing_mm} mm cannot be simulated. Give 0.02 to 0.5 mm.", "spacing_mm")
    if side not in ("L", "R"):
        raise InputError(f"The side of a hand is 'L' or 'R', not {side!r}.", "side")


def _pairs(
    patient: SimulatedPatient,
    narrowings: Sequence[tuple[str, float]],
    rng: np.random.Generator,
    motion: Motion | None,
    disease: Disease | None,
    detector: Detector | None,
    shape: tuple[int, int],
    spacing_mm: float,
    side: str,
    spread: float = 1.0,
) -> Iterator[JointPair]:
    motion_rng, device_rng, crop_rng, pixel_rng = rng.spawn(4)
    widths = dict(patient.jsw_mm)
    for joint, jsn_mm in narrowings:
        widths[joint] = max(widths[joint], jsn_mm + _MIN_JSW_MM)
    patient = replace(patient, jsw_mm=widths)
    projector, bone_points = BoneProjector(patient), BonePoints(patient)
    device = detector or Detector.draw(device_rng)
    for joint, jsn_mm in narrowings:
        joint_motion = motion or Motion.draw(motion_rng, spread)
        change = disease or Disease(remodelled=float(min(abs(device_rng.normal(0, 0.25)), 0.9)))
        change = replace(change, narrowing_mm={**change.narrowing_mm, joint: jsn_mm})
        mirrored = side == "R"
        jitter = crop_rng.normal(0, 1.0, 3)
        baseline = _geometry(patient, joint, Motion(), Disease(), shape, spacing_mm, mirrored, jitter)
        followup = _geometry(patient, joint, joint_motion, change, shape, spacing_mm, mirrored, None, baseline)
        images = []
        for number, visit in enumerate((baseline, followup)):
            visit_device = detector or (device.vary(device_rng) if number else device)
            images.append(_joint_image(patient, projector, joint, visit, visit_device, pixel_rng))
        (fixed, fixed_masks), (moving, moving_masks) = images
        yield JointPair(
            fixed,
            moving,
            fixed_masks,
            moving_masks,
            spacing_mm,
            joint_truth(bone_points, joint, side, baseline, baseline),
            joint_truth(bone_points, joint, side, baseline, followup),
        )


def _geometry(
    patient: SimulatedPatient,
    joint: str,
    motion: Motion,
    disease: Disease,
    shape: tuple[int, int],
    spacing_mm: float,
    mirrored: bool,
    jitter: NDArray[np.float64] | None,
    baseline: VisitGeometry | None = None,
) -> VisitGeometry:
    """Return the geometry of a visit with the joint in the middle of the image and its axis vertical."""
    upper, lower = anatomy.bones_of(joint)
    positioning = Positioning(_angles(upper, lower, motion), {joint: motion.slide_mm})
    hand = pose_hand(patient, positioning, disease)
    geometry = hand.joints[joint]
    image_size = np.array(shape)[::-1] * spacing_mm
    if baseline is None:
        axis = RadiographTransform(mirrored=mirrored).linear @ geometry.axis[:2]
        rotation, magnification = float(np.rad2deg(np.arctan2(axis[0], axis[1]))), 1.0
        assert jitter is not None
        rotation, offset = rotation + 2.0 * float(jitter[0]), 0.4 * jitter[1:]
    else:
        rotation = baseline.transform.rotation_deg + motion.crop_rotation_deg
        magnification = motion.magnification
        centre = baseline.pixels(baseline.hand.joints[joint].centre)
        offset = centre * spacing_mm - image_size / 2 + motion.crop_translation_mm
    rotated = RadiographTransform(rotation, (0.0, 0.0), magnification, mirrored)
    middle = rotated.points(geometry.centre[:2])
    translation = image_size / 2 + offset - middle
    transform = replace(rotated, translation_mm=(float(translation[0]), float(translation[1])))
    return VisitGeometry(hand, positioning, disease, transform, shape, spacing_mm)


def _angles(upper: str, lower: str, motion: Motion) -> dict[str, BoneAngles]:
    """Return the angles of all bones of the ray: those distal to the joint move with its upper bone."""
    ray = anatomy.RAYS[int(lower[-1])]
    distal = BoneAngles(motion.rotation_deg, motion.flexion_deg, motion.roll_upper_deg)
    proximal = BoneAngles(roll_deg=motion.roll_lower_deg)
    return {bone: distal if ray.index(bone) >= ray.index(upper) else proximal for bone in ray}


def _joint_image(
    patient: SimulatedPatient,
    projector: BoneProjector,
    joint: str,
    visit: VisitGeometry,
    detector: Detector,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], BoneMasks]:
    attenuation, masks = projector.project(visit.hand, visit.disease, visit.transform, visit.shape, visit.spacing_mm)
    rays = {ray: visit.transform.points(points) for ray, points in posed_rays(patient, visit.hand).items()}
    attenuation += patient.soft_tissue.attenuation(rays, visit.shape, visit.spacing_mm, visit_rng=rng)
    pixels = expose_joint(attenuation, visit.spacing_mm, detector, rng)
    upper, lower = (masks.get(bone, _NO_MASK).full(visit.shape) for bone in anatomy.bones_of(joint))
    return pixels, BoneMasks(upper, lower)
