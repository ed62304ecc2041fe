"""Measure a segmentation model on labelled joint images: tables for a page, pictures of best, median and worst."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.progress import Progress, Silent
from napari_jsn.evaluation.segmentation.agreement import Agreement, agreement, markdown, summary
from napari_jsn.joint import BoneMasks
from napari_jsn.segmentation.found_bones import FoundBones
from napari_jsn.segmentation.segment import segment_many
from napari_jsn.segmentation.training.data import LabelledJoint

#: Between these lines of a page the table is renewed.
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
#: Colours of the expert's and of the found outline, red, green and blue.
_DRAWN, _FOUND = (0.34, 0.71, 0.91), (0.9, 0.62, 0.0)


@dataclass(frozen=True)
class Evaluated:
    """Labelled joint images and what a model made of them.

    Attributes
    ----------
    joints : list of LabelledJoint
    found : list of FoundBones
    agreements : list of Agreement
    seconds : float
        For finding the bones of an image, all included.
    """

    joints: list[LabelledJoint]
    found: list[FoundBones]
    agreements: list[Agreement]
    seconds: float

    @property
    def order(self) -> list[int]:
        """From the best image to the worst."""
        return sorted(range(len(self.joints)), key=lambda k: -self.agreements[k].dsc)

    @property
    def doubted(self) -> float:
        """Share of the images that the model itself doubts."""
        return 1 - float(np.mean([each.reliable for each in self.found]))


def evaluate(
    joints: Sequence[LabelledJoint],
    model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
) -> Evaluated:
    """Find the bones of all images and compare them with their masks.

    Raises
    ------
    InputError
        If there is no such model.
    """
    joints, progress = list(joints), progress or Silent()
    segment_many([each.image for each in joints[:1]], model, device)  # what is read and set up once does not count
    began = time.perf_counter()
    found = segment_many([each.image for each in joints], model, device, progress)
    seconds = (time.perf_counter() - began) / max(1, len(found))
    joints = joints[: len(found)]
    agreements = [agreement(masks, each.masks) for masks, each in zip(found, joints, strict=True)]
    return Evaluated(joints, found, agreements, seconds)


def table(evaluated: Sequence[tuple[str, Evaluated]]) -> str:
    """A row for all images of each set, then one for each kind of joint in it."""
    rows = []
    for name, each in evaluated:
        kinds = sorted({_kind(joint.joint) for joint in each.joints} - {""})
        rows.append((f"**{name}**", summary(each.agreements)))
        for kind in kinds if len(kinds) > 1 else ():
            chosen = [a for a, joint in zip(each.agreements, each.joints, strict=True) if _kind(joint.joint) == kind]
            rows.append((f"{name}: {kind}", summary(chosen)))
    return markdown(rows)


def _kind(joint: str) -> str:
    """``"PIP"`` of ``"PIP3"``; the thumb's joints stand by themselves."""
    if joint in ("MCP1", "IP1", ""):
        return joint
    return "MCP2-5" if joint.startswith("MCP") else joint.rstrip("0123456789")


def figures(evaluated: Sequence[tuple[str, Evaluated]]) -> dict[str, Any]:
    """What a model's card says of images that were never learned from."""
    told: dict[str, Any] = {}
    for name, each in evaluated:
        row = summary(each.agreements)
        dice = {"dsc_upper": row.dsc_upper, "dsc_lower": row.dsc_lower}
        told[name] = {
            "images": row.images,
            **{measure: round(value, 4) for measure, value in row.means.items()},
            **{bone: {"mean": round(mean, 4), "p05": round(low, 4)} for bone, (mean, low) in dice.items()},
            "hd95_px_of_256": {"median": round(row.hd95_px[0], 2), "p95": round(row.hd95_px[1], 2)},
        }
    return told


def overlays(evaluated: Evaluated, name: str) -> dict[str, bytes]:
    """The best, the median and the worst image with both outlines: file names and PNG files."""
    order = evaluated.order
    at = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    return {
        f"{name}-{which}.png": overlay(evaluated.joints[k].image, evaluated.joints[k].masks, evaluated.found[k])
        for which, k in at.items()
    }


def overlay(image: NDArray[np.float32], drawn: BoneMasks, found: BoneMasks) -> bytes:
    """A joint image beside itself with the outlines of its masks (blue) and of those found (orange), as PNG."""
    from PIL import Image

    zoom = max(1, round(512 / max(image.shape)))
    plain = np.repeat(np.kron(image, np.ones((zoom, zoom), np.float32))[..., None], 3, axis=2)
    marked = plain.copy()
    for masks, colour in ((drawn, _DRAWN), (found, _FOUND)):
        for mask in (masks.upper, masks.lower):
            large = np.kron(mask, np.ones((zoom, zoom), bool))
            marked[large & ~ndimage.binary_erosion(large, border_value=1)] = colour
    picture = io.BytesIO()
    both = np.rint(255 * np.hstack([plain, marked]).clip(0, 1)).astype(np.uint8)
    Image.fromarray(both).save(picture, format="png")
    return picture.getvalue()


def renewed(page: str, measured: str) -> str:
    """A page with what stands between the two marks replaced, or added at its end."""
    block = f"{BEGIN}\n{measured.strip()}\n{END}"
    if BEGIN in page and END in page:
        return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: block, page, flags=re.DOTALL)
    return f"{page.rstrip()}\n\n{block}\n".lstrip()
