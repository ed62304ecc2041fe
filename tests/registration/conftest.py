"""One drawn joint, measured once, that most tests here start from."""

import pytest

from napari_jsn.registration.api import register
from napari_jsn.simulation.drawn import drawn_pair


@pytest.fixture(scope="session")
def drawn():
    return drawn_pair(0.3, seed=0)


@pytest.fixture(scope="session")
def measured(drawn):
    return register(drawn.fixed, drawn.moving, drawn.fixed_masks, drawn.moving_masks, drawn.spacing_mm)


@pytest.fixture(scope="session")
def other():
    """Another joint altogether."""
    return drawn_pair(0.3, seed=9)
