import json

import numpy as np
import pytest

from napari_jsn import InputError, JointImage, segment
from napari_jsn.evaluation.segmentation.agreement import mask_agreement
from napari_jsn.joint import BoneMasks
from napari_jsn.networks import weights
from napari_jsn.segmentation.segment import segment_many
from napari_jsn.segmentation.training.data import simulated_joints

shipped = pytest.mark.skipif("default" not in weights.names("segmentation"), reason="no default model is shipped yet")


def test_masks_come_back_in_the_images_shape(models, joint):
    found = segment(joint(90).image[:, 5:80], "tiny")
    assert isinstance(found, BoneMasks) and found.shape == (90, 75)
    assert found.upper.dtype == bool


def test_a_joint_image_is_taken_too_and_any_type(models, joint):
    image = joint(80).image
    masks = segment(image, "tiny").labels
    np.testing.assert_array_equal(segment(JointImage(image, 0.1), "tiny").labels, masks)
    in_bits = np.rint(255 * image).astype(np.uint8)
    assert (segment(in_bits, "tiny").labels != masks).mean() < 0.02


def test_many_equal_one_by_one_and_sizes_may_differ(models, joint):
    images = [joint(size, seed).image for seed, size in enumerate((64, 90, 64, 130))]
    together = segment_many(images, "tiny")
    for image, found in zip(images, together, strict=True):
        np.testing.assert_array_equal(found.labels, segment(image, "tiny").labels)
    assert segment_many([], "tiny") == []


def test_what_cannot_be_segmented_is_refused(models, joint):
    with pytest.raises(InputError, match="only 10 x 64"):
        segment(joint(64).image[:10], "tiny")
    with pytest.raises(InputError, match="no contrast"):
        segment(np.ones((64, 64)), "tiny")
    with pytest.raises(InputError, match=r"Choose one of: .*tiny"):
        segment(joint(64).image, "other")
    with pytest.raises(InputError, match="no device"):
        segment(joint(64).image, "tiny", "tpu")


def test_a_model_that_does_not_fit_its_card_is_refused(models, joint):
    path = models / "segmentation-tiny.json"
    card = json.loads(path.read_text())
    card["architecture"]["fold"] = 1
    path.write_bytes(weights.card_bytes(card))
    (models / "segmentation-tiny.safetensors").touch()
    with pytest.raises(InputError, match="do not fit"):
        segment(joint(64).image, "tiny")


def test_abort_gives_what_is_found_so_far(models, joint):
    class Stop:
        aborted = False

        def update(self, done, total, message=""):
            self.aborted = True

    found = segment_many([joint(64).image] * 40, "tiny", progress=Stop())
    assert 0 < len(found) < 40


@shipped
@pytest.mark.parametrize("joints", [("MCP3", "IP1"), ("PIP2", "DIP4")])
def test_the_shipped_model_finds_simulated_bones(joints):
    truth = list(simulated_joints(4, 77, joints))
    for each, found in zip(truth, segment_many([one.image for one in truth]), strict=True):
        assert mask_agreement(found, each.masks).dsc > 0.965
        assert found.reliable, found.reason


@shipped
def test_the_shipped_model_reports_an_empty_image_as_not_reliable():
    noise = np.random.default_rng(0).random((128, 128))
    assert not segment(noise).reliable
