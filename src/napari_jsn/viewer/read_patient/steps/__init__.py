"""The contents of the four steps of the dock "Read patient"."""
