"""The report contains all joints and reasons, loads nothing and identifies nobody."""

import base64
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from napari_jsn import __version__
from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.drawing.svg import MINUS, plain, signed
from napari_jsn.export.report import strips
from napari_jsn.export.report.page import report_html
from napari_jsn.export.report.plots import Scales
from napari_jsn.export.report.sections import USE
from napari_jsn.progression.labels import Unit
from tests.progression import made_up

VOID = {"meta", "img", "image", "line", "rect", "circle", "polygon", "polyline", "br", "path", "use"}


class Page(HTMLParser):
    """Collects what a page shows, and checks that every element is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.attributes, self.texts = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def progression():
    return made_up.progression()


@pytest.fixture(scope="module")
def html(progression):
    return report_html(progression)


@pytest.fixture(scope="module")
def long():
    """Both hands at three visits."""
    return made_up.progression(visits=3, sides=("R", "L"))


def test_it_shows_every_joint_with_its_figures_and_every_reason(html, progression):
    words = Page(html).words
    for row in progression.narrowings:
        assert f"L {row.joint}" in words
        assert row.reason in words
        if np.isfinite(row.jsn_mm):
            assert f"{row.jsn_mm:+.2f}".replace("-", MINUS) in words
    for text in (USE, "SIM0001", "visit 2 (week 52)", __version__, "refined", *progression.notes):
        assert text in words
    for model in progression.models.values():
        assert model in words
    assert "magnification corrected" in words and "Repositioning" in words


def test_it_is_one_file_that_loads_nothing(html):
    page = Page(html)
    without_pictures = re.sub(r"base64,[\w+/=]+", "", html)
    outside = re.search(r"https?:|//[a-z]|@import|url\(|<script|<link|<iframe|\bon[a-z]+=", without_pictures, re.I)
    assert outside is None
    policies = [value for name, value in page.attributes if name == "content" and "default-src" in value]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    links = [value for name, value in page.attributes if name in ("href", "src")]
    assert links and all(link.startswith("data:image/jpeg;base64,") for link in links)
    for link in links:
        Image.open(BytesIO(base64.b64decode(link.split(",")[1]))).verify()
    assert len(html) < 5e6


def test_equal_progressions_give_equal_pages(html, progression):
    assert report_html(replace(progression)) == html


def test_it_names_no_file_and_no_day(html, progression):
    for film in progression.hands:
        assert film.radiograph.path.name not in html and str(film.radiograph.path.parent) not in html
        assert film.day.isoformat() not in html and film.day.strftime("%Y%m%d") not in html


def test_input_texts_are_escaped(progression):
    markup = "<script>alert('&')</script>"
    rows = [replace(row, reasons=(Reason(ReasonCode.CLOSURE_OPEN, markup),)) for row in progression.narrowings]
    films = [replace(film, reasons=(Reason(ReasonCode.NO_HAND, markup),)) for film in progression.hands]
    odd = replace(
        progression, patient_id=markup, notes=(markup,), narrowings=tuple(rows), hands=tuple(films), method=markup
    )
    html = report_html(odd)
    assert "<script" not in html and unescape(Page(html).words).count(markup) > 10


def test_strips_show_the_images_that_exist(html, progression):
    pictures = Page(html).words
    measured = sum(row.registration is not None for row in progression.narrowings)
    assert pictures.count("Original loss") == pictures.count("Transformed loss") == measured == 9
    assert html.count(">5 mm</text>") == 10  # the scale bar of each baseline, of the joint missing at follow-up too
    assert html.index("Failed</h2>") < html.index("Radiographs</h2>")
    unreliable = html[html.index("Failed</h2>") :]
    assert [f"L {joint}" in unreliable for joint in ("MCP1", "PIP4", "PIP5", "MCP2")] == [True, True, True, False]


def test_courses_are_drawn_with_three_visits_or_more(html, long):
    assert "Over time" not in html
    words = Page(report_html(long)).words
    assert "weeks since baseline" in words and "104" in words
    for side in ("R", "L"):
        for joint in MEASURED_JOINTS:
            assert f"{side} {joint}" in words
    assert "Right hand" in words and "Left hand" in words and "Closure" in words


def test_visits_without_days_are_numbered(long):
    words = Page(report_html(replace(long, hands=tuple(replace(film, day=None) for film in long.hands)))).words
    assert "visit 1, visit 2, visit 3" in words and "week" not in words.replace("weeks since", "")


def test_without_a_pixel_size_figures_are_in_pixels(progression):
    rows = [
        replace(row, spacing_mm=None, registration=row.registration and replace(row.registration, spacing_mm=None))
        for row in progression.narrowings
    ]
    unscaled = replace(progression, narrowings=tuple(rows))
    assert Unit.of(unscaled).name == "px"
    words = Page(report_html(unscaled)).words
    assert "JSN (px)" in words and "JSN (mm)" not in words and "in pixels of the baseline" in words
    assert f"{rows[2].jsn_px:+.1f} px" in words


def test_joints_that_share_a_reason_are_named_together(progression):
    unreliable = [
        replace(row, reasons=(Reason(ReasonCode.CLOSURE_OPEN, f"Too uncertain (sd 0.0{k} mm)."),))
        for k, row in enumerate(progression.narrowings)
    ]
    words = Page(report_html(replace(progression, narrowings=tuple(unreliable)))).words
    joints = "MCP1, IP1, MCP2, PIP2, MCP3, PIP3, MCP4, PIP4, MCP5, PIP5"
    assert f"{joints} The registrations between three visits do not add up." in words
    assert "0 of 10 joints have not failed" in words and "Too uncertain (sd 0.03 mm)." in words


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.004, "0.00"), (-0.004, "0.00"), (0.005001, "+0.01"), (-1.5, f"{MINUS}1.50"), (np.nan, "\u2013")],
)
def test_figures_have_a_sign_and_zero_has_none(value, written):
    assert signed(value) == written
    assert plain(value) == written.removeprefix("+")


def test_a_hand_of_unknown_side_and_nothing_measured(progression):
    films = tuple(replace(film, side=None, joints=()) for film in progression.hands)
    rows = tuple(
        made_up.Narrowing(joint, "", 2, reasons=(Reason(ReasonCode.NO_RADIOGRAPH),)) for joint in ("MCP2", "PIP2")
    )
    words = Page(report_html(replace(progression, hands=films, narrowings=rows))).words
    assert (
        "0 of 2" in words
        and "There is no radiograph of this hand at the baseline or at this visit." in words
        and "No joint of this hand was found" in words
    )


@pytest.mark.parametrize("visits", [2, 8, 13])
def test_images_are_limited_to_the_last_visits(long, monkeypatch, visits):
    monkeypatch.setattr(strips, "strip", lambda row, *_, **__: f"[{row.side} {row.joint} {row.visit}]")
    at_two = [row for row in long.narrowings if row.visit == 2]
    rows = [replace(row, visit=visit) for row in at_two for visit in range(2, visits + 1)]
    many = replace(long, narrowings=tuple(rows))
    good, failed = (strips.strips_section(many, Scales.of(many), reliable) for reliable in (True, False))
    count = [sum(row.reliable is reliable for row in rows) for reliable in (True, False)]
    shown_failed = min(count[1], 40)
    assert (good.count("["), failed.count("[")) == (min(count[0], 120 - shown_failed), shown_failed)
    assert all(f"[{row.side} {row.joint} {visits}]" in good + failed for row in at_two)
    text = f"Images of {120 - shown_failed} of {count[0]} figures are shown, those of the last visits."
    assert (text in good) == (count[0] + shown_failed > 120)
