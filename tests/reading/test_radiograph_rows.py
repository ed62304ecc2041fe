import numpy as np
import pytest

import napari_jsn as jsn
from napari_jsn.patient.patient import Hand, Patient, Visit
from napari_jsn.reading.radiograph_rows import radiograph_rows


@pytest.mark.parametrize(
    ("spacing", "factor", "size", "source", "about"),
    [
        (0.12, 1.25, "0.12", "corrected for magnification 1.25", "0.15 mm at the detector, divided by 1.25"),
        ((0.16, 0.08), 1.25, "0.16 x 0.08", "corrected for magnification 1.25", "0.2 x 0.1 mm at the detector"),
        (0.1373, 1.0921, "0.1373", "corrected for magnification 1.092", "0.1499 mm at the detector"),
        (0.12, None, "0.12", "corrected for magnification", "divided by the magnification that the file states"),
    ],
)
def test_the_stated_magnification_is_shown(spacing, factor, size, source, about):
    radiograph = jsn.Radiograph(
        np.eye(64), spacing, "L", spacing_source="magnification corrected", magnification=factor
    )
    (row,) = radiograph_rows(Patient((Visit(1, None, (Hand(1, None, radiograph),)),), "P1"))
    assert (row.pixel_size, row.source) == (size, source)
    assert about in row.about_source


def test_a_pixel_size_that_a_person_gives_has_no_magnification():
    radiograph = jsn.Radiograph(
        np.eye(64), 0.12, "L", spacing_source="magnification corrected", magnification=1.25
    ).with_spacing(0.13)
    (row,) = radiograph_rows(Patient((Visit(1, None, (Hand(1, None, radiograph),)),), "P1"))
    assert (radiograph.magnification, row.source) == (None, "typed in")
