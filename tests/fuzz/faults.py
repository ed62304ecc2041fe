"""Faults that are planted into simulated radiographs, and the words by which the program must name each of them."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, generate_uid
from scipy import ndimage

from napari_jsn.export.simulated.dicom import dicom_bytes
from napari_jsn.simulation.hand import simulate

SHAPE, SPACING_MM = (1450, 1075), 0.2


@dataclass
class File:
    """A radiograph to write: its header and pixels, its place in the patient's folder, and how it is written."""

    dataset: Dataset
    path: str
    preamble: bool = True
    kept_bytes: float = 1.0

    @property
    def pixels(self) -> np.ndarray:
        """The stored values."""
        return self.dataset.pixel_array

    @pixels.setter
    def pixels(self, array: np.ndarray) -> None:
        self.dataset.Rows, self.dataset.Columns = array.shape
        self.dataset.PixelData = np.ascontiguousarray(array).astype("<u2").tobytes()
        self.dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(array.sum()), self.path])

    def write(self, folder: Path) -> None:
        """Write the file into the folder of the patient."""
        path = folder / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        self.dataset.save_as(content, enforce_file_format=True)
        data = content.getvalue()
        data = data if self.preamble else data[132:]
        path.write_bytes(data[: round(self.kept_bytes * len(data))])


Files = list[File]
Plant = Callable[[Files, np.random.Generator], None]


@dataclass(frozen=True)
class Fault:
    """A fault: how it is planted, and a pattern that a note, a reason or an error must match to name it.

    With ``harmless`` the figures must not change at all, so that nothing needs to be said.
    """

    name: str
    plant: Plant = field(repr=False)
    words: str = ""
    harmless: bool = False

    @property
    def is_of_storage(self) -> bool:
        """Whether it changes how plain pixels are stored, so that no pixels can be changed after it."""
        return self.name in ("overlay_in_high_bits", "too_few_bits_stated", "mislabelled_jpeg_2000")

    def is_named(self, text: str) -> bool:
        """Return whether a text names this fault."""
        return bool(self.words) and re.search(self.words, text, re.IGNORECASE) is not None


FAULTS: list[Fault] = []


def fault(words: str = "", harmless: bool = False) -> Callable[[Plant], Plant]:
    """Register a function that plants a fault."""

    def register(plant: Plant) -> Plant:
        FAULTS.append(Fault(plant.__name__, plant, words, harmless))
        return plant

    return register


def patient(seed: int) -> Files:
    """Return the left hand of a simulated patient at two visits."""
    return deepcopy(_simulated(seed))


@lru_cache(maxsize=12)
def _simulated(seed: int) -> Files:
    files = []
    for simulated in simulate(1, 2, seed, "left", SHAPE, spacing_mm=SPACING_MM):
        dataset = pydicom.dcmread(io.BytesIO(dicom_bytes(simulated, ["fuzz", str(seed)])))
        if dataset.PhotometricInterpretation == "MONOCHROME1":
            high = (1 << dataset.BitsStored) - 1
            array = high - dataset.pixel_array.astype(np.int64)
            dataset.PhotometricInterpretation = "MONOCHROME2"
            dataset.PixelData = array.astype("<u2").tobytes()
        dataset.WindowCenter = dataset.WindowWidth = None
        del dataset.WindowCenter, dataset.WindowWidth
        files.append(File(dataset, f"visit{simulated.visit}.dcm"))
    return files


def _one(files: Files, rng: np.random.Generator) -> File:
    """Return one of the two radiographs of the hand, which come first."""
    return files[int(rng.integers(2))]


def _raw(dataset: Dataset, keyword: str, text: str) -> None:
    """Put a text into an attribute without any check."""
    tag = Tag(pydicom.datadict.tag_for_keyword(keyword))
    value = text.encode() + b" " * (len(text) % 2)
    dataset[tag] = RawDataElement(tag, "DS", len(value), value, 0, False, True)


