"""The command ``read`` refuses what cannot be read before a window opens."""

import pandas as pd
import pytest

from napari_jsn.cli import main
from napari_jsn.store import open_store


@pytest.fixture
def place(tmp_path):
    with open_store(tmp_path / "trial.db", "A") as store:
        grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        store.save(pd.DataFrame([grade]))
    return str(tmp_path / "trial.db")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--patient", "P9"], "has no patient P9"),
        (["--joint", "knee"], "knee"),
        (["--side", "left"], "Give L or R"),
        (["--session", "first"], "Name the reader"),
        (["--session", "first", "--reader", "A"], "has no session first"),
        ([], "has no patient with radiographs"),
    ],
)
def test_wrong_input_exits_with_2(place, capsys, options, problem):
    with pytest.raises(SystemExit) as ended:
        main(["read", "--store", place, *options])
    assert ended.value.code == 2 and problem in capsys.readouterr().err


def test_no_store(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["read", "--store", str(tmp_path / "none.db")])
    assert ended.value.code == 2 and "There is no store" in capsys.readouterr().err
