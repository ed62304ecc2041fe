"""The widget "Score hands", with a fake network: circles, features, maps, abort, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_jsn.common.errors import InputError
from napari_jsn.drawing.colours import UNRELIABLE, grade_colour
from napari_jsn.joint import Joint
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.networks import weights
from napari_jsn.scoring import scheme
from napari_jsn.scoring.automatic import score as score_module
from napari_jsn.scoring.automatic.result import Scores, SiteScore
from napari_jsn.viewer import score_hands
from napari_jsn.viewer.layers.read_layer import KEY

STATEMENT = "Learned on made-up hands. Not a medical device."
SHAPE = (60, 40)


class Engine:
    """Replaces ``score``: MCP2 with both grades, MCP3 not scored, PIP2 graded but without a box."""

    def __init__(self):
        self.calls, self.error, self.stop = [], None, False
        self.notes = ()

    def score(self, patient, method, *, device, progress):
        self.calls.append((patient, method, device))
        progress.update(1, 2, "Scoring")
        if self.error:
            raise self.error
        hands, sites = [], []
        for hand in patient.hands:
            at = {"MCP2": (20.0, 10.0), "MCP3": (30.0, 20.0)}
            joints = tuple(Joint.around(name, "L", place, (1, 0), 10) for name, place in at.items())
            hands.append(replace(hand, found=FoundJoints(joints, (), ("L",))))
            visit = hand.visit
            sites += [
                SiteScore(visit, "L", "MCP2", "jsn", (0.0, 0.1, 0.2, 0.7, 0.0)),
                SiteScore(visit, "L", "MCP2", "erosion", (0.9, 0.1, 0, 0, 0, 0)),
                SiteScore(visit, "L", "MCP3", "jsn", (), "not_visible"),
                SiteScore(visit, "L", "PIP2", "jsn", (1.0, 0, 0, 0, 0)),
            ]
        if self.stop:
            progress._progress.abort()
        return Scores(
            tuple(sites),
            "P1",
            (STATEMENT, *self.notes),
            STATEMENT,
            method,
            scheme("svdh-fingers"),
            tuple(hands),
            model="default",
        )


@pytest.fixture
def engine(monkeypatch):
    engine = Engine()
    monkeypatch.setattr(score_module, "score", engine.score)
    monkeypatch.setattr(weights, "names", lambda task: ["default"])

    def maps(self, site, kind, side, visit):
        values = np.zeros(SHAPE, np.float32)
        values[20, 10] = 1 + visit
        return values

    monkeypatch.setattr(Scores, "maps", maps)
    return engine


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    pixels = np.random.default_rng(0).random(SHAPE, dtype=np.float32)
    viewer.add_image(pixels, name="hand", scale=(0.2, 0.2), translate=(3, 4), units=("mm", "mm"))
    return viewer


@pytest.fixture
def widget(viewer, engine, qtbot):
    made = score_hands(viewer)
    made.modules = ()
    qtbot.addWidget(made.native)
    yield made
    made.close_run()


def names(viewer):
    return [layer.name for layer in viewer.layers]


def test_circles_lie_on_the_joints_with_grades_and_probabilities(widget, viewer, engine):
    scores = widget(device="cpu", maps="both")
    ((patient, method, device),) = engine.calls
    assert (method, device, patient.hands[0].radiograph.spacing_mm) == ("two-stage", "cpu", 0.2)
    assert names(viewer) == [
        "hand", "map of narrowing, visit 1", "map of erosion, visit 1", "grades of narrowing", "grades of erosion",
    ]  # fmt: skip
    circles = viewer.layers["grades of narrowing"]
    assert circles.data == pytest.approx(np.array([[7.0, 6.0], [9.0, 8.0]]))
    assert circles.units == viewer.layers["hand"].units and 1 < circles.size[0] < 2  # the box has 2 mm
    row = circles.features.iloc[0]
    assert (row["site"], row["grade"], row["p_3"], row["method"]) == ("MCP2", 3, 0.7, "two-stage")
    assert list(circles.features["not_scored"]) == ["", "not_visible"] and set(circles.features["statement"]) == {
        STATEMENT
    }
    drawn = ["#" + "".join(f"{round(255 * each):02x}" for each in colour[:3]) for colour in circles.border_color]
    assert drawn == [grade_colour(3), UNRELIABLE]
    assert list(circles.text.values) == ["J3", "JX"]
    heat = viewer.layers["map of narrowing, visit 1"]
    assert heat.data_to_world((20, 10)) == pytest.approx((7, 6)) and heat.contrast_limits == [0, 2]
    assert heat.metadata[KEY]["statement"] == STATEMENT
    assert widget.statement.text() == STATEMENT and "narrowing: 2.6" in widget.summary.text()
    widget(maps="none")
    assert names(viewer) == ["hand", "grades of narrowing", "grades of erosion"]
    assert scores.patient_id == "P1"


@pytest.mark.parametrize("notes", [(), ("The image is mirrored.",), ("No size of a pixel is known.", "Another note.")])
def test_the_notes_are_shown_and_go_with_the_result(widget, viewer, engine, qtbot, notes):
    engine.notes = notes
    widget()
    assert widget.notes.text() == "\n".join(notes) and widget.notes.isHidden() == (not notes)
    viewer.layers.remove("hand")
    assert widget.notes.text() == ""
    qtbot.waitUntil(lambda: names(viewer) == [], timeout=5000)


def test_the_button_scores_in_a_thread_and_announces_the_result(widget, viewer, qtbot):
    with qtbot.waitSignal(widget.called, timeout=10_000):
        widget.run()
    assert names(viewer)[1:] == ["grades of narrowing", "grades of erosion"]


def test_aborted_and_failed_runs_add_nothing(widget, viewer, engine):
    engine.stop = True
    assert widget() is None and names(viewer) == ["hand"]
    engine.stop, engine.error = False, InputError("spacing_mm is wrong.", "spacing_mm")
    with pytest.raises(InputError):
        widget()
    assert "pixel size" in widget.form.fields["spacing_mm"].message.text()
    engine.error = InputError("The pixels have no contrast.", "baseline")
    with pytest.raises(InputError):
        widget()
    assert "no contrast" in widget.form.fields["image"].message.text()
    assert names(viewer) == ["hand"]


def test_results_go_with_their_radiograph(widget, viewer, qtbot):
    widget()
    viewer.layers.remove("hand")
    qtbot.waitUntil(lambda: names(viewer) == [], timeout=5000)
    assert "results were removed" in widget.status.text() and widget.statement.text() == ""
    assert not widget.run_button.isEnabled()


def test_a_method_without_a_network_is_refused_at_its_field(widget, viewer):
    with pytest.raises(InputError, match="no network for this method"):
        widget(method="one-stage")
    assert names(viewer) == ["hand"]


def test_a_patient_of_one_visit_can_be_scored(engine, qtbot):
    viewer = ViewerModel()
    for visit, name in ((1, "left, baseline"), (1, "right, baseline")):
        entry = {"role": "radiograph", "visit": visit, "side": name[0].upper(), "opened": "x", "patient_id": "P9"}
        viewer.add_image(np.random.default_rng(visit).random(SHAPE), name=name, metadata={KEY: entry})
    widget = score_hands(viewer)
    widget.modules = ()
    qtbot.addWidget(widget.native)
    assert widget.form.inputs().problems() == {}
    widget()
    (patient, *_) = engine.calls[0]
    assert [hand.side for hand in patient.hands] == ["R", "L"] and len(patient.visits) == 1
