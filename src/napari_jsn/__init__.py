"""Joint space narrowing of the fingers between radiographs: a napari plugin and a library.

Public names are imported when they are first used, so that importing the package is fast. The stub ``__init__.pyi``
lists them for type checkers.
"""

from importlib.metadata import PackageNotFoundError, version

import lazy_loader

try:
    __version__ = version("napari-jsn")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
