"""The page of the tables is that of the schema, and the tables keep what they must not hold out."""

import runpy
from pathlib import Path

import napari_jsn as jsn
from napari_jsn.store import open_store
from tests.store.conftest import measured_once

ROOT = Path(__file__).parents[2]


def test_the_page_and_the_drawing_are_those_of_the_schema():
    tool = runpy.run_path(str(ROOT / "tools" / "store_schema.py"))
    assert tool["PAGE"].read_text("utf-8") == tool["page"]()
    assert tool["PICTURE"].read_text("utf-8") == tool["picture"]()


def test_a_store_holds_no_identity_and_no_pixels(tmp_path):
    import pydicom

    measured = measured_once(jsn.sample_folder("hand_pair"))
    with open_store(tmp_path / "trial.db", "A") as store:
        store.save(measured)
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for hand in measured.hands:  # the path may name the patient
        content = content.replace(str(hand.radiograph.path).encode(), b"")
    header = pydicom.dcmread(measured.hands[0].radiograph.path, stop_before_pixels=True)
    texts = [header.PatientID, header.PatientName, header.PatientBirthDate, header.StudyInstanceUID]
    stated = [str(text).encode() for text in texts if str(text)]
    assert len(stated) >= 2 and [text for text in stated if text in content] == []
    assert len(content) < measured.hands[0].radiograph.pixels.size / 4
