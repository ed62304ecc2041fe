"""The six-panel figure: what it shows, on images of every shape and results of every kind."""

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.export.figure import TITLES, png_bytes, registration_figure, svg_bytes
from napari_jsn.joint import BoneMasks

REASON = "The motion models disagree by 0.31 mm, more than twice the limit. " * 4
FAILED = (Reason(ReasonCode.MODELS_DISAGREE, REASON),)


def words(figure):
    return [text.get_text() for text in (*figure.texts, *(t for axes in figure.axes for t in axes.texts))]


def shaped(registration, rows, cols):
    """The same registration of images of another shape."""

    def cut(pixels):
        return np.tile(pixels, (2, 2))[:rows, :cols]

    masks = registration.fixed_masks
    return replace(
        registration,
        **{name: cut(getattr(registration, name)) for name in _IMAGES},
        fixed_masks=BoneMasks(cut(masks.upper), cut(masks.lower)),
    )


_IMAGES = ("transformed", "original_spectrum", "transformed_spectrum")


def test_six_panels_in_the_order_of_the_paper(simulated, registration):
    figure = registration_figure(simulated.fixed, simulated.moving, registration)
    panels = figure.axes[:6]
    assert tuple(panel.get_title() for panel in panels) == TITLES
    shown = [panel.images[0].get_array() for panel in panels]
    expected = (simulated.moving, simulated.fixed, simulated.fixed, *(getattr(registration, name) for name in _IMAGES))
    for image, pixels in zip(shown, expected, strict=True):
        assert np.array_equal(image, pixels)


def test_both_spectra_share_one_colour_scale(simulated, registration):
    panels = registration_figure(simulated.fixed, simulated.moving, registration).axes
    limits = [panel.images[0].get_clim() for panel in panels[4:6]]
    assert limits[0] == limits[1] and limits[0][0] == 0


def test_figures_are_written_below_the_panels(simulated, registration):
    written = words(registration_figure(simulated.fixed, simulated.moving, registration, title="Fixed a.png"))
    assert "+0.300 mm" in written and "+0.280 to +0.320 mm (sd 0.010 mm)" in written
    assert f"{registration.lower.dy:+.3f}" in written
    assert "P0, upper bone" in written and "P1, lower bone" in written
    assert f"L(F,G) = {registration.original_loss:.5f}" in written
    assert f"L(F,G') = {registration.transformed_loss:.5f}" in written
    assert "Fixed a.png" in written and "State: good" in written
    assert "5 mm" in written


def test_without_spacing_there_are_pixels_and_no_scale_bar(simulated, unscaled):
    written = words(registration_figure(simulated.fixed, simulated.moving, unscaled))
    assert "+1.71 px" in written
    assert not any(word.endswith(" mm") for word in written)


def test_an_unreliable_result_has_its_whole_reason(simulated, registration):
    written = words(
        registration_figure(
            simulated.fixed,
            simulated.moving,
            replace(registration, reasons=FAILED),
        )
    )
    assert REASON.strip() in " ".join(written) and "Failed" in " ".join(written)
    assert "State: good" not in written


@pytest.mark.parametrize("shape", [(128, 128), (80, 160), (160, 80), (30, 200), (200, 30)])
@pytest.mark.parametrize("reliable", [True, False])
def test_nothing_is_cut_off(registration, shape, reliable):
    found = replace(shaped(registration, *shape), reasons=() if reliable else FAILED)
    figure = registration_figure(found.transformed, found.transformed, found, title="Fixed a.png")
    renderer = FigureCanvasAgg(figure).get_renderer()
    page = figure.bbox
    boxes = [artist.get_window_extent(renderer) for artist in figure.texts]
    boxes += [axes.get_tightbbox(renderer) for axes in figure.axes]
    for box in boxes:
        assert box.x0 >= page.x0 and box.x1 <= page.x1 and box.y0 >= page.y0 and box.y1 <= page.y1
    texts = [*figure.texts, *(axes.title for axes in figure.axes[:6])]
    for k, one in enumerate(texts):
        for other in texts[k + 1 :]:
            assert not one.get_window_extent(renderer).overlaps(other.get_window_extent(renderer))


def test_images_of_different_size_are_shown_whole_and_to_one_scale(simulated, registration):
    figure = registration_figure(
        simulated.fixed, np.tile(simulated.moving, (2, 1)), registration, moving_spacing_mm=(0.175, 0.0875)
    )
    moving, fixed = (figure.axes[k].images[0].get_extent() for k in (0, 2))
    side = 128 * 0.175 / 2
    assert moving == pytest.approx([-side / 2, side / 2, 2 * side, -2 * side])
    assert fixed == pytest.approx([-side, side, side, -side])
    for panel in figure.axes[:6]:
        assert panel.get_xlim() == pytest.approx((-side, side))
        assert panel.get_ylim() == pytest.approx((2 * side, -2 * side))


def test_the_same_result_gives_the_same_bytes(simulated, registration):
    first, second = (
        png_bytes(registration_figure(simulated.fixed, simulated.moving, registration), dpi=60) for _ in range(2)
    )
    assert first == second
    assert Image.open(io.BytesIO(first)).size[0] > 600


def test_names_in_any_script_are_no_warning(simulated, registration, recwarn):
    png_bytes(
        registration_figure(simulated.fixed, simulated.moving, registration, title="Fixed \u57fa\u6e96.png $x$"), dpi=60
    )
    assert [str(warning.message) for warning in recwarn] == []


def test_the_figure_is_vector_graphics_too_and_always_the_same(simulated, registration):
    first, again = (svg_bytes(registration_figure(simulated.fixed, simulated.moving, registration)) for _ in range(2))
    assert first == again and b"<svg" in first and b"Date" not in first
