from dataclasses import replace

import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.patient.check_hands import check_hands, check_sides
from napari_jsn.patient.check_tags import check_tags, leave_out_oblique
from napari_jsn.patient.patient import Patient, Visit
from tests.patient.hands import film, found


def study(*visits):
    """Each visit a film, or several; days and pixels differ unless stated."""
    films = [visit if isinstance(visit, tuple) else (visit,) for visit in visits]
    return Patient(tuple(Visit.from_radiographs(n, some[0].day, some) for n, some in enumerate(films, start=1)))


def checked(patient):
    """Notes of the checks before hands are searched."""
    patient = check_tags(leave_out_oblique(patient))
    return [*patient.notes, *check_sides(patient)]


def checked_hands(patient, hands):
    """Notes of all checks, with the joints found on each hand by visit and side."""
    notes = checked(patient)
    with_joints = {
        visit.number: [replace(hand, found=hands.get(hand.place)) for hand in visit.hands] for visit in patient.visits
    }
    return [*notes, *check_hands(patient.with_hands(with_joints))]


def left(number, day=None, **facts):
    return film("L", **{"day": day or f"202{number}-01-06", "seed": number, "side": "L", **facts})


TWO = study(left(0), left(1))
FOUND = {(1, "L"): found("L"), (2, "L"): found("L")}


def messages(one, hands=None):
    with pytest.raises(InputError) as error:
        checked(one) if hands is None else checked_hands(one, hands)
    return str(error.value)


def test_two_visits_of_one_hand_are_fine():
    assert checked_hands(TWO, FOUND) == []
    assert checked_hands(TWO, {}) == []  # boxes set by hand


def test_two_films_of_one_hand_on_one_day():
    words = messages(study((left(0, path="a.dcm"), left(0, seed=5, path="b.dcm")), left(1)))
    assert "Visit 1 (2020-01-06) has two radiographs of the left hand (a.dcm and b.dcm). Leave out" in words


@pytest.mark.parametrize(
    "view",
    [
        "LL",
        "LAT",
        "Lateral",
        "oblique",
        "LLO",
        "medio-lateral",
        "ball catcher",
        "PA_OBL",
        "LATERAL_OBL",
        "LAT_L",
        "OBLIQ",
        "PAOBL",
        "obl. 1",
        "AP/LAT",
        "seitlich",
        "Schr\u00e4gaufnahme",
        "mediolateral",
        "profil",
        "Zitherspieler",
        "N\u00f8rgaard",
        "MLO",
        "PA 3/4",
        "trois quarts",
        "PA45",
        "PA 45",
        "45\u00b0",
        "OBQ",
        "Seitenansicht",
    ],
)
def test_lateral_and_oblique_views(view):
    assert "Visit 2, left is a lateral or oblique view" in messages(study(left(0), left(1, view=view)))


@pytest.mark.parametrize(
    "view",
    [
        "",
        "PA",
        "AP",
        "postero-anterior",
        "bilateral",
        "unilateral",
        "dorsopalmar",
        "HAND PA",
        "DP",
        "P.A.",
        "A-P",
        "D.V.",
        "face",
    ],
)
def test_other_views_pass(view):
    assert checked(study(left(0), left(1, view=view))) == []


def test_the_view_code_counts_where_there_is_no_view_position():
    assert "lateral or oblique view (lateral projection)" in messages(
        study(left(0), left(1, view_code="lateral projection"))
    )


@pytest.mark.parametrize(
    ("view", "code"),
    [
        ("PA", "lateral projection"),
        ("AP", "oblique projection"),
        ("postero-anterior", "medio-lateral"),
        ("PA", "antero-posterior"),
        ("AP", "postero-anterior"),
        ("PA", "postero-anterior oblique (dp)"),
    ],
)
def test_a_view_position_that_the_code_contradicts_is_noted(view, code):
    (note,) = checked(study(left(0), left(1, view=view, view_code=code)))
    assert f"View Position states {view}, but View Code Sequence states {code}" in note


@pytest.mark.parametrize("view", ["skyline", "Streiflicht", "ROTATED", "L DECUBITUS", "PAX"])
@pytest.mark.parametrize("attribute", ["view", "view_code"])
def test_a_view_that_is_not_known_is_noted(view, attribute):
    (note,) = checked(study(left(0), left(1, **{attribute: view})))
    assert f"states {view}, which is not a known view; check that it is a posteroanterior view" in note
    assert view not in note.public


@pytest.mark.parametrize("view", ["HAND", "unknown", "?"])
def test_a_view_position_that_names_no_view_leaves_it_to_the_code(view):
    assert "lateral or oblique view (oblique)" in messages(study(left(0), left(1, view=view, view_code="oblique")))
    assert checked(study(left(0), left(1, view=view, view_code="postero-anterior"))) == []


def test_a_description_of_an_oblique_view_is_noted():
    (note,) = checked(study(left(0), left(1, view="PA", described_oblique=True)))
    assert note.startswith("Visit 2, left: the description of its series names a lateral or oblique view")


