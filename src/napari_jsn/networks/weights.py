"""Find, read and write models: trained networks and fitted constants, each with a JSON card that describes it.

A network is two files, ``<task>-<name>.safetensors`` and its card ``<task>-<name>.json``. The shipped ones are in
``napari_jsn/models``; the user's own are in the platform's folder for user data, or in the folder that the environment
variable ``NAPARI_JSN_MODELS`` names. A card without a weights file holds fitted constants.
"""

from __future__ import annotations

import json
import os
import re
import reprlib
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import read_bytes, write_files

if TYPE_CHECKING:
    from torch import Tensor

#: Fields that the card of every network has; its task adds others.
FIELDS = (
    "task", "name", "preset", "architecture", "input_size_px", "normalisation", "training_data", "figures", "command",
    "seed", "versions", "sha256",
)  # fmt: skip
#: Of the file of weights.
SUFFIX = ".safetensors"
#: End of the names of the numbers of batches that normalisations have seen, which no output depends on.
BATCH_COUNTS = ".num_batches_tracked"

#: Entry of a card, the first one, with what every output of the network states.
STATEMENT = "statement"
#: Entry of a card with the hash of its other entries.
CARD_HASH = "card_sha256"

#: Licence of the cards of this package, and of the weights that it ships.
LICENCE = "BSD-3-Clause"

#: Largest card; the shipped ones have less than 20 kB.
MAX_CARD_BYTES = 4_000_000


def cards() -> list[str]:
    """Return the names of all shipped cards, sorted."""
    return sorted(path.stem for path in _shipped().glob("*.json"))


def card(name: str) -> dict[str, Any]:
    """Read a shipped card.

    Parameters
    ----------
    name : str
        For instance ``"registration-refined"``, the calibration of the method ``refined``.

    Returns
    -------
    dict
        The content of the card; the code that reads it defines the keys.

    Raises
    ------
    InputError
        If there is no such card; the message lists those that exist.
    """
    if name not in cards():
        raise InputError(f"There is no model card {name!r}. Choose one of: {', '.join(cards())}.", "name")
    return read_card(_shipped() / f"{name}.json")


def user_folder() -> Path:
    """Return the folder of the user's own models; it may not exist yet."""
    from platformdirs import user_data_path

    named = os.environ.get("NAPARI_JSN_MODELS")
    return Path(os.path.expanduser(named)) if named else user_data_path("napari-jsn", appauthor=False) / "models"


def names(task: str) -> list[str]:
    """Return the names of a task's models: ``default``, the other shipped ones, then the user's own.

    Parameters
    ----------
    task : str
        For instance ``"segmentation"``.
    """
    shipped = _names_in(_shipped(), task)
    return sorted(shipped, key=lambda name: (name != "default", name)) + [
        name for name in _names_in(user_folder(), task) if name not in shipped
    ]


def described(task: str) -> dict[str, str]:
    """Return the names of a task's models, each with a sentence from its card: who made it, and its first figure."""
    return {name: _sentence(task, name) for name in names(task)}


def _sentence(task: str, name: str) -> str:
    shipped = name in _names_in(_shipped(), task)
    origin = "Shipped with the program" if shipped else "Trained by you"
    try:
        figures = read_card(find(task, name).with_suffix(".json")).get("figures")
    except InputError:
        return f"{origin}; its card cannot be read."
    means = figures.items() if isinstance(figures, dict) else ()
    for measure, figure in means:
        if isinstance(figure, dict) and isinstance(figure.get("mean"), (int, float)):
            return f"{origin}; {measure.upper()} {figure['mean']:.4g} on its validation images."
    return f"{origin}."


