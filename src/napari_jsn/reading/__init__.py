"""What a reader does with the patients of a store, without Qt and HTTP: work list, order, blinding, undo."""

from napari_jsn.reading.further_visits import measure_with_further
from napari_jsn.reading.grades.model_scores import score_measured, shipped_method, statement
from napari_jsn.reading.grades.score_table import (
    Cell,
    ScoreTable,
    all_back_to_initial,
    back_to_initial,
    give_grade,
    score_table,
)
from napari_jsn.reading.grades.scores import ScoreLine, next_site, running_totals, score_lines
from napari_jsn.reading.item import Item, ItemImage
from napari_jsn.reading.joints.joint_list import JointLine, filtered, joint_lines, next_line, read_text, sorted_lines
from napari_jsn.reading.joints.pictures import ALIGNMENTS, JointPicture, Panel, joint_picture
from napari_jsn.reading.kept_changes import with_kept_changes
from napari_jsn.reading.measuring import measure_again
from napari_jsn.reading.measuring_patient import load_models, measure_patient, warm_up
from napari_jsn.reading.orders import ORDERS
from napari_jsn.reading.patients import default_store, measured_before
from napari_jsn.reading.position import VIEWS, Position
from napari_jsn.reading.reading import Reading, WorkItem, open_patient

__all__ = [
    "ALIGNMENTS",
    "ORDERS",
    "VIEWS",
    "Cell",
    "Item",
    "ItemImage",
    "JointLine",
    "JointPicture",
    "Panel",
    "Position",
    "Reading",
    "ScoreLine",
    "ScoreTable",
    "WorkItem",
    "all_back_to_initial",
    "back_to_initial",
    "default_store",
    "filtered",
    "give_grade",
    "joint_lines",
    "joint_picture",
    "load_models",
    "measure_again",
    "measure_patient",
    "measure_with_further",
    "measured_before",
    "next_line",
    "next_site",
    "open_patient",
    "read_text",
    "running_totals",
    "score_lines",
    "score_measured",
    "score_table",
    "shipped_method",
    "sorted_lines",
    "statement",
    "warm_up",
    "with_kept_changes",
]