@pytest.mark.parametrize("aspect", [2.0, 0.5, 1.25])
def test_pixels_that_are_not_square_need_a_size(aspect):
    words = messages(study(left(0, spacing_mm=None), left(1, spacing_mm=None, pixel_aspect=aspect)))
    assert "The pixels of visit 2, left are not square" in words and "Give spacing_mm" in words


def test_visits_out_of_order_and_on_one_day():
    assert "out of order: visit 2 (2020-01-06) was taken before visit 1" in messages(study(left(1), left(0)))
    (note,) = checked(study(left(0), left(1, day="2020-01-06")))
    assert note == "Visits 1 and 2 were taken on the same day (2020-01-06)."
    assert checked(study(film("L", day="", side="L"), left(1), left(2))) == []  # the order was given


def test_another_hand_at_follow_up():
    right = film("R", day="2021-01-06", seed=4, side="R")
    assert "Visit 1 shows the left hand and visit 2 the right" in messages(study(left(0), right))
    assert checked(study(left(0), (right, left(1)))) == ["Visit 1 does not show the right hand."]


def test_one_image_twice():
    assert checked(study(left(0), left(1, seed=0))) == ["Visit 1, left and visit 2, left are the same image."]
    assert "cannot show two hands" in messages(study((left(0), left(0, side="R")), left(1)))


def test_spacing_that_only_some_films_have():
    words = messages(study(left(0), left(1, spacing_mm=None)))
    assert "Visit 2, left does not state its pixel spacing, but visit 1, left does. Give spacing_mm" in words
    unknown = study(left(0, spacing_mm=None), left(1, spacing_mm=None))
    assert checked_hands(unknown, FOUND) == ["No pixel spacing is known: lengths are in pixels, not in mm."]
    (note,) = checked(study(left(0), left(1, spacing_source="at detector")))
    assert "different kinds" in note and "at detector (visit 2, left)" in note


def test_no_hand():
    nothing = FoundJoints(reasons=(Reason(ReasonCode.NO_HAND, "This looks like no hand."),))
    words = messages(TWO, {**FOUND, (2, "L"): nothing})
    assert "Visit 2, left shows no hand that can be measured. This looks like no hand. Give" in words


def test_what_is_doubtful_is_noted():
    doubtful = replace(found("L"), reasons=(Reason(ReasonCode.HAND_TOO_COARSE, "The hand is cut off."),))
    assert checked_hands(TWO, {**FOUND, (2, "L"): doubtful}) == ["Visit 2, left: The hand is cut off."]
    (note,) = checked_hands(TWO, {**FOUND, (2, "L"): found("L", "R")})
    assert "Visit 2, left: one hand is stated, but the radiograph shows both" in note
    palm_up = study(left(0), left(1, view="AP", side_source=found("L").side_source))
    (note,) = checked_hands(palm_up, FOUND)
    assert "anteroposterior" in note


def test_a_hand_that_looks_like_the_other():
    other = replace(found("L"), contradicts=True)
    assert "Visit 2 looks like the right hand, but its stated side is left" in messages(TWO, {**FOUND, (2, "L"): other})
    (note,) = checked_hands(TWO, {(1, "L"): other, (2, "L"): other})
    assert "mirrored" in note


def test_hands_as_rulers():
    larger = {**FOUND, (2, "L"): found("L", size=1.1)}
    assert "hand is 10% larger at visit 2 than at visit 1: one of the spacings is wrong" in messages(TWO, larger)
    given = study(left(0, spacing_source="given"), left(1, spacing_source="given"))
    (note,) = checked_hands(given, larger)
    assert "10% larger" in note
    assert checked_hands(TWO, {**FOUND, (2, "L"): found("L", size=0.95)}) == []
    huge = study(left(0, spacing_mm=1.0), left(1, spacing_mm=1.0))
    assert "which is impossible" in messages(huge, {(1, "L"): found("L", size=1.0), (2, "L"): found("L")})
    few = ("MCP2", "PIP2")  # too few to tell
    assert checked_hands(TWO, {**FOUND, (2, "L"): found("L", size=1.2, joints=few)}) == []


@pytest.mark.parametrize(
    ("size", "stretch", "noted"),
    [
        (1.0, (1.07, 1.0), "fingers changed by +7%, but the width of the palm by +0%"),
        (1.0, (1.0, 1.07), "fingers changed by +0%, but the width of the palm by +7%"),
        (1.0, (0.93, 1.0), "fingers changed by -7%, but the width of the palm by +0%"),
        (0.97, (1.07, 1.0), "fingers changed by +4%, but the width of the palm by -3%"),
        (1.0, (1.04, 1.0), ""),
        (1.05, (1.0, 1.0), ""),
    ],
)
def test_a_hand_that_is_stretched_since_baseline_is_noted(size, stretch, noted):
    patient = study(left(0), left(1, spacing_mm=(0.5 * stretch[0], 0.5 * stretch[1])))
    notes = checked_hands(patient, FOUND | {(2, "L"): found("L", size=size)})
    assert bool(noted) == (len(notes) == 1) and all(noted in note for note in notes)
    assert all(note.startswith("Visit 2, left: since baseline") for note in notes)
