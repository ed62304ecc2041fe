"""Independent random streams of one simulated patient: a change of one part leaves the others as they are."""

from __future__ import annotations

import numpy as np

#: Names of the streams; the truth does not depend on the pixels.
_STREAMS = ("patient", "hand", "course", "device", "geometry", "pixels", "age", "grades", "damage", "growth")


def random_stream(person: np.random.SeedSequence, name: str, *which: int) -> np.random.Generator:
    """Return a patient's random generator of a name and numbers; each call returns a new one in the same state."""
    key = (*person.spawn_key, _STREAMS.index(name), *which)
    return np.random.default_rng(np.random.SeedSequence(person.entropy, spawn_key=key))
