import io

import numpy as np
import pandas as pd
import pytest

from napari_jsn.export.drawn import FIXED, FIXED_MASK, MOVING, MOVING_MASK, TRUTH, drawn_files
from napari_jsn.files import write_files
from napari_jsn.radiograph import read_masks, read_radiograph


@pytest.fixture
def folder(drawn, tmp_path):
    write_files(tmp_path, drawn_files(drawn))
    return tmp_path


def test_images_and_masks_read_back(drawn, folder):
    for image, masks, pixels, truth in (
        (FIXED, FIXED_MASK, drawn.fixed, drawn.fixed_masks),
        (MOVING, MOVING_MASK, drawn.moving, drawn.moving_masks),
    ):
        assert np.abs(read_radiograph(folder / image).pixels - pixels).max() <= 0.5 / 255 + 1e-6
        assert np.array_equal(read_masks(folder / masks).labels, truth.labels)


def test_the_truth_stands_beside_them(drawn, folder):
    truth = pd.read_csv(io.BytesIO((folder / TRUTH).read_bytes())).iloc[0]
    assert truth.jsn_mm == pytest.approx(0.3)
    assert truth.spacing_mm == 0.175
    assert truth.lower_dy_px == pytest.approx(drawn.lower.dy, rel=1e-5)
