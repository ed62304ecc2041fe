"""Every installed peer gives maps in our convention: fixed ``(x, y, 1)`` to moving."""

import numpy as np
import pytest

from benchmarks.peers import PEERS
from napari_jsn.joint.similarity import joint_space_narrowing


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.name != "no registration"], ids=lambda peer: peer.name)
def test_a_peer_finds_a_known_motion(peer, simulated):
    if peer.version is None:
        pytest.skip(f"{peer.package} is not installed (extra `bench`)")
    maps = [
        peer.register_bone(
            simulated.fixed,
            simulated.moving,
            getattr(simulated.fixed_masks, bone),
            getattr(simulated.moving_masks, bone),
        )
        for bone in ("upper", "lower")
    ]
    for found, true in zip(maps, (simulated.upper.matrix, simulated.lower.matrix), strict=True):
        error = (found - true)[:2] @ np.append(simulated.point, 1)
        assert np.abs(error).max() < 2
    jsn_mm = simulated.spacing_mm * joint_space_narrowing(*maps, simulated.point, simulated.axis)
    assert jsn_mm == pytest.approx(simulated.jsn_projected_mm, abs=0.25)


def test_no_registration_misses_every_change(simulated):
    peer = next(peer for peer in PEERS if peer.name == "no registration")
    map_ = peer.register_bone(
        simulated.fixed, simulated.moving, simulated.fixed_masks.upper, simulated.moving_masks.upper
    )
    np.testing.assert_array_equal(map_, np.eye(3))
