"""Tables and pictures of how well joints are found."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from napari_jsn.common.progress import Progress, Silent
from napari_jsn.evaluation.localization.detections import Looked, Summary, Truth, conditions, look, summary

#: Colours of the true and of the found places, and of the boxes, red, green and blue.
_TRUE, _FOUND = (86, 180, 233), (230, 159, 0)
#: Longer side of a picture, in pixels.
_SIDE = 900

#: Name of a set of films, of a condition, and what was found.
Row = tuple[str, str, list[Looked]]


def evaluate(
    sets: Sequence[tuple[str, Sequence[Truth]]], model: str = "default", progress: Progress | None = None
) -> list[Row]:
    """Find the joints of all films, as they are and changed in the ways that films differ.

    Parameters
    ----------
    sets : sequence of (str, sequence of Truth)
        What each set of films is called.
    model : str
    progress : Progress, optional
        Told of every condition; when aborted, the rows so far come back.
    """
    progress = progress or Silent()
    rows: list[Row] = []
    todo = list(_conditions(sets))
    for done, (name, condition, films) in enumerate(todo):
        if progress.aborted:
            break
        rows.append((name, condition, [look(film, model) for film in films]))
        progress.update(done + 1, len(todo), "Finding the joints")
    return rows


def _conditions(sets: Sequence[tuple[str, Sequence[Truth]]]) -> Iterator[tuple[str, str, list[Truth]]]:
    for name, films in sets:
        for condition, changed in conditions(films):
            if changed:
                yield name, condition, changed


def table(rows: Sequence[Row]) -> str:
    """A line for each set and condition."""
    head = "| films | n | joints in view | within 4 mm | median (95 %), mm | missed | invented |"
    lines = [head, "|---|" + "---:|" * 6]
    for name, condition, looked in rows:
        told = summary(looked)
        first = f"**{name}**" if condition == "as they are" else f"{name}: {condition}"
        lines.append(
            f"| {first} | {told.films} | {told.joints} | {100 * told.within:.1f} % "
            f"| {told.median_mm:.2f} ({told.p95_mm:.2f}) | {told.missed} | {told.invented} |"
        )
    return "\n".join(lines) + "\n"


def figures(rows: Sequence[Row]) -> dict[str, Any]:
    """What a model's card says of films that were never learned from."""
    return {f"{name}, {condition}": _rounded(summary(looked)) for name, condition, looked in rows}


def _rounded(told: Summary) -> dict[str, float]:
    return {
        "films": told.films,
        "joints": told.joints,
        "within_4_mm": round(told.within, 4),
        "median_mm": round(told.median_mm, 2),
        "p95_mm": round(told.p95_mm, 2),
        "missed": told.missed,
        "invented": told.invented,
    }


def overlays(rows: Sequence[Row]) -> dict[str, bytes]:
    """Of each row the film with the largest error or most misses: file names and PNG files."""
    pictures = {}
    for number, (name, _, looked) in enumerate(rows):
        worst = max(looked, key=lambda each: (len(each.missed) + len(each.invented), *_worst(each)))
        pictures[f"{name.replace(' ', '-')}-{number}.png"] = overlay(worst)
    return pictures


def _worst(looked: Looked) -> tuple[float]:
    return (max(looked.error_mm.values(), default=0.0),)


def overlay(looked: Looked) -> bytes:
    """A film with the boxes found (orange) and where the joints are (blue), as PNG."""
    from PIL import Image, ImageDraw

    pixels = looked.truth.pixels
    zoom = _SIDE / max(pixels.shape)
    low, high = np.percentile(pixels, (1, 99.5))
    grey = np.rint(255 * ((pixels - low) / max(high - low, 1e-6)).clip(0, 1)).astype(np.uint8)
    size = round(zoom * pixels.shape[1]), round(zoom * pixels.shape[0])
    image = Image.fromarray(grey).convert("RGB").resize(size)
    draw = ImageDraw.Draw(image)
    for joint in looked.found:
        corners = [(float(zoom * col), float(zoom * row)) for row, col in joint.box]
        draw.line([*corners, corners[0]], fill=_FOUND)
        _cross(draw, zoom * joint.centre[1], zoom * joint.centre[0], _FOUND)
    for x, y in looked.truth.points.values():
        _cross(draw, zoom * float(x), zoom * float(y), _TRUE)
    content = io.BytesIO()
    image.save(content, format="png")
    return content.getvalue()


def _cross(draw: Any, x: float, y: float, colour: tuple[int, int, int]) -> None:
    draw.line([(x - 4, y), (x + 4, y)], fill=colour)
    draw.line([(x, y - 4), (x, y + 4)], fill=colour)
