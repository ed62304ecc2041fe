"""The protocol of a registration method, and how one is loaded by its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, WithReasons
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import joint_frame
from napari_jsn.registration.method_names import METHODS

if TYPE_CHECKING:
    import torch

    from napari_jsn.common.progress import Progress


@dataclass(frozen=True)
class PreparedPair:
    """Two joint images with the same pixel size, ready for registration.

    Parameters
    ----------
    fixed, moving : (H, W) float32 arrays
        In [0, 1], bone bright; their shapes may differ.
    fixed_masks, moving_masks : BoneMasks
    point, axis : (2,) float arrays
        ``(x, y)`` of the joint's reference point, and unit vector from upper to lower bone, in the fixed image.
    spacing_mm : float or None
        Pixel size of both images.
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
    ) -> PreparedPair:
        """Return a pair with the reference point and the joint axis of the fixed masks."""
        point, axis = joint_frame(fixed_masks)
        return cls(fixed, moving, fixed_masks, moving_masks, point, axis, spacing_mm)


#: Pairs that the method "refined" registers at once: enough to use two cores, few enough to fit in their cache.
BATCH = 16
#: Quantities that decide whether a registration has failed; tables have a column for each.
CHECKS = (
    "similarity", "ncc_inside", "overlap", "in_view", "directions_mm", "models_mm", "margin_mm", "sharpness", "curve",
)  # fmt: skip


@dataclass(frozen=True)
class MethodResult(WithReasons):
    """The result of a method for one prepared pair, in pixels of the prepared images.

    Parameters
    ----------
    upper, lower : (3, 3) float arrays
        Each maps a point ``(x, y, 1)`` of the fixed image to the moving image.
    jsn_px : float
        The narrowing; a method may combine the estimates of several motion models.
    jsn_sd_px : float
        Its standard uncertainty.
    reasons : tuple of Reason
        Why the measurement has failed; empty when it is reliable.
    checks : dict of str to float
        The quantities that decide whether it has failed, by the names of :data:`CHECKS`.
    """

    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    jsn_px: float
    jsn_sd_px: float
    reasons: tuple[Reason, ...] = ()
    checks: dict[str, float] = field(default_factory=dict)


class Method(Protocol):
    """A function that registers a batch of pairs."""

    def __call__(self, pairs: Sequence[PreparedPair], device: torch.device, progress: Progress) -> list[MethodResult]:
        """Return the results in the order of the pairs; after an abort, only those of the finished pairs."""


#: Networks by task, and cards of fitted constants, that each method uses.
_NETWORKS = {"refined": ("registration",), "network": ("registration",)}
_CARDS = {"refined": ("registration-refined",)}


def method_models(name: str) -> dict[str, str]:
    """Return name and hash of the models that a method uses, by task; of cards, by their names."""
    from napari_jsn.networks.weights import card_identity, model_identity

    method, _, model = name.partition(":")
    networks = {task: model_identity(task, model or "default") for task in _NETWORKS.get(method, ())}
    return networks | {card: card_identity(card) for card in _CARDS.get(method, ())}


def load_method(name: str) -> Method:
    """Return the method of this name; ``network:NAME`` is the method ``network`` with the model NAME.

    Raises
    ------
    InputError
        If there is no such method; the message lists the choices.
    """
    method, _, model = str(name).partition(":")
    if method not in METHODS or (":" in str(name) and method != "network"):
        choices = ", ".join(METHODS)
        raise InputError(f"There is no registration method {name!r}. Choose one of: {choices}.", "method")
    entry = METHODS[method]
    method_function = getattr(import_module(entry.module), entry.function)
    return cast(Method, partial(method_function, model=model) if model else method_function)
