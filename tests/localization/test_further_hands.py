import numpy as np
import pytest
from scipy import ndimage

from napari_jsn import find_joints
from napari_jsn.simulation.hand import simulate


@pytest.fixture(scope="module")
def hands(film):
    """Two left hands, the first one as a right hand, and the second one small in the corner of a radiograph."""
    other = next(iter(simulate(1, 1, 5, "left", (600, 400), spacing_mm=0.42))).radiograph().pixels
    small, shrunk = np.zeros_like(other), ndimage.zoom(other, 0.7, order=1)
    small[-shrunk.shape[0] :, : shrunk.shape[1]] = shrunk
    left = film.radiograph().pixels
    return {"L": left, "l": other, "R": np.ascontiguousarray(left[:, ::-1]), "s": small}


@pytest.mark.parametrize(
    ("rows", "sides", "further"),
    [
        (["Ll"], ("L",), "Another hand was"),
        (["L", "l"], ("L",), "Another hand was"),
        (["Ls"], ("L",), "Another hand was"),
        (["RLl"], ("R", "L"), "Another hand was"),
        (["Ll", "lL"], ("L",), "3 further hands were"),
    ],
)
def test_hands_of_a_side_that_the_radiograph_shows_twice_are_noted(hands, rows, sides, further):
    found = find_joints(np.vstack([np.hstack([hands[one] for one in row]) for row in rows]))
    assert found.sides == sides and len(found) == 14 * len(sides)
    assert [note for note in found.notes if note.startswith(further) and "left out" in note] == list(found.notes)


@pytest.mark.parametrize("rows", [["L"], ["RL"], ["R", "l"]])
def test_hands_of_different_sides_are_all_reported(hands, rows):
    found = find_joints(np.vstack([np.hstack([hands[one] for one in row]) for row in rows]))
    assert len(found) == 14 * len("".join(rows)) and found.notes == ()


def beside(film, what):
    """Return a lateral view (a hand as narrow as given), or something that is no view of a hand."""
    rows, cols = film.shape
    if isinstance(what, float):
        return ndimage.zoom(film, (1, what), order=1)
    part = np.zeros((rows, cols // 4), np.float32)
    if what == "bar":
        part[:, 20:40] = 0.9
    elif what == "wedge":
        part[rows // 3 : rows // 2, 20:80] = np.repeat(np.linspace(0.2, 0.9, 6), 10)[None]
    else:
        part[:] = 0.95
    return part


@pytest.mark.parametrize(
    ("what", "is_left", "noted"),
    [
        (0.28, True, True),
        (0.3, False, True),
        (0.34, True, True),
        ("bar", True, False),
        ("wedge", False, False),
        ("white", True, False),
    ],
)
def test_another_view_beside_the_hand_is_noted(film, what, is_left, noted):
    pixels = film.radiograph().pixels
    parts = [beside(pixels, what), pixels]
    found = find_joints(np.hstack(parts if is_left else parts[::-1]))
    assert len(found) == 14
    assert any("another view" in note for note in found.notes) == noted
