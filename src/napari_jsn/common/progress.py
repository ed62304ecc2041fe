"""The protocol by which long work reports its progress and is aborted."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """The argument of long work; the command and the viewer have their own implementations.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> fixed = jsn.joint_image(baseline, jsn.find_joints(baseline)[2])
    >>> moving = jsn.joint_image(followup, jsn.find_joints(followup)[2])
    >>> class Print:
    ...     aborted = False
    ...
    ...     def update(self, done: int, total: int, message: str = "") -> None:
    ...         print(message, done, "of", total)
    >>> registration = jsn.register(fixed, moving, progress=Print())
    Finding the bones 2 of 2
    Registering 0 of 1
    Registering 1 of 1
    """

    def update(self, done: int, total: int, message: str = "") -> None:
        """Report that ``done`` of ``total`` units are finished."""

    @property
    def aborted(self) -> bool:
        """Whether the user aborted the work, which then returns its finished results."""


class Silent:
    """The default: it reports nothing and never aborts."""

    aborted = False

    def update(self, done: int, total: int, message: str = "") -> None:
        """Do nothing."""
