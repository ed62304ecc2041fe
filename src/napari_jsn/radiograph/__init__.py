"""A radiograph, and reading one (or the bone masks of a joint image) from a file."""

from napari_jsn.radiograph.radiograph import Radiograph
from napari_jsn.radiograph.read import read_masks, read_radiograph

__all__ = ["Radiograph", "read_masks", "read_radiograph"]
