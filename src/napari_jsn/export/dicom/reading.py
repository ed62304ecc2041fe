"""Read the DICOM objects of this package: the report as a table, the segmentation as masks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import NOTES_CODES, STATE_CODES, Code
from napari_jsn.common.errors import InputError
from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.export.dicom.grades import GRADES
from napari_jsn.export.dicom.measurements import COLUMNS, column_code
from napari_jsn.export.dicom.shared import require_highdicom

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = LazyModule("pandas")


@dataclass(frozen=True, eq=False)
class BoneSegmentation:
    """The bones of one radiograph.

    Attributes
    ----------
    masks : mapping of (side, joint, bone) to (H, W) bool array
        On the pixels of the radiograph, for example ``masks["L", "MCP2", "PP2"]``; an unknown side is "".
    image_uid : str
        SOP Instance UID of the radiograph.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import napari_jsn as jsn
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = jsn.write_progression(folder, progression, dicom=True)
    ...     bones = jsn.read_bone_masks_seg(Path(folder) / "bones-v01-L-seg.dcm")
    >>> sorted(bones.masks)
    [('L', 'MCP2', 'MC2'), ('L', 'MCP2', 'PP2')]
    """

    masks: Mapping[tuple[str, str, str], NDArray[np.bool_]]
    image_uid: str


def read_progression_sr(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return a report as a table with a row for each joint and visit, and for baselines with a known width.

    Grades that the report has too are left out.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    DataFrame
        ``joint``, ``side``, ``visit``, ``time_point``, the figures (NaN where not measured), ``reliable``,
        ``state`` (empty at the baseline) and ``reason`` of the narrowing, ``jsw_reliable`` and ``jsw_reason`` of the
        width (NA where there is none), what persons did in words (``changed_by_hand``, ``decision``), and
        ``tracking_uid``.

    Raises
    ------
    InputError
        If highdicom is not installed, or the file is not a report of this package.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import napari_jsn as jsn
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = jsn.write_progression(folder, progression, dicom=True)
    ...     table = jsn.read_progression_sr(Path(folder) / "progression-sr.dcm")
    >>> table[["joint", "side", "visit", "reliable"]].values.tolist()
    [['MCP2', 'L', 1, <NA>], ['MCP2', 'L', 2, True]]
    """
    require_highdicom()
    import pandas as pd
    from highdicom.sr import srread

    try:
        content: Any = srread(path).content
        groups = content.get_image_measurement_groups()
    except Exception as error:  # any content of another file
        raise InputError(f"{path} is not a structured report of measurements ({error}).", "path") from error
    columns = {column_code(column): column for column in COLUMNS}
    states = {code.value: state for state, code in STATE_CODES.items()}
    rows = []
    for group in groups:
        if group.tracking_identifier.endswith(GRADES):
            continue
        side, _, joint = f" {group.tracking_identifier}".rpartition(" ")
        row: dict[str, Any] = {"joint": joint, "side": side.strip()}
        row |= {"visit": int(_named(group, "126073")), "time_point": _named(group, "C2348792")}
        row |= dict.fromkeys(COLUMNS, float("nan"))
        for measurement in group.get_measurements():
            column = columns.get((_code(measurement.name), _code(measurement.unit)))
            if column is not None:
                row[column] = measurement.value
        for name in ("reliable", "jsw_reliable"):
            row[name] = {"373066001": True, "373067005": False}.get(_named(group, NOTES_CODES[name].value))
            reason = name.replace("reliable", "reason")
            row[reason] = _named(group, NOTES_CODES[reason].value) or ""
        row["state"] = states.get(_named(group, NOTES_CODES["state"].value), "")
        for name in ("changed_by_hand", "decision"):
            row[name] = "; ".join(_texts(group, NOTES_CODES[name].value))
        row["tracking_uid"] = str(group.tracking_uid)
        rows.append(row)
    return pd.DataFrame(rows).astype({"reliable": "boolean", "jsw_reliable": "boolean"})


def read_bone_masks_seg(path: str | os.PathLike[str]) -> BoneSegmentation:
    """Return the masks of the bones of one radiograph.

    Parameters
    ----------
    path : str or path

    Raises
    ------
    InputError
        If highdicom is not installed, or the file is not a segmentation of this package.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import napari_jsn as jsn
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = jsn.write_progression(folder, progression, dicom=True)
    ...     bones = jsn.read_bone_masks_seg(Path(folder) / "bones-v01-L-seg.dcm")
    >>> bones.masks["L", "MCP2", "PP2"].shape == progression.hands[0].radiograph.shape
    True
    """
    require_highdicom()
    from highdicom.seg import segread

    try:
        segmentation = segread(Path(path))
        image = segmentation.get_source_image_uids()[0][2]
        pixels = segmentation.get_pixels_by_source_instance(
            [image], ignore_spatial_locations=True, assert_missing_frames_are_empty=True
        )[0]
        masks = {}
        for number in segmentation.segment_numbers:
            described = segmentation.get_segment_description(number)
            side, joint, bone = f" {described.tracking_id}".rsplit(" ", 2)
            masks[side.strip(), joint, bone] = pixels[..., number - 1].astype(bool)
    except Exception as error:  # any content of another file
        raise InputError(f"{path} is not a segmentation of bones ({error}).", "path") from error
    return BoneSegmentation(masks, str(image))


def _code(concept: Any) -> Code:
    return Code(concept.value, concept.scheme_designator, concept.meaning)


def _texts(group: Any, value: str) -> list[str]:
    """All texts of a group under a concept."""
    return [str(item.value) for item in group[0].ContentSequence if item.name.value == value]


def _named(group: Any, value: str) -> Any:
    """The content of a group under a concept: text, number or the value of a code; None without one."""
    for item in group[0].ContentSequence:
        if item.name.value == value:
            return getattr(item.value, "value", item.value)
    return None
