"""Simulated radiographs as files: films in DICOM, PNG or TIFF, the truth of every joint, and the bones' masks."""
