"""Pictures of the simulator's page: a hand, and joints at two visits. No real image goes into them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Which hand and which joints the pictures show; any other seed would do.
SEED = 4
JOINTS = ("MCP1", "MCP2", "PIP3", "IP1", "DIP2")
#: Narrowing of the joints from the upper to the lower row, in mm.
JSN_MM = 0.5
#: The hand's picture has one pixel for so many of the film, each way.
_SHRINK = 2
_GAP_PX = 6


def write_pictures(folder: Path) -> list[tuple[str, Path]]:
    """Draw the hand and the joints; returns the title and path of each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    words = f"Simulated joints {', '.join(JOINTS)}; below, each at a second visit, {JSN_MM} mm narrower"
    return [
        ("A simulated hand", _save(_hand(), folder / "simulator-hand.png")),
        (words, _save(_joints(), folder / "simulator-joints.png")),
    ]


def _hand() -> NDArray[np.float32]:
    from napari_jsn.simulation.hand import simulate

    film = next(iter(simulate(patients=1, visits=1, seed=SEED)))
    grey = film.radiograph().pixels
    rows, cols = (length // _SHRINK for length in grey.shape)
    cut = grey[: rows * _SHRINK, : cols * _SHRINK].reshape(rows, _SHRINK, cols, _SHRINK)
    return cut.mean(axis=(1, 3))


def _joints() -> NDArray[np.float32]:
    from napari_jsn.simulation.joint_pair import joint_pair

    pairs = [joint_pair(joint, JSN_MM, seed=SEED + k) for k, joint in enumerate(JOINTS)]
    rows = [[pair.fixed for pair in pairs], [pair.moving for pair in pairs]]
    padded = [np.hstack([np.pad(image, _GAP_PX // 2, constant_values=1) for image in row]) for row in rows]
    return np.vstack(padded)


def _save(grey: NDArray[np.float32], path: Path) -> Path:
    Image.fromarray(np.round(255 * np.clip(grey, 0, 1)).astype(np.uint8)).save(path, optimize=True)
    return path
