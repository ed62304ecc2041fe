import numpy as np
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.common.statistics import Z80, bland_altman, reader_agreement, smallest_detectable_change

#: Four judges rate six targets (Shrout & Fleiss 1979, table 2).
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])


def test_the_published_example_comes_out():
    found = reader_agreement(SHROUT_FLEISS)
    assert (found.subjects, found.readings) == (6, 4)
    assert found.icc_2_1 == pytest.approx(0.29, abs=0.005)
    assert found.icc_3_1 == pytest.approx(0.71, abs=0.005)
    assert (round(found.icc_2_k, 2), round(found.icc_3_k, 2)) == (0.62, 0.91)
    # as R's psych and irr give them
    assert found.icc_2_1_ci95 == pytest.approx((0.02, 0.76), abs=0.01)
    assert found.icc_3_1_ci95 == pytest.approx((0.34, 0.95), abs=0.01)


def test_the_sdc_of_two_readings_is_that_of_their_difference():
    rng = np.random.default_rng(1)
    truth = rng.normal(0, 0.3, 200)
    readings = truth[:, None] + rng.normal(0, 0.05, (200, 2)) + [0, 0.02]
    found = reader_agreement(readings)
    difference = readings[:, 0] - readings[:, 1]
    assert found.sdc == pytest.approx(1.96 * difference.std(ddof=1) / np.sqrt(2))
    assert found.sem == pytest.approx(0.05, rel=0.15)


def test_limits_of_agreement_and_their_intervals():
    rng = np.random.default_rng(2)
    first = rng.normal(0, 0.3, 50)
    second = first - 0.02 + rng.normal(0, 0.05, 50)
    found = bland_altman(first, second)
    difference = first - second
    assert found.bias == pytest.approx(difference.mean())
    assert found.limits == pytest.approx((found.bias - 1.96 * found.sd, found.bias + 1.96 * found.sd))
    assert (
        found.low_ci95[0] < found.limits[0] < found.low_ci95[1] < found.bias_ci95[0] < found.bias < found.bias_ci95[1]
    )


@pytest.mark.parametrize("values", [np.ones((2, 2)), np.ones((5, 1)), np.full((5, 2), np.nan)])
def test_too_few_readings_are_refused(values):
    with pytest.raises(InputError, match="at least 3 joints"):
        reader_agreement(values)


def test_readings_that_are_equal_agree():
    same = np.repeat(np.linspace(0, 1, 6)[:, None], 2, axis=1)
    found = reader_agreement(same)
    assert found.icc_2_1 == pytest.approx(1) and found.sdc == pytest.approx(0)
    assert all(map(np.isfinite, (*found.icc_2_1_ci95, *found.icc_3_1_ci95)))


def test_values_that_are_all_equal_have_no_coefficient():
    found = reader_agreement(np.ones((5, 3)))
    assert np.isnan([found.icc_2_1, found.icc_3_k, *found.icc_2_1_ci95]).all() and found.sdc == 0


def test_the_mean_of_readers_detects_a_smaller_change():
    difference = np.array([3.0, -1, 0, 2, -4, 1])
    sem = difference.std(ddof=1) / np.sqrt(2)
    assert smallest_detectable_change(sem) == pytest.approx(1.96 * difference.std(ddof=1) / np.sqrt(2))
    assert smallest_detectable_change(sem, averaged=2) == pytest.approx(1.96 * difference.std(ddof=1) / 2)
    assert smallest_detectable_change(sem, z=Z80) == pytest.approx(1.28 * sem)
