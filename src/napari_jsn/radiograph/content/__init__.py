"""What a file contains, and what a DICOM image shows, before it is read as a radiograph."""
