"""What a reader does with the patients of a store, without Qt and HTTP: work list, order, blinding, undo."""

from napari_jsn.reading.item import Item, ItemImage
from napari_jsn.reading.joint_list import JointLine, filtered, joint_lines, next_line, read_text, sorted_lines
from napari_jsn.reading.measuring import measure_again
from napari_jsn.reading.orders import ORDERS
from napari_jsn.reading.patients import default_store, measure_patient, measured_before
from napari_jsn.reading.pictures import ALIGNMENTS, JointPicture, Panel, joint_picture
from napari_jsn.reading.position import VIEWS, Position
from napari_jsn.reading.reading import Reading, WorkItem
from napari_jsn.reading.scores import ScoreLine, next_site, running_totals, score_lines

__all__ = [
    "ALIGNMENTS",
    "ORDERS",
    "Item",
    "ItemImage",
    "JointLine",
    "JointPicture",
    "Panel",
    "Position",
    "Reading",
    "ScoreLine",
    "VIEWS",
    "WorkItem",
    "default_store",
    "filtered",
    "joint_lines",
    "joint_picture",
    "measure_again",
    "measure_patient",
    "measured_before",
    "next_line",
    "next_site",
    "read_text",
    "running_totals",
    "score_lines",
    "sorted_lines",
]
