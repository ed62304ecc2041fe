"""Compare the identity of patients by the tags that distinguish them, and replace it by a pseudonym."""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.secret_key import VARIABLE, keyed_code


@dataclass(frozen=True)
class Identity:
    """Identity of the patient, as a file states it; "" for what is not stated.

    Parameters
    ----------
    number, birth_date, sex, name : str
        Patient ID, Patient's Birth Date, Patient's Sex ("M", "F"), Patient's Name.
    """

    number: str = ""
    birth_date: str = ""
    sex: str = ""
    name: str = ""


@dataclass(frozen=True)
class ComparableIdentity:
    """Identity of a patient in the form in which it is compared: texts, or codes of them (:func:`identity_codes`).

    Parameters
    ----------
    number, birth_date, sex : str
    names : mapping of str to str
        The name in each script.
    """

    number: str = ""
    birth_date: str = ""
    sex: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, identity: Identity | ComparableIdentity) -> ComparableIdentity:
        """Return the normalised texts of an identity."""
        if isinstance(identity, ComparableIdentity):
            return identity
        number, birth_date, sex = (
            _unambiguous(attribute, getattr(identity, attribute)) for attribute in ("number", "birth_date", "sex")
        )
        return cls(number, birth_date, sex, _by_script(_normalised(identity.name)))


def identity_codes(identities: Iterable[Identity]) -> ComparableIdentity:
    """Return codes of the identity that files of one patient state; :func:`check_one_patient` compares them.

    Codes are equal where the texts are equal. They do not reveal the texts: a key of this computer is needed to compute
    them, or a key of this process where that cannot be read.

    Parameters
    ----------
    identities : iterable of Identity
        Of each attribute, and of the name in each script, the first one that is stated counts.
    """
    stated = [ComparableIdentity.of(identity) for identity in identities]
    number, birth_date, sex = (
        _code(attribute, next(filter(None, (getattr(each, attribute) for each in stated)), ""))
        for attribute in ("number", "birth_date", "sex")
    )
    names: dict[str, str] = {}
    for each in stated:
        for script, name in each.names.items():
            names.setdefault(script, _code("name", name))
    return ComparableIdentity(number, birth_date, sex, names)


#: Birth dates that stand for "unknown".
_PLACEHOLDERS = {"19000101", "00010101", "00000000", "18991230", "19010101", "11111111", "99991231"}
#: Used where the key of the computer cannot be read or made.
_PROCESS_KEY = secrets.token_bytes(32)
#: Katakana to hiragana, which write the same sounds.
_HIRAGANA = {chr(code): chr(code - 0x60) for code in range(0x30A1, 0x30F7)}

#: DICOM attributes of the fields of :class:`Identity`, in the same order.
TAGS = ("PatientID", "PatientBirthDate", "PatientSex", "PatientName")
#: The pseudonym of a patient whose files state no identity.
ANONYMOUS = "anonymous"
_LABELS = dict(zip(("number", "birth_date", "sex", "name"), ("Patient ID", "birth date", "sex", "name")))


def check_one_patient(identities: Mapping[str, Identity | ComparableIdentity], where: str, argument: str) -> list[str]:
    """Refuse radiographs of more than one patient.

    Different numbers, birth dates or sexes mean two patients. So do different names, unless number and birth date both
    agree: then it is one patient whose name changed or is written in another way. Names are compared in each script
    that both have (Latin letters, ideographs, kana), whatever the width of letters and the composition of accents.

    Parameters
    ----------
    identities : mapping of str to Identity or ComparableIdentity
        Identities by file; all as texts, or all as codes.
    where : str
        Folder or input that the error message names.
    argument : str
        Argument that the error names.

    Returns
    -------
    list of str
        A note if the name differs, or is in different scripts only.

    Raises
    ------
    InputError
        If there are several patients. The message names two files and what differs between them, but no identity.
    """
    notes = []
    comparable = {file: ComparableIdentity.of(identity) for file, identity in identities.items()}
    for attribute, label in _LABELS.items():
        files: dict[Any, str] = {}  # the first file with each value
        for file, each in comparable.items():
            value = frozenset(each.names.items()) if attribute == "name" else getattr(each, attribute)
            if value:
                files.setdefault(value, file)
        if len(files) < 2:
            continue
        if attribute == "name":
            same = [_same_name(dict(one), dict(other)) for one, other in combinations(files, 2)]
            if all(same):
                continue
            if all(each is not False for each in same):
                notes.append("The patient's name is in different scripts, which were not compared.")
                continue
            if all(each.number and each.birth_date for each in identities.values()):
                notes.append("The patient's name differs between the radiographs; number and birth date agree.")
                continue
            index = same.index(False)
        else:
            index = 0
        one, other = list(combinations(files.values(), 2))[index]
        raise InputError(
            f"{where} contains radiographs of more than one patient: the {label} in {one} and in {other} differs. "
            "Give the radiographs of one patient.",
            argument,
        )
    return notes


