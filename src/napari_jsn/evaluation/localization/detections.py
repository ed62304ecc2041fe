"""How near the joints that are found lie to where they are, on films as they are and as they can come."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.find_joints import find_joints
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.localization.training.data import LabelledRadiograph
from napari_jsn.radiograph import Radiograph

#: A joint found farther away than this is not where it was looked for.
RIGHT_MM = 4.0
#: Joints this close to where a film ends may be told as in view or not.
_RIM_MM = 4.0


@dataclass(frozen=True)
class Truth:
    """A film, and where the joints on it are.

    Attributes
    ----------
    pixels : (H, W) float32 array
    points : dict of (side, joint) to (2,) array
        ``(x, y)`` in pixels; also of joints beyond the film's border.
    px_mm : float
        Pixels a mm.
    name : str
    hidden : set of (side, joint)
        Joints that lie within the picture but not on its film.
    """

    pixels: NDArray[np.float32] = field(repr=False)
    points: dict[tuple[str, str], NDArray[np.float64]] = field(repr=False)
    px_mm: float
    name: str = ""
    hidden: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, film: LabelledRadiograph) -> Truth:
        """A film as it is."""
        points = {
            (film.side, joint): at for joint, at in zip(JOINTS, film.points, strict=True) if np.isfinite(at).all()
        }
        return cls(film.pixels, points, film.px_mm, film.name)


@dataclass(frozen=True)
class Looked:
    """What was found on a film.

    Attributes
    ----------
    truth : Truth
    found : FoundJoints
    error_mm : dict of (side, joint) to float
        Of the joints in view that were found.
    missed, invented : tuple of (side, joint)
        In view and not found; found where nothing is, or as a joint of a hand that is not there.
    joints : int
        How many are in view.
    seconds : float
    """

    truth: Truth
    found: FoundJoints
    error_mm: dict[tuple[str, str], float]
    missed: tuple[tuple[str, str], ...]
    invented: tuple[tuple[str, str], ...]
    joints: int
    seconds: float


def look(truth: Truth, model: str = "default") -> Looked:
    """Find the joints of a film and compare them with where they are."""
    began = time.perf_counter()
    found = find_joints(Radiograph(truth.pixels), model=model)
    seconds = time.perf_counter() - began
    centres = {(str(joint.side), joint.name): np.array(joint.centre[::-1]) for joint in found}
    errors, missed, invented, judged = {}, [], [], 0
    for key, at in truth.points.items():
        inside = -np.inf if key in truth.hidden else _inside(at, truth)
        if inside > _RIM_MM:
            judged += 1
            if key in centres:
                errors[key] = float(np.hypot(*(centres[key] - at))) / truth.px_mm
            else:
                missed.append(key)
        elif inside < -_RIM_MM and key in centres:
            invented.append(key)
    invented += [key for key in centres if key not in truth.points]
    return Looked(truth, found, errors, tuple(missed), tuple(invented), judged, seconds)


def _inside(at: NDArray[np.float64], truth: Truth) -> float:
    """How far from the film's border, in mm; negative beyond it."""
    far = np.array(truth.pixels.shape[::-1]) - 0.5 - at
    return float(min((at + 0.5).min(), far.min())) / truth.px_mm


def conditions(films: Sequence[Truth], seed: int = 0) -> Iterator[tuple[str, list[Truth]]]:
    """The films as they are, then changed in the ways that films differ."""
    rng = np.random.default_rng(seed)
    yield "as they are", list(films)
    yield "mirrored: right hands", [mirror(film) for film in films]
    for turn in (20, 45):
        yield (
            f"turned by {turn} deg either way",
            [turned(film, turn if k % 2 else -turn) for k, film in enumerate(films)],
        )
    yield "fingers cut off", [cut(film, rng) for film in films]
    yield "negative", [replace(film, pixels=1 - film.pixels) for film in films]
    yield "bright collimation, plate and ring", [furnished(film, rng) for film in films]
    yield "both hands on one film", [together(one, two) for one, two in zip(films[::2], films[1::2], strict=False)]


def mirror(film: Truth) -> Truth:
    """The other hand."""
    last = film.pixels.shape[1] - 1
    other = {"L": "R", "R": "L"}
    points = {(other[side], joint): np.array([last - x, y]) for (side, joint), (x, y) in film.points.items()}
    return replace(film, pixels=np.ascontiguousarray(film.pixels[:, ::-1]), points=points)


def turned(film: Truth, turn_deg: float) -> Truth:
    """The film turned about its middle, on a larger film whose corners are black."""
    pixels = ndimage.rotate(film.pixels, turn_deg, order=1, cval=0.0)
    turn = np.deg2rad(turn_deg)
    about, onto = ((np.array(each.shape[::-1]) - 1) / 2 for each in (film.pixels, pixels))
    linear = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    points = {key: linear @ (at - about) + onto for key, at in film.points.items()}
    hidden = film.hidden | {key for key, at in film.points.items() if _inside(at, film) < 0}
    return replace(film, pixels=pixels.clip(0, 1).astype(np.float32), points=points, hidden=frozenset(hidden))


