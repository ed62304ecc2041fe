"""Inputs of the widget "Measure hands" that are read in the worker, and its messages in the words of the form."""

import logging
import threading

import dask.array
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_jsn.common.errors import InputError
from napari_jsn.viewer.hands_widget.widget import MeasureHands
from napari_jsn.viewer.layers.read_layer import layer_metadata


def lazy(pixels, read):
    """Return a lazy array that calls ``read`` when it is computed."""

    def block(values):
        read()
        return values

    blocks = dask.array.from_array(pixels, chunks=-1)
    return blocks.map_blocks(block, dtype=pixels.dtype, meta=np.empty((0, 0), pixels.dtype))


def opened(hand_layers, dock, read, which):
    """Return the widget and a viewer whose radiographs of these visits are lazy."""
    viewer = ViewerModel()
    for visit, (pixels, options, _) in enumerate(hand_layers[1:], start=1):
        viewer.add_image(lazy(pixels, read) if visit in which else pixels, **{**options, "cache": False})
    return dock(MeasureHands(viewer), viewer)


def run(widget, qtbot, button):
    getattr(widget, button).click()
    qtbot.wait_until(lambda: widget._run is None, timeout=20000)


@pytest.mark.parametrize("button", ["run_button", "find_button"])
def test_lazy_pixels_are_read_in_the_worker(hand_layers, engine, dock, qtbot, button):
    threads, armed = [], []
    widget = opened(hand_layers, dock, lambda: armed and threads.append(threading.get_ident()), (1, 2))
    armed.append(True)
    finish = widget.finish
    widget.finish = lambda *result: (armed.clear(), finish(*result))  # what is shown afterwards may be sliced
    run(widget, qtbot, button)
    assert widget.failure.text() == "" and len(threads) == 2
    assert threading.get_ident() not in threads
    if button == "run_button":
        measured = engine.calls[0]["patient"].visits[1].radiographs[0].pixels
        np.testing.assert_array_equal(measured, hand_layers[2][0])


@pytest.mark.parametrize(
    ("error", "which"), [(OSError("the server is gone"), (1,)), (KeyError("chunk"), (2,)), (ValueError("odd"), (1, 2))]
)
@pytest.mark.parametrize("button", ["run_button", "find_button"])
def test_lazy_pixels_that_cannot_be_read_are_one_sentence(
    hand_layers, engine, dock, qtbot, caplog, error, which, button
):
    def read():
        if armed:
            raise error

    armed = []
    widget = opened(hand_layers, dock, read, which)
    armed.append(True)
    with caplog.at_level(logging.ERROR, "napari_jsn"):
        run(widget, qtbot, button)
    message = widget.form.fields["patient"].message.text()
    name = next(layer.name for layer in widget._viewer.layers if layer_metadata(layer)["visit"] == which[0])
    assert f"The pixels of {name!r} cannot be read ({type(error).__name__}" in message
    assert any(record.exc_info for record in caplog.records) and engine.calls == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Visit 1, left: the distance from MCP to PIP joint is 298 mm: impossible. Give the correct spacing_mm.",
        "Visit 2 does not state its pixel spacing. Give spacing_mm, or state it for each file in radiographs.csv.",
        "Pixel Spacing is 'x', which is not a length. Correct the attribute, or give the true spacing_mm.",
    ],
)
def test_messages_have_the_words_of_the_form(widget, engine, qtbot, sentence):
    engine.error = InputError(sentence, "spacing_mm")
    run(widget, qtbot, "run_button")
    message = widget.form.fields["spacing_mm"].message.text()
    assert "pixel size" in message and "spacing_mm" not in message and "the the" not in message
    assert "correct the" not in message.replace("Correct the attribute", "")


@pytest.mark.parametrize("error", [RuntimeError("odd"), ZeroDivisionError("division"), MemoryError()])
@pytest.mark.parametrize("stage", ["begin", "work", "finish"])
def test_an_unexpected_error_is_one_sentence_and_a_traceback_in_the_log(
    widget, engine, qtbot, caplog, monkeypatch, error, stage
):
    def fail(*_):
        raise error

    if stage == "work":
        engine.error = error
    else:
        monkeypatch.setattr(MeasureHands, "_radiographs" if stage == "begin" else "_show_measured", fail)
    with caplog.at_level(logging.ERROR, "napari_jsn"):
        run(widget, qtbot, "run_button")
    assert (
        widget.failure.text().startswith("The measurement failed: ") and type(error).__name__ in widget.failure.text()
    )
    assert any(record.exc_info and record.name.startswith("napari_jsn") for record in caplog.records)
    assert widget.run_button.isEnabled()
