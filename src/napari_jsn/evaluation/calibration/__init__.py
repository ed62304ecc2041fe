"""Make the shipped cards: ``python -m napari_jsn.evaluation.calibration NAME``."""
