"""Messages of libraries go to the logger, not to standard error; ``--verbose`` and ``--quiet`` choose what is shown."""

import logging
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from napari_jsn.cli import main
from napari_jsn.cli.messages import LIBRARIES, LOGGER, messages, set_verbosity
from napari_jsn.cli.printing import print_files


def by_warning():
    warnings.warn("raw words", UserWarning, stacklevel=1)


def by_logger():
    logging.getLogger("pydicom").warning("raw words")


def by_native_code():
    os.write(2, b"raw words\n")


WAYS = [by_warning, by_logger, by_native_code]


@pytest.mark.parametrize("report", WAYS)
@pytest.mark.parametrize("verbose", [False, True])
def test_what_a_library_reports_is_logged_and_shown_on_request_only(report, verbose, capfd, caplog):
    with messages():
        set_verbosity(verbose)
        report()
    assert [record.name for record in caplog.records if "raw words" in record.getMessage()][-1] == LIBRARIES
    assert capfd.readouterr().err.count("raw words") == verbose


@pytest.mark.parametrize(
    ("words", "shown"), [((), "Warning: doubtful\n"), (("quiet",), ""), (("verbose",), "Warning: doubtful\n")]
)
def test_warnings_of_the_program_are_shown_unless_it_is_quiet(words, shown, capsys):
    with messages():
        set_verbosity(**dict.fromkeys(words, True))
        logging.getLogger(f"{LOGGER}.patient").warning("doubtful")
    assert capsys.readouterr().err == shown


def test_nothing_remains_changed_afterwards():
    before = (warnings.showwarning, sys.stderr, logging.getLogger().handlers[:], logging.getLogger(LOGGER).level)
    with pytest.raises(ZeroDivisionError), messages():
        set_verbosity(quiet=True)
        _ = 1 / 0
    assert before == (warnings.showwarning, sys.stderr, logging.getLogger().handlers, logging.getLogger(LOGGER).level)
    os.fstat(2)


def test_quiet_prints_no_files(tmp_path, capsys):
    with messages():
        set_verbosity(quiet=True)
        print_files([tmp_path / "report.html"])
        assert capsys.readouterr().out == ""
    print_files([tmp_path / "report.html"])
    assert "report.html" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["before", "after"])
def test_the_options_can_stand_before_and_after_the_command(place, tmp_path, capsys):
    words = ["simulate-pair", str(tmp_path)]
    with pytest.raises(SystemExit) as left:
        main(["-q", *words] if place == "before" else [*words, "--quiet"])
    printed = capsys.readouterr()
    assert not left.value.code and printed.out == "" and (tmp_path / "truth.csv").is_file()


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits"])
@pytest.mark.parametrize("verbose", [(), ("-v",)])
def test_a_damaged_tiff_gives_one_sentence(compression, verbose, tmp_path):
    """In a process of its own: its standard error is the descriptor that libtiff writes to."""
    path = tmp_path / "damaged.tif"
    pixels = np.random.default_rng(0).integers(0, 255, (128, 128), np.uint8)
    Image.fromarray(pixels).save(path, compression=compression)
    content = bytearray(path.read_bytes())
    content[600:3000] = b"\x81" * 2400
    path.write_bytes(content)
    words = [sys.executable, "-m", "napari_jsn.cli", "register", *verbose, str(path), str(tmp_path / "none.png")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=100)
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    others = [line for line in done.stderr.splitlines() if not line.startswith("Error: ")]
    assert done.returncode == 2 and len(errors) == 1
    assert all(line.startswith("Info: ") for line in others) and (verbose or not others)


def test_ctrl_c_before_a_command_handles_it_is_one_word(monkeypatch, capsys, tmp_path):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_jsn.cli.options.set_threads", interrupted)
    with pytest.raises(SystemExit) as left:
        main(["score", str(tmp_path)])
    assert left.value.code == 130
    assert capsys.readouterr().err == "Stopped.\n"
