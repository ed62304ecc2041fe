"""Short representations, and those for notebooks: they name the result and escape what comes from outside."""

from dataclasses import replace

import pytest

import napari_jsn as jsn
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.patient.patient import Patient, Visit
from tests.progression.made_up import progression


@pytest.fixture(scope="module")
def results():
    made_up = progression()
    hand = made_up.hands[0]
    patient = Patient((Visit.from_radiographs(1, hand.day, (hand.radiograph,)),), "P001", ("A <note>.",))
    joints = FoundJoints(tuple(view.joint for view in hand.joints), (("L", "PIP5"),), ("L",))
    registration = next(row.registration for row in made_up.narrowings if row.registration is not None)
    return {"Progression": made_up, "Patient": patient, "FoundJoints": joints, "Registration": registration}


@pytest.mark.parametrize("name", ["Progression", "Patient", "FoundJoints", "Registration"])
def test_representations_are_short_and_notebooks_get_a_table_or_a_picture(results, name):
    assert repr(results[name]).startswith(f"<{name}") and len(repr(results[name])) < 200
    html = results[name]._repr_html_()
    assert name in html and ("<table>" in html or "<svg" in html)


def test_texts_from_outside_are_escaped(results):
    assert "A &lt;note&gt;." in results["Patient"]._repr_html_()
    evil = replace(results["Progression"], notes=("<script>",), patient_id="<b>")
    assert "<script>" not in evil._repr_html_() and "&lt;b&gt;" in evil._repr_html_()


def test_a_progression_without_figures_has_representations_too():
    nothing = jsn.Progression((), ())
    assert "0 narrowings" in repr(nothing) and "0 narrowings" in nothing._repr_html_()


def test_narrowing_and_estimate_are_short(results):
    row = results["Progression"].narrowings[0]
    assert repr(row).startswith("<Narrowing: MCP1 L, visit 2") and len(repr(row)) < 120
