"""Read the masks of the two bones of a joint image from a file."""

from __future__ import annotations

import os

from napari_jsn.common.errors import InputError
from napari_jsn.joint.bone_masks import BoneMasks
from napari_jsn.radiograph.read import existing_file


def read_masks(path: str | os.PathLike[str]) -> BoneMasks:
    """Read the masks of the two bones from a labels image: PNG, BMP or TIFF.

    Parameters
    ----------
    path : str or path
        An image with the values 1 (upper bone), 2 (lower bone) and 3 (both), in greyscale or as indexes of a palette;
        or a binary image (0 and 1, or 0 and 255) of the upper half, whose complement is the lower half.

    Raises
    ------
    InputError
        If the file is missing or unreadable, is a JPEG (which alters labels) or in colour, or contains other values.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> image = jsn.joint_image(baseline, jsn.find_joints(baseline)[2])
    >>> bones = jsn.segment(image)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "bones.png"
    ...     Image.fromarray(bones.labels).save(path)
    ...     masks = jsn.read_masks(path)
    >>> bool((masks.upper == bones.upper).all()), bool((masks.lower == bones.lower).all())
    (True, True)
    """
    from napari_jsn.radiograph import image_file

    path = existing_file(path)
    labels = image_file.read_labels(path)
    try:
        return BoneMasks.from_labels(labels)
    except InputError as error:
        raise InputError(f"{path} contains no bone masks. {error}", "path") from error
