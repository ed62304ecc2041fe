"""Labelled radiographs to find joints on: simulated hands, and simulated feet, on which there are none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_jsn.evaluation.localization.detections import RadiographTruth
from napari_jsn.networks.cached_arrays import Arrays, cached_arrays

#: Shape and pixel size of the simulated feet.
_FOOT_SHAPE, _FOOT_SPACING_MM = (830, 560), 0.29


def simulated_truths(
    count: int, seed: int, shape: tuple[int, int] = (1000, 740), spacing_mm: float = 0.29
) -> Iterator[RadiographTruth]:
    """Yield simulated radiographs of left hands with their truth."""
    from napari_jsn.simulation.hand import simulate

    radiographs = simulate(count, 1, seed, "left", shape, spacing_mm=spacing_mm)
    for number, simulated in enumerate(radiographs, start=1):
        points: dict[Any, Any] = {(each.side, each.joint): each.centre for each in simulated.truths}
        pixels = simulated.radiograph().pixels
        yield RadiographTruth(pixels, points, 1 / simulated.spacing_mm, f"simulated {number}")


def simulated_feet(count: int, seed: int, cache: Path | None = None) -> Iterator[RadiographTruth]:
    """Yield simulated radiographs of feet, from the cache if they were drawn before.

    Parameters
    ----------
    count, seed : int
    cache : Path, optional
        The folder to keep them in; by default the platform's folder for caches.
    """
    from napari_jsn import simulation

    arrays = cached_arrays(f"evaluation-feet-{count}-{seed}", simulation, lambda: _draw_feet(count, seed), cache)
    for number, image in enumerate(arrays["images"], start=1):
        pixels = image.astype(np.float32) / np.float32(255)
        yield RadiographTruth(pixels, {}, 1 / _FOOT_SPACING_MM, f"simulated foot {number}")


def _draw_feet(count: int, seed: int) -> Arrays:
    from napari_jsn.simulation.foot import simulate_feet

    feet = simulate_feet(count, seed, _FOOT_SHAPE, _FOOT_SPACING_MM)
    images = [np.rint(255 * foot.radiograph.pixels.clip(0, 1)).astype(np.uint8) for foot in feet]
    return {"images": np.stack(images)}
