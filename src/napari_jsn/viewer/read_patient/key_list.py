"""The keys of the step Read: what each does, and the list of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout

#: Keys as they stand in the list, and what they do.
KEYS = (
    ("A / R / U", "accept, reject, unsure; goes to the next joint"),
    ("Z / Shift+Z", "take back the last change and return to its joint; do it again"),
    ("C", "write a comment; Enter saves it"),
    ("N / P", "next and previous joint"),
    ("Shift+N", "next doubtful joint"),
    ("H", "whole hand; a click on a box shows the joint"),
    ("S, B, D, L", "side by side, blink, difference, loss spectra"),
    ("Space", "hold: follow-up over the baseline"),
    ("O", "outlines, margins and width on or off"),
    ("I", "invert the intensities"),
    ("Ctrl+0", "fit the view, and show all intensities"),
    ("right drag", "window (across) and level (down)"),
    ("G", "score mode on or off"),
    ("0 to 5, E", "in score mode: set the grade; switch narrowing and erosion"),
    ("Y", "show or hide napari's layer list"),
    ("?", "this list"),
)


def reading_actions(dock: Any) -> dict[str, Callable[[], None]]:
    """Return the function of every key."""
    control = dock.controller
    actions: dict[str, Callable[[], None]] = {
        "A": lambda: control.decide("accepted"),
        "R": lambda: control.decide("rejected"),
        "U": lambda: control.decide("unsure"),
        "Z": control.undo,
        "Ctrl+Z": control.undo,
        "Shift+Z": control.redo,
        "Ctrl+Shift+Z": control.redo,
        "C": dock.reading.comment_field.setFocus,
        "N": control.next,
        "P": lambda: control.next(-1),
        "Shift+N": lambda: control.next(1, True),
        "H": lambda: control.toggle_view("hand"),
        "S": lambda: control.show_view("side by side"),
        "B": lambda: control.toggle_view("blink"),
        "D": lambda: control.toggle_view("difference"),
        "L": lambda: control.toggle_view("loss spectra"),
        "O": control.toggle_outlines,
        "I": control.canvas.invert,
        "Ctrl+0": control.reset_view,
        "G": lambda: control.set_scoring(not control.position.scoring),
        "E": control.switch_kind,
        "Y": dock.toggle_layer_docks,
        "?": lambda: show_keys(dock),
    }
    for digit in range(10):
        actions[str(digit)] = lambda digit=digit: control.digit(digit)  # type: ignore[misc]
    return actions


def show_keys(parent: Any) -> None:
    """Show the list of keys."""
    dialog = QDialog(parent)
    dialog.setObjectName("keys")
    dialog.setWindowTitle("Keys of the step Read")
    layout, grid = QVBoxLayout(dialog), QGridLayout()
    grid.setHorizontalSpacing(16)
    for row, (key, text) in enumerate(KEYS):
        name = QLabel(f"<b>{key}</b>")
        grid.addWidget(name, row, 0)
        grid.addWidget(QLabel(text), row, 1)
    layout.addLayout(grid)
    close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    close.rejected.connect(dialog.close)
    layout.addWidget(close)
    dialog.show()
