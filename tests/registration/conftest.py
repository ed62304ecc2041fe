"""One simulated joint, measured once, that most tests here start from."""

import pytest

from napari_jsn.registration.register import register


@pytest.fixture(scope="session")
def measured(simulated):
    images, masks = (simulated.fixed, simulated.moving), (simulated.fixed_masks, simulated.moving_masks)
    return register(*images, *masks, simulated.spacing_mm)


@pytest.fixture(scope="session")
def other(plain_pair):
    """The same joint of another patient."""
    return plain_pair(0.3, seed=9)