def _later(text: str, days: int) -> str:
    day = datetime.date(int(text[:4]), int(text[4:6]), int(text[6:8])) + datetime.timedelta(days)
    return day.strftime("%Y%m%d")


_DATE = r"date|acquired|taken"


@fault(_DATE)
def placeholder_date(files: Files, rng: np.random.Generator) -> None:
    _one(files, rng).dataset.AcquisitionDate = str(rng.choice(["19000101", "00010101", "18500101"]))


@fault(_DATE)
def year_of_another_calendar(files: Files, rng: np.random.Generator) -> None:
    dataset = _one(files, rng).dataset
    year = int(dataset.AcquisitionDate[:4]) + int(rng.choice([543, -621, -579]))
    dataset.AcquisitionDate = f"{year:04d}{dataset.AcquisitionDate[4:]}"


@fault(_DATE)
def dates_of_an_export(files: Files, rng: np.random.Generator) -> None:
    first = files[0].dataset
    first.ImageType = ["DERIVED", "SECONDARY"]
    first.ContentDate = _later(first.StudyDate, 900)
    del first.AcquisitionDate


@fault(_DATE)
def study_date_years_later(files: Files, rng: np.random.Generator) -> None:
    dataset = _one(files, rng).dataset
    dataset.StudyDate = _later(dataset.StudyDate, 365 * int(rng.integers(2, 9)))


@fault("dark|negative|invert|turned|polarity|inverse")
def inverse_presentation(files: Files, rng: np.random.Generator) -> None:
    _one(files, rng).dataset.PresentationLUTShape = "INVERSE"


@fault("dark|negative|invert|turned|polarity|inverse")
def negative_pixels(files: Files, rng: np.random.Generator) -> None:
    file = _one(files, rng)
    file.pixels = (1 << file.dataset.BitsStored) - 1 - file.pixels.astype(np.int64)


@fault(harmless=True)
def saturating_lookup_table(files: Files, rng: np.random.Generator) -> None:
    file = _one(files, rng)
    bits = int(file.dataset.BitsStored)
    low, high = np.quantile(file.pixels, (0.05, 0.87))
    ramp = np.clip((np.arange(1 << bits) - low) / (high - low), 0, 1) * 65535
    table = Dataset()
    table.LUTDescriptor, table.LUTExplanation = [(1 << bits) % 65536, 0, 16], ""
    table.add_new(Tag(0x0028, 0x3006), "OW", ramp.astype("<u2").tobytes())
    file.dataset.VOILUTSequence = [table]


@fault("spacing")
def spacing_that_cannot_be_read(files: Files, rng: np.random.Generator) -> None:
    _raw(
        _one(files, rng).dataset,
        "ImagerPixelSpacing",
        str(rng.choice(["0,2\\0,2", "0\\0", "0.2", "0.2\\0.2\\0.2", "x\\y"])),
    )


@fault("magnification|spacing")
def magnification_that_cannot_be_read(files: Files, rng: np.random.Generator) -> None:
    _raw(
        _one(files, rng).dataset,
        "EstimatedRadiographicMagnificationFactor",
        str(rng.choice(["1,05", "0", "-1", "abc"])),
    )


@fault("aspect|square|spacing")
def pixels_that_are_not_square(files: Files, rng: np.random.Generator) -> None:
    for file in files[:2]:
        file.pixels = ndimage.zoom(file.pixels.astype(float), (0.8, 1), order=1).clip(0)
        del file.dataset.ImagerPixelSpacing, file.dataset.EstimatedRadiographicMagnificationFactor
        file.dataset.PixelAspectRatio = [5, 4]


@fault("oblique|lateral|view")
def oblique_view(files: Files, rng: np.random.Generator) -> None:
    _one(files, rng).dataset.ViewPosition = str(rng.choice(["PA_OBL", "LATERAL_OBL", "LAT_L", "OBLIQ", "RAO"]))


