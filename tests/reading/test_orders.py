"""In which order radiographs are read."""

from collections import Counter

import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.reading.orders import plan

VISITS = {f"P{k:02}": list(range(1, 2 + k % 4)) for k in range(30)}


@pytest.mark.parametrize("order", ["chronological", "paired", "single"])
@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_every_visit_is_read_and_a_share_of_patients_twice(order, share):
    items = plan(VISITS, order, 7, share)
    assert [item.code for item in items] == [f"{k:03d}" for k in range(1, len(items) + 1)]
    for repeated in (False, True):
        read = Counter((item.patient, visit) for item in items if item.repeated == repeated for visit in item.visits)
        assert set(read.values()) <= {1}
        patients = {patient for patient, _ in read}
        assert len(patients) == (30 * share if repeated else 30)
        assert set(read) == {(patient, visit) for patient in patients for visit in VISITS[patient]}
    assert items == plan(VISITS, order, 7, share)
    assert order == "chronological" and not share or items != plan(VISITS, order, 8, share)


def test_chronological_is_by_name_and_time():
    items = plan(VISITS, "chronological", 1)
    assert [item.patient for item in items] == sorted(VISITS) and all(
        item.visits == (1, 2, 3, 4)[: len(item.visits)] for item in items
    )


@pytest.mark.parametrize("order", ["paired", "single"])
def test_hidden_orders_tell_nothing(order):
    items = plan(VISITS, order, 3, 0.5)
    assert [item.patient for item in items] != sorted(item.patient for item in items)
    if order == "paired":
        firsts = Counter(item.visits[0] for item in items if len(item.visits) == 4)
        assert len(firsts) > 1
    places = [k for k, item in enumerate(items) if item.repeated]
    assert min(places) < len(items) / 2 < max(places)  # second readings are mixed with first ones
    for k in places:
        assert any(items[j].patient == items[k].patient and not items[j].repeated for j in range(k))


@pytest.mark.parametrize(
    ("visits", "order", "share", "argument"),
    [(VISITS, "random", 0.0, "order"), (VISITS, "single", 1.5, "repeated_share"), ({}, "single", 0.0, "store"),
     (VISITS, "single", float("nan"), "repeated_share")],
)  # fmt: skip
def test_wrong_orders(visits, order, share, argument):
    with pytest.raises(InputError) as refused:
        plan(visits, order, 1, share)
    assert refused.value.argument == argument
