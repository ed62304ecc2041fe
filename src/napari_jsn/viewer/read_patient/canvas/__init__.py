"""What the dock "Read patient" shows in the canvas: the panels of a joint, and the whole hand."""
