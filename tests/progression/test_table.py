"""A progression as a table, and its summaries."""

import numpy as np
import pandas as pd
import pytest

from napari_jsn import __version__
from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.common.csv_files import csv_bytes
from napari_jsn.progression.progression import Progression
from napari_jsn.progression.repositioning import narrowing_uncertainty
from napari_jsn.progression.summary import closure_sdc_mm, sdc_mm, summaries, weighted_mean
from napari_jsn.registration.methods import CHECKS
from tests.progression.made_up import MISSING, progression

FIRST = [
    "patient", "joint", "side", "visit", "jsn_mm", "jsn_sd_mm", "ci_low_mm", "ci_high_mm", "jsw_change_mm",
    "jsw_change_sd_mm", "reliable", "state", "reasons", "reason", "changed_by_hand",
]  # fmt: skip


def test_one_row_a_joint_and_follow_up_visit_in_anatomical_order():
    table = progression(visits=3, sides=("L", "R")).table()
    assert list(table.columns[: len(FIRST)]) == FIRST
    assert len(table) == 2 * 10 * 2
    assert list(table.side) == 20 * ["R"] + 20 * ["L"]
    assert list(table.joint[:20:2]) == list(MEASURED_JOINTS)
    assert list(table.visit[:4]) == [2, 3, 2, 3]
    assert table.weeks[0] == pytest.approx(52) and table.day[0] == "2021-01-13"


def test_it_holds_every_figure_and_where_it_comes_from():
    made_up = progression()
    table, first = made_up.table(), made_up.narrowings[0]
    row = table.iloc[0]
    assert row.jsn_mm == first.jsn_mm and row.ci_low_mm == first.ci95_mm[0]
    assert row.upper_dz == first.registration.upper.dz and row.transformed_loss == first.registration.transformed_loss
    assert row.baseline_jsw_mm == first.baseline.jsw.mm and row.jsw_mm == first.followup.jsw.mm
    assert row.software == f"napari-jsn {__version__}" and row.method == "refined"
    assert row.segmentation_model == "default ba9876543210"
    assert row.spacing_source == "magnification corrected" and row.spacing_mm == pytest.approx(0.1384, abs=1e-3)


def test_a_joint_that_was_not_measured_has_a_row_with_its_reason():
    table = progression().table()
    row = table[table.joint == MISSING].iloc[0]
    assert not row.reliable and row.reason
    assert np.isnan(row.jsn_mm) and np.isnan(row.upper_dx_px) and np.isnan(row.jsw_mm)
    assert pd.api.types.is_bool_dtype(table["reliable"])


def test_the_quantities_that_decide_on_failure_are_columns():
    table = progression().table()
    for name in (*CHECKS, "jsw_sd"):
        assert f"check_{name}" in table
    row = table[table.joint == "MCP2"].iloc[0]
    variance = row.jsn_sd_mm**2 + row.jsw_change_sd_mm**2 - row.jsn_sd_mm * row.jsw_change_sd_mm
    assert row.check_jsw_sd == pytest.approx((row.jsn_mm - row.jsw_change_mm) / np.sqrt(variance))


def test_equal_progressions_give_equal_bytes():
    made_up = progression()
    again = Progression(
        made_up.hands, made_up.narrowings[::-1], made_up.patient_id, made_up.notes, made_up.models, made_up.method
    )
    assert csv_bytes(made_up.table()) == csv_bytes(again.table())


def test_nothing_measured_gives_an_empty_table_with_its_columns():
    table = Progression((), ()).table()
    assert len(table) == 0 and list(table.columns) == FIRST
    assert isinstance(summaries(Progression((), ())), pd.DataFrame)


def test_summaries_count_joints_that_have_not_failed():
    made_up = progression(visits=3, sides=("L", "R"))
    table = summaries(made_up)
    left = table[(table.side == "L") & (table.visit == 2) & (table.group == "all")].iloc[0]
    counted = [r for r in made_up.narrowings if r.side == "L" and r.visit == 2 and r.reliable]
    assert left.joints == 10 and left.reliable == len(counted) == 8
    assert left.mean_jsn_mm == pytest.approx(np.mean([r.jsn_mm for r in counted]))
    shared = narrowing_uncertainty().shared
    assert left.mean_jsn_sd_mm == pytest.approx(0.02 * np.sqrt((1 + 7 * shared) / 8))
    assert set(table.group) == {"all", "MCP", "PIP", "IP"} and set(table.side) == {"R", "L", "both"}


@pytest.mark.parametrize(
    ("values", "sds", "mean"),
    [([0.1, 0.4], [0.02, 0.02], 0.25), ([0.1, 0.4], [0.02, 0.2], 0.1 + 0.3 / 101), ([0.3], [0.05], 0.3)],
)
def test_a_mean_weights_joints_by_their_variance(values, sds, mean):
    assert weighted_mean(values, sds, ["L"] * len(values))[0] == pytest.approx(mean)


@pytest.mark.parametrize(("joints", "sides"), [(10, "L"), (20, "LR"), (40, "LR")])
def test_the_sd_of_a_mean_holds_the_error_that_joints_of_a_hand_share(joints, sides):
    """Errors with that correlation within a hand are simulated; the stated sd is that of their mean."""
    shared, rng = narrowing_uncertainty().shared, np.random.default_rng(0)
    hands = [sides[k % len(sides)] for k in range(joints)]
    common = {side: rng.standard_normal(20000) for side in sides}
    own = rng.standard_normal((joints, 20000))
    errors = 0.03 * (np.sqrt(shared) * np.array([common[side] for side in hands]) + np.sqrt(1 - shared) * own)
    _, sd = weighted_mean(np.zeros(joints), np.full(joints, 0.03), hands)
    assert sd == pytest.approx(errors.mean(axis=0).std(), rel=0.03)
    assert shared == 0 or sd > 0.03 / np.sqrt(joints)


def test_the_smallest_detectable_change_is_196_standard_uncertainties():
    assert sdc_mm([0.02, 0.02, float("nan")]) == pytest.approx(1.96 * 0.02, abs=1e-5)
    assert np.isnan(sdc_mm([]))
    # repeat measurements of one change: 1.96 times the SD of their differences, over the root of 2
    rng = np.random.default_rng(0)
    repeats = rng.normal(0.1, 0.02, (20000, 2))
    assert sdc_mm([0.02]) == pytest.approx(1.96 * np.diff(repeats).std() / np.sqrt(2), rel=0.02)
    # a triangle of three pairs with that uncertainty each leaves root 3 times as much open
    open_by = rng.normal(0, 0.02, (20000, 3)).sum(1)
    assert closure_sdc_mm([np.sqrt(np.mean(open_by**2))]) == pytest.approx(1.96 * 0.02, rel=0.02)
