"""What the report and the segmentations share: the extra, identifiers, codes, and who made them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from napari_jsn import __version__
from napari_jsn.anatomy import PRIVATE, Code
from napari_jsn.common.errors import InputError
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.sr.coding import Code as DicomCode

NAME = "napari-jsn"
UTF8 = "ISO_IR 192"


def check_extra() -> None:
    """See that highdicom is there.

    Raises
    ------
    InputError
        If the extra was not installed.
    """
    try:
        import highdicom  # noqa: F401
    except ImportError as error:
        raise InputError(
            "DICOM objects are written and read with highdicom, which is not installed. "
            "Install it with: pip install 'napari-jsn[dicom]'",
            "dicom",
        ) from error


def uid(*sources: str) -> str:
    """A unique identifier drawn from these texts: equal texts give equal identifiers."""
    from pydicom.uid import generate_uid

    return generate_uid(entropy_srcs=["\0".join((NAME, *sources))])


def coded(code: Code) -> DicomCode:
    """The code as pydicom and highdicom take it."""
    from pydicom.sr.coding import Code as DicomCode

    return DicomCode(code.value, code.scheme, code.meaning)


def maker(when: datetime) -> dict[str, Any]:
    """What the objects say of the program that made them and when, as highdicom's arguments."""
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    scheme = CodingSchemeIdentificationItem(PRIVATE, name="Private codes of napari-jsn", version=__version__)
    return {
        "manufacturer": NAME,
        "manufacturer_model_name": NAME,
        "device_serial_number": "none",
        "software_versions": __version__[:64],
        "specific_character_set": UTF8,
        "content_date": when.date(),
        "content_time": when.time(),
        "coding_schemes": [scheme],
    }


def stamp(dataset: Dataset, when: datetime) -> None:
    """Make every time in it the one given."""
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = when.strftime("%Y%m%d"), when.strftime("%H%M%S")
    dataset.ContentDate, dataset.ContentTime = dataset.InstanceCreationDate, dataset.InstanceCreationTime
    dataset.ContributingEquipmentSequence[-1].ContributionDateTime = when.strftime("%Y%m%d%H%M%S")  # highdicom's own


def parameters(p: Progression) -> dict[str, str]:
    """How the figures were found: method, device, and the name and hash of every model."""
    return {"method": p.method, "device": p.device, **p.models}
