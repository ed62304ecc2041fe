"""File readers of napari, and the sample data."""
