"""Times of the dock "Read patient" in a real window: how long it blocks, and how fast the next joint is shown.

Run with a display, for example ``xvfb-run -a -s "-screen 0 1366x768x24" python -m benchmarks window``. Beside the time
on the clock stands the processor time of the window's thread, which hardly depends on what else runs on the computer.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

#: Rows of the table: what, the bar in ms, wall and processor time in ms (None: not measured).
Row = tuple[str, float | None, float, float | None]
_SIZE = (1366, 768)
_JOINTS, _AGAIN, _PATIENTS = 8, 4, 10


class _Blocks:
    """Measures the longest time for which the window's thread does not come back to its events."""

    def __init__(self) -> None:
        from qtpy.QtCore import QTimer

        self._timer = QTimer()
        self._timer.setInterval(4)
        self._timer.timeout.connect(self._tick)
        self._timer.start()
        self.restart()

    def restart(self) -> None:
        self._last, self._last_cpu = time.perf_counter(), time.thread_time()
        self.longest, self.longest_cpu = 0.0, 0.0

    def run(self, on: bool) -> None:
        """Begin to measure, go on, or stop."""
        if on and not self._timer.isActive():
            self._timer.start()
            self.restart()
        elif not on:
            self._timer.stop()

    def _tick(self) -> None:
        now, cpu = time.perf_counter(), time.thread_time()
        self.longest = max(self.longest, now - self._last)
        self.longest_cpu = max(self.longest_cpu, cpu - self._last_cpu)
        self._last, self._last_cpu = now, cpu

    def row(self, name: str, bar: float | None) -> Row:
        return name, bar, 1000 * self.longest, 1000 * self.longest_cpu


def run() -> int:
    """Open the shipped sample in a window, measure and read it, and print the times."""
    os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")
    import napari
    from qtpy.QtTest import QTest

    import napari_jsn as jsn

    viewer = napari.Viewer()
    viewer.window.resize(*_SIZE)
    QTest.qWait(1000)
    start = time.perf_counter(), time.thread_time()
    _, dock = viewer.window.add_plugin_dock_widget("napari-jsn", "Read patient")
    _until(lambda: dock.is_ready)
    print(f"{'':44} {'bar':>8} {'clock':>8} {'processor':>10}", flush=True)
    _print(("opening the dock until ready", 5000, *_since(start)))
    blocks = _Blocks()
    folder = jsn.sample_folder("hand_pair")
    with tempfile.TemporaryDirectory() as place:
        dock.flow.open_paths([folder])
        _until(lambda: not dock.flow.jobs.running)
        QTest.qWait(300)
        _print(blocks.row("longest block: open a folder", 200))
        dock.radiographs.reader.value, dock.radiographs.store.value = "A", Path(place) / "r.db"
        blocks.restart()
        start = time.perf_counter(), time.thread_time()
        dock.sources.measure()
        computing = [blocks.row("longest block: measure", 100)]

        def note(*_: object) -> None:
            computing[0] = blocks.row("longest block: measure", 100)

        dock.flow.jobs.progressed.connect(note)
        _until(lambda: not dock.flow.jobs.running)
        dock.flow.jobs.progressed.disconnect(note)
        _print(computing[0])
        _print(("measure 10 joints of 2 visits", None, *_since(start)))
        QTest.qWait(1000)
        _print(blocks.row("longest block: measure, results included", 200))
        for row in _reading(viewer, dock, blocks):
            _print(row)
        _print(_memory(dock, folder, place))
    viewer.close()
    print("Times in ms, of the slowest; memory in MB. Processor: of the window's thread, for a joint of all threads.")
    return 0


def _since(start: tuple[float, float]) -> tuple[float, float]:
    """Return milliseconds on the clock and of the thread's processor time."""
    return 1000 * (time.perf_counter() - start[0]), 1000 * (time.thread_time() - start[1])


def _print(row: Row) -> None:
    name, bar, wall, cpu = row
    limit = "" if bar is None else f"{bar:.0f}"
    print(f"{name:44} {limit:>8} {wall:8.0f} {'' if cpu is None else f'{cpu:10.0f}'}", flush=True)


