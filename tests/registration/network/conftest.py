import pytest

from napari_jsn.registration.network import paper_net
from napari_jsn.segmentation.training.data import LabelledJoint


@pytest.fixture
def joints(plain_pair):
    """Two visits of two simulated joints."""
    found = []
    for seed in (1, 9):
        pair = plain_pair(0.3, seed)
        for image, masks in ((pair.fixed, pair.fixed_masks), (pair.moving, pair.moving_masks)):
            found.append(LabelledJoint(image, masks, f"joint {seed}", "MCP2"))
    return found


@pytest.fixture
def small_paper_net(monkeypatch):
    """The network of the paper with one narrow block a stage."""
    monkeypatch.setattr(paper_net, "_FIRST", 4)
    monkeypatch.setattr(paper_net, "_BLOCKS", (1, 1, 1, 1))
    monkeypatch.setattr(paper_net, "_CHANNELS", (4, 4, 4, 4))
