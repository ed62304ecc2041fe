from datetime import date

import pytest

from napari_jsn.patient.order.file_names import day_in, ranks, side_in


@pytest.mark.parametrize(
    "names",
    [
        ["baseline.png", "followup.png"],
        ["hand_BL_left.png", "hand_fu1_left.png", "hand_FU2_left.png"],
        ["baseline/left.png", "follow-up 1/left.png", "follow-up 2/left.png"],
        ["SIM0001_v01_L.dcm", "SIM0001_v02_L.dcm"],
        ["visit1/IM7.dcm", "Visit 2/IM3.dcm", "visit10/IM1.dcm"],
        ["week 0/a.png", "wk24/a.png", "W52.png"],
        ["screening.png", "M6.png", "12 months.png", "year2.png"],
        ["2019/left.png", "2021/left.png"],
        ["export_20240301/2019-05-02.png", "export_20240301/x_20200131.png"],
        ["baseline_v1.png", "followup_v1.png"],
        ["pre.png", "post.png"],
    ],
)
def test_names_tell_the_order(names):
    order = ranks(names[::-1])
    assert order is not None and sorted(order) == order[::-1] and len(set(order)) == len(names)


@pytest.mark.parametrize(
    "names",
    [
        ["1.png", "2.png"],
        ["IM0.dcm", "IM1.dcm"],
        ["hand_01.png", "hand_02.png"],
        ["baseline.png", "hand.png"],  # one of them says nothing
        ["v01_left.png", "v01_right.png"],  # one visit
        ["v01_v02.png", "v03.png"],  # one says two things
        ["1.2.840.20200115.1", "1.2.840.20210115.1"],  # the days of an export
        ["20201399.png", "20211399.png"],
        ["fullhand1.png", "fullhand2.png"],
    ],
)
def test_what_tells_no_order(names):
    assert ranks(names) is None


def test_days_and_sides():
    assert day_in("visit2/hand_2020_01_31.png") == date(2020, 1, 31)
    assert day_in("hand_31012020.png") is None and day_in("20200231.png") is None
    assert side_in("v01/Left_hand.png") == "L" and side_in("right/v01.png") == "R"
    assert side_in("both_hands.png") == side_in("left_right.png") == "B"
    assert side_in("v01_L.png") is None  # a letter may be anyone's initial
