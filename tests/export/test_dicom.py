"""The report and the segmentations of a progression, written, checked and read back."""

import io
import sys
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from pydicom import dcmread

from napari_jsn.anatomy import FIGURE_CODES, PRIVATE
from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.export.dicom import (
    bone_masks_seg,
    dicom_files,
    progression_sr,
    read_bone_masks_seg,
    read_progression_sr,
)
from napari_jsn.export.dicom.segmentation import mask_on_radiograph
from napari_jsn.radiograph import Radiograph
from tests.progression import made_up

pytest.importorskip("highdicom")

WHEN = datetime(2024, 5, 6, 7, 8, 9)
FEW = ("MCP1", "IP1", "MCP2", "PIP5")  # unreliable, reliable, reliable, missing at the last visit


def few(p, joints=FEW):
    """The same progression with few joints: quick."""
    films = tuple(replace(film, joints=tuple(v for v in film.joints if v.joint.name in joints)) for film in p.hands)
    return replace(p, hands=films, narrowings=tuple(n for n in p.narrowings if n.joint in joints))


@pytest.fixture(scope="module")
def progression():
    return few(made_up.progression())


@pytest.fixture(scope="module")
def both_hands():
    """Three visits, both hands on one film."""
    return few(made_up.progression(visits=3, sides=("L", "R")), ("MCP2",))


