"""List of joints: lines, filters, sorting, next and previous; pictures on one grid; scores in their order."""

import math
from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.common.statistics import Estimate
from napari_jsn.progression.labels import Unit
from napari_jsn.reading import (
    JointLine,
    Position,
    Reading,
    filtered,
    joint_lines,
    joint_picture,
    measured_before,
    next_line,
    read_text,
    sorted_lines,
)
from napari_jsn.reading.joints.pictures import mask_outlines

LINES = [
    JointLine("R", "MCP2", "good", Estimate(0.1, 0.02), 1.2, decision="accepted"),
    JointLine("R", "MCP3", "failed", Estimate(0.9, 0.02), math.nan),
    JointLine("L", "MCP2", "wide", Estimate(), 1.1),
    JointLine("L", "PIP3", "out of date", Estimate(-0.2, 0.02), 0.9, decision="unsure"),
]


@pytest.fixture
def item(store, measured):
    store.save(measured)
    return Reading(store).open(measured.patient_id, progression=measured)


def keys(lines):
    return [line.key for line in lines]


@pytest.mark.parametrize(
    ("start", "step", "name", "expected"),
    [
        (("R", "MCP2"), 1, "all", ("R", "MCP3")),
        (("L", "PIP3"), 1, "all", ("R", "MCP2")),
        (("R", "MCP2"), -1, "all", ("L", "PIP3")),
        (("R", "MCP3"), 1, "doubtful", ("L", "MCP2")),
        (("L", "PIP3"), 1, "doubtful", ("R", "MCP3")),
        (("L", "MCP2"), 1, "undecided", ("R", "MCP3")),
        (None, 1, "all", ("R", "MCP2")),
    ],
)
def test_next_line(start, step, name, expected):
    assert next_line(LINES, start, step, name).key == expected


def test_filters_sorting_and_count():
    assert keys(filtered(LINES, "undecided")) == [("R", "MCP3"), ("L", "MCP2")]
    assert keys(filtered(LINES, "doubtful")) == keys(LINES)[1:]
    assert keys(sorted_lines(LINES, "jsn", True)) == [("R", "MCP3"), ("R", "MCP2"), ("L", "PIP3"), ("L", "MCP2")]
    assert keys(sorted_lines(LINES, "jsw"))[-1] == ("R", "MCP3")  # not known: last in either order
    assert keys(sorted_lines(LINES, "jsw", True))[-1] == ("R", "MCP3")
    assert sorted_lines(LINES, "state")[0].state == "failed"
    assert read_text(LINES) == "2 of 4 read" and next_line(LINES[:1], ("R", "MCP2")) is None


def test_lines_of_an_item_follow_decisions_and_changes(item):
    lines = {line.joint: line for line in joint_lines(item, 2)}
    assert {line.state for line in lines.values()} <= {"good", "wide", "failed"}
    assert lines["PIP3"].changed_by_hand and lines["MCP2"].changed_by_hand and not lines["IP1"].changed_by_hand
    item.decide(2, "L", "IP1", "unsure", "blurred")
    item.set_box(1, "L", "IP1", item.images[0].joints["IP1"].joint.box + 2)
    lines = {line.joint: line for line in joint_lines(item, 2)}
    assert (lines["IP1"].decision, lines["IP1"].comment) == ("unsure", "blurred")
    assert lines["IP1"].state == "out of date" and lines["IP1"].changed_by_hand and lines["IP1"].doubtful
    assert lines["MCP2"].state != "out of date"


