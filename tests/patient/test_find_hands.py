"""Finding the hands of a patient: radiographs that are negatives are inverted once, with a note."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from PIL import Image

import napari_jsn as jsn
from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import ReasonCode
from napari_jsn.patient.find_hands import find_hands
from napari_jsn.patient.read import patient_from_radiographs, read_patient
from napari_jsn.patient.side_marker import read_marker
from tests.patient.hands import not_square

PAIR = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
BOTH = sorted(jsn.sample_folder("both_hands").glob("*.dcm"))[:2]


def png(path, to):
    stored = np.round(4095 * (1 - jsn.read_radiograph(path).pixels)).astype("<u2")
    Image.fromarray(stored).save(to.with_suffix(".png"))
    return to.with_suffix(".png")


def inverse(path, to):
    """MONOCHROME2 with Presentation LUT Shape INVERSE, on positive pixels."""
    dataset = pydicom.dcmread(path)
    dataset.decompress()
    dataset.PresentationLUTShape = "INVERSE"
    dataset.save_as(to.with_suffix(".dcm"))
    return to.with_suffix(".dcm")


def array(path, to):
    radiograph = jsn.read_radiograph(path)
    return replace(radiograph, pixels=1 - radiograph.pixels, display_range=None)


def sound(path, to):
    return path


@pytest.mark.parametrize(
    ("paths", "kinds"),
    [
        (PAIR, (png, png)),
        (PAIR, (inverse, inverse)),
        (PAIR, (array, sound)),
        (BOTH, (sound, array)),
        (BOTH, (inverse, inverse)),
    ],
)
def test_a_negative_is_inverted_once_and_noted(tmp_path, paths, kinds):
    given = [kind(path, tmp_path / f"v{k}") for k, (kind, path) in enumerate(zip(kinds, paths, strict=True))]
    spacing_mm = jsn.read_radiograph(paths[0]).spacing_mm
    patient = find_hands(patient_from_radiographs(*given, spacing_mm=spacing_mm))
    expected = find_hands(patient_from_radiographs(*paths, spacing_mm=spacing_mm))
    notes = [note for note in patient.notes if "is a negative; its intensities were inverted" in note]
    negatives = [f"Visit {visit}" for visit, kind in enumerate(kinds, start=1) if kind is not sound]
    assert [note[:7] for note in notes] == negatives
    for hand, right in zip(patient.hands, expected.hands, strict=True):
        np.testing.assert_allclose(hand.radiograph.pixels, right.radiograph.pixels, atol=1e-3)
        assert hand.side == right.side and ReasonCode.BONES_DARK not in {reason.code for reason in hand.reasons}
        centres, right_centres = ([joint.centre for joint in each.joints] for each in (hand, right))
        np.testing.assert_allclose(centres, right_centres, atol=0.5)
    assert find_hands(patient) is patient


def test_given_boxes_stay_on_a_negative():
    boxes = {(k, "L"): list(jsn.find_joints(path)) for k, path in enumerate(PAIR, start=1)}
    patient = find_hands(patient_from_radiographs(*(array(path, None) for path in PAIR), split=False), boxes)
    assert sum("is a negative" in note for note in patient.notes) == 2
    for hand, path in zip(patient.hands, PAIR, strict=True):
        assert list(hand.joints) == boxes[hand.place]
        np.testing.assert_allclose(hand.radiograph.pixels, jsn.read_radiograph(path).pixels, atol=1e-6)


@pytest.mark.parametrize("sample", ["hand_pair", "both_hands"])
def test_sound_radiographs_are_not_changed(sample):
    patient = find_hands(read_patient(jsn.sample_folder(sample)))
    assert not any("negative" in note for note in patient.notes)


@pytest.mark.parametrize("unread", [(), ("R",), ("L",)])
def test_a_mirrored_film_of_both_hands_is_never_measured_against_an_unmirrored_one(monkeypatch, unread):
    first, second = (replace(jsn.read_radiograph(path), side=None) for path in BOTH)
    mirrored = replace(second, pixels=second.pixels[:, ::-1])

    def read(pixels, pixel_mm):
        letter = read_marker(pixels, pixel_mm)
        return None if letter is None or letter.side in unread else letter

    monkeypatch.setattr("napari_jsn.patient.split.read_marker", read)
    with pytest.raises(InputError, match="either all mirrored or none"):
        find_hands(patient_from_radiographs(first, mirrored))
    if unread != ("R",):
        return
    both = find_hands(patient_from_radiographs(replace(first, pixels=first.pixels[:, ::-1]), mirrored))
    assert sum("so the image is mirrored" in note for note in both.notes) == 2 * (2 - len(unread))


@pytest.mark.parametrize(("ratio", "spacing_mm"), [((2, 1), (0.288, 0.144)), ((4, 3), (0.192, 0.144)), ((1, 1), 0.144)])
def test_one_typed_spacing_is_the_column_spacing_for_every_entry_point(tmp_path, ratio, spacing_mm):
    paths = not_square(tmp_path, ratio)
    folder = read_patient(tmp_path, spacing_mm=0.144)
    one_by_one = patient_from_radiographs(*paths, spacing_mm=0.144)
    lines = [f"{path.name},{k},0.144\n" for k, path in enumerate(paths, start=1)]
    (tmp_path / "radiographs.csv").write_text("file,visit,spacing_mm\n" + "".join(lines))
    table = read_patient(tmp_path)
    single = [jsn.read_radiograph(path, spacing_mm=0.144) for path in paths]
    for radiographs in (*(visits_of(patient) for patient in (folder, one_by_one, table)), single):
        assert [radiograph.spacing_mm for radiograph in radiographs] == [pytest.approx(spacing_mm)] * 2


def test_one_typed_spacing_gives_the_figures_of_square_pixels(tmp_path):
    paths = not_square(tmp_path)
    right = jsn.measure(*PAIR, joints=["MCP2"], spacing_mm=0.144).narrowings[0]
    for given in (paths, [patient_from_radiographs(*paths)], [tmp_path]):
        found = jsn.measure(*given, joints=["MCP2"], spacing_mm=0.144)
        assert [hand.radiograph.spacing_mm for hand in found.hands] == [pytest.approx((0.288, 0.144))] * 2
        assert found.narrowings[0].jsn_mm == pytest.approx(right.jsn_mm, abs=0.05)


def visits_of(patient):
    return [hand.radiograph for hand in patient.hands]
