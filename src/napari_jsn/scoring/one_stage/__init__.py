"""The one-stage method: one network marks the joints of a whole hand and grades them, in one pass."""
