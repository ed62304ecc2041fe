import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.evaluation.registration.halved_losses import halved_losses, halved_table
from napari_jsn.evaluation.registration.paper_figures import PairResult, VisitPair
from napari_jsn.joint.similarity import Similarity
from napari_jsn.segmentation.training.data import LabelledJoint


def registered(simulated, by, gain, offset):
    """A follow-up that is the baseline, translated by (x, y) and in another exposure, and its true registration."""
    moving = gain * ndimage.shift(simulated.fixed, by[::-1], order=1, mode="nearest") + offset
    fixed, moved = (
        LabelledJoint(image.astype(np.float32), simulated.fixed_masks, "one", "MCP2", name)
        for image, name in ((simulated.fixed, "0"), (moving, "1"))
    )
    true_map = Similarity(dx=by[0], dy=by[1]).matrix
    point, axis = np.zeros(2), np.array([0.0, 1.0])
    return VisitPair(fixed, moved), PairResult(true_map, true_map, point, axis, 0.0, (0.0, 0.0), True, *[np.nan] * 4)


@pytest.mark.parametrize(
    ("by", "gain", "offset", "halved", "matched_halved"),
    [
        ((3, 2), 1.0, 0.0, 1.0, 1.0),  # only the position differs
        ((0, 0), 0.8, 0.1, 0.0, 0.0),  # only the exposure differs: no registration reduces the loss
        ((1, 0), 1.0, 0.25, 0.0, 1.0),  # both differ: the exposure hides the effect of the registration
    ],
)
def test_position_and_exposure_are_separated(simulated, by, gain, offset, halved, matched_halved):
    pair, result = registered(simulated, by, gain, offset)
    (row,) = halved_losses([pair], [result], [0.0])
    assert (row.halved, row.matched_halved) == (halved, matched_halved)
    assert row.matched_transformed_loss < 1e-8 and row.matched_original_loss <= row.original_loss


def test_a_displaced_followup_increases_only_the_original_loss(simulated):
    pair, result = registered(simulated, (0, 0), 0.8, 0.1)
    rows = halved_losses([pair], [result], [0.0, 2.0, 6.0])
    originals = [row.original_loss for row in rows]
    assert originals == sorted(originals) and len({row.transformed_loss for row in rows}) == 1
    assert [row.matched_halved for row in rows] == [0.0, 1.0, 1.0]
    table = halved_table("refined", rows)
    assert table.count("\n| ") == 4 and "| 6 |" in table
