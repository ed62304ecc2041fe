"""Arguments of a wrong type are refused in one sentence that names them, as other inputs are."""

import numpy as np
import pytest

import napari_jsn as jsn

PIXELS = np.eye(64)
NOT_PATHS = [None, 3, 2.5, {}, [], b"x", True, [None], set(), object()]
NOT_FILES = ["", "a\0b", "x" * 300, "y/" * 3000]


def refusal(function, *args, **options):
    with pytest.raises(jsn.InputError) as error:
        function(*args, **options)
    message = str(error.value)
    assert error.value.argument and "\n" not in message and message.endswith(".")
    assert "object is not" not in message and "has no attribute" not in message
    return message


def named(value):
    return type(value).__name__


@pytest.mark.parametrize("given", NOT_PATHS, ids=named)
def test_no_folder(given):
    assert refusal(jsn.read_patient, given).startswith("The folder of a patient is")


@pytest.mark.parametrize("given", NOT_FILES, ids=len)
def test_no_folder_of_this_name(given):
    assert refusal(jsn.read_patient, given).startswith("There is no folder")
    refusal(jsn.measure, given)
    refusal(jsn.measure, given, given)


@pytest.mark.parametrize("given", NOT_PATHS, ids=named)
def test_no_radiograph(given):
    for function in (jsn.read_radiograph, jsn.find_joints, jsn.segment):
        refusal(function, given)
    refusal(jsn.measure, given)
    refusal(jsn.measure, PIXELS, given)


@pytest.mark.parametrize("given", [None, 3, 2.5, True, object()], ids=named)
def test_measure_names_the_visit(given):
    assert refusal(jsn.measure, given).startswith("Visit 1 is ")
    assert refusal(jsn.measure, PIXELS, given).startswith("Visit 2 is ")


@pytest.mark.parametrize("given", [None, 3, "MCP2", b"x", [], {}, PIXELS], ids=named)
def test_no_joint(given):
    assert refusal(jsn.joint_image, PIXELS, given).startswith("The joint is")


@pytest.mark.parametrize("given", [3, 2.5, True, "X", [], PIXELS, {"L": 1}, [[]]], ids=named)
def test_no_sides(given):
    assert refusal(jsn.find_joints, PIXELS, sides=given).startswith("Sides are 'L', 'R' or both")


@pytest.mark.parametrize("given", [None, 3, b"x", [], PIXELS], ids=named)
def test_no_names(given):
    assert refusal(jsn.find_joints, PIXELS, model=given).startswith("The model is")
    refusal(jsn.measure, PIXELS, PIXELS, joints=[given] if isinstance(given, np.ndarray) else given)
    assert refusal(jsn.sample_folder, given).startswith("There is no sample")
