"""Scores of joint damage as files: table, totals, report, DICOM object."""
