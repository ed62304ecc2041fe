import numpy as np
import pytest
import torch

from napari_jsn.common.errors import InputError
from napari_jsn.scoring import Grade, Mark, NotScored
from napari_jsn.scoring.grades import nearest_grade


@pytest.mark.parametrize("mark, implied", [("subluxation", 3), ("complete luxation", 4), ("Bony ankylosis", 4)])
def test_what_a_mark_implies(mark, implied):
    assert Grade("jsn", mark=mark).value == implied
    assert Grade("jsn", 4, mark=mark).value == 4
    with pytest.raises(InputError, match="implies at least"):
        Grade("jsn", implied - 1, mark=mark)


@pytest.mark.parametrize("reason", list(NotScored))
def test_not_scored(reason):
    found = Grade("erosion", not_scored=reason.value.replace("_", " ").upper())
    assert found.value is None and found.not_scored is reason


@pytest.mark.parametrize("value", [5, -1, 1.5, float("nan"), "two", True])
def test_values_that_are_not_allowed(value):
    with pytest.raises(InputError, match="whole number from 0 to 4"):
        Grade("jsn", value)


@pytest.mark.parametrize(
    "kind, options, message",
    [
        ("jsn", {}, "neither a grade nor a reason"),
        ("jsn", {"value": 1, "not_scored": "overlap"}, "Keep one"),
        ("jsn", {"mark": "luxation", "not_scored": "overlap"}, "Keep one"),
        ("jsn", {"not_scored": "lost"}, "is not known"),
        ("jsn", {"mark": "fracture"}, "is not known"),
        ("erosion", {"value": 2, "mark": Mark.ANKYLOSIS}, "belongs to joint space narrowing"),
        ("width", {"value": 2}, "kind of a grade"),
    ],
)
def test_contradictions(kind, options, message):
    with pytest.raises(InputError, match=message):
        Grade(kind, **options)


@pytest.mark.parametrize(
    "probabilities, grade",
    [
        ((1.0, 0.0, 0.0), 0),
        ((0.4, 0.3, 0.3), 1),  # not the most probable one
        ((0.5, 0.0, 0.5), 1),
        ((0.3, 0.1, 0.1, 0.1, 0.4), 2),
        ((0.1, 0.1, 0.1, 0.1, 0.2, 0.4), 3),
        ((0.7, 0.0, 0.0, 0.3), 1),  # the middle one is 0
        ((0.0, 0.0, 0.0, 0.0, 0.499998), 4),  # rounded to less than 1
    ],
)
def test_the_nearest_grade_has_the_least_expected_distance(probabilities, grade):
    for given in (np.array(probabilities), torch.tensor(probabilities)):
        assert int(nearest_grade(given)) == grade
    away = [sum(p * (k - one) ** 2 for k, p in enumerate(probabilities)) for one in range(len(probabilities))]
    assert away[grade] <= min(away) + 1e-9
