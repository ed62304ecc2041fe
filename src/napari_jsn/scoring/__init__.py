"""Scores of joint damage: schemes, grades, totals, readers' sheets, agreement and consensus of readers."""

from napari_jsn.scoring.agreement import Agreement, agreement
from napari_jsn.scoring.consensus import Consensus, consensus, find_consensus
from napari_jsn.scoring.grades import Grade, Mark, NotScored
from napari_jsn.scoring.layouts import Layout, layout
from napari_jsn.scoring.long_table import CellFault, CheckedTable, check_long, long_table
from napari_jsn.scoring.measures import krippendorff_alpha
from napari_jsn.scoring.ram_h1200 import ram_h1200_files
from napari_jsn.scoring.schemes import SCHEMES, Scheme, scheme
from napari_jsn.scoring.sheets import check_scores, read_scores, scores_csv, template_csv
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
    "Layout",
    "Mark",
    "NotScored",
    "Scheme",
    "TotalAgreement",
    "agreement",
    "check_long",
    "check_scores",
    "consensus",
    "find_consensus",
    "krippendorff_alpha",
    "layout",
    "long_table",
    "ram_h1200_files",
    "read_scores",
    "scheme",
    "scores_csv",
    "template_csv",
    "totals",
]
