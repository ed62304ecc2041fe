"""Measure how good joint space widths are, and fit their uncertainty.

On simulated joints whose width is known in space, bones found by the network; and on real joints with several visits,
where the change of the width is set beside the narrowing that registration finds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from napari_jsn import __version__
from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.calibration.refined_fit import fit_weights
from napari_jsn.evaluation.page import table
from napari_jsn.evaluation.public_images import finger_joints, phantom
from napari_jsn.joint import BoneMasks, JointImage
from napari_jsn.joint.geometry import joint_frame
from napari_jsn.registration.register import register_many
from napari_jsn.segmentation.segment import segment, segment_many
from napari_jsn.segmentation.training.public_joints import is_test
from napari_jsn.simulation.joint_pair import JointPair, joint_pairs
from napari_jsn.width.joint_space_width import joint_space_width
from napari_jsn.width.margins import find_margins, joint_normal
from napari_jsn.width.result import JointSpaceWidth
from napari_jsn.width.uncertainty import TERMS, variance_terms

PAGE = Path("docs/width.md")
CARD = Path("src/napari_jsn/models/width-margins.json")
#: The figures are of other hands than those that the uncertainty was fitted on.
_CARD_SEED, _SEED = 30, 31
_MISMATCH_MM = 0.35
KINDS = ("MCP1", "MCP2-5", "IP1", "PIP", "DIP")


@dataclass(frozen=True)
class Change:
    """One joint at two visits: its widths, and how much it narrowed by truth (simulated) or registration (real)."""

    kind: str
    widths: tuple[JointSpaceWidth, JointSpaceWidth]
    truths_mm: tuple[float, float]
    jsn_mm: float

    @property
    def reliable(self) -> bool:
        """Whether both widths are."""
        return all(width.reliable for width in self.widths)

    @property
    def error_mm(self) -> float:
        """Of the change of the width."""
        return self.widths[0].mm - self.widths[1].mm - self.jsn_mm

    @property
    def sd_mm(self) -> float:
        """Stated of the change."""
        return float(np.hypot(self.widths[0].sd_mm, self.widths[1].sd_mm))


def kind_of(joint: str) -> str:
    """Joint to the group it is told in."""
    if joint in ("MCP1", "IP1"):
        return joint
    return "MCP2-5" if joint.startswith("MCP") else joint[:3]


def simulated(count: int, seed: int) -> tuple[list[JointPair], list[tuple[BoneMasks, BoneMasks]]]:
    """Simulated joints and the bones that the network finds in them."""
    pairs = list(islice(joint_pairs(seed, JOINTS), count))
    found = segment_many([image for pair in pairs for image in (pair.fixed, pair.moving)])
    return pairs, list(zip(found[::2], found[1::2], strict=True))


def simulated_lines(count: int) -> tuple[list[str], float]:
    """The section on simulated joints, and the time a width takes in ms."""
    pairs, masks = simulated(count, _SEED)
    start = time.process_time()
    changes = [_change(pair, both) for pair, both in zip(pairs, masks, strict=True)]
    milliseconds = 1000 * (time.process_time() - start) / (2 * len(pairs))
    rows = []
    for name in (*KINDS, "all"):
        some = [change for change in changes if name in (change.kind, "all")]
        widths = [(w.mm - truth, w) for change in some for w, truth in zip(change.widths, change.truths_mm)]
        errors = np.array([error for error, width in widths if width.reliable])
        both = [change for change in some if change.reliable]
        difference = np.array([change.error_mm for change in both])
        held = np.mean(np.abs(difference) <= 1.96 * np.array([change.sd_mm for change in both]))
        rows.append(
            [
                name, str(len(widths)), f"{100 * len(errors) / len(widths):.0f} %", f"{errors.mean():+.3f}",
                f"{errors.std():.3f}", f"{_rms(difference):.3f}", f"{np.median(np.abs(difference)):.3f}",
                f"{100 * held:.0f} %",
            ]
        )  # fmt: skip
    head = (
        "joint", "widths", "reliable", "bias, mm", "sd of the error, mm", "RMSE of the change, mm",
        "median error of the change, mm", "95 % interval of the change holds",
    )  # fmt: skip
    told = f"### Simulated joints\n\n{count} joints at two visits; figures of the reliable ones.\n".split("\n")
    return [*told, *table(head, rows)], milliseconds


def _change(pair: JointPair, masks: tuple[BoneMasks, BoneMasks]) -> Change:
    images = [JointImage(pixels, pair.spacing_mm) for pixels in (pair.fixed, pair.moving)]
    widths = tuple(joint_space_width(image, mask) for image, mask in zip(images, masks, strict=True))
    truths = (pair.fixed_truth.jsw_mm, pair.moving_truth.jsw_mm)
    return Change(kind_of(pair.fixed_truth.joint), (widths[0], widths[1]), truths, pair.jsn_mm)


def real_lines() -> list[str]:
    """The section on real joints; says so where they are not there."""
    title = "### Real joints\n"
    try:
        changes = real()
    except InputError as error:
        return [title, str(error)]
    both = [change for change in changes if change.reliable]
    by_margins = np.array([change.widths[0].mm - change.widths[1].mm for change in both])
    registered = np.array([change.jsn_mm for change in both])
    apart = by_margins - registered
    mean = np.mean([width.mm for change in both for width in change.widths])
    one_sd, stated = by_margins.std() / np.sqrt(2), np.mean([change.sd_mm for change in both]) / np.sqrt(2)
    correlation = np.corrcoef(by_margins, registered)[0, 1]
    text = (
        f"{len(changes)} pairs of visits of MCP joints that the network never learned from and whose registration is "
        f"reliable; both widths are reliable in {len(both)}, {mean:.2f} mm wide on average. From visit to visit one "
        f"width varies by {one_sd:.3f} mm (sd; {stated:.3f} mm stated), true change and the lie of the hand included. "
        f"The change of the width has an sd of {by_margins.std():.3f} mm, the narrowing by registration "
        f"{registered.std():.3f} mm, their difference {apart.std():.3f} mm (median {np.median(np.abs(apart)):.3f} mm); "
        f"they correlate by {correlation:.2f}. Large true changes would make the two agree, so what varies here is "
        "mostly something else: how the hand lay, and the errors of both."
    )
    return [title, text, "", *phantom_lines()]


def phantom_lines() -> list[str]:
    """A phantom whose gap was widened from 1.20 to 1.70 mm."""
    told = []
    for pair in phantom():
        if "widening" in pair.name:
            images = [JointImage(pixels, pair.spacing_mm) for pixels in (pair.fixed, pair.moving)]
            narrow, wide = (joint_space_width(image, segment(image)) for image in images)
            told.append(f"{pair.name.split()[0]} {narrow.mm:.2f} to {wide.mm:.2f} mm ({wide.mm - narrow.mm:+.2f} mm)")
    return [f"A joint phantom whose gap was widened by 0.50 mm: {'; '.join(told)}."]


def real() -> list[Change]:
    """Neighbouring visits of real joints; what truly changed between them, registration tells."""
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
        changes.append(Change("MCP", widths, (np.nan, np.nan), registered.jsn_mm))
    return changes


def card(count: int) -> dict[str, object]:
    """Fit the weights of the variance terms to the errors of the change of width on simulated joints."""
    pairs, masks = simulated(count, _CARD_SEED)
    terms, errors = [], []
    for pair, both in zip(pairs, masks, strict=True):
        change = _change(pair, both)
        if change.reliable and abs(change.error_mm) <= _MISMATCH_MM:
            terms.append(
                sum(_terms(image, mask, pair.spacing_mm) for image, mask in zip((pair.fixed, pair.moving), both))
            )
            errors.append(change.error_mm)
    weights, coverage = fit_weights(np.array(terms), np.array(errors))
    return {
        "task": "width",
        "method": "margins",
        "what": "Weights of the variance terms of a joint space width; see napari_jsn.width.uncertainty",
        "variance_weights": {term: float(f"{weight:.4g}") for term, weight in zip(TERMS, weights, strict=True)},
        "figures": {"held_by_95_percent_interval": round(coverage, 4), "pairs": len(errors)},
        "data": "Simulated joints at two visits, bones found by the default segmentation network",
        "command": f"python -m napari_jsn.evaluation.width --card --joints {count}",
        "seed": _CARD_SEED,
        "versions": {"napari-jsn": __version__},
    }


def _terms(image: np.ndarray, masks: BoneMasks, spacing_mm: float) -> np.ndarray:
    margins = find_margins(image, masks, spacing_mm, joint_frame(masks)[0], joint_normal(masks))
    assert margins is not None
    return variance_terms(margins)


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))
