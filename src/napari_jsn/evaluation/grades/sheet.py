"""Contact sheet of simulated joints with their visible grades."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from napari_jsn.joint import JOINT_IMAGE_MM

#: Pixels of one crop on the sheet, and of the line of text above it.
_SIDE, _TEXT = 210, 16
#: Version of simulated joints whose bones differ from those of the first one.
OTHER_BONES = 4
#: Side of a crop in mm.
_CROP_MM = 26.0


@dataclass(frozen=True)
class Cell:
    """One joint of the sheet: pixels in [0, 1], and what is written above it."""

    pixels: NDArray[np.float32]
    text: str


def sheet_cells(count: int, seed: int, grades: str = "uniform", spacing_mm: float = 0.144) -> list[Cell]:
    """Return the crops of the joints of simulated left hands."""
    from napari_jsn.simulation.hand import simulate

    shape = (round(289.44 / spacing_mm), round(214.56 / spacing_mm))
    hands = -(-count // 14)
    cells: list[Cell] = []
    for simulated in simulate(hands, 1, seed, "left", shape, spacing_mm=spacing_mm, grades=grades):
        pixels = simulated.radiograph().pixels
        for truth in simulated.truths:
            found = truth.grades
            assert found is not None
            text = found.not_scored or f"{found.mark[:4]} w{found.width_mm:.1f}/{found.healthy_width_mm:.1f}"
            text = f"{truth.joint} J{found.shown('jsn')} E{found.shown('erosion')} {text}"
            cells.append(Cell(crop(pixels, truth.centre, truth.axis, simulated.spacing_mm), text))
    return cells[:count]


def beside_cells(count: int, seed: int) -> list[Cell]:
    """Return crops of real MCP joints, which may not be distributed, and of simulated joints of two versions."""
    from napari_jsn.evaluation.public_images import finger_joints
    from napari_jsn.evaluation.realism.compare import NUMBERS, simulated_pairs
    from napari_jsn.segmentation.training.public_joints import SPACING_MM
    from napari_jsn.simulation.damage.difficulty import FIRST

    joints = list(finger_joints(part="report"))
    chosen = [joints[k] for k in np.random.default_rng([seed, 1]).permutation(len(joints))[:count]]
    middle, down = np.array([127.5, 127.5]), np.array([0.0, 1.0])
    cells = [
        Cell(crop(one.visits[0][0], middle, down, SPACING_MM, JOINT_IMAGE_MM), f"{NUMBERS[one.joint]} real")
        for one in chosen
    ]
    for version in (FIRST, OTHER_BONES):
        for joint, (pixels, _), _ in simulated_pairs(count, seed, version):
            cells.append(
                Cell(crop(np.asarray(pixels), middle, down, SPACING_MM, JOINT_IMAGE_MM), f"{joint} simulated {version}")
            )
    return cells


def crop(
    pixels: NDArray[np.float32],
    centre: NDArray[np.float64],
    axis: NDArray[np.float64],
    spacing_mm: float,
    width_mm: float = _CROP_MM,
) -> NDArray[np.float32]:
    """Return the square around a joint with its axis vertical, by default 26 mm wide."""
    from scipy import ndimage

    at = (np.arange(_SIDE) - (_SIDE - 1) / 2) * (width_mm / _SIDE / spacing_mm)
    x = centre[0] + at[None, :] * axis[1] + at[:, None] * axis[0]
    y = centre[1] - at[None, :] * axis[0] + at[:, None] * axis[1]
    return np.asarray(ndimage.map_coordinates(pixels, np.stack([y, x]), order=1, mode="nearest"), np.float32)


def write_sheet(cells: list[Cell], path: Path, columns: int = 10) -> Path:
    """Write the cells as one PNG file; each crop has its own contrast."""
    rows = -(-len(cells) // columns)
    page = Image.new("L", (columns * _SIDE, rows * (_SIDE + _TEXT)), 255)
    pen = ImageDraw.Draw(page)
    for k, cell in enumerate(cells):
        x, y = k % columns * _SIDE, k // columns * (_SIDE + _TEXT)
        low, high = np.quantile(cell.pixels, (0.01, 0.995))
        shown = np.clip((cell.pixels - low) / max(high - low, 1e-6), 0, 1)
        page.paste(Image.fromarray(np.round(255 * shown).astype(np.uint8)), (x, y + _TEXT))
        pen.text((x + 3, y + 2), cell.text, fill=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path, optimize=True)
    return path
