"""The viewer and the layers behind the proxies that napari gives to plugins."""

from __future__ import annotations

from typing import Any


def unwrapped(thing: Any) -> Any:
    """Return a viewer or layer itself: napari gives plugins a proxy of it, another one for each dock."""
    return getattr(thing, "__wrapped__", thing)
