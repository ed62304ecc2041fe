"""Make the dock widgets in a script: their fields can be set, and calling them computes and returns the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_jsn.viewer.hands_widget.widget import MeasureHands
from napari_jsn.viewer.pair_widget.widget import RegisterPair
from napari_jsn.viewer.read_patient.dock import ReadPatient
from napari_jsn.viewer.score_widget.widget import ScoreHands
from napari_jsn.viewer.segment_widget.widget import SegmentJoint
from napari_jsn.viewer.train_widget.widget import Train

if TYPE_CHECKING:
    from napari.components import ViewerModel


def register_pair(viewer: ViewerModel | None = None) -> RegisterPair:
    """Return the widget "Register joint pair" of a viewer: a FunctionGui of magicgui.

    Fields, layers or not, are set by ``widget.fixed.value = layer``. ``widget()`` and ``widget(fixed=..., moving=...)``
    compute in this thread, add the layers and return the result; ``widget.called`` is emitted with it, also after the
    button of the widget. The widget works without a dock; ``viewer.window.add_dock_widget(widget)`` shows it.

    Parameters
    ----------
    viewer : napari.Viewer, optional
        By default the current one.

    Raises
    ------
    InputError
        If there is no viewer.

    Examples
    --------
    >>> import napari
    >>> from napari_jsn.viewer import register_pair
    >>> viewer = napari.Viewer()  # doctest: +SKIP
    >>> fixed, bones, moving, moving_bones = viewer.open_sample("napari-jsn", "joint_pair_mcp")  # doctest: +SKIP
    >>> registration = register_pair(viewer)(fixed=fixed, moving=moving)  # doctest: +SKIP
    """
    return RegisterPair(viewer)


def segment_joint(viewer: ViewerModel | None = None) -> SegmentJoint:
    """Return the widget "Segment joint" of a viewer; it is used as :func:`register_pair`."""
    return SegmentJoint(viewer)


def train(viewer: ViewerModel | None = None) -> Train:
    """Return the widget "Train" of a viewer; it is used as :func:`register_pair`."""
    return Train(viewer)


def measure_hands(viewer: ViewerModel | None = None) -> MeasureHands:
    """Return the widget "Measure hands" of a viewer, which measures layers; it is used as :func:`register_pair`.

    The menus offer :func:`reading_dock` in its place, which keeps what a reader does.
    """
    return MeasureHands(viewer)


def score_hands(viewer: ViewerModel | None = None) -> ScoreHands:
    """Return the widget "Score hands" of a viewer; it is used as :func:`register_pair`."""
    return ScoreHands(viewer)


def reading_dock(viewer: ViewerModel | None = None) -> ReadPatient:
    """Return the dock "Read patient" of a viewer, a QWidget.

    Calling it with a folder and the reader's name opens, measures and saves the patient, and returns the measurement.

    Examples
    --------
    >>> import napari
    >>> import napari_jsn as jsn
    >>> from napari_jsn.viewer import reading_dock
    >>> viewer = napari.Viewer()  # doctest: +SKIP
    >>> dock = reading_dock(viewer)  # doctest: +SKIP
    >>> viewer.window.add_dock_widget(dock, name="Read patient")  # doctest: +SKIP
    >>> progression = dock(jsn.sample_folder("hand_pair"), reader="A", store="readings.db")  # doctest: +SKIP
    """
    return ReadPatient(viewer)
