"""Read a study, measure every joint of every visit, and follow each joint over time."""

from napari_jsn.study.films_table import FILMS_TABLE
from napari_jsn.study.finding import holds_study
from napari_jsn.study.reading import read_study
from napari_jsn.study.study import Study, Visit

__all__ = ["FILMS_TABLE", "Study", "Visit", "holds_study", "read_study"]
