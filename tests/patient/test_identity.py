import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.patient.identity import Identity, check_one_patient

ONE = Identity("12", "19600101", "F", "Doe^Jane")


def check(*identities):
    return check_one_patient({f"{number}.dcm": one for number, one in enumerate(identities)}, "The folder", "folder")


@pytest.mark.parametrize(
    "other",
    [ONE, Identity(), Identity("12"), Identity(name="DOE, Jane "), Identity("12", "19600101", "O", "Doe^Jane")],
)
def test_one_patient(other):
    assert check(ONE, other) == []


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (Identity("13", "19600101", "F", "Doe^Jane"), "Patient ID"),
        (Identity("12", "19610101", "F", "Doe^Jane"), "birth date"),
        (Identity("12", "19600101", "M", "Doe^Jane"), "sex"),
        (Identity("", "", "", "Roe^Jane"), "name"),
    ],
)
def test_two_patients_are_told_apart_and_not_named(other, what):
    with pytest.raises(InputError, match=rf"more than one patient: the {what} in 0\.dcm and in 2\.dcm") as error:
        check(ONE, Identity(), other)
    assert not any(word in str(error.value) for word in ("12", "13", "Doe", "Roe", "1960", "1961"))


def test_a_name_may_change():
    (note,) = check(ONE, Identity("12", "19600101", "F", "Roe^Jane"))
    assert "name differs" in note and "Roe" not in note
