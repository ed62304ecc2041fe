import torch

from napari_jsn.scoring.two_stage.network import PatientNet, build_patient_net

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


def test_a_joint_graded_alone_is_graded_as_the_only_one_of_a_patient():
    torch.manual_seed(1)
    network = build_patient_net(SMALL).eval()
    images, there = torch.randn(2, 28, 96, 96), torch.zeros(2, 28, dtype=torch.bool)
    there[0, [3, 20]], there[1, 7] = True, True
    with torch.no_grad():
        together = network(images, there, alone=("jsn", "erosion"))
        for number, (patient, token) in enumerate(there.nonzero().tolist()):
            only = torch.zeros_like(there)
            only[patient, token] = True
            single = network(images, only)
            for kind in together:
                alone = together[kind].alone
                assert torch.allclose(alone.logits[number, 0], single[kind].logits[patient, token], atol=1e-5)
                assert torch.allclose(alone.scored[number, 0], single[kind].scored[patient, token], atol=1e-5)
    assert not torch.allclose(together["jsn"].alone.logits[0, 0], together["jsn"].logits[0, 3], atol=1e-5)
