"""The tables of simulated films: ``radiographs.csv``, a row a film, and ``truth.csv``, a row a joint."""

from __future__ import annotations

from napari_jsn.registration.record import Record, motion_record
from napari_jsn.simulation.simulated_radiograph import JointTruth, SimulatedRadiograph

TRUTH = "truth.csv"


def film_record(film: SimulatedRadiograph, file: str) -> Record:
    """What a reader must know of a film, in a flat row: of PNG and TIFF files nothing else tells it.

    Parameters
    ----------
    film : SimulatedRadiograph
    file : str
        Its path relative to the table.
    """
    return {
        "file": file,
        "patient": film.patient,
        "visit": film.visit,
        "acquired": film.acquired.isoformat(),
        "side": film.sides[0] if len(film.sides) == 1 else "B",
        "spacing_mm": film.spacing_mm,
        "detector_spacing_mm": film.detector_spacing_mm,
        "magnification": film.magnification,
    }


def truth_records(film: SimulatedRadiograph, file: str) -> list[Record]:
    """The joints of a film in flat rows; names carry units, pixels are the film's, ``(x, y)`` is (col, row).

    Parameters
    ----------
    film : SimulatedRadiograph
    file : str
        Its path relative to the table.
    """
    facts = film_record(film, file)
    return [{**facts, **joint_record(truth)} for truth in film.truths]


def joint_record(truth: JointTruth) -> Record:
    """One joint's truth in a flat row."""
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
        "turn_deg": truth.turn_deg,
        "flexion_deg": truth.flexion_deg,
        "slide_mm": truth.slide_mm,
        "roll_upper_deg": truth.roll_upper_deg,
        "roll_lower_deg": truth.roll_lower_deg,
        **centre,
        **axis,
        **motion,
    }
