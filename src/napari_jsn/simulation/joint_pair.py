"""Simulated joint images at two visits: one pair, or an endless stream of pairs for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import Similarity, joint_space_narrowing
from napari_jsn.simulation.damage import effects
from napari_jsn.simulation.damage.difficulty import FIRST, Difficulty
from napari_jsn.simulation.damage.difficulty import difficulty as difficulty_of
from napari_jsn.simulation.damage.hand_damage import HandDamage, Sampled, checked_sampling, draw_hand
from napari_jsn.simulation.damage.joint_damage import Narrowing
from napari_jsn.simulation.exposure.bone_projector import BoneProjector
from napari_jsn.simulation.exposure.detector import Detector, expose_joint
from napari_jsn.simulation.joint_motion import Motion
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.random_streams import random_stream
from napari_jsn.simulation.shapes.pose import RadiographTransform
from napari_jsn.simulation.simulated_radiograph import BoneMask, JointTruth
from napari_jsn.simulation.truth import BonePoints, VisitGeometry, joint_truth
from napari_jsn.simulation.visit import Disease, Positioning, pose_hand, posed_rays

#: Range of the narrowing, in mm. A joint that is too narrow for it is widened at baseline.
JSN_RANGE_MM = (-2.0, 2.0)
#: Mask of a bone outside the image.
_NO_MASK = BoneMask(0, 0, np.zeros((0, 0), dtype=bool))
#: Smallest joint space width after narrowing, in mm: of a joint that is widened for it, and of a damaged joint.
_MIN_JSW_MM, _LEAST_MM = 0.1, 0.03


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
    narrowing : Narrowing or None
        Narrowing and displacement of this joint, where damage was drawn.
    """

    fixed: NDArray[np.float32] = field(repr=False)
    moving: NDArray[np.float32] = field(repr=False)
    fixed_masks: BoneMasks = field(repr=False)
    moving_masks: BoneMasks = field(repr=False)
    spacing_mm: float
    fixed_truth: JointTruth
    moving_truth: JointTruth
    narrowing: Narrowing | None = None

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
    difficulty: int = FIRST,
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
    difficulty : int
        Version of the bones, the motion and the noise (:mod:`napari_jsn.simulation.damage.difficulty`). By default the
        first one, in which a pair of a seed stays the same.

    Returns
    -------
    JointPair

    Raises
    ------
    InputError
        If there is no such joint or version, or the narrowing, the shape or the side is out of range.

    Examples
    --------
    >>> from napari_jsn.simulation.joint_pair import joint_pair
    >>> pair = joint_pair("MCP2", jsn_mm=0.3, seed=1)
    >>> pair.fixed.shape, round(pair.jsn_mm, 3)
    ((256, 256), 0.3)
    """
    _check(joint, jsn_mm, shape, spacing_mm, side)
    rngs = [np.random.default_rng(s) for s in np.random.SeedSequence([int(seed), 1]).spawn(2)]
    settings = difficulty_of(difficulty)
    patient = SimulatedPatient.draw(rngs[0], bones=settings.bones)
    pairs = _pairs(patient, [(joint, jsn_mm)], rngs[1], motion, disease, detector, shape, spacing_mm, side, settings)
    return next(pairs)


def sample_pair() -> JointPair:
    """Simulate the pair of the sample ``joint_pair_mcp``: an MCP2 joint that narrows by 0.3 mm."""
    return joint_pair("MCP2", jsn_mm=0.3, seed=0)


def joint_pairs(
    seed: int = 0,
    joints: Sequence[str] = anatomy.MEASURED_JOINTS,
    shape: tuple[int, int] = (256, 256),
    spacing_mm: float = 0.1,
    spread: float = 1.0,
    difficulty: int = FIRST,
    grades: str | None = None,
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
    difficulty : int
        As in :func:`joint_pair`; trainings use the newest one.
    grades : {"uniform", "natural"}, optional
        Draw damage of all grades, as in :func:`napari_jsn.simulation.hand.simulate`, but no implants and no missing
        bones. By default joints are narrowed a little and not displaced.

    Yields
    ------
    JointPair
        With a normally distributed narrowing of standard deviation 0.25 mm; none is drawn for displaced and fused
        joints.

    Raises
    ------
    InputError
        If there is no such joint, version or sampling, or the shape or the spacing is out of range.
    """
    for joint in joints:
        _check(joint, 0.0, shape, spacing_mm, "L")
    settings, damaged = difficulty_of(difficulty), checked_sampling(grades, difficulty, None)
    return _endless_pairs(seed, joints, shape, spacing_mm, spread, settings, damaged)


