"""Find the finger joints of whole-hand radiographs."""
