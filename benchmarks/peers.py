"""Register one bone with other libraries; each gets the same two images and the same two masks as our methods.

Every adapter returns the 3 x 3 map of one bone, fixed ``(x, y, 1)`` to moving. The narrowing is then read from the maps
of both bones, as for our own methods. The settings are the best of those tried on a few pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint.similarity import Matrix, image_centre

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Adapter = Callable[[Image, Image, Mask, Mask], Matrix]


def no_registration(fixed: Image, moving: Image, fixed_mask: Mask, moving_mask: Mask) -> Matrix:
    """Return the identity: no registration."""
    return np.eye(3)


def phase_correlation(fixed: Image, moving: Image, fixed_mask: Mask, moving_mask: Mask) -> Matrix:
    """Run scikit-image: upsampled phase correlation of the bone under a window that is smooth at its edge."""
    from skimage.registration import phase_cross_correlation

    shift, _, _ = phase_cross_correlation(
        _windowed(fixed, fixed_mask), _windowed(moving, moving_mask), upsample_factor=100, normalization=None
    )
    return translation(-shift[1], -shift[0])


def ecc(fixed: Image, moving: Image, fixed_mask: Mask, moving_mask: Mask) -> Matrix:
    """Run OpenCV: enhanced correlation coefficient, Euclidean (affine fails more often), masked."""
    import cv2

    rule = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 200, 1e-6)
    start, mask = np.eye(2, 3, dtype=np.float32), moving_mask.astype(np.uint8)
    _, warp = cv2.findTransformECC(fixed, moving, start, cv2.MOTION_EUCLIDEAN, rule, mask, 1)
    return np.vstack([warp, [0, 0, 1]]).astype(float)


def stackreg(fixed: Image, moving: Image, fixed_mask: Mask, moving_mask: Mask) -> Matrix:
    """Run TurboReg by pystackreg: scaled rotation, on the part of the image with the bone."""
    from pystackreg import StackReg

    rows, cols = (slice(where.min(), where.max() + 1) for where in np.nonzero(fixed_mask | moving_mask))
    matrix = StackReg(StackReg.SCALED_ROTATION).register(fixed[rows, cols], moving[rows, cols])
    corner = translation(cols.start, rows.start)
    return corner @ matrix @ np.linalg.inv(corner)


def simpleitk(fixed: Image, moving: Image, fixed_mask: Mask, moving_mask: Mask) -> Matrix:
    """Run SimpleITK: similarity, masked correlation, three levels, regular step gradient descent."""
    import SimpleITK as sitk

    start = sitk.Similarity2DTransform()
    start.SetCenter(_middle(fixed_mask))
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetMetricFixedMask(sitk.GetImageFromArray(fixed_mask.astype(np.uint8)))
    method.SetMetricMovingMask(sitk.GetImageFromArray(moving_mask.astype(np.uint8)))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-3, 100)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(sitk.GetImageFromArray(fixed), sitk.GetImageFromArray(moving))
    return _about(np.array(start.GetMatrix()).reshape(2, 2), start.GetTranslation(), start.GetCenter())


def elastix(fixed: Image, moving: Image, fixed_mask: Mask, moving_mask: Mask) -> Matrix:
    """Run itk-elastix: similarity, masked normalised correlation, three levels, all pixels."""
    import itk

    settings = itk.ParameterObject.New()
    settings.AddParameterMap(
        {
            "Registration": ["MultiResolutionRegistration"],
            "FixedImagePyramid": ["FixedSmoothingImagePyramid"],
            "MovingImagePyramid": ["MovingSmoothingImagePyramid"],
            "Interpolator": ["BSplineInterpolator"],
            "BSplineInterpolationOrder": ["3"],
            "ResampleInterpolator": ["FinalBSplineInterpolator"],
            "Resampler": ["DefaultResampler"],
            "Metric": ["AdvancedNormalizedCorrelation"],
            "Optimizer": ["AdaptiveStochasticGradientDescent"],
            "Transform": ["SimilarityTransform"],
            "AutomaticTransformInitialization": ["false"],
            "AutomaticScalesEstimation": ["true"],
            "NumberOfResolutions": ["3"],
            "MaximumNumberOfIterations": ["250"],
            "ImageSampler": ["Full"],
            "ErodeMask": ["false"],
            "HowToCombineTransforms": ["Compose"],
            "WriteResultImage": ["false"],
        }
    )
    _, found = itk.elastix_registration_method(
        itk.image_view_from_array(np.ascontiguousarray(fixed)),
        itk.image_view_from_array(np.ascontiguousarray(moving)),
        parameter_object=settings,
        fixed_mask=itk.image_view_from_array(fixed_mask.astype(np.uint8)),
        moving_mask=itk.image_view_from_array(moving_mask.astype(np.uint8)),
        log_to_console=False,
    )
    scale, angle, right, down = (float(value) for value in found.GetParameter(0, "TransformParameters"))
    centre = [float(value) for value in found.GetParameter(0, "CenterOfRotationPoint")]
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return _about(np.array([[cos, -sin], [sin, cos]]), (right, down), centre)


@dataclass(frozen=True)
class Peer:
    """A library, its adapter, and the largest number of pairs and of joints for closure in one test."""

    name: str
    package: str
    register_bone: Adapter
    max_pairs: int = 10_000
    max_joints: int = 10_000

    @property
    def version(self) -> str | None:
        """Version of the package; None where it is not installed."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None


PEERS = (
    Peer("no registration", "numpy", no_registration),
    Peer("scikit-image phase correlation", "scikit-image", phase_correlation),
    Peer("OpenCV ECC", "opencv-python-headless", ecc),
    Peer("pystackreg", "pystackreg", stackreg),
    Peer("SimpleITK", "SimpleITK", simpleitk, max_pairs=200),
    Peer("itk-elastix", "itk-elastix", elastix, max_pairs=40, max_joints=12),
)


def translation(right: float, down: float) -> Matrix:
    """Return the 3 x 3 translation of ``(x, y, 1)``."""
    matrix = np.eye(3)
    matrix[:2, 2] = right, down
    return matrix


def _windowed(image: Image, mask: Mask) -> NDArray[np.float64]:
    from scipy import ndimage

    window = np.clip(ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] / 8, 0, 1)
    return (image - image[mask].mean()) * np.sin(window * np.pi / 2) ** 2


def _middle(mask: Mask) -> tuple[float, float]:
    if not mask.any():
        return image_centre(mask.shape)
    row, col = np.argwhere(mask).mean(axis=0)
    return float(col), float(row)


def _about(linear: NDArray[np.float64], shift: object, centre: object) -> Matrix:
    """Return the matrix of ITK's convention: rotation and scale about the centre, then translation."""
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    middle = np.asarray(centre, dtype=float)
    matrix[:2, 2] = middle - linear @ middle + np.asarray(shift, dtype=float)
    return matrix
