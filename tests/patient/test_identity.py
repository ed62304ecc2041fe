import re

import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.patient.identity import ComparableIdentity, Identity, check_one_patient, identity_codes, pseudonym

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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Yamada^Tarou", "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"),
        ("Yamada^Tarou=\u5c71\u7530^\u592a\u90ce", "=\u5c71\u7530^\u592a\u90ce"),
        (
            "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce=\u3084\u307e\u3060^\u305f\u308d\u3046",
            "\u5c71\u7530\u3000\u592a\u90ce",
        ),
        ("\uff94\uff8f\uff80\uff9e^\uff80\uff9b\uff73", "\u30e4\u30de\u30c0^\u30bf\u30ed\u30a6"),  # half-width kana
        ("\u30e4\u30de\u30c0^\u30bf\u30ed\u30a6", "\u3084\u307e\u3060^\u305f\u308d\u3046"),
        ("M\u00fcller^J\u00f6rg", "Mu\u0308ller^Jo\u0308rg"),
        ("N\u00fa\u00f1ez^Jos\u00e9", "NU\u0301N\u0303EZ, JOSE\u0301"),
        ("\uff24\uff4f\uff45\uff3e\uff2a\uff41\uff4e\uff45", "Doe^Jane"),  # full width
        ("Gro\u00df^Anna", "GROSS^ANNA"),
        (
            "Kim^Minsu=\u91d1^\u654f\u6d19=\uae40^\ubbfc\uc218",
            "=\u91d1^\u654f\u6d19=\u1100\u1175\u11b7^\u1106\u1175\u11ab\u1109\u116e",
        ),
    ],
)
def test_one_name_in_several_spellings(one, other):
    assert check(Identity(name=one), Identity(name=other)) == []
    assert check(Identity(name=other), Identity(name=one)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Yamada^Tarou=\u5c71\u7530^\u592a\u90ce", "Yamada^Hanako=\u5c71\u7530^\u82b1\u5b50"),
        ("Yamada^Tarou=\u5c71\u7530^\u592a\u90ce", "Yamada^Tarou=\u5c71\u7530^\u592a\u6717"),
        ("M\u00fcller^J\u00f6rg", "M\u00fcller^Jens"),
        ("M\u00fcller^J\u00f6rg", "Mo\u0308ller^Jo\u0308rg"),
        ("\u5c71\u7530^\u592a\u90ce", "=\u5c71\u7530^\u82b1\u5b50"),
    ],
)
def test_different_names_are_two_patients(one, other):
    with pytest.raises(InputError, match="the name in 0.dcm and in 1.dcm differs"):
        check(Identity(name=one), Identity(name=other))


def test_the_files_that_differ_are_named():
    names = ("Yamada^Tarou", "=\u5c71\u7530^\u592a\u90ce", "Yamada^Hanako=\u5c71\u7530^\u82b1\u5b50")
    with pytest.raises(InputError, match="the name in 0.dcm and in 2.dcm differs"):
        check(*(Identity(name=name) for name in names))


@pytest.mark.parametrize(
    "other", ["\u5c71\u7530^\u592a\u90ce", "\u0418\u0432\u0430\u043d\u043e\u0432^\u0418\u0432\u0430\u043d"]
)
def test_names_in_different_scripts_only_are_noted(other):
    assert check(Identity(name="Yamada^Tarou"), Identity(name=other)) == [
        "The patient's name is in different scripts, which were not compared."
    ]


@pytest.mark.parametrize("birth", ["19000101", "00010101", "11111111"])
def test_a_placeholder_is_no_birth_date(birth):
    assert check(ONE, Identity("12", birth, "F", "Doe^Jane")) == []


def outcome(identities):
    """Return the notes of a comparison, or the error."""
    try:
        return check_one_patient(
            {f"{number}.dcm": one for number, one in enumerate(identities)}, "The folder", "folder"
        )
    except InputError as error:
        return str(error)


OTHERS = [
    ONE, Identity(), Identity("12"), Identity(name="DOE, Jane "), Identity("13", "19600101", "F", "Doe^Jane"),
    Identity("12", "19610101", "F", "Doe^Jane"), Identity("12", "19600101", "M", "Doe^Jane"), Identity(name="Roe^Jane"),
    Identity("12", "19600101", "F", "Roe^Jane"), Identity("12", "19600101", "O", "\u5c71\u7530^\u592a\u90ce"),
    Identity("12", "19000101", "?", "Doe^Jane=\u5c71\u7530^\u592a\u90ce"),
]  # fmt: skip


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("with_key", [True, False])
def test_codes_are_compared_as_the_texts_and_do_not_reveal_them(other, with_key, monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_JSN_KEY", str(tmp_path / "key" if with_key else tmp_path))  # a folder cannot be read
    codes = [identity_codes([each]) for each in (ONE, other)]
    assert outcome(codes) == outcome([ONE, other])
    shown = str(codes).casefold()
    assert not any(text in shown for text in ("doe", "roe", "19600101", "'12'", "\u5c71"))


def test_codes_of_several_files_have_what_any_of_them_states():
    files = [Identity("12"), Identity(), Identity("", "19600101", "F"), Identity(name="Doe^Jane")]
    assert identity_codes(files) == identity_codes([ONE])
    assert identity_codes([Identity(), Identity(sex="O", birth_date="19000101")]) == ComparableIdentity()
