"""Two files measured as a joint pair, and the files that tell what was found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_jsn import __version__
from napari_jsn.joint.read_masks import read_masks
from napari_jsn.radiograph import Radiograph, read_radiograph
from napari_jsn.radiograph.spacing import Spacing, check_spacing

if TYPE_CHECKING:
    from napari_jsn.export.table import Record
    from napari_jsn.registration.result import Registration

#: File names of what is written about a pair, beside the images.
TABLE, FIGURE = "registration.csv", "figure.png"


@dataclass(frozen=True)
class MeasuredPair:
    """A joint pair and what was found between its images."""

    fixed: Radiograph
    moving: Radiograph
    registration: Registration
    device: str

    def record(self) -> Record:
        """One flat row; files by name only, since folders may tell who the patient is."""
        from napari_jsn.export.table import flat_record, spacing_cell

        return {
            "fixed": self.fixed.name,
            "moving": self.moving.name,
            **flat_record(self.registration),
            "spacing_source": self.fixed.spacing_source,
            "moving_spacing_mm": spacing_cell(self.moving.spacing_mm),
            "moving_spacing_source": self.moving.spacing_source,
            "device": self.device,
            "version": __version__,
        }

    def files(self) -> dict[str, bytes]:
        """File names and contents: table, figure and images."""
        from napari_jsn.export.figure import joint_figure, png_bytes
        from napari_jsn.export.images import registration_images
        from napari_jsn.export.table import csv_bytes, table

        title = f"Fixed {self.fixed.name}     Moving {self.moving.name}"
        fixed, moving = self.fixed, self.moving
        figure = joint_figure(
            fixed.pixels, moving.pixels, self.registration, fixed.spacing_mm, moving.spacing_mm, title
        )
        return {
            TABLE: csv_bytes(table([self.record()])),
            FIGURE: png_bytes(figure),
            **registration_images(self.registration),
        }


def measure(
    files: tuple[Path, Path],
    mask_files: tuple[Path | None, Path | None] = (None, None),
    spacings_mm: tuple[Spacing, Spacing] = (None, None),
    method: str = "refined",
    device: str | None = None,
    threads: int | None = None,
) -> MeasuredPair:
    """Read and register a pair of files, each argument as (fixed, moving).

    ``threads`` binds the whole process, so only the command sets it.

    Raises
    ------
    InputError
        If a file cannot be read or the pair cannot be registered.
    """
    fixed, moving = (_read(path, spacing) for path, spacing in zip(files, spacings_mm, strict=True))
    fixed_masks, moving_masks = (None if path is None else read_masks(path) for path in mask_files)
    import torch

    from napari_jsn.registration.register import register

    if threads is not None:
        torch.set_num_threads(threads)
    registration = register(fixed, moving, fixed_masks, moving_masks, method=method, device=device)
    if device in (None, "auto"):
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return MeasuredPair(fixed, moving, registration, str(device))


def _read(path: Path, spacing_mm: Spacing) -> Radiograph:
    """The radiograph, under a name that can be printed even where the file's is no valid text."""
    radiograph = read_radiograph(path, spacing_mm)
    return replace(radiograph, name=radiograph.name.encode(errors="replace").decode())


def typed_spacing(text: str | None, option: str) -> Spacing:
    """A pixel size as it was typed behind an option.

    Raises
    ------
    InputError
        If it is no length.
    """
    try:
        spacing: float | str | None = None if text is None else float(text)
    except ValueError:
        spacing = text  # refused below, in the words that a wrong number meets
    return check_spacing(spacing, option)
