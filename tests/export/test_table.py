import io
import math
from dataclasses import replace

import pandas as pd
import pytest

from napari_jsn.common.csv_files import csv_bytes
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.export.table import table
from napari_jsn.registration.record import flat_record, spacing_cell


def test_a_record_holds_every_figure_under_a_name_with_its_unit(registration, simulated):
    record = flat_record(registration)
    assert record["jsn_mm"] == registration.jsn_mm
    assert (record["ci_low_mm"], record["ci_high_mm"]) == registration.ci95_mm
    assert record["jsn_eq7_mm"] == registration.jsn_eq7_mm
    assert record["lower_dy_px"] == registration.lower.dy
    assert record["upper_dtheta_deg"] == pytest.approx(math.degrees(registration.upper.dtheta))
    assert (record["upper_centre_x_px"], record["point_y_px"]) == (63.5, simulated.point[1])
    assert record["reliable"] is True and record["reason"] == ""
    assert record["spacing_mm"] == 0.175


def test_csv_reads_back(registration):
    record = flat_record(
        replace(registration, reasons=(Reason(ReasonCode.MODELS_DISAGREE, 'Models disagree, "badly".'),))
    )
    read = pd.read_csv(io.BytesIO(csv_bytes(table([record, record]))))
    assert len(read) == 2 and list(read) == list(record)
    assert read.jsn_mm[0] == pytest.approx(record["jsn_mm"], rel=1e-5)
    assert not read.reliable[0] and read.reason[0] == record["reason"]


def test_equal_results_give_equal_bytes(registration):
    first, second = (csv_bytes(table([flat_record(replace(registration))])) for _ in range(2))
    assert first == second
    assert b"\r" not in first
    assert all(len(cell) <= 12 for cell in first.decode().splitlines()[1].split(","))


def test_without_spacing_millimetres_are_empty(unscaled):
    read = pd.read_csv(io.BytesIO(csv_bytes(table([flat_record(unscaled)]))))
    assert read[["jsn_mm", "jsn_sd_mm", "ci_low_mm", "jsn_eq7_mm", "spacing_mm"]].isna().all(axis=None)
    assert read.jsn_px[0] == pytest.approx(unscaled.jsn_px, rel=1e-5)


def test_a_pixel_size_fits_one_cell():
    assert spacing_cell(0.175) == 0.175
    assert spacing_cell((0.15, 0.175)) == "0.15 x 0.175"
    assert math.isnan(spacing_cell(None))
