"""Measure how accurately a model segments joint images: tables, figures of its card, and pictures."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.anatomy import joint_group
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.evaluation.segmentation.agreement import (
    MaskAgreement,
    agreement_table,
    mask_agreement,
    summarize_agreements,
)
from napari_jsn.joint import BoneMasks
from napari_jsn.segmentation.found_bones import FoundBones
from napari_jsn.segmentation.segment import segment_many
from napari_jsn.segmentation.training.data import LabelledJoint

#: Colours (RGB) of the outlines of the reference masks and of the masks found.
_REFERENCE, _FOUND = (0.34, 0.71, 0.91), (0.9, 0.62, 0.0)


@dataclass(frozen=True)
class SegmentationEvaluation:
    """Labelled joint images with the masks that a model finds in them.

    Attributes
    ----------
    joints : list of LabelledJoint
    found : list of FoundBones
    agreements : list of MaskAgreement
    seconds : float
        Time to segment one image, with everything included.
    """

    joints: list[LabelledJoint]
    found: list[FoundBones]
    agreements: list[MaskAgreement]
    seconds: float

    @property
    def order(self) -> list[int]:
        """Indices of the images, from the highest Dice coefficient to the lowest."""
        return sorted(range(len(self.joints)), key=lambda k: -self.agreements[k].dsc)

    @property
    def unreliable(self) -> float:
        """Share of the images whose masks the model calls unreliable."""
        return 1 - float(np.mean([each.reliable for each in self.found]))


def evaluate_segmentation(
    joints: Sequence[LabelledJoint],
    model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
) -> SegmentationEvaluation:
    """Segment all images and compare the masks with the reference masks.

    Raises
    ------
    InputError
        If there is no model of this name.
    """
    joints, progress = list(joints), progress or Silent()
    segment_many([each.image for each in joints[:1]], model, device)  # loads the model, which is not timed
    began = time.perf_counter()
    found = segment_many([each.image for each in joints], model, device, progress)
    seconds = (time.perf_counter() - began) / max(1, len(found))
    joints = joints[: len(found)]
    agreements = [mask_agreement(masks, each.masks) for masks, each in zip(found, joints, strict=True)]
    return SegmentationEvaluation(joints, found, agreements, seconds)


def segmentation_table(evaluations: Sequence[tuple[str, SegmentationEvaluation]]) -> str:
    """Return a Markdown table: for each set a row for all images, then one for each type of joint."""
    rows = []
    for name, each in evaluations:
        types = sorted({joint_group(joint.joint) for joint in each.joints} - {""})
        rows.append((f"**{name}**", summarize_agreements(each.agreements)))
        for one in types if len(types) > 1 else ():
            pairs = zip(each.agreements, each.joints, strict=True)
            chosen = [agreement for agreement, joint in pairs if joint_group(joint.joint) == one]
            rows.append((f"{name}: {one}", summarize_agreements(chosen)))
    return agreement_table(rows)


def segmentation_figures(evaluations: Sequence[tuple[str, SegmentationEvaluation]]) -> dict[str, Any]:
    """Return the figures for a model's card, of images that the model was not trained on."""
    figures: dict[str, Any] = {}
    for name, each in evaluations:
        row = summarize_agreements(each.agreements)
        dice = {"dsc_upper": row.dsc_upper, "dsc_lower": row.dsc_lower}
        figures[name] = {
            "images": row.images,
            **{measure: round(value, 4) for measure, value in row.means.items()},
            **{bone: {"mean": round(mean, 4), "p05": round(low, 4)} for bone, (mean, low) in dice.items()},
            "hd95_px_of_256": {"median": round(row.hd95_px[0], 2), "p95": round(row.hd95_px[1], 2)},
        }
    return figures


def overlays(evaluation: SegmentationEvaluation, name: str) -> dict[str, bytes]:
    """Return the best, the median and the worst image with both outlines: PNG files by name."""
    order = evaluation.order
    at = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    return {
        f"{name}-{which}.png": overlay(evaluation.joints[k].image, evaluation.joints[k].masks, evaluation.found[k])
        for which, k in at.items()
    }


def overlay(image: NDArray[np.float32], reference: BoneMasks, found: BoneMasks) -> bytes:
    """Return a joint image, and beside it the image with reference (blue) and found (orange) outlines, as PNG."""
    from PIL import Image

    zoom = max(1, round(512 / max(image.shape)))
    plain = np.repeat(np.kron(image, np.ones((zoom, zoom), np.float32))[..., None], 3, axis=2)
    marked = plain.copy()
    for masks, colour in ((reference, _REFERENCE), (found, _FOUND)):
        for mask in (masks.upper, masks.lower):
            large = np.kron(mask, np.ones((zoom, zoom), bool))
            marked[large & ~ndimage.binary_erosion(large, border_value=1)] = colour
    picture = io.BytesIO()
    both = np.rint(255 * np.hstack([plain, marked]).clip(0, 1)).astype(np.uint8)
    Image.fromarray(both).save(picture, format="png")
    return picture.getvalue()
