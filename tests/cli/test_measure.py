"""The command ``measure``: what it prints, writes and refuses. Measuring is replaced; ``demo`` measures."""

import json
import os
import re
import shutil
import signal
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pydicom
import pytest
from skimage.io import imsave
from skimage.util import img_as_ubyte

from napari_jsn import __version__, read_radiograph
from napari_jsn.cli import hands, main
from napari_jsn.cli.printing import print_progression
from napari_jsn.common.errors import InputError
from napari_jsn.common.output_folder import problems_of_set
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.progression import measure as measuring
from tests.patient.hands import not_square
from tests.progression import made_up

SAMPLE = Path(str(files("napari_jsn"))) / "samples" / "hand_pair" / "SIM0001"
FILMS = sorted(SAMPLE.glob("*.dcm"))


@pytest.fixture
def run(capsys):
    """Run the command in this process; return its exit code and what it printing."""

    def run(*words):
        with pytest.raises(SystemExit) as left:
            main(["measure", *map(str, words)])
        printed = capsys.readouterr()
        return left.value.code or 0, printed.out, printed.err

    return run


@pytest.fixture
def asked(monkeypatch):
    """Replace measuring by a made-up progression; return the arguments. The radiographs state their side."""
    asked = {}

    def measure(study, **options):
        asked.update(study=study, **options)
        return replace(made_up.progression(), patient_id=study.patient_id)

    monkeypatch.setattr(hands, "check_models", lambda *models: None)
    monkeypatch.setattr(measuring, "measure", measure)
    return asked


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_table_on_screen_in_anatomical_order_with_reasons_below(run, asked):
    code, out, err = run(*FILMS)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    joints = [line.split()[1] for line in lines if line.startswith(" L ")]
    assert joints == ["MCP1", "IP1", "MCP2", "PIP2", "MCP3", "PIP3", "MCP4", "PIP4", "MCP5", "PIP5"]
    row = made_up.progression().narrowings[2]
    (line,) = (line for line in lines if "MCP2" in line)
    assert f"{row.jsn_mm:+.3f}" in line and f"{row.ci95_mm[0]:+.3f} to" in line and "1.32 -> 0.88" in line
    assert line.rstrip().endswith("good")
    (line,) = (line for line in lines if " MCP1" in line)
    assert line.rstrip().endswith("failed [1]")
    assert "[1] Registration forward and backward disagree." in out
    assert (
        "The joint is not in view at the baseline or at this visit." in out
        and "Note: Pixel sizes are uncalibrated." in out
    )
    assert "Written" not in out


@pytest.mark.parametrize(
    ("joints", "names"),
    [("DIP", ("DIP2", "DIP3", "DIP4", "DIP5")), ("PIP3,mcp1", ("MCP1", "PIP3")), ("DIP5,IP1", ("IP1", "DIP5"))],
)
def test_the_joints_that_are_named_are_measured_and_printed_as_json(run, asked, tmp_path, joints, names):
    code, out, err = run(*FILMS, "--joints", joints, "--json", "--out", tmp_path)
    assert (code, err, asked["joints"]) == (0, "", names)
    content = json.loads(out)
    assert content["patient"].startswith("P") and len(content["narrowings"]) == 10
    assert content["files"] == [str(tmp_path / name) for name in ("joints.csv", "report.html", "run.json")]


def test_reasons_that_differ_in_figures_only_are_printed_once(capsys):
    rows = made_up.progression().narrowings
    unreliable = [
        replace(row, reasons=(Reason(ReasonCode.CLOSURE_OPEN, f"Too uncertain (sd 0.0{k} mm)."),))
        for k, row in enumerate(rows)
    ]
    print_progression(replace(made_up.progression(), narrowings=tuple(unreliable)))
    out = capsys.readouterr().out
    assert (
        out.count("failed [1]") == 10
        and out.count("[1] The registrations between three visits do not add up") == 1
        and "[2]" not in out
    )


def test_the_set_is_written_and_printed(run, asked, tmp_path):
    code, out, _ = run(*FILMS, "--out", tmp_path / "out", "--patient", "P07")
    assert code == 0 and names(tmp_path / "out") == ["joints.csv", "report.html", "run.json"]
    table = pd.read_csv(tmp_path / "out" / "joints.csv")
    assert list(table.columns[:8]) == [
        "patient", "joint", "side", "visit", "jsn_mm", "jsn_sd_mm", "ci_low_mm", "ci_high_mm",
    ]  # fmt: skip
    assert len(table) == 10 and set(table.patient) == {"P07"}
    assert set(table.software) == {f"napari-jsn {__version__}"}
    assert set(table.segmentation_model) == {made_up.progression().models["segmentation"]}
    assert set(table.spacing_source) == {"magnification corrected"} and {"upper_dz", "lower_dy_px"} <= set(table)
    assert "Patient P07" in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Patient P07" in out and f"Report: {tmp_path / 'out' / 'report.html'}\n" in out


