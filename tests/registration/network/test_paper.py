"""The network and the recipe of Wang et al. 2023, compared with independent computations in NumPy."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_jsn import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.networks import weights
from napari_jsn.registration.network.architectures import build_registration_net
from napari_jsn.registration.network.paper_net import PaperNet, PaperRuns, to_maps, upper_half
from napari_jsn.registration.network.training import paper_task as module
from napari_jsn.registration.network.training.data import pairs_of_visits
from napari_jsn.registration.network.training.paper_task import PaperRegistrationTask, image_loss
from napari_jsn.registration.network.training.task import RegistrationTask
from napari_jsn.segmentation.training.data import LabelledJoint
from napari_jsn.training.runs import train_runs
from napari_jsn.training.train import train


@pytest.fixture
def small(monkeypatch, small_paper_net):
    monkeypatch.setattr(module, "SIDE", 48)


@pytest.fixture
def task(joints, small):
    return PaperRegistrationTask(joints)


def test_stages_have_the_sizes_and_the_number_of_parameters_of_table_2():
    network, sizes = PaperNet().eval(), []
    for part in (network.first, network.pool, *network.stages):
        part.register_forward_hook(lambda part, given, result: sizes.append(tuple(result.shape[1:])))
    image = torch.rand(1, 1, 224, 224)
    with torch.no_grad():
        parameters = network(image, image, image.round(), image.round())
    assert [shape[1] for shape in sizes] == [112, 56, 56, 28, 14, 7]
    assert [shape[0] for shape in sizes] == [64, 64, 128, 256, 512, 512]
    assert parameters.shape == (1, 2, 4)
    assert sum(value.numel() for value in network.parameters()) == 47_000_224
    assert sum(value.numel() for value in build_registration_net("paper").parameters()) == 47_000_224


def test_outputs_are_in_their_ranges(small):
    network = PaperNet().eval()
    torch.nn.init.constant_(network.head.bias, 30.0)
    image = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        high = network(image, image, image, image)
        torch.nn.init.constant_(network.head.bias, -30.0)
        low = network(image, image, image, image)
    torch.testing.assert_close(high[..., :2], torch.tensor([2.0, math.pi / 2]).expand(2, 2, 2))
    torch.testing.assert_close(low[..., :2], torch.tensor([0.0, -math.pi / 2]).expand(2, 2, 2))
    assert (high[..., 2:] > 20).all() and (low[..., 2:] < -20).all()  # not bounded


def test_any_value_of_a_mask_but_0_is_the_upper_half(small):
    network = PaperNet().eval()
    image, mask = torch.rand(1, 1, 32, 32), (torch.arange(32.0) < 15).float()[:, None].expand(1, 1, 32, 32)
    with torch.no_grad():
        one, other = (network(image, image, value * mask, mask) for value in (1, 255))
        swapped = network(image, image, 1 - mask, 1 - mask)
    torch.testing.assert_close(one, other)
    assert not torch.allclose(one, swapped)


@pytest.mark.parametrize(
    ("parameters", "point", "expected"),
    [  # a square of 200 px: its middle is 99.5, half of it is 100 px
        ((1.0, 0.0, 0.03, -0.02), (20.0, 30.0), (23.0, 28.0)),
        ((2.0, 0.0, 0.0, 0.0), (100.5, 98.5), (101.5, 97.5)),
        # translated to (109.5, 99.5): 10 right of the middle; turned by 90 degrees: 10 below it; magnified: 15 below it
        ((1.5, math.pi / 2, 0.1, 0.0), (99.5, 99.5), (99.5, 114.5)),
    ],
)
def test_eq_1_translates_then_rotates_then_scales(parameters, point, expected):
    maps = to_maps(torch.tensor([[parameters, parameters]], dtype=torch.float64), 200)
    moved = maps[0, 0] @ torch.tensor([*point, 1.0], dtype=torch.float64)
    np.testing.assert_allclose(moved[:2], expected, atol=1e-9)


def sampled(image, x, y):
    """Sample an image (H, W) linearly at points; beyond the border pixels its value stays that of the border."""
    x, y = np.clip(x, 0, image.shape[1] - 1), np.clip(y, 0, image.shape[0] - 1)
    left, top = np.minimum(x.astype(int), image.shape[1] - 2), np.minimum(y.astype(int), image.shape[0] - 2)
    a, b = x - left, y - top
    upper = (1 - a) * image[top, left] + a * image[top, left + 1]
    lower = (1 - a) * image[top + 1, left] + a * image[top + 1, left + 1]
    return (1 - b) * upper + b * lower


def numpy_loss(parameters, fixed, moving, half):
    """Return the loss of one pair: Eq. 1 to 6 with loops over the bones and mean squared differences."""
    side = fixed.shape[0]
    middle = (side - 1) / 2
    row, col = np.mgrid[:side, :side].astype(float)
    transformed = np.zeros_like(fixed)
    for (dz, dtheta, dx, dy), region in zip(parameters, (half, 1 - half)):
        x, y = col - middle + dx * side / 2, row - middle + dy * side / 2
        turned_x = dz * (np.cos(dtheta) * x - np.sin(dtheta) * y)
        turned_y = dz * (np.sin(dtheta) * x + np.cos(dtheta) * y)
        transformed += region * sampled(moving, turned_x + middle, turned_y + middle)
    return np.mean((fixed - transformed) ** 2)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_loss_and_its_gradient_are_those_of_a_computation_in_numpy(task, seed):
    rng = np.random.default_rng(seed)
    batch = next(iter(task.training_batches(0, seed)))
    pair = tuple(part[:1].double() for part in batch)
    given = np.array([[1, 0, 0, 0], [1, 0, 0, 0]]) + rng.normal(0, 0.02, (2, 4))
    parameters = torch.tensor(given, requires_grad=True)
    loss = image_loss(to_maps(parameters[None], module.SIDE), pair).mean()
    loss.backward()
    fixed, moving, half = (part[0, 0].numpy() for part in pair[:3])
    assert loss.item() == pytest.approx(numpy_loss(given, fixed, moving, half), abs=1e-12)
    step = 1e-6
    for bone in (0, 1):
        for k in range(4):
            ends = []
            for sign in (1, -1):
                changed = given.copy()
                changed[bone, k] += sign * step
                ends.append(numpy_loss(changed, fixed, moving, half))
            assert parameters.grad[bone, k].item() == pytest.approx(
                (ends[0] - ends[1]) / (2 * step), rel=1e-3, abs=1e-5
            )


def test_one_step_with_a_batch_of_2_is_adam_by_its_formula(task):
    torch.manual_seed(0)
    network = task.network()
    optimizer, _ = task.optimizer(network, 500)
    batch = tuple(part[:1].repeat(2, 1, 1, 1) for part in next(iter(task.training_batches(0, 0))))
    before = [value.detach().numpy().copy() for value in network.parameters()]
    loss = task.loss(network, batch)
    with torch.no_grad():
        network_copy = build_registration_net("paper")
        network_copy.load_state_dict(network.state_dict())
        parameters = network_copy.train().parameters_of(*batch).double().numpy()
    images = [part[:, 0].double().numpy() for part in batch]
    expected = np.mean([numpy_loss(parameters[k], images[0][k], images[1][k], images[2][k]) for k in (0, 1)])
    assert loss.item() == pytest.approx(expected, abs=1e-5)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    for old, value in zip(before, network.parameters(), strict=True):
        gradient = value.grad.numpy()
        mean, square = 0.1 * gradient / (1 - 0.9), 0.001 * gradient**2 / (1 - 0.999)
        np.testing.assert_allclose(value.detach(), old - 1e-3 * mean / (np.sqrt(square) + 1e-8), atol=1e-5)


def test_the_recipe_has_the_published_constants_and_nothing_else(task, joints):
    assert (task.epochs, task._batch, task.keep_last, task.patience) == (500, 80, True, None)
    assert not hasattr(task, "ema")
    optimizer, plateau = task.optimizer(task.network(), 500)
    assert type(optimizer) is torch.optim.Adam and optimizer.defaults["lr"] == 1e-3
    assert optimizer.defaults["weight_decay"] == 0 and optimizer.defaults["betas"] == (0.9, 0.999)
    assert (plateau.factor, plateau.patience, plateau.threshold, plateau.threshold_mode) == (0.5, 10, 1e-5, "rel")
    first, again = (torch.cat([batch[0] for batch in task.training_batches(epoch, 0)]) for epoch in (0, 1))
    assert len(first) == 1 and torch.equal(first, again)  # one of two joints; its images are not changed
    originals = torch.from_numpy(task._pairs.images).float() / 255
    assert any(torch.equal(first[0, 0], image) for image in originals)


def test_a_fifth_of_the_joints_is_validated_on(small, plain_pair):
    pair = plain_pair(0.3, 1)
    visits = ((pair.fixed, pair.fixed_masks), (pair.moving, pair.moving_masks))
    joints = [LabelledJoint(image, masks, f"joint {k}") for k in range(10) for image, masks in visits]
    task = PaperRegistrationTask(joints)
    groups = [
        {task._pairs.groups[k] for k in task._pairs.pairs[which].flat} for which in (task._training, task._validation)
    ]
    assert [len(each) for each in groups] == [8, 2] and not groups[0] & groups[1]


@pytest.mark.parametrize(
    ("visits", "expected"),
    [(1, []), (2, [(0, 1)]), (3, [(0, 1), (0, 2)]), (4, [(0, 2), (0, 3), (1, 2), (1, 3)])],
)
def test_pairs_by_the_middle_index(visits, expected):
    assert [tuple(pair) for pair in pairs_of_visits(["joint"] * visits, "paper")] == expected
    assert len(pairs_of_visits(["joint"] * visits, "all")) == visits * (visits - 1) / 2


def test_halves_are_made_of_bones_and_halves_stay_as_they_are():
    upper, lower = np.zeros((2, 40, 30), bool)
    upper[:15, 8:20], lower[21:, 8:20] = True, True
    half = upper_half(np.stack([upper, lower]))
    assert half[:18].all() and not half[18:].any()
    np.testing.assert_array_equal(upper_half(np.stack([half, ~half])), half)
    skew = np.add.outer(np.arange(40), np.arange(30)) < 33
    np.testing.assert_array_equal(upper_half(np.stack([skew, ~skew])), skew)


def test_runs_average_the_parameters(small):
    torch.manual_seed(0)
    network = PaperRuns(3).eval()
    for run in network.runs:
        torch.nn.init.normal_(run.head.weight)
    image, half = torch.rand(2, 1, 32, 32), torch.rand(2, 1, 32, 32).round()
    with torch.no_grad():
        each = torch.stack([run(image, image.flip(2), half, half) for run in network.runs])
        torch.testing.assert_close(network.parameters_of(image, image.flip(2), half, half), each.mean(0))
    assert each.std(0).max() > 1e-3


class AbortAfter:
    """A progress that is aborted after so many updates."""

    def __init__(self, updates):
        self.left = updates

    @property
    def aborted(self):
        return self.left <= 0

    def update(self, *args):
        self.left -= 1


def test_the_published_network_takes_two_steps(joints, monkeypatch):
    monkeypatch.setattr(module, "SIDE", 64)
    task = PaperRegistrationTask(joints)
    network = task.network()
    optimizer, _ = task.optimizer(network, 500)
    batch = tuple(part.repeat(2, 1, 1, 1) for part in next(iter(task.training_batches(0, 0))))
    before = [value.detach().clone() for value in network.parameters()]
    for _ in range(2):
        optimizer.zero_grad()
        loss = task.loss(network, batch)
        loss.backward()
        optimizer.step()
    assert torch.isfinite(loss)
    changed = [not torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True)]
    assert sum(changed) > 0.95 * len(changed)


def test_the_command_trains_runs(joints, small, tmp_path, capsys):
    from PIL import Image

    from napari_jsn.cli import main

    for k, each in enumerate(joints):
        folder = tmp_path / "data" / each.group.replace(" ", "_")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((255 * each.image).astype(np.uint8)).save(folder / f"{k}.jpg")
        labels = each.masks.upper.astype(np.uint8) + 2 * each.masks.lower.astype(np.uint8)
        Image.fromarray(labels).save(folder / f"{k}.png")
    words = ["train", "registration", "--preset", "paper", "--data", str(tmp_path / "data"), "--epochs", "2"]
    words += ["--device", "cpu", "--out", str(tmp_path / "out")]
    for more, code, printed in (
        (["--runs", "2"], 0, "Averaged 2 runs: paper-run1, paper-run2."),
        (["--name", "one"], 0, "Last epoch, which is kept: 2"),
        (["--pairs", "some", "--name", "other"], 2, "--pairs: There are no pairs 'some'"),
        (["--runs", "2", "--start", "default", "--name", "other"], 2, "--runs: Runs begin from random weights"),
        (["--runs", "2"], 2, "--runs: There is a registration model 'paper' in"),
        (["--runs", "2", "--name", "paper"], 2, "--name: There is a registration model 'paper' in"),
    ):
        with pytest.raises(SystemExit) as left:
            main([*words, *more])
        captured = capsys.readouterr()
        assert (left.value.code or 0) == code and printed in captured.out + captured.err
    assert (tmp_path / "out" / "registration-paper.safetensors").is_file()


def test_runs_are_trained_resumed_and_used_as_one_model(task, tmp_path, plain_pair):
    from napari_jsn import register

    stopped = train_runs(task, 2, epochs=2, device="cpu", out=tmp_path, name="mine", progress=AbortAfter(6))
    assert not stopped.finished and stopped.resume.name == "registration-mine-run2.ckpt"
    first = (tmp_path / "registration-mine-run1.safetensors").read_bytes()
    done = train_runs(task, 2, epochs=2, device="cpu", out=tmp_path, name="mine")
    assert done.finished and (tmp_path / "registration-mine-run1.safetensors").read_bytes() == first
    undisturbed = train(task, 2, "cpu", tmp_path / "other", "mine-run2", seed=1)
    state, card = weights.load("registration", str(done.path))
    second, _ = weights.load("registration", str(undisturbed.path))
    assert card["architecture"]["runs"] == 2 and [run["seed"] for run in card["runs"]] == [0, 1]
    for key, value in second.items():
        torch.testing.assert_close(state[key.replace("runs.0.", "runs.1.")], value, rtol=0, atol=0)
    pair = plain_pair(0.3, 1)
    result = register(
        pair.fixed, pair.moving, pair.fixed_masks, pair.moving_masks, 0.175, method=f"network:{done.path}"
    )
    assert np.isfinite(result.jsn_mm)
    with pytest.raises(InputError, match="must be 1 or more, not 0"):
        train_runs(task, 2, epochs=0, out=tmp_path, name="none")
    with pytest.raises(InputError, match="already"):
        train_runs(task, 2, epochs=2, out=tmp_path, name="mine")
    (tmp_path / "registration-mine.safetensors").unlink()
    with pytest.raises(InputError, match="for 2 epochs"):
        train_runs(task, 2, epochs=3, out=tmp_path, name="mine")


def changed(joints, how):
    """The same joints with other images, more of them, other masks, or another patient."""
    first = joints[0]
    turned = replace(first, image=np.ascontiguousarray(first.image[:, ::-1]))
    smaller = replace(first, masks=BoneMasks(ndimage.binary_erosion(first.masks.upper), first.masks.lower))
    return {
        "image": [turned, *joints[1:]], "masks": [smaller, *joints[1:]],
        "more": [*joints, replace(turned, group="new"), replace(first, group="new", image=first.image**2)],
    }[how]  # fmt: skip


def test_runs_go_on_only_over_the_images_of_the_finished_ones(joints, small, tmp_path):
    """Else the model of all runs would have learned from images that its card does not name."""
    stopped = train_runs(
        PaperRegistrationTask(joints), 3, epochs=2, device="cpu", out=tmp_path, name="mine", progress=AbortAfter(6)
    )
    finished = (tmp_path / "registration-mine-run1.safetensors").read_bytes()
    assert stopped.resume.name == "registration-mine-run2.ckpt"
    for how, message in (
        ("image", r"other images: 1 \(.*\) of those given now are new and 1 of its images are not there"),
        ("more", r"other images: 2 \(.*\) of those given now are new"),
        ("masks", "other masks, groups or pairs"),
    ):
        with pytest.raises(InputError, match=message) as refused:
            train_runs(PaperRegistrationTask(changed(joints, how)), 3, 2, "cpu", tmp_path, "mine")
        assert refused.value.argument == "data" and "registration-mine-run1" in str(refused.value)
    with pytest.raises(InputError, match="other masks, groups or pairs"):
        train_runs(PaperRegistrationTask(joints, pairs="all"), 3, 2, "cpu", tmp_path, "mine")
    (tmp_path / "registration-mine-run3.safetensors").write_bytes(finished)  # a later run is checked first, too
    shutil.copy(tmp_path / "registration-mine-run1.json", tmp_path / "registration-mine-run3.json")
    with pytest.raises(InputError, match="run3.safetensors was trained for 2 epochs with seed 0"):
        train_runs(PaperRegistrationTask(joints), 3, 2, "cpu", tmp_path, "mine")
    assert (tmp_path / "registration-mine-run1.safetensors").read_bytes() == finished
    assert not (tmp_path / "registration-mine.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epochs", "0"], "--epochs: The number of epochs must be 1 or more, not 0."),
        (["--epochs", "-3", "--runs", "2"], "--epochs: The number of epochs must be 1 or more, not -3."),
        (["--runs", "2", "--preset", "default"], "--runs: Runs are averaged only by the network of the preset 'paper'"),
        (["--runs", "0"], "--runs"),
        (["--runs", "2", "--resume", "a.ckpt"], "--runs: Runs begin from random weights"),
        (["--pairs", "some"], "--pairs: There are no pairs 'some'"),
        (["--pairs", "some", "--preset", "default"], "--pairs: There are no pairs 'some'"),
        (["--device", "toaster", "--runs", "2"], "--device: There is no device 'toaster'"),
        (["--start", "nothing"], "--start: There is no registration model 'nothing'"),
        (["--name", "a/b", "--runs", "2"], "--name: A model cannot be called"),
        (["--preset", "other"], "--preset: There is no preset 'other'"),
    ],
)
def test_wrong_options_are_refused_before_images_are_read(words, message, tmp_path, capsys, monkeypatch):
    from napari_jsn.cli import main

    def read(*args, **options):
        raise AssertionError("images were read")

    for kind in (PaperRegistrationTask, RegistrationTask):
        monkeypatch.setattr(kind, "from_folder", read)
    with pytest.raises(SystemExit) as left:
        main(["train", "registration", "--preset", "paper", "--data", ".", "--out", str(tmp_path / "out"), *words])
    error = capsys.readouterr().err
    assert left.value.code == 2 and message in " ".join(error.split()), error
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_trained_is_refused(joints, small):
    with pytest.raises(InputError, match="at least two joints"):
        PaperRegistrationTask(joints[:2])
    with pytest.raises(InputError, match="all, paper"):
        PaperRegistrationTask(joints, pairs="some")
    with pytest.raises(InputError, match="one of: paper"):
        PaperRegistrationTask(joints, "default")
    nothing = BoneMasks(np.zeros((64, 64), bool), np.ones((64, 64), bool))
    with pytest.raises(InputError):
        PaperRegistrationTask([LabelledJoint(np.zeros((64, 64), np.float32), nothing, "a")])
