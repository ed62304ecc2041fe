"""Fit the statistics of the shape of hands to sets of landmarks.

The card ``simulation/hand_shape.json`` has mean, standard deviations and principal components, never a single hand.
The landmarks are those of the Digital Hand Atlas by Payer et al. (Med Image Anal 2019;54:207-219), 906 left hands of
children and adolescents. The features of a hand do not depend on its size, position and rotation:

- the logarithms of the lengths of its 19 bones (landmark to landmark) minus their mean, which is the log of its size,
- the directions of the bones relative to the third metacarpal,
- the landmarks of the wrist relative to the base of the third metacarpal and its direction, in units of the size.

The pixel size of the images is unknown, but larger hands tend to be older. Each feature is therefore regressed on
size and taken at the 90th percentile of size, which stands for adults. The choice has little effect: the bones' shares
of the size differ by at most 3 % between the quarters of large and small hands (5 % for the middle phalanx of the
little finger).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import RAYS
from napari_jsn.common.csv_files import read_rows
from napari_jsn.common.files import write_files
from napari_jsn.evaluation.public_images import data_folder
from napari_jsn.networks.weights import LICENCE

Array = NDArray[np.float64]

#: Landmark numbers of each ray, from the base of the metacarpal to the tip.
RAY_LANDMARKS: dict[int, tuple[int, ...]] = {
    1: (17, 18, 19, 20),
    2: (16, 21, 22, 23, 24),
    3: (15, 25, 26, 27, 28),
    4: (14, 29, 30, 31, 32),
    5: (13, 33, 34, 35, 36),
}
#: Corners of ulna (0-2) and radius (3-5), proximal ends of carpals (6-12), bases of all metacarpals but the third.
WRIST_LANDMARKS = (*range(15), 16, 17)
ORIGIN = 15  # the base of the third metacarpal

BONES = [bone for bones in RAYS.values() for bone in bones]
MATURE_QUANTILE = 0.90
KEPT_VARIANCE = 0.95
#: A hand with a feature this many robust standard deviations off is left out: wrong landmarks, or an unusual pose.
OUTLIER_SD = 6.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this card to a parser."""
    parser.add_argument("--out", type=Path, default=Path("src/napari_jsn/simulation/hand_shape.json"), help="the card")


def main(options: argparse.Namespace) -> None:
    """Fit the statistics, write the card and print a summary."""
    content = fit(read_landmarks(data_folder() / "hands" / "landmarks.csv"))
    write_files(options.out.parent, {options.out.name: f"{json.dumps(content, separators=(',', ':'))}\n".encode()})
    for name, mean, sd in zip(content["features"], content["mean"], content["sd"]):
        print(f"{name:12} {mean:8.3f} +- {sd:.3f}")
    print(f"{content['hands']} hands, {len(content['components'])} components")


def read_landmarks(path: Path) -> Array:
    """Read (n, 37, 2) landmarks ``(x, y)`` in pixels."""
    rows = [[float(cell) for cell in row[1:]] for row in read_rows(path) if row]
    return np.asarray(rows).reshape(-1, 37, 2)


def describe(hands: Array) -> tuple[Array, Array]:
    """Return the features of hands (n, 71), and the logarithm of each hand's size in pixels (n,)."""
    bones = np.concatenate([np.diff(hands[:, list(marks)], axis=1) for marks in RAY_LANDMARKS.values()], axis=1)
    lengths = np.log(np.hypot(bones[..., 0], bones[..., 1]))
    size = lengths.mean(axis=1)
    directions = np.arctan2(bones[..., 0], -bones[..., 1])  # 0 is up, positive towards the thumb
    middle = directions[:, BONES.index("MC3")]
    angles = np.degrees((directions - middle[:, None] + np.pi) % (2 * np.pi) - np.pi)
    wrist = hands[:, list(WRIST_LANDMARKS)] - hands[:, [ORIGIN]]
    cos, sin = np.cos(-middle)[:, None], np.sin(-middle)[:, None]
    x, y = wrist[..., 0] * cos - wrist[..., 1] * sin, wrist[..., 0] * sin + wrist[..., 1] * cos
    upright = np.stack([x, y], axis=-1) / np.exp(size)[:, None, None]
    return np.hstack([lengths - size[:, None], angles, upright.reshape(len(hands), -1)]), size


def feature_names() -> list[str]:
    """Return the names of the features, in the order of :func:`describe`."""
    wrist = [f"{axis}:{mark}" for mark in WRIST_LANDMARKS for axis in "xy"]
    return [f"length:{bone}" for bone in BONES] + [f"angle:{bone}" for bone in BONES] + wrist


def fit(hands: Array) -> dict[str, Any]:
    """Fit the statistics to landmarks (n, 37, 2); return the content of the card."""
    features, size = describe(hands)
    middle = np.median(features, axis=0)
    spread = 1.4826 * np.median(np.abs(features - middle), axis=0) + 1e-9
    kept = (np.abs(features - middle) < OUTLIER_SD * spread + 1e-6).all(axis=1)
    features, size = features[kept], size[kept]

    design = np.stack([np.ones_like(size), size - np.quantile(size, MATURE_QUANTILE)], axis=1)
    coefficients, *_ = np.linalg.lstsq(design, features, rcond=None)
    rest = features - design @ coefficients
    sd = rest.std(axis=0, ddof=2)
    _, values, vectors = np.linalg.svd(rest / np.where(sd > 1e-9, sd, 1), full_matrices=False)
    variance = values**2 / (len(rest) - 2)
    count = int(np.searchsorted(np.cumsum(variance) / variance.sum(), KEPT_VARIANCE)) + 1
    return {
        "source": "Landmarks of the Digital Hand Atlas by Payer et al., Med Image Anal 2019;54:207-219",
        "licence": LICENCE,
        "command": "python -m napari_jsn.evaluation.calibration hand-shape",
        "hands": int(kept.sum()),
        "left_out": int((~kept).sum()),
        "features": feature_names(),
        "units": "length: logarithm of bone length over hand size; angle: degrees from MC3, positive towards the "
        "thumb; x, y of landmarks from the base of MC3 in hand sizes, x towards the thumb, y proximal",
        "mean": np.round(coefficients[0], 4).tolist(),
        "sd": np.round(sd, 4).tolist(),
        "component_sd": np.round(np.sqrt(variance[:count]), 4).tolist(),
        "components": np.round(vectors[:count], 4).tolist(),
    }