def pseudonym(identities: Iterable[Identity]) -> tuple[str, list[str]]:
    """Return a pseudonym that is stable for one patient and different for two: ``P`` and eight hexadecimal digits.

    It is computed from Patient ID and birth date, if both are stated, because a name can change; otherwise from those
    of Patient ID, birth date and name that are stated. Texts that :func:`check_one_patient` takes for equal give the
    same pseudonym. A key that this computer keeps is needed to compute it; on another computer it differs.

    Parameters
    ----------
    identities : iterable of Identity
        Of the files of one patient. Of each attribute the first one that is stated counts.

    Returns
    -------
    str
        ``"anonymous"`` if no identity is stated, or if there is no key.
    list of str
        A note if there is no key.
    """
    files = list(identities)
    number, birth_date, names = (
        next(filter(None, (_unambiguous(attribute, getattr(file, attribute)) for file in files)), "")
        for attribute in ("number", "birth_date", "name")
    )
    spellings = _by_script(names)
    name = spellings.get("LATIN") or next(iter(spellings.values()), "")
    if not (number or birth_date or name):
        return ANONYMOUS, []
    if number and birth_date:
        name = ""
    try:
        return f"P{keyed_code('patient', number, birth_date, name)[:8]}", []
    except OSError:
        return ANONYMOUS, [
            f"The key for pseudonyms could not be read or made, so the patient is named {ANONYMOUS}. State a pseudonym "
            f"(--patient), or let the environment variable {VARIABLE} name a file that can be written."
        ]


def _unambiguous(attribute: str, text: str) -> str:
    """Return a normalised value; "" where it identifies nobody."""
    value = _normalised(text)
    if attribute == "sex" and value not in ("m", "f"):
        return ""
    return "" if attribute == "birth_date" and value in _PLACEHOLDERS else value


def _same_name(one: Mapping[str, str], other: Mapping[str, str]) -> bool | None:
    """Return whether two names are equal in each script that both are written in; None if they share no script."""
    common = one.keys() & other.keys()
    return all(one[script] == other[script] for script in common) if common else None


def _code(attribute: str, text: str) -> str:
    """Return a code of a text; "" of an empty one."""
    if not text:
        return ""
    try:
        return keyed_code("identity", attribute, text)
    except OSError:
        return hmac.new(_PROCESS_KEY, f"{attribute}\0{text}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def _by_script(name: str) -> dict[str, str]:
    """Return the spellings of a name by their script; DICOM separates them by "="."""
    groups = (group.strip() for group in name.split("="))
    return {_script(group): group for group in groups if group}


def _script(text: str) -> str:
    """Return the script of a name: "ideographs" if it has any, else that of its first letter ("LATIN", ...)."""
    scripts = [unicodedata.name(letter, "").split(" ")[0].split("-")[0] for letter in text if letter.isalpha()]
    return "CJK" if "CJK" in scripts else next(iter(scripts), "")


def _normalised(text: str) -> str:
    """Return a text without case, width, composition of accents, and marks that separate the parts of a name."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(_HIRAGANA.get(letter, letter) for letter in text if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFKC", " ".join(text.replace("^", " ").replace(",", " ").split()).casefold())
