"""Every command that writes checks its folder before it computes, and admits one writer."""

import pytest

from napari_jsn.cli import main
from napari_jsn.common.output_folder import OutputFolder

#: Words of each command; no input exists, so that a command that reads before it checks has another error.
COMMANDS = {
    "measure": ["measure", "none1.dcm", "none2.dcm", "--out"],
    "register": ["register", "none1.png", "none2.png", "--out"],
    "segment": ["segment", "none.png", "--out"],
    "find-joints": ["find-joints", "none.png", "--crops"],
    "simulate": ["simulate", "--out"],
    "simulate-pair": ["simulate-pair"],
    "demo": ["demo", "--out"],
    "evaluate clinical": ["evaluate", "clinical", "none.csv", "--out"],
    "evaluate registration": ["evaluate", "registration", "none", "--out"],
    "evaluate localization": ["evaluate", "localization", "--data", "none", "--out"],
    "evaluate segmentation": ["evaluate", "segmentation", "--data", "none", "--out"],
    "readers template": ["readers", "template", "none.csv", "--out"],
    "readers convert": ["readers", "convert", "none.csv", "--out"],
    "readers agreement": ["readers", "agreement", "none.csv", "--out"],
    "readers consensus": ["readers", "consensus", "none.csv", "--out"],
}


@pytest.fixture
def run(capsys):
    def run(*words):
        with pytest.raises(SystemExit) as left:
            main(list(map(str, words)))
        printed = capsys.readouterr()
        return left.value.code, printed.out, printed.err

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(run, tmp_path, command):
    words = COMMANDS[command]
    option = words[-1] if words[-1].startswith("--") else "DIR"
    (tmp_path / "taken" / "run.json").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    (tmp_path / "busy").mkdir()
    with OutputFolder(tmp_path / "busy"):
        for name, cause in (
            ("taken", "run.json is a folder"), ("file", "file is a file"), ("busy", "Another run is writing to")
        ):  # fmt: skip
            code, out, err = run(*words, tmp_path / name)
            assert (code, out, err.count("\n")) == (2, "", 1) and err.startswith(f"Error: {option}: "), err
            assert cause in err
    assert list((tmp_path / "busy").iterdir()) == []


@pytest.mark.parametrize("command", [command for command in COMMANDS if "none" in " ".join(COMMANDS[command])])
def test_an_error_leaves_no_folder(run, tmp_path, command):
    code, _, err = run(*COMMANDS[command], tmp_path / "deep" / "out")
    assert code == 2 and "none" in err and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["record missing", "file changed", "file missing"])
def test_an_incomplete_set_is_reported_by_the_next_run(run, tmp_path, fault):
    (tmp_path / "patients.csv").write_text("patient\n1\n")
    words = ("readers", "template", tmp_path / "patients.csv", "--out", tmp_path / "out")
    assert run(*words) == (0, run(*words)[1], "")
    sheet, record = tmp_path / "out" / "sheet.csv", tmp_path / "out" / "run.json"
    if fault == "record missing":
        record.write_text("{")
    elif fault == "file changed":
        sheet.write_text("half")
    else:
        sheet.unlink()
    code, _, err = run(*words)
    assert code == 0 and err.startswith("Warning: ") and "holds an incomplete set of files" in err
    assert run(*words)[2] == ""
