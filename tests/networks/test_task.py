import pytest
import torch

from napari_jsn import InputError
from napari_jsn.networks.inputs import LeftOut
from napari_jsn.networks.task import TrainingTask, cosine_rate, split_groups


class ToyNet(torch.nn.Module):
    pass


class ToyTask(TrainingTask):
    name, architectures = "toys", {"default": {"sizes": (3, 4)}, "large": {}}
    side, normalisation = 32, "none"

    def __init__(self, files=(), preset="default", source="the user", terms="unknown", progress=None):
        super().__init__(preset, source, terms)
        self.files = list(files)

    @classmethod
    def _read_folder(cls, folder, groups):
        return {"files": [folder.name], "source": "public"}, [LeftOut("b.png", "no mask")], ["A note."]


def test_a_task_is_made_from_a_folder_or_without_one():
    assert ToyTask.from_folder(None, "large").files == [] and ToyTask.from_folder(None, "large").preset == "large"
    assert ToyTask.from_folder("somewhere/images").files == ["images"]


def test_an_unknown_preset_lists_the_choices():
    with pytest.raises(InputError, match="Choose one of: default, large") as error:
        ToyTask(preset="small")
    assert error.value.argument == "preset"


def test_the_card_names_the_network_and_the_data_there_is():
    card = ToyTask.from_folder("x")._card(ToyNet, {"images": 5}, {}, {"images": 1}, supervision="by hand")
    assert card["architecture"] == {"class": f"{ToyNet.__module__}.ToyNet", "sizes": [3, 4]}
    assert card["training_data"] == [{"source": "public", "terms": "unknown", "images": 5}]
    assert card["input_size_px"] == [32, 32] and card["supervision"] == "by hand"
    both = ToyTask()._card(ToyNet, {"images": 5}, {"images": 7}, {})["training_data"]
    assert [each["images"] for each in both] == [5, 7] and "simulator" in both[1]["source"]


def test_the_same_groups_are_always_chosen():
    names = [f"joint {k}" for k in range(50)]
    chosen = split_groups(names, 0.2)
    assert len(chosen) == 10 and chosen == split_groups(reversed(names), 0.2)
    assert len(split_groups(["one"], 0.1)) == 1


def test_the_rate_rises_and_falls_to_a_hundredth():
    rates = [cosine_rate(epoch, 20, rising=3) for epoch in range(21)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0] and rates[3:] == sorted(rates[3:], reverse=True)
    assert rates[-1] == pytest.approx(0.01)
