"""What report and segmentations have in common: the highdicom extra, identifiers, codes, equipment, times."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from napari_jsn import __version__
from napari_jsn.anatomy import PRIVATE, Code
from napari_jsn.common.errors import InputError
from napari_jsn.networks.weights import short_identity
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.sr.coding import Code as DicomCode

NAME = "napari-jsn"
UTF8 = "ISO_IR 192"


def require_highdicom() -> None:
    """Check that highdicom is installed.

    Raises
    ------
    InputError
        If it is not.
    """
    try:
        import highdicom  # noqa: F401
    except ImportError as error:
        raise InputError(
            "DICOM objects are written and read with highdicom, which is not installed. "
            "Install it with: pip install 'napari-jsn[dicom]'",
            "dicom",
        ) from error


def derived_uid(*sources: str) -> str:
    """Return a unique identifier derived from these texts; equal texts give equal identifiers."""
    from pydicom.uid import generate_uid

    return generate_uid(entropy_srcs=["\0".join((NAME, *sources))])


def dicom_code(code: Code) -> DicomCode:
    """Return the code as the class of pydicom and highdicom."""
    from pydicom.sr.coding import Code as DicomCode

    return DicomCode(code.value, code.scheme, code.meaning)


def equipment(when: datetime) -> dict[str, Any]:
    """Return the arguments of highdicom that state which program made an object, and when."""
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


def set_times(dataset: Dataset, when: datetime) -> None:
    """Set all times of creation in an object, so that they do not depend on the clock."""
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = when.strftime("%Y%m%d"), when.strftime("%H%M%S")
    dataset.ContentDate, dataset.ContentTime = dataset.InstanceCreationDate, dataset.InstanceCreationTime
    # highdicom adds itself as the last item
    dataset.ContributingEquipmentSequence[-1].ContributionDateTime = when.strftime("%Y%m%d%H%M%S")


def algorithm_parameters(progression: Progression) -> dict[str, str]:
    """Return method, device, and the name and hash of every model."""
    models = {task: short_identity(identity) for task, identity in progression.models.items()}
    return {"method": progression.method, "device": progression.device, **models}
