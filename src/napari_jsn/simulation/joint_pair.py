"""Joint images at two visits, cut out of one simulated hand; and a stream of them for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.simulation.exposure.detector import Detector, expose_joint
from napari_jsn.simulation.exposure.render import Bones, Placement
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.pose import Angles
from napari_jsn.simulation.simulated_radiograph import BoneMask, JointPair
from napari_jsn.simulation.truth import Substance, VisitGeometry, joint_truth
from napari_jsn.simulation.visit import Disease, Positioning, pose_hand, posed_rays

#: Narrowing that can be simulated, in mm; a joint that is too narrow for it is given the space first.
JSN_RANGE_MM = (-2.0, 2.0)
#: The mask of a bone that an image does not show.
_UNSEEN = BoneMask(0, 0, np.zeros((0, 0), dtype=bool))
#: Space that is left in a joint after the most narrowing, in mm.
_LEAST_MM = 0.1


@dataclass(frozen=True)
class Motion:
    """How a joint moves between two visits.

    Attributes
    ----------
    turn_deg, flexion_deg : float
        Of the upper bone against the lower one, in the plane and out of it.
    roll_upper_deg, roll_lower_deg : float
        Of each bone about its own long axis.
    slide_mm : float
        Sideways, beyond what is tied to the turn.
    crop_turn_deg : float
        Of the whole joint image.
    shift_mm : (float, float)
        Of the whole joint image, x and y.
    magnification : float
        Of the whole joint image.
    """

    turn_deg: float = 0.0
    flexion_deg: float = 0.0
    roll_upper_deg: float = 0.0
    roll_lower_deg: float = 0.0
    slide_mm: float = 0.0
    crop_turn_deg: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)
    magnification: float = 1.0

    @classmethod
    def draw(cls, rng: np.random.Generator, spread: float = 1.0) -> Motion:
        """Draw one; 1 is as between two visits of the development joints.

        There the bones turn against each other by 2.8 deg and slide by 1.7 px of 0.087 mm (medians), and scale by
        0.35 % (quartiles).
        """
        common_roll = rng.normal(0, 4.0 * spread)
        return cls(
            turn_deg=3.5 * spread * float(np.clip(rng.standard_t(4), -6, 6)),
            flexion_deg=float(rng.normal(0, 2.5 * spread)),
            roll_upper_deg=float(common_roll + rng.normal(0, 4.5 * spread)),
            roll_lower_deg=float(common_roll + rng.normal(0, 3.5 * spread)),
            slide_mm=float(rng.normal(0, 0.08 * spread)),
            crop_turn_deg=float(rng.normal(0, 2.0 * spread)),
            shift_mm=(float(rng.normal(0, 0.25 * spread)), float(rng.normal(0, 0.25 * spread))),
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
        Narrowing from baseline to follow-up along the joint's axis in space; negative widens. A joint whose drawn
        space is too narrow for it is given as much more at baseline.
    seed : int
        Draws the patient, the motion, the device and the noise.
    motion : Motion, optional
        How the joint moves; drawn by default.
    disease : Disease, optional
        What else changes; a little remodelling by default. Its narrowing of this joint is ``jsn_mm``.
    detector : Detector, optional
        Takes both images as it is; by default one is drawn, and varied for the follow-up.
    shape : (int, int)
        Rows and columns of both images; even.
    spacing_mm : float
        Size of their pixels; the detector's are twice as large, as with the crops in use.
    side : {"L", "R"}

    Returns
    -------
    JointPair

    Raises
    ------
    InputError
        If there is no such joint, or the narrowing, the shape or the side is out of range.
    """
    _check(joint, jsn_mm, shape, spacing_mm, side)
    rngs = [np.random.default_rng(s) for s in np.random.SeedSequence([int(seed), 1]).spawn(2)]
    patient = SimulatedPatient.draw(rngs[0])
    return next(_pairs(patient, [(joint, jsn_mm)], rngs[1], motion, disease, detector, shape, spacing_mm, side))


def joint_pairs(
    seed: int = 0,
    joints: Sequence[str] = anatomy.MEASURED_JOINTS,
    shape: tuple[int, int] = (256, 256),
    spacing_mm: float = 0.1,
    spread: float = 1.0,
) -> Iterator[JointPair]:
    """Simulate joint pairs without end: patient after patient, all the joints named of each.

    Parameters
    ----------
    seed : int
    joints : sequence of str
    shape, spacing_mm
        As in :func:`joint_pair`; the spacing varies from patient to patient by 15 %.
    spread : float
        How far joints move between visits, 1 as on the development joints.

    Yields
    ------
    JointPair
        Narrowing is drawn: normal, standard deviation 0.25 mm.
    """
    for joint in joints:
        _check(joint, 0.0, shape, spacing_mm, "L")
    for sequence in _endless(np.random.SeedSequence([int(seed), 2])):
        patient_rng, rng = (np.random.default_rng(s) for s in sequence.spawn(2))
        asked = [(joint, float(np.clip(rng.normal(0, 0.25), -0.8, 0.8))) for joint in joints]
        step = spacing_mm * float(rng.uniform(0.85, 1.15))
        side = "L" if rng.random() < 0.5 else "R"
        yield from _pairs(SimulatedPatient.draw(patient_rng), asked, rng, None, None, None, shape, step, side, spread)


def _endless(sequence: np.random.SeedSequence) -> Iterator[np.random.SeedSequence]:
    while True:
        yield sequence.spawn(1)[0]


