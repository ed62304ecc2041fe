"""How far the measurement can be trusted, and how it stands against its peers: ``python -m benchmarks``."""
