"""Radiographs and results as napari layers."""
