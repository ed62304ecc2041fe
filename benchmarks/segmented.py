"""Closure with the masks that `segment` finds beside that with the experts', on joints its model never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.closure import closure_row
from benchmarks.contestants import OURS, Contestant
from benchmarks.rows import Row
from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.public_images import FingerJoint, finger_joints
from napari_jsn.evaluation.settings import Settings
from napari_jsn.segmentation.segment import segment_many
from napari_jsn.segmentation.training.public_joints import is_test

#: How much worse the closure may be.
_WORSE = 1.1


def run(field: Sequence[Contestant], settings: Settings) -> list[Row]:
    """Our own method twice; the others measure inside whatever masks they are given."""
    ours = [one for one in field if one.name == OURS]
    joints = [joint for joint in finger_joints(size=127, part="report", min_visits=3) if is_test(joint.name)]
    joints = joints[: settings.joints]
    try:
        found = [_segmented(joint) for joint in joints]
    except InputError as error:  # no model is there
        print(error)
        return []
    rows = []
    for one in ours:
        experts, network = closure_row(one, joints), closure_row(one, found)
        for row, masks in ((experts, "experts'"), (network, "segment's")):
            row.test, row.bar, row.met = f"closure, {masks} masks", "", None
        sigmas = [row.data["sigma_mm"].item() for row in (experts, network)]
        network.bar = "sigma no more than 10 % above that with the experts' masks"
        network.met = sigmas[1] <= _WORSE * sigmas[0]
        rows += [experts, network]
    return rows


def _segmented(joint: FingerJoint) -> FingerJoint:
    """The joint with the masks that the default model finds on each of its images."""
    images = [image for image, _ in joint.visits]
    return replace(joint, visits=list(zip(images, segment_many(images), strict=True)))
