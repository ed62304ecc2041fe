"""Measure simulated hands whose follow-up radiograph was distorted, blurred or processed, and count what is noted.

The limits of the notes were set on other hands.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.reasons import ReasonCode
from napari_jsn.evaluation.hands.simulated import SimulatedHand
from napari_jsn.evaluation.settings import limit_threads
from napari_jsn.progression.measure import measure
from napari_jsn.radiograph import read_radiograph

Pixels = NDArray[np.float32]
#: A figure that differs by more from that of the sound follow-up has moved, in mm.
MOVED_MM = 0.06
SOUND = "sound"
#: Parts of the notes on distortion and sharpness.
_NOTES = ("scale of the bones", "is stretched by", "edges of the bones are", "detail of the bones along")
_REASONS = (ReasonCode.SCALE_DRIFTS, ReasonCode.SCALE_VARIES, ReasonCode.STRETCHED)


@dataclass(frozen=True)
class ChangedHand:
    """What was found on one hand with one change.

    Attributes
    ----------
    change : str
    noted, with_reason : bool
        Whether a note on distortion or sharpness, or a reason of a distortion, was given.
    moved_mm : tuple of float
        Differences of the figures that are reliable from those of the sound follow-up.
    """

    change: str
    noted: bool
    with_reason: bool
    moved_mm: tuple[float, ...]


def keystone(share: float) -> Callable[[Pixels], Pixels]:
    """Return a function that makes one side of an image shorter by this share, as a photograph at an angle does."""

    def change(pixels: Pixels) -> Pixels:
        height, width = pixels.shape
        rows, cols = np.mgrid[:height, :width].astype(np.float64)
        # the homography that moves both upper corners inwards: a straight border stays straight
        shown = rows / (height - 1)
        width_here, middle = 1 - share * (1 - shown), (width - 1) / 2
        return _sampled(pixels, shown / width_here * (height - 1), middle + (cols - middle) / width_here)

    return change


def matrix(rows_by: tuple[float, float], cols_by: tuple[float, float]) -> Callable[[Pixels], Pixels]:
    """Return a function that distorts an image by a matrix of (row, col) about its middle."""
    inverse = np.linalg.inv(np.array([rows_by, cols_by]))

    def change(pixels: Pixels) -> Pixels:
        middle = (np.array(pixels.shape) - 1) / 2
        moved = ndimage.affine_transform(pixels, inverse, middle - inverse @ middle, order=3, mode="nearest")
        return np.clip(moved, 0, 1)

    return change


def barrel(share: float) -> Callable[[Pixels], Pixels]:
    """Return a function that moves the corners of an image by this share of their distance from its middle."""

    def change(pixels: Pixels) -> Pixels:
        middle = (np.array(pixels.shape) - 1) / 2
        rows, cols = (np.indices(pixels.shape).T - middle).T
        factor = 1 + share * (rows**2 + cols**2) / float(middle @ middle)
        return _sampled(pixels, middle[0] + rows * factor, middle[1] + cols * factor)

    return change


def motion(length_px: float, direction_deg: float) -> Callable[[Pixels], Pixels]:
    """Return a function that blurs an image by an even motion; 90 degrees is along the fingers."""
    step = np.array([np.sin(np.deg2rad(direction_deg)), np.cos(np.deg2rad(direction_deg))])

    def change(pixels: Pixels) -> Pixels:
        places = np.linspace(-length_px / 2, length_px / 2, 9)
        return np.asarray(np.mean([ndimage.shift(pixels, at * step, order=1, mode="nearest") for at in places], axis=0))

    return change


def blur(sd_px: float) -> Callable[[Pixels], Pixels]:
    """Return a function that blurs an image."""
    return lambda pixels: ndimage.gaussian_filter(pixels, sd_px)


def sharpened(amount: float) -> Callable[[Pixels], Pixels]:
    """Return a function that applies an unsharp mask of 3 pixels."""
    return lambda pixels: pixels + amount * (pixels - ndimage.gaussian_filter(pixels, 3.0))


def gamma(exponent: float) -> Callable[[Pixels], Pixels]:
    """Return a function that changes the intensity curve."""
    return lambda pixels: pixels**exponent


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    SOUND: lambda pixels: pixels,
    **{f"keystone of {share} %": keystone(share / 100) for share in (2, 3, 4, 5)},
    **{f"rows stretched by {share} %": matrix((1 + share / 100, 0), (0, 1)) for share in (1, 2, 3)},
    **{f"shear of {share} %": matrix((1, 0), (share / 100, 1)) for share in (2, 4)},
    **{f"barrel distortion of {share} %": barrel(share / 100) for share in (2, 4, 6, -4, -6)},
    **{f"motion of {length} pixels along the fingers": motion(length, 90) for length in (3, 5)},
    "motion of 4 pixels across the fingers": motion(4, 0),
    **{f"blur of {sd} pixels": blur(sd) for sd in (0.5, 0.75, 1)},
    **{f"unsharp mask, amount {amount}": sharpened(amount) for amount in (0.5, 1)},
    **{f"gamma {exponent}": gamma(exponent) for exponent in (0.6, 2)},
}


def measure_changes(hands: Sequence[SimulatedHand], processes: int) -> list[ChangedHand]:
    """Measure each hand with each change in ``processes`` processes."""
    if processes == 1:
        return _collect(map(measure_changed, hands), len(hands))
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=limit_threads, initargs=(1,)) as pool:
        return _collect(pool.map(measure_changed, hands), len(hands))


def measure_changed(hand: SimulatedHand, changes: Iterable[str] = tuple(CHANGES)) -> list[ChangedHand]:
    """Measure one hand with each of the changes of its follow-up; the sound follow-up is measured first."""
    first, second = (read_radiograph(path) for path in hand.paths)
    sound: dict[str, float] = {}
    found = []
    for change in dict.fromkeys((SOUND, *changes)):
        pixels = np.clip(CHANGES[change](second.pixels), 0, 1).astype(np.float32)
        progression = measure(first, replace(second, pixels=pixels))
        rows = [row for row in progression.narrowings if row.side == hand.side]
        figures = {row.joint: row.jsn_mm for row in rows if row.reliable}
        sound = sound or figures
        moved = tuple(abs(figures[joint] - sound[joint]) for joint in figures if joint in sound)
        noted = any(part in note for note in progression.notes for part in _NOTES)
        with_reason = any(reason.code in _REASONS for row in rows for reason in row.reasons)
        found.append(ChangedHand(change, noted, with_reason, moved))
    return found


def changed_lines(found: Sequence[ChangedHand]) -> list[str]:
    """Return the table of all changes."""
    from napari_jsn.evaluation.page import table

    rows = []
    for change in dict.fromkeys(each.change for each in found):
        hands = [each for each in found if each.change == change]
        silent = [mm for each in hands if not each.noted for mm in each.moved_mm]
        over = [mm for mm in silent if mm > MOVED_MM]
        moved = f"{len(over)} of {len(silent)}" + (f" ({max(over):.3f} mm at most)" if over else "")
        noted, with_reason = sum(each.noted for each in hands), sum(each.with_reason for each in hands)
        rows.append((change, str(len(hands)), str(noted), str(with_reason), "" if change == SOUND else moved))
    columns = (
        "follow-up",
        "hands",
        "noted",
        "with a reason",
        f"reliable figures without a note, moved by over {MOVED_MM} mm",
    )
    return ["## Distortion and sharpness", "", *table(columns, rows), ""]


def _collect(parts: Iterable[list[ChangedHand]], total: int) -> list[ChangedHand]:
    found: list[ChangedHand] = []
    for done, part in enumerate(parts, 1):
        found += part
        print(f"{done} of {total} hands measured", file=sys.stderr, end="\r", flush=True)
    return found


def _sampled(pixels: Pixels, rows: NDArray[np.float64], cols: NDArray[np.float64]) -> Pixels:
    moved = ndimage.map_coordinates(pixels, [rows, cols], order=3, mode="nearest")
    return np.asarray(np.clip(moved, 0, 1), dtype=np.float32)
