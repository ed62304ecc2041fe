"""The napari plugin: file readers, layers and dock widgets. Only this package imports napari and Qt.

The names below are imported when they are first used; the stub ``__init__.pyi`` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
