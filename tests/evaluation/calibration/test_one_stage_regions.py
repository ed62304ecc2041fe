from argparse import Namespace
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from napari_jsn.evaluation.calibration.one_stage_regions import main

MODELS = Path(str(files("napari_jsn").joinpath("models")))
ONE, TWO = (MODELS / f"scoring-{name}.safetensors" for name in ("one-stage", "default"))


def test_the_shipped_models_join_to_the_shipped_one_stage_model(tmp_path):
    main(Namespace(unet=ONE, two_stage=TWO, out=tmp_path))
    made, shipped = load_file(tmp_path / ONE.name), load_file(ONE)
    assert made.keys() == shipped.keys()
    assert all(torch.equal(made[key].float(), shipped[key].float()) for key in shipped)


def test_models_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(SystemExit, match="do not fit: --unet takes a one-stage model"):
        main(Namespace(unet=TWO, two_stage=ONE, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()