@fault("oblique|lateral|view")
def contradicting_view_code(files: Files, rng: np.random.Generator) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "399067008", "SCT", "lateral projection"
    _one(files, rng).dataset.ViewCodeSequence = [code]


@fault("identifier|UID|cop(y|ies)")
def one_uid_for_all(files: Files, rng: np.random.Generator) -> None:
    for file in files[1:]:
        file.dataset.SOPInstanceUID = files[0].dataset.SOPInstanceUID


@fault(harmless=True)
def other_file_names(files: Files, rng: np.random.Generator) -> None:
    ending = str(rng.choice(["", ".ima", ".img", ".dic", ".cr", ".DCM"]))
    for number, file in enumerate(files):
        file.path = f"{number:04d}{ending}"


@fault(harmless=True)
def deep_folders(files: Files, rng: np.random.Generator) -> None:
    for number, file in enumerate(files):
        file.path = "/".join(
            [f"level{k}" for k in range(int(rng.integers(2, 7)))] + [f"{number}", Path(file.path).name]
        )


@fault(harmless=True)
def a_folder_named_like_a_file(files: Files, rng: np.random.Generator) -> None:
    file = _one(files, rng)
    file.path = f"folder.dcm/{Path(file.path).name}"


@fault(harmless=True)
def no_preamble(files: Files, rng: np.random.Generator) -> None:
    file = _one(files, rng)
    file.preamble = False


@fault("foot|left out|part", harmless=True)
def a_foot_beside_the_hands(files: Files, rng: np.random.Generator) -> None:
    foot = deepcopy(_one(files, rng))
    foot.dataset.BodyPartExamined = str(rng.choice(["FOOT", "", "EXTREMITY"]))
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "56459004", "SCT", "Foot"
    foot.dataset.AnatomicRegionSequence = [code]
    foot.dataset.SeriesDescription = "Foot left dp"
    foot.dataset.SOPInstanceUID, foot.path = generate_uid(), "other.dcm"
    files.append(foot)


@fault("left out", harmless=True)
def a_dose_report_beside_the_hands(files: Files, rng: np.random.Generator) -> None:
    report = deepcopy(files[0])
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(report.dataset, keyword)
    report.dataset.Modality, report.dataset.SOPClassUID = "SR", "1.2.840.10008.5.1.4.1.1.88.67"
    report.dataset.file_meta.MediaStorageSOPClassUID = report.dataset.SOPClassUID
    report.dataset.SOPInstanceUID = report.dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    report.path = "dose.dcm"
    files.append(report)


@fault("sharp|blur")
def blurred_visit(files: Files, rng: np.random.Generator) -> None:
    file = _one(files, rng)
    file.pixels = ndimage.gaussian_filter(file.pixels.astype(float), rng.uniform(1.0, 2.0))


@fault("scale|keystone|perspective|photograph")
def keystone(files: Files, rng: np.random.Generator) -> None:
    file = _one(files, rng)
    rows, cols = file.pixels.shape
    row, col = np.mgrid[:rows, :cols].astype(float)
    amount = rng.uniform(0.03, 0.05) * rng.choice([-1, 1])
    middle = (cols - 1) / 2
    col = middle + (col - middle) * (1 + amount * (row / rows - 0.5))
    file.pixels = ndimage.map_coordinates(file.pixels.astype(float), [row, col], order=1, mode="nearest")


@fault("stretched|scale|size")
def stretched_visit(files: Files, rng: np.random.Generator) -> None:
    amount = rng.uniform(0.03, 0.05) * rng.choice([-1, 1])
    _distort(_one(files, rng), np.diag([1 + amount, 1] if rng.integers(2) else [1, 1 + amount]))


@fault("stretched")
def sheared_visit(files: Files, rng: np.random.Generator) -> None:
    amount = rng.uniform(0.03, 0.05) * rng.choice([-1, 1])
    _distort(_one(files, rng), np.array([[1, amount], [0, 1]]))


