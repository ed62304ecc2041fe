"""A radiograph, and reading it from a file."""

from napari_jsn.radiograph.radiograph import Radiograph
from napari_jsn.radiograph.read import as_radiograph, read_radiograph

__all__ = ["Radiograph", "as_radiograph", "read_radiograph"]
