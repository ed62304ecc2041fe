"""Make follow-ups of a joint image with known bone motion.

The joint image is warped so that each bone moves by its own similarity. Then the exposure changes: noise, gain,
gamma, offset and texture. With *roll*, a smooth random field (the roll field) also moves the features inside each
bone in x, as a rotation of the bone about its long axis does. The soft tissue moves by a field of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import joint_frame
from napari_jsn.joint.similarity import Similarity, image_centre, joint_space_narrowing
from napari_jsn.registration.methods import PreparedPair
from napari_jsn.simulation.joint_pair import JointPair


@dataclass(frozen=True)
class KnownMotion:
    """The motion and the change of exposure of one preset.

    Parameters
    ----------
    rotation_deg, scale : float
        Standard deviation of each bone's rotation and scale.
    translation_px : float
        Largest translation that both bones have in common; uniform.
    relative_px : float
        Largest translation that each bone has in addition; uniform.
    noise : float
        Standard deviation, as a fraction of the intensity range.
    roll_px, roll_length_px : float
        Standard deviation of the roll field, and the sd of the Gaussian that smooths it.
    """

    rotation_deg: float = 2.0
    scale: float = 0.01
    translation_px: float = 3.0
    relative_px: float = 1.0
    noise: float = 0.015
    roll_px: float = 0.0
    roll_length_px: float = 8.0


_EASY = KnownMotion()
_HARD = KnownMotion(rotation_deg=5.0, scale=0.03, translation_px=6.0, noise=0.04)

#: The presets that the benchmark reports and that calibration mixes.
PRESETS = {
    "easy": _EASY,
    "hard": _HARD,
    "roll": replace(_EASY, roll_px=1.0),
    "roll-half": replace(_EASY, roll_px=0.5),
    "roll-double": replace(_EASY, roll_px=2.0),
    "hard-roll": replace(_HARD, roll_px=1.0),
    "extreme": KnownMotion(rotation_deg=10.0, scale=0.06, translation_px=12.0, noise=0.04),
}


@dataclass(frozen=True)
class KnownPair:
    """A joint image, a follow-up of it, and the true motion between them.

    ``upper`` and ``lower`` are the true maps of the bones, fixed ``(x, y, 1)`` to moving. ``point`` and ``axis`` are
    ``(x, y)`` of the joint in the fixed image. ``name`` is the joint, where it is known.
    """

    fixed: NDArray[np.float32]
    moving: NDArray[np.float32]
    fixed_masks: BoneMasks
    moving_masks: BoneMasks
    spacing_mm: float
    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    point: NDArray[np.float64]
    axis: NDArray[np.float64]
    name: str = ""

    @classmethod
    def from_simulated(cls, simulated: JointPair) -> KnownPair:
        """Return a simulated joint pair as a pair of known motion."""
        truth = simulated.moving_truth
        return cls(
            simulated.fixed, simulated.moving, simulated.fixed_masks, simulated.moving_masks, simulated.spacing_mm,
            truth.upper.matrix, truth.lower.matrix, *joint_frame(simulated.fixed_masks), truth.joint,
        )  # fmt: skip

    @property
    def pair(self) -> PreparedPair:
        """The images and masks to register, without the true motion."""
        return PreparedPair(
            self.fixed, self.moving, self.fixed_masks, self.moving_masks, self.point, self.axis, self.spacing_mm
        )

    @property
    def jsn_px(self) -> float:
        """The true narrowing along the joint axis, in pixels of the fixed image."""
        return self.jsn_px_at(self.point, self.axis)

    def jsn_px_at(self, point: NDArray[np.float64], axis: NDArray[np.float64]) -> float:
        """Return the true narrowing at another point and axis of the fixed image, in pixels."""
        return joint_space_narrowing(self.upper, self.lower, point, axis)


def make_pair(
    image: NDArray[np.float32],
    masks: BoneMasks,
    spacing_mm: float,
    rng: np.random.Generator,
    preset: str | KnownMotion,
    name: str = "",
) -> KnownPair:
    """Make a follow-up of one joint image with known motion.

    Parameters
    ----------
    image : (H, W) float array
        Joint image in [0, 1], bone bright.
    masks : BoneMasks
        The masks of its two bones.
    spacing_mm : float
        Pixel size in mm.
    rng : numpy.random.Generator
    preset : str or KnownMotion
        A key of :data:`PRESETS`, or the amounts of motion.
    name : str
        Name of the joint.
    """
    motion = PRESETS[preset] if isinstance(preset, str) else preset
    upper, lower = _draw_motion(image.shape, masks, rng, motion)
    moving, moving_masks = render_followup(image, masks, upper, lower, rng, motion)
    point, axis = joint_frame(masks)
    return KnownPair(
        np.asarray(image, np.float32), expose(moving, rng, motion.noise), masks, moving_masks, spacing_mm,
        upper, lower, point, axis, name,
    )  # fmt: skip


def _draw_motion(
    shape: tuple[int, ...], masks: BoneMasks, rng: np.random.Generator, motion: KnownMotion
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw one similarity per bone: rotation and scale about the bone's centre, a common and an own translation."""
    common = rng.uniform(-motion.translation_px, motion.translation_px, 2)
    maps = []
    for mask in (masks.upper, masks.lower):
        dx, dy = common + rng.uniform(-motion.relative_px, motion.relative_px, 2)
        dtheta = np.deg2rad(motion.rotation_deg) * rng.standard_normal()
        centre = tuple(np.argwhere(mask).mean(axis=0)[::-1]) if mask.any() else image_centre(shape)
        maps.append(Similarity(1 + motion.scale * rng.standard_normal(), dtheta, dx, dy, centre).matrix)
    return maps[0], maps[1]


