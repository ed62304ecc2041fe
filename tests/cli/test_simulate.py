"""The command ``simulate``, with a stand-in for the simulator."""

import sys
import types
from datetime import date

import pandas as pd
import pytest

from napari_jsn.cli import main
from napari_jsn.common.errors import InputError
from napari_jsn.radiograph import read_radiograph
from napari_jsn.simulation.damage.difficulty import NEWEST


@pytest.fixture
def simulator(film, monkeypatch):
    """Radiographs at once, in place of ``simulation.hand``; notes how it was called."""

    class Simulator(types.ModuleType):
        called, stop_after, error = None, None, KeyboardInterrupt()

        def simulate(self, patients=1, visits=2, seed=0, hands="left", shape=(0, 0), **options):
            self.called = {"shape": shape, "seed": seed, **options}
            if patients < 1:
                raise InputError(f"{patients} patients cannot be simulated. Give 1 or more.", "patients")
            if not 0.05 < options["spacing_mm"] < 0.5:
                raise InputError("Such a pixel is not simulated.", "spacing_mm")
            return self.radiographs(patients, visits, hands)

        def radiographs(self, patients, visits, hands):
            sides = {"left": ["L"], "right": ["R"], "each": ["R", "L"], "together": ["RL"]}[hands]
            done = 0
            for patient in range(patients):
                for visit in range(visits):
                    for shown in sides:
                        if done == self.stop_after:
                            raise self.error
                        done += 1
                        yield film(f"SIM{patient + 1:04d}", visit + 1, tuple(shown))

    module = Simulator("napari_jsn.simulation.hand")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr("napari_jsn.simulation.hand", module, raising=False)
    return module


@pytest.fixture
def run(capsys):
    def run(*words):
        with pytest.raises(SystemExit) as left:
            main(["simulate", *map(str, words)])
        printed = capsys.readouterr()
        return left.value.code or 0, printed.out, printed.err

    return run


def files(folder):
    """Return the names of all files but hidden ones, which an interrupted run leaves for the next one."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return sorted(str(path.relative_to(folder)) for path in paths)


def test_patients_are_written(run, simulator, tmp_path):
    out = tmp_path / "new" / "out"
    code, printed, err = run("--patients", 2, "--visits", 3, "--hands", "each", "--seed", 7, "--masks", "--out", out)
    assert (code, err) == (0, "")
    assert "6 visits, 12 radiographs" in printed and f"{out / 'truth.csv'}\n" in printed
    assert simulator.called == {
        "shape": (2010, 1490), "seed": 7, "spacing_mm": 0.144, "interval_days": 364, "jsn_mm": None, "skipped_visits": 0
    }  # fmt: skip
    truth = pd.read_csv(out / "truth.csv")
    assert len(truth) == 12 and truth.patient.nunique() == 2
    for row in truth.itertuples():
        radiograph = read_radiograph(out / row.file)
        assert radiograph.side == row.side and radiograph.day == date.fromisoformat(row.acquired)
        assert radiograph.spacing_mm == pytest.approx(row.spacing_mm, rel=1e-5)
    assert len(files(out / "masks")) == 1 + 2 * 12


def test_radiograph_sizes_follow_the_pixel_pitch(run, simulator, tmp_path):
    assert run("--out", tmp_path, "--spacing-mm", 0.2, "--hands", "together")[0] == 0
    assert simulator.called["shape"] == (1447, 2146)
    assert run("--out", tmp_path, "--rows", 300, "--columns", 200)[0] == 0
    assert simulator.called["shape"] == (300, 200)


@pytest.mark.parametrize(("form", "ending"), [("dicom", "dcm"), ("png", "png"), ("tiff", "tif")])
def test_formats(run, simulator, tmp_path, form, ending):
    assert run("--out", tmp_path, "--visits", 1, "--format", form)[0] == 0
    assert files(tmp_path) == [
        f"SIM0001/SIM0001_v01_L.{ending}", "SIM0001/radiographs.csv", "run.json", "truth.csv"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--patients", 0], "--patients: 0 patients"),
        (["--format", "bmp"], "--format: There is no format 'bmp'"),
        (["--spacing-mm", 0], "--spacing-mm: Such a pixel"),
        (["--spacing-mm", "nan"], "--spacing-mm: Such a pixel"),
    ],
)
def test_the_impossible_is_refused_and_nothing_written(run, simulator, tmp_path, words, message):
    code, out, err = run("--out", tmp_path / "out", *words)
    assert (code, out) == (2, "") and err.startswith(f"Error: {message}") and err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_refused_before_the_work(run, simulator, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run("--out", tmp_path / "file")
    assert code == 2 and "--out" in err and simulator.called is None


def test_stopping_keeps_whole_visits(run, simulator, tmp_path):
    simulator.stop_after = 3
    code, out, err = run("--hands", "each", "--visits", 4, "--out", tmp_path / "out")
    assert code == 130 and "Stopped" in out and "1 visit, 2 radiographs" in out and "Traceback" not in err
    assert len(files(tmp_path / "out")) == 4
    simulator.stop_after = 0
    code, out, _ = run("--out", tmp_path / "none")
    assert code == 130 and "Nothing was written" in out and not (tmp_path / "none").exists()


def test_a_failure_keeps_whole_visits_too(run, simulator, tmp_path):
    simulator.stop_after, simulator.error = 1, RuntimeError("odd")
    code, _, err = run("--out", tmp_path / "out")
    assert code == 1 and "odd" in err and len(files(tmp_path / "out")) == 3


def test_grades_are_drawn_and_written_with_the_settings(run, simulator, tmp_path):
    code, printed, _ = run("--grades", "uniform", "--out", tmp_path)
    assert code == 0 and f"difficulty version {NEWEST}, SHA-256" in printed and "scores.csv" in printed
    assert simulator.called["grades"] == "uniform" and simulator.called["difficulty"] == NEWEST
    code, printed, _ = run("--grades", "natural", "--difficulty", 1, "--out", tmp_path)
    assert code == 0 and "difficulty version 1" in printed and simulator.called["difficulty"] == 1


def test_a_range_of_ages_is_passed_on_with_grades(run, simulator, tmp_path):
    code, _, _ = run("--grades", "natural", "--ages", 7, 12, "--out", tmp_path / "out")
    assert code == 0 and simulator.called["ages"] == (7.0, 12.0)
    code, _, _ = run("--grades", "natural", "--out", tmp_path / "adults")
    assert code == 0 and "ages" not in simulator.called


def test_the_help_states_the_version_that_is_drawn_with_grades(run):
    code, printed, _ = run("--help")
    assert code == 0 and f"by default {NEWEST}." in " ".join(printed.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--difficulty", 1], "--difficulty: A version of the settings is given without grades"),
        (["--ages", 7, 12], "--ages: Ages are given without grades"),
        (["--grades", "uniform", "--difficulty", 8], "--difficulty: There is no difficulty version 8"),
    ],
)
def test_settings_that_do_not_exist_are_refused(run, simulator, tmp_path, words, message):
    code, out, err = run("--out", tmp_path / "out", *words)
    assert (code, out) == (2, "") and err.startswith(f"Error: {message}") and err.count("\n") == 1
    assert not (tmp_path / "out").exists()