def check_name(name: str, argument: str = "name") -> str:
    """Return the name, after checking that it can be part of a file name on every system.

    Raises
    ------
    InputError
        If it is empty or holds anything but letters, digits, dots, dashes and underscores.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,63}", name, re.ASCII):
        raise InputError(f"A model cannot be called {name!r}. Use only letters, digits, dots, dashes and _.", argument)
    return name


def load(task: str, name: str = "default") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a network's weights and card, and check the weights against the card's hash.

    Parameters
    ----------
    task : str
        What the network is for: ``"segmentation"``.
    name : str
        One of :func:`names`, or the path of a ``.safetensors`` file whose card lies beside it.

    Returns
    -------
    weights : dict of str to tensor
        A state dict, on the CPU.
    card : dict

    Raises
    ------
    InputError
        If there is no such model, or its file is damaged, cut short or of another task.
    """
    path = find(task, name)
    about = read_card(path.with_suffix(".json"))
    if about.get("task") != task:
        raise InputError(f"{path.name} is a model for {about.get('task')!r}, not {task!r}. Choose another.", "model")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.", "model") from error
    if sha256(content).hexdigest() != about.get("sha256"):
        raise InputError(
            f"{path.name} is not the file that its card describes: it was changed or cut short. "
            "Get both files again, or train the model again.",
            "model",
        )
    from safetensors import SafetensorError
    from safetensors.torch import load as read

    try:
        return read(content), about
    except SafetensorError as error:
        raise InputError(f"{path.name} holds no weights. Get it again, or train the model again.", "model") from error


def find(task: str, name: str) -> Path:
    """Return the path of a model's weights file.

    Raises
    ------
    InputError
        If there is none; the message lists those that exist.
    """
    if not isinstance(name, str):
        raise InputError(f"The model is {reprlib.repr(name)}. Give its name, or the path of its file as text.", "model")
    if name.endswith(SUFFIX):
        path = Path(os.path.expanduser(name))
        if not os.path.isfile(path):  # also False where the path is too long
            raise InputError(f"There is no file {path}.", "model")
        return path
    for folder in (_shipped(), user_folder()):
        if name in _names_in(folder, task):
            return folder / f"{task}-{name}{SUFFIX}"
    known = ", ".join(names(task)) or f"none yet; napari-jsn train {task} makes one"
    raise InputError(f"There is no {task} model {name!r}. Choose one of: {known}.", "model")


def check_fields(about: Mapping[str, Any]) -> None:
    """Check that a card has all required fields but the hash.

    Raises
    ------
    ValueError
        If a field is missing, which is a mistake of the code that made the card.
    """
    if missing := [entry for entry in FIELDS if entry not in about and entry != "sha256"]:
        raise ValueError(f"The card lacks {', '.join(missing)}.")


