import torch

from napari_jsn.scoring.two_stage.network import PatientNet, build_patient_net, mean_of_mirrored

SMALL = {"features": (4, 6), "width": 8, "layers": 1}


def outputs(images, there):
    torch.manual_seed(1)
    network = build_patient_net(SMALL).eval()
    with torch.no_grad():
        return network(images, there)


def test_joints_without_an_image_have_no_influence():
    images, there = torch.randn(2, 28, 96, 96), torch.ones(2, 28, dtype=torch.bool)
    there[0, :14] = False
    other = images.clone()
    other[0, :14] = 7.0
    for kind, highest in (("jsn", 4), ("erosion", 5)):
        first, second = (outputs(each, there)[kind] for each in (images, other))
        assert first.logits.shape == (2, 28, highest)
        assert torch.equal(first.logits[there], second.logits[there])


def test_the_joints_of_the_other_hand_are_a_reference():
    images, there = torch.randn(1, 28, 96, 96), torch.ones(1, 28, dtype=torch.bool)
    alone = there.clone()
    alone[0, 14:] = False
    both, one = outputs(images, there)["jsn"].logits, outputs(images, alone)["jsn"].logits
    assert not torch.allclose(both[0, :14], one[0, :14], atol=1e-4)


def test_the_two_networks_share_no_weights():
    networks = PatientNet(**SMALL).kinds
    jsn, erosion = ({id(each) for each in networks[kind].parameters()} for kind in ("jsn", "erosion"))
    assert jsn
    assert not jsn & erosion


def test_the_mean_of_mirrored_images_is_the_same_for_a_mirrored_image():
    torch.manual_seed(1)
    network = build_patient_net(SMALL).eval()
    images, there = torch.randn(1, 28, 96, 96), torch.ones(1, 28, dtype=torch.bool)
    with torch.no_grad():
        one, other = (mean_of_mirrored(network, each, there) for each in (images, images.flip(-1)))
        alone = network(images, there)
    for kind in one:
        for name in ("logits", "scored", "widths"):
            assert torch.allclose(getattr(one[kind], name), getattr(other[kind], name), atol=1e-5)
        assert not torch.allclose(one[kind].logits, alone[kind].logits, atol=1e-5)
    assert torch.allclose(one["erosion"].areas, other["erosion"].areas.flip(-1), atol=1e-5)
    assert one["jsn"].areas is None
