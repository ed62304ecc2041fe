"""Real pairs with a reference: a phantom whose gap a micrometer changed, and the published pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.methods_compared import OURS, BenchmarkRow, ComparedMethod
from napari_jsn.common.statistics import rmse
from napari_jsn.evaluation.public_images import RealPair, phantom, published_pair
from napari_jsn.evaluation.settings import Settings
from napari_jsn.joint.similarity import Matrix, Similarity, image_centre, joint_space_narrowing
from napari_jsn.registration.methods import PreparedPair
from napari_jsn.registration.register import register

#: Parameters of the published pair as the figure prints them (2 - dz, -dtheta, translations in another pixel size).
PRINTED = {"upper": (1.00003, 0.00472, -2.10354, 0.81261), "lower": (1.00643, -0.00827, -1.63036, 0.92483)}
PRINTED_PIXEL = 112 / 109.5
PRINTED_LOSS = 0.0032


def run_phantom(methods: Sequence[ComparedMethod], settings: Settings) -> list[BenchmarkRow]:
    """Measure two phantoms whose gap changed by 0.50 mm, each in both directions."""
    real = phantom()
    pairs = [PreparedPair.from_masks(p.fixed, p.moving, p.fixed_masks, p.moving_masks, p.spacing_mm) for p in real]
    # Peers are read along the columns, in which the micrometer moved; our public call finds its own axis.
    pairs = [replace(pair, axis=np.array([0.0, 1.0])) for pair in pairs]
    truth_px = np.array([p.jsn_mm / p.spacing_mm for p in real])
    spacing_mm = np.array([p.spacing_mm for p in real])
    rows = []
    for method in methods:
        results = method.run(pairs)
        errors_mm = (np.array([result.jsn_px for result in results]) - truth_px) * spacing_mm
        covered = [result.covers(truth) for result, truth in zip(results, truth_px, strict=True)]
        row = BenchmarkRow("phantom, 0.50 mm", method.name, len(pairs), rmse_mm=rmse(errors_mm))
        mean = float(np.mean(np.abs(errors_mm)))
        row.remarks = f"mean |error| {mean:.4f} mm; " + ", ".join(
            f"{error:+.4f}{'' if inside or not method.states_uncertainty else ' (outside its interval)'}"
            for error, inside in zip(errors_mm, covered, strict=True)
        )
        if method.states_uncertainty:
            row.covered = float(np.mean(covered))
            row.reliable = float(np.mean([result.reliable for result in results]))
        if method.name == OURS:
            row.target = "mean |error| 0.010 mm or less, every error inside its interval"
            row.reached = mean <= 0.010 and all(covered)
        rows.append(row)
    return rows


def run_half_planes(methods: Sequence[ComparedMethod], settings: Settings) -> list[BenchmarkRow]:
    """Measure phantom and published pair by the public function, given only the half-planes of the fixed image."""
    if not any(method.name == OURS for method in methods):
        return []
    phantoms = phantom()
    results = [register(p.fixed, p.moving, p.fixed_masks, spacing_mm=p.spacing_mm) for p in phantoms]
    errors_mm = [result.jsn_mm - p.jsn_mm for result, p in zip(results, phantoms, strict=True)]
    covered = [r.ci95_mm[0] <= p.jsn_mm <= r.ci95_mm[1] for r, p in zip(results, phantoms, strict=True)]
    mean = float(np.mean(np.abs(errors_mm)))
    row = BenchmarkRow("phantom, half-planes", OURS, len(phantoms), rmse_mm=rmse(errors_mm))
    row.covered, row.reliable = float(np.mean(covered)), float(np.mean([r.reliable for r in results]))
    row.remarks = f"mean |error| {mean:.4f} mm; " + ", ".join(f"{error:+.4f}" for error in errors_mm)
    row.target = "mean |error| 0.010 mm or less, every error inside its interval"
    row.reached = mean <= 0.010 and all(covered)
    real = published_pair()
    found = register(real.fixed, real.moving, real.fixed_masks, spacing_mm=real.spacing_mm)
    pair = PreparedPair.from_masks(real.fixed, real.moving, real.fixed_masks, real.moving_masks, real.spacing_mm)
    published = _published_row(OURS, real, found.upper.matrix, found.lower.matrix, pair)
    published.test = "published pair, half-planes"
    published.remarks += f", JSN {found.jsn_mm:+.4f} mm (sd {found.jsn_sd_mm:.4f})"
    published.target = "loss 0.0030 or less"
    published.reached = bool(published.data["loss"][0] <= 0.0030)
    return [row, published]


def run_published(methods: Sequence[ComparedMethod], settings: Settings) -> list[BenchmarkRow]:
    """Compute the loss of the published pair: mean squared difference of the pixels in view, half for each region."""
    real = published_pair()
    pair = PreparedPair.from_masks(real.fixed, real.moving, real.fixed_masks, real.moving_masks, real.spacing_mm)
    rows = [_published_row("parameters as printed", real, *printed_maps(real.fixed.shape), pair)]
    for method in methods:
        result = method.run([pair])[0]
        row = _published_row(method.name, real, result.upper, result.lower, pair)
        if method.states_uncertainty:
            row.reliable = float(result.reliable)
        if method.name == OURS:
            row.target = f"loss {PRINTED_LOSS} or less"
            row.reached = bool(row.data["loss"][0] < PRINTED_LOSS + 5e-5)
        rows.append(row)
    return rows


def printed_maps(shape: tuple[int, ...]) -> tuple[Matrix, Matrix]:
    """Return the maps of both bones by the parameters of the figure."""
    upper, lower = (
        Similarity(2 - dz, -dtheta, dx * PRINTED_PIXEL, dy * PRINTED_PIXEL, image_centre(shape)).matrix
        for dz, dtheta, dx, dy in PRINTED.values()
    )
    return upper, lower


def _published_row(method: str, real: RealPair, upper: Matrix, lower: Matrix, pair: PreparedPair) -> BenchmarkRow:
    loss = (_loss(real, upper, real.fixed_masks.upper) + _loss(real, lower, real.fixed_masks.lower)) / 2
    jsn_mm = joint_space_narrowing(upper, lower, pair.point, pair.axis) * real.spacing_mm
    remarks = f"loss {loss:.5f}, JSN of its maps {jsn_mm:+.4f} mm"
    return BenchmarkRow("published pair", method, 1, remarks=remarks, data={"loss": np.array([loss])})


def _loss(real: RealPair, matrix: Matrix, mask: NDArray[np.bool_]) -> float:
    """Return the mean squared difference over the pixels of a region that are in view in the moving image."""
    if not np.isfinite(matrix).all():
        return float("nan")
    rows, cols = np.nonzero(mask)
    x, y = matrix[:2] @ np.stack([cols, rows, np.ones_like(rows)])
    in_view = (x >= 0) & (y >= 0) & (x <= real.moving.shape[1] - 1) & (y <= real.moving.shape[0] - 1)
    moving = ndimage.map_coordinates(real.moving, [y[in_view], x[in_view]], order=1)
    return float(np.mean((moving - real.fixed[rows, cols][in_view]) ** 2))
