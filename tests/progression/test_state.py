"""The state of a narrowing: failure and low precision are reported separately."""

from dataclasses import replace

import numpy as np
import pytest

import napari_jsn as jsn
from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.common.statistics import Estimate
from napari_jsn.progression.joint_course import JointCourse, contradict, narrowings_of
from napari_jsn.progression.narrowing import Narrowing
from napari_jsn.progression.notes import progression_notes
from napari_jsn.progression.repositioning import narrowing_uncertainty
from napari_jsn.registration.labels import state_label
from tests.progression.made_up import progression

MCP2 = progression().narrowings[2]


def with_sd(row, sd_mm, **changed):
    return replace(row, narrowing_px=Estimate(row.jsn_px, sd_mm / row.spacing_mm), **changed)


@pytest.mark.parametrize(
    ("sd_mm", "wide_mm", "state"),
    [(0.02, 0.15, "good"), (0.07, 0.15, "good"), (0.08, 0.15, "wide"), (0.5, 0.15, "wide"), (0.02, 0.03, "wide"),
     (0.5, 1.0, "good")],
)  # fmt: skip
def test_low_precision_makes_a_figure_wide_and_not_failed(sd_mm, wide_mm, state):
    row = with_sd(MCP2, sd_mm, wide_mm=wide_mm)
    assert row.state == state and row.reliable
    one = with_sd(MCP2.registration, sd_mm, wide_mm=wide_mm, reasons=())
    assert one.state == state and one.reliable
    assert state_label(one).startswith(state)


@pytest.mark.parametrize("code", [ReasonCode.DIRECTIONS_DISAGREE, ReasonCode.OUT_OF_VIEW, ReasonCode.CLOSURE_OPEN])
@pytest.mark.parametrize("sd_mm", [0.001, 0.5])
def test_a_reason_makes_it_failed_however_precise(code, sd_mm):
    for figure in (MCP2, MCP2.registration):
        one = with_sd(figure, sd_mm, reasons=(Reason(code),))
        assert one.state == "failed" and not one.reliable
    assert state_label(one) == f"failed: {code.value}"


def test_what_was_not_measured_has_failed():
    assert Narrowing("MCP2", "L", 2).state == "failed"


def test_without_a_pixel_size_a_figure_is_never_wide():
    assert replace(MCP2, narrowing_px=Estimate(1.0, 50.0), spacing_mm=None).state == "good"


@pytest.mark.parametrize("wrong", [0, -0.1, float("nan"), True, "wide", None])
def test_a_limit_that_is_no_length_is_refused(wrong, simulated):
    with pytest.raises(InputError, match="above which a figure is called wide"):
        jsn.register(simulated.fixed, simulated.moving, wide_mm=wrong)
    with pytest.raises(InputError, match="above which a figure is called wide"):
        jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"], wide_mm=wrong)


def course(sd_mm, jsw_before_mm, jsw_after_mm, jsw_sd_mm):
    """The course of one joint with two visits, whose registration states a narrowing of MCP2 with this sd."""
    one, mm = replace(MCP2.registration, reasons=()), MCP2.spacing_mm
    one = replace(one, narrowing_px=Estimate(one.jsn_px, sd_mm / mm))

    def view(width_mm, like):
        return replace(like, jsw=replace(like.jsw, width_px=Estimate(width_mm / mm, jsw_sd_mm / mm)), reasons=())

    views = {1: view(jsw_before_mm, MCP2.baseline), 2: view(jsw_after_mm, MCP2.followup)}
    hands = {hand.visit: hand for hand in progression().hands}
    return JointCourse("MCP2", "L", hands, views, {(0, 1): one})


@pytest.mark.parametrize("sd_mm", [0.031, 0.06, 0.2])
def test_the_sd_of_registration_alone_is_no_failure(sd_mm):
    (row,) = narrowings_of(course(sd_mm, 1.5, 1.5 - MCP2.jsn_mm, 0.05), 2)
    assert row.reliable and row.reasons == ()
    assert row.jsn_sd_mm > np.sqrt(narrowing_uncertainty().registration) * sd_mm


@pytest.mark.parametrize(("jsw_sd_mm", "off_mm"), [(0.03, 0.3), (0.03, -0.3), (0.1, 0.6)])
def test_a_width_that_contradicts_the_narrowing_is_a_failure_with_both_figures(jsw_sd_mm, off_mm):
    change = MCP2.registration.jsn_mm + off_mm
    (row,) = narrowings_of(course(0.01, 1.5, 1.5 - change, jsw_sd_mm), 2)
    assert [reason.code for reason in row.reasons] == [ReasonCode.JSW_CONTRADICTS]
    assert f"{row.jsn_mm:+.2f} mm" in row.reason and f"{row.jsw_change_mm:+.2f} mm" in row.reason


@pytest.mark.parametrize(("jsw_sd_mm", "off_mm"), [(0.1, 0.25), (0.2, -0.5), (0.3, 0.8)])
def test_the_same_difference_within_the_uncertainty_is_none(jsw_sd_mm, off_mm):
    change = MCP2.registration.jsn_mm + off_mm
    (row,) = narrowings_of(course(0.01, 1.5, 1.5 - change, jsw_sd_mm), 2)
    assert row.reliable


def test_correlated_errors_of_both_are_accounted_for():
    """The sd of a difference of two equal sds that correlate by 0.5 is that sd, not its root of two."""
    assert contradict(Estimate(0.0, 0.1), Estimate(0.26, 0.1))
    assert not contradict(Estimate(0.0, 0.1), Estimate(0.24, 0.1))
    assert not contradict(Estimate(0.0, 0.1), Estimate(np.nan, np.nan))


@pytest.mark.parametrize(
    ("codes", "cause"),
    [
        ([ReasonCode.NOT_SIMILAR], "These may not be radiographs of the same hand"),
        (
            [ReasonCode.NOT_SIMILAR, ReasonCode.DIRECTIONS_DISAGREE, ReasonCode.MASKS_DIFFER],
            "not be radiographs of",
        ),
        ([ReasonCode.MIRRORED], "mirrored, or shows the other hand"),
        ([ReasonCode.CLIPPED, ReasonCode.EXPOSURES_DIFFER], "probably saturated"),
        ([ReasonCode.OUTLINE_UNCERTAIN], "cannot be distinguished"),
    ],
)
def test_one_note_names_the_likeliest_cause_of_a_follow_up_that_failed_as_a_whole(codes, cause):
    rows = [
        replace(row, reasons=(Reason(codes[k % len(codes)]), Reason(ReasonCode.OUT_OF_VIEW))[: 1 + (k == 0)])
        for k, row in enumerate(progression().narrowings)
        if row.registration is not None
    ]
    notes = [note for note in progression_notes((), rows) if "have failed" in note]
    assert len(notes) == 1 and notes[0].startswith(f"Visit 2, left: all {len(rows)} joints have failed.")
    assert cause in notes[0]


@pytest.mark.parametrize("good", [1, 3])
def test_there_is_none_where_some_joints_have_not_failed(good):
    rows = [
        replace(row, reasons=() if k < good else (Reason(ReasonCode.NOT_SIMILAR),))
        for k, row in enumerate(progression().narrowings)
        if row.registration is not None
    ]
    assert not [note for note in progression_notes((), rows) if "have failed" in note]
