"""A store of readings in a database: measurements, decisions, scores, and every change."""

from napari_jsn.store.database import check_place
from napari_jsn.store.schema import SCHEMA_VERSION
from napari_jsn.store.store import Store, open_store

__all__ = ["SCHEMA_VERSION", "Store", "check_place", "open_store"]
