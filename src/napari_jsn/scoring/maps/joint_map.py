"""Maps of one joint's grade by the two-stage networks, on the image that the networks see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.scoring.crops.site_image import SIDE
from napari_jsn.scoring.two_stage.grader import TwoStageGrader
from napari_jsn.scoring.two_stage.ordinal import grade_probabilities

#: The methods of the two-stage networks; "areas" is of erosion only.
METHODS = ("occlusion", "grad-cam", "areas")
#: Side of the occluded square and step from one to the next, in pixels.
_WINDOW, _STEP = 12, 6


def joint_map(
    grader: TwoStageGrader, images: NDArray[np.uint8], there: NDArray[np.bool_], token: int, kind: str, method: str
) -> NDArray[np.float32]:
    """Return a map (96, 96) of what raised the expected grade of a joint; it is not negative.

    Parameters
    ----------
    grader : TwoStageGrader
    images : (28, 120, 120) array
        Joints of the patient, which are the context.
    there : (28,) array
    token : int
        Of the joint.
    kind : {"jsn", "erosion"}
    method : {"occlusion", "grad-cam", "areas"}
        How much the expected grade falls where a square is covered with the mean of the image; the gradient of the
        grade at the last features; or where the network for erosion finds bone eroded.
    """
    network = grader.network.kinds[kind]
    planes = grader.planes(images)
    image = planes[token][None, None]
    if method == "areas":
        with torch.no_grad():
            areas = network.encode(image, torch.tensor([token % len(JOINTS)], device=image.device))[1]
        found = interpolate(torch.sigmoid(areas.float())[:, None], size=(SIDE, SIDE), mode="bilinear")
        return np.asarray(found[0, 0].cpu().numpy(), dtype=np.float32)
    _check_captum()
    expected = _expected_grade(network, planes, torch.from_numpy(there).to(image.device), token)
    if method == "occlusion":
        return _occlusion(expected, image)
    return _grad_cam(expected, network.levels[-1], image)


def _expected_grade(network: Any, planes: Tensor, there: Tensor, token: int) -> Callable[[Tensor], Tensor]:
    """Return a function of images (N, 1, 96, 96) of one joint that gives its expected grade (N,); others stay."""
    sites = torch.arange(len(JOINTS), device=planes.device).repeat(2)
    with torch.no_grad():
        found, _ = network.encode(planes[there][:, None], sites[there])
    codes = found.new_zeros(len(there), found.shape[1])
    codes[there] = found

    def expected(images: Tensor) -> Tensor:
        own, _ = network.encode(images, sites[token].expand(len(images)))
        which = torch.arange(len(there), device=own.device)[None, :, None] == token
        all_codes = torch.where(which, own[:, None], codes[None])
        logits = network.grade(all_codes, there.expand(len(images), -1)).logits[:, token]
        probabilities = grade_probabilities(logits.float())
        return probabilities @ torch.arange(probabilities.shape[1], device=own.device, dtype=probabilities.dtype)

    return expected


def _check_captum() -> None:
    try:
        import captum  # noqa: F401
    except ImportError as error:
        raise InputError(
            "Maps by occlusion and Grad-CAM need captum. Install it with: pip install 'napari-jsn[maps]'", "method"
        ) from error


def _occlusion(expected: Callable[[Tensor], Tensor], image: Tensor) -> NDArray[np.float32]:
    from captum.attr import Occlusion

    with torch.no_grad():
        found = Occlusion(expected).attribute(
            image, (1, _WINDOW, _WINDOW), (1, _STEP, _STEP), baselines=0.0, perturbations_per_eval=32
        )
    return np.asarray(found[0, 0].clamp_min(0).cpu().numpy(), dtype=np.float32)


def _grad_cam(expected: Callable[[Tensor], Tensor], layer: Any, image: Tensor) -> NDArray[np.float32]:
    from captum.attr import LayerGradCam

    found = LayerGradCam(expected, layer).attribute(image.clone().requires_grad_(), relu_attributions=True)
    large = interpolate(found.detach(), size=(SIDE, SIDE), mode="bilinear")
    return np.asarray(large[0, 0].cpu().numpy(), dtype=np.float32)
