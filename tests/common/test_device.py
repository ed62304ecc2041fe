"""The device: chosen by name, and used with less memory where a GPU has too little."""

import logging

import numpy as np
import pytest
import torch

import napari_jsn
import napari_jsn.localization.find_joints as find_joints
import napari_jsn.networks.load as networks
import napari_jsn.registration.register as register
import napari_jsn.segmentation.segment as segment
from napari_jsn.common.device import choose_device, compute_in_batches
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Silent


class Gpu:
    """Doubles numbers, as a GPU that has room for so many of them at once."""

    def __init__(self, room):
        self.room, self.calls = room, []

    def __call__(self, items, device):
        self.calls.append((len(items), device.type))
        if device.type == "cuda" and len(items) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [2 * item for item in items]


@pytest.mark.parametrize(
    ("room", "calls", "warnings"),
    [
        (9, [(8, "cuda"), (8, "cuda"), (4, "cuda")], []),
        (4, [(8, "cuda"), *[(4, "cuda")] * 5], ["4 are computed at once instead of 8"]),
        (
            1,
            [(8, "cuda"), (4, "cuda"), (2, "cuda"), *[(1, "cuda")] * 20],
            ["instead of 8", "instead of 4", "instead of 2"],
        ),
        (
            0,
            [*[(size, "cuda") for size in (8, 4, 2, 1)], (8, "cpu"), (8, "cpu"), (4, "cpu")],
            ["instead of 8", "instead of 4", "instead of 2", "the rest is computed on the CPU"],
        ),
    ],
)
def test_batches_are_halved_and_then_computed_on_the_cpu(room, calls, warnings, caplog):
    gpu = Gpu(room)
    with caplog.at_level(logging.WARNING, logger="napari_jsn"):
        found = compute_in_batches(list(range(20)), 8, torch.device("cuda"), gpu, Silent(), "Doubling")
    assert found == [2 * k for k in range(20)]
    assert gpu.calls == calls
    assert len(caplog.messages) == len(warnings)
    assert all(part in message for part, message in zip(warnings, caplog.messages))


def test_a_full_cpu_is_an_error():
    def full(items, device):
        raise torch.OutOfMemoryError("no memory")

    with pytest.raises(torch.OutOfMemoryError):
        compute_in_batches([1], 8, "cpu", full, Silent(), "Doubling")


def test_an_abort_keeps_the_finished_batches():
    class Impatient:
        aborted = False

        def update(self, done, total, message=""):
            self.aborted = done >= 8

    assert compute_in_batches(list(range(20)), 4, "cpu", Gpu(9), Impatient(), "") == [2 * k for k in range(8)]


@pytest.mark.parametrize("name", [None, "auto"])
def test_auto_is_the_default(name):
    assert choose_device(name).type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="There is no device 'abacus' here"):
        choose_device("abacus")


@pytest.fixture
def full_gpu(monkeypatch):
    """Let the package believe that there is a GPU, whose memory has no room for any network."""
    load = networks.load_network

    def load_network(task, name, device, *rest):
        if device.startswith("cuda"):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return load(task, name, device, *rest)

    monkeypatch.setattr(networks, "load_network", load_network)
    for module in (segment, find_joints):
        monkeypatch.setattr(module, "device_name", lambda name: "cuda")
    monkeypatch.setattr(register, "choose_device", lambda name: torch.device("cuda"))


@pytest.mark.parametrize(
    "compute",
    [
        lambda pair: napari_jsn.segment(pair.fixed).labels,
        lambda pair: [joint.name for joint in napari_jsn.find_joints(pair.fixed)],
        lambda pair: (
            napari_jsn.register(pair.fixed, pair.moving, pair.fixed_masks, pair.moving_masks, method="network").jsn_px
        ),
    ],
    ids=["segment", "find_joints", "register"],
)
def test_where_the_gpu_is_too_small_the_results_are_those_of_the_cpu(compute, simulated, request, caplog):
    expected = compute(simulated)
    request.getfixturevalue("full_gpu")
    with caplog.at_level(logging.WARNING, logger="napari_jsn"):
        found = compute(simulated)
    np.testing.assert_array_equal(found, expected)
    assert caplog.messages[-1] == "The memory of the GPU is too small: the rest is computed on the CPU."
