"""File readers of napari and sample data."""