def test_reruns_write_the_same_bytes_and_no_day_or_path(run, asked, tmp_path):
    for name in ("one", "two"):
        assert run(SAMPLE, "--out", tmp_path / name)[0] == 0
    for name in ("joints.csv", "report.html"):
        written = (tmp_path / "one" / name).read_bytes()
        assert written == (tmp_path / "two" / name).read_bytes()
        assert b"2021-01-13" not in written and b".dcm" not in written and str(tmp_path).encode() not in written


def test_days_are_written_where_the_identity_is_kept(run, asked, tmp_path):
    assert run(SAMPLE, "--out", tmp_path, "--keep-identity")[0] == 0
    table = pd.read_csv(tmp_path / "joints.csv")
    assert set(table.day) == {"2021-01-13"} and set(table.patient) == {"SIM0001"}


def test_options_reach_the_measurement(run, asked):
    options = ("--spacing-mm", 0.2, "--method", "pipoc", "--joints-model", "mine", "--bones-model", "yours")
    assert run(*FILMS, *options)[0] == 0
    assert asked["method"] == "pipoc"
    assert {hand.radiograph.spacing_mm for hand in asked["study"].hands} == {0.2}
    assert (asked["localization"], asked["segmentation"]) == ("mine", "yours")
    assert [visit.day.isoformat() for visit in asked["study"].visits] == ["2020-01-15", "2021-01-13"]
    assert re.fullmatch(r"P[0-9a-f]{8}", asked["study"].patient_id)


def test_dicom_objects_on_request_are_removed_with_the_next_set(run, asked, tmp_path):
    pytest.importorskip("highdicom")
    assert run(*FILMS, "--out", tmp_path, "--dicom")[0] == 0
    written = names(tmp_path)
    assert {"joints.csv", "report.html", "progression-sr.dcm", "bones-v01-L-seg.dcm"} <= set(written)
    shutil.copy(FILMS[0], tmp_path / "film.dcm")  # a radiograph in the same folder is kept
    assert run(*FILMS, "--out", tmp_path)[0] == 0
    assert names(tmp_path) == ["film.dcm", "joints.csv", "report.html", "run.json"]


def refused(result, *words):
    code, out, err = result
    assert code == 2 and out == "", (out, err)
    assert err.startswith("Error: ") and err.count("\n") == 1 and "Traceback" not in err
    for word in words:
        assert word in err, (word, err)


def test_refusals_are_sentences_that_name_the_option(run, asked, tmp_path):
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    refused(run(FILMS[0]), "one radiograph", "baseline and a follow-up")
    refused(run(tmp_path / "nothing"), "nothing")
    refused(run(FILMS[0], tmp_path / "nothing.dcm"), "nothing.dcm")
    refused(run(FILMS[0], SAMPLE), "is a folder")
    refused(run(tmp_path / "empty"), "no DICOM radiographs")
    refused(run(*FILMS, "--out", tmp_path / "file"), "--out", "file is a file")
    refused(run(*FILMS, "--spacing-mm", "wide"), "--spacing-mm", "mm")
    refused(run(*FILMS, "--dicom"), "--dicom", "--out")
    assert names(tmp_path) == ["empty", "file"]


def test_dicom_objects_need_dicom_files(run, asked, tmp_path):
    pytest.importorskip("highdicom")
    pictures = [tmp_path / "baseline left.png", tmp_path / "followup left.png"]
    for film, picture in zip(FILMS, pictures):
        imsave(picture, img_as_ubyte(read_radiograph(film).pixels), check_contrast=False)
    refused(run(*pictures, "--dicom", "--out", tmp_path / "out"), "--dicom", "image files")
    assert not asked


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"SOPInstanceUID": None}, "lacks SOPInstanceUID"),
        ({"StudyInstanceUID": None}, "lacks StudyInstanceUID"),
        ({"SOPClassUID": "1.2.hand"}, "no UID"),
        ({"SOPInstanceUID": "1.2.3"}, "same SOP Instance UID"),
    ],
)
def test_dicom_objects_that_cannot_be_written_are_refused_before_measuring(run, asked, tmp_path, changed, word):
    pytest.importorskip("highdicom")
    for number, film in enumerate(FILMS):
        dataset = pydicom.dcmread(film)
        for keyword, value in changed.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        pydicom.dcmwrite(tmp_path / f"{number}.dcm", dataset)
    films = sorted(tmp_path.glob("*.dcm"))
    refused(run(*films, "--dicom", "--out", tmp_path / "out"), "--dicom", word)
    assert not asked and not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--joints-model", "--bones-model"])
