"""The command ``napari-jsn score``."""
