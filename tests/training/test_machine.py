import platform
import subprocess
import sys

import pytest

from napari_jsn import InputError
from napari_jsn.training.machine import keep_freed_memory, trainer_arguments
from napari_jsn.training.module import Batches


@pytest.fixture
def gpus(monkeypatch):
    """Pretend that there are three."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.setattr("napari_jsn.training.machine._is_script", lambda: True)


def test_without_a_gpu(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert trainer_arguments() == trainer_arguments("cpu") == trainer_arguments("auto")
    assert trainer_arguments()["accelerator"] == "cpu"
    with pytest.raises(InputError, match="no CUDA GPU"):
        trainer_arguments("cuda")


@pytest.mark.parametrize(
    ("device", "chosen"),
    [(None, [0, 1, 2]), ("cuda", [0, 1, 2]), ("cuda:1", [1]), ("cuda:2,0", [0, 2])],
)
def test_gpus(gpus, device, chosen):
    found = trainer_arguments(device)
    assert (found["accelerator"], found["devices"]) == ("cuda", chosen)
    assert found["strategy"] == ("ddp" if len(chosen) > 1 else "auto")


def test_a_window_trains_on_one_gpu(gpus, monkeypatch):
    monkeypatch.setattr("napari_jsn.training.machine._is_script", lambda: False)
    assert trainer_arguments("cuda")["devices"] == [0]


@pytest.mark.parametrize("device", ["toaster", "cuda:x", "cuda:3", "mps"])
def test_devices_that_are_not_there(gpus, device):
    with pytest.raises(InputError) as error:
        trainer_arguments(device)
    assert error.value.argument == "device"


def test_processes_share_the_batches_evenly():
    shares = []
    for rank in (0, 1):
        batches = Batches(lambda: iter(range(5)))
        batches.rank, batches.processes = rank, 2
        shares.append(list(batches))
    assert shares == [[0, 2], [1, 3]]
    assert list(Batches(lambda: [1, 2, 3])) == [1, 2, 3]


def test_menus_know_the_presets_of_every_task():
    from napari_jsn.training.tasks import PRESETS, task_class

    for name, presets in PRESETS.items():
        for preset in presets:
            made = task_class(name, preset)
            assert made.name == name and preset in made.architectures


def test_freed_memory_is_kept_by_a_process_of_its_own():
    script = "import sys; from napari_jsn.training.machine import keep_freed_memory; sys.exit(keep_freed_memory())"
    glibc = sys.platform.startswith("linux") and platform.libc_ver()[0] == "glibc"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == glibc


@pytest.mark.parametrize("missing", ["platform", "function"])
def test_where_the_platform_cannot_keep_freed_memory_training_goes_on(missing, monkeypatch):
    if missing == "platform":
        monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert keep_freed_memory() is False