@fault("from the middle|distorted|scale|stretched")
def barrel_or_pincushion(files: Files, rng: np.random.Generator) -> None:
    file = _one(files, rng)
    amount = rng.uniform(0.05, 0.08) * rng.choice([-1, 1])
    middle = (np.array(file.pixels.shape) - 1) / 2
    place = np.indices(file.pixels.shape, float) - middle[:, None, None]
    place *= 1 + amount * (place**2).sum(axis=0) / (middle @ middle)
    file.pixels = ndimage.map_coordinates(
        file.pixels.astype(float), place + middle[:, None, None], order=1, mode="nearest"
    )


@fault("blur|detail|sharp")
def hand_that_moved(files: Files, rng: np.random.Generator) -> None:
    file = _one(files, rng)
    axis, length = int(rng.integers(2)), int(rng.integers(4, 8))
    file.pixels = ndimage.uniform_filter1d(file.pixels.astype(float), length, axis)


@fault(harmless=True)
def overlay_in_high_bits(files: Files, rng: np.random.Generator) -> None:
    dataset = _one(files, rng).dataset
    array = dataset.pixel_array.copy()
    top, left = (int(rng.uniform(0.1, 0.8) * size) for size in array.shape)
    array[top : top + 60, left : left + 200] |= 1 << int(rng.integers(dataset.BitsStored, 16))
    dataset.PixelData = array.astype("<u2").tobytes()


@fault("bits")
def too_few_bits_stated(files: Files, rng: np.random.Generator) -> None:
    dataset = _one(files, rng).dataset
    dataset.BitsStored -= int(rng.integers(1, 4))
    dataset.HighBit = dataset.BitsStored - 1


@fault("mirror|marker|letter|side")
def mirrored_visit(files: Files, rng: np.random.Generator) -> None:
    file = _one(files, rng)
    file.pixels = file.pixels[:, ::-1]


@fault("side|left|right|hand")
def wrong_side_in_the_header(files: Files, rng: np.random.Generator) -> None:
    file = _one(files, rng)
    file.dataset.ImageLaterality = file.dataset.Laterality = "R"


def _distort(file: File, matrix: np.ndarray) -> None:
    """Distort an image by a matrix of (row, col) about its middle."""
    middle = (np.array(file.pixels.shape) - 1) / 2
    file.pixels = ndimage.affine_transform(
        file.pixels.astype(float), matrix, middle - matrix @ middle, order=1, mode="nearest"
    )


@fault("saturat|white|clipp|cut off|differ|one intensity|no hand|contrast")
def saturated_visit(files: Files, rng: np.random.Generator) -> None:
    file = _one(files, rng)
    file.pixels = np.minimum(file.pixels, np.quantile(file.pixels, rng.uniform(0.7, 0.85)))


@fault(harmless=True)
def padded(files: Files, rng: np.random.Generator) -> None:
    file = _one(files, rng)
    pixels = file.pixels
    rows, cols = (round(rng.uniform(0.3, 0.75) * size) for size in pixels.shape)
    file.pixels = np.pad(pixels, ((rows, rows), (cols, cols)), constant_values=int(np.quantile(pixels, 0.001)))


@fault("JPEG|compress|transfer syntax", harmless=True)
def mislabelled_jpeg_2000(files: Files, rng: np.random.Generator) -> None:
    dataset = _one(files, rng).dataset
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit


@fault("damaged|incomplete|cut short|pixel data|bytes")
def file_cut_short(files: Files, rng: np.random.Generator) -> None:
    _one(files, rng).kept_bytes = float(rng.uniform(0.3, 0.9))


@fault("patient")
def name_of_another_patient(files: Files, rng: np.random.Generator) -> None:
    dataset = files[-1].dataset
    dataset.PatientName, dataset.PatientID = "Other^Person", "OTHER"
