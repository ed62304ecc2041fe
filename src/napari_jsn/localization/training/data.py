"""Whole hands to learn from: films whose joints are known, and simulated ones."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.shape import fit, mean_hand, mirrored

#: Films to learn from are kept at so many pixels a mm of an average adult's hand.
SCALE = 1.4
#: How far off a label may be, in mm: a simulated joint's or a landmark's, and the middle of a drawn box's.
EXACT_MM, BOX_LABEL_MM = 1.2, 2.4
#: Patients of one seed, drawn by one process.
_CHUNK = 20
#: Film and pixel of the simulated hands.
_SHAPE, _SPACING_MM = (500, 340), 0.48


@dataclass(frozen=True)
class HandFilm:
    """One left hand and where its joints are; a right hand is turned round before.

    Attributes
    ----------
    image : (H, W) uint8 array
        Bone bright, at about :data:`SCALE` pixels a mm of an average adult's hand.
    points : (14, 2) array
        ``(x, y)`` of the joints, in pixels; NaN where a joint is not on the film.
    label_mm : float
        How far off the points may be.
    group : str
        Films of one group show one person.
    name : str
        What the film is called.
    """

    image: NDArray[np.uint8] = field(repr=False)
    points: NDArray[np.float64] = field(repr=False)
    label_mm: float = EXACT_MM
    group: str = ""
    name: str = ""


@dataclass(frozen=True)
class LabelledFilm:
    """A film of one hand as it is, and where its joints are.

    Attributes
    ----------
    pixels : (H, W) float32 array
        In [0, 1], bone bright.
    points : (14, 2) array
        ``(x, y)`` in its pixels; NaN where a joint is not on the film.
    side : {"L", "R"}
    px_mm : float
        Pixels a mm; of an average adult's hand where nothing better is known.
    label_mm, group, name
        As for :class:`HandFilm`.
    """

    pixels: NDArray[np.float32] = field(repr=False)
    points: NDArray[np.float64] = field(repr=False)
    side: str
    px_mm: float
    label_mm: float = EXACT_MM
    group: str = ""
    name: str = ""


def size_of(points: NDArray[np.float64], side: str) -> float:
    """Pixels a mm, were the hand as large as an average adult's."""
    known = np.isfinite(points).all(axis=1)
    model = mean_hand() if side == "L" else mirrored(mean_hand())
    return float(np.hypot(*fit(model[known], points[known], np.ones(known.sum()))[:, 0]))


def hand_film(film: LabelledFilm) -> HandFilm:
    """Bring a film of any size to the size that is learned from, as a left hand."""
    pixels, points = film.pixels, film.points
    if film.side == "R":
        pixels, points = pixels[:, ::-1], (points - (pixels.shape[1] - 1, 0)) * (-1, 1)
    small = _resized(pixels, SCALE / size_of(points, "L"))
    grown = np.array(small.shape[::-1]) / pixels.shape[::-1]
    return HandFilm(small, (points + 0.5) * grown - 0.5, film.label_mm, film.group, film.name)


def _resized(pixels: NDArray[np.float32], factor: float) -> NDArray[np.uint8]:
    import torch
    from torch.nn.functional import interpolate

    size = [max(32, round(n * factor)) for n in pixels.shape]
    planes = torch.from_numpy(np.ascontiguousarray(pixels))[None, None]
    small = interpolate(planes, size=size, mode="bilinear", antialias=True)[0, 0].numpy()
    return np.rint(255 * small.clip(0, 1)).astype(np.uint8)


def simulated_hands(count: int, seed: int, cache: Path | None = None, processes: int | None = None) -> list[HandFilm]:
    """Simulated left hands of as many patients, kept on disk for the next time.

    Parameters
    ----------
    count : int
    seed : int
    cache : Path, optional
        The folder to keep them in; by default the platform's for what can be made again.
    processes : int, optional
        How many draw; by default one a core. What is drawn does not depend on it.
    """
    if cache is None:
        from platformdirs import user_cache_path

        cache = user_cache_path("napari-jsn", appauthor=False)
    path = cache / f"hands-{count}-{seed}-{_simulator()}.npz"
    if path.is_file():
        with np.load(path) as kept:
            images, points = kept["images"], kept["points"]
    else:
        images, points = _drawn(count, seed, processes)
        _keep(path, images, points)
    names = (f"simulated {seed}/{k}" for k in range(count))
    each = zip(images, points, names, strict=True)
    return [HandFilm(image, joints, group=name, name=name) for image, joints, name in each]


def _drawn(count: int, seed: int, processes: int | None) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """(N, H, W) films and (N, 14, 2) joints."""
    processes = processes or os.cpu_count() or 1
    chunks = [(seed + k, min(_CHUNK, count - _CHUNK * k)) for k in range(-(-count // _CHUNK))]
    if processes == 1 or len(chunks) == 1:
        parts = [_arrays(draw_chunk(*chunk)) for chunk in chunks]
    else:
        with TemporaryDirectory() as folder, ThreadPoolExecutor(processes) as pool:
            parts = list(pool.map(partial(_drawn_apart, Path(folder)), chunks))
    images, points = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(points)


def _drawn_apart(folder: Path, chunk: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The films of a chunk, drawn by an interpreter of its own: unlike multiprocessing's it runs no script anew."""
    path = folder / f"{chunk[0]}.npz"
    code = f"from {__name__} import write_chunk; write_chunk({str(path)!r}, {chunk[0]}, {chunk[1]})"
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    # a session of its own: Ctrl-C is for the training
    subprocess.run([sys.executable, "-c", code], env=one_thread, check=True, start_new_session=True)
    with np.load(path) as kept:
        return kept["images"], kept["points"]


def write_chunk(path: str, seed: int, count: int) -> None:
    """Draw films into a file."""
    images, points = _arrays(draw_chunk(seed, count))
    np.savez(path, images=images, points=points)


def _arrays(films: list[HandFilm]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    return np.stack([film.image for film in films]), np.stack([film.points for film in films])


def draw_chunk(seed: int, count: int) -> list[HandFilm]:
    """Simulated left hands of the first patients of a seed."""
    from napari_jsn.simulation.hand import simulate

    films = []
    for film in simulate(count, 1, seed, "left", _SHAPE, spacing_mm=_SPACING_MM):
        centres = {truth.joint: truth.centre for truth in film.truths}
        pixels, points = film.radiograph().pixels, np.array([centres[joint] for joint in JOINTS])
        small = _resized(pixels, SCALE * _SPACING_MM)
        grown = np.array(small.shape[::-1]) / pixels.shape[::-1]
        films.append(HandFilm(small, (points + 0.5) * grown - 0.5))
    return films


def _simulator() -> str:
    """A name for the simulator as it is: what it drew before it was changed is not taken for its own."""
    from napari_jsn import simulation

    folder = Path(str(simulation.__file__)).parent
    content = b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in (".py", ".json"))
    return sha256(content).hexdigest()[:12]


def _keep(path: Path, images: NDArray[np.uint8], points: NDArray[np.float64]) -> None:
    from napari_jsn.common.files import write_files

    content = io.BytesIO()
    np.savez_compressed(content, images=images, points=points)
    write_files(path.parent, {path.name: content.getvalue()})


def split(films: Iterable[HandFilm], held: Sequence[str]) -> tuple[list[HandFilm], list[HandFilm]]:
    """Those whose group is not held back, and those whose is."""
    films, groups = list(films), set(held)
    return [film for film in films if film.group not in groups], [film for film in films if film.group in groups]
