"""The whole measurement on hands whose truth is known."""
