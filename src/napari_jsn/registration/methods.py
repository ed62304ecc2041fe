"""The protocol of a registration method, and the list of those that exist.

A new method is one file and one line here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import joint_frame

if TYPE_CHECKING:
    import torch

    from napari_jsn.common.progress import Progress


@dataclass(frozen=True)
class Pair:
    """Two joint images on grids of one pixel size, ready to register.

    ``fixed`` and ``moving`` are (H, W) float32 in [0, 1], bone bright; their shapes may differ.
    ``point`` and ``axis`` are ``(x, y)`` of the joint in the fixed image.
    """

    fixed: NDArray[np.float32]
    moving: NDArray[np.float32]
    fixed_masks: BoneMasks
    moving_masks: BoneMasks
    point: NDArray[np.float64]
    axis: NDArray[np.float64]
    spacing_mm: float | None = None

    @classmethod
    def from_masks(
        cls,
        fixed: NDArray[np.float32],
        moving: NDArray[np.float32],
        fixed_masks: BoneMasks,
        moving_masks: BoneMasks,
        spacing_mm: float | None = None,
    ) -> Pair:
        """Make a pair whose narrowing is read at the point and along the axis that the fixed masks give."""
        point, axis = joint_frame(fixed_masks)
        return cls(fixed, moving, fixed_masks, moving_masks, point, axis, spacing_mm)


@dataclass(frozen=True)
class MethodResult:
    """What a method answers for one pair, in pixels of that pair.

    ``upper`` and ``lower`` are 3 x 3, fixed ``(x, y, 1)`` to moving. ``jsn_px`` is the method's own
    best figure (a method may combine several motion models); ``jsn_sd_px`` its standard uncertainty.
    ``reasons`` say why it has failed; none means reliable.
    """

    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    jsn_px: float
    jsn_sd_px: float
    reasons: tuple[Reason, ...] = ()


class Method(Protocol):
    """Registers a batch of pairs; on abort it returns the estimates it has, in order."""

    def __call__(self, pairs: Sequence[Pair], device: torch.device, progress: Progress) -> list[MethodResult]:
        """Estimates of the pairs, in order; fewer after an abort."""


#: Name, module and function of every method; imported only when asked for.
METHODS: dict[str, tuple[str, str]] = {
    "refined": ("napari_jsn.registration.gauss_newton.refined", "refine"),
    "network": ("napari_jsn.registration.network.method", "network"),
    "pipoc": ("napari_jsn.registration.pipoc", "pipoc"),
}


def load_method(name: str) -> Method:
    """The method of that name; ``network:NAME`` is the method ``network`` with another model.

    Raises
    ------
    InputError
        If there is none; the message lists the choices.
    """
    method, _, model = str(name).partition(":")
    if method not in METHODS or (":" in str(name) and method != "network"):
        choices = ", ".join(METHODS)
        raise InputError(f"There is no registration method {name!r}. Choose one of: {choices}.", "method")
    module, function = METHODS[method]
    found = getattr(import_module(module), function)
    return cast(Method, partial(found, model=model) if model else found)


def choices() -> list[str]:
    """All that :func:`load_method` takes: every method, and ``network`` with each model of the user's own."""
    from napari_jsn.networks.weights import names

    return [*METHODS, *(f"network:{name}" for name in names("registration") if name != "default")]
