"""Everything that imports napari or Qt: reader, layers, widgets."""
