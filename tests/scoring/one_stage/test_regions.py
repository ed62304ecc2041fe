import numpy as np
import pytest
import torch

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.mean_hand import mean_hand
from napari_jsn.scoring.crops.site_image import SIDE, SIDE_MM
from napari_jsn.scoring.one_stage.canvas import USUAL_MM
from napari_jsn.scoring.one_stage.network import ARCHITECTURES, LEFT, build_hand_net, with_coordinates
from napari_jsn.scoring.one_stage.places import joint_places
from napari_jsn.scoring.one_stage.regions import finger_axes, nearest_places, places_tensor, regions
from napari_jsn.scoring.two_stage.network import normalise
from napari_jsn.scoring.two_stage.views import mean_probabilities

MCP3, PIP3, DIP3, IP1 = (JOINTS.index(joint) for joint in ("MCP3", "PIP3", "DIP3", "IP1"))


def test_axes_run_along_the_fingers():
    places = {"MCP3": (100.0, 300.0), "PIP3": (110.0, 200.0), "DIP3": (140.0, 130.0), "IP1": (250.0, 350.0)}
    axes = finger_axes(places_tensor(places))
    assert axes.shape == (14, 2)
    assert torch.allclose(axes.norm(dim=1), torch.ones(14), atol=0.02)
    for joint, (x, y) in ((MCP3, (10, -100)), (PIP3, (40, -170)), (DIP3, (30, -70))):
        assert axes[joint].tolist() == pytest.approx((np.array([x, y]) / np.hypot(x, y)).tolist(), abs=1e-4)
    assert axes[IP1, 0] > 0.3 and axes[IP1, 1] < 0  # the only joint of its finger


@pytest.mark.parametrize("turn", [0.0, 30.0, -20.0])
def test_a_region_shows_the_finger_upright_at_the_scale_of_its_joint(turn):
    angle = np.deg2rad(turn)
    axis = torch.tensor([[np.sin(angle), -np.cos(angle)]], dtype=torch.float32)
    rows, cols = torch.meshgrid(torch.arange(200.0), torch.arange(180.0), indexing="ij")
    image = torch.exp(-((cols - 90 - 15 * axis[0, 0]) ** 2 + (rows - 100 - 15 * axis[0, 1]) ** 2) / 8)
    found = regions(image[None], torch.tensor([[90.0, 100.0]]), axis, torch.tensor([PIP3]))
    assert found.shape == (1, 1, SIDE, SIDE)
    row, col = np.unravel_index(int(found.argmax()), (SIDE, SIDE))
    above = 15 * USUAL_MM / SIDE_MM["PIP"] * SIDE
    assert (row, col) == (pytest.approx((SIDE - 1) / 2 - above, abs=1), pytest.approx((SIDE - 1) / 2, abs=1))


def test_a_wider_region_has_the_same_middle():
    image = torch.rand(1, 200, 180, generator=torch.Generator().manual_seed(0))
    given = torch.tensor([[90.0, 100.0]]), torch.tensor([[0.6, -0.8]]), torch.tensor([MCP3])
    narrow, wide = regions(image, *given), regions(image, *given, side=SIDE + 24)
    assert torch.allclose(wide[..., 12:-12, 12:-12], narrow, atol=1e-4)


def marked(places, shape=(256, 192)):
    logits = torch.zeros(1, 15, *shape)
    logits[:, 0] = 9.0
    for joint, (x, y) in places.items():
        logits[0, 1 + joint, y - 14 : y + 15, x - 14 : x + 15] = 20.0
    return logits


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_hand_net(ARCHITECTURES["one-stage"]).eval()


def graded(network, image, joints):
    with torch.no_grad():
        jsn, erosion = (each.exp() for each in network._grades(image, joints))
    return {"jsn": jsn, "erosion": erosion}


def test_the_pixels_of_a_joint_have_the_grade_of_its_region_among_those_of_the_hand(network):
    image = torch.rand(1, 256, 192, generator=torch.Generator().manual_seed(0))
    at = {MCP3: (60, 190), PIP3: (100, 80)}
    found = graded(network, image, marked(at))
    joints, centres = torch.tensor(list(at)), torch.tensor(list(at.values())).float()
    axes = finger_axes(places_tensor({JOINTS[joint]: each for joint, each in at.items()}))[joints]
    shown, there = torch.zeros(1, 28, SIDE, SIDE), torch.zeros(1, 28, dtype=torch.bool)
    left = LEFT.start + joints
    shown[0, left], there[0, left] = normalise(regions(image, centres, axes, joints))[:, 0], True
    for kind in ("jsn", "erosion"):
        with torch.no_grad():
            each = [network.regions.kinds[kind](view, there).logits for view in (shown, shown.flip(-1))]
        expected = mean_probabilities(torch.stack(each))[0, LEFT]
        for joint, (x, y) in at.items():
            assert torch.allclose(found[kind][0, :, y + 5, x - 5], expected[joint], atol=1e-3)
        assert torch.allclose(found[kind].sum(1), torch.ones(1, 256, 192), atol=1e-3)


