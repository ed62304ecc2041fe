"""Colours and labels of the dock widgets, for napari's dark and light themes."""

from __future__ import annotations

from typing import NamedTuple

from napari.settings import get_settings
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QWidget


class Inks(NamedTuple):
    """Colours of texts, which have a contrast of 4.5 or more on the backgrounds of their theme."""

    error: str
    warning: str
    #: Of secondary text, of figures that have failed, and in empty fields.
    muted: str


_DARK, _LIGHT = Inks("#ff8a80", "#ffc24b", "#b8bdc6"), Inks("#b3261e", "#8a5200", "#4c4c52")


def inks(theme_name: str) -> Inks:
    """Return the colours of texts for a theme of napari."""
    return _DARK if get_theme(theme_name).type == "dark" else _LIGHT


def style_sheet(theme_name: str) -> str:
    """Return the style sheet of the dock widgets: red for errors, amber for warnings, grey for secondary text."""
    theme, (error, warning, muted) = get_theme(theme_name), inks(theme_name)
    size = get_settings().appearance.font_size
    card, edge = theme.foreground.as_hex(), theme.primary.as_hex()
    return f"""
        QLabel {{ padding: 0px; }}
        QLabel#section {{ font-weight: 600; padding-top: 6px; }}
        QLabel#message {{ color: {error}; padding-bottom: 4px; }}
        QLabel#message[empty="true"] {{ color: {muted}; }}
        QComboBox[invalid="true"], QLineEdit[invalid="true"] {{ border: 1px solid {error}; }}
        QLineEdit {{ padding-left: 6px; font-size: {size}pt; placeholder-text-color: {muted}; }}
        QPushButton#run:enabled {{ background-color: {theme.current.as_hex()}; font-weight: 600; }}
        QPushButton#run:enabled:hover {{ background-color: {theme.highlight.as_hex()}; }}
        QProgressBar {{ max-height: 6px; min-height: 6px; border: 0px; background-color: {card}; }}
        QProgressBar::chunk {{ background-color: {theme.current.as_hex()}; }}
        QFrame#results {{ background-color: {card}; border-radius: 4px; }}
        QFrame#results QWidget {{ background-color: transparent; }}
        QFrame#results QPushButton {{ background-color: {edge}; padding: 3px 8px; }}
        QFrame#results QPushButton:checked {{ background-color: {theme.current.as_hex()}; }}
        QLabel#figure {{ font-size: 24pt; font-weight: 600; }}
        QLabel#figure[reliable="false"], QLabel#interval[reliable="false"], QLabel#direction[reliable="false"] {{
            color: {muted};
        }}
        QLabel#name, QLabel#note {{ color: {muted}; }}
        QLabel#reason {{ color: {warning}; padding-top: 4px; }}
        QLabel#failure {{ color: {error}; }}
    """


def set_property(widget: QWidget, name: str, value: bool) -> None:
    """Set a property that the style sheet uses, and apply the style sheet again."""
    widget.setProperty(name, value)
    style = widget.style()
    assert style is not None
    style.unpolish(widget)
    style.polish(widget)


def text_label(name: str, text: str = "", selectable: bool = False) -> QLabel:
    """Return a label that wraps its text; the style sheet finds it by its name."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(True)
    if selectable:
        label.setIndent(0)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
