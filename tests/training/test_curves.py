import io

import pytest
from PIL import Image

from napari_jsn.training.curves import curves_csv, curves_png


@pytest.mark.parametrize(("epochs", "best", "loss"), [(1, 1, 0.5), (5, 3, 0.2), (3, 2, -1.0), (2, 0, float("nan"))])
def test_any_history_can_be_drawn(epochs, best, loss):
    row = {"train_loss": loss, "val_loss": loss, "dsc": 0.9, "worst": 0.5, "rate": 1e-3, "seconds": 2.0}
    history = [{"epoch": k + 1, **row} for k in range(epochs)]
    assert Image.open(io.BytesIO(curves_png(history, best))).size == (840, 660)
    lines = curves_csv(history).decode().splitlines()
    assert lines[0].split(",") == list(history[0]) and len(lines) == epochs + 1
