"""The simulated joint pair that is shown first: the viewer's sample."""

from __future__ import annotations

from napari_jsn.simulation.joint_pair import joint_pair
from napari_jsn.simulation.simulated_radiograph import JointPair


def sample_pair() -> JointPair:
    """An index MCP joint that narrows by 0.3 mm and moves as joints do between two visits."""
    return joint_pair("MCP2", jsn_mm=0.3, seed=0)
