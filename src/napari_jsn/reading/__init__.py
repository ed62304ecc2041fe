"""What a reader does with the patients of a store, without Qt and HTTP: work list, order, blinding, undo."""

from napari_jsn.reading.item import Item, ItemImage
from napari_jsn.reading.measuring import measure_again
from napari_jsn.reading.measuring_patient import load_models, measure_patient
from napari_jsn.reading.model_scores import score_measured, shipped_method, statement
from napari_jsn.reading.orders import ORDERS
from napari_jsn.reading.reading import Reading, WorkItem, open_patient
from napari_jsn.reading.score_table import (
    Cell,
    ScoreTable,
    all_back_to_initial,
    back_to_initial,
    give_grade,
    score_table,
)

__all__ = [
    "ORDERS",
    "Cell",
    "Item",
    "ItemImage",
    "Reading",
    "ScoreTable",
    "WorkItem",
    "all_back_to_initial",
    "back_to_initial",
    "give_grade",
    "load_models",
    "measure_again",
    "measure_patient",
    "open_patient",
    "score_measured",
    "score_table",
    "shipped_method",
    "statement",
]
