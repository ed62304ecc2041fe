"""Write results to files: tables, figures, images, reports, DICOM objects."""
