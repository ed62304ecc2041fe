"""Draw the pictures of docs/simulator.md: a simulated hand, and simulated joints at two visits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_jsn.radiograph.resampling import block_mean

#: Seed of the hand and of the joints in the pictures, and the joints.
SEED = 4
JOINTS = ("MCP1", "MCP2", "PIP3", "IP1", "DIP2")
#: Narrowing of the joints between the upper and the lower row, in mm.
JSN_MM = 0.5
#: Factor by which the picture of the hand is reduced.
_REDUCTION = 2
_GAP_PX = 6


def write_pictures(folder: Path) -> list[tuple[str, Path]]:
    """Draw the hand and the joints; return the title and path of each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    title = f"Simulated joints {', '.join(JOINTS)}; below, each at a second visit, {JSN_MM} mm narrower"
    return [
        ("A simulated hand", _save(_hand(), folder / "simulator-hand.png")),
        (title, _save(_joints(), folder / "simulator-joints.png")),
    ]


def _hand() -> NDArray[np.float32]:
    from napari_jsn.simulation.hand import simulate

    radiograph = next(iter(simulate(patients=1, visits=1, seed=SEED)))
    pixels = radiograph.radiograph().pixels
    return block_mean(pixels, _REDUCTION)


def _joints() -> NDArray[np.float32]:
    from napari_jsn.simulation.joint_pair import joint_pair

    pairs = [joint_pair(joint, JSN_MM, seed=SEED + k) for k, joint in enumerate(JOINTS)]
    rows = [[pair.fixed for pair in pairs], [pair.moving for pair in pairs]]
    padded = [np.hstack([np.pad(image, _GAP_PX // 2, constant_values=1) for image in row]) for row in rows]
    return np.vstack(padded)


def _save(pixels: NDArray[np.float32], path: Path) -> Path:
    Image.fromarray(np.round(255 * np.clip(pixels, 0, 1)).astype(np.uint8)).save(path, optimize=True)
    return path
