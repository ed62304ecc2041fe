"""The joints of a patient as a reader sees them: list with filters, pictures on one grid, alignment."""
