"""The measurement on simulated joints of known narrowing."""
