"""Grades of the two-stage networks as means over views of the same joints, which differ less by chance."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_jsn.networks.canvas import pixel_points, sample_planes
from napari_jsn.scoring.crops.site_image import KEPT, SIDE
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.two_stage.network import normalise
from napari_jsn.scoring.two_stage.ordinal import grade_probabilities

#: Lengths of the field of view that are graded, as shares of the usual one. Narrowing is a matter of widths in mm, so
#: its images are not resized.
SIZES = {"jsn": (1.0,), "erosion": (1.0, 0.9, 1.1)}


class Views(NamedTuple):
    """Output for V views of the joints (B, 28) of patients; see :class:`~napari_jsn.scoring.two_stage.network.Graded`.

    Attributes
    ----------
    logits : (V, B, 28, highest grade) tensor
    scored : (V, B, 28) tensor
    """

    logits: Tensor
    scored: Tensor


def graded_views(network: nn.Module, images: Tensor, there: Tensor) -> dict[str, Views]:
    """Return the output of the networks for the views of each kind: its :data:`SIZES`, each of them also mirrored.

    Parameters
    ----------
    network : PatientNet
    images : (B, 28, 120, 120) uint8 tensor
        Kept images of the joints.
    there : (B, 28) bool tensor
        Joints without an image have no influence.
    """
    planes = {size: resized(images, size) for size in {size for sizes in SIZES.values() for size in sizes}}
    found = {}
    for kind in HIGHEST:
        views = [each for size in SIZES[kind] for each in (planes[size], planes[size].flip(-1))]
        graded = [network.kinds[kind](each, there) for each in views]  # type: ignore[operator,index]
        found[kind] = Views(*(torch.stack([getattr(each, name) for each in graded]) for name in Views._fields))
    return found


def mean_probabilities(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the mean probabilities (..., K + 1) of the grades over views with conditional logits (V, ..., K).

    Where the views of a joint differ, the grade is less certain. The mean of the logits would not show that.
    """
    return grade_probabilities(logits, temperature).mean(0)


def resized(images: Tensor, size: float = 1.0) -> Tensor:
    """Return the middles (B, T, 96, 96) of kept images (B, T, 120, 120) of uint8 as the networks take them.

    ``size`` is the length that they show, as a share of the usual one.
    """
    first = (KEPT - SIDE) // 2
    if size == 1.0:
        return normalise(images[..., first : first + SIDE, first : first + SIDE].float() / 255)
    planes = images.flatten(0, 1)[:, None].float() / 255
    places = size * (pixel_points(SIDE, planes) - (SIDE - 1) / 2) + (KEPT - 1) / 2
    return normalise(sample_planes(planes, places.expand(len(planes), -1, -1, -1))[:, 0]).unflatten(0, images.shape[:2])
