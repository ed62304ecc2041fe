"""Use the dock from a script: open a folder, measure it, and wait for the result."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEventLoop, QTimer

from napari_jsn.common.errors import InputError

if TYPE_CHECKING:
    from napari_jsn.progression.progression import Progression


def open_and_measure(
    dock: Any,
    folder: str | os.PathLike[str],
    reader: str,
    store: str | os.PathLike[str] | None = None,
    patient: str = "",
    timeout_s: float = 600.0,
) -> Progression:
    """Open a folder in the dock, measure it, and return the measurement; the window stays alive meanwhile.

    Raises
    ------
    InputError
        If something is wrong with the radiographs, the reader or the store, or it takes too long.
    """
    problems: list[str] = []

    def note(text: str, argument: str) -> None:
        problems.append(text)

    dock.flow.failed.connect(note)
    dock.sources.failed.connect(note)
    try:
        wait(dock, timeout_s)
        dock.flow.open_paths([folder])
        wait(dock, timeout_s)
        if not problems:
            dock.radiographs.reader.value = reader
            dock.radiographs.store.value = Path(store) if store else None
            if patient:
                dock.radiographs.patient.value = patient
            dock.sources.measure()
            wait(dock, timeout_s)
    finally:
        dock.flow.failed.disconnect(note)
        dock.sources.failed.disconnect(note)
    if problems or dock.flow.patient is None:
        raise InputError(problems[0] if problems else "Nothing was measured.")
    progression: Progression = dock.flow.patient.item.progression
    return progression


def wait(dock: Any, timeout_s: float) -> None:
    """Wait until no job of the dock runs."""
    end = time.monotonic() + timeout_s
    while dock.flow.jobs.running:
        if time.monotonic() > end:
            raise InputError(f"It takes longer than {timeout_s:.0f} s.", "timeout_s")
        loop = QEventLoop()
        QTimer.singleShot(50, loop.quit)
        loop.exec()
