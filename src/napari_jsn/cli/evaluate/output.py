"""Write the results of the commands ``napari-jsn evaluate``: the page of the documentation and the model card."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import check_folder, read_bytes, write_files
from napari_jsn.evaluation.page import replace_measured
from napari_jsn.networks import weights


def check_page(page: Path | None) -> None:
    """Check that the page can be read and written, before the long computation.

    Raises
    ------
    InputError
        If the page is a folder or not text in UTF-8, or if its folder is not writable.
    """
    if page is not None:
        check_folder(page.parent, "page")
        _read_page(page)


def check_card(card: Path) -> None:
    """Check that the card of a model can be written, before the long computation.

    Raises
    ------
    InputError
        If its folder is not writable.
    """
    check_folder(card.parent, "model", [card.name])


def write_page(page: Path | None, report: str, images: Mapping[str, bytes] | None = None) -> list[Path]:
    """Replace the measured part of a page, and write its images to the folder ``images`` beside it.

    Returns
    -------
    list of Path
        The files that were written; empty without a page.
    """
    if page is None:
        return []
    content = replace_measured(_read_page(page), report).encode()
    written = write_files(page.parent / "images", images, "page") if images else []
    return written + write_files(page.parent, {page.name: content}, "page")


def write_figures(card: Path, figures: Mapping[str, Any]) -> list[Path]:
    """Write the figures of images that the model never learned from to its card."""
    content = weights.read_card(card)
    content["figures"] = {**content["figures"], "never_learned_from": _finite(figures)}
    return write_files(card.parent, {card.name: weights.card_bytes(content)}, "model")


def _finite(value: Any) -> Any:
    """Return figures with None for those that are infinite or not a number, which JSON cannot hold."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _read_page(page: Path) -> str:
    try:
        return read_bytes(page).decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{page} cannot be read as text in UTF-8. Give the path of a Markdown page.", "page"
        ) from error
