"""Simulated hands at two visits as DICOM files, written once and kept, and their truth."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_jsn.export.simulated.truth import TRUTH
from napari_jsn.export.simulated.writer import RadiographWriter
from napari_jsn.joint import Joint
from napari_jsn.localization.shape import BOX_MM
from napari_jsn.simulation.hand import simulate

#: Written last: the folder holds all it should.
_DONE = "done"

Row = dict[str, str]


@dataclass(frozen=True)
class SimulatedHand:
    """The two films of one hand, and the rows of ``truth.csv`` by visit and joint."""

    patient: str
    side: str
    paths: tuple[Path, Path]
    truth: dict[tuple[int, str], Row]

    def boxes(self) -> dict[tuple[int, str | None], list[Joint]]:
        """The true places of all joints as boxes of both visits."""
        found: dict[tuple[int, str | None], list[Joint]] = {}
        for (visit, joint), row in self.truth.items():
            centre, axis = ((float(row[f"{what}_y{unit}"]), float(row[f"{what}_x{unit}"])) for what, unit in
                            (("centre", "_px"), ("axis", "")))  # fmt: skip
            size = BOX_MM / float(row["spacing_mm"])
            found.setdefault((visit, self.side), []).append(Joint.around(joint, self.side, centre, axis, size))
        return found


def simulated_hands(patients: int, seed: int, cache: Path) -> Iterator[SimulatedHand]:
    """Both hands of each patient, a film each at two visits; simulated where they are not in the cache."""
    folder = cache / f"hands-{seed}-{patients}"
    if not (folder / _DONE).exists():
        with RadiographWriter(folder, radiographs_per_visit=2, key=("benchmark", str(seed))) as writer:
            for film in simulate(patients, 2, seed, "each"):
                writer.add(film)
                print(f"{writer.radiographs} of {4 * patients} films simulated", file=sys.stderr, end="\r", flush=True)
        (folder / _DONE).write_text("")
    with (folder / TRUTH).open(newline="") as file:
        rows = list(csv.DictReader(file))
    for patient, side in sorted({(row["patient"], row["side"]) for row in rows}):
        mine = [row for row in rows if (row["patient"], row["side"]) == (patient, side)]
        files = {int(row["visit"]): folder / row["file"] for row in mine}
        yield SimulatedHand(
            patient, side, (files[1], files[2]), {(int(row["visit"]), row["joint"]): row for row in mine}
        )
