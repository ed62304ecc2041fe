import json

import pytest

from napari_jsn import InputError
from napari_jsn.weights import card, cards


def test_the_calibration_of_refined_is_shipped():
    assert "registration-refined" in cards()
    content = card("registration-refined")
    assert (content["task"], content["method"]) == ("registration", "refined")


@pytest.mark.parametrize("name", cards())
def test_every_card_says_its_task_and_is_plain_data(name):
    assert card(name)["task"]
    json.dumps(card(name), allow_nan=False)


@pytest.mark.parametrize("name", ["nothing", "../napari", "registration-refined.json", ""])
def test_an_unknown_card_lists_the_choices(name):
    with pytest.raises(InputError, match="Choose one of: .*registration-refined") as error:
        card(name)
    assert error.value.argument == "name"
