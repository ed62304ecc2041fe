"""Find the finger joints of whole-hand radiographs, and cut the image of each."""
