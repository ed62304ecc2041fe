"""Grade the joints of the hands of one visit by the two-stage networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_jsn.anatomy import JOINTS
from napari_jsn.networks.load import load_network
from napari_jsn.patient.patient import Hand
from napari_jsn.scoring.crops.patient_images import images_of
from napari_jsn.scoring.graded_joints import GradedJoints
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.schemes import SIDES
from napari_jsn.scoring.two_stage.network import build_patient_net
from napari_jsn.scoring.two_stage.views import graded_views, mean_probabilities, resized

#: A joint is not graded if the probability that it can be graded is below this.
LEAST_GRADABLE = 0.5


class TwoStageGrader:
    """The two networks of a model.

    Parameters
    ----------
    model : str
        Name or file.
    device : str
    """

    def __init__(self, model: str, device: str) -> None:
        loaded = load_network("scoring", model, device, build_patient_net)
        self.network: Any = loaded.network
        self.card: Mapping[str, Any] = loaded.card
        self.device: str = device

    def grade(self, hands: Sequence[Hand]) -> GradedJoints:
        """Return the grades of the hands of one visit."""
        images, there = images_of(hands)
        if not there.any():
            return GradedJoints({})
        probabilities, can = self.probabilities(images[None], there[None])
        names = [(side, joint) for side in SIDES for joint in JOINTS]
        graded = [k for k in np.flatnonzero(there) if can[0, k] >= LEAST_GRADABLE]
        found = {
            (*names[k], kind): tuple(float(p) for p in probabilities[kind][0, k]) for kind in HIGHEST for k in graded
        }
        return GradedJoints(found, tuple(names[k] for k in np.flatnonzero(there) if can[0, k] < LEAST_GRADABLE))

    def probabilities(
        self, images: NDArray[np.uint8], there: NDArray[np.bool_]
    ) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float32]]:
        """Return the probabilities (B, 28, K + 1) of the grades of each kind, and that a joint can be graded (B, 28).

        Parameters
        ----------
        images : (B, 28, 120, 120) array
        there : (B, 28) array
        """
        with torch.no_grad():
            given = torch.from_numpy(images).to(self.device)
            found = graded_views(self.network, given, torch.from_numpy(there).to(self.device))
        temperature = self.card.get("temperature", {})
        grades = {
            kind: mean_probabilities(found[kind].logits.float(), temperature.get(kind, 1.0)).cpu().numpy()
            for kind in HIGHEST
        }
        can = torch.sigmoid(torch.stack([each.scored.mean(0) for each in found.values()]).mean(0))
        return grades, can.cpu().numpy()

    def planes(self, images: NDArray[np.uint8]) -> Tensor:
        """Return the middles (28, 96, 96) of kept images (28, 120, 120) as the networks take them."""
        return resized(torch.from_numpy(images).to(self.device)[None])[0]
