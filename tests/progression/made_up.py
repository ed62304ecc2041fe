"""A progression made up from the shipped simulated hands and their truth: what shows it is tested without engines.

Images are real simulated radiographs; masks are drawn shapes, and narrowings are the truth with noise of the size they
state.
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np

import napari_jsn
from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.common.statistics import Estimate
from napari_jsn.joint import BoneMasks, Joint, JointImage
from napari_jsn.joint.similarity import Similarity, image_centre, joint_space_narrowing
from napari_jsn.progression.narrowing import JointView, MeasuredHand, Narrowing
from napari_jsn.progression.progression import Progression
from napari_jsn.radiograph import Radiograph, read_radiograph
from napari_jsn.registration.result import Registration
from napari_jsn.registration.warp import compose, loss, loss_spectrum, warp
from napari_jsn.width.result import JointSpaceWidth

SAMPLES = Path(napari_jsn.__file__).parent / "samples"
BOX_MM = 22.2
#: The joint that the last visit does not show, and those that are not reliable, with why.
MISSING = "PIP5"
DOUBTED = {
    "MCP1": Reason(ReasonCode.DIRECTIONS_DISAGREE),
    "PIP4": Reason(ReasonCode.OUTLINE_UNCERTAIN, "Visit 2: the outline of the upper bone is uncertain."),
}
_SD_MM = 0.02


@cache
def progression(visits=2, sides=("L",), seed=0):
    """2 to 4 visits; ``sides`` of ``"L"`` and ``"R"``. One joint is missing at the last visit, two are not reliable."""
    sample = "hand_pair" if visits == 2 and tuple(sides) == ("L",) else "both_hands"
    rng = np.random.default_rng(seed)
    truths, films = _truths(sample), []
    for visit in range(1, visits + 1):
        for side in sorted(sides, reverse=True):
            films.append(_film(sample, truths, visit, side, last=visit == visits))
    views = {(film.visit, film.side, view.joint.name): view for film in films for view in film.joints}
    rows = [
        _narrowing(truths, views, side, joint, visit, visits, rng)
        for side in sorted(sides, reverse=True)
        for joint in MEASURED_JOINTS
        for visit in range(2, visits + 1)
    ]
    notes = ("Pixel sizes are uncalibrated.",)
    models = {"localization": "default 0123456789ab", "segmentation": "default ba9876543210"}
    return Progression(tuple(films), tuple(rows), "SIM0001", notes, models)


@cache
def _truths(sample):
    with (SAMPLES / sample / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {(int(row["visit"]), row["side"], row["joint"]): row for row in rows}


@cache
def _radiograph(path, side, spacing_mm):
    """The film of one side; of a film with both hands its half."""
    whole = read_radiograph(SAMPLES / path)
    middle, width = whole.shape[1] // 2, whole.shape[1]
    left, right = {"L": (0, middle), "R": (middle, width)}[side] if "LR" in path else (0, width)
    name = f"{whole.name} ({side})" if "LR" in path else whole.name
    half = Radiograph(
        whole.pixels[:, left:right], whole.spacing_mm, side, whole.acquired, spacing_source=whole.spacing_source,
        side_source="ImageLaterality", acquired_source=whole.acquired_source, origin=(0, left), path=whole.path,
        name=name,
    )  # fmt: skip
    return half, left


def _film(sample, truths, visit, side, last):
    row = truths[visit, side, "MCP2"]
    radiograph, left = _radiograph(f"{sample}/{row['file']}", side, float(row["spacing_mm"]))
    missing = (MISSING,) if last else ()
    joints = tuple(_view(radiograph, left, truths[visit, side, j]) for j in MEASURED_JOINTS if j not in missing)
    return MeasuredHand(visit, radiograph.day, side, radiograph, joints, missing)


def _view(radiograph, left, row):
    spacing_mm = float(np.min(radiograph.spacing_mm))
    centre = float(row["centre_y_px"]), float(row["centre_x_px"]) - left
    joint = Joint.around(
        row["joint"], row["side"], centre, (float(row["axis_y"]), float(row["axis_x"])), BOX_MM / spacing_mm, 0.98
    )
    side = round(BOX_MM / spacing_mm)
    down = joint.axis
    linear = np.array([[down[0], down[1]], [-down[1], down[0]]])  # columns: where x and y go, as (x, y)
    to_radiograph = np.eye(3)
    to_radiograph[:2, :2] = linear
    to_radiograph[:2, 2] = np.array(joint.centre)[::-1] - linear @ np.full(2, (side - 1) / 2)
    pixels, _ = warp(radiograph.pixels, to_radiograph, (side, side))
    image = JointImage(pixels, spacing_mm, to_radiograph)
    masks = _masks(side, float(row["jsw_mm"]) / spacing_mm)
    across = np.linspace(-0.2, 0.2, 21) * side + (side - 1) / 2
    gap = float(row["jsw_mm"]) / spacing_mm / 2
    upper, lower = (np.stack([across, np.full(21, (side - 1) / 2 + way * gap)], 1) for way in (-1, 1))
    jsw_mm = float(row["jsw_mm"])
    jsw = JointSpaceWidth(Estimate(jsw_mm / spacing_mm, 0.05 / spacing_mm), spacing_mm, upper, lower)
    return JointView(joint, image, masks, jsw)


def _masks(side, gap):
    """Two shafts that widen towards the gap."""
    rows, cols = np.indices((side, side)) - (side - 1) / 2
    half = side * (0.2 + 0.1 * np.exp(-((rows / (0.15 * side)) ** 2)))
    bone = np.abs(cols) < half
    return BoneMasks(bone & (rows < -gap / 2), bone & (rows > gap / 2))


def _narrowing(truths, views, side, joint, visit, visits, rng):
    baseline, followup = views[1, side, joint], views.get((visit, side, joint))
    noise = rng.normal(0, _SD_MM)
    if followup is None:
        reason = Reason(ReasonCode.JOINT_NOT_IN_VIEW, f"{joint} is not in view at visit {visit}.")
        return Narrowing(joint, side, visit, reasons=(reason,), baseline=baseline)
    reasons = (DOUBTED[joint],) if joint in DOUBTED else ()
    registration = _registration(truths, baseline, followup, side, joint, visit, noise, reasons)
    scale = (registration.upper.dz + registration.lower.dz) / 2
    spacing_mm = baseline.image.spacing_mm
    closure_mm = abs(float(rng.normal(0, 0.01))) if visits > 2 else float("nan")
    return Narrowing(
        joint=joint, side=side, visit=visit, narrowing_px=registration.narrowing_px, spacing_mm=spacing_mm,
        reasons=reasons, angle_deg=float(np.rad2deg(registration.upper.dtheta - registration.lower.dtheta)),
        closure_px=closure_mm / spacing_mm,
        width_change_px=Estimate(baseline.jsw.px - followup.jsw.px / scale, 0.07 / spacing_mm),
        registration=registration, baseline=baseline, followup=followup,
    )  # fmt: skip


def _registration(truths, baseline, followup, side, joint, visit, noise_mm, reasons):
    row = truths[visit, side, joint]
    fixed, moving = baseline.image, followup.image
    spacing_mm, centre = fixed.spacing_mm, image_centre(fixed.pixels.shape)
    to_film = {}
    for number, view in ((1, baseline), (visit, followup)):  # a half's pixels lie elsewhere on the whole film
        at = truths[number, side, joint]
        away = np.array([float(at["centre_x_px"]), float(at["centre_y_px"])]) - np.array(view.joint.centre)[::-1]
        to_film[number] = np.array([[1, 0, away[0]], [0, 1, away[1]], [0, 0, 1]]) @ view.image.to_radiograph
    bones = []
    for bone in ("upper", "lower"):
        on_film = Similarity(
            float(row[f"{bone}_dz"]), float(row[f"{bone}_dtheta_rad"]), float(row[f"{bone}_dx_px"]),
            float(row[f"{bone}_dy_px"]), (float(row[f"{bone}_centre_x_px"]), float(row[f"{bone}_centre_y_px"])),
        )  # fmt: skip
        matrix = np.linalg.inv(to_film[visit]) @ on_film.matrix @ to_film[1]
        bones.append(Similarity.from_matrix(matrix, centre))
    bones[0] = Similarity(bones[0].dz, bones[0].dtheta, bones[0].dx, bones[0].dy + noise_mm / spacing_mm, centre)
    upper, lower = bones
    point, axis = np.array(centre), np.array([0.0, 1.0])
    jsn_px = joint_space_narrowing(upper.matrix, lower.matrix, point, axis)
    shape, masks = fixed.pixels.shape, baseline.masks
    parts, views = zip(*(warp(moving.pixels, bone.matrix, shape) for bone in bones))
    still, seen = warp(moving.pixels, np.eye(3), shape)
    return Registration(
        upper=upper, lower=lower, narrowing_px=Estimate(jsn_px, _SD_MM / spacing_mm), point=point, axis=axis,
        reasons=reasons, method="refined", original_loss=loss(fixed.pixels, (still, still), (seen, seen), masks),
        transformed_loss=loss(fixed.pixels, parts, views, masks), transformed=compose(parts, masks),
        original_spectrum=loss_spectrum(fixed.pixels, (still, still), masks),
        transformed_spectrum=loss_spectrum(fixed.pixels, parts, masks), fixed_masks=masks, spacing_mm=spacing_mm,
    )  # fmt: skip
