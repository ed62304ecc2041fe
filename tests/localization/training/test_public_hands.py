import numpy as np
import pytest

from napari_jsn.localization.training import public_hands
from napari_jsn.localization.training.data import TrainingHand, split

PUBLIC = [TrainingHand(np.zeros((8, 8), np.uint8), np.zeros((14, 2)), group=name, name=name)
          for name in ("3167", "7081", "7232", "2361", "4298", "6478")]  # fmt: skip


def own(count):
    return [
        TrainingHand(np.zeros((8, 8), np.uint8), np.zeros((14, 2)), group=f"p{k}", name=f"p{k}") for k in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 5, 25])
def test_public_hands_that_are_held_out_are_never_trained_on(count):
    arguments = public_hands.task_arguments(PUBLIC + own(count))
    trained, held_out = split(arguments["hands"], arguments["held_out"])
    assert not {hand.group for hand in trained} & set(public_hands.HELD_OUT)
    assert len([hand for hand in held_out if hand.name.startswith("p")]) == -(-count // 10)
    assert public_hands.SOURCE in arguments["source"] and ("user" in arguments["source"]) == (count > 0)


def test_hands_of_the_user_alone_are_held_out_by_the_task():
    assert public_hands.task_arguments(own(12)).keys() == {"hands"}
