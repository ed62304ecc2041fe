import torch

from napari_jsn.scoring.two_stage.network import build_patient_net
from napari_jsn.scoring.two_stage.views import SIZES, graded_views, mean_probabilities, resized

SMALL = {"features": (8, 12, 16, 24), "width": 16, "layers": 1}


def test_the_mean_is_the_same_for_a_mirrored_image():
    torch.manual_seed(1)
    network = build_patient_net(SMALL).eval()
    images, there = torch.randint(0, 256, (1, 28, 120, 120), dtype=torch.uint8), torch.ones(1, 28, dtype=torch.bool)
    with torch.no_grad():
        one, other = (graded_views(network, each, there) for each in (images, images.flip(-1)))
        plain = network(resized(images), there)
    for kind in one:
        assert one[kind].logits.shape[0] == 2 * len(SIZES[kind])
        assert torch.allclose(one[kind].logits[0], plain[kind].logits, atol=1e-4)
        assert not torch.allclose(one[kind].logits[1], plain[kind].logits, atol=1e-4)
        same = (mean_probabilities(each[kind].logits) for each in (one, other))
        assert torch.allclose(*same, atol=1e-4)
        assert torch.allclose(one[kind].scored.mean(0), other[kind].scored.mean(0), atol=1e-4)


def test_views_that_differ_make_a_grade_less_certain():
    sure = torch.tensor([6.0, 6.0, -6.0, -6.0])
    alike = mean_probabilities(torch.stack([sure, sure]))
    apart = mean_probabilities(torch.stack([sure, sure.flip(0)]))
    assert torch.allclose(alike.sum(-1), torch.ones(()))
    assert float(alike.max()) > 0.98
    assert float(apart.max()) < 0.52


def test_images_keep_their_middle_when_they_are_resized():
    rows, cols = torch.meshgrid(torch.arange(120), torch.arange(120), indexing="ij")
    distance = torch.hypot(rows - 59.5, cols - 59.5)
    images = (255 * torch.exp(-(distance**2) / 200)).round().to(torch.uint8).expand(1, 2, 120, 120)
    for size in (0.9, 1.0, 1.1):
        shown = resized(images, size)[0, 0]
        assert shown.shape == (96, 96)
        assert abs(float(shown.mean())) < 1e-4
        assert abs(float(shown.std()) - 1) < 1e-3
        across = (shown[47] > (shown.max() + shown.min()) / 2).sum()  # what is shown smaller covers fewer pixels
        assert int(across) == round(2 * (200 * torch.log(torch.tensor(2.0)).item()) ** 0.5 / size / 2) * 2
