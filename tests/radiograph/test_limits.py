"""Files that would need too much memory or time, and paths that are no files: one sentence each."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

import napari_jsn as jsn
from napari_jsn.cli import main
from napari_jsn.radiograph.dicom import is_dicom
from napari_jsn.radiograph.intensity import MAX_PIXELS

HUGE = (65500, 65500)

#: Reads files with limited memory; prints the refusals and the largest memory in bytes.
READ = """
import json, resource, sys
import napari_jsn as jsn
resource.setrlimit(resource.RLIMIT_AS, (4 * 10**9, 4 * 10**9))  # a limit of addresses, of which a part is memory
said = []
for path in sys.argv[1:]:
    try:
        said.append(str(jsn.read_radiograph(path).shape))
    except jsn.InputError as error:
        said.append(f"refused: {error}")
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))  # ru_maxrss counts the parent too
print(json.dumps([said, 1024 * int(peak.split()[1])]))
"""


def png(rows, cols, bits, content):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", cols, rows, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def jpeg(size):
    file = io.BytesIO()
    Image.fromarray(np.arange(64 * 48).reshape(64, 48).astype(np.uint8)).save(file, "JPEG")
    content = bytearray(file.getvalue())
    struct.pack_into(">HH", content, content.index(b"\xff\xc0") + 5, *size)
    return bytes(content)


def tiff(path, **tags):
    """Write a TIFF file, then replace values of its tags."""
    tifffile.imwrite(
        path, np.arange(4096, dtype=np.uint16).reshape(64, 64), tile=(64, 64) if "tile" in path.name else None
    )
    content = bytearray(path.read_bytes())
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from("<H", content, entry)
        if str(tag) in tags:
            struct.pack_into("<HHII", content, entry, tag, 4, 1, tags[str(tag)])
    path.write_bytes(content)
    return path


def zeros(blocks):
    """Deflated zeros: ``blocks`` times 16 MB."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflate.compress(bytes(2**24)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return block * blocks + deflate.flush()


