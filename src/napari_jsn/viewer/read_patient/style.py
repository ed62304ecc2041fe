"""The style sheet of the dock, for napari's dark and light themes."""

from __future__ import annotations

from napari.utils.theme import get_theme

from napari_jsn.viewer.forms.style import inks, style_sheet


def dock_style(theme_name: str) -> str:
    """Return the style sheet of the dock: that of the other docks, headers of steps, and checked buttons."""
    theme = get_theme(theme_name)
    card, edge, chosen = theme.foreground.as_hex(), theme.primary.as_hex(), theme.current.as_hex()
    muted = inks(theme_name).muted
    return (
        style_sheet(theme_name)
        + f"""
        QToolButton#step {{
            background-color: {card}; border: 0px; border-radius: 3px; padding: 4px 6px; text-align: left;
            font-weight: 600;
        }}
        QToolButton#step:disabled {{ color: {muted}; font-weight: 400; }}
        QToolButton#step:hover:enabled {{ background-color: {edge}; }}
        QPushButton#view, QPushButton#decision {{ padding: 3px 4px; }}
        QPushButton#decision {{ padding: 6px 4px; font-weight: 600; }}
        QPushButton:checked {{ background-color: {chosen}; }}
        QLabel#failure[hint="true"] {{ color: {theme.text.as_hex()}; }}
        QLabel#figures {{ font-weight: 600; }}
        QLabel#figures[reliable="false"] {{ color: {muted}; }}
        QTableWidget {{ border: 0px; }}
        QHeaderView::section {{ padding: 1px 3px; }}
        QTableWidget::item {{ padding: 0px 3px; }}
    """
    )
