"""Measure the accuracy of joint space widths.

Simulated joints have a true width in space; their bones are found by the network. In real joints with several visits,
the change of the width is compared with the narrowing that registration finds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice

import numpy as np

from napari_jsn.anatomy import JOINTS, joint_group
from napari_jsn.common.errors import InputError
from napari_jsn.common.statistics import Z95
from napari_jsn.evaluation.page import table
from napari_jsn.evaluation.public_images import finger_joints, phantom
from napari_jsn.joint import BoneMasks, JointImage
from napari_jsn.registration.register import register_many
from napari_jsn.segmentation.segment import segment, segment_many
from napari_jsn.segmentation.training.public_joints import is_test
from napari_jsn.simulation.joint_pair import JointPair, joint_pairs
from napari_jsn.width.joint_space_width import joint_space_width
from napari_jsn.width.result import JointSpaceWidth

#: Another seed than that of the joints that the uncertainty was fitted to.
_SEED = 31
KINDS = ("MCP1", "MCP2-5", "IP1", "PIP", "DIP")


@dataclass(frozen=True)
class WidthChange:
    """The widths of one joint at two visits, and its narrowing by truth (simulated) or by registration (real)."""

    kind: str
    widths: tuple[JointSpaceWidth, JointSpaceWidth]
    truths_mm: tuple[float, float]
    jsn_mm: float

    @property
    def reliable(self) -> bool:
        """Whether both widths are reliable."""
        return all(width.reliable for width in self.widths)

    @property
    def error_mm(self) -> float:
        """Error of the change of the width."""
        return self.widths[0].mm - self.widths[1].mm - self.jsn_mm

    @property
    def sd_mm(self) -> float:
        """Standard uncertainty of the change, from those of the widths."""
        return float(np.hypot(self.widths[0].sd_mm, self.widths[1].sd_mm))


def segmented_pairs(count: int, seed: int) -> list[tuple[JointPair, tuple[BoneMasks, BoneMasks]]]:
    """Return simulated joint pairs with the masks that the network finds in both images."""
    pairs = list(islice(joint_pairs(seed, JOINTS), count))
    masks = segment_many([image for pair in pairs for image in (pair.fixed, pair.moving)])
    return list(zip(pairs, zip(masks[::2], masks[1::2], strict=True), strict=True))


def simulated_lines(count: int) -> tuple[list[str], float]:
    """Return the section on simulated joints, and the time per width in ms."""
    pairs = segmented_pairs(count, _SEED)
    start = time.process_time()
    changes = [simulated_change(pair, masks) for pair, masks in pairs]
    milliseconds = 1000 * (time.process_time() - start) / (2 * len(pairs))
    rows = []
    for name in (*KINDS, "all"):
        some = [change for change in changes if name in (change.kind, "all")]
        widths = [(w.mm - truth, w) for change in some for w, truth in zip(change.widths, change.truths_mm)]
        errors = np.array([error for error, width in widths if width.reliable])
        both = [change for change in some if change.reliable]
        difference = np.array([change.error_mm for change in both])
        coverage = np.mean(np.abs(difference) <= Z95 * np.array([change.sd_mm for change in both]))
        rows.append(
            [
                name, str(len(widths)), f"{100 * len(errors) / len(widths):.0f} %", f"{errors.mean():+.3f}",
                f"{errors.std():.3f}", f"{_rms(difference):.3f}", f"{np.median(np.abs(difference)):.3f}",
                f"{100 * coverage:.0f} %",
            ]
        )  # fmt: skip
    head = (
        "joint", "widths", "reliable", "bias, mm", "sd of the error, mm", "RMSE of the change, mm",
        "median error of the change, mm", "change in 95 % interval",
    )  # fmt: skip
    title = ["### Simulated joints", "", f"{count} joints at two visits; the figures are of the reliable ones.", ""]
    return [*title, *table(head, rows)], milliseconds


def simulated_change(pair: JointPair, masks: tuple[BoneMasks, BoneMasks]) -> WidthChange:
    """Measure the widths of a simulated joint at both visits."""
    images = [JointImage(pixels, pair.spacing_mm) for pixels in (pair.fixed, pair.moving)]
    widths = tuple(joint_space_width(image, mask) for image, mask in zip(images, masks, strict=True))
    truths = (pair.fixed_truth.jsw_mm, pair.moving_truth.jsw_mm)
    return WidthChange(joint_group(pair.fixed_truth.joint), (widths[0], widths[1]), truths, pair.jsn_mm)


def real_lines() -> list[str]:
    """Return the section on real joints, or the reason why there are none."""
    title = "### Real joints\n"
    try:
        changes = real_changes()
    except InputError as error:
        return [title, str(error)]
    both = [change for change in changes if change.reliable]
    by_margins = np.array([change.widths[0].mm - change.widths[1].mm for change in both])
    registered = np.array([change.jsn_mm for change in both])
    difference = by_margins - registered
    mean = np.mean([width.mm for change in both for width in change.widths])
    one_sd, stated = by_margins.std() / np.sqrt(2), np.mean([change.sd_mm for change in both]) / np.sqrt(2)
    correlation = np.corrcoef(by_margins, registered)[0, 1]
    text = (
        f"{len(changes)} pairs of visits of MCP joints that the network was not trained on and whose registration is "
        f"reliable. Both widths are reliable in {len(both)} pairs; their mean is {mean:.2f} mm. Between visits one "
        f"width varies by {one_sd:.3f} mm (sd; {stated:.3f} mm stated), which includes true change and repositioning. "
        f"The change of the width has an sd of {by_margins.std():.3f} mm, the narrowing by registration "
        f"{registered.std():.3f} mm, their difference {difference.std():.3f} mm (median "
        f"{np.median(np.abs(difference)):.3f} mm); their correlation is {correlation:.2f}. Large true changes would "
        "give a high correlation, so most of the variation comes from repositioning of the hand and from the errors of "
        "both measurements."
    )
    return [title, text, "", *phantom_lines()]


def phantom_lines() -> list[str]:
    """Return the sentence on a phantom whose gap was widened from 1.20 to 1.70 mm."""
    results = []
    for pair in phantom():
        if "widening" in pair.name:
            images = [JointImage(pixels, pair.spacing_mm) for pixels in (pair.fixed, pair.moving)]
            narrow, wide = (joint_space_width(image, segment(image)) for image in images)
            name, change = pair.name.split()[0], wide.mm - narrow.mm
            results.append(f"{name} {narrow.mm:.2f} to {wide.mm:.2f} mm ({change:+.2f} mm)")
    return [f"A joint phantom whose gap was widened by 0.50 mm: {'; '.join(results)}."]


def real_changes() -> list[WidthChange]:
    """Measure consecutive visits of real joints; the narrowing is that of registration, where it is reliable."""
    joints = [joint for joint in finger_joints(min_visits=2) if is_test(joint.name)]
    images = [JointImage(image, joint.spacing_mm) for joint in joints for image, _ in joint.visits]
    masks = dict(zip(map(id, images), segment_many(images), strict=True))
    visits, pairs = iter(images), []
    for joint in joints:
        own = [next(visits) for _ in joint.visits]
        pairs += list(zip(own, own[1:]))
    found = register_many(
        [a for a, _ in pairs], [b for _, b in pairs], [masks[id(a)] for a, _ in pairs], [masks[id(b)] for _, b in pairs]
    )
    changes = []
    for (before, after), registered in zip(pairs, found, strict=True):
        if not registered.reliable:
            continue
        widths = joint_space_width(before, masks[id(before)]), joint_space_width(after, masks[id(after)])
        changes.append(WidthChange("MCP", widths, (np.nan, np.nan), registered.jsn_mm))
    return changes


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))
