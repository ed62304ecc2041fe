"""Short representations, and those for notebooks: they name the result and escape what comes from outside."""

import pickle
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

import napari_jsn as jsn
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.patient.patient import Hand, Patient, Visit
from napari_jsn.radiograph.resampling import Thumbnail
from napari_jsn.segmentation.found_bones import FoundBones
from tests.progression.made_up import progression


@pytest.fixture(scope="module")
def results():
    measured = progression()
    hand = measured.hands[0]
    patient = Patient((Visit.from_radiographs(1, hand.day, (hand.radiograph,)),), "P001", ("A <note>.",))
    joints = FoundJoints(
        tuple(view.joint for view in hand.joints), (("L", "PIP5"),), ("L",), thumbnail=Thumbnail.of(hand.radiograph)
    )
    registration = next(row.registration for row in measured.narrowings if row.registration is not None)
    return {"Progression": measured, "Patient": patient, "FoundJoints": joints, "Registration": registration}


@pytest.mark.parametrize("name", ["Progression", "Patient", "FoundJoints", "Registration"])
def test_representations_are_short_and_notebooks_get_a_table_and_a_picture(results, name):
    assert repr(results[name]).startswith(f"<{name}") and len(repr(results[name])) < 200
    html = results[name]._repr_html_()
    assert name in html and "<table>" in html and "<svg" in html and "data:image/jpeg" in html


def test_the_table_of_a_progression_states_value_interval_state_and_reason(results):
    table = results["Progression"]._repr_html_().split("<table>")[1].split("</table>")[0]
    cells = [row.split("</td>")[0] for row in table.split("<td>")[1:]]
    rows = [cells[k : k + 6] for k in range(0, len(cells), 6)]
    shown = {row[0]: row for row in rows}
    assert len(rows) == len(results["Progression"].narrowings)
    assert shown["MCP1"][4] == "failed" and shown["MCP1"][5]
    assert shown["PIP5"][2:4] == ["", ""] and "not in view" in shown["PIP5"][5]
    assert shown["MCP2"][4] == "good" and " to " in shown["MCP2"][3] and shown["MCP2"][5] == ""


def test_the_title_of_a_registration_states_method_result_and_interval(results):
    registration = results["Registration"]
    title = registration._repr_html_().split("<b>")[1].split("</b>")[0]
    low, high = registration.ci95_mm
    assert registration.method in title and f"{registration.jsn_mm:+.3f} mm" in title
    assert f"[{low:+.3f}, {high:+.3f}]" in title


@pytest.mark.parametrize(("shape", "spacing_mm"), [((2400, 1800), 0.1), ((500, 900), (0.2, 0.1)), ((90, 640), None)])
def test_a_thumbnail_is_small_and_shows_points_where_they_are(shape, spacing_mm):
    pixels = np.zeros(shape, np.float32)
    row, col = 2 * shape[0] // 3, shape[1] // 3
    pixels[row - 5 : row + 6, col - 5 : col + 6] = 1.0
    small = Thumbnail.of(jsn.Radiograph(pixels, spacing_mm))
    assert max(small.pixels.shape) <= 320 and small.pixels.nbytes <= 320**2
    weights = small.pixels / small.pixels.sum()
    centre = [float((weights * axis).sum()) for axis in np.indices(small.pixels.shape)]
    assert small.corners(np.array([[row, col]]))[0] == pytest.approx(centre, abs=0.1)


def test_joints_without_a_radiograph_have_a_table(results):
    plain = replace(results["FoundJoints"], thumbnail=None)
    assert "<table>" in plain._repr_html_() and "<svg" not in plain._repr_html_()


def test_the_thumbnail_is_no_part_of_equality_and_pickles_stay_small(results):
    found = results["FoundJoints"]
    assert found == replace(found, thumbnail=None)
    assert len(pickle.dumps(found)) < 120_000


def test_texts_from_outside_are_escaped(results):
    assert "A &lt;note&gt;." in results["Patient"]._repr_html_()
    with_markup = replace(results["Progression"], notes=("<script>",), patient_id="<b>")
    assert "<script>" not in with_markup._repr_html_() and "&lt;b&gt;" in with_markup._repr_html_()


def test_a_progression_without_figures_has_representations_too():
    nothing = jsn.Progression((), ())
    assert "0 narrowings" in repr(nothing) and "0 narrowings" in nothing._repr_html_()


def test_narrowing_and_estimate_are_short(results):
    row = results["Progression"].narrowings[0]
    assert repr(row).startswith("<Narrowing: MCP1 L, visit 2") and len(repr(row)) < 120


def objects():
    upper = np.zeros((60, 50), bool)
    upper[:30] = True
    pixels = np.eye(60, 50, dtype=np.float32)
    name = "a very long file name of a radiograph that goes on.dcm"
    long = jsn.Radiograph(pixels, (0.2, 0.1), "L", datetime(2020, 1, 6, 10, 30), modality="DX", name=name)
    return {
        "<JointImage: 60 x 50 pixels of 0.08757 mm>": jsn.JointImage(pixels, 0.08757),
        "<JointImage: 60 x 50 pixels>": jsn.JointImage(pixels),
        "<BoneMasks: 60 x 50 pixels, upper 50 %, lower 50 %>": jsn.BoneMasks(upper, ~upper),
        "<FoundBones: 60 x 50 pixels, upper 50 %, lower 50 %, confidence 0.97>": FoundBones(upper, ~upper, (), 0.97),
        "<Radiograph a very long file n...h that goes on.dcm: 60 x 50 pixels of 0.2 x 0.1 mm, L, 2020-01-06>": long,
        "<Radiograph: 60 x 50 pixels>": jsn.Radiograph(pixels),
    }


@pytest.mark.parametrize("expected", objects())
def test_objects_that_hold_pixels_have_short_representations(expected):
    assert repr(objects()[expected]) == expected and len(expected) < 110


def test_one_of_a_kind_is_singular(results):
    hand = results["Progression"].hands[0]
    joint = hand.joints[0].joint
    visit = Visit(1, hand.day, (Hand(1, hand.day, hand.radiograph, FoundJoints((joint,))),))
    shown = " ".join(map(repr, (visit, visit.hands[0], visit.hands[0].found, Patient((visit,)))))
    for singular in ("1 radiograph", "1 joint", "1 visit"):
        assert singular in shown and f"{singular}s" not in shown
    assert "1 narrowing over 1 visit," in repr(jsn.Progression((hand,), results["Progression"].narrowings[:1]))
