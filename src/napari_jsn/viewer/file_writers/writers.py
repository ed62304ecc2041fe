"""File writers of the plugin, which napari offers in *Save Selected Layers*."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import write_files

#: Formats of label images by ending, as Pillow names them. JPEG is none of them: it alters labels.
_FORMATS = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP"}
#: Labels of bones: 1 upper, 2 lower, 3 both.
_HIGHEST = 3


def write_bones(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a labels layer as the label image of a joint's bones, which *Train* and the file readers read.

    Parameters
    ----------
    path : str
        Ends with ``.png``, ``.tif``, ``.tiff`` or ``.bmp``.
    data : (H, W) int array
    attributes : dict
        Of the layer.

    Returns
    -------
    list of str
        The file.

    Raises
    ------
    InputError
        If these are no labels of bones, or the file cannot be written.
    """
    from PIL import Image

    name, labels = attributes.get("name", "labels"), np.asarray(data)
    if labels.ndim != 2:
        raise InputError(f"The layer {name!r} has {labels.ndim} dimensions. A label image has two.", "data")
    if labels.size == 0 or labels.min() < 0 or labels.max() > _HIGHEST:
        raise InputError(
            f"The layer {name!r} has other labels than 0 (background), 1 (upper bone), 2 (lower bone) and 3 (both). "
            "Correct them, or save it with another writer.",
            "data",
        )
    form = _FORMATS.get(Path(path).suffix.lower())
    if form is None:
        raise InputError(f"Bones are saved as {', '.join(_FORMATS)}, not as {Path(path).suffix!r}.", "path")
    file = io.BytesIO()
    Image.fromarray(labels.astype(np.uint8)).save(file, format=form)
    return _written(path, file.getvalue())


def write_radiograph(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write an image layer as a DICOM file with its pixel size, its side and its day; the patient is not named.

    Parameters
    ----------
    path : str
        Ends with ``.dcm``.
    data : (H, W) array
        In colour too: it is converted to greyscale.
    attributes : dict
        Of the layer: its transform and units give the pixel size.

    Returns
    -------
    list of str
        The file.

    Raises
    ------
    InputError
        If this is no radiograph, or the file cannot be written.
    """
    from napari.layers import Layer

    from napari_jsn.export.radiograph_file import radiograph_bytes
    from napari_jsn.viewer.layers.radiograph import read_radiograph_layer
    from napari_jsn.viewer.layers.read_layer import dimension_problem

    layer = Layer.create(data, attributes, "image")
    problem = dimension_problem(layer)
    if problem:
        raise InputError(f"The layer {layer.name!r} cannot be saved as a radiograph: {problem}", "data")
    radiograph = read_radiograph_layer(layer, 1).loaded().radiograph()
    return _written(path, radiograph_bytes(radiograph))


def _written(path: str, content: bytes) -> list[str]:
    place = Path(path)
    return [str(file) for file in write_files(place.parent, {place.name: content}, "path")]
