"""Copies of the shipped sample whose headers and pixels are changed, for tests of reading."""

from copy import deepcopy
from functools import cache

import numpy as np
import pydicom

import napari_jsn as jsn

#: All attributes of the sample that state a date.
DATES = ("AcquisitionDate", "ContentDate", "StudyDate", "SeriesDate")


@cache
def _sample(visit):
    """The left hand of a visit with every eighth pixel, uncompressed: reading it is fast."""
    dataset = pydicom.dcmread(jsn.sample_folder("hand_pair") / f"SIM0001_v{visit:02d}_L.dcm")
    dataset.decompress()
    dataset.ImagerPixelSpacing = [8 * float(each) for each in dataset.ImagerPixelSpacing]
    return _with_pixels(dataset, dataset.pixel_array[::8, ::8])


def _with_pixels(dataset, array):
    dataset.Rows, dataset.Columns = array.shape
    dataset.PixelData = np.ascontiguousarray(array).astype("<u2").tobytes()
    return dataset


def write_sample(path, visit=1, pixels=None, dates=None, **attributes):
    """Write the left hand of a visit; None removes an attribute, and ``dates`` replaces all dates."""
    dataset = deepcopy(_sample(visit))
    if dates is not None:
        attributes = {**dict.fromkeys(DATES), **dates, **attributes}
    for keyword, value in attributes.items():
        if value is not None:
            setattr(dataset, keyword, value)
        elif keyword in dataset:
            delattr(dataset, keyword)
    if pixels is not None:
        array = np.frombuffer(dataset.PixelData, "<u2").reshape(dataset.Rows, dataset.Columns)
        _with_pixels(dataset, pixels(array))
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path