def _reading(viewer: Any, dock: Any, blocks: _Blocks) -> list[Row]:
    """Show joints by a key, decide, and measure one joint again after its box was moved."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    canvas = viewer.window._qt_viewer.canvas.native
    found = {}
    for name, key in (("next joint: key to picture", Qt.Key.Key_N), ("decision: key to picture", Qt.Key.Key_A)):
        times = []
        for _ in range(_JOINTS):
            QTest.qWait(700)
            wall, cpu = time.perf_counter(), time.thread_time()
            QTest.keyClick(canvas, key)
            QApplication.processEvents()
            times.append((1000 * (time.perf_counter() - wall), 1000 * (time.thread_time() - cpu)))
        found[name] = max(each[0] for each in times), max(each[1] for each in times)
    rows: list[Row] = [(name, 150, *times) for name, times in found.items()]
    return [*rows, *_measured_again(viewer, dock, blocks)]


def _measured_again(viewer: Any, dock: Any, blocks: _Blocks) -> list[Row]:
    """Move a box with the mouse, then paint bones; time from the release of the button to the new figures."""
    from qtpy.QtCore import QEventLoop
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    mouse, position, loop = _Mouse(viewer), dock.controller.position, QEventLoop()
    dock.flow.measured_again.connect(loop.quit)  # after the dock, which was connected first, shows them
    dock.open_step(dock.steps[1])
    rows: list[Row] = []
    for tool, name in ((dock.joints.boxes_button, "box"), (dock.joints.masks_button, "mask")):
        times: list[tuple[float, float]] = []
        for k in range(_JOINTS + _AGAIN):
            dock.controller.next()
            QTest.qWait(100)
            tool.click()
            blocks.run(k >= _JOINTS)  # not while the time is taken, because looking for blocks takes time of the work
            QTest.qWait(400)
            if name == "box":
                layer = viewer.layers["joints"]
                at = layer.data[list(layer.features["joint"]).index(position.joint)][:, -2:].mean(axis=0)
            else:
                layer = viewer.layers["bones"]
                bone = layer.data[:, : layer.data.shape[1] // 2] == 1  # the upper one at the baseline
                row = np.nonzero(bone.any(axis=1))[0].mean().round().astype(int)
                at = np.array(layer.data_to_world((row, np.nonzero(bone[row])[0].max())))  # its border
            way = [at, at + (0.2, 0.2), at + (0.6, 0.4)]
            mouse.press(way)
            start, cpu = time.perf_counter(), time.process_time()
            mouse.release(way[-1])
            loop.exec()
            QApplication.processEvents()
            if k < _JOINTS:
                times.append((1000 * (time.perf_counter() - start), 1000 * (time.process_time() - cpu)))
            assert not position.item.out_of_date
            dock.joints.undo_button.click()
            _until(lambda: not dock.flow.jobs.running)
            tool.click()
        times.sort()
        rows.append((f"one joint measured again, {name} (median)", 400, *times[_JOINTS // 2]))
        rows.append((f"one joint measured again, {name} (slowest)", None, *times[-1]))
        rows.append(blocks.row(f"longest block: measured again, {name}", 200))
    return rows


class _Mouse:
    """The mouse over the canvas, at points of the world ``(row, column)``."""

    def __init__(self, viewer: Any) -> None:
        from qtpy.QtCore import Qt

        self._viewer, self._canvas = viewer, viewer.window._qt_viewer.canvas.native
        self._left = Qt.MouseButton.LeftButton

    def press(self, points: Sequence[Any]) -> None:
        """Press the button at the first point, and move along the others."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        self._move(points[0], Qt.MouseButton.NoButton)
        QTest.mousePress(self._canvas, self._left, pos=self._at(points[0]))
        for point in points[1:]:
            self._move(point, self._left)

    def release(self, point: Any) -> None:
        """Release the button."""
        from qtpy.QtTest import QTest

        QTest.mouseRelease(self._canvas, self._left, pos=self._at(point))

    def _at(self, point: Any) -> Any:
        from qtpy.QtCore import QPoint

        camera, (height, width) = self._viewer.scene.camera, self._viewer.canvas.size
        offset = (np.array(point) - np.array(camera.center[-2:])) * camera.zoom
        return QPoint(round(width / 2 + offset[1]), round(height / 2 + offset[0]))

    def _move(self, point: Any, button: Any) -> None:
        """Move the mouse with a button held, which QTest.mouseMove cannot."""
        from qtpy.QtCore import QEvent, QPointF, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtTest import QTest
        from qtpy.QtWidgets import QApplication

        at, none = self._at(point), Qt.KeyboardModifier.NoModifier
        place = QPointF(self._canvas.mapToGlobal(at))
        QApplication.sendEvent(
            self._canvas, QMouseEvent(QEvent.Type.MouseMove, QPointF(at), place, button, button, none)
        )
        QTest.qWait(20)  # vispy leaves out a movement within 10 ms of the one before


def _memory(dock: Any, folder: Path, place: str) -> Row:
    """Open, measure and close the sample as several patients; return the growth of the memory after the first one."""
    import psutil
    from qtpy.QtTest import QTest

    process, sizes = psutil.Process(), []
    for number in range(_PATIENTS + 1):
        dock.flow.open_paths([folder])
        _until(lambda: not dock.flow.jobs.running)
        dock.radiographs.reader.value, dock.radiographs.store.value = "A", Path(place) / "memory.db"
        dock.radiographs.patient.value = f"P{number}"
        dock.sources.measure()
        _until(lambda: not dock.flow.jobs.running)
        QTest.qWait(500)
        dock.flow.close()
        QTest.qWait(100)
        sizes.append(process.memory_info().rss / 1e6)
    return f"memory after {_PATIENTS} more patients, MB", 50, sizes[-1] - sizes[0], None


def _until(done: Callable[[], bool], seconds: float = 600.0) -> None:
    from qtpy.QtTest import QTest

    end = time.perf_counter() + seconds
    while not done():
        if time.perf_counter() > end:
            raise TimeoutError("The window does not come to an end.")
        QTest.qWait(5)