def check_narrowing(jsn_mm: float) -> None:
    """Refuse a narrowing that cannot be simulated (InputError)."""
    low, high = JSN_RANGE_MM
    if not low <= jsn_mm <= high:
        raise InputError(f"A narrowing of {jsn_mm} mm cannot be simulated. Give one from {low} to {high} mm.", "jsn_mm")


def _check(joint: str, jsn_mm: float, shape: tuple[int, int], spacing_mm: float, side: str) -> None:
    anatomy.bones_of(joint)
    check_narrowing(jsn_mm)
    if min(shape) < 32 or shape[0] % 2 or shape[1] % 2:
        raise InputError(f"A joint image of {shape} pixels cannot be simulated. Give even sides from 32 on.", "shape")
    if not 0.02 <= spacing_mm <= 0.5:
        raise InputError(f"A pixel of {spacing_mm} mm cannot be simulated. Give 0.02 to 0.5 mm.", "spacing_mm")
    if side not in ("L", "R"):
        raise InputError(f"The side of a hand is 'L' or 'R', not {side!r}.", "side")


def _pairs(
    patient: SimulatedPatient,
    asked: Sequence[tuple[str, float]],
    rng: np.random.Generator,
    motion: Motion | None,
    disease: Disease | None,
    detector: Detector | None,
    shape: tuple[int, int],
    spacing_mm: float,
    side: str,
    spread: float = 1.0,
) -> Iterator[JointPair]:
    motions, devices, places, pixels = rng.spawn(4)
    widths = dict(patient.widths_mm)
    for joint, jsn_mm in asked:
        widths[joint] = max(widths[joint], jsn_mm + _LEAST_MM)
    patient = replace(patient, widths_mm=widths)
    bones, substance = Bones(patient), Substance(patient)
    device = detector or Detector.draw(devices)
    for joint, jsn_mm in asked:
        moved = motion or Motion.draw(motions, spread)
        ill = disease or Disease(remodelled=float(min(abs(devices.normal(0, 0.25)), 0.9)))
        ill = replace(ill, narrowing_mm={**ill.narrowing_mm, joint: jsn_mm})
        mirrored = side == "R"
        first = _geometry(patient, joint, Motion(), Disease(), shape, spacing_mm, mirrored, places.normal(0, 1.0, 3))
        second = _geometry(patient, joint, moved, ill, shape, spacing_mm, mirrored, None, first)
        films = []
        for number, visit in enumerate((first, second)):
            taken = detector or (device.vary(devices) if number else device)
            films.append(_joint_image(patient, bones, joint, visit, taken, pixels))
        yield JointPair(
            films[0][0],
            films[1][0],
            films[0][1],
            films[1][1],
            spacing_mm,
            joint_truth(substance, joint, side, first, first),
            joint_truth(substance, joint, side, first, second),
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
    """Where the bones lie at a visit, the joint in the middle of the image and its axis upright."""
    upper, lower = anatomy.bones_of(joint)
    positioning = Positioning(_angles(upper, lower, motion), {joint: motion.slide_mm})
    hand = pose_hand(patient, positioning, disease)
    place = hand.joints[joint]
    upright = Placement(mirrored=mirrored)
    if baseline is None:
        axis = upright.plane @ place.axis[:2]
        turn, magnification = float(np.rad2deg(np.arctan2(axis[0], axis[1]))), 1.0
        assert jitter is not None
        turn, at = turn + 2.0 * float(jitter[0]), 0.4 * jitter[1:]
    else:
        turn = baseline.placement.turn_deg + motion.crop_turn_deg
        magnification = motion.magnification
        centre = baseline.pixels((baseline.hand.joints[joint].on_upper + baseline.hand.joints[joint].on_lower) / 2)
        at = centre * spacing_mm - np.array(shape)[::-1] * spacing_mm / 2 + motion.shift_mm
    turned = Placement(turn, (0.0, 0.0), magnification, mirrored)
    middle = turned.points((place.on_upper + place.on_lower)[:2] / 2)
    shift = np.array(shape)[::-1] * spacing_mm / 2 + at - middle
    placement = replace(turned, shift_mm=(float(shift[0]), float(shift[1])))
    return VisitGeometry(hand, positioning, disease, placement, shape, spacing_mm)


def _angles(upper: str, lower: str, motion: Motion) -> dict[str, Angles]:
    """The motion of a joint, handed on to the bones beyond it on the ray."""
    ray = anatomy.RAYS[int(lower[-1])]
    above = Angles(motion.turn_deg, motion.flexion_deg, motion.roll_upper_deg)
    below = Angles(roll_deg=motion.roll_lower_deg)
    return {bone: above if ray.index(bone) >= ray.index(upper) else below for bone in ray}


def _joint_image(
    patient: SimulatedPatient,
    bones: Bones,
    joint: str,
    visit: VisitGeometry,
    detector: Detector,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], BoneMasks]:
    attenuation, masks = bones.cast(visit.hand, visit.disease, visit.placement, visit.shape, visit.spacing_mm)
    rays = {ray: visit.placement.points(at) for ray, at in posed_rays(patient, visit.hand).items()}
    attenuation += patient.tissue.attenuation(rays, visit.shape, visit.spacing_mm, visit_rng=rng)
    grey = expose_joint(attenuation, visit.spacing_mm, detector, rng)
    upper, lower = (masks.get(bone, _UNSEEN).on(visit.shape) for bone in anatomy.bones_of(joint))
    return grey, BoneMasks(upper, lower)
