"""Grade the hands of one visit by the one-stage network: places from its joint map, grades from its grade maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_jsn.networks.load import load_network
from napari_jsn.patient.patient import Hand
from napari_jsn.scoring.graded_joints import GradedJoints
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.one_stage.canvas import HandCanvas, hand_canvas
from napari_jsn.scoring.one_stage.network import PixelClasses, build_hand_net, with_coordinates
from napari_jsn.scoring.one_stage.places import disc, joint_places

#: Least probability whose logarithm is taken.
_LEAST = 1e-9
#: Distance from a known joint beyond which a place is another one. Fingers lie 15 to 25 mm apart.
_FAR_MM = 8.0


class OneStageGrader:
    """The network of a model.

    Parameters
    ----------
    model : str
        Name or file.
    device : str
    """

    def __init__(self, model: str, device: str) -> None:
        loaded = load_network("scoring", model, device, build_hand_net)
        self._set(loaded.network, loaded.card, device)

    @classmethod
    def of_network(cls, network: Any, card: Mapping[str, Any], device: str) -> Self:
        """Return a grader of a network in evaluation mode, on its device, that need not be in a file."""
        grader = cls.__new__(cls)
        grader._set(network, card, device)
        return grader

    def _set(self, network: Any, card: Mapping[str, Any], device: str) -> None:
        self.network: Any = network
        self.card: Mapping[str, Any] = card
        self.device: str = device

    def grade(self, hands: Sequence[Hand]) -> GradedJoints:
        """Return the grades of the hands of one visit.

        Where the joints of a hand are known, a joint that the network places elsewhere, or that is not in view, has no
        grade.
        """
        found: dict[tuple[str, str, str], tuple[float, ...]] = {}
        refused: list[tuple[str, str]] = []
        temperature = self.card.get("temperature", {})
        for hand in hands:
            side = hand.side or (hand.joints[0].side if hand.joints else None)
            if side is None:
                continue
            canvas = hand_canvas(hand.radiograph, side)
            places, graded = sites_on_maps(self.pixel_classes(canvas.image), self.radius(canvas))
            elsewhere = _elsewhere(places, canvas, hand)
            refused += [(side, joint) for joint in elsewhere if any(each.name == joint for each in hand.joints)]
            for kind, of_kind in graded.items():
                for joint, probabilities in of_kind.items():
                    if joint in elsewhere:
                        continue
                    scaled = tempered(np.asarray(probabilities, float), float(temperature.get(kind, 1.0)))
                    found[side, joint, kind] = tuple(map(float, scaled))
        return GradedJoints(found, tuple(refused))

    def radius(self, canvas: HandCanvas) -> float:
        """Return the radius of the circles of the joints in pixels of a canvas."""
        return float(self.card.get("inner_mm", 4.0)) / canvas.pixel_mm

    def pixel_classes(self, image: NDArray[np.float32]) -> PixelClasses:
        """Return the probabilities of every pixel of a canvas."""
        given = with_coordinates(torch.from_numpy(image)[None]).to(self.device)
        with torch.no_grad():
            classes: PixelClasses = self.network(given.contiguous(memory_format=torch.channels_last)).classes()
        return classes


def _elsewhere(places: Mapping[str, tuple[float, float]], canvas: HandCanvas, hand: Hand) -> list[str]:
    """Return the joints whose place ``(x, y)`` on the canvas is not that of the hand's joint of this name."""
    if not hand.joints:
        return []
    to_canvas = np.linalg.inv(canvas.to_radiograph)
    known = {joint.name: to_canvas @ (joint.centre[1], joint.centre[0], 1.0) for joint in hand.joints}
    return [
        name
        for name, place in places.items()
        if name not in known or np.hypot(*(known[name][:2] - place)) * canvas.pixel_mm > _FAR_MM
    ]


def tempered(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return probabilities (..., K + 1) whose logarithms are divided by the temperature."""
    logs = np.log(np.maximum(probabilities, _LEAST)) / temperature
    raised: NDArray[np.float64] = np.exp(logs - logs.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def sites_on_maps(
    classes: PixelClasses, radius: float
) -> tuple[dict[str, tuple[float, float]], dict[str, dict[str, NDArray[np.float32]]]]:
    """Return the places and the grades of the joints that a network marks on one hand.

    Parameters
    ----------
    classes : PixelClasses
        Probabilities of the pixels of one hand (batch of 1).
    radius : float
        Of the circle over which the probabilities of the grades are averaged, in pixels.

    Returns
    -------
    places : dict of joint to (x, y)
        Centre of the circle in which the joint is most probable. Pixels far from it do not count.
    grades : dict of kind to dict of joint to (K + 1,) array
    """
    places = joint_places(classes.joint[0], radius)
    grades: dict[str, dict[str, NDArray[np.float32]]] = {kind: {} for kind in HIGHEST}
    rows, cols = (torch.arange(length, dtype=torch.float32) for length in classes.joint.shape[-2:])
    for joint, (x, y) in places.items():
        inside = disc(x, y, radius, rows, cols)
        for kind in HIGHEST:
            of_kind: Tensor = getattr(classes, kind)[0]
            grades[kind][joint] = of_kind[:, inside].mean(1).numpy()
    return places, grades
