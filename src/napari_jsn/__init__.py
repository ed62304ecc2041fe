"""Joint space narrowing of the fingers between radiographs: a napari plugin and a library.

Public names are imported when they are first used, so that importing the package is fast. The stub ``__init__.pyi``
lists them for type checkers.
"""

import lazy_loader


def __getattr__(name: str) -> object:
    """Import a public name, or read the version of the installed package."""
    if name != "__version__":
        return _public_name(name)
    from importlib.metadata import PackageNotFoundError, version  # slow to import

    global __version__
    try:
        __version__ = version("napari-jsn")
    except PackageNotFoundError:  # run from a source tree that was never installed
        __version__ = "0+unknown"
    return __version__


_public_name, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
