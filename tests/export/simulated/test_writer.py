from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_jsn.common.errors import InputError
from napari_jsn.common.output_folder import JOURNAL, problems_of_set
from napari_jsn.export.simulated.writer import FORMATS, RadiographWriter
from napari_jsn.radiograph import read_radiograph
from tests.conftest import make_film


def names(folder):
    """Return the names of all files but hidden ones, which an interrupted run leaves for the next one."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return sorted(str(path.relative_to(folder)) for path in paths)


def test_radiographs_and_tables(film, tmp_path):
    with RadiographWriter(tmp_path / "new" / "out", radiographs_per_visit=2, key=("7",)) as writer:
        for visit in (1, 2):
            for side in ("R", "L"):
                writer.add(film(visit=visit, sides=(side,)))
    assert (writer.visits, writer.radiographs) == (2, 4)
    folder = tmp_path / "new" / "out"
    assert names(folder) == [
        "SIM0001/SIM0001_v01_L.dcm", "SIM0001/SIM0001_v01_R.dcm",
        "SIM0001/SIM0001_v02_L.dcm", "SIM0001/SIM0001_v02_R.dcm", "SIM0001/radiographs.csv",
        "run.json", "truth.csv",
    ]  # fmt: skip
    radiographs, truth = pd.read_csv(folder / "SIM0001" / "radiographs.csv"), pd.read_csv(folder / "truth.csv")
    assert radiographs.side.tolist() == ["R", "L", "R", "L"]
    assert radiographs.acquired.tolist()[1:3] == ["2020-01-06", "2021-01-04"]
    assert all((folder / "SIM0001" / file).is_file() for file in radiographs.file)
    assert all((folder / file).is_file() for file in truth.file)
    row = truth.iloc[-1]
    assert (row.patient, row.visit, row.side, row.joint) == ("SIM0001", 2, "L", "MCP2")
    assert row.jsw_mm == 1.5 and row.jsn_mm == pytest.approx(0.1) and row.jsn_projected_mm == pytest.approx(0.11)
    assert (row.centre_x_px, row.centre_y_px, row.axis_x, row.axis_y) == (20.5, 30.25, 0, 1)
    assert (row.upper_dz, row.upper_dx_px, row.lower_dz, row.upper_centre_x_px) == (1.001, 1.5, 1, 23.5)
    assert (row.svdh_narrowing, row.roll_upper_deg) == (1, 2.5)
    assert row.spacing_mm == pytest.approx(0.15 / 1.05, rel=1e-5)
    assert (row.detector_spacing_mm, row.magnification) == (0.15, 1.05)


@pytest.mark.parametrize("form", ["png", "tiff"])
@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("monochrome1", [False, True])
def test_image_files_keep_the_intensities(film, tmp_path, form, bits, monochrome1):
    simulated = film(bits=bits, monochrome1=monochrome1)
    with RadiographWriter(tmp_path, form) as writer:
        writer.add(simulated)
    pixels = read_radiograph(tmp_path / "SIM0001" / f"SIM0001_v01_L{FORMATS[form]}").pixels
    assert np.abs(pixels - simulated.radiograph().pixels).max() < 1e-4


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), RuntimeError("odd")])
def test_an_interruption_leaves_complete_visits(film, tmp_path, stop):
    def stopped(written_before):
        with (
            pytest.raises(type(stop)),
            RadiographWriter(tmp_path / "out", radiographs_per_visit=2, with_masks=False) as writer,
        ):
            for number in range(written_before):
                writer.add(film(visit=1 + number // 2, sides=("R", "L")[number % 2 : number % 2 + 1]))
            raise stop

    stopped(1)
    assert not (tmp_path / "out").exists()
    stopped(3)
    assert names(tmp_path / "out") == [
        "SIM0001/SIM0001_v01_L.dcm", "SIM0001/SIM0001_v01_R.dcm", "SIM0001/radiographs.csv", "truth.csv"
    ]  # fmt: skip
    assert pd.read_csv(tmp_path / "out" / "truth.csv").visit.tolist() == [1, 1]


def test_an_incomplete_visit_is_removed(film, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt), RadiographWriter(tmp_path) as writer:
        writer.add(film())
        before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
        append = writer._append

        def half(name, rows):
            append(name, rows)
            if name == "truth.csv":
                raise KeyboardInterrupt

        monkeypatch.setattr(writer, "_append", half)
        writer.add(film(visit=2))
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_another_run_replaces_files_of_the_same_names(film, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for visits in (3, 2):
        with RadiographWriter(tmp_path) as writer:
            for visit in range(visits):
                writer.add(film(visit=visit + 1))
    assert pd.read_csv(tmp_path / "truth.csv").visit.tolist() == [1, 2]
    assert (tmp_path / "notes.txt").read_text() == "mine"


def run(folder, film, visits, stop_after=99, resumed_by="same"):
    """Write visits of two radiographs; return how many visits of an interrupted run were kept."""
    with RadiographWriter(folder, radiographs_per_visit=2, with_masks=True, resumed_by=resumed_by) as writer:
        for number in range(2 * writer.kept, 2 * visits):
            if number == stop_after:
                raise KeyboardInterrupt
            writer.add(film(visit=1 + number // 2, sides=("R", "L")[number % 2 : number % 2 + 1]))
    return writer.kept


def contents(folder):
    return {name: (folder / name).read_bytes() for name in names(folder) if name != "run.json"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    run(folder, make_film, 4)
    return contents(folder)


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        ("none", 3), ("radiograph missing", 1), ("radiograph changed", 2), ("mask missing", 0), ("table cut short", 2),
        ("rows too many", 3), ("row changed", 0), ("journal cut short", 2), ("another run", 0),
    ],
)  # fmt: skip
def test_an_interrupted_run_goes_on_with_what_is_missing(tmp_path, whole, damage, kept):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, make_film, 4, stop_after=7)
    truth, journal = tmp_path / "truth.csv", tmp_path / JOURNAL
    film = tmp_path / "SIM0001" / ("SIM0001_v03_R.dcm" if damage == "radiograph changed" else "SIM0001_v02_L.dcm")
    if damage == "radiograph missing":
        film.unlink()
    elif damage == "radiograph changed":
        film.write_bytes(film.read_bytes()[:-1])
    elif damage == "mask missing":
        next((tmp_path / "masks" / "SIM0001").glob("*v01_R*")).unlink()
    elif damage == "table cut short":
        truth.write_bytes(truth.read_bytes()[:-5])
    elif damage == "rows too many":
        truth.write_bytes(truth.read_bytes() + b"half a row")
    elif damage == "row changed":
        truth.write_bytes(truth.read_bytes().replace(b"MCP2", b"MCP3", 1))
    elif damage == "journal cut short":
        journal.write_bytes(journal.read_bytes()[:-9])
    assert run(tmp_path, make_film, 4, resumed_by="other" if damage == "another run" else "same") == kept
    assert contents(tmp_path) == whole
    assert problems_of_set(tmp_path) == [] and not journal.exists()


def test_a_shorter_run_leaves_nothing_of_the_longer_one_and_everything_of_others(tmp_path, film):
    run(tmp_path, film, 3)
    (tmp_path / "SIM0001" / "notes.txt").write_text("mine")
    (tmp_path / "SIM0001" / "SIM0001_v03_R.dcm").write_text("replaced by hand")
    run(tmp_path, film, 1)
    left = [name for name in names(tmp_path) if not name.startswith("masks")]
    assert left == [
        "SIM0001/SIM0001_v01_L.dcm", "SIM0001/SIM0001_v01_R.dcm", "SIM0001/SIM0001_v03_R.dcm", "SIM0001/notes.txt",
        "SIM0001/radiographs.csv", "run.json", "truth.csv",
    ]  # fmt: skip
    assert not list((tmp_path / "masks").rglob("*v02*")) and problems_of_set(tmp_path) == []


def test_an_error_names_what_cannot_be_written(film, tmp_path):
    with pytest.raises(InputError, match="bmp.*dicom, png, tiff"):
        RadiographWriter(tmp_path, "bmp")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        RadiographWriter(tmp_path / "file")
    (tmp_path / "SIM0001").write_text("")  # where the patient's folder must go
    with RadiographWriter(tmp_path) as writer, pytest.raises(InputError, match="could not be written"):
        writer.add(film())
    assert names(tmp_path) == ["SIM0001", "file"]


def test_drawn_damage_is_written_as_truth_scores_and_masks(tmp_path):
    from napari_jsn.simulation.hand import simulate

    options = {"shape": (600, 450), "spacing_mm": 0.5, "grades": "uniform"}
    with RadiographWriter(tmp_path, "png", with_masks=True) as writer:
        for simulated in simulate(1, 1, seed=3, **options):
            writer.add(simulated)
    truth, scores = pd.read_csv(tmp_path / "truth.csv"), pd.read_csv(tmp_path / "scores.csv")
    assert {"svdh_narrowing", "svdh_narrowing_3d", "svdh_erosion_3d", "mark", "not_scored", "age"} <= set(truth.columns)
    assert len(scores) == 2 * len(truth) and set(scores.kind) == {"jsn", "erosion"}
    of_truth = truth.set_index("joint").svdh_erosion
    of_scores = scores[scores.kind == "erosion"].set_index("site").grade
    pd.testing.assert_series_equal(of_truth, of_scores[of_truth.index], check_names=False, check_dtype=False)
    erosions = pd.read_csv(tmp_path / "masks" / "erosions.csv")
    assert len(erosions) == len(simulated.erosions) > 3
    for row, one in zip(erosions.itertuples(), simulated.erosions, strict=True):
        if one.mask is None:
            assert pd.isna(row.mask)
            continue
        with Image.open(tmp_path / "masks" / "SIM0001" / row.mask) as image:
            np.testing.assert_array_equal(np.asarray(image) == row.label, one.mask.full(simulated.stored.shape))


def test_the_table_of_erosions_has_its_columns_without_erosions_too(tmp_path):
    from napari_jsn.simulation.hand import simulate

    options = {"shape": (600, 450), "spacing_mm": 0.5, "grades": "uniform"}
    simulated = next(simulate(1, 1, seed=3, **options))
    with RadiographWriter(tmp_path, "png", 1, with_masks=True) as writer:
        writer.add(replace(simulated, erosions=()))
        writer.add(replace(simulated, visit=2))
    erosions = pd.read_csv(tmp_path / "masks" / "erosions.csv")
    assert len(erosions) == len(simulated.erosions) and set(erosions.file) == {"SIM0001/SIM0001_v02_L.png"}
    with RadiographWriter(tmp_path, "png", 1, with_masks=True) as writer:
        writer.add(replace(simulated, erosions=()))
    again = pd.read_csv(tmp_path / "masks" / "erosions.csv")
    assert again.empty and list(again.columns) == list(erosions.columns)
