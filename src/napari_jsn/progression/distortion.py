"""Check by the registered bones whether one radiograph is distorted: a scale that varies over the hand, or a stretch.

A similarity describes the motion of each bone. If one radiograph is a similarity of the other, all bones have one scale
and a bone has, over its whole length, the rotation and the scale that its two ends have. On a photograph taken at an
angle the scale drifts over the hand. With the barrel or pincushion distortion of a lens it falls or grows with the
square of the distance from a point. On a film that was scanned with pixels that are not square, or sheared, a bone is
longer or rotated further than its ends, by an amount that depends on its direction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import bones_of
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.progression.hand_scale import SHRINKAGE
from napari_jsn.progression.narrowing import Narrowing

Array = NDArray[np.float64]

#: Smallest number of joints from which a drift is computed, and of bones from which a stretch is.
_MIN_JOINTS, _MIN_BONES = 4, 3
#: The same for a change of the scale outwards, whose fit has one term more, and its least size in standard deviations.
_MIN_CURVED_JOINTS, _MIN_CURVED_SIGNIFICANCE = 6, 3.0
#: Distance of the middle of a visible bone from its joint, in mm.
_BONE_MM = 7.0
#: Drift of the scale over 10 cm of the hand that is noted, and the one beyond which figures have failed.
NOTED_DRIFT, _MAX_DRIFT = 0.013, 0.024
#: Change of the scale over 10 cm from the middle of a distortion outwards that is noted, and the one beyond which
#: figures have failed.
NOTED_CURVATURE, _MAX_CURVATURE = 0.028, 0.05
#: Stretch that is noted, and the one beyond which figures have failed. docs/hands.md states how often these limits are
#: exceeded.
NOTED_STRETCH, _MAX_STRETCH = 0.015, 0.03
#: Least size of a drift and of a stretch in standard deviations.
_MIN_SIGNIFICANCE = 2.0


@dataclass(frozen=True)
class _End:
    """One end of a bone, on the plane of both radiographs in mm, and its motion there."""

    before: Array
    after: Array
    rotation: float
    scale: float


def scale_drift(rows: Sequence[Narrowing]) -> float | None:
    """Return by how much the scale of the bones changes over 10 cm of the hand, from the baseline to one visit.

    A plane is fitted robustly to the logarithms of the scales, over the places of the bones on the baseline. It is
    level if one radiograph is a similarity of the other, and not if one has a keystone distortion.

    Parameters
    ----------
    rows : sequence of Narrowing
        Of one hand at one visit. Joints whose registration is not reliable are left out.

    Returns
    -------
    float or None
        As a share: 0.02 is 2 %. None where fewer than 4 joints are reliable, or the drift is not significant.
    """
    places, logarithms = _scales(rows)
    if len(places) < 2 * _MIN_JOINTS:
        return None
    fit, covariance = _robust_fit(np.column_stack([np.ones(len(places)), places]), logarithms)
    return float(np.hypot(*fit[1:])) if _significant(fit[1:], covariance[1:, 1:]) else None


def scale_curvature(rows: Sequence[Narrowing]) -> float | None:
    """Return by how much the scale of the bones grows from the middle of a distortion to 10 cm from it, since baseline.

    A paraboloid of rotation is fitted to the logarithms of the scales. The point where it is level need not be known: a
    lens distorts about the middle of the image, but the image may have been cropped.

    Parameters
    ----------
    rows : sequence of Narrowing
        As for :func:`scale_drift`.

    Returns
    -------
    float or None
        As a share: 0.02 is 2 %; negative where the scale falls. None where fewer than 6 joints are reliable or it is
        not significant.
    """
    places, logarithms = _scales(rows)
    if len(places) < 2 * _MIN_CURVED_JOINTS:
        return None
    design = np.column_stack([np.ones(len(places)), places, (places**2).sum(axis=1)])
    fit, covariance = _robust_fit(design, logarithms)
    covariance *= len(design) / (len(design) - design.shape[1])  # few bones for the number of terms
    return float(fit[3]) if _significant(fit[3:], covariance[3:, 3:], _MIN_CURVED_SIGNIFICANCE) else None


def _scales(rows: Sequence[Narrowing]) -> tuple[Array, Array]:
    """Return the places of the bones on the baseline, and the logarithms of their scales.

    Places are centred and in units of 10 cm. The scales were moved towards their median; this is undone.
    """
    places, logarithms = [], []
    for row in rows:
        if row.baseline is None or row.registration is None or not row.registration.reliable:
            continue
        size, image = row.baseline.pixel_mm, row.baseline.image
        middle = np.array([(length - 1) / 2 for length in image.pixels.shape[::-1]])
        radiograph_mm = _radiograph_mm(image.to_radiograph, size)
        for bone, down in ((row.registration.upper, -_BONE_MM), (row.registration.lower, _BONE_MM)):
            place = image.to_radiograph @ (*(middle + (0, down / size)), 1.0)
            places.append(place[:2] * radiograph_mm / 100)
            logarithms.append(np.log(bone.dz) / (1 - SHRINKAGE))
    if not places:
        return np.zeros((0, 2)), np.zeros(0)
    return np.array(places) - np.mean(places, axis=0), np.array(logarithms)


def stretch(rows: Sequence[Narrowing]) -> float | None:
    """Return by how much one radiograph is stretched in one direction against the perpendicular one since baseline.

    A bone that both of its joints show has a length and a direction; their changes are compared with the scale of the
    hand and the rotation of the bone's ends. In a stretch by ``s`` along an axis, a bone at the angle ``p`` to it is
    longer by ``s cos(2 p) / 2`` and rotated by ``-s sin(2 p) / 2``. Fingers that are bent further look the same.

    Parameters
    ----------
    rows : sequence of Narrowing
        Of one hand at one visit. Joints whose registration has failed count only where too few bones are left: most
        of these registrations still show where a bone lies, and the others are outliers of the fit.

    Returns
    -------
    float or None
        As a share: 0.02 is 2 %. None where fewer than 3 bones are seen at both ends, or it is not significant.
    """
    reliable = [row for row in rows if row.registration is not None and row.registration.reliable]
    for chosen in (reliable, rows):
        ends: dict[str, list[_End]] = {}
        for name, end in _ends(chosen):
            ends.setdefault(name, []).append(end)
        bones = [pair for pair in ends.values() if len(pair) == 2]
        if len(bones) >= _MIN_BONES:
            break
    else:
        return None
    hand = float(np.median([np.log(end.scale) for pair in ends.values() for end in pair]))
    design, values = [], []
    for one, other in bones:
        before, after = other.before - one.before, other.after - one.after
        twice = 2 * np.arctan2(before[1], before[0])
        across = before[0] * after[1] - before[1] * after[0]
        rotation = np.arctan2(across, before @ after) - (one.rotation + other.rotation) / 2
        design += [[np.cos(twice), np.sin(twice)], [-np.sin(twice), np.cos(twice)]]
        values += [np.log(np.hypot(*after) / np.hypot(*before)) - hand, rotation]
    fit, covariance = _robust_fit(np.array(design), np.array(values))
    return 2 * float(np.hypot(*fit)) if _significant(fit, covariance) else None


def with_distortion_reasons(rows: Sequence[Narrowing]) -> list[Narrowing]:
    """Return the narrowings of a patient, with a reason where a radiograph of their hand is distorted too much."""
    groups: dict[tuple[str, int], list[Narrowing]] = {}
    for row in rows:
        groups.setdefault((row.side, row.visit), []).append(row)
    reasons = {place: tuple(_reasons(group)) for place, group in groups.items()}
    return [
        replace(row, reasons=(*row.reasons, *reasons[row.side, row.visit]))
        if row.registration is not None and reasons[row.side, row.visit]
        else row
        for row in rows
    ]


def _reasons(rows: Sequence[Narrowing]) -> Iterator[Reason]:
    drift, curved, stretched = scale_drift(rows), scale_curvature(rows), stretch(rows)
    if drift is not None and drift > _MAX_DRIFT:
        sentence = f"The scale of the bones drifts by {100 * drift:.1f} % over 10 cm of the hand."
        yield Reason(ReasonCode.SCALE_DRIFTS, sentence)
    if curved is not None and abs(curved) > _MAX_CURVATURE:
        change = "grows" if curved > 0 else "falls"
        sentence = f"The scale of the bones {change} by {100 * abs(curved):.1f} % over 10 cm from the middle outwards."
        yield Reason(ReasonCode.SCALE_VARIES, sentence)
    if stretched is not None and stretched > _MAX_STRETCH:
        sentence = f"A radiograph is stretched by {100 * stretched:.1f} % in one direction, or the fingers were bent."
        yield Reason(ReasonCode.STRETCHED, sentence)


def _ends(rows: Sequence[Narrowing]) -> Iterator[tuple[str, _End]]:
    """Yield the ends of bones that registrations show, each with the name of its bone."""
    for row in rows:
        one, baseline, followup = row.registration, row.baseline, row.followup
        if one is None or baseline is None or followup is None:
            continue
        planes = [
            np.diag([*_radiograph_mm(view.image.to_radiograph, view.pixel_mm), 1.0]) @ view.image.to_radiograph
            for view in (baseline, followup)
        ]
        names, masks = bones_of(row.joint), one.fixed_masks
        for name, bone, mask in zip(names, (one.upper, one.lower), (masks.upper, masks.lower), strict=True):
            place = np.array([*(indices.mean() for indices in np.nonzero(mask)[::-1]), 1.0])
            moved = planes[1] @ bone.matrix
            linear = moved[:2, :2] @ np.linalg.inv(planes[0][:2, :2])
            rotation = float(np.arctan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1]))
            scale = float(np.sqrt(abs(np.linalg.det(linear))))
            yield name, _End((planes[0] @ place)[:2], (moved @ place)[:2], rotation, scale)


def _radiograph_mm(to_radiograph: Array, pixel_mm: float) -> Array:
    """Return width and height of a pixel of the radiograph in mm, from the map of a joint image onto it."""
    return np.asarray(pixel_mm / np.hypot(*to_radiograph[:2, :2].T), dtype=float)


def _robust_fit(design: Array, values: Array) -> tuple[Array, Array]:
    """Return the least-squares solution in which outliers have less weight, and its covariance."""
    weights, variance = np.ones(len(values)), 0.0
    fit: Array = np.zeros(design.shape[1])
    for _ in range(10):
        fit = np.asarray(np.linalg.lstsq(design * weights[:, None], values * weights, rcond=None)[0], dtype=float)
        residual = values - design @ fit
        sd = 1.48 * float(np.median(np.abs(residual))) + 1e-4
        variance = sd**2
        weights = np.sqrt(1 / (1 + (residual / (2 * sd)) ** 2))
    normal = design.T @ (design * weights[:, None] ** 2)
    return fit, np.asarray(np.linalg.pinv(normal) * variance, dtype=float)


def _significant(fit: Array, covariance: Array, least: float = _MIN_SIGNIFICANCE) -> bool:
    try:
        return bool(np.sqrt(fit @ np.linalg.solve(covariance, fit)) > least)
    except np.linalg.LinAlgError:  # all bones on one line
        return False
