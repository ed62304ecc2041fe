"""Scores of joint damage: schemes, grades, totals, agreement and consensus of readers."""

from napari_jsn.scoring.agreement import Agreement, agreement
from napari_jsn.scoring.consensus import Consensus, consensus, find_consensus
from napari_jsn.scoring.grades import Grade, Mark, NotScored
from napari_jsn.scoring.long_table import CellFault, CheckedTable, check_long, long_table
from napari_jsn.scoring.measures import krippendorff_alpha
from napari_jsn.scoring.schemes import SCHEMES, Scheme, scheme
from napari_jsn.scoring.total_agreement import TotalAgreement
from napari_jsn.scoring.totals import MISSING_RULES, SURGERY_RULES, totals

__all__ = [
    "MISSING_RULES",
    "SCHEMES",
    "SURGERY_RULES",
    "Agreement",
    "CellFault",
    "CheckedTable",
    "Consensus",
    "Grade",
    "Mark",
    "NotScored",
    "Scheme",
    "TotalAgreement",
    "agreement",
    "check_long",
    "consensus",
    "find_consensus",
    "krippendorff_alpha",
    "long_table",
    "scheme",
    "totals",
]