def deflate_bomb(path):
    """Replace the content of a deflated file by its header and 4 GB of zeros, in 4 MB."""
    content = path.read_bytes()
    start = 144 + struct.unpack_from("<I", content, 140)[0]
    body = zlib.decompress(content[start:], -zlib.MAX_WBITS)
    body = body[: body.index(b"\xe0\x7f\x10\0OW") + 8] + struct.pack("<I", 2**32 - 2)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = deflate.compress(body) + deflate.flush(zlib.Z_FULL_FLUSH)
    path.write_bytes(content[:start] + head + zeros(256))
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux states it")
def test_files_that_need_too_much_memory_are_refused_before_they_do(save, cr, tmp_path):
    def dicom(name, stream=None, syntax=JPEGBaseline8Bit, **attributes):
        dataset = cr(np.zeros((64, 48), np.uint8), 8, **attributes)
        if stream is not None:
            dataset.file_meta.TransferSyntaxUID = syntax
            dataset.PixelData = encapsulate([stream])
            dataset["PixelData"].is_undefined_length = True
        return save(dataset, name)

    def write(name, content):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    size = struct.pack(">HH8IHBBB", 41, 0, *HUGE, 0, 0, *HUGE, 0, 0, 1, 7, 1, 1)
    jpeg_2000 = b"\xff\x4f\xff\x51" + size
    huge = {"Rows": HUGE[0], "Columns": HUGE[1]}
    deflated = cr()
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "hand.bmp")
    bmp = bytearray((tmp_path / "hand.bmp").read_bytes())
    struct.pack_into("<ii", bmp, 18, 60000, 60000)
    sparse = dicom("sparse.dcm")
    os.truncate(sparse, 8 * 2**30)
    paths = [
        dicom("both.dcm", jpeg(HUGE), **huge),
        dicom("stream.dcm", jpeg(HUGE)),
        dicom("header.dcm", jpeg((64, 48)), **huge),
        dicom("rle.dcm", struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\0" * 1000, RLELossless, **huge),
        dicom("jpeg2000.dcm", jpeg_2000, JPEG2000Lossless),
        dicom("native.dcm", **huge),
        deflate_bomb(save(deflated, "deflated.dcm")),
        sparse,
        write("zeros.png", png(20000, 20000, 8, zlib.compress(bytes(20001)) * 2)),
        write("false.png", png(2**31 - 1, 2**31 - 1, 16, b"")),
        write("wide.png", png(1001, 100000, 8, b"")),
        write("false.bmp", bytes(bmp)),
        write("false.jpg", jpeg(HUGE)),
        tiff(tmp_path / "false.tif", **{"256": 60000, "257": 60000}),
        tiff(tmp_path / "tile.tif", **{"322": 2**18, "323": 2**18}),
    ]  # fmt: skip
    done = subprocess.run([sys.executable, "-c", READ, *map(str, paths)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    said, memory = json.loads(done.stdout)
    for path, sentence in zip(paths, said, strict=True):
        assert sentence.startswith("refused: ") and str(path) in sentence and "damaged" not in sentence, sentence
    assert memory < 5e8


def test_the_limit_is_100_megapixels():
    assert MAX_PIXELS == 100_000_000


def test_a_large_image_needs_little_more_than_its_pixels(tmp_path):
    """A scan of 30 megapixels is read with the values that a small image has."""
    rows = np.arange(6000, dtype=np.uint16)[:, None] * 10
    Image.fromarray(np.broadcast_to(rows, (6000, 5000)).copy()).save(tmp_path / "film.tif")
    pixels = jsn.read_radiograph(tmp_path / "film.tif").pixels
    np.testing.assert_allclose(pixels[:, 7], rows[:, 0] / 65535, atol=1e-6)


def long_name(folder):
    return folder / ("a" * 300 + ".dcm")


def long_path(folder):
    return folder.joinpath(*["b" * 200] * 30)


def pipe(folder):
    os.mkfifo(folder / "x.dcm")
    return folder / "x.dcm"


def device(folder):
    (folder / "zero.dcm").symlink_to("/dev/zero")
    return folder / "zero.dcm"


def subfolder(folder):
    (folder / "y.dcm").mkdir()
    return folder / "y.dcm"


def empty(folder):
    (folder / "z.dcm").touch()
    return folder / "z.dcm"


def below_a_file(folder):
    (folder / "w.dcm").write_bytes(b"w")
    return folder / "w.dcm" / "hand.dcm"


def one_pixel(folder):
    Image.fromarray(np.array([[7]], np.uint8)).save(folder / "one.png")
    return folder / "one.png"


def one_row(folder):
    Image.fromarray(np.arange(200, dtype=np.uint8)[None]).save(folder / "row.png")
    return folder / "row.png"


def one_column(folder):
    Image.fromarray(np.arange(200, dtype=np.uint8)[:, None]).save(folder / "column.tif")
    return folder / "column.tif"


def messages_of_the_kernel(folder):
    return Path("/proc/kmsg")


def memory_of_the_process(folder):
    return Path("/proc/self/mem")


def half_a_character(folder):
    return folder / "hand \ud800.dcm"


NO_RADIOGRAPHS = [
    long_name, long_path, subfolder, empty, below_a_file, one_pixel, one_row, one_column,
    *([pipe, device, messages_of_the_kernel, memory_of_the_process, half_a_character] if os.name == "posix" else []),
]  # fmt: skip


@pytest.mark.parametrize("make", NO_RADIOGRAPHS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("read", [jsn.read_radiograph, jsn.find_joints, jsn.read_masks])
def test_what_is_no_radiograph_is_refused(tmp_path, make, read):
    if read is jsn.read_masks and make in (one_pixel, one_row, one_column):
        pytest.skip("labels of any size are read")
    with pytest.raises(jsn.InputError) as refusal:
        read(make(tmp_path))
    assert str(refusal.value).endswith(".") and "\n" not in str(refusal.value)


@pytest.mark.parametrize("make", NO_RADIOGRAPHS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("command", ["measure", "register"])
def test_the_command_refuses_it_with_exit_code_2(tmp_path, capsys, make, command):
    path = str(make(tmp_path))
    for arguments in ([path, path], *([[path]] if command == "measure" else [])):
        with pytest.raises(SystemExit) as end:
            main([command, *arguments, "--spacing-mm", "0.1", "--out", str(tmp_path / "out")])
        printed = capsys.readouterr()
        assert end.value.code == 2, printed.err
        assert "Traceback" not in printed.err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="the system has no pipes in folders")
@pytest.mark.parametrize("make", [pipe, device, subfolder])
def test_content_is_looked_for_in_regular_files_only(tmp_path, make):
    assert not is_dicom(make(tmp_path))


def test_a_folder_whose_name_is_too_long_is_refused(tmp_path, capsys):
    with pytest.raises(jsn.InputError, match="no folder") as error:
        jsn.read_patient(long_path(tmp_path))
    assert len(str(error.value)) < 350
    with pytest.raises(SystemExit) as end:
        main(["measure", str(tmp_path), "--out", str(long_name(tmp_path))])
    assert end.value.code == 2


@pytest.mark.parametrize("shape", [(1, 400), (400, 1), (7, 7)])
def test_arrays_that_are_too_small_are_refused(shape):
    with pytest.raises(jsn.InputError, match="at least 8"):
        jsn.find_joints(np.linspace(0, 1, shape[0] * shape[1]).reshape(shape))


def test_a_dicom_image_is_held_once_while_it_is_read(save, cr):
    """The file, the decoded values (2 bytes a pixel each) and the intensities (4) exist once, and little else."""
    rows = (np.arange(12000, dtype=np.uint16)[:, None] // 3 + np.zeros(1000, np.uint16)).astype(np.uint16)
    rows[:40] = 0
    path = save(cr(rows, PixelPaddingValue=0, ImageLaterality="L"))
    tracemalloc.start()
    radiograph = jsn.read_radiograph(path)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 4.5 * rows.size and peak < 15 * rows.size
    assert radiograph.pixels[40:].min() > 0


@pytest.mark.parametrize("change", [{"side": "R"}, {"spacing_mm": 0.1}, {"name": "visit 1"}])
def test_facts_are_added_without_a_copy_of_the_pixels(change):
    given = np.linspace(0, 1, 400).reshape(20, 20)
    radiograph = jsn.Radiograph(given, side="L")
    assert replace(radiograph, **change).pixels is radiograph.pixels
    given[:] = 0  # the array of the user is copied
    assert radiograph.pixels.max() == 1
    with pytest.raises(jsn.InputError, match="NaN"):
        replace(radiograph, pixels=np.full((20, 20), np.nan))
