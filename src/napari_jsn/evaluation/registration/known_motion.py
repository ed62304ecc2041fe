"""Follow-ups of a joint image whose bone motion is known, because it was put there.

The image of a joint is warped so that each bone moves by its own similarity, then exposed
anew: noise, gain, gamma, offset and texture change. With *roll*, the features inside each bone
shift sideways by a smooth random field as well, as those of a bone that turns about its own
long axis do, and the soft tissue moves by a field of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import joint_frame
from napari_jsn.joint.similarity import Similarity, image_centre, joint_space_narrowing


@dataclass(frozen=True)
class Motion:
    """How far a preset moves and changes a joint.

    Angles and scales are standard deviations of each bone; shifts are uniform, ``shift_px`` common to
    both bones and ``relative_px`` each bone's own; ``roll_px`` is the standard deviation of the sideways field
    and ``roll_length_px`` the width of the Gaussian that smooths it; ``noise`` is a fraction of the grey range.
    """

    turn_deg: float = 2.0
    scale: float = 0.01
    shift_px: float = 3.0
    relative_px: float = 1.0
    noise: float = 0.015
    roll_px: float = 0.0
    roll_length_px: float = 8.0


_EASY = Motion()
_HARD = Motion(turn_deg=5.0, scale=0.03, shift_px=6.0, noise=0.04)

#: The presets the benchmark reports, and those that calibration mixes in.
PRESETS = {
    "easy": _EASY,
    "hard": _HARD,
    "roll": replace(_EASY, roll_px=1.0),
    "roll-half": replace(_EASY, roll_px=0.5),
    "roll-double": replace(_EASY, roll_px=2.0),
    "hard-roll": replace(_HARD, roll_px=1.0),
    "extreme": Motion(turn_deg=10.0, scale=0.06, shift_px=12.0, noise=0.04),
}


@dataclass(frozen=True)
class KnownPair:
    """A joint image, a follow-up made from it, and the motion between them.

    ``upper`` and ``lower`` are the true maps, fixed ``(x, y, 1)`` to moving; ``point`` and ``axis`` are
    ``(x, y)`` of the joint in the fixed image.
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

    @property
    def jsn_px(self) -> float:
        """The true narrowing along the joint axis, in pixels of the fixed image."""
        return self.jsn_px_at(self.point, self.axis)

    def jsn_px_at(self, point: NDArray[np.float64], axis: NDArray[np.float64]) -> float:
        """The true narrowing at another point and axis of the fixed image, in pixels."""
        return joint_space_narrowing(self.upper, self.lower, point, axis)


def make_pair(
    image: NDArray[np.float32],
    masks: BoneMasks,
    spacing_mm: float,
    rng: np.random.Generator,
    preset: str | Motion,
    name: str = "",
) -> KnownPair:
    """Make a follow-up of one joint image with known motion.

    Parameters
    ----------
    image : (H, W) float array
        Joint image in [0, 1], bone bright.
    masks : BoneMasks
        Its two bones.
    spacing_mm : float
        Pixel size in mm.
    rng : numpy.random.Generator
    preset : str or Motion
        A key of :data:`PRESETS`, or the amounts themselves.
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
    shape: tuple[int, ...], masks: BoneMasks, rng: np.random.Generator, motion: Motion
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One similarity a bone: its own turn and scale about its own centre, a common and an own shift."""
    common = rng.uniform(-motion.shift_px, motion.shift_px, 2)
    bones = []
    for mask in (masks.upper, masks.lower):
        shift = common + rng.uniform(-motion.relative_px, motion.relative_px, 2)
        turn = np.deg2rad(motion.turn_deg) * rng.standard_normal()
        centre = tuple(np.argwhere(mask).mean(axis=0)[::-1]) if mask.any() else image_centre(shape)
        bones.append(Similarity(1 + motion.scale * rng.standard_normal(), turn, shift[0], shift[1], centre).matrix)
    return bones[0], bones[1]


def render_followup(
    image: NDArray[np.float32],
    masks: BoneMasks,
    upper: NDArray[np.float64],
    lower: NDArray[np.float64],
    rng: np.random.Generator,
    motion: Motion,
) -> tuple[NDArray[np.float32], BoneMasks]:
    """Warp a joint image so that each bone moves by its map; no change of exposure yet.

    Between and beside the bones the displacement is interpolated by distance, so that the gap
    widens or closes and nothing tears. Where the two masks overlap the pixels take a mean of both motions:
    such images have no clean truth near the overlap.
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
    # a high power keeps each bone's blurred edge with the bone
    share = (to_lower**4 / (to_upper**4 + to_lower**4))[..., None]
    source = share * sources[0] + (1 - share) * sources[1]
    if motion.roll_px:
        fade = np.clip(np.minimum(to_upper, to_lower) / 3, 0, 1)
        for k in range(2):
            source[..., k] += fade * smooth_field(image.shape, rng, motion.roll_px, motion.roll_length_px)
    return _sample(image, source, order=3).astype(np.float32), BoneMasks(moved_masks[0], moved_masks[1])


def expose(image: NDArray[np.float32], rng: np.random.Generator, noise: float) -> NDArray[np.float32]:
    """Change gain, gamma, offset and texture of an image, and add noise; stays in [0, 1]."""
    out = np.clip(image, 0, 1) ** np.exp(rng.uniform(-0.18, 0.18))
    out = out * (1 + smooth_field(image.shape, rng, 0.03, 16.0)) * rng.uniform(0.85, 1.1) + rng.uniform(-0.05, 0.05)
    out = out + smooth_field(image.shape, rng, 0.004, 1.5) + noise * rng.standard_normal(image.shape)
    return np.clip(out, 0, 1).astype(np.float32)


def smooth_field(shape: tuple[int, ...], rng: np.random.Generator, sd: float, length_px: float) -> NDArray[np.float64]:
    """A Gaussian random field with this standard deviation, smoothed by a Gaussian of this width."""
    pad = int(3 * length_px)
    noise = rng.standard_normal((shape[0] + 2 * pad, shape[1] + 2 * pad))
    field = ndimage.gaussian_filter(noise, length_px, mode="wrap")
    # white noise smoothed by a 2-D Gaussian of width s keeps 1 / (4 pi s^2) of its variance
    field *= sd * np.sqrt(4 * np.pi) * length_px
    return field[pad : pad + shape[0], pad : pad + shape[1]]


def _sample(image: NDArray[np.floating], points: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    return ndimage.map_coordinates(
        np.asarray(image, dtype=float), [points[..., 1], points[..., 0]], order=order, mode="nearest"
    )
