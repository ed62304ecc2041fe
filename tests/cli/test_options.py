import pytest
import typer

from napari_jsn.cli import app, main
from napari_jsn.cli.options import option_of


@pytest.mark.parametrize(
    ("words", "argument", "shown"),
    [
        ("measure", "followup", "RADIOGRAPHS"),
        ("measure", "localization", "--joints-model"),
        ("measure", "spacing_mm", "--spacing-mm"),
        ("register", "fixed_masks", "--fixed-mask"),
        ("register", "model", ""),
        ("simulate", "shape", "--rows, --columns"),
        ("evaluate registration", "data", "DATA"),
        ("evaluate segmentation", "data", "--data"),
        ("evaluate segmentation", "page", "--page"),
        ("evaluate clinical", "table", "TABLE"),
        ("evaluate clinical", "", ""),
    ],
)
def test_the_name_is_the_one_that_the_command_shows(words, argument, shown):
    command = typer.main.get_command(app)
    for word in words.split():
        command = command.commands[word]
    assert option_of(argument, command) == shown


@pytest.mark.parametrize(
    ("words", "start"),
    [
        ("measure {folder}/one.dcm --out {folder}", "Error: There is no folder"),
        ("evaluate segmentation --simulated 1 --page {folder}", "Error: --page: "),
        ("evaluate localization --simulated 1 --page {folder}/binary.md", "Error: --page: "),
        ("evaluate registration --simulated 0", "Error: DATA: "),
        ("evaluate registration {folder} --spacing-mm 0", "Error: --spacing-mm: "),
        ("evaluate registration {folder} --spacing-mm nan", "Error: --spacing-mm: "),
        ("evaluate registration {folder} --spacing-mm -0.1", "Error: --spacing-mm: "),
    ],
)
def test_an_error_begins_with_that_name(words, start, tmp_path, capsys):
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SystemExit) as exit_code:
        main(words.format(folder=tmp_path).split())
    error = capsys.readouterr().err
    assert exit_code.value.code == 2 and error.startswith(start) and error.count("\n") == 1, error
