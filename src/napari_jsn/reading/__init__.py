"""What a reader does with the patients of a store, without Qt and HTTP: work list, order, blinding, undo."""

from napari_jsn.reading.item import Item, ItemImage
from napari_jsn.reading.measuring import measure_again
from napari_jsn.reading.orders import ORDERS
from napari_jsn.reading.reading import Reading, WorkItem

__all__ = ["ORDERS", "Item", "ItemImage", "Reading", "WorkItem", "measure_again"]
