import runpy

import pytest

from napari_jsn.common.errors import run_module


@pytest.mark.parametrize("returned", [0, None, 1])
def test_a_command_exits_with_the_status_of_its_function(returned):
    with pytest.raises(SystemExit) as ended:
        run_module(lambda: returned)
    assert ended.value.code == returned


@pytest.mark.parametrize(
    "module",
    [
        "napari_jsn.segmentation.training.transfer",
        "napari_jsn.localization.training.transfer",
        "napari_jsn.evaluation.realism",
    ],
)
def test_a_folder_that_is_not_there_is_an_error_of_one_sentence(module, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [module, "--data", str(tmp_path / "none")])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    assert ended.value.code == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert "none" in message and "Traceback" not in message
