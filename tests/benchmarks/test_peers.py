"""Every installed peer answers in our convention: fixed ``(x, y, 1)`` to moving."""

import numpy as np
import pytest

from benchmarks.peers import PEERS
from napari_jsn.simulation.drawn import drawn_pair
from napari_jsn.transform import joint_space_narrowing


@pytest.fixture(scope="module")
def pair():
    return drawn_pair(jsn_mm=0.3, seed=1)


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.name != "no registration"], ids=lambda peer: peer.name)
def test_a_peer_finds_a_drawn_motion(peer, pair):
    if peer.version is None:
        pytest.skip(f"{peer.package} is not installed (extra `bench`)")
    maps = [
        peer.register_bone(pair.fixed, pair.moving, getattr(pair.fixed_masks, bone), getattr(pair.moving_masks, bone))
        for bone in ("upper", "lower")
    ]
    for found, true in zip(maps, (pair.upper.matrix, pair.lower.matrix), strict=True):
        apart = (found - true)[:2] @ np.append(pair.point, 1)
        assert np.abs(apart).max() < 2
    jsn_mm = pair.spacing_mm * joint_space_narrowing(*maps, pair.point, pair.axis)
    assert jsn_mm == pytest.approx(0.3, abs=0.25)


def test_no_registration_misses_every_change(pair):
    peer = next(peer for peer in PEERS if peer.name == "no registration")
    map_ = peer.register_bone(pair.fixed, pair.moving, pair.fixed_masks.upper, pair.moving_masks.upper)
    np.testing.assert_array_equal(map_, np.eye(3))
