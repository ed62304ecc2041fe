"""Scores of joint damage: schemes, grades, totals."""

from napari_jsn.scoring.grades import Grade, Mark, NotScored
from napari_jsn.scoring.long_table import CellFault, CheckedTable, check_long, long_table
from napari_jsn.scoring.schemes import SCHEMES, Scheme, scheme
from napari_jsn.scoring.totals import MISSING_RULES, SURGERY_RULES, totals

__all__ = [
    "MISSING_RULES",
    "SCHEMES",
    "SURGERY_RULES",
    "CellFault",
    "CheckedTable",
    "Grade",
    "Mark",
    "NotScored",
    "Scheme",
    "check_long",
    "long_table",
    "scheme",
    "totals",
]
