from pathlib import PurePath

import pytest

from napari_jsn import InputError
from napari_jsn.networks.patients import patient_named, stated_patients


@pytest.mark.parametrize(
    ("group", "patient"),
    [
        ("P7_L", "P7"),
        ("P7 right", "P7"),
        ("left-P7", "P7"),
        ("P7_R_MCP2", "P7"),
        ("1_L_PIP3", "1"),
        ("patient_3", "patient_3"),
        ("MCP2", "MCP2"),
        ("R", ""),
        ("Laura", "Laura"),
    ],
)
def test_side_and_joint_are_no_part_of_a_patients_name(group, patient):
    assert patient_named(group) == patient


@pytest.mark.parametrize("name", ["1.png", "1"])
def test_a_name_that_several_images_have_needs_its_folder(name):
    paths = [PurePath("P1/1.png"), PurePath("P2/1.png")]
    with pytest.raises(InputError, match="2 images have this name"):
        stated_patients(paths, {name: "A"})
    assert stated_patients(paths, {"P1/1.png": "A", "P2": "B"}) == ["A", "B"]
    assert stated_patients(paths[:1], {name: "A"}) == ["A"]