def cut(film: Truth, rng: np.random.Generator) -> Truth:
    """Fingertips cut off above the line through some DIP or PIP joints, or the fingers of one side."""
    rows, cols = film.pixels.shape
    at = np.array(list(film.points.values()))
    if rng.random() < 0.6:
        top = int(np.quantile(at[:, 1], rng.uniform(0.1, 0.5)))
        return _part(film, (top, 0, rows, cols))
    edge = int(np.quantile(at[:, 0], rng.uniform(0.15, 0.4)))
    return _part(film, (0, edge, rows, cols) if rng.random() < 0.5 else (0, 0, rows, cols - edge))


def _part(film: Truth, rect: tuple[int, int, int, int]) -> Truth:
    top, left, bottom, right = rect
    points = {key: at - (left, top) for key, at in film.points.items()}
    return replace(film, pixels=np.ascontiguousarray(film.pixels[top:bottom, left:right]), points=points)


def furnished(film: Truth, rng: np.random.Generator) -> Truth:
    """A bright border around the joints, a plate with a letter, and a ring."""
    pixels, px = film.pixels.copy(), film.px_mm
    at = np.array(list(film.points.values()))
    rows, cols = pixels.shape
    low, high = at.min(axis=0) - 12 * px, at.max(axis=0) + 12 * px
    cover = np.ones_like(pixels, bool)
    top, left = (max(0, int(v)) for v in low[::-1])
    bottom, right = min(rows, int(high[1] + 70 * px)), min(cols, int(high[0]))
    cover[top:bottom, left:right] = False
    pixels[cover] = 0.95
    row, col = bottom - int(30 * px), left + int(2 * px)
    pixels[row : row + int(20 * px), col : col + int(12 * px)] = 0.6
    pixels[row + int(4 * px) : row + int(16 * px), col + int(4 * px) : col + int(7 * px)] = 1.0
    for (_, joint), (x, y) in film.points.items():
        if joint == f"MCP{rng.integers(3, 5)}":
            pixels[int(y - 22 * px) : int(y - 18 * px), int(x - 8 * px) : int(x + 8 * px)] = 0.97
    return replace(film, pixels=pixels)


def together(one: Truth, two: Truth) -> Truth:
    """A left hand and the mirror image of another beside it, thumbs inside."""
    two = mirror(two)
    factor = one.px_mm / two.px_mm
    grown = ndimage.zoom(two.pixels, factor, order=1).clip(0, 1).astype(np.float32)
    exact = np.array(grown.shape[::-1]) / two.pixels.shape[::-1]
    rows = max(len(one.pixels), len(grown))
    parts = [np.pad(each, ((rows - len(each), 0), (0, 0)), mode="edge") for each in (one.pixels, grown)]
    points = {key: at + (0, rows - len(one.pixels)) for key, at in one.points.items()}
    shift = np.array([one.pixels.shape[1], rows - len(grown)])
    points |= {key: (at + 0.5) * exact - 0.5 + shift for key, at in two.points.items()}
    return Truth(np.hstack(parts), points, one.px_mm, f"{one.name} and {two.name}")


@dataclass(frozen=True)
class Summary:
    """What many films come to: see :func:`summary`."""

    films: int
    joints: int
    within: float
    median_mm: float
    p95_mm: float
    missed: int
    invented: int
    contradicted: int
    seconds: float


def summary(looked: Iterable[Looked]) -> Summary:
    """Share of the joints in view within 4 mm, median and 95th percentile of the error, missed, invented."""
    looked = list(looked)
    errors = np.array([error for each in looked for error in each.error_mm.values()] or [np.nan])
    joints = sum(each.joints for each in looked)
    return Summary(
        films=len(looked),
        joints=joints,
        within=float((errors <= RIGHT_MM).sum() / max(1, joints)),
        median_mm=float(np.median(errors)),
        p95_mm=float(np.percentile(errors, 95)),
        missed=sum(len(each.missed) for each in looked),
        invented=sum(len(each.invented) for each in looked),
        contradicted=sum(each.found.contradicts for each in looked),
        seconds=float(np.median([each.seconds for each in looked])) if looked else float("nan"),
    )


def simulated(count: int, seed: int, shape: tuple[int, int] = (1000, 740), spacing_mm: float = 0.29) -> Iterator[Truth]:
    """Films of simulated left hands."""
    from napari_jsn.simulation.hand import simulate

    for number, film in enumerate(simulate(count, 1, seed, "left", shape, spacing_mm=spacing_mm), start=1):
        points: dict[Any, Any] = {(each.side, each.joint): each.centre for each in film.truths}
        yield Truth(film.radiograph().pixels, points, 1 / film.spacing_mm, f"simulated {number}")
