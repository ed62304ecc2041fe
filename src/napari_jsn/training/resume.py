"""Write and read the resume file: the whole state of a training after its last full epoch."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from napari_jsn.common.errors import InputError

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

    from napari_jsn.networks.task import Task

#: Key of the facts about a training in its resume file.
RUN = "napari_jsn"
SUFFIX = ".ckpt"


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
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise InputError(
                f"{path} could not be written: {reason}. Free disk space and resume if the file exists, "
                "or choose another folder.",
                "out",
            ) from error
        finally:
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
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, ValueError, pickle.UnpicklingError) as error:
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
