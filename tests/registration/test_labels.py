"""Labels of a registration state the figures of its Estimate, in mm or, without a pixel size, in pixels."""

from dataclasses import replace

import pytest

from napari_jsn.common.statistics import Estimate
from napari_jsn.registration.labels import interval_label, jsn_label
from tests.progression.made_up import progression


@pytest.fixture(scope="module")
def registration():
    return next(row.registration for row in progression().narrowings if row.registration is not None)


@pytest.mark.parametrize(
    ("narrowing_px", "spacing_mm", "jsn", "interval"),
    [
        (Estimate(2.0, 0.5), 0.1, "+0.200 mm", "+0.102 to +0.298 mm (sd 0.050 mm)"),
        (Estimate(2.0, 0.5), None, "+2.00 px", "+1.02 to +2.98 px (sd 0.50 px)"),
        (Estimate(-1.0, 0.1), 0.2, "-0.200 mm", "-0.239 to -0.161 mm (sd 0.020 mm)"),
        (Estimate(), None, "unknown px", "unknown to unknown px (sd unknown px)"),
    ],
)
def test_labels_state_value_interval_and_unit(registration, narrowing_px, spacing_mm, jsn, interval):
    shown = replace(registration, narrowing_px=narrowing_px, spacing_mm=spacing_mm)
    assert jsn_label(shown) == jsn and interval_label(shown) == interval
