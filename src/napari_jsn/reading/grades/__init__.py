"""The grades of a patient as a reader sees them: table, score mode, initial grades of a model."""
