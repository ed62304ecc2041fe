"""Names from outside as labels of plots: wrapped, cut where they are too long, and never read as formulas."""

from __future__ import annotations

import textwrap


def plain_label(text: object, letters: int = 28, lines: int = 2) -> str:
    """Return a name as a label of a Matplotlib plot.

    Parameters
    ----------
    text : object
    letters : int
        Largest number of letters of a line.
    lines : int
        Largest number of lines; a longer name is cut in its middle, so that names with one beginning differ.

    Examples
    --------
    >>> from napari_jsn.drawing.labels import plain_label
    >>> print(plain_label("Reader two with a long name", letters=16))
    Reader two with
    a long name
    >>> print(plain_label("x" * 9 + "1", letters=3))
    xxx
    ...
    xx1
    """
    wrapped = textwrap.wrap(" ".join(str(text).split()), letters) or [""]
    if len(wrapped) > lines + 1:
        wrapped = [*wrapped[: lines - lines // 2], "...", " ".join(str(text).split())[-letters * (lines // 2) :]]
    return "\n".join(wrapped).replace("$", r"\$")
