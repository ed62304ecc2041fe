"""How the localiser is trained: data, simulated scenes, appearance, task."""
