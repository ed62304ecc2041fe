"""``register`` and ``register_many``: the measurement of joint pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.common.statistics import Z95
from napari_jsn.joint.similarity import Similarity, image_centre, joint_space_narrowing
from napari_jsn.registration.methods import MethodResult, PreparedPair, load_method
from napari_jsn.registration.prepare import PreparedImage, native_map, prepare_many
from napari_jsn.registration.result import Registration
from napari_jsn.registration.warp import compose, loss, loss_spectrum, warp

if TYPE_CHECKING:
    import torch


def register(
    fixed: Any,
    moving: Any,
    fixed_masks: Any = None,
    moving_masks: Any = None,
    spacing_mm: Any = None,
    moving_spacing_mm: Any = None,
    method: str = "refined",
    device: str | None = None,
    progress: Progress | None = None,
) -> Registration:
    """Measure the joint space narrowing of one joint between two visits.

    Parameters
    ----------
    fixed, moving : (H, W) array, JointImage or Radiograph
        Joint image of the baseline and of the follow-up: finger axis vertical, distal end up. Any
        numeric type; shapes, pixel spacing and polarity of the two may differ.
    fixed_masks, moving_masks : BoneMasks, (upper, lower) pair, or (H, W) labels, optional
        The two bones, or halves of the image; labels are 1 upper, 2 lower, 3 both, and one binary array
        means the upper side and its complement. Found in the image when not given.
    spacing_mm, moving_spacing_mm : float or (row, col), optional
        Pixel size in mm; by default that of the JointImage or Radiograph. ``spacing_mm`` alone serves both.
        Without any the result is in pixels and NaN in mm.
    method : str
        ``"refined"``, ``"network"``, ``"network:NAME"`` (a model of your own) or ``"pipoc"``; see
        :func:`napari_jsn.registration.methods.choices`.
    device : str, optional
        ``"cpu"`` or ``"cuda"``; by default CUDA where there is one.
    progress : Progress, optional

    Returns
    -------
    Registration

    Raises
    ------
    InputError
        A ValueError whose message names the input and says what to do.

    References
    ----------
    Wang et al., A deep registration method for accurate quantification of joint space narrowing
    progression in rheumatoid arthritis, CMIG 108:102273 (2023), Eq. 1-7.
    """
    results = register_many(
        [fixed], [moving],
        None if fixed_masks is None else [fixed_masks],
        None if moving_masks is None else [moving_masks],
        None if spacing_mm is None else [spacing_mm],
        None if moving_spacing_mm is None else [moving_spacing_mm],
        method, device, progress,
    )  # fmt: skip
    if not results:
        raise InputError("The registration was aborted before it had a result. Run it again.")
    return results[0]


def register_many(
    fixeds: Sequence[Any],
    movings: Sequence[Any],
    fixed_masks: Sequence[Any] | None = None,
    moving_masks: Sequence[Any] | None = None,
    spacing_mm: Any = None,
    moving_spacing_mm: Any = None,
    method: str = "refined",
    device: str | None = None,
    progress: Progress | None = None,
) -> list[Registration]:
    """Measure many joint pairs in batches; each result equals that of :func:`register`.

    Parameters are those of :func:`register`, each as a sequence over pairs (masks may hold None);
    spacings may also be one float for all. On abort the results that are ready are returned.
    """
    pipeline, where = load_method(method), _device(device)
    if not hasattr(fixeds, "__len__"):
        raise InputError("The fixed images must be a sequence. Measure one pair with register.", "fixeds")
    columns = [
        _column(fixeds, len(fixeds), "fixeds"),
        _column(movings, len(fixeds), "movings"),
        _column(fixed_masks, len(fixeds), "fixed_masks"),
        _column(moving_masks, len(fixeds), "moving_masks"),
        _column(spacing_mm, len(fixeds), "spacing_mm"),
        _column(moving_spacing_mm, len(fixeds), "moving_spacing_mm"),
    ]
    prepared = prepare_many(list(zip(*columns, strict=True)), str(where), progress)
    if not prepared:
        return []
    estimates = pipeline([pair for _, _, pair, _ in prepared], where, progress or Silent())
    return [
        _result(fixed, moving, pair, steps, estimate, method)
        for (fixed, moving, pair, steps), estimate in zip(prepared, estimates, strict=False)
    ]


def _column(values: Any, length: int, argument: str) -> list[Any]:
    """One argument over all pairs."""
    single = np.isscalar(values) or getattr(values, "ndim", 1) == 0
    if values is None or (single and argument.endswith("spacing_mm")):
        return [values] * length
    if single or not hasattr(values, "__len__"):
        raise InputError(f"Give {argument} as a sequence with one entry for each of the {length} pairs.", argument)
    if len(values) != length:
        raise InputError(f"There are {length} pairs but {len(values)} {argument}. Give one for each pair.", argument)
    return list(values)


def _device(name: str | None) -> torch.device:
    import torch

    if name is None or name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    choices = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
    try:
        wanted = torch.device(name)
    except (RuntimeError, TypeError):
        wanted = None
    absent = wanted is not None and wanted.type == "cuda" and (wanted.index or 0) >= torch.cuda.device_count()
    if wanted is None or wanted.type not in choices or absent:
        raise InputError(f"There is no device {name!r} here. Choose one of: {', '.join(choices)}.", "device")
    return wanted


def _result(
    fixed: PreparedImage,
    moving: PreparedImage,
    pair: PreparedPair,
    steps: tuple[float, float],
    estimate: MethodResult,
    method: str,
) -> Registration:
    """One estimate as a result on the fixed image's own grid."""
    step, moving_step = steps
    shape, centre = fixed.image.shape, image_centre(fixed.image.shape)
    bones = [native_map(matrix, step, moving_step) for matrix in (estimate.upper, estimate.lower)]
    upper, lower = (Similarity.from_matrix(matrix, centre) for matrix in bones)
    point = (pair.point - (step - 1) / 2) / step
    narrowing_px = joint_space_narrowing(upper.matrix, lower.matrix, point, pair.axis)
    sd_px = estimate.jsn_sd_px / step
    interval_px = (narrowing_px - Z95 * sd_px, narrowing_px + Z95 * sd_px)
    reasons = (*_doubts(fixed, "fixed"), *_doubts(moving, "moving"), *estimate.reasons)
    mm = float("nan") if fixed.spacing_mm is None else fixed.spacing_mm

    warped, in_view = zip(*(warp(moving.image, matrix, shape) for matrix in bones), strict=True)
    # before registration the centres of both images lie on each other, whatever their sizes
    still = native_map(np.eye(3), step, moving_step)
    still[:2, 2] += np.subtract(image_centre(moving.image.shape), (still @ (*centre, 1.0))[:2])
    unmoved, unmoved_view = warp(moving.image, still, shape)
    return Registration(
        upper=upper,
        lower=lower,
        jsn_mm=narrowing_px * mm,
        jsn_sd_mm=sd_px * mm,
        ci95_mm=(interval_px[0] * mm, interval_px[1] * mm),
        jsn_px=narrowing_px,
        jsn_sd_px=sd_px,
        ci95_px=interval_px,
        jsn_eq7_mm=(upper.dy - lower.dy) * mm,
        point=point,
        axis=pair.axis,
        reliable=not reasons,
        reason=" ".join(reasons),
        method=method,
        original_loss=loss(fixed.image, (unmoved, unmoved), (unmoved_view, unmoved_view), fixed.regions),
        transformed_loss=loss(fixed.image, warped, in_view, fixed.regions),
        transformed=compose(warped, fixed.regions),
        original_spectrum=loss_spectrum(fixed.image, (unmoved, unmoved), fixed.regions),
        transformed_spectrum=loss_spectrum(fixed.image, warped, fixed.regions),
        fixed_masks=fixed.masks,
        spacing_mm=fixed.spacing_mm,
    )


def _doubts(side: PreparedImage, name: str) -> list[str]:
    """What is doubtful about bones that the network found."""
    return [f"In the {name} image: {reason[0].lower()}{reason[1:]}" for reason in getattr(side.masks, "reasons", ())]
