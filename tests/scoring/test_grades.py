import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.scoring import Grade, Mark, NotScored


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
