"""Measure how accurately a model finds joints: tables, figures of its card, and pictures."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from napari_jsn.common.progress import Progress, Silent
from napari_jsn.evaluation.localization.detections import (
    Detection,
    DetectionSummary,
    RadiographTruth,
    detect,
    summarize_detections,
)
from napari_jsn.evaluation.localization.variations import conditions

#: Colours (RGB) of true positions, and of found positions and boxes.
_TRUE, _FOUND = (86, 180, 233), (230, 159, 0)
#: Longer side of a picture, in pixels.
_SIDE = 900

#: Name of a set of radiographs, name of a condition, and the detections.
Row = tuple[str, str, list[Detection]]


def evaluate_localization(
    sets: Sequence[tuple[str, Sequence[RadiographTruth]]],
    model: str = "default",
    progress: Progress | None = None,
    device: str | None = None,
) -> list[Row]:
    """Find the joints of all radiographs, as they are and with each variation.

    Parameters
    ----------
    sets : sequence of (str, sequence of RadiographTruth)
        Name and radiographs of each set.
    model : str
    progress : Progress, optional
        Updated after every condition; after an abort, the rows that are complete are returned.
    device : str, optional
        By default CUDA where there is one.
    """
    progress = progress or Silent()
    rows: list[Row] = []
    todo = list(_conditions(sets))
    for done, (name, condition, truths) in enumerate(todo):
        if progress.aborted:
            break
        rows.append((name, condition, [detect(truth, model, device) for truth in truths]))
        progress.update(done + 1, len(todo), "Finding the joints")
    return rows


def _conditions(
    sets: Sequence[tuple[str, Sequence[RadiographTruth]]],
) -> Iterator[tuple[str, str, list[RadiographTruth]]]:
    for name, truths in sets:
        for condition, changed in conditions(truths):
            if changed:
                yield name, condition, changed


def localization_table(rows: Sequence[Row]) -> str:
    """Return a Markdown table with a line for each set and condition."""
    head = (
        "| radiographs | n | joints in view | found | within 4 mm | box right | median (95 %), mm | missed | invented "
        "| wrong without a reason |"
    )
    lines = [head, "|---|" + "---:|" * 9]
    for name, condition, detections in rows:
        summary = summarize_detections(detections)
        first = f"**{name}**" if condition == "as they are" else f"{name}: {condition}"
        lines.append(
            f"| {first} | {summary.radiographs} | {summary.joints} | {100 * summary.found:.1f} % "
            f"| {100 * summary.within:.1f} % | {100 * summary.right_boxes:.1f} % "
            f"| {summary.median_mm:.2f} ({summary.p95_mm:.2f}) "
            f"| {summary.missed} | {summary.false} | {summary.unsaid} |"
        )
    return "\n".join(lines) + "\n"


def evaluate_feet(
    feet: Iterable[RadiographTruth], model: str = "default", device: str | None = None
) -> list[Detection]:
    """Search for joints on radiographs that show no hand."""
    return [detect(foot, model, device) for foot in feet]


def feet_table(detections: Sequence[Detection]) -> str:
    """Return a Markdown table of the radiographs without a hand on which joints were found."""
    figures = _feet_figures(detections)
    head = "| simulated feet | called a hand | without a reason | joints invented |"
    return f"{head}\n|{'---:|' * 4}\n| {' | '.join(str(figure) for figure in figures.values())} |\n"


def _feet_figures(detections: Sequence[Detection]) -> dict[str, int]:
    hands = [detection for detection in detections if detection.found]
    return {
        "radiographs": len(detections),
        "called_a_hand": len(hands),
        "without_a_reason": sum(detection.found.reliable for detection in hands),
        "false": sum(len(detection.false) for detection in hands),
    }


def localization_figures(rows: Sequence[Row], feet: Sequence[Detection] = ()) -> dict[str, Any]:
    """Return the figures for a model's card, of radiographs that the model was not trained on."""
    figures: dict[str, Any] = {
        f"{name}, {condition}": _rounded(summarize_detections(detections)) for name, condition, detections in rows
    }
    return figures | ({"simulated feet": _feet_figures(feet)} if feet else {})


def _rounded(summary: DetectionSummary) -> dict[str, float]:
    return {
        "radiographs": summary.radiographs,
        "joints": summary.joints,
        "found": round(summary.found, 4),
        "within_4_mm": round(summary.within, 4),
        "box_right": round(summary.right_boxes, 4),
        "median_mm": round(summary.median_mm, 2),
        "p95_mm": round(summary.p95_mm, 2),
        "missed": summary.missed,
        "false": summary.false,
        "wrong_without_reason": summary.unsaid,
    }


def overlays(rows: Sequence[Row]) -> dict[str, bytes]:
    """Return, of each row, the radiograph with most missed and false joints or the largest error: PNG files by name."""
    pictures = {}
    for number, (name, _, detections) in enumerate(rows):
        pictures[f"{name.replace(' ', '-')}-{number}.png"] = overlay(max(detections, key=_badness))
    return pictures


def _badness(detection: Detection) -> tuple[int, float]:
    return len(detection.missed) + len(detection.false), max(detection.error_mm.values(), default=0.0)


def overlay(detection: Detection) -> bytes:
    """Return a radiograph with the boxes found (orange) and the true positions (blue), as PNG."""
    from PIL import Image, ImageDraw

    pixels = detection.truth.pixels
    zoom = _SIDE / max(pixels.shape)
    low, high = np.percentile(pixels, (1, 99.5))
    intensities = np.rint(255 * ((pixels - low) / max(high - low, 1e-6)).clip(0, 1)).astype(np.uint8)
    size = round(zoom * pixels.shape[1]), round(zoom * pixels.shape[0])
    image = Image.fromarray(intensities).convert("RGB").resize(size)
    draw = ImageDraw.Draw(image)
    for joint in detection.found:
        corners = [(float(zoom * col), float(zoom * row)) for row, col in joint.box]
        draw.line([*corners, corners[0]], fill=_FOUND)
        _cross(draw, zoom * joint.centre[1], zoom * joint.centre[0], _FOUND)
    for x, y in detection.truth.points.values():
        _cross(draw, zoom * float(x), zoom * float(y), _TRUE)
    content = io.BytesIO()
    image.save(content, format="png")
    return content.getvalue()


def _cross(draw: Any, x: float, y: float, colour: tuple[int, int, int]) -> None:
    draw.line([(x - 4, y), (x + 4, y)], fill=colour)
    draw.line([(x, y - 4), (x, y + 4)], fill=colour)
