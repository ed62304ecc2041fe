"""Open a window of napari with the dock "Read patient" and a patient of a store, as ``napari-jsn read`` does."""

from __future__ import annotations

from typing import Any

from napari_jsn.viewer.read_patient.dock import ReadPatient
from napari_jsn.viewer.read_patient.opened import OpenPatient


def open_window(
    place: str, patient: str = "", joint: str = "", side: str = "", reader: str = "", session: str = ""
) -> tuple[Any, ReadPatient]:
    """Return a viewer and its dock, which opens the patient as soon as it is ready.

    Parameters
    ----------
    place : str
        Of the store.
    patient : str
        Pseudonym, or code of an item; by default the one that was read last, or the next one.
    joint, side : str
        Which joint is shown; by default the one that was shown last.
    reader : str
        Asked for where it is not given.
    session : str
    """
    import napari

    viewer = napari.Viewer(title="napari-jsn read")
    dock = ReadPatient(viewer)
    viewer.window.add_dock_widget(dock, name="Read patient")

    def start() -> None:
        name = reader or _ask_reader(dock)
        if name:
            dock.radiographs.reader.value = name
            dock.flow.open_stored(place, name, patient, session)

    def show(opened: OpenPatient) -> None:
        places = [each for each in opened.item.places if each[1] == joint and side in ("", each[0])]
        if places:
            dock.controller.go_to(*places[0])

    dock.ready.connect(start)
    dock.flow.opened.connect(show)
    return viewer, dock


def run_window(*arguments: str) -> None:
    """Open the window as :func:`open_window`, and return when it is closed."""
    import napari

    open_window(*arguments)
    napari.run()


def _ask_reader(dock: ReadPatient) -> str:
    from qtpy.QtWidgets import QInputDialog

    name, ok = QInputDialog.getText(dock, "Reader", "Your name or code, which stands with all that you decide:")
    return str(name).strip() if ok else ""
