"""Changes of a follow-up and of the polarity, and the tables that count what is noted; measuring is replaced."""

from dataclasses import replace

import numpy as np
import pytest

import napari_jsn as jsn
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.evaluation.hands import changed, negatives
from napari_jsn.evaluation.hands.simulated import SimulatedHand
from tests.progression.made_up import progression

#: A blob at this (row, col) of an image with 101 rows and 81 columns.
PLACE, SHAPE = (30.0, 60.0), (101, 81)


def blob_after(change):
    rows, cols = np.indices(SHAPE)
    blob = np.exp(-((rows - PLACE[0]) ** 2 + (cols - PLACE[1]) ** 2) / 8).astype(np.float32)
    moved = change(blob)
    weights = moved / moved.sum()
    return tuple(float((weights * index).sum()) for index in (rows, cols))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (changed.matrix((1.1, 0), (0, 1)), (50 - 22, 60)),
        (changed.matrix((1, 0), (0.1, 1)), (30, 60 - 2)),
        (changed.keystone(0.0), PLACE),
        (changed.motion(5, 90), PLACE),
        (changed.blur(1.0), PLACE),
        # 0.3 of the height from the top of the shown image: 1 - 0.7 * 0.1 is the width there
        (changed.keystone(0.1), (100 * 0.3 * 0.9 / (1 - 0.3 * 0.1), 40 + 20 * (1 - 0.1 * (1 - 0.2784)))),
    ],
)
def test_changes_move_what_they_state(change, place):
    assert blob_after(change) == pytest.approx(place, abs=0.15)


def test_a_barrel_distortion_moves_the_corners_and_not_the_middle():
    image = np.zeros(SHAPE, np.float32)
    image[50, 40] = image[2:4, 2:4] = 1
    moved = changed.barrel(0.1)(image)
    assert moved[50, 40] == pytest.approx(1) and moved[2:4, 2:4].max() < 0.5 and moved[5:8, 4:7].max() > 0.5


def test_every_change_is_measured_and_counted(monkeypatch):
    sound = [row for row in progression().narrowings if row.registration is not None and row.reliable]
    blurred = [replace(row, narrowing_px=row.narrowing_px.plus(1.0)) for row in sound]
    failed = [replace(row, reasons=(Reason(ReasonCode.STRETCHED),)) for row in sound]
    found = {
        changed.SOUND: (sound, ()),
        "blur of 0.5 pixels": (blurred, ()),
        "shear of 2 %": (failed, ("Visit 2, left: it is stretched by 4.0 % in one direction.",)),
    }
    results = iter(found.values())

    def measure(first, second):
        rows, notes = next(results)
        return replace(progression(), narrowings=tuple(rows), notes=notes)

    monkeypatch.setattr(changed, "measure", measure)
    films = tuple(sorted(jsn.sample_folder("hand_pair").glob("*.dcm")))
    rows = changed.measure_changed(SimulatedHand("1", "L", films, {}), list(found)[1:])
    assert [(each.noted, each.with_reason) for each in rows] == [(False, False), (False, False), (True, True)]
    lines = changed.changed_lines(rows)
    count = len(sound)
    assert "| sound | 1 | 0 | 0 |  |" in lines
    assert any(line.startswith(f"| blur of 0.5 pixels | 1 | 0 | 0 | {count} of {count} (") for line in lines)
    assert "| shear of 2 % | 1 | 1 | 1 | 0 of 0 |" in lines


def test_radiographs_and_negatives_are_counted(monkeypatch, tmp_path):
    films = tuple(sorted(jsn.sample_folder("hand_pair").glob("*.dcm")))
    dark = []

    def find_joints(radiograph):
        dark.append(len(dark) % 2 == 1)  # each radiograph is followed by its negative
        return ["MCP2"]

    monkeypatch.setattr(negatives, "find_joints", find_joints)
    monkeypatch.setattr(negatives, "bones_are_dark", lambda pixels, joints: dark[-1])
    monkeypatch.setenv("NAPARI_JSN_DATA", str(tmp_path))
    found = negatives.find_negatives([SimulatedHand("1", "L", films, {})])
    lines = negatives.negatives_lines(found)
    assert lines[-3:-1] == ["| simulated, as they are | 2 | 2 | 0 |", "| simulated, negative | 2 | 2 | 2 |"]
