"""The identity of a patient: the tags that distinguish two patients; compared, never printed or stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from napari_jsn.common.errors import InputError


@dataclass(frozen=True)
class Identity:
    """What a file states of its patient; "" where it states nothing.

    Parameters
    ----------
    number, birth_date, sex, name : str
        Patient ID, Patient's Birth Date, Patient's Sex ("M", "F"), Patient's Name.
    """

    number: str = ""
    birth_date: str = ""
    sex: str = ""
    name: str = ""


#: DICOM attributes of an identity, in its order.
TAGS = ("PatientID", "PatientBirthDate", "PatientSex", "PatientName")
_WORDS = dict(zip(("number", "birth_date", "sex", "name"), ("Patient ID", "birth date", "sex", "name")))


def check_one_patient(identities: Mapping[str, Identity], where: str, argument: str) -> list[str]:
    """Refuse radiographs of more than one patient.

    Different numbers, birth dates or sexes mean two patients. So do different names, unless number and birth date both
    agree: then it is one patient whose name changed or is written in another way.

    Parameters
    ----------
    identities : mapping of str to Identity
        By file.
    where : str
        Where they were found, for the sentence.
    argument : str
        The argument that a refusal names.

    Returns
    -------
    list of str
        A note where the name differs.

    Raises
    ------
    InputError
        It names two files and what differs between them, but no identity.
    """
    notes = []
    for fact, word in _WORDS.items():
        files: dict[str, str] = {}  # by what they say
        for file, identity in identities.items():
            said = _plain(getattr(identity, fact))
            if said and (fact != "sex" or said in ("m", "f")):
                files.setdefault(said, file)
        if len(files) < 2:
            continue
        if fact == "name" and all(identity.number and identity.birth_date for identity in identities.values()):
            notes.append("The patient's name differs between the radiographs; number and birth date agree.")
            continue
        one, other, *_ = files.values()
        raise InputError(
            f"{where} holds radiographs of more than one patient: the {word} in {one} and in {other} differs. "
            "Give the radiographs of one patient.",
            argument,
        )
    return notes


def _plain(text: str) -> str:
    """Return a text without case and without the marks that separate the parts of a name."""
    return " ".join(text.replace("^", " ").replace(",", " ").split()).casefold()
