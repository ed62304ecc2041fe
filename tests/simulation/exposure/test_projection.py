"""Projections of solids: total attenuation and position in any pose."""

import numpy as np
import pytest

from napari_jsn.simulation.exposure.projection import SlabProjector
from napari_jsn.simulation.shapes.pose import SolidPose, rotation_matrix
from napari_jsn.simulation.tissue.bone_volume import AttenuationSlabs

SPACING = 0.1
SHAPE = (260, 220)
MIDDLE = np.array([11.0, 13.0, 0.0])


@pytest.fixture(scope="module")
def blobs() -> tuple[SlabProjector, np.ndarray, float]:
    """Two round blobs at different depths, their places (x, y, z) in mm, and the width of a blob."""
    x, y, z = np.arange(-6, 6.01, 0.15), np.arange(-8, 8.01, 0.15), np.arange(-5, 5.01, 0.5)
    places, width = np.array([[1.0, -4.0, 3.5], [-1.5, 3.0, -3.5]]), 0.5
    values = np.zeros((len(z), len(y), len(x)), np.float32)
    for a, b, c in places:
        square = (x[None, None, :] - a) ** 2 + (y[None, :, None] - b) ** 2 + (z[:, None, None] - c) ** 2
        values += np.exp(-square / (2 * width**2)).astype(np.float32)
    return SlabProjector(AttenuationSlabs(values, x, y, z)), places, width


def _image(projector: SlabProjector, pose: SolidPose) -> np.ndarray:
    image = np.zeros(SHAPE)
    rows, cols, seen = projector(pose, SHAPE, SPACING)
    image[rows, cols] = seen
    return image


def _centre(image: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(x, y) in mm of the middle of what lies within 2 mm of a place."""
    rows, cols = np.indices(image.shape)
    weight = image * (np.hypot(cols * SPACING - near[0], rows * SPACING - near[1]) < 2)
    return np.array([(weight * cols).sum(), (weight * rows).sum()]) / weight.sum() * SPACING


@pytest.mark.parametrize("angles", [(0, 0, 0), (20, 0, 0), (0, 8, 0), (0, 0, 8), (12, -6, 7)])
def test_points_land_where_the_pose_puts_them(blobs, angles):
    projector, places, _ = blobs
    pose = SolidPose(rotation_matrix(*angles), MIDDLE)

    image = _image(projector, pose)
    for place in places:
        expected = pose(place)[:2]
        np.testing.assert_allclose(_centre(image, expected), expected, atol=0.003)


def test_a_turn_does_not_change_what_the_solid_takes_from_the_beam(blobs):
    projector, *_ = blobs
    at_rest = _image(projector, SolidPose(rotation_matrix(), MIDDLE)).sum()

    rotated = _image(projector, SolidPose(rotation_matrix(10, 6, -6), MIDDLE)).sum()
    assert rotated == pytest.approx(at_rest, rel=1e-3)


def test_magnified_and_mirrored(blobs):
    projector, places, _ = blobs
    space = np.diag([-1.1, 1.1, 1.0])
    pose = SolidPose(space @ rotation_matrix(5, 0, 0), MIDDLE)

    image = _image(projector, pose)
    for place in places:
        np.testing.assert_allclose(_centre(image, pose(place)[:2]), pose(place)[:2], atol=0.003)
    # magnified, the same attenuation lies on a larger area
    assert image.sum() == pytest.approx(
        1.21 * _image(projector, SolidPose(rotation_matrix(5, 0, 0), MIDDLE)).sum(), rel=1e-3
    )


def test_a_shift_by_less_than_a_pixel_is_as_sharp_as_none(blobs):
    projector, *_ = blobs
    peaks = [
        _image(projector, SolidPose(rotation_matrix(0, 0, 6), MIDDLE + [step * SPACING, 0, 0])).max()
        for step in (0, 0.25, 0.5, 0.75)
    ]
    assert max(peaks) / min(peaks) < 1.005


def test_a_shadow_beside_the_film_is_none(blobs):
    projector, *_ = blobs
    assert projector(SolidPose(rotation_matrix(), np.array([-60.0, 0, 0])), SHAPE, SPACING) is None


def test_inverse_undoes_a_pose():
    pose = SolidPose(np.diag([-1.05, 1.05, 1.0]) @ rotation_matrix(12, 5, -8), np.array([3.0, 2.0, 1.0]))
    points = np.arange(12.0).reshape(4, 3)

    np.testing.assert_allclose(pose.inverse(pose(points)), points, atol=1e-9)
    np.testing.assert_allclose(pose.inverse(pose(points[0])), points[0], atol=1e-9)
