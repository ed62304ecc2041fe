"""Copies of a radiograph, and different radiographs with one identifier; one exposure stored in two kinds."""

import numpy as np
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.patient.check_tags import check_tags, keep_one_intent
from napari_jsn.patient.find_hands import find_hands
from napari_jsn.patient.read import patient_from_radiographs, read_patient
from tests.patient.sample_files import write_sample

RIGHT = {"Laterality": "R", "ImageLaterality": "R"}
ONE_UID = {"SOPInstanceUID": "1.2.3"}
NO_SIDE = {"Laterality": None, "ImageLaterality": None}
NOTE = "Different radiographs have the same SOP Instance UID; all were used."
PROCESSING, PRESENTATION = ({"PresentationIntentType": f"FOR {kind}"} for kind in ("PROCESSING", "PRESENTATION"))


def mirrored(pixels):
    return pixels[:, ::-1]


def sharpened(pixels):
    return np.clip(pixels.astype(float) * 1.1, 0, 4095)


def noisy(pixels):
    """As a lossy compression changes the pixels."""
    return pixels + np.random.default_rng(0).integers(0, 3, pixels.shape)


def sides(patient):
    return [[radiograph.side for radiograph in visit.radiographs] for visit in patient.visits]


@pytest.mark.parametrize("stated", [RIGHT, {"Laterality": None, "ImageLaterality": "R"}, NO_SIDE])
def test_different_hands_with_one_identifier_are_all_used(tmp_path, stated):
    for visit in (1, 2):
        write_sample(tmp_path / f"visit{visit}_a.dcm", visit, **ONE_UID)
        write_sample(tmp_path / f"visit{visit}_b.dcm", visit, mirrored, **ONE_UID, **stated)
    patient = read_patient(tmp_path, split=False)
    assert [len(visit.radiographs) for visit in patient.visits] == [2, 2]
    assert NOTE in patient.notes and not any("more than once" in note for note in patient.notes)


def test_two_exposures_of_one_hand_with_one_identifier_are_refused(tmp_path):
    write_sample(tmp_path / "a.dcm", 1, **ONE_UID)
    write_sample(tmp_path / "b.dcm", 1, lambda pixels: np.roll(pixels, 3, 1), **ONE_UID)
    write_sample(tmp_path / "c.dcm", 2)
    with pytest.raises(InputError, match="two radiographs of the left hand"):
        find_hands(read_patient(tmp_path, split=False))


@pytest.mark.parametrize("stated", [RIGHT, {"ImageLaterality": "R"}])
def test_one_image_stated_for_both_hands_is_no_copy(tmp_path, stated):
    write_sample(tmp_path / "a.dcm", 1, **ONE_UID)
    write_sample(tmp_path / "b.dcm", 1, **ONE_UID, **stated)
    assert sides(read_patient(tmp_path, split=False)) == [["R", "L"]]


@pytest.mark.parametrize(
    ("pixels", "attributes"),
    [(None, ONE_UID), (noisy, ONE_UID), (None, {"SOPInstanceUID": "1.2.4"}), (None, ONE_UID | NO_SIDE)],
)
@pytest.mark.parametrize("name", ["a.dcm", "z.dcm"])
def test_copies_are_used_once(tmp_path, name, pixels, attributes):
    write_sample(tmp_path / "b.dcm", 1, **ONE_UID)
    write_sample(tmp_path / name, 1, pixels, **attributes)
    patient = read_patient(tmp_path, split=False)
    assert sides(patient) == [["L"]]
    assert patient.notes == ("Visit 1: a radiograph that occurs more than once is used once.",)


def kinds(patient):
    return [[radiograph.presentation_intent[4:] for radiograph in visit.radiographs] for visit in patient.visits]


@pytest.mark.parametrize(
    ("first", "second", "used"),
    [
        ((PROCESSING, PRESENTATION), (PROCESSING, PRESENTATION), "PRESENTATION"),
        ((PROCESSING, PRESENTATION), (PROCESSING,), "PROCESSING"),
        ((PRESENTATION,), (PRESENTATION, PROCESSING), "PRESENTATION"),
    ],
)
@pytest.mark.parametrize("side", [{}, NO_SIDE])
def test_one_kind_is_used_at_all_visits(tmp_path, first, second, used, side):
    paths = [
        [
            write_sample(
                tmp_path / f"v{visit}_{number}.dcm", visit, sharpened if kind is PRESENTATION else None,
                SOPInstanceUID=f"1.{visit}.{number}", **kind, **side,
            )
            for number, kind in enumerate(some)
        ]
        for visit, some in enumerate((first, second), start=1)
    ]  # fmt: skip
    for patient in (read_patient(tmp_path, split=False), patient_from_radiographs(*paths, split=False)):
        patient = check_tags(keep_one_intent(patient))
        assert kinds(patient) == [[used], [used]]
        assert len([note for note in patient.notes if f"the file FOR {used} was used" in note]) == (
            (len(first) > 1) + (len(second) > 1)
        )
        assert not any("different kinds" in note for note in patient.notes)


@pytest.mark.parametrize("order", [(PROCESSING, PRESENTATION), (PRESENTATION, PROCESSING)])
def test_visits_of_different_kinds_are_noted(tmp_path, order):
    paths = [write_sample(tmp_path / f"{visit}.dcm", visit, **kind) for visit, kind in enumerate(order, start=1)]
    (note,) = check_tags(keep_one_intent(patient_from_radiographs(*paths, split=False))).notes
    assert "FOR PROCESSING" in note and "FOR PRESENTATION" in note and "different kinds" in note


def test_kinds_that_are_not_stated_or_equal_are_not_noted(tmp_path):
    for number, kind in enumerate(({}, PRESENTATION, PROCESSING)):
        paths = [write_sample(tmp_path / f"{number}{visit}.dcm", visit, **kind) for visit in (1, 2)]
        assert check_tags(keep_one_intent(patient_from_radiographs(*paths, split=False))).notes == ()


def test_two_exposures_are_not_a_pair(tmp_path):
    """Two of one kind beside one of the other: it cannot be known which belong together."""
    for number, kind in enumerate((PROCESSING, PRESENTATION, PRESENTATION)):
        write_sample(tmp_path / f"{number}.dcm", 1, lambda pixels, n=number: np.roll(pixels, n), **kind,
                     SOPInstanceUID=f"1.{number}")  # fmt: skip
    assert kinds(keep_one_intent(read_patient(tmp_path, split=False))) == [["PROCESSING"] + ["PRESENTATION"] * 2]


@pytest.mark.parametrize("stated", [{"BodyPartExamined": "FOOT"}, {"BodyPartExamined": "ANKLE"}, {"Modality": "MR"}])
@pytest.mark.parametrize("place", [0, 1])
def test_files_given_one_by_one_are_checked_like_a_folder(tmp_path, stated, place):
    paths = [write_sample(tmp_path / f"{v}.dcm", v, **(stated if v == place + 1 else {})) for v in (1, 2)]
    with pytest.raises(InputError) as error:
        patient_from_radiographs(*paths, split=False)
    assert str(paths[place]) in str(error.value) and "is not a radiograph of hands" in str(error.value)
    assert next(iter(stated.values())) in str(error.value)
