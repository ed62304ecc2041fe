"""Tables of simulated radiographs: ``radiographs.csv`` (one row per radiograph) and ``truth.csv`` (one per joint)."""

from __future__ import annotations

from napari_jsn.registration.record import Record, motion_record
from napari_jsn.simulation.shapes.joint_grades import JointGrades
from napari_jsn.simulation.simulated_radiograph import JointTruth, SimulatedRadiograph

TRUTH = "truth.csv"
#: The visible grades of all sites as a long table, as readers' grades are read.
SCORES = "scores.csv"
#: Name of the reader in that table.
READER = "simulator"


def radiograph_record(simulated: SimulatedRadiograph, file: str) -> Record:
    """Return a radiograph's flat row: PNG and TIFF files do not store these values themselves.

    Parameters
    ----------
    simulated : SimulatedRadiograph
    file : str
        Its path relative to the table.
    """
    return {
        "file": file,
        "patient": simulated.patient_id,
        "visit": simulated.visit,
        "acquired": simulated.acquired.isoformat(),
        "side": simulated.sides[0] if len(simulated.sides) == 1 else "B",
        "spacing_mm": simulated.spacing_mm,
        "detector_spacing_mm": simulated.detector_spacing_mm,
        "magnification": simulated.magnification,
    }


def truth_records(simulated: SimulatedRadiograph, file: str) -> list[Record]:
    """Return the flat rows of a radiograph's joints; pixels are the radiograph's, ``(x, y)`` is (col, row).

    Parameters
    ----------
    simulated : SimulatedRadiograph
    file : str
        Its path relative to the table.
    """
    common = radiograph_record(simulated, file)
    person = {"sex": simulated.sex, "age": simulated.age} if simulated.sex else {}
    return [{**common, **joint_record(truth), **person} for truth in simulated.truths]


def score_records(simulated: SimulatedRadiograph) -> list[Record]:
    """Return the visible grades of all sites, one row for each site and kind; none where no damage was drawn."""
    rows: list[Record] = []
    for truth in simulated.truths:
        if truth.grades is None:
            continue
        for kind, grade in (("jsn", truth.grades.narrowing), ("erosion", truth.grades.erosion)):
            rows.append(
                {
                    "patient": simulated.patient_id, "visit": simulated.visit, "side": truth.side, "site": truth.joint,
                    "kind": kind, "grade": grade, "mark": truth.grades.mark if kind == "jsn" else "",
                    "not_scored": truth.grades.not_scored, "reader": READER, "session": 1,
                }
            )  # fmt: skip
    return rows


def joint_record(truth: JointTruth) -> Record:
    """Return the flat row of one joint's truth."""
    motion = motion_record(truth.upper, truth.lower, truth.centre, truth.axis)
    centre = {"centre_x_px": motion.pop("point_x_px"), "centre_y_px": motion.pop("point_y_px")}
    axis = {name: motion.pop(name) for name in ("axis_x", "axis_y")}
    return {
        "side": truth.side,
        "joint": truth.joint,
        "jsw_mm": truth.jsw_mm,
        "jsn_mm": truth.jsn_mm,
        "jsn_projected_mm": truth.jsn_projected_mm,
        "svdh_narrowing": truth.svdh_narrowing,
        "svdh_erosion": truth.svdh_erosion,
        "rotation_deg": truth.rotation_deg,
        "flexion_deg": truth.flexion_deg,
        "slide_mm": truth.slide_mm,
        "roll_upper_deg": truth.roll_upper_deg,
        "roll_lower_deg": truth.roll_lower_deg,
        **centre,
        **axis,
        **motion,
        **_grade_record(truth.grades),
    }


def _grade_record(grades: JointGrades | None) -> Record:
    if grades is None:
        return {}
    return {
        "svdh_narrowing_3d": grades.narrowing_3d,
        "svdh_erosion_3d": grades.erosion_3d,
        "mark": grades.mark,
        "mark_3d": grades.mark_3d,
        "not_scored": grades.not_scored,
        "width_mm": grades.width_mm,
        "healthy_width_mm": grades.healthy_width_mm,
        "population_width_mm": grades.population_width_mm,
    }
