"""Real finger joints against simulated ones."""
