from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import napari_jsn as jsn
from napari_jsn.common.errors import InputError
from napari_jsn.radiograph.content.file_content import content_of

SAMPLE = next(jsn.sample_folder("hand_pair").glob("*.dcm"))


@pytest.mark.parametrize("name", ["a", "a.ima", "a.img", "a.dic", "a.cr", "a.v2", "a.dcm_old", "1.2.840.1", "a.png"])
@pytest.mark.parametrize("start", [0, 132])
def test_dicom_whatever_its_name(tmp_path, name, start):
    (tmp_path / name).write_bytes(SAMPLE.read_bytes()[start:])
    assert content_of(tmp_path / name) == "DICOM"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "TIFF"])
@pytest.mark.parametrize("name", ["a", "a.dcm", "a.2"])
def test_images_whatever_their_names(tmp_path, form, name):
    Image.fromarray(np.eye(16, dtype=np.uint8)).save(tmp_path / name, form)
    assert content_of(tmp_path / name) == "image"


@pytest.mark.parametrize("content", [b"text", b"%PDF-1.7", b"BM is no image", b"PK\3\4", b"\2\0\0\0" * 50, b"\x08\0"])
def test_others(tmp_path, content):
    (tmp_path / "a.dcm").write_bytes(content)
    assert content_of(tmp_path / "a.dcm") == "other"
    (tmp_path / "a.dcm").write_bytes(b"")
    assert content_of(tmp_path / "a.dcm") == "empty"


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_a_file_that_cannot_be_read(tmp_path, monkeypatch, error):
    def refuse(*args, **kwargs):
        raise error

    (tmp_path / "a.dcm").write_bytes(b"content")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError) as raised:
        content_of(tmp_path / "a.dcm")
    assert f"a.dcm cannot be read ({error.strerror})" in str(raised.value)
