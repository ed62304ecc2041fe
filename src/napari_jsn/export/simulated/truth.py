"""Tables of simulated radiographs: ``radiographs.csv`` (one row per radiograph) and ``truth.csv`` (one per joint)."""

from __future__ import annotations

from napari_jsn.registration.record import Record, motion_record
from napari_jsn.simulation.simulated_radiograph import JointTruth, SimulatedRadiograph

TRUTH = "truth.csv"


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
    return [{**common, **joint_record(truth)} for truth in simulated.truths]


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
    }