def render_followup(
    image: NDArray[np.float32],
    masks: BoneMasks,
    upper: NDArray[np.float64],
    lower: NDArray[np.float64],
    rng: np.random.Generator,
    motion: KnownMotion,
) -> tuple[NDArray[np.float32], BoneMasks]:
    """Warp a joint image so that each bone moves by its map; the exposure does not change.

    Between and beside the bones the displacement is interpolated by distance, so that the joint space widens or
    narrows continuously. Where the two masks overlap, pixels take the mean of both motions: such images have no exact
    truth near the overlap.
    """
    rows, cols = np.indices(image.shape, dtype=float)
    points = np.stack([cols, rows, np.ones_like(rows)], axis=-1)
    sources, distances, moved_masks = [], [], []
    for matrix, mask in ((upper, masks.upper), (lower, masks.lower)):
        back = points @ np.linalg.inv(matrix)[:2].T
        if motion.roll_px:
            back[..., 0] += smooth_field(image.shape, rng, motion.roll_px, motion.roll_length_px)
        outside = ndimage.distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, 1e3)
        distances.append(_sample(outside, back, order=1))
        moved_masks.append(_sample(mask.astype(float), back, order=1) > 0.5)
        sources.append(back)
    to_upper, to_lower = distances[0] + 1e-6, distances[1] + 1e-6
    # With a high power, the blurred edge of a bone moves with the bone.
    share = (to_lower**4 / (to_upper**4 + to_lower**4))[..., None]
    source = share * sources[0] + (1 - share) * sources[1]
    if motion.roll_px:
        fade = np.clip(np.minimum(to_upper, to_lower) / 3, 0, 1)
        for k in range(2):
            source[..., k] += fade * smooth_field(image.shape, rng, motion.roll_px, motion.roll_length_px)
    return _sample(image, source, order=3).astype(np.float32), BoneMasks(moved_masks[0], moved_masks[1])


def expose(image: NDArray[np.float32], rng: np.random.Generator, noise: float) -> NDArray[np.float32]:
    """Return an image with another gain, gamma, offset and texture, and with noise, clipped to [0, 1]."""
    out = np.clip(image, 0, 1) ** np.exp(rng.uniform(-0.18, 0.18))
    out = out * (1 + smooth_field(image.shape, rng, 0.03, 16.0)) * rng.uniform(0.85, 1.1) + rng.uniform(-0.05, 0.05)
    out = out + smooth_field(image.shape, rng, 0.004, 1.5) + noise * rng.standard_normal(image.shape)
    return np.clip(out, 0, 1).astype(np.float32)


def smooth_field(shape: tuple[int, ...], rng: np.random.Generator, sd: float, length_px: float) -> NDArray[np.float64]:
    """Return a Gaussian random field of standard deviation ``sd``, smoothed by a Gaussian of sd ``length_px``."""
    pad = int(3 * length_px)
    noise = rng.standard_normal((shape[0] + 2 * pad, shape[1] + 2 * pad))
    field = ndimage.gaussian_filter(noise, length_px, mode="wrap")
    # White noise smoothed by a 2-D Gaussian of sd s keeps 1 / (4 pi s^2) of its variance.
    field *= sd * np.sqrt(4 * np.pi) * length_px
    return field[pad : pad + shape[0], pad : pad + shape[1]]


def _sample(image: NDArray[np.floating], points: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    return ndimage.map_coordinates(
        np.asarray(image, dtype=float), [points[..., 1], points[..., 0]], order=order, mode="nearest"
    )
