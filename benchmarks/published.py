"""The published pair: how much difference is left after registration, against what the printed parameters leave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from benchmarks.contestants import OURS, Contestant
from benchmarks.rows import Row
from napari_jsn.evaluation.public_images import RealPair, published_pair
from napari_jsn.evaluation.settings import Settings
from napari_jsn.joint.similarity import Matrix, Similarity, image_centre, joint_space_narrowing
from napari_jsn.registration.methods import PreparedPair

#: Parameters as the figure prints them (2 - dz, -dtheta, and shifts in another pixel size).
PRINTED = {"upper": (1.00003, 0.00472, -2.10354, 0.81261), "lower": (1.00643, -0.00827, -1.63036, 0.92483)}
PRINTED_PIXEL = 112 / 109.5
PRINTED_LOSS = 0.0032


def run(field: Sequence[Contestant], settings: Settings) -> list[Row]:
    """Loss: mean squared difference of the pixels in view, half for each region."""
    real = published_pair()
    pair = PreparedPair.from_masks(real.fixed, real.moving, real.fixed_masks, real.moving_masks, real.spacing_mm)
    rows = [_row("parameters as printed", real, *printed_maps(real.fixed.shape), pair)]
    for one in field:
        answer = one.ask([pair])[0]
        row = _row(one.name, real, answer.upper, answer.lower, pair)
        if one.judges:
            row.reliable = float(answer.reliable)
        if one.name == OURS:
            row.bar, row.met = f"loss {PRINTED_LOSS} or less", bool(row.data["loss"][0] < PRINTED_LOSS + 5e-5)
        rows.append(row)
    return rows


def printed_maps(shape: tuple[int, ...]) -> tuple[Matrix, Matrix]:
    """The maps of both bones that the figure's parameters mean."""
    upper, lower = (
        Similarity(2 - dz, -dtheta, dx * PRINTED_PIXEL, dy * PRINTED_PIXEL, image_centre(shape)).matrix
        for dz, dtheta, dx, dy in PRINTED.values()
    )
    return upper, lower


def _row(method: str, real: RealPair, upper: Matrix, lower: Matrix, pair) -> Row:
    loss = (_left(real, upper, real.fixed_masks.upper) + _left(real, lower, real.fixed_masks.lower)) / 2
    jsn_mm = joint_space_narrowing(upper, lower, pair.point, pair.axis) * real.spacing_mm
    words = f"loss {loss:.5f}, JSN of its maps {jsn_mm:+.4f} mm"
    return Row("published pair", method, 1, words=words, data={"loss": np.array([loss])})


def _left(real: RealPair, matrix: Matrix, mask: np.ndarray) -> float:
    """Mean squared difference over a region's pixels that lie in view of the moving image."""
    if not np.isfinite(matrix).all():
        return float("nan")
    rows, cols = np.nonzero(mask)
    x, y = matrix[:2] @ np.stack([cols, rows, np.ones_like(rows)])
    seen = (x >= 0) & (y >= 0) & (x <= real.moving.shape[1] - 1) & (y <= real.moving.shape[0] - 1)
    there = ndimage.map_coordinates(real.moving, [y[seen], x[seen]], order=1)
    return float(np.mean((there - real.fixed[rows, cols][seen]) ** 2))