def save(
    folder: str | os.PathLike[str],
    weights: Mapping[str, Tensor],
    about: Mapping[str, Any],
    beside: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a network's weights and card, both or neither; replace files of the same names.

    Parameters
    ----------
    folder : path
        Created if it does not exist. A model in :func:`user_folder` appears in every menu.
    weights : mapping of str to tensor
        A state dict.
    about : mapping
        The card without ``sha256``, which is filled in; ``task`` and ``name`` make the files' names.
    beside : mapping of str to bytes, optional
        Further files to write with them: the ending of the name (``".csv"``) and the content.

    Returns
    -------
    Path
        The weights file.

    Raises
    ------
    InputError
        If the folder cannot be written, or the name cannot be part of a file's name.
    """
    from safetensors.torch import save as as_bytes

    check_fields(about)
    stem = f"{about['task']}-{check_name(about['name'])}"
    content = as_bytes({key: value.detach().cpu().contiguous() for key, value in weights.items()})
    full = {**about, "sha256": sha256(content).hexdigest()}
    order = (*(each for each in (STATEMENT,) if each in full), *FIELDS, *full)
    contents = {stem + SUFFIX: content, f"{stem}.json": card_bytes({key: full[key] for key in order})}
    contents |= {stem + ending: extra for ending, extra in (beside or {}).items()}
    return write_files(folder, contents)[0]


def halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict with 16 bits; a tensor with values that are too large for them keeps its type.

    The numbers of batches that normalisations have seen are left out.
    """
    found = {}
    for key, each in state.items():
        if key.endswith(BATCH_COUNTS):
            continue
        half = each.half() if each.is_floating_point() else each
        found[key] = half if bool(half.isfinite().all()) else each
    return found


def card_bytes(content: Mapping[str, Any]) -> bytes:
    """Return the file of a card, with the hash of its own contents as the last entry.

    Raises
    ------
    ValueError
        If a value is NaN or infinite, which JSON cannot hold.
    """
    full = {key: value for key, value in content.items() if key != CARD_HASH}
    full[CARD_HASH] = card_hash(full)
    return f"{json.dumps(full, indent=2, ensure_ascii=False, allow_nan=False)}\n".encode()


def card_hash(content: Mapping[str, Any]) -> str:
    """Return the hash of a card's contents, which depends neither on their order nor on how they are written."""
    others = {key: value for key, value in content.items() if key != CARD_HASH}
    text = json.dumps(others, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode()).hexdigest()


def write_card_hashes() -> list[Path]:
    """Write the hash of its own contents to every shipped card; return the cards that changed."""
    changed = []
    for path in sorted(_shipped().glob("*.json")):
        old = path.read_bytes()
        new = card_bytes(json.loads(old))
        if new != old:
            changed += write_files(path.parent, {path.name: new})
    return changed


def is_shipped(path: Path) -> bool:
    """Return whether a model comes with the program."""
    return path.parent.resolve() == _shipped().resolve()


def _shipped() -> Path:
    return Path(str(files("napari_jsn").joinpath("models")))


def _names_in(folder: Path, task: str) -> list[str]:
    """Return the names of the models in a folder that have both files."""
    prefix = f"{task}-"
    found = (path.stem.removeprefix(prefix) for path in folder.glob(f"{prefix}*{SUFFIX}"))
    return sorted(name for name in found if (folder / f"{prefix}{name}.json").is_file())


def read_card(path: Path) -> dict[str, Any]:
    """Return the content of a card.

    Raises
    ------
    InputError
        If there is none, it cannot be read, or it was changed after it was written.
    """
    try:
        if not os.path.isfile(path):  # a pipe would wait for a writer
            raise InputError(f"The model card {path.name} is missing. Put it beside the weights.", "model")
        if path.stat().st_size > MAX_CARD_BYTES:
            raise InputError(f"{path} is too large for a model card. Get it again.", "model")
        content = json.loads(read_bytes(path))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}. Get it again.", "model") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} is no model card: it is not JSON, or is nested too deeply. Get it again.",
            "model",
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"{path} is no model card. Get it again, or train the model again.", "model")
    if content.get(CARD_HASH) != card_hash(content):
        how = "was changed after it was written" if CARD_HASH in content else "lacks the hash of its contents"
        raise InputError(f"{path} {how}, so it is not believed. Get it again, or train the model again.", "model")
    return content


def model_identity(task: str, name: str) -> str:
    """Return the name of a model and the SHA-256 of its weights: ``"default 1a2b3c..."``.

    Raises
    ------
    InputError
        If there is no such model.
    """
    path = find(task, name)
    try:
        digest = str(read_card(path.with_suffix(".json")).get("sha256", ""))
    except InputError:
        digest = ""  # loading the model reports what is wrong with its card
    return f"{path.stem.removeprefix(f'{task}-')} {digest}".strip()


def card_identity(name: str) -> str:
    """Return the word ``card`` and the SHA-256 of a shipped card of fitted constants: ``"card 1a2b3c..."``."""
    return f"card {sha256((_shipped() / f'{name}.json').read_bytes()).hexdigest()}"


def short_identity(identity: str) -> str:
    """Return what :func:`model_identity` returned with the first 12 digits of the hash only, for tables.

    Examples
    --------
    >>> short_identity("default " + 16 * "a1b2")
    'default a1b2a1b2a1b2'
    """
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1", identity)
