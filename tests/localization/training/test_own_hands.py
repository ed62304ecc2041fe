import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_jsn import InputError
from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.mean_hand import mean_hand
from napari_jsn.localization.training.public_hands import labelled_radiographs, read_hands

HEIGHT, WIDTH = 300, 240


def rows(file="f0.png", side="L", seed=0):
    points = 1.1 * mean_hand() + (120, 140) + np.random.default_rng(seed).normal(0, 1.5, (14, 2))
    if side == "R":
        points = (WIDTH - 1, 0) + points * (-1, 1)
    return pd.DataFrame({"file": file, "side": side, "joint": JOINTS, "x": points[:, 0], "y": points[:, 1]})


def folder_of(tmp_path, table, encoding="utf-8", sub="", sep=","):
    for seed, file in enumerate(sorted(set(table.file)), 1):
        path = tmp_path / sub / file.split("/")[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH)).astype(np.uint8)).save(path)
    (tmp_path / "joints.csv").write_bytes(table.to_csv(index=False, sep=sep).encode(encoding))
    return tmp_path


def changed(joint, /, **cells):
    table = rows()
    for name, value in cells.items():
        table.loc[table.joint == joint, name] = value
    return table


def swapped(one, other):
    table = rows()
    table["joint"] = table.joint.replace({one: other, other: one})
    return table


def line(joint):
    return JOINTS.index(joint) + 2


WRONG = {
    "off the film to the right": (changed("PIP3", x=WIDTH + 5.0), f"Line {line('PIP3')} of", "outside the film"),
    "off the film above": (changed("DIP2", y=-4.0), f"Line {line('DIP2')} of", "outside the film"),
    "of a film twice as large": (rows().assign(x=2 * rows().x, y=2 * rows().y), "Line ", "outside the film"),
    "a row twice": (pd.concat([rows(), rows().iloc[3:4]]), "Lines 5 and 16 of", "both state"),
    "two joints at one point": (changed("DIP3", x=rows().x[4], y=rows().y[4]), "Lines ", "at one point"),
    "all points equal": (rows().assign(x=50.0, y=50.0), "Lines 2 and 3", "at one point"),
    "y counted upwards": (rows().assign(y=HEIGHT - 1 - rows().y), "Lines 2 to 15", "count y downwards"),
    "x and y exchanged": (rows().rename(columns={"x": "y", "y": "x"}), "Lines 2 to 15", "exchange x and y"),
    "the other side": (rows().assign(side="R"), "Lines 2 to 15", "Correct the side"),
    "fingers exchanged": (swapped("MCP2", "MCP3"), f"Lines {line('MCP2')} and {line('MCP3')}", "are exchanged"),
    "joints of a finger exchanged": (swapped("PIP5", "DIP5"), "Lines ", "are exchanged"),
    "far joints exchanged": (swapped("MCP1", "DIP4"), "Lines ", "are exchanged"),
    "no rows": (rows().iloc[:0], "joints.csv", "has no rows"),
    "no number": (changed("MCP4", x=np.nan), f"Line {line('MCP4')} of", ""),
    "infinite": (changed("MCP4", x=np.inf), f"Line {line('MCP4')} of", ""),
    "no such joint": (changed("MCP4", joint="PIP9"), f"Line {line('MCP4')} of", "PIP9"),
    "no such film": (changed("MCP4", file="none.png"), f"Line {line('MCP4')} of", "'none.png'"),
    "no column": (rows().drop(columns="side"), "Line 2 of", "side"),
}


@pytest.mark.parametrize(("table", "place", "words"), WRONG.values(), ids=WRONG)
def test_points_that_cannot_be_are_refused_by_name_and_row(tmp_path, table, place, words):
    folder = folder_of(tmp_path, rows())
    (folder / "joints.csv").write_text(table.to_csv(index=False))
    with pytest.raises(InputError) as error:
        list(labelled_radiographs(folder))
    message = str(error.value)
    assert place in message and words in message and "joints.csv" in message and error.value.argument == "data"
    assert "f0.png" in message or "no rows" in message or place.startswith("Line ")


@pytest.mark.parametrize(
    ("file", "sub", "encoding", "sep"),
    [
        ("f0.png", "", "utf-16", ","),
        ("f0.png", "", "utf-8-sig", ";"),
        ("films/f0.png", "films", "utf-8", ","),
        ("f0.png", "films/deep", "utf-16", ";"),
        ("films\\f0.png", "films", "utf-8", "\t"),
    ],
)
def test_films_in_subfolders_and_other_encodings_are_read(tmp_path, file, sub, encoding, sep):
    folder = folder_of(tmp_path, rows(), sub=sub)
    (folder / "joints.csv").write_bytes(rows(file).to_csv(index=False, sep=sep).encode(encoding))
    (found,) = labelled_radiographs(folder)
    np.testing.assert_allclose(found.points, rows()[["x", "y"]])
    if sep != ",":
        (folder / "joints.csv").write_text(f"sep={sep}\n" + rows(file).to_csv(index=False, sep=sep, decimal=","))
        np.testing.assert_allclose(next(labelled_radiographs(folder)).points, rows()[["x", "y"]])


def test_a_film_of_which_two_have_the_name_is_refused(tmp_path):
    for sub in ("a", "b"):
        folder_of(tmp_path, rows(), sub=sub)
    with pytest.raises(InputError, match="2 files have this name"):
        list(labelled_radiographs(tmp_path))


@pytest.mark.parametrize(
    ("files", "groups"),
    [
        (("P1_L.png", "P1_R.png", "P2.png"), 2),
        (("P1/a.png", "P1/b.png", "P2/a2.png"), 2),
        (("films/a.png", "films/b.png", "films/c.png"), 3),
        (("a.png", "b.png", "copy of a.png"), 2),
    ],
)
def test_hands_of_one_patient_stay_together(tmp_path, files, groups):
    tables = []
    for seed, file in enumerate(files, 1):
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        side = "R" if "_R" in file else "L"
        drawn = np.random.default_rng(1 if "copy" in file else seed).integers(0, 255, (HEIGHT, WIDTH)).astype(np.uint8)
        Image.fromarray(drawn).save(path)
        tables.append(rows(file, side, 1 if "copy" in file else seed))
    table = pd.concat(tables)
    table.to_csv(tmp_path / "joints.csv", index=False)
    Image.fromarray(drawn).save(tmp_path / "other.png")
    found = read_hands(tmp_path)
    assert len({hand.group for hand in found.hands}) == groups
    assert [each.name for each in found.left_out] == ["other.png"]
    table.assign(patient="one").to_csv(tmp_path / "joints.csv", index=False)
    assert {hand.group for hand in read_hands(tmp_path).hands} == {"one"}
    (tmp_path / "groups.csv").write_text("file,patient\n" + "".join(f"{file},{k}\n" for k, file in enumerate(files)))
    copies = any("copy" in file for file in files)
    assert len({hand.group for hand in read_hands(tmp_path, tmp_path / "groups.csv").hands}) == 3 - copies
