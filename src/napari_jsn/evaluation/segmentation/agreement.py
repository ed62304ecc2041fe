"""Compare masks with reference masks: the measures of Wang et al. 2023, Table 6, and the boundary distance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import BoneMasks

#: Measures in the order of the paper's table.
TABLE = ("mIoU", "SEN", "SPC", "DSC", "ACC")
#: Boundary distances are given in pixels of a joint image of this width.
REFERENCE_SIDE = 256
#: Width of the border zone, as a share of the image width, in which outlines are ignored: there the crop cuts the bone.
_EDGE = 6 / 256


@dataclass(frozen=True)
class MaskAgreement:
    """Agreement of the masks of one image with the reference masks.

    Attributes
    ----------
    measures : dict of str to (2,) array
        ``mIoU`` (intersection over union), ``SEN`` (sensitivity), ``SPC`` (specificity), ``DSC`` (Dice), ``ACC``
        (accuracy), each of the upper and the lower bone.
    hd95_px : (2,) array
        The 95th percentile of the distances between the two outlines, the larger of both directions, in pixels of an
        image of 256; infinite where one mask is empty. Outlines within 6 such pixels of the border do not count.
    """

    measures: dict[str, NDArray[np.float64]]
    hd95_px: NDArray[np.float64]

    @property
    def dsc(self) -> float:
        """The mean Dice coefficient of the two bones."""
        return float(self.measures["DSC"].mean())


def mask_agreement(found: BoneMasks, truth: BoneMasks) -> MaskAgreement:
    """Compare the masks of one image with the reference masks, drawn by an expert or simulated.

    Raises
    ------
    ValueError
        If the masks differ in shape.
    """
    import torch
    from monai.metrics import compute_confusion_matrix_metric, compute_dice, compute_iou, get_confusion_matrix

    if found.shape != truth.shape:
        raise ValueError(f"Masks of one image must have one shape, not {found.shape} and {truth.shape}.")
    this, that = (torch.from_numpy(np.stack([masks.upper, masks.lower])[None]).float() for masks in (found, truth))
    counts = get_confusion_matrix(this, that)
    named = {"SEN": "sensitivity", "SPC": "specificity", "ACC": "accuracy"}
    values = {short: compute_confusion_matrix_metric(long, counts) for short, long in named.items()}
    values["mIoU"] = compute_iou(this, that, ignore_empty=False)
    values["DSC"] = compute_dice(this, that, ignore_empty=False)
    measures = {name: values[name].numpy()[0].astype(float) for name in TABLE}
    distances = [hd95(found.upper, truth.upper), hd95(found.lower, truth.lower)]
    return MaskAgreement(measures, np.array(distances) * REFERENCE_SIDE / max(found.shape))


def hd95(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the 95th percentile of the distances between two outlines, in pixels; the larger of both directions.

    The image border is not an outline here. Other libraries treat the image border as an outline; this makes the
    distance smaller.
    """
    if not (one.any() and other.any()):
        return float("inf")
    edge = round(_EDGE * max(one.shape))
    outlines = [mask & ~ndimage.binary_erosion(mask, border_value=1) for mask in (one, other)]
    inside = [outline[edge : -edge or None, edge : -edge or None] for outline in outlines]
    if not all(outline.any() for outline in inside):
        return float("inf")
    distances = []
    for start, end in (0, 1), (1, 0):
        distance = ndimage.distance_transform_edt(~outlines[end])[edge : -edge or None, edge : -edge or None]
        distances.append(float(np.percentile(distance[inside[start]], 95)))
    return max(distances)


@dataclass(frozen=True)
class AgreementSummary:
    """Agreement of the masks of many images.

    Attributes
    ----------
    images : int
    means : dict of str to float
        The measures of the table, over images and bones.
    dsc_upper, dsc_lower : (float, float)
        Mean and 5th percentile over images.
    hd95_px : (float, float)
        Median and 95th percentile over images and bones.
    """

    images: int
    means: dict[str, float]
    dsc_upper: tuple[float, float]
    dsc_lower: tuple[float, float]
    hd95_px: tuple[float, float]


def summarize_agreements(agreements: Sequence[MaskAgreement]) -> AgreementSummary:
    """Return means and percentiles over images."""
    values = {name: np.array([each.measures[name] for each in agreements]) for name in TABLE}
    distances = np.array([each.hd95_px for each in agreements])
    dice = [(float(column.mean()), float(np.percentile(column, 5))) for column in values["DSC"].T]
    return AgreementSummary(
        images=len(agreements),
        means={name: float(column.mean()) for name, column in values.items()},
        dsc_upper=dice[0],
        dsc_lower=dice[1],
        # "higher" does not interpolate, which would give NaN between infinite distances
        hd95_px=(float(np.median(distances)), float(np.percentile(distances, 95, method="higher"))),
    )


def agreement_table(rows: Iterable[tuple[str, AgreementSummary]]) -> str:
    """Return a Markdown table with a line for each set of images."""
    head = "| images | n | mIoU | SEN | SPC | DSC | ACC | DSC upper (5 %) | DSC lower (5 %) | HD95 median (95 %), px |"
    lines = [head, "|---|" + "---:|" * 9]
    for name, row in rows:
        figures = [f"{row.means[measure]:.4f}" for measure in TABLE]
        figures += [f"{mean:.4f} ({low:.3f})" for mean, low in (row.dsc_upper, row.dsc_lower)]
        figures.append(f"{row.hd95_px[0]:.2f} ({row.hd95_px[1]:.1f})")
        lines.append(f"| {name} | {row.images} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"