def test_panels_lie_on_one_grid_and_align_to_a_bone(item):
    lower, upper, nothing = (joint_picture(item, "L", "MCP2", align) for align in ("lower", "upper", "none"))
    first, second = lower.panels
    assert first.pixels.shape == second.pixels.shape and (first.image, second.image) == (1, 2)
    np.testing.assert_array_equal(first.pixels, item.progression.hands[0].joints[1].image.pixels)
    masks = first.view.masks
    errors = {}
    for name, picture in (("lower", lower), ("upper", upper), ("none", nothing)):
        difference = (picture.panels[1].pixels - first.pixels) ** 2
        errors[name] = difference[masks.upper].mean(), difference[masks.lower].mean()
    assert errors["lower"][1] == min(each[1] for each in errors.values())
    assert errors["upper"][0] == min(each[0] for each in errors.values())
    assert not nothing.panels[1].aligned and lower.panels[1].aligned and not lower.panels[0].aligned
    ends = first.calliper()
    assert np.hypot(*(ends[1] - ends[0])) == pytest.approx(first.view.jsw.px, rel=1e-6)
    assert len(first.outlines()) >= 2 and {label for label, _ in mask_outlines(masks)} == {1, 2}
    with pytest.raises(InputError, match="alignment"):
        joint_picture(item, "L", "MCP2", "left")


def test_painted_labels_come_back_where_they_were_painted(item):
    panel = joint_picture(item, "L", "MCP2", "lower").panels[1]  # another grid than that of its joint image
    labels = panel.labels()
    unchanged = panel.painted(labels)
    np.testing.assert_array_equal(unchanged.labels, panel.view.masks.labels)
    labels[60:70, 60:70] = np.where(labels[60:70, 60:70] == 1, 0, 1)
    painted = panel.painted(labels)
    row, col = np.argwhere(painted.labels != panel.view.masks.labels).mean(0)
    x, y, _ = np.linalg.inv(panel.to_joint_image) @ (col, row, 1)
    assert abs(x - 64.5) < 5 and abs(y - 64.5) < 5
    with pytest.raises(InputError, match="label 7"):
        panel.painted(np.full_like(labels, 7))


def test_changed_boxes_have_no_figures_until_measured_again(item):
    assert joint_picture(item, "L", "IP1").row is not None
    item.set_box(2, "L", "IP1", item.images[1].joints["IP1"].joint.box + 4)
    picture = joint_picture(item, "L", "IP1")
    assert picture.row is None and picture.panels[1].view is None and not picture.panels[1].aligned


def test_position_decides_moves_on_takes_back_and_is_restored(item):
    position = Position(item)
    assert [line.joint for line in position.lines] == ["IP1", "MCP2", "PIP3"]
    position.decide("accepted")
    position.comment(" blurred \n at follow-up")
    position.decide("rejected")
    assert position.joint == "PIP3"
    assert [(line.decision, line.comment) for line in position.lines] == [
        ("accepted", ""), ("rejected", "blurred at follow-up"), ("", ""),
    ]  # fmt: skip
    position.next()
    assert position.joint == "IP1"
    position.undo()  # the decision on MCP2, which keeps its comment
    assert position.joint == "MCP2" and position.line.comment and not position.line.decision
    position.undo()
    assert not position.line.comment
    position.redo()
    position.view, position.align, position.filter = "difference", "upper", "undecided"
    again = Position(item)
    again.restore(position.saved())
    assert again.saved() == position.saved()
    again.restore({"image": 9, "side": "R", "joint": "knee", "view": [], "align": None})
    assert again.saved() == position.saved()


def test_the_list_of_undecided_joints_becomes_empty(item):
    position = Position(item)
    position.filter = "undecided"
    for left in range(len(position.lines), 0, -1):
        assert len(position.shown_lines) == left
        position.decide("accepted")
    assert position.shown_lines == [] and position.line is not None  # whose picture stays
    assert read_text(position.lines) == f"{len(position.lines)} of {len(position.lines)} read"
    position.undo()
    assert [line.key for line in position.shown_lines] == [(position.side, position.joint)]


def test_the_list_of_doubtful_joints_is_empty_where_there_is_none(item, monkeypatch):
    position = Position(item)
    monkeypatch.setattr(JointLine, "doubtful", False)
    position.filter = "doubtful"
    assert position.shown_lines == [] and position.line is not None
    assert not position.next(1, doubtful=True)


