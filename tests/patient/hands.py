"""Made-up films of hands whose joints lie where a hand has them, for tests that need no network."""

from datetime import date

import numpy as np
from pydicom import dcmread
from scipy.ndimage import zoom

from napari_jsn import sample_folder
from napari_jsn.anatomy import JOINTS
from napari_jsn.joint import Joint
from napari_jsn.localization.found_joints import ANATOMY, FoundJoints
from napari_jsn.radiograph import Radiograph

SPACING_MM = 0.5
#: mm from the wrist up, and from the thumb's side across, by kind of joint and ray.
_UP = {"MCP": 65, "IP": 100, "PIP": 105, "DIP": 130}
_ACROSS = {1: 0, 2: 30, 3: 50, 4: 68, 5: 85}
_WRIST_ROW = 300


def found(*sides, left_at=0, apart=220, spacing_mm=SPACING_MM, size=1.0, joints=JOINTS, **facts):
    """Joints of hands side by side, the first with its edge at column ``left_at``, thumbs inside."""
    placed = []
    for place, side in enumerate(sides):
        for name in joints:
            ray, kind = int(name[-1]), name[:-1]
            across = _ACROSS[ray] if side == "R" else 85 - _ACROSS[ray]  # a right hand's thumb is on its left
            row = _WRIST_ROW - size * (_UP[kind] - (25 if ray == 1 else 0)) / spacing_mm
            col = left_at + 30 + place * apart + size * across / spacing_mm
            placed.append(Joint.around(name, side, (row, col), (1.0, 0.0), 22.2 / spacing_mm, 0.9))
    facts = {"sides": tuple(sorted(sides, reverse=True)), "side_source": ANATOMY, "hand_px": 150 / spacing_mm, **facts}
    return FoundJoints(tuple(placed), **facts)


def film(sides="", day="2020-01-06", seed=0, shape=(330, 470), spacing_mm=SPACING_MM, **facts):
    """A radiograph of noise, brighter at its hands; ``sides`` gives only their places."""
    pixels = 0.02 * np.random.default_rng(seed).random(shape, dtype=np.float32)
    for joint in found(*sides):
        row, col = map(int, joint.centre)
        pixels[max(row - 30, 0) : row + 30, max(col - 30, 0) : col + 30] += 0.4
    acquired = date.fromisoformat(day) if day else None
    if spacing_mm is not None:
        facts = {"spacing_source": "magnification corrected", **facts}
    return Radiograph(np.clip(pixels, 0, 1), spacing_mm, acquired=acquired, **facts)


def not_square(folder, ratio=(2, 1)):
    """Write the shipped hand at two visits with pixels that are not square and of unknown size; return the files."""
    paths = []
    for path in sorted(sample_folder("hand_pair").glob("*.dcm")):
        dataset = dcmread(path)
        dataset.decompress()
        stored = zoom(dataset.pixel_array, (ratio[1] / ratio[0], 1), order=1)
        dataset.Rows, dataset.Columns = stored.shape
        dataset.PixelData = np.ascontiguousarray(stored).astype("<u2").tobytes()
        for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
            if keyword in dataset:
                delattr(dataset, keyword)
        dataset.PixelAspectRatio = list(ratio)
        dataset.save_as(folder / path.name)
        paths.append(folder / path.name)
    return paths
