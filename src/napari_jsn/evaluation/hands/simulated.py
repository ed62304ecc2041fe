"""Simulate hands at two visits with the command ``napari-jsn simulate``, and read the DICOM files and their truth.

Every patient is simulated by one call with a seed of its own, so a run that was stopped continues where it was.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from napari_jsn.common.csv_files import read_records
from napari_jsn.joint import JOINT_IMAGE_MM, Joint

#: This file is written after all others: a folder that contains it is complete.
_DONE = "done"

#: One row of ``truth.csv``.
Row = dict[str, str]


@dataclass(frozen=True)
class SimulatedHand:
    """The radiographs of one hand at two visits, and the rows of ``truth.csv`` by visit and joint."""

    patient: str
    side: str
    paths: tuple[Path, Path]
    truth: dict[tuple[int, str], Row]
    pitch_mm: float = float("nan")

    def boxes(self) -> dict[tuple[int, str | None], list[Joint]]:
        """Return the true boxes of all joints by visit and side."""
        boxes: dict[tuple[int, str | None], list[Joint]] = {}
        for (visit, joint), row in self.truth.items():
            centre = float(row["centre_y_px"]), float(row["centre_x_px"])
            axis = float(row["axis_y"]), float(row["axis_x"])
            size = JOINT_IMAGE_MM / float(row["spacing_mm"])
            boxes.setdefault((visit, self.side), []).append(Joint.around(joint, self.side, centre, axis, size))
        return boxes


#: Pixel pitches of the detector that are simulated, in mm. Each has patients of its own.
PITCHES_MM = (0.1, 0.144, 0.2)


def simulated_hands(
    patients: int, seed: int, pitch_mm: float, cache: Path, grades: str = ""
) -> Iterator[SimulatedHand]:
    """Yield both hands of each patient, with one radiograph per hand and visit.

    The hands are simulated if the cache does not contain them. Seeds must differ by less than 1000 patients. With
    ``grades``, "uniform" or "natural", they have damage, and move between the visits, as with
    ``simulate --grades``.
    """
    kind = f"-{grades}" if grades else ""
    for patient in range(patients):
        folder = cache / f"hands-{pitch_mm:g}-{seed}{kind}" / f"{patient:03d}"
        if not (folder / _DONE).exists():
            # Run the command in a subprocess: ``evaluation`` must not import ``export``, which writes simulated files.
            options = {
                "--patients": 1, "--visits": 2, "--hands": "each", "--seed": 1000 * seed + patient,
                "--spacing-mm": pitch_mm, **({"--grades": grades} if grades else {}),
            }  # fmt: skip
            words = [str(word) for option in options.items() for word in option]
            command = [sys.executable, "-m", "napari_jsn.cli", "simulate", "--out", str(folder), *words]
            subprocess.run(command, check=True, stdout=sys.stderr)
            (folder / _DONE).write_text("")
        for hand in read_hands(folder):
            yield replace(hand, patient=f"{seed}-{patient:03d}", pitch_mm=pitch_mm)


def hands_at_pitches(patients: int, seed: int, cache: Path, grades: str = "") -> Iterator[SimulatedHand]:
    """Yield the hands of as many patients at each of the pitches; their seeds are ``seed``, ``seed + 1``, ..."""
    for k, pitch_mm in enumerate(PITCHES_MM):
        yield from simulated_hands(patients, seed + k, pitch_mm, cache, grades)


def read_hands(folder: Path) -> Iterator[SimulatedHand]:
    """Yield the hands of a folder that ``napari-jsn simulate --visits 2 --hands each`` wrote."""
    rows = read_records(folder / "truth.csv")
    for patient, side in sorted({(row["patient"], row["side"]) for row in rows}):
        hand_rows = [row for row in rows if (row["patient"], row["side"]) == (patient, side)]
        files = {int(row["visit"]): folder / row["file"] for row in hand_rows}
        truth = {(int(row["visit"]), row["joint"]): row for row in hand_rows}
        yield SimulatedHand(patient, side, (files[1], files[2]), truth)
