"""Compare the identity of patients, by the tags that distinguish two patients; it is never printed or stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from napari_jsn.common.errors import InputError


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


#: DICOM attributes of the fields of :class:`Identity`, in the same order.
TAGS = ("PatientID", "PatientBirthDate", "PatientSex", "PatientName")
_LABELS = dict(zip(("number", "birth_date", "sex", "name"), ("Patient ID", "birth date", "sex", "name")))


def check_one_patient(identities: Mapping[str, Identity], where: str, argument: str) -> list[str]:
    """Refuse radiographs of more than one patient.

    Different numbers, birth dates or sexes mean two patients. So do different names, unless number and birth date both
    agree: then it is one patient whose name changed or is written in another way.

    Parameters
    ----------
    identities : mapping of str to Identity
        Identities by file.
    where : str
        Folder or input that the error message names.
    argument : str
        Argument that the error names.

    Returns
    -------
    list of str
        A note if the name differs.

    Raises
    ------
    InputError
        If there are several patients. The message names two files and what differs between them, but no identity.
    """
    notes = []
    for attribute, label in _LABELS.items():
        files: dict[str, str] = {}  # the first file with each value
        for file, identity in identities.items():
            value = _normalised(getattr(identity, attribute))
            if value and (attribute != "sex" or value in ("m", "f")):
                files.setdefault(value, file)
        if len(files) < 2:
            continue
        if attribute == "name" and all(identity.number and identity.birth_date for identity in identities.values()):
            notes.append("The patient's name differs between the radiographs; number and birth date agree.")
            continue
        one, other, *_ = files.values()
        raise InputError(
            f"{where} contains radiographs of more than one patient: the {label} in {one} and in {other} differs. "
            "Give the radiographs of one patient.",
            argument,
        )
    return notes


def _normalised(text: str) -> str:
    """Return a text without case and without the marks that separate the parts of a name."""
    return " ".join(text.replace("^", " ").replace(",", " ").split()).casefold()
