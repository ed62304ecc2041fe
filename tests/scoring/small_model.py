"""A small network of the two-stage method with random weights."""

import torch

from napari_jsn.networks import weights
from napari_jsn.scoring.training.task import DISCLAIMER, ScoringTask
from napari_jsn.scoring.two_stage.network import PatientNet, build_patient_net

SMALL = {"features": [4, 6], "width": 8, "layers": 1}


def save_small_model(folder, **entries):
    """Write the model and return the path of its weights; its grades are arbitrary. Its card has the entries too."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_patient_net(SMALL)
        for each in network.kinds.values():
            torch.nn.init.constant_(each.head[-1].bias[-2:-1], 5.0)  # every joint can be graded
    about = {
        "statement": DISCLAIMER, "architecture": {"class": PatientNet.__name__, **SMALL}, "task": "scoring",
        "name": "small", "preset": "default", "input_size_px": [ScoringTask.side] * 2, "normalisation": "none",
        "training_data": [], "figures": {}, "command": "none", "seed": 0, "versions": {}, **entries,
    }  # fmt: skip
    return str(weights.save(folder, network.state_dict(), about))
