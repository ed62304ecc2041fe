"""The line that says what a run does: how far it is, and how long it still takes."""

from __future__ import annotations

import time

from napari_jsn.common.progress import STEPS

#: Seconds for which work must have run before its remaining time is estimated.
_LEAST_SECONDS = 2.0


class Status:
    """Makes the text of a progress; the remaining time is estimated from the units done since its total is known."""

    def __init__(self) -> None:
        self._began: tuple[int, int, float] = (0, 0, 0.0)

    def text(self, done: int, total: int, message: str) -> str:
        """Return message, count and remaining time.

        Parameters
        ----------
        done, total : int
            Units of the work; a total of 0 means that it is not known.
        message : str
        """
        now = time.monotonic()
        first_total, first_done, began = self._began
        if total != first_total or done < first_done:
            self._began = (total, done, now)
            first_done, began = done, now
        if not total:
            return message
        count = f"{100 * done // total} %" if total == STEPS else f"{done} of {total}"
        seconds = now - began
        left = ""
        if first_done < done < total and seconds > _LEAST_SECONDS:
            left = f", {duration(seconds * (total - done) / (done - first_done))} left"
        return f"{message}: {count}{left}" if message else f"{count}{left}"


def duration(seconds: float) -> str:
    """Return a duration in words, to the precision of an estimate: ``"about 2 min"``."""
    if seconds < 60:
        return f"about {max(1, round(seconds))} s"
    if seconds < 3600:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
