import re

import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.patient.identity import Identity, check_one_patient, pseudonym

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


def code(*identities):
    name, notes = pseudonym(identities)
    assert notes == []
    return name


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ((ONE,), (Identity("12", "19600101", "F", "Roe^Jane"),)),  # the name changed
        ((ONE,), (Identity("12", "19600101"),)),
        ((ONE,), (Identity(), Identity("12"), Identity("", "19600101", "M"))),  # stated by different files
        ((Identity(name="Doe^Jane"),), (Identity(name=" DOE, jane"),)),
        ((Identity(name="Yamada^Taro"),), (Identity(name="Yamada^Taro=\u5c71\u7530^\u592a\u90ce"),)),
        ((Identity("P-7"),), (Identity(" p-7 "), Identity("P-7"))),
    ],
)
def test_one_patient_has_one_pseudonym(one, same):
    assert re.fullmatch("P[0-9a-f]{8}", code(*one)) and code(*one) == code(*same)


@pytest.mark.parametrize(
    "other",
    [
        Identity("13", "19600101", "F", "Doe^Jane"),
        Identity("12", "19610101", "F", "Doe^Jane"),
        Identity("", "19600101", "F", "Doe^Jane"),
        Identity("12", "", "F", "Doe^John"),
        Identity(name="Doe^Jane"),
    ],
)
def test_two_patients_have_two(other):
    assert code(other) not in (code(ONE), code(Identity("12")), "anonymous")


@pytest.mark.parametrize("identity", [Identity(), Identity(sex="F"), Identity(" ", "", "", "^^")])
def test_without_identity_a_patient_is_anonymous(identity):
    assert code(identity) == code() == "anonymous"


@pytest.mark.parametrize("identity", [ONE, Identity("12"), Identity(name="Doe")])
def test_another_key_gives_another_pseudonym_and_no_key_a_note(identity, tmp_path, monkeypatch):
    before = code(identity)
    monkeypatch.setenv("NAPARI_JSN_KEY", str(tmp_path / "other"))
    assert code(identity) != before
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NAPARI_JSN_KEY", str(tmp_path / "file" / "key"))
    name, (note,) = pseudonym([identity])
    assert name == "anonymous" and "--patient" in note and "NAPARI_JSN_KEY" in note
