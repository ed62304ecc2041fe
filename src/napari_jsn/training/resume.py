"""Write and read the resume file: the whole state of a training after its last full epoch."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from napari_jsn.common.errors import InputError
from napari_jsn.networks.inputs import first_names
from napari_jsn.training.place import RESUME_SUFFIX

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

    from napari_jsn.networks.task import Task

#: Key of the facts about a training in its resume file.
RUN = "napari_jsn"
SUFFIX = RESUME_SUFFIX
#: A disk with fewer bytes free is full: the resume file of the smallest network is larger.
_LITTLE_SPACE = 1_000_000


class NotWritten(InputError):
    """The resume file could not be written.

    Parameters
    ----------
    folder : Path
    reason : str
        A clause: ``"the disk is full"``.
    """

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder} cannot be written to: {reason}. Free space there, or choose another folder.", "out")
        self.folder = folder
        self.reason = reason


def _reason(error: Exception, folder: Path) -> str:
    """Return why a file could not be written; torch's own words say nothing to a user."""
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT) or (number is None and _is_full(folder)):
        return "the disk is full"
    if number == errno.EFBIG:
        return "a file may not be so large there"
    return str(getattr(error, "strerror", None) or "the system refused it; the disk may be full").lower()


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _LITTLE_SPACE
    except OSError:
        return False


class AtomicCheckpoints(TorchCheckpointIO):
    """Read and write resume files; a killed process leaves the former or the new file, never half of it."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a file under a temporary name, then rename it."""
        import torch

        path = Path(path)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(checkpoint, part)
            os.replace(part, path)
        except (OSError, RuntimeError) as error:  # torch raises a RuntimeError when the disk is full
            raise NotWritten(path.parent, _reason(error, path.parent)) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def load_checkpoint(self, path: Any, *args: Any, **options: Any) -> dict[str, Any]:
        """Read tensors and plain values only, so that a foreign resume file cannot run code."""
        import torch

        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state


class ResumeFile(Checkpoint):
    """Callback that writes the resume file after every epoch."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the file; Lightning calls this last in an epoch, after validation."""
        trainer.save_checkpoint(self.path)


def read_run(path: str | os.PathLike[str], task: Task | None = None) -> dict[str, Any]:
    """Return the facts about the training in a resume file: task, preset, architecture, epochs, seed, ...

    Raises
    ------
    InputError
        If it is no resume file, or one of another task, preset or network than ``task``.
    """
    path = Path(path)
    try:
        run = AtomicCheckpoints().load_checkpoint(path)[RUN]
    except FileNotFoundError as error:
        raise InputError(f"There is no resume file {path}. Omit it to start a new training.", "resume") from error
    except Exception as error:  # what unpickles a foreign file can raise anything
        raise InputError(
            f"{path} is no resume file of napari-jsn, or it is damaged. Start a new training.", "resume"
        ) from error
    if task is not None:
        for entry, wanted in identity(task).items():
            if run[entry] != wanted:
                raise InputError(
                    f"{path.name} belongs to another training: its {entry} is {run[entry]!r}, not {wanted!r}. "
                    "Choose its own task and preset.",
                    "resume",
                )
    return dict(run)


def identity(task: Task) -> dict[str, Any]:
    """Return what must be equal for a training to be resumed: task, preset and architecture."""
    about = task.card()
    return {"task": task.name, "preset": task.preset, "architecture": about.get("architecture")}


def check_inputs(resumed: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    """Check that a training is resumed with the images that it began with.

    Parameters
    ----------
    resumed, run : mapping
        Facts about the training in the resume file, and about the one that is to continue it.

    Raises
    ------
    InputError
        If images, masks, their order, groups or visits, or the simulated images differ.
    """
    if resumed.get("simulator") != run["simulator"]:
        raise InputError(
            "The program simulates other images than when this training began. Start a new training.", "resume"
        )
    if resumed.get("simulated", run["simulated"]) != run["simulated"]:
        raise InputError(
            f"This training began with {resumed['simulated'] or 'no'} simulated images, not with "
            f"{run['simulated'] or 'none'}. Resume it with as many.",
            "resume",
        )
    old, new = ([tuple(each) for each in about.get("inputs", {}).get("images", ())] for about in (resumed, run))
    before, now = ({image for _, image, *_ in images} for images in (old, new))
    began = f"This training began with {len(old)} images" + (
        f" of {resumed['inputs']['folder']}" if resumed.get("inputs", {}).get("folder") else ""
    )
    missing = [name for name, image, *_ in old if image not in now]
    added = [name for name, image, *_ in new if image not in before]
    if missing or added:
        differences = [
            f"{first_names(names)} {verb}" for names, verb in ((missing, "are not there"), (added, "are new")) if names
        ]
        raise InputError(f"{began}; of these given now, {' and '.join(differences)}. Give the same images.", "data")
    if [each[1:3] for each in old] != [each[1:3] for each in new]:
        changed = [name for name, *rest in new if rest[:2] not in [list(each[1:3]) for each in old]]
        labels = "scores" if run["task"] == "scoring" else "masks or points"
        what = f"the {labels} of {first_names(changed)} were changed" if changed else "their order is another"
        argument = "scores" if changed and run["task"] == "scoring" else "data"
        raise InputError(f"{began}; {what}. Restore them, or start a new training.", argument)
    if [each[3] for each in old] != [each[3] for each in new]:
        raise InputError(f"{began}; their groups were others. Give the same table of patients.", "groups")
    if resumed.get("pairs") != run["pairs"]:
        raise InputError(f"This training began with the pairs {resumed.get('pairs')!r}. Give the same.", "pairs")
    if resumed.get("kind") != run["kind"]:
        began_with = "both kinds" if resumed.get("kind") is None else f"the kind {resumed['kind']!r}"
        raise InputError(f"This training began with {began_with}. Give the same.", "kind")
