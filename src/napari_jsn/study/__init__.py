"""Read a study, measure every joint of every visit, and follow each joint over time."""

from napari_jsn.study.reading import FILMS_TABLE, holds_study, read_study
from napari_jsn.study.study import Study, Visit

__all__ = ["FILMS_TABLE", "Study", "Visit", "holds_study", "read_study"]