@pytest.fixture(scope="module")
def files(progression, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dicom")
    for name, content in dicom_files(progression, when=WHEN).items():
        (folder / name).write_bytes(content)
    return folder


def items(dataset, name):
    """All content items of a concept, anywhere in a report."""
    for item in dataset.get("ContentSequence", []):
        if item.ConceptNameCodeSequence[0].CodeValue == name:
            yield item
        yield from items(item, name)


def bits(dataset):
    """(frames, H, W) of a segmentation by pydicom alone."""
    pixels = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
    shape = dataset.NumberOfFrames, dataset.Rows, dataset.Columns
    return pixels[: np.prod(shape)].reshape(shape).astype(bool)


def test_the_report_names_every_model_with_the_start_of_its_hash(progression):
    tasks = ("localization", "segmentation", "registration", "registration-refined", "width-margins")
    models = {task: f"default {number:064x}" for number, task in enumerate(tasks, start=10**60)}
    report = progression_sr(replace(progression, models=models), when=WHEN)
    texts = {str(element.value) for element in report.iterall() if element.VR == "UT"}
    assert texts >= {f"{task}: {identity[:20]}" for task, identity in models.items()}


def test_the_files_are_a_report_and_a_segmentation_per_film(files):
    assert sorted(path.name for path in files.iterdir()) == [
        "bones-v01-L-seg.dcm", "bones-v02-L-seg.dcm", "progression-sr.dcm",
    ]  # fmt: skip


def test_every_figure_reads_back_equal(progression, files):
    table = read_progression_sr(files / "progression-sr.dcm").set_index(["side", "joint", "visit"])
    assert table.index.is_unique
    for narrowing in progression.narrowings:
        row = table.loc[narrowing.side, narrowing.joint, narrowing.visit]
        for column, expected in {
            "jsn_mm": narrowing.jsn_mm,
            "jsn_sd_mm": narrowing.jsn_sd_mm,
            "ci_low_mm": narrowing.ci95_mm[0],
            "ci_high_mm": narrowing.ci95_mm[1],
            "angle_deg": narrowing.angle_deg,
            "jsw_change_mm": narrowing.jsw_change_mm,
            "jsw_mm": narrowing.followup.jsw.mm if narrowing.followup else np.nan,
        }.items():
            assert np.array_equal(row[column], expected, equal_nan=True), (narrowing.joint, column)
        assert (row["reliable"], row["state"], row["reason"]) == (narrowing.reliable, narrowing.state, narrowing.reason)
        baseline = table.loc[narrowing.side, narrowing.joint, 1]
        assert baseline["jsw_mm"] == narrowing.baseline.jsw.mm and baseline["jsw_reliable"]
        assert baseline["reliable"] is pd.NA and np.isnan(baseline["jsn_mm"])
    assert (table["time_point"].groupby("visit").first() == ["Visit 1", "Visit 2"]).all()


def test_pydicom_alone_finds_the_same_figures(progression, files):
    report = dcmread(files / "progression-sr.dcm")
    assert report.SOPClassUID.name == "Comprehensive SR Storage"
    found = [item.MeasuredValueSequence[0] for item in items(report, FIGURE_CODES["jsn"].value)]
    expected = [n.jsn_mm for n in progression.narrowings if np.isfinite(n.jsn_mm)]
    assert [value.FloatingPointValue for value in found] == expected
    assert {value.MeasurementUnitsCodeSequence[0].CodeValue for value in found} == {"mm"}
    notes = [item.TextValue for item in items(report, "121106")]
    assert notes == ["Pixel sizes are uncalibrated."]


def test_a_joint_is_coded_by_site_finger_and_side(files):
    groups = list(items(dcmread(files / "progression-sr.dcm"), "125007"))
    sites = {}
    for group in groups:
        (site,) = items(group, "363698007")
        codes = [site, *site.ContentSequence]
        sites[next(items(group, "112039")).TextValue] = [
            (code.ConceptCodeSequence[0].CodingSchemeDesignator, code.ConceptCodeSequence[0].CodeMeaning)
            for code in codes
        ]
    assert sites["L MCP2"] == [
        ("SCT", "Metacarpophalangeal joint"), ("SCT", "Left"), ("SCT", "Index finger"),
    ]  # fmt: skip
    assert sites["L PIP5"][0] == (PRIVATE, "Proximal interphalangeal joint of finger")


def test_a_joint_keeps_its_identifiers_over_visits_and_between_objects(both_hands, tmp_path):
    contents = dicom_files(both_hands, when=WHEN)
    assert sorted(contents) == [*(f"bones-v0{visit}-LR-seg.dcm" for visit in (1, 2, 3)), "progression-sr.dcm"]
    (tmp_path / "sr.dcm").write_bytes(contents["progression-sr.dcm"])
    table = read_progression_sr(tmp_path / "sr.dcm")
    assert list(table["visit"]) == [1, 2, 3, 1, 2, 3] and list(table["side"]) == list("RRRLLL")
    assert (table.groupby("side")["tracking_uid"].nunique() == 1).all() and table["tracking_uid"].nunique() == 2
    fewer = replace(both_hands, narrowings=tuple(n for n in both_hands.narrowings if n.visit == 2))
    progression_sr(fewer, when=WHEN).save_as(tmp_path / "sr.dcm")
    assert set(read_progression_sr(tmp_path / "sr.dcm")["tracking_uid"]) == set(table["tracking_uid"])
    segments = [
        {s.TrackingID: s.TrackingUID for s in dcmread(io.BytesIO(contents[name])).SegmentSequence}
        for name in contents
        if name.startswith("bones")
    ]
    assert segments[0] == segments[1] == segments[2]
    assert set(segments[0]) == {"R MCP2 PP2", "R MCP2 MC2", "L MCP2 PP2", "L MCP2 MC2"}


def test_both_hands_of_one_film_refer_to_it_and_lie_on_it(both_hands):
    film = both_hands.hands[0]
    source = dcmread(film.radiograph.path)
    segmentation = bone_masks_seg(both_hands, film.radiograph.path, when=WHEN)
    assert (segmentation.Rows, segmentation.Columns) == (source.Rows, source.Columns)
    centres = {}
    for segment, frame in zip(segmentation.SegmentSequence, bits(segmentation)):
        centres[segment.SegmentLabel] = np.argwhere(frame).mean(axis=0)
    for side in ("L", "R"):
        one = next(f for f in both_hands.hands if f.visit == 1 and f.side == side)
        middle = (centres[f"{side} MCP2 PP2"] + centres[f"{side} MCP2 MC2"]) / 2
        assert middle == pytest.approx(np.add(one.joints[0].joint.centre, one.radiograph.origin), abs=3)
    report = progression_sr(both_hands, when=WHEN)
    referred = {item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in items(report, "121112")}
    assert referred == {dcmread(f.radiograph.path).SOPInstanceUID for f in both_hands.hands}
    evidence = [*report.CurrentRequestedProcedureEvidenceSequence, *report.PertinentOtherEvidenceSequence]
    assert len(evidence) == 3
    assert report.StudyInstanceUID == dcmread(both_hands.hands[-1].radiograph.path).StudyInstanceUID


def test_the_point_of_narrowing_is_marked_on_the_baseline(progression):
    report = progression_sr(progression, when=WHEN)
    first = next(n for n in progression.narrowings if n.joint == "MCP2")
    marks = [item.GraphicData for item in items(report, "260753009") if item.ValueType == "SCOORD"]
    row, col = first.baseline.joint.centre  # where the made-up progression reads it
    assert min(np.hypot(x - col - 0.5, y - row - 0.5) for x, y in marks) < 0.01


def test_masks_read_back_equal_and_overlap(progression, tmp_path):
    film = progression.hands[0]
    joints = list(film.joints)
    grown = joints[0].masks.upper | np.roll(joints[0].masks.lower, -30, axis=0)
    joints[0] = replace(joints[0], masks=replace(joints[0].masks, upper=grown))
    p = replace(progression, hands=(replace(film, joints=tuple(joints)), *progression.hands[1:]))
    segmentation = bone_masks_seg(p, film.radiograph.path, when=WHEN)
    segmentation.save_as(tmp_path / "seg.dcm")
    bones = read_bone_masks_seg(tmp_path / "seg.dcm")
    alone = dcmread(tmp_path / "seg.dcm")
    assert alone.SegmentationType == "BINARY" and alone.SegmentsOverlap == "YES"
    assert bones.image_uid == dcmread(film.radiograph.path).SOPInstanceUID
    assert list(bones.masks)[:2] == [("L", "MCP1", "PP1"), ("L", "MCP1", "MC1")]
    assert (bones.masks["L", "MCP1", "PP1"] & bones.masks["L", "MCP1", "MC1"]).any()
    for number, (frame, mask) in enumerate(zip(bits(alone), bones.masks.values(), strict=True)):
        view = joints[number // 2]
        drawn = (view.masks.upper, view.masks.lower)[number % 2]
        assert np.array_equal(mask, mask_on_radiograph(drawn, film, view, mask.shape))
        assert np.array_equal(mask, frame)


def test_a_mask_on_the_radiograph_is_where_it_is_in_the_joint_image(progression):
    film, view = progression.hands[0], progression.hands[0].joints[2]
    whole = mask_on_radiograph(view.masks.upper, film, view, film.radiograph.shape)
    rows, cols = np.nonzero(whole)
    back = np.linalg.inv(view.image.to_radiograph) @ np.stack([cols, rows, np.ones(rows.size)])
    x, y = np.clip(np.round(back[:2]).astype(int), 0, np.array(view.masks.shape)[::-1, None] - 1)
    assert view.masks.upper[y, x].mean() > 0.98
    assert whole.sum() == pytest.approx(view.masks.upper.sum(), rel=0.01)
    away = replace(view, image=replace(view.image, to_radiograph=np.array([[1, 0, 1e5], [0, 1, 0], [0, 0, 1.0]])))
    assert not mask_on_radiograph(view.masks.upper, film, away, film.radiograph.shape).any()


def test_frames_exist_for_segments_only(progression):
    emptied = few(progression, ("MCP2",))
    film = emptied.hands[0]
    view = replace(film.joints[0], masks=replace(film.joints[0].masks, lower=np.zeros_like(film.joints[0].masks.lower)))
    p = replace(emptied, hands=(replace(film, joints=(view,)), *emptied.hands[1:]))
    segmentation = bone_masks_seg(p, film.radiograph.path, when=WHEN)
    assert segmentation.NumberOfFrames == len(segmentation.SegmentSequence) == 1
    none = replace(emptied, hands=(replace(film, joints=()), *emptied.hands[1:]))
    assert bone_masks_seg(none, film.radiograph.path) is None


def test_bones_of_the_thumb_are_distinguished_by_a_modifier(progression):
    segments = bone_masks_seg(progression, progression.hands[0].radiograph.path, when=WHEN).SegmentSequence
    kinds = {segment.SegmentLabel: segment.SegmentedPropertyTypeCodeSequence[0] for segment in segments}
    assert kinds["L MCP2 MC2"].CodeValue == "36455000"
    assert [kinds[f"L IP1 {bone}"].CodeMeaning for bone in ("DP1", "PP1")] == ["Phalanx of thumb"] * 2
    modifiers = [kinds[f"L IP1 {bone}"].SegmentedPropertyTypeModifierCodeSequence[0] for bone in ("DP1", "PP1")]
    assert [modifier.CodeMeaning for modifier in modifiers] == ["Distal", "Proximal"]


@pytest.mark.parametrize(("box", "bones"), [(False, False), (True, False), (False, True), (True, True)])
def test_bones_that_follow_from_a_persons_box_or_brush_are_marked(progression, box, bones):
    film = progression.hands[0]
    first = film.joints[0]
    changed = replace(first, joint=replace(first.joint, edited=box), masks_painted=bones)
    films = (replace(film, joints=(changed, *film.joints[1:])), *progression.hands[1:])
    segments = bone_masks_seg(replace(progression, hands=films), film.radiograph.path, when=WHEN).SegmentSequence
    types = {segment.SegmentAlgorithmType for segment in segments if first.joint.name in segment.SegmentLabel}
    assert types == {"SEMIAUTOMATIC" if box or bones else "AUTOMATIC"}
    assert {segment.SegmentAlgorithmType for segment in segments[2:]} == {"AUTOMATIC"}


def test_the_same_progression_gives_the_same_bytes(progression, files):
    again = dicom_files(progression, when=WHEN)
    assert {name: (files / name).read_bytes() for name in again} == again
    later = progression_sr(progression, when=datetime(2025, 1, 1))
    assert later.SOPInstanceUID == dcmread(files / "progression-sr.dcm").SOPInstanceUID
    other = replace(progression, method="another")
    assert progression_sr(other).SOPInstanceUID != later.SOPInstanceUID


@pytest.fixture
def named(progression, tmp_path):
    """The same films of somebody with a name, an address and a hospital."""
    progression, films = few(progression, ("MCP2",)), []
    for film in progression.hands:
        dataset = dcmread(film.radiograph.path)
        dataset.SpecificCharacterSet = "ISO_IR 100"
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Müller^Jörg", "4711", "19600203"
        dataset.PatientAddress, dataset.InstitutionName, dataset.AccessionNumber = "Am Wall 3", "Klinik", "A77"
        dataset.StudyDescription = "Hand of Müller"
        del dataset.StudyTime
        path = tmp_path / f"{film.visit}.dcm"
        dataset.save_as(path)
        films.append(replace(film, radiograph=replace(film.radiograph, path=path)))
    return replace(progression, hands=tuple(films))


def test_identity_is_removed(named):
    for content in dicom_files(named).values():
        dataset = dcmread(io.BytesIO(content))
        assert (dataset.PatientID, dataset.PatientName) == ("SIM0001", "SIM0001^")
        assert dataset.PatientIdentityRemoved == "YES" and not dataset.PatientBirthDate and not dataset.AccessionNumber
        assert dataset.StudyDate == ""
        days = ("20200115", "2020-01-15", "20210113", "2021-01-13")
        for text in ("Müller", "4711", "19600203", "Wall", "Klinik", "A77", *days):
            assert text.encode() not in content and text.encode("latin-1") not in content


def test_days_since_baseline_are_written_without_dates(files):
    report = dcmread(files / "progression-sr.dcm")
    days = {item.MeasuredValueSequence[0].NumericValue for item in items(report, "128740")}
    assert days == {0, 364}


def test_identity_is_kept_when_asked_for(named):
    assert b"2021-01-13" in dicom_files(named, keep_identity=True)["progression-sr.dcm"]
    for content in dicom_files(named, keep_identity=True).values():
        dataset = dcmread(io.BytesIO(content))
        assert dataset.PatientName == "Müller^Jörg" and dataset.SpecificCharacterSet == "ISO_IR 192"
        assert (dataset.PatientID, dataset.PatientBirthDate, dataset.AccessionNumber) == ("4711", "19600203", "A77")


def test_a_faulty_header_is_accepted(progression, tmp_path):
    p, films = few(progression, ("MCP2",)), []
    for film in p.hands:
        content = film.radiograph.path.read_bytes()
        dataset = dcmread(io.BytesIO(content))
        content = content.replace(dataset.StudyDate.encode(), b"2020.1.1")  # of the same length
        (tmp_path / f"{film.visit}.dcm").write_bytes(content)
        films.append(replace(film, radiograph=replace(film.radiograph, path=tmp_path / f"{film.visit}.dcm")))
    for keep_identity in (False, True):
        report = progression_sr(replace(p, hands=tuple(films)), keep_identity)
        assert report.StudyDate == "" and report.PatientID == "SIM0001"


def test_figures_are_in_pixels_where_no_spacing_is_known(progression, tmp_path):
    p = few(progression, ("MCP2",))
    views = {}
    for film in p.hands:
        view = film.joints[0]
        views[film.visit] = replace(view, jsw=replace(view.jsw, spacing_mm=None))
    narrowing = replace(p.narrowings[0], spacing_mm=None, baseline=views[1], followup=views[2])
    progression_sr(replace(p, narrowings=(narrowing,)), when=WHEN).save_as(tmp_path / "sr.dcm")
    table = read_progression_sr(tmp_path / "sr.dcm")
    assert table["jsn_mm"].isna().all() and table["jsw_mm"].isna().all()
    assert list(table["jsn_px"])[1] == narrowing.jsn_px and list(table["jsw_px"])[0] == views[1].jsw.px


def test_radiographs_that_are_no_dicom_files_are_refused(progression, tmp_path):
    film = progression.hands[0]
    array = replace(progression, hands=(replace(film, radiograph=Radiograph(film.radiograph.pixels)),))
    with pytest.raises(InputError, match="visit 1 came from an array") as refused:
        dicom_files(array)
    assert refused.value.argument == "dicom"
    (tmp_path / "film.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    for path in (tmp_path / "film.png", tmp_path / "gone.dcm"):
        other = replace(progression, hands=(replace(film, radiograph=replace(film.radiograph, path=path)),))
        with pytest.raises(InputError, match="leave DICOM out"):
            dicom_files(other)
    dataset = dcmread(film.radiograph.path)
    del dataset.SOPInstanceUID
    dataset.save_as(tmp_path / "bare.dcm")
    bare = replace(progression, hands=(replace(film, radiograph=replace(film.radiograph, path=tmp_path / "bare.dcm")),))
    with pytest.raises(InputError, match="lacks SOPInstanceUID"):
        dicom_files(bare)


def test_an_unreliable_width_is_written_beside_the_narrowing(progression, tmp_path):
    p = few(progression, ("MCP2",))
    view = p.narrowings[0].followup
    unreliable = replace(
        view, jsw=replace(view.jsw, reasons=(Reason(ReasonCode.MARGINS_UNEVEN, "The margins are not sharp."),))
    )
    p = replace(p, narrowings=(replace(p.narrowings[0], followup=unreliable),))
    progression_sr(p, when=WHEN).save_as(tmp_path / "sr.dcm")
    row = read_progression_sr(tmp_path / "sr.dcm").iloc[1]
    assert (row["reliable"], row["reason"]) == (True, "")
    assert (row["jsw_reliable"], row["jsw_reason"]) == (False, "The margins are not sharp.")


def test_different_radiographs_with_one_uid_are_refused(progression, tmp_path):
    baseline, followup = progression.hands
    same = dcmread(followup.radiograph.path)
    same.SOPInstanceUID = same.file_meta.MediaStorageSOPInstanceUID = dcmread(baseline.radiograph.path).SOPInstanceUID
    same.save_as(tmp_path / "same.dcm")
    one_uid = replace(followup, radiograph=replace(followup.radiograph, path=tmp_path / "same.dcm"))
    with pytest.raises(InputError, match=r"same\.dcm, which have the same SOP Instance UID"):
        dicom_files(replace(progression, hands=(baseline, one_uid)))


@pytest.mark.parametrize(("wide_mm", "state"), [(0.01, "wide"), (0.15, "good"), (0.05, "good")])
def test_the_state_of_a_narrowing_reads_back(progression, wide_mm, state, tmp_path):
    p = few(progression, ("MCP2",))
    p = replace(p, narrowings=(replace(p.narrowings[0], wide_mm=wide_mm),))
    (tmp_path / "sr.dcm").write_bytes(dicom_files(p, when=WHEN)["progression-sr.dcm"])
    assert list(read_progression_sr(tmp_path / "sr.dcm")["state"]) == ["", state]


def test_nothing_measured_is_refused(progression):
    with pytest.raises(InputError, match="nothing to report"):
        progression_sr(replace(progression, narrowings=()))


def test_other_files_are_refused(progression):
    path = progression.hands[0].radiograph.path
    with pytest.raises(InputError, match="not a structured report"):
        read_progression_sr(path)
    with pytest.raises(InputError, match="not a segmentation"):
        read_bone_masks_seg(path)


def test_a_missing_extra_is_named_in_the_error(progression, monkeypatch):
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(InputError, match=r"pip install 'napari-jsn\[dicom\]'") as refused:
        dicom_files(progression)
    assert refused.value.argument == "dicom"
