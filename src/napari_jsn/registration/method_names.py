"""The list of the registration methods with their descriptions, for the library, the command and the viewer.

To add a method, write one file and add one entry to :data:`METHODS`.
"""

from __future__ import annotations

from typing import NamedTuple

from napari_jsn.networks import weights


class MethodEntry(NamedTuple):
    """Where a method is, and what it does.

    Attributes
    ----------
    module, function : str
        The module is imported when the method is used.
    about : str
        One sentence.
    """

    module: str
    function: str
    about: str


#: Every method by its name; the first is the default.
METHODS: dict[str, MethodEntry] = {
    "refined": MethodEntry(
        "napari_jsn.registration.gauss_newton.refined",
        "refine",
        "Poses of the network, refined on the intensities in both directions and by two motion models. The most exact.",
    ),
    "network": MethodEntry(
        "napari_jsn.registration.network.method", "network", "The poses of the network alone, without refinement."
    ),
    "pipoc": MethodEntry(
        "napari_jsn.registration.pipoc", "pipoc", "Partial image phase-only correlation, an earlier method."
    ),
}


def described() -> dict[str, str]:
    """Return all names of methods with a sentence each: all methods, and ``network`` with each model of the user."""
    models = {
        f"network:{name}": about for name, about in weights.described("registration").items() if name != "default"
    }
    return {**{name: entry.about for name, entry in METHODS.items()}, **models}


def choices() -> list[str]:
    """Return all names that :func:`~napari_jsn.registration.methods.load_method` accepts."""
    return [*METHODS, *(f"network:{name}" for name in weights.names("registration") if name != "default")]


def in_words() -> str:
    """Return the names of the methods for the help of a command: ``"refined, network or pipoc"``."""
    *names, last = METHODS
    return f"{', '.join(names)} or {last}"
