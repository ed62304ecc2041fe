"""Register the two bones of a joint between two visits."""