def _endless_pairs(
    seed: int,
    joints: Sequence[str],
    shape: tuple[int, int],
    spacing_mm: float,
    spread: float,
    settings: Difficulty,
    damaged: Sampled | None,
) -> Iterator[JointPair]:
    for sequence in _endless(np.random.SeedSequence([int(seed), 2])):
        patient_rng, rng = (np.random.default_rng(s) for s in sequence.spawn(2))
        narrowings = [(joint, float(np.clip(rng.normal(0, 0.25), -0.8, 0.8))) for joint in joints]
        step = spacing_mm * float(rng.uniform(0.85, 1.15))
        side = "L" if rng.random() < 0.5 else "R"
        damage = None
        if damaged:
            stream = partial(random_stream, sequence)
            damage = draw_hand(damaged.sampling, settings, "LR".index(side), stream)
            damage = replace(damage, implants=frozenset(), hidden=frozenset())
            narrowings = [(joint, _possible(damage, joint, jsn_mm)) for joint, jsn_mm in narrowings]
        patient = damage.patient if damage else SimulatedPatient.draw(patient_rng, bones=settings.bones)
        yield from _pairs(
            patient, narrowings, rng, None, None, None, shape, step, side, settings, spread, damage
        )  # fmt: skip


def _possible(damage: HandDamage, joint: str, jsn_mm: float) -> float:
    """Return the part of a narrowing that the joint space of a damaged joint has left."""
    narrowing = damage.narrowings[joint]
    if narrowing.fused or any(narrowing.displaced_mm):
        return 0.0
    return min(jsn_mm, max(damage.patient.jsw_mm[joint] - _LEAST_MM, 0.0))


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
    settings: Difficulty,
    spread: float = 1.0,
    damage: HandDamage | None = None,
) -> Iterator[JointPair]:
    motion_rng, device_rng, crop_rng, pixel_rng = rng.spawn(4)
    if damage is None:
        widths = dict(patient.jsw_mm)
        for joint, jsn_mm in narrowings:
            widths[joint] = max(widths[joint], jsn_mm + _MIN_JSW_MM)
        patient = replace(patient, jsw_mm=widths)
    projector, bone_points = BoneProjector(patient), BonePoints(patient)
    device = detector or settings.device(Detector.draw(device_rng))
    for joint, jsn_mm in narrowings:
        joint_motion = motion or Motion.draw(motion_rng, spread, settings.joint_pose)
        change = disease or Disease(remodelled=float(min(abs(device_rng.normal(0, 0.25)), 0.9)))
        first = Disease()
        if damage:
            first, change = damage.at(0.0), replace(damage.at(1.0), remodelled=change.remodelled)
        change = replace(change, narrowing_mm={**change.narrowing_mm, joint: jsn_mm})
        mirrored = side == "R"
        jitter = crop_rng.normal(0, 1.0, 3)
        baseline = _geometry(patient, joint, Motion(), first, shape, spacing_mm, mirrored, jitter)
        followup = _geometry(patient, joint, joint_motion, change, shape, spacing_mm, mirrored, None, baseline)
        images = []
        for number, visit in enumerate((baseline, followup)):
            visit_device = detector or (device.vary(device_rng) if number else device)
            images.append(_joint_image(patient, projector, joint, visit, visit_device, pixel_rng, damage))
        (fixed, fixed_masks), (moving, moving_masks) = images
        yield JointPair(
            fixed,
            moving,
            fixed_masks,
            moving_masks,
            spacing_mm,
            joint_truth(bone_points, joint, side, baseline, baseline),
            joint_truth(bone_points, joint, side, baseline, followup),
            damage.narrowings[joint] if damage else None,
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
    positioning = Positioning(motion.angles(upper, lower), {joint: motion.slide_mm})
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


def _joint_image(
    patient: SimulatedPatient,
    projector: BoneProjector,
    joint: str,
    visit: VisitGeometry,
    detector: Detector,
    rng: np.random.Generator,
    damage: HandDamage | None = None,
) -> tuple[NDArray[np.float32], BoneMasks]:
    attenuation, masks = projector.project(visit.hand, visit.disease, visit.transform, visit.shape, visit.spacing_mm)
    rays = {ray: visit.transform.points(points) for ray, points in posed_rays(patient, visit.hand).items()}
    soft = patient.soft_tissue.attenuation(rays, visit.shape, visit.spacing_mm, visit_rng=rng)
    if damage:
        effects.add_bridges(attenuation, damage, visit.hand, visit.transform, visit.spacing_mm)
        effects.add_swelling(soft, damage, visit.hand, visit.transform, visit.spacing_mm)
    attenuation += soft
    pixels = expose_joint(attenuation, visit.spacing_mm, detector, rng)
    upper, lower = (masks.get(bone, _NO_MASK).full(visit.shape) for bone in anatomy.bones_of(joint))
    return pixels, BoneMasks(upper, lower)
