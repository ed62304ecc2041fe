"""The command ``register``: what it prints and writes, and its errors."""

import json
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from napari_jsn.cli import main
from napari_jsn.common.errors import InputError
from napari_jsn.common.files import write_files
from napari_jsn.common.output_folder import problems_of_set
from napari_jsn.common.run_record import file_sha256
from napari_jsn.export.simulated.joint_pair import FIXED, FIXED_MASK, MOVING, MOVING_MASK, pair_files
from napari_jsn.registration import register as api
from napari_jsn.registration.method_names import METHODS

OUTPUTS = [
    "figure.png",
    "figure.svg",
    "original-spectrum.tif",
    "registration.csv",
    "run.json",
    "transformed-spectrum.tif",
    "transformed.tif",
]


@pytest.fixture(scope="module")
def folder(simulated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated pair [1]")  # brackets and blanks are not markup
    write_files(folder, pair_files(simulated))
    return folder


@pytest.fixture
def images(folder):
    return [folder / FIXED, folder / MOVING]


@pytest.fixture
def pair(folder, images):
    return [*images, "--fixed-mask", folder / FIXED_MASK, "--moving-mask", folder / MOVING_MASK]


@pytest.fixture
def run(capsys):
    """Run the command in this process; return its exit code and what it printing."""

    def run(*words):
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        return left.value.code or 0, printed.out, printed.err

    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_pair_is_measured_and_written(run, pair, simulated, tmp_path):
    code, out, err = run("register", *pair, "--spacing-mm", 0.175, "--out", tmp_path / "new" / "out")
    assert (code, err) == (0, "")
    assert names(tmp_path / "new" / "out") == OUTPUTS
    row = pd.read_csv(tmp_path / "new" / "out" / "registration.csv").iloc[0]
    assert row.jsn_mm == pytest.approx(simulated.jsn_projected_mm, abs=0.03)
    assert row.ci_low_mm < row.jsn_mm < row.ci_high_mm
    assert not {"fixed", "moving"} & set(row.index)  # names of files, which can identify a patient
    assert (row.spacing_mm, row.spacing_source) == (0.175, "given")
    assert (row.moving_spacing_mm, row.method, row.device) == (0.175, "refined", "cpu")
    for text in ("Joint space narrowing", f"{row.jsn_mm:+.3f} mm", "State", "0.175 mm (given)", "P1, lower"):
        assert text in out
    assert f"Six-panel figure: {tmp_path / 'new' / 'out' / 'figure.png'}\n" in out


def test_nothing_is_written_unless_asked_for(run, pair, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("register", *pair)
    assert code == 0 and names(tmp_path) == []
    assert " px" in out and "give --spacing-mm for millimetres" in " ".join(out.split())


def test_the_same_call_writes_the_same_bytes(run, pair, tmp_path):
    for name in ("one", "two"):
        assert run("register", *pair, "--out", tmp_path / name)[0] == 0
    for name in set(OUTPUTS) - {"run.json"}:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    one, two = (json.loads((tmp_path / name / "run.json").read_text()) for name in ("one", "two"))
    assert {**one, "seconds": 0} == {**two, "seconds": 0} and one["seconds"] > 0


@pytest.mark.parametrize("keep_identity", [False, True])
def test_the_record_of_the_run(run, pair, tmp_path, keep_identity):
    words = [
        *pair,
        "--spacing-mm",
        0.175,
        "--method",
        "pipoc",
        "--out",
        tmp_path,
        *(["--keep-identity"] if keep_identity else []),
    ]
    assert run("register", *words)[0] == 0 and problems_of_set(tmp_path) == []
    text = (tmp_path / "run.json").read_text()
    record = json.loads(text)
    assert record["command"] == "register" and set(record["files"]) == set(OUTPUTS) - {"run.json"}
    assert record["options"]["method"] == "pipoc" and record["options"]["spacing-mm"] == "0.175"
    assert record["models"] == {} and record["device"] in ("cpu", "cuda") and record["versions"]["torch"]
    paths = [path for path in pair if str(path).endswith(".png")]
    assert [each["sha256"] for each in record["inputs"]] == [file_sha256(path) for path in paths]
    assert [each.get("path") for each in record["inputs"]] == [str(path) if keep_identity else None for path in paths]
    assert (str(paths[0]) in text, paths[0].name in text) == (keep_identity, keep_identity)


def test_a_folder_in_the_way_is_refused_before_the_images_are_read(run, tmp_path):
    (tmp_path / "figure.png" / "mine").mkdir(parents=True)
    code, _, err = run("register", "missing.png", "missing.png", "--out", tmp_path)
    assert code == 2 and "--out" in err and "figure.png is a folder" in err and (tmp_path / "figure.png/mine").is_dir()


def test_masks_are_found_if_not_given(run, images, tmp_path, simulated):
    code, out, _ = run("register", *images, "--spacing-mm", 0.175, "--out", tmp_path)
    assert code == 0
    assert pd.read_csv(tmp_path / "registration.csv").jsn_mm[0] == pytest.approx(simulated.jsn_projected_mm, abs=0.05)


def test_a_follow_up_of_another_pixel_size(run, pair, folder, tmp_path, simulated):
    for name in (MOVING, MOVING_MASK):
        image = Image.open(folder / name)
        filter_ = Image.Resampling.NEAREST if name == MOVING_MASK else Image.Resampling.BICUBIC
        image.resize((256, 256), filter_).save(tmp_path / name)
    pair[1], pair[-1] = tmp_path / MOVING, tmp_path / MOVING_MASK
    sizes = ("--spacing-mm", 0.175, "--moving-spacing-mm", 0.0875)
    code, out, _ = run("register", *pair, *sizes, "--out", tmp_path / "out")
    assert code == 0
    row = pd.read_csv(tmp_path / "out" / "registration.csv").iloc[0]
    assert row.jsn_mm == pytest.approx(simulated.jsn_projected_mm, abs=0.04)
    assert row.moving_spacing_mm == 0.0875
    assert "follow-up 0.0875 mm (given)" in " ".join(out.split())


def test_the_pixel_size_of_a_dicom_file_is_used_and_its_source_printed(run, pair, tmp_path):
    for k in (0, 1):
        pair[k] = as_dicom(pair[k], tmp_path / f"visit-{k}.dcm")
    code, out, _ = run("register", *pair, "--out", tmp_path / "out")
    assert code == 0 and "0.175 mm (calibrated)" in out
    row = pd.read_csv(tmp_path / "out" / "registration.csv").iloc[0]
    assert (row.spacing_mm, row.spacing_source) == (0.175, "calibrated")
    code, out, _ = run("register", *pair, "--spacing-mm", 0.2)
    assert code == 0 and "0.2 mm (given)" in out


def test_the_names_of_the_files_are_written_on_request(run, pair, tmp_path):
    code, out, _ = run("register", *pair, "--out", tmp_path, "--keep-identity")
    row = pd.read_csv(tmp_path / "registration.csv").iloc[0]
    assert code == 0 and (row.fixed, row.moving) == (FIXED, MOVING) and f"{FIXED} -> {MOVING}" in out
    code, out, _ = run("register", *pair)
    assert code == 0 and FIXED not in out and "Baseline -> follow-up" in out


def as_dicom(image, path):
    """The same picture as a DICOM file with a calibrated pixel spacing."""
    pixels = np.asarray(Image.open(image))
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    dataset.SOPInstanceUID = "1.2.3"
    dataset.Modality = "CR"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelSpacing, dataset.PixelSpacingCalibrationType = [0.175, 0.175], "FIDUCIAL"
    dataset.PixelData = pixels.tobytes() + b"\0" * (pixels.size % 2)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_every_method_can_be_chosen_and_is_named_in_the_help(run, pair):
    _, out, _ = run("register", "--help")
    for method in METHODS:
        assert method in out
        code, printed, _ = run("register", *pair, "--method", method, "--device", "cpu")
        assert code == 0 and f"{method} on cpu" in printed


def test_simulate_pair_simulates_what_is_asked_for(run, tmp_path):
    code, out, _ = run("simulate-pair", tmp_path, "--joint", "PIP3", "--jsn-mm", -0.2, "--seed", 3, "--side", "R")
    assert code == 0 and "truth.csv" in out
    followup = pd.read_csv(tmp_path / "truth.csv").iloc[1]
    assert (followup.joint, followup.side) == ("PIP3", "R")
    assert followup.jsn_mm == pytest.approx(-0.2)


def test_version(run):
    from napari_jsn import __version__

    assert run("--version") == (0, f"napari-jsn {__version__}\n", "")


@pytest.mark.parametrize("option", ["--spacing-mm", "--moving-spacing-mm"])
@pytest.mark.parametrize("typed", ["wide", "0", "nan", "-0.1", "inf", ""])
def test_a_wrong_pixel_size(run, pair, option, typed):
    refused(run("register", *pair, f"{option}={typed}"), option, "mm")


def test_options_that_are_wrong(run, pair, tmp_path):
    (tmp_path / "file").write_text("text")
    refused(run("register", *pair, "--method", "magic"), "--method", "magic", *METHODS)
    refused(run("register", *pair, "--device", "toaster"), "--device", "toaster", "cpu")
    refused(run("register", *pair, "--out", tmp_path / "file"), "--out", "file is a file")
    refused(run("register", *pair, "--out", tmp_path / "file" / "deeper"), "--out", "file is a file")
    refused(run("simulate-pair", tmp_path / "file"), "file is a file")
    refused(run("simulate-pair", tmp_path / "new", "--jsn-mm", "nan"), "--jsn-mm", "nan")
    refused(run("simulate-pair", tmp_path / "new", "--joint", "PIP9"), "--joint", "PIP9", "PIP2")
    refused(run("simulate-pair", tmp_path / "new", "--side", "left"), "--side", "left")
    assert names(tmp_path) == ["file"]


def test_cuda_where_there_is_none(run, pair, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    refused(run("register", *pair, "--device", "cuda"), "--device", "cuda", "cpu")


def test_files_that_are_wrong(run, pair, folder, tmp_path):
    fixed, moving, *masks = pair
    (tmp_path / "text.png").write_text("no image")
    Image.fromarray(np.full((9, 9), 7, np.uint8)).save(tmp_path / "flat.png")
    Image.fromarray(np.eye(50, dtype=np.uint8)).save(tmp_path / "small-mask.png")
    Image.fromarray(np.zeros((128, 128), np.uint8)).save(tmp_path / "empty-mask.png")
    for name in ("missing.png", "text.png", "flat.png"):
        refused(run("register", fixed, tmp_path / name), name)
        refused(run("register", tmp_path / name, moving), name)
    refused(run("register", folder, moving), "is a folder")
    refused(run("register", *pair[:2], "--fixed-mask", tmp_path / "missing.png"), "missing.png")
    refused(run("register", *pair[:2], "--moving-mask", tmp_path / "small-mask.png"), "--moving-mask", "50")
    refused(run("register", *pair[:2], "--fixed-mask", tmp_path / "empty-mask.png"), "mask")


@pytest.mark.parametrize("words", [["register"], ["register", "one.png"], ["nothing"], ["register", "a", "b", "--no"]])
def test_usage_errors(run, words):
    code, out, err = run(*words)
    assert code == 2 and err and "Traceback" not in err


def test_threads_must_be_a_number_above_zero(run, pair):
    assert run("register", *pair, "--threads", 0)[0] == 2


def test_threads_are_set_for_the_process(run, pair, monkeypatch):
    threads = []
    monkeypatch.setattr("torch.set_num_threads", threads.append)
    assert run("register", *pair, "--threads", 1)[0] == 0
    assert threads == [1]


@pytest.mark.parametrize(
    ("failure", "code", "message"),
    [
        (KeyboardInterrupt(), 130, ""),
        (RuntimeError("odd\nthing"), 1, "--debug"),
        (MemoryError(), 1, "--debug"),
        (InputError("The moving image is odd.", "moving"), 2, "MOVING: The moving image is odd."),
    ],
)
def test_a_failure_leaves_nothing_behind(run, pair, monkeypatch, tmp_path, failure, code, message):
    def fail(*args, **options):
        raise failure

    monkeypatch.setattr(api, "register", fail)
    left, out, err = run("register", *pair, "--out", tmp_path / "out")
    assert left == code and message in err and out == ""
    assert "Traceback" not in err and err.count("\n") <= 1
    assert names(tmp_path) == []


def test_a_failure_while_drawing_leaves_nothing_behind(run, pair, monkeypatch, tmp_path):
    def fail(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_jsn.export.registration_files.tiff_bytes", fail)
    assert run("register", *pair, "--out", tmp_path / "out")[0] == 130
    assert names(tmp_path) == []


def test_debug_shows_the_traceback_wherever_it_stands(pair, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("odd")

    monkeypatch.setattr(api, "register", fail)
    for words in (["--debug", "register", *pair], ["register", *pair, "--debug"]):
        with pytest.raises(RuntimeError, match="odd"):
            main([str(word) for word in words])


def test_an_unreliable_result_has_its_reason(run, pair, tmp_path, folder):
    """A follow-up that shows no joint at all."""
    noise = np.random.default_rng(0).integers(0, 255, (128, 128), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    pair[1] = tmp_path / "noise.png"
    code, out, _ = run("register", *pair, "--spacing-mm", 0.175, "--out", tmp_path / "out")
    assert code == 0 and "State failed: " in " ".join(out.split()) and "are not similar" in " ".join(out.split())
    row = pd.read_csv(tmp_path / "out" / "registration.csv").iloc[0]
    assert not row.reliable and isinstance(row.reason, str) and math.isfinite(row.jsn_mm)  # the figure is kept


def test_the_installed_command_refuses_without_a_traceback(tmp_path):
    words = [sys.executable, "-c", "from napari_jsn.cli import main; main()", "register", "no.png", "no.png"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("Error: ") and "no.png" in done.stderr and done.stderr.count("\n") == 1


def refused(result, *words):
    """Check for one sentence on stderr that contains these words, and exit code 2."""
    code, out, err = result
    assert code == 2, (out, err)
    assert out == "" and err.startswith("Error: ") and err.count("\n") == 1 and "Traceback" not in err
    for word in words:
        assert word in err, (word, err)


@pytest.mark.parametrize("words", [(), ("--spacing-mm", 0.175), ("--keep-identity",)])
def test_a_registration_as_json_has_every_figure_of_the_table(run, pair, words, tmp_path):
    code, out, err = run("register", *pair, *words, "--json", "--out", tmp_path)
    content, row = json.loads(out), pd.read_csv(tmp_path / "registration.csv").iloc[0]
    assert (code, err) == (0, "") and {*row.index} | {"files"} == {*content}
    assert content["jsn_px"] == pytest.approx(row.jsn_px, rel=1e-4)
    assert (content["jsn_mm"] is None) == math.isnan(row.jsn_mm) == ("--spacing-mm" not in words)
    assert len(content["files"]) == len(OUTPUTS)