def test_a_model_that_is_not_there(run, option):
    refused(run(*FILMS, option, "nothing"), f"{option}: There is no", "'nothing'")


def test_without_highdicom(run, asked, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "highdicom", None)
    refused(run(*FILMS, "--dicom", "--out", tmp_path), "--dicom", "pip install 'napari-jsn[dicom]'")


def test_usage(run):
    assert run()[0] == 2
    assert run(*FILMS, "--threads", 0)[0] == 2


@pytest.mark.parametrize("written_before", [False, True])
def test_ctrl_c_stops_and_keeps_what_was_written_before(run, asked, tmp_path, monkeypatch, written_before):
    if written_before:
        assert run(*FILMS, "--out", tmp_path)[0] == 0
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    handler = signal.getsignal(signal.SIGINT)

    def interrupted(study, progress, **options):
        os.kill(os.getpid(), signal.SIGINT)
        assert progress.aborted
        return replace(made_up.progression(), narrowings=made_up.progression().narrowings[:3])

    monkeypatch.setattr(measuring, "measure", interrupted)
    code, out, err = run(*FILMS, "--out", tmp_path)
    assert (code, out, err) == (130, "Stopped. Nothing was written.\n", "")
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize(
    ("failure", "code", "message"),
    [
        (KeyboardInterrupt(), 130, ""),
        (RuntimeError("odd\nthing"), 1, "--debug"),
        (InputError("There is no device 'x'.", "device"), 2, "--device: There is no device 'x'."),
    ],
)
def test_a_failure_while_measuring_leaves_nothing_behind(run, asked, tmp_path, monkeypatch, failure, code, message):
    def fail(*arguments, **options):
        raise failure

    monkeypatch.setattr(measuring, "measure", fail)
    left, out, err = run(*FILMS, "--out", tmp_path / "out")
    assert left == code and message in err and out == "" and "Traceback" not in err
    assert names(tmp_path) == []


def test_a_failure_while_drawing_leaves_the_old_report(run, asked, tmp_path, monkeypatch):
    assert run(*FILMS, "--out", tmp_path)[0] == 0
    before = (tmp_path / "joints.csv").read_bytes()

    def fail(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_jsn.export.report.strips.strip", fail)
    assert run(*FILMS, "--out", tmp_path)[0] == 130
    assert names(tmp_path) == ["joints.csv", "report.html", "run.json"] and problems_of_set(tmp_path) == []
    assert (tmp_path / "joints.csv").read_bytes() == before


@pytest.mark.parametrize(("ratio", "spacing_mm"), [((2, 1), (0.288, 0.144)), ((4, 3), (0.192, 0.144)), ((1, 1), 0.144)])
def test_one_spacing_of_pixels_that_are_not_square_is_the_column_spacing(tmp_path, run, asked, ratio, spacing_mm):
    code, _, err = run(*not_square(tmp_path, ratio), "--spacing-mm", "0.144")
    assert (code, err) == (0, "")
    assert [hand.radiograph.spacing_mm for hand in asked["study"].hands] == [pytest.approx(spacing_mm)] * 2


@pytest.mark.parametrize(("given", "asked_for"), [([], 0.15), (["--wide-mm", "0.1"], 0.1), (["--wide-mm", "0.3"], 0.3)])
def test_the_half_width_of_a_wide_interval_is_an_option(run, asked, given, asked_for):
    code, _, err = run(*FILMS, *given)
    assert (code, err) == (0, "") and asked["wide_mm"] == asked_for


@pytest.mark.parametrize("wrong", ["0", "-0.1", "nan"])
def test_a_wrong_half_width_is_refused(run, wrong):
    code, _, err = run(*FILMS, "--wide-mm", wrong)
    assert code == 2 and "above which a figure is called wide" in " ".join(err.split())
