"""Compare the registration methods of napari-jsn with other software: ``python -m benchmarks``."""
