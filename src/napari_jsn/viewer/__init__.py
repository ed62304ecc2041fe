"""The napari plugin: file readers, layers and dock widgets. Only this package imports napari and Qt."""