def test_widths_of_one_radiograph_without_a_pixel_size_are_in_pixels(measured):
    hand = measured.hands[0]
    views = tuple(replace(view, jsw=replace(view.jsw, spacing_mm=None)) for view in hand.joints)
    alone = replace(measured, hands=(replace(hand, joints=views),), narrowings=())
    unit = Unit.of(alone)
    assert unit.name == "px" and all(unit.jsw(view) == view.jsw.px for view in views if view.jsw.reliable)
    assert Unit.of(replace(alone, hands=(hand,))).name == "mm"


def test_scoring_a_hand_takes_one_key_a_site(item):
    position = Position(item)
    position.site, position.kind = "MCP1", "jsn"
    for key in range(19):
        position.score(key % 4)
    lines = position.score_lines()
    assert all(line.done(kind) for line in lines for kind in line.grades)
    assert len(item.scores()) == 19
    position.undo()
    assert len(item.scores()) == 18 and position.kind == "erosion"
    with pytest.raises(InputError, match="whole number from 0 to"):
        position.score(6)
    position.switch_kind()
    assert position.kind == "jsn" and position.site != "IP1"


def graded(position, kind):
    position.kind, position.site = kind, "MCP2"
    position.score(2)


@pytest.mark.parametrize("image", [1, 2])
@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda position: position.decide("unsure"), None),
        (lambda position: position.comment("blurred"), None),
        (lambda position: graded(position, "jsn"), "jsn"),
        (lambda position: graded(position, "erosion"), "erosion"),
    ],
)
def test_what_is_taken_back_or_done_again_is_shown(item, image, change, kind):
    """At its image, and with its kind of grade, wherever the reader is then."""
    position = Position(item)
    position.show_image(image)
    position.go_to("L", "MCP2")
    change(position)
    for step in (position.undo, position.redo):
        for other in ("jsn", "erosion"):
            position.kind = other
            if other != kind:
                break
        position.go_to("L", "PIP3")
        position.show_image(3 - image)
        assert step() and (position.image, position.joint, position.site) == (image, "MCP2", "MCP2")
        assert kind in (None, position.kind)
    item.set_box(1, "L", "IP1", item.images[0].joints["IP1"].joint.box + 4)
    position.show_image(2)
    assert position.undo() and (position.image, position.joint) == (2, "IP1")  # its figures are those of the follow-up


@pytest.mark.parametrize("kind", ["jsn", "erosion"])
def test_in_score_mode_the_joint_that_is_shown_is_graded(item, kind):
    position = Position(item)
    position.scoring, position.kind = True, kind
    for place in item.places:
        position.go_to(*place)
        position.score(1)
        assert place[1] in {site for _, _, site, _ in item.scores()}
    assert len(item.scores()) == len(item.places) and ("IP1", "jsn") not in {key[2:] for key in item.scores()}
    for _ in item.places:
        position.next()
        assert position.site == position.joint


def test_a_blinded_item_shows_pictures_without_figures(store, measured):
    store.save(measured)
    reading = Reading.new(store, "first", "paired", seed=3)
    item = reading.open(reading.work_list()[0].code)
    assert {line.state for line in joint_lines(item, 1)} == {"hidden"}
    picture = joint_picture(item, "L", "MCP2", "lower")
    assert picture.row is None and all(panel.view is None and not panel.aligned for panel in picture.panels)
    assert Position(item).align == "none"


def test_radiographs_measured_before_are_recognised(store, measured, folder):
    import napari_jsn as jsn

    patient = jsn.read_patient(folder, split=False, patient_id="P001")
    assert measured_before(store, patient) is None
    store.save(measured)
    assert measured_before(store, patient).table().equals(measured.table())
    other = jsn.read_patient(jsn.sample_folder("both_hands"), split=False, patient_id="P001")
    assert measured_before(store, other) is None
