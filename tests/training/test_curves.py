import io

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from napari_jsn.training.curves import curves_csv, curves_png, draw_curves


@pytest.mark.parametrize(("epochs", "best", "loss"), [(1, 1, 0.5), (5, 3, 0.2), (3, 2, -1.0), (2, 0, float("nan"))])
def test_any_history_can_be_drawn(epochs, best, loss):
    row = {"train_loss": loss, "val_loss": loss, "dsc": 0.9, "worst": 0.5, "rate": 1e-3, "seconds": 2.0}
    history = [{"epoch": k + 1, **row} for k in range(epochs)]
    assert Image.open(io.BytesIO(curves_png(history, best))).size == (840, 660)
    lines = curves_csv(history).decode().splitlines()
    assert lines[0].split(",") == list(history[0]) and len(lines) == epochs + 1


@pytest.mark.parametrize(("epochs", "fall"), [(1, 1.0), (2, 0.9), (30, 0.9), (20, 0.5), (40, 0.6)])
def test_ticks_are_epochs_and_losses_that_can_be_read(epochs, fall):
    history = [
        {"epoch": k + 1, "train_loss": 900 * fall**k, "val_loss": 1000 * fall**k, "exact": 0.6, "worst": 0.4}
        for k in range(epochs)
    ]
    figure = Figure(figsize=(3.6, 3.2))
    FigureCanvasAgg(figure)
    draw_curves(figure, history, 1)
    figure.canvas.draw()
    above, below = figure.axes
    assert all(tick == round(tick) for tick in below.get_xticks())
    low, high = above.get_ylim()
    assert 1 <= sum(low <= tick <= high for tick in above.get_yticks()) <= 9
