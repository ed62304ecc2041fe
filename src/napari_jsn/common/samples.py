"""Where the sample data of the package lies."""

from __future__ import annotations

import reprlib
from importlib.resources import files
from pathlib import Path

from napari_jsn.common.errors import InputError

#: The samples: simulated patients whose true narrowing is known (``truth.csv`` beside each).
SAMPLES = ("hand_pair", "both_hands")


def sample_folder(name: str = "hand_pair") -> Path:
    """Return the folder with the radiographs of a simulated patient that is shipped with the package.

    Parameters
    ----------
    name : str
        ``"hand_pair"`` (a left hand at two visits) or ``"both_hands"`` (both hands at four visits, on one radiograph
        each). ``truth.csv`` in the folder above holds the true narrowing of every joint.

    Returns
    -------
    Path
        A folder that :func:`napari_jsn.read_patient` and :func:`napari_jsn.measure` take.

    Raises
    ------
    InputError
        If there is no such sample.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> folder = jsn.sample_folder("hand_pair")
    >>> sorted(path.suffix for path in folder.iterdir())
    ['.csv', '.dcm', '.dcm']
    """
    if not isinstance(name, str) or name not in SAMPLES:
        raise InputError(f"There is no sample {reprlib.repr(name)}. Choose one of: {', '.join(SAMPLES)}.", "name")
    root = Path(str(files("napari_jsn"))) / "samples" / name
    return next(path for path in sorted(root.iterdir()) if path.is_dir())
