"""The widgets of one joint in a real window of 1366 x 768 at small and large fonts, in both themes."""

import pytest
from napari.settings import get_settings
from napari.utils.theme import get_theme
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QLabel, QPushButton

from napari_jsn.drawing.colours import jsn_colour
from napari_jsn.progression.labels import Unit
from napari_jsn.viewer.file_readers.samples import joint_pair_mcp
from napari_jsn.viewer.forms.scroll import ContentScroll
from napari_jsn.viewer.forms.style import inks
from napari_jsn.viewer.hands_widget.table import JointTable, Legend
from tests.progression.made_up import progression

SIZE = (1366, 768)
TITLES = ["Register joint pair", "Segment joint", "Train"]


@pytest.fixture
def opened(make_napari_viewer, engine):
    """A window of the size of a small screen with the shipped joint pair."""
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(*SIZE)
    for data, options, kind in joint_pair_mcp():
        getattr(viewer, f"add_{kind}")(data, **options)
    appearance = get_settings().appearance
    before = appearance.font_size
    yield viewer
    appearance.font_size = before


def cut(widget):
    """Return the visible texts of a widget that have too little room."""
    labels = [each for each in widget.findChildren(QLabel) if each.isVisible() and each.text()]
    buttons = [each for each in widget.findChildren(QPushButton) if each.isVisible()]
    narrow = [each for each in (*labels, *buttons) if each.width() < each.minimumSizeHint().width()]
    low = [each for each in labels if each.wordWrap() and each.height() < each.heightForWidth(each.width())]
    return [each.text() for each in narrow + low]


@pytest.mark.parametrize("title", TITLES)
def test_nothing_is_cut_or_out_of_reach(opened, qtbot, title):
    window = opened.window._qt_window
    _, widget = opened.window.add_plugin_dock_widget("napari-jsn", title)
    if title == "Register joint pair":
        widget.run_button.click()  # its figures need room too
        qtbot.wait_until(lambda: widget._run is None)
    for theme, size in (("dark", 16), ("light", 11), ("light", 16), ("dark", 9)):
        opened.theme, get_settings().appearance.font_size = theme, size

        def in_view():
            for button in (widget.run_button, widget.abort_button):
                corner = button.mapTo(window, button.rect().bottomRight())
                assert corner.x() < window.width() <= SIZE[0] and corner.y() < window.height() <= SIZE[1]
            assert cut(widget.body) == []
            for scroll in widget.body.findChildren(ContentScroll):
                content, room = scroll.widget(), scroll.viewport()
                assert content.minimumSizeHint().width() <= room.width()
                # what does not fit is reached by the scroll bar
                assert content.height() - room.height() <= scroll.verticalScrollBar().maximum()

        qtbot.wait_until(in_view, timeout=20_000)


def contrast(one, other):
    def luminance(name):
        colour = QColor(name)
        parts = (colour.redF(), colour.greenF(), colour.blueF())
        linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear))

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["dark", "light"])
def test_every_text_has_a_contrast_of_four_and_a_half(qtbot, name):
    theme = get_theme(name)
    backgrounds = [theme.background.as_hex(), theme.foreground.as_hex()]
    texts = [theme.text.as_hex(), *inks(name)]
    assert [(ink, back) for ink in texts for back in backgrounds if contrast(ink, back) < 4.5] == []
    for ground in (theme.current, theme.primary):  # of buttons
        assert contrast(theme.text.as_hex(), ground.as_hex()) >= 4.5
    for ink in (theme.text.as_hex(), inks(name).muted):  # in fields
        assert contrast(ink, theme.primary.as_hex()) >= 4.5
    table = JointTable()
    qtbot.addWidget(table)
    rows = progression().narrowings
    table.show_rows(rows, Unit("mm"), 0.5)
    table.set_failed_ink(inks(name).muted)
    failed = next(k for k, row in enumerate(rows) if not row.reliable)
    for column in range(table.columnCount()):
        ink = table.item(failed, column).foreground().color().name()
        assert all(contrast(ink, back) >= 4.5 for back in backgrounds)


def test_the_legend_is_readable_on_its_whole_scale(qtbot):
    legend = Legend()
    qtbot.addWidget(legend)
    legend.show_scale(0.5, "mm")
    assert "color: #000000" in legend.styleSheet()
    assert all(contrast("#000000", jsn_colour(0.5 * k / 4, 0.5)) >= 4.5 for k in range(-4, 5))
