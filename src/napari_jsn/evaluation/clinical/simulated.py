"""Simulate and measure joints for the clinical assessment: joint images, which are faster than whole hands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.networks.weights import model_identity
from napari_jsn.registration.methods import method_models
from napari_jsn.registration.register import register_many
from napari_jsn.simulation.joint_motion import Motion
from napari_jsn.simulation.joint_pair import JointPair, joint_pair

if TYPE_CHECKING:
    import pandas as pd

#: Names of the two readings: with the masks that the network finds, and with the true masks.
READINGS = ("bones found", "bones exact")
#: Share of joints that narrow: at severity 0, and how much it increases up to severity 1.
_SHARE_PER_SEVERITY = (0.1, 0.4)
#: Range of the narrowing of these joints in mm, before it is scaled with the severity.
_NARROWING_RANGE_MM = (0.1, 0.8)
#: Standard deviation of the change that every joint has, in mm; of the other joints it is the only change.
_OTHER_JOINTS_SD_MM = 0.02
_BATCH = 20


def simulated_models() -> dict[str, str]:
    """Return name and hash of the models that measure the simulated joints."""
    return {"segmentation": model_identity("segmentation", "default"), **method_models("refined")}


def simulated_rows(
    count: int, seed: int = 0, device: str | None = None, progress: Progress | None = None
) -> pd.DataFrame:
    """Simulate joints of patients at two visits, and measure each with found and with true masks.

    Each patient has ten joints and a severity of disease. The severity sets how many of the joints narrow, and by how
    much.

    Parameters
    ----------
    count : int
        Number of joints.
    seed : int
    device : str, optional
        ``"cpu"`` or ``"cuda"``.
    progress : Progress, optional
        After an abort, the joints that are complete are returned.

    Returns
    -------
    DataFrame
        Two rows per joint: ``patient joint side reading jsn_mm jsn_sd_mm reliable score_change true_mm``.
    """
    import pandas as pd

    progress = progress or Silent()
    pairs = _pairs(count, seed)
    records: list[dict[str, object]] = []
    for first in range(0, count, _BATCH):
        if progress.aborted:
            break
        batch = [next(pairs) for _ in range(min(_BATCH, count - first))]
        fixed, moving, spacing = (
            [getattr(pair, name) for _, pair in batch] for name in ("fixed", "moving", "spacing_mm")
        )
        exact = ([pair.fixed_masks for _, pair in batch], [pair.moving_masks for _, pair in batch])
        for reading, masks in zip(READINGS, ((None, None), exact), strict=True):
            found = register_many(fixed, moving, *masks, spacing_mm=spacing, moving_spacing_mm=spacing, device=device)
            for (patient, pair), registered in zip(batch, found, strict=True):
                truth = pair.moving_truth
                records.append(
                    {
                        "patient": patient, "joint": truth.joint, "side": truth.side, "reading": reading,
                        "jsn_mm": registered.jsn_mm, "jsn_sd_mm": registered.jsn_sd_mm,
                        "reliable": registered.reliable,
                        "score_change": (truth.svdh_narrowing or 0) - (pair.fixed_truth.svdh_narrowing or 0),
                        "true_mm": pair.jsn_projected_mm,
                    }
                )  # fmt: skip
        progress.update(first + len(batch), count, "Measuring joints")
    return pd.DataFrame(records)


def _pairs(count: int, seed: int) -> Iterator[tuple[str, JointPair]]:
    for number in range(math.ceil(count / len(MEASURED_JOINTS))):
        rng = np.random.default_rng([seed, 4, number])
        severity = float(rng.beta(1.0, 2.0))
        least, increase = _SHARE_PER_SEVERITY
        for joint in MEASURED_JOINTS:
            jsn_mm = float(rng.normal(0, _OTHER_JOINTS_SD_MM))
            if rng.random() < least + increase * severity:
                jsn_mm += float(rng.uniform(*_NARROWING_RANGE_MM)) * (0.4 + severity)
            # One seed for each patient: all joints have the same bones and device, but different motions.
            yield f"SIM{number + 1:04d}", joint_pair(joint, jsn_mm, _seed(seed, number), motion=Motion.draw(rng))


def _seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, 5, number]).generate_state(1)[0])
