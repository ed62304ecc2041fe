import numpy as np
import pytest

from napari_jsn.joint.similarity import Similarity, image_centre, joint_space_narrowing, pixel_scaling

EXAMPLE = Similarity(dz=1.1, dtheta=0.2, dx=3.0, dy=-2.0, centre=(10.0, 20.0))


def test_default_is_identity():
    np.testing.assert_array_equal(Similarity(centre=(5.0, 7.0)).matrix, np.eye(3))


def test_rotation_and_scale_keep_the_centre():
    np.testing.assert_allclose(Similarity(dz=1.3, dtheta=0.5, centre=(10.0, 20.0))([10.0, 20.0]), [10.0, 20.0])


def test_translation_comes_before_rotation_and_scale():
    # Eq. 1 is S R T: the translated point is then rotated by 90 degrees and doubled.
    quarter = Similarity(dz=2.0, dtheta=np.pi / 2, dx=1.0)
    np.testing.assert_allclose(quarter([0.0, 0.0]), [0.0, 2.0], atol=1e-12)


def test_positive_angle_rotates_x_towards_y():
    np.testing.assert_allclose(Similarity(dtheta=np.pi / 2)([1.0, 0.0]), [0.0, 1.0], atol=1e-12)


def test_call_keeps_the_shape_of_its_points():
    points = np.arange(24.0).reshape(3, 4, 2)
    moved = EXAMPLE(points)
    assert moved.shape == points.shape
    np.testing.assert_allclose(moved[1, 2], (EXAMPLE.matrix @ [*points[1, 2], 1])[:2])


def test_matrix_round_trip():
    again = Similarity.from_matrix(EXAMPLE.matrix, EXAMPLE.centre)
    for name in ("dz", "dtheta", "dx", "dy"):
        assert getattr(again, name) == pytest.approx(getattr(EXAMPLE, name), abs=1e-12)
    assert again.centre == EXAMPLE.centre


def test_from_matrix_moves_the_centre_but_not_the_map():
    elsewhere = Similarity.from_matrix(EXAMPLE.matrix, (50.0, 60.0))
    np.testing.assert_allclose(elsewhere.matrix, EXAMPLE.matrix)
    assert elsewhere.dz == pytest.approx(EXAMPLE.dz)
    assert elsewhere.dx != pytest.approx(EXAMPLE.dx)


@pytest.mark.parametrize(
    "matrix",
    [np.diag([1.0, 2.0, 1.0]), np.diag([-1.0, 1.0, 1.0]), [[1.0, 0.3, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]],
    ids=["stretch", "mirror", "shear"],
)
def test_from_matrix_refuses_what_is_no_similarity(matrix):
    with pytest.raises(ValueError, match="not a similarity"):
        Similarity.from_matrix(matrix)


def test_inverse_undoes():
    np.testing.assert_allclose(EXAMPLE.inverse.matrix @ EXAMPLE.matrix, np.eye(3), atol=1e-12)
    assert EXAMPLE.inverse.centre == EXAMPLE.centre


def test_affine_rc_does_to_row_col_what_matrix_does_to_x_y():
    x, y = EXAMPLE([4.0, 9.0])
    np.testing.assert_allclose(EXAMPLE.affine_rc @ [9.0, 4.0, 1.0], [y, x, 1.0])


def test_image_centre_is_the_middle_pixel():
    assert image_centre((5, 9)) == (4.0, 2.0)


def shifted(dx: float = 0.0, dy: float = 0.0):
    return Similarity(dx=dx, dy=dy).matrix


def test_narrowing_is_positive_when_the_upper_bone_comes_down():
    assert joint_space_narrowing(shifted(dy=0.5), shifted(), [5, 5], [0, 1]) == pytest.approx(0.5)


def test_narrowing_is_positive_when_the_lower_bone_comes_up():
    assert joint_space_narrowing(shifted(), shifted(dy=-0.5), [5, 5], [0, 1]) == pytest.approx(0.5)


def test_slide_across_the_axis_is_not_narrowing():
    assert joint_space_narrowing(shifted(dx=2.0), shifted(), [5, 5], [0, 1]) == pytest.approx(0.0)


def test_narrowing_is_measured_along_the_axis():
    axis = np.array([0.6, 0.8])
    assert joint_space_narrowing(shifted(*axis), shifted(), [5, 5], axis) == pytest.approx(1.0)


@pytest.mark.parametrize("common", [Similarity(1.05, 0.3, 7.0, -4.0, (3.0, 8.0)), Similarity(0.9, -0.2)])
def test_common_motion_and_magnification_drop_out(common):
    upper, lower = Similarity(dy=0.4).matrix, np.eye(3)
    moved = joint_space_narrowing(common.matrix @ upper, common.matrix @ lower, [20, 30], [0, 1])
    assert moved == pytest.approx(0.4)


def test_narrowing_depends_on_the_point_when_the_bones_turn():
    upper = Similarity(dtheta=0.01, centre=(0.0, 0.0)).matrix
    at_centre = joint_space_narrowing(upper, np.eye(3), [0, 0], [0, 1])
    aside = joint_space_narrowing(upper, np.eye(3), [10, 0], [0, 1])
    assert at_centre == pytest.approx(0.0)
    assert aside == pytest.approx(0.1, rel=1e-3)


def test_pixel_scaling_puts_the_corners_of_pixels_on_corners():
    for factor in (1.5, 2.0, 3.0):
        np.testing.assert_allclose(pixel_scaling(factor) @ (-0.5, 0.5, 1), (-0.5, factor - 0.5, 1))
    np.testing.assert_array_equal(pixel_scaling(1.0), np.eye(3))
