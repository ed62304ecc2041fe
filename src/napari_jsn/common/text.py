"""Short texts that name or count things."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, which takes an s unless there is exactly one.

    Examples
    --------
    >>> from napari_jsn.common.text import counted
    >>> counted(1, "radiograph"), counted(2, "radiograph")
    ('1 radiograph', '2 radiographs')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def shortened(name: str, longest: int = 40) -> str:
    """Return a name, without its middle if it is longer than ``longest`` characters.

    Examples
    --------
    >>> from napari_jsn.common.text import shortened
    >>> shortened("radiograph of the left hand", 13)
    'radio... hand'
    """
    if len(name) <= longest:
        return name
    kept = (longest - 3) // 2
    return f"{name[:kept]}...{name[-kept:]}"
