"""A radiograph, and reading it from a file."""

from napari_jsn.radiograph.radiograph import Radiograph
from napari_jsn.radiograph.read import read_radiograph

__all__ = ["Radiograph", "read_radiograph"]
