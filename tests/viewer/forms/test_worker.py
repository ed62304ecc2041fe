"""What a run leaves in memory."""

import ctypes
import os
import platform
import sys
from pathlib import Path

import pytest

from napari_jsn.viewer.forms import worker
from napari_jsn.viewer.forms.worker import return_freed_memory
from napari_jsn.viewer.pair_widget.widget import RegisterPair


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library keeps no freed memory")
@pytest.mark.parametrize("size", [20_000, 60_000, 100_000])
def test_freed_memory_is_returned_to_the_system(size):
    blocks = [bytearray(size) for _ in range(60_000_000 // size)]
    last = blocks.pop()  # keeps the C library from returning what lies before it
    blocks.clear()
    before = resident()
    return_freed_memory()
    assert before - resident() > 40e6 and len(last) == size


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("missing", [OSError, AttributeError])
def test_other_c_libraries_are_left_alone(monkeypatch, missing):
    def refuse(name):
        raise missing

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    return_freed_memory()


def test_memory_is_returned_after_every_run(images, engine, dock, qtbot, monkeypatch):
    from napari.components import ViewerModel

    returned = []
    monkeypatch.setattr(worker, "return_freed_memory", lambda: returned.append(1))
    viewer = ViewerModel()
    for name, image in zip(("fixed", "moving"), images[:2]):
        viewer.add_image(image, name=name, scale=(0.2, 0.2), units=("mm", "mm"))
    widget = dock(RegisterPair(viewer), viewer)
    widget.run_button.click()
    qtbot.wait_until(lambda: widget._run is None, timeout=60_000)
    widget()
    qtbot.wait_until(lambda: len(returned) == 2, timeout=10_000)


@pytest.mark.parametrize(("cores", "usual", "used"), [(1, 1, 1), (2, 2, 1), (4, 4, 3), (8, 4, 4), (2, 1, 1)])
def test_work_leaves_one_core_to_the_window(monkeypatch, cores, usual, used):
    import torch

    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)), raising=False)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(usual)
        found = worker.do_work([lambda progress: torch.get_num_threads()], worker.WorkerProgress())
        assert found == (used, None) and torch.get_num_threads() == usual
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("works", [1, 2, 3])
def test_the_window_gets_its_turn_sooner_while_work_runs(works):
    usual, found = sys.getswitchinterval(), []

    def nested(left):
        def work(progress):
            found.append(sys.getswitchinterval())
            return left > 1 and worker.do_work([nested(left - 1)], progress)

        return work

    worker.do_work([nested(works)], worker.WorkerProgress())
    assert len(found) == works and max(found) < usual / 2 and sys.getswitchinterval() == usual
