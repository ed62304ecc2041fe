"""The registration networks and the method ``network``."""
