"""How well masks found agree with masks drawn: the measures of Wang et al. 2023, Table 6, and boundary distance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import BoneMasks

#: Measures in the order of the paper's table.
TABLE = ("mIoU", "SEN", "SPC", "DSC", "ACC")
#: Boundary distances are told in pixels of a joint image this wide.
REFERENCE_SIDE = 256
#: How close to the border a boundary is not looked at, as a share of the side: there the crop cuts the bone.
_EDGE = 6 / 256


@dataclass(frozen=True)
class Agreement:
    """How well the masks of one image agree.

    Attributes
    ----------
    measures : dict of str to (2,) array
        ``mIoU`` (intersection over union), ``SEN`` (sensitivity), ``SPC`` (specificity), ``DSC`` (Dice), ``ACC``
        (accuracy), each of the upper and the lower bone.
    hd95_px : (2,) array
        The 95th percentile of the distances between the two outlines, taken both ways, in pixels of an image of 256;
        infinite where one mask is empty. Outlines within 6 such pixels of the border are not looked at.
    """

    measures: dict[str, NDArray[np.float64]]
    hd95_px: NDArray[np.float64]

    @property
    def dsc(self) -> float:
        """Dice, the mean of the two bones."""
        return float(self.measures["DSC"].mean())


def agreement(found: BoneMasks, truth: BoneMasks) -> Agreement:
    """Compare the masks of one image with those drawn by an expert, or simulated.

    Raises
    ------
    ValueError
        If they are not of one shape.
    """
    import torch
    from monai.metrics import compute_confusion_matrix_metric, compute_dice, compute_iou, get_confusion_matrix

    if found.shape != truth.shape:
        raise ValueError(f"Masks of one image have one shape, not {found.shape} and {truth.shape}.")
    this, that = (torch.from_numpy(np.stack([masks.upper, masks.lower])[None]).float() for masks in (found, truth))
    counts = get_confusion_matrix(this, that)
    named = {"SEN": "sensitivity", "SPC": "specificity", "ACC": "accuracy"}
    values = {short: compute_confusion_matrix_metric(long, counts) for short, long in named.items()}
    values["mIoU"] = compute_iou(this, that, ignore_empty=False)
    values["DSC"] = compute_dice(this, that, ignore_empty=False)
    measures = {name: values[name].numpy()[0].astype(float) for name in TABLE}
    distances = [hd95(found.upper, truth.upper), hd95(found.lower, truth.lower)]
    return Agreement(measures, np.array(distances) * REFERENCE_SIDE / max(found.shape))


def hd95(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """95th percentile of the distances from either outline to the other, in pixels; the larger of the two ways.

    Libraries take the line where the image ends for an outline, and would find it in agreement.
    """
    if not (one.any() and other.any()):
        return float("inf")
    edge = round(_EDGE * max(one.shape))
    outlines = [mask & ~ndimage.binary_erosion(mask, border_value=1) for mask in (one, other)]
    inside = [outline[edge : -edge or None, edge : -edge or None] for outline in outlines]
    if not all(outline.any() for outline in inside):
        return float("inf")
    ways = []
    for here, there in (0, 1), (1, 0):
        away = ndimage.distance_transform_edt(~outlines[there])[edge : -edge or None, edge : -edge or None]
        ways.append(float(np.percentile(away[inside[here]], 95)))
    return max(ways)


@dataclass(frozen=True)
class Summary:
    """What many images come to.

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


def summary(agreements: Sequence[Agreement]) -> Summary:
    """Mean over images."""
    values = {name: np.array([each.measures[name] for each in agreements]) for name in TABLE}
    distances = np.array([each.hd95_px for each in agreements])
    dice = [(float(column.mean()), float(np.percentile(column, 5))) for column in values["DSC"].T]
    return Summary(
        images=len(agreements),
        means={name: float(column.mean()) for name, column in values.items()},
        dsc_upper=dice[0],
        dsc_lower=dice[1],
        hd95_px=(
            float(np.median(distances)),
            float(np.percentile(distances, 95, method="higher")),
        ),  # of infinities too
    )


def markdown(rows: Iterable[tuple[str, Summary]]) -> str:
    """A table, one line for each kind of image."""
    head = "| images | n | mIoU | SEN | SPC | DSC | ACC | DSC upper (5 %) | DSC lower (5 %) | HD95 median (95 %), px |"
    lines = [head, "|---|" + "---:|" * 9]
    for name, row in rows:
        figures = [f"{row.means[measure]:.4f}" for measure in TABLE]
        figures += [f"{mean:.4f} ({low:.3f})" for mean, low in (row.dsc_upper, row.dsc_lower)]
        figures.append(f"{row.hd95_px[0]:.2f} ({row.hd95_px[1]:.1f})")
        lines.append(f"| {name} | {row.images} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"
