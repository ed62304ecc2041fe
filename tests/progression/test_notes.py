"""Notes on follow-ups that were distorted or processed in another way, on the shipped simulated hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

import napari_jsn as jsn
from napari_jsn.progression.measure import measure
from tests.progression.made_up import progression

JOINTS = ("MCP2", "PIP3")


def keystone(pixels, share, quarters):
    """Return an image one side of which is shorter by this share, as on a photograph taken at an angle."""
    turned = np.rot90(pixels, quarters)
    height, width = turned.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    shown = corners + [[share * width / 2, 0], [-share * width / 2, 0], [0, 0], [0, 0]]
    lines, values = [], []
    for (x, y), (u, v) in zip(shown, corners, strict=True):
        lines += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    to_source = np.append(np.linalg.solve(lines, values), 1).reshape(3, 3)
    rows, cols = np.mgrid[:height, :width]
    x, y, w = np.einsum("ij,jhw->ihw", to_source, np.stack([cols, rows, np.ones_like(rows)]).astype(float))
    return np.clip(np.rot90(ndimage.map_coordinates(turned, [y / w, x / w], order=3), -quarters), 0, 1)


def test_a_keystone_distortion_is_noted():
    first, second = (jsn.read_radiograph(path) for path in sorted(jsn.sample_folder("hand_pair").glob("*.dcm")))
    distorted = replace(second, pixels=keystone(second.pixels, 0.05, 1).astype(np.float32))
    found = measure(first, distorted)
    assert any("Visit 2, left: the scale of the bones drifts by" in note for note in found.notes)


def measured(change):
    films = progression().hands
    boxes = {(film.visit, film.side): [view.joint for view in film.joints] for film in films}
    first, second = (film.radiograph for film in films)
    changed = replace(second, pixels=np.clip(change(second.pixels), 0, 1).astype(np.float32))
    return measure(first, changed, joints=JOINTS, boxes=boxes).notes


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda a: ndimage.gaussian_filter(a, 1.0), "wider"),
        (lambda a: ndimage.gaussian_filter(a, 1.5), "wider"),
        (lambda a: 2 * a - ndimage.gaussian_filter(a, 2), "narrower"),
        (lambda a: 2 * a - ndimage.gaussian_filter(a, 4), "narrower"),
    ],
)
def test_blur_and_edge_enhancement_of_one_visit_are_noted(change, word):
    (note,) = (note for note in measured(change) if "edges of the bones" in note)
    assert note.startswith("Visit 2, left: the edges of the bones are ") and f"% {word} than at baseline" in note


@pytest.mark.parametrize("change", [lambda a: a, lambda a: a**0.7, lambda a: 0.1 + 0.7 * a])
def test_sound_follow_ups_have_no_note(change):
    assert not any("edges of the bones" in note or "drifts" in note for note in measured(change))
