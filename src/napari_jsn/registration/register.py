"""Register one joint pair (``register``) or many (``register_many``)."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from napari_jsn.common.device import choose_device
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.common.statistics import Estimate
from napari_jsn.joint.similarity import Similarity, image_centre, joint_space_narrowing
from napari_jsn.networks.weights import model_identity
from napari_jsn.registration.methods import MethodResult, PreparedPair, load_method, method_models
from napari_jsn.registration.prepare import PreparedImage, native_map, prepare_many
from napari_jsn.registration.result import WIDE_MM, Registration, check_wide_mm
from napari_jsn.registration.warp import registered_images


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
    wide_mm: float = WIDE_MM,
) -> Registration:
    """Measure the joint space narrowing of one joint between two visits.

    Parameters
    ----------
    fixed, moving : (H, W) array, JointImage or Radiograph
        Joint images of baseline and follow-up: finger axis vertical, distal end up. Any numeric type;
        the two images may differ in shape, pixel size and polarity.
    fixed_masks, moving_masks : BoneMasks, (upper, lower) pair, or (H, W) labels, optional
        Masks of the two bones, or of the two halves of the image. Labels are 1 upper, 2 lower, 3 both. One binary
        array is the mask of the upper half; the rest is the lower half. By default the bones are segmented.
    spacing_mm, moving_spacing_mm : float or (row, col), optional
        Pixel size in mm; by default that of the JointImage or Radiograph. ``spacing_mm`` alone applies to
        both images. If no pixel size is known, the result is in pixels, and values in mm are NaN.
    method : str
        ``"refined"``, ``"network"``, ``"network:NAME"`` (a model of your own) or ``"pipoc"``; see
        :func:`napari_jsn.registration.method_names.choices`.
    device : str, optional
        ``"cpu"`` or ``"cuda"``; by default CUDA if available.
    progress : Progress, optional
    wide_mm : float
        Half width of the 95 % interval in mm, above which the state of the result is ``"wide"``.

    Returns
    -------
    Registration

    Raises
    ------
    InputError
        If an input is wrong. It is a ValueError; its message names the input and states how to correct it.

    References
    ----------
    Wang et al., A deep registration method for accurate quantification of joint space narrowing
    progression in rheumatoid arthritis, CMIG 108:102273 (2023), Eq. 1-7.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> fixed = jsn.joint_image(baseline, jsn.find_joints(baseline)[2])
    >>> moving = jsn.joint_image(followup, jsn.find_joints(followup)[2])
    >>> found = jsn.register(fixed, moving)
    >>> found.state, found.method, round(found.jsn_mm, 1)
    ('good', 'refined', 0.4)
    """
    began = time.monotonic()
    results = register_many(
        [fixed], [moving],
        None if fixed_masks is None else [fixed_masks],
        None if moving_masks is None else [moving_masks],
        None if spacing_mm is None else [spacing_mm],
        None if moving_spacing_mm is None else [moving_spacing_mm],
        method, device, progress, wide_mm,
    )  # fmt: skip
    if not results:
        raise InputError("The registration was aborted before it had a result. Run it again.")
    return replace(results[0], seconds=time.monotonic() - began)


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
    wide_mm: float = WIDE_MM,
) -> list[Registration]:
    """Measure many joint pairs in batches; each result is equal to the result of :func:`register`.

    The parameters are those of :func:`register`, each a sequence with one entry per pair. Entries of masks may be None.
    A pixel size may also be one number for all pairs. After an abort, only the finished results are returned.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> fixeds = [jsn.joint_image(baseline, joint) for joint in jsn.find_joints(baseline)[2:4]]
    >>> movings = [jsn.joint_image(followup, joint) for joint in jsn.find_joints(followup)[2:4]]
    >>> [found.reliable for found in jsn.register_many(fixeds, movings)]
    [True, True]
    """
    run_method, torch_device, wide_mm = load_method(method), choose_device(device), check_wide_mm(wide_mm)
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
    prepared = prepare_many(list(zip(*columns, strict=True)), str(torch_device), progress)
    if not prepared:
        return []
    models = {"segmentation": model_identity("segmentation", "default"), **method_models(method)}
    estimates = run_method([pair for _, _, pair, _ in prepared], torch_device, progress or Silent())
    return [
        _result(fixed, moving, pair, steps, estimate, method, wide_mm, models)
        for (fixed, moving, pair, steps), estimate in zip(prepared, estimates, strict=False)
    ]


def _column(values: Any, length: int, argument: str) -> list[Any]:
    """Return one argument as a list with one entry per pair."""
    single = np.isscalar(values) or getattr(values, "ndim", 1) == 0
    if values is None or (single and argument.endswith("spacing_mm")):
        return [values] * length
    if single or not hasattr(values, "__len__"):
        raise InputError(f"Give {argument} as a sequence with one entry for each of the {length} pairs.", argument)
    if len(values) != length:
        raise InputError(f"There are {length} pairs but {len(values)} {argument}. Give one for each pair.", argument)
    return list(values)


def _result(
    fixed: PreparedImage,
    moving: PreparedImage,
    pair: PreparedPair,
    steps: tuple[float, float],
    estimate: MethodResult,
    method: str,
    wide_mm: float,
    models: dict[str, str],
) -> Registration:
    """Return the result of one pair; the estimate is converted to native pixels of both images."""
    step, moving_step = steps
    segmented = fixed.segmented or moving.segmented
    centre = image_centre(fixed.image.shape)
    bones = [native_map(matrix, step, moving_step) for matrix in (estimate.upper, estimate.lower)]
    upper, lower = (Similarity.from_matrix(matrix, centre) for matrix in bones)
    point = (pair.point - (step - 1) / 2) / step
    narrowing_px = joint_space_narrowing(upper.matrix, lower.matrix, point, pair.axis)
    named = (("fixed", fixed), ("moving", moving))
    of_images = [reason.about(f"In the {name} image") for name, image in named for reason in image.reasons]
    images = registered_images(fixed.image, moving.image, fixed.regions, (bones[0], bones[1]), steps)
    return Registration(
        upper=upper,
        lower=lower,
        narrowing_px=Estimate(narrowing_px, estimate.jsn_sd_px / step),
        point=point,
        axis=pair.axis,
        reasons=(*of_images, *estimate.reasons),
        method=method,
        original_loss=images.original_loss,
        transformed_loss=images.transformed_loss,
        transformed=images.transformed,
        original_spectrum=images.original_spectrum,
        transformed_spectrum=images.transformed_spectrum,
        fixed_masks=fixed.masks,
        spacing_mm=fixed.spacing_mm,
        wide_mm=wide_mm,
        checks=estimate.checks,
        models={task: each for task, each in models.items() if segmented or task != "segmentation"},
    )
