"""A radiograph, and how one is read from a file."""

from napari_jsn.radiograph.radiograph import Radiograph
from napari_jsn.radiograph.read import read_radiograph

__all__ = ["Radiograph", "read_radiograph"]