def test_every_pixel_belongs_to_the_nearest_joint(network):
    places = places_tensor({"MCP3": (20.0, 60.0), "PIP3": (20.0, 20.0)})
    nearest = nearest_places(places, (80, 40))
    assert nearest[:39].unique().tolist() == [PIP3] and nearest[42:].unique().tolist() == [MCP3]


def test_the_grade_of_a_joint_depends_on_the_other_joints_of_its_hand_alone(network):
    images = torch.rand(2, 256, 192, generator=torch.Generator().manual_seed(0))
    one, both = marked({IP1: (60, 60)}), marked({IP1: (60, 60), 7: (120, 180)})
    alone, with_other = graded(network, images[:1], one), graded(network, images[:1], both)
    with_hand = graded(network, images, torch.cat([one, both]))
    for kind in ("jsn", "erosion"):
        assert torch.allclose(with_hand[kind][:1], alone[kind], atol=1e-4)
        assert not torch.allclose(with_other[kind][..., 60, 60], alone[kind][..., 60, 60], atol=1e-5)


def test_a_hand_without_joints_has_all_grades_alike(network):
    found = graded(network, torch.rand(2, 96, 64), marked({}, (96, 64)).expand(2, -1, -1, -1))
    assert torch.allclose(found["erosion"], torch.full((2, 6, 96, 64), 1 / 6), atol=1e-4)
    assert torch.allclose(found["jsn"], torch.full((2, 5, 96, 64), 1 / 5), atol=1e-4)
    with torch.no_grad():
        whole = network(with_coordinates(torch.rand(2, 96, 64)))
    assert whole.erosion.shape == (2, 6, 96, 64) and torch.isfinite(whole.erosion).all()


@pytest.mark.parametrize("place", [(3, 3), (188, 250), (95, 3)])
def test_a_joint_at_the_border_has_a_place(place):
    probabilities = torch.zeros(15, 256, 192)
    rows, cols = torch.meshgrid(torch.arange(256), torch.arange(192), indexing="ij")
    probabilities[1 + MCP3] = ((rows - place[1]) ** 2 + (cols - place[0]) ** 2 <= 14**2).float()
    x, y = joint_places(probabilities, 14.0)["MCP3"]
    assert np.hypot(x - place[0], y - place[1]) < 9


@pytest.fixture
def hand_map():
    """Probabilities of a mean hand of 2 pixels a mm, upright, and the places of its joints."""
    places = 2 * mean_hand() + np.array([170.0, 260.0])
    return drawn_map(places), places


def drawn_map(places, height=1.0):
    probabilities = torch.zeros(15, 480, 352)
    rows, cols = torch.meshgrid(torch.arange(480.0), torch.arange(352.0), indexing="ij")
    for k, (x, y) in enumerate(places):
        probabilities[1 + k] = height * ((rows - y) ** 2 + (cols - x) ** 2 <= 14**2).float()
    return probabilities


def farthest(found, places):
    return max(np.hypot(*(np.array(each) - places[JOINTS.index(joint)])) for joint, each in found.items())


def test_a_hand_is_found_as_it_is(hand_map):
    found = joint_places(hand_map[0], 14.0)
    assert len(found) == 14 and farthest(found, hand_map[1]) < 2


@pytest.mark.parametrize(("joint", "at"), [("PIP3", "DIP5"), ("MCP4", "IP1"), ("DIP2", "MCP5")])
def test_a_joint_that_is_surest_on_another_finger_lies_on_its_own(hand_map, joint, at):
    probabilities, places = hand_map
    k = 1 + JOINTS.index(joint)
    probabilities[k] = 0.6 * probabilities[k] + probabilities[1 + JOINTS.index(at)]
    found = joint_places(probabilities, 14.0)
    assert joint in found and farthest(found, places) < 2


def test_a_joint_that_is_nowhere_near_has_no_place(hand_map):
    probabilities, places = hand_map
    k = 1 + JOINTS.index("PIP3")
    probabilities[k] = drawn_map(places)[1 + JOINTS.index("MCP5")] * 0.9
    assert set(joint_places(probabilities, 14.0)) == set(JOINTS) - {"PIP3"}


@pytest.mark.parametrize("more", [0.3, 0.8])
def test_of_two_joints_at_one_place_the_surer_one_stays(hand_map, more):
    _, places = hand_map
    k, other = (JOINTS.index(each) for each in ("DIP3", "DIP4"))
    places[k] = places[other] = (places[k] + places[other]) / 2
    probabilities = drawn_map(places)
    probabilities[1 + k] *= more
    probabilities[1 + other] *= 0.5
    found = joint_places(probabilities, 14.0)
    assert ("DIP3" in found, "DIP4" in found) == (more > 0.5, more < 0.5)


def test_values_that_are_no_numbers_mark_nothing():
    assert joint_places(torch.full((15, 96, 64), torch.nan), 14.0) == {}
